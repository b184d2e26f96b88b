"""Whether the patient is pregnant: what a status, a test in words or a measured hCG says, and what each leaves open.

A number alone never excludes a pregnancy: only the laboratory's own word, or its range for women who are not pregnant, does.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping

import msgspec

from cdshooks.ehr.resources import CodeableConcept, Observation, ReferenceRange, Resources
from cdshooks.knowledge.measures import MeasureKnowledge
from cdshooks.record.dates import observed_on
from cdshooks.record.measurements import MeasurementReader
from cdshooks.record.model import Doubt, Measurement, Statement
from cdshooks.record.numbers import number_in, number_of
from cdshooks.record.terms import RecordTerms, texts_of

_STATUS, _IN_WORDS, _HCG = "pregnancy-status", "pregnancy-test", "hcg"
_TESTS = frozenset({_STATUS, _IN_WORDS, _HCG})
_ABOUT, _MALE = "pregnancy", "male"
_STATES = {"not pregnant": "not_pregnant", "possible pregnancy": "possible"}
_CALLED = {"positive": "positive", "negative": "negative", "not tested": "open", "unknown": "open"}
_OPEN = "A pregnancy test has no result that can be read, so a pregnancy is neither shown nor excluded."
_UNSURE = "A pregnancy test does not decide, so a pregnancy is not excluded; repeat the test."
_WITHOUT_NUMBER: Mapping[str | None, tuple[str | None, str | None]] = {
    "negative": ("not_pregnant", None),
    "unsure": ("possible", _UNSURE),
    "open": (None, _OPEN),
    None: (None, _OPEN),
}
_LIMIT_IN_WORDS = re.compile(r"^\s*(?:(<=|\u2264|<)|0(?:[.,]0+)?\s*[-\u2013])\s*(\d+(?:[.,]\d+)?)")


class PregnancyReading(msgspec.Struct, frozen=True):
    """What is said, the hCG that was measured, and what stays open."""

    statements: tuple[Statement, ...]
    measurements: tuple[Measurement, ...]
    doubts: tuple[Doubt, ...]


class _Limit(msgspec.Struct, frozen=True):
    """Up to where (``is_included``: that value too) the laboratory calls an hCG that of a woman who is not pregnant."""

    value: float
    is_included: bool

    def holds(self, number: float, comparator: str | None) -> bool:
        """Whether a number is known to lie within."""
        if comparator in {">", ">="}:
            return False
        return number < self.value or (number == self.value and (self.is_included or comparator == "<"))


class PregnancyReader:
    """Reads statuses and tests; a code known as another test is none of them, whatever its name."""

    def __init__(self, terms: RecordTerms, measures: MeasureKnowledge, numbers: MeasurementReader) -> None:
        self._terms, self._numbers = terms, numbers
        self._measure = measures.by_fact[_HCG]
        self._names, self._results = terms.meanings("pregnancy-test-name"), terms.meanings("pregnancy-test-result")
        self._ranges = terms.meanings("hcg-range")
        self._negative = self._results.whole("negative")
        self._raised, self._pregnant = terms.limit("hcg-raised-from"), terms.limit("hcg-range-of-the-pregnant-above")

    def can_tell(self, code: CodeableConcept | None) -> bool:
        """Whether an observation of this code is a status or a test."""
        return self._kind(code) is not None

    def read(self, resources: Resources, sex: str | None) -> PregnancyReading:
        """All that is said; the hCG of a man is a measurement and says nothing of a pregnancy."""
        statements: list[Statement] = []
        measurements: list[Measurement] = []
        doubts: list[Doubt] = []
        for held in resources.each("Observation"):
            observation = held.resource
            if not isinstance(observation, Observation) or observation.status in {"entered-in-error", "cancelled"}:
                continue
            kind = self._kind(observation.code)
            if kind is None:
                continue
            state, because = self._status(observation), None
            if kind != _STATUS:
                measured = self._numbers.measured(observation, _HCG, held)
                number = measured if isinstance(measured, Measurement) else None
                if number is not None:
                    measurements.append(msgspec.structs.replace(number, times_upper_limit=None))
                if sex == _MALE and number is not None:
                    continue
                state, because = self._tested(observation, number)
            if state is not None:
                day = observed_on(observation)
                statements.append(Statement(about=_ABOUT, value=state, date=day, evidence=(held.ref,)))
            if because is not None:
                doubts.append(Doubt(code="open-test", about=_ABOUT, because=because, evidence=(held.ref,)))
        return PregnancyReading(tuple(statements), tuple(measurements), tuple(doubts))

    def _kind(self, code: CodeableConcept | None) -> str | None:
        test = self._terms.test(code)
        if test is not None:
            return test if test in _TESTS else None
        return _IN_WORDS if self._names.first(" ".join(texts_of(code))) == "test" else None

    def _status(self, observation: Observation) -> str | None:
        """A status by its code or in words."""
        value = observation.value_codeable_concept
        found = self._terms.answer("pregnancy", value)
        if found is not None:
            return _STATES.get(found, found)
        text = " ".join((observation.value_string or "", *texts_of(value)))
        words = self._terms.meanings("pregnancy")
        if not words.has("named", text):
            return None
        is_denied = self._terms.meanings("denial").first(text) is not None
        return "not_pregnant" if is_denied else "possible" if words.has("possible", text) else "pregnant"

    def _tested(self, observation: Observation, measured: Measurement | None) -> tuple[str | None, str | None]:
        """What a test says, and what it leaves open."""
        word = self._word(observation)
        low, high = self._bounds(measured)
        if word == "positive":
            return "pregnant", None
        if low is None or high is None or measured is None:
            return _WITHOUT_NUMBER[word]
        limit, comparator = self._limit(observation), measured.comparator
        is_sure = word in {None, "negative"}
        if limit is not None and limit.holds(high, comparator) and is_sure:
            return "not_pregnant", None
        if limit is None and word == "negative" and high <= self._pregnant and comparator not in {">", ">="}:
            return "not_pregnant", None
        told = f"An hCG of {comparator or ''}{high:g} IU/L"
        is_raised = comparator not in {"<", "<="} and (
            low >= self._raised if limit is None else not limit.holds(low, None)
        )
        if is_raised or word == "unsure":
            range_ = f" (negative up to {limit.value:g})" if limit is not None else ""
            return "possible", f"{told}{range_} does not exclude a pregnancy; repeat the test."
        because = "was sent without" if limit is None else "is not known to lie within"
        return (
            None,
            f"{told} {because} the laboratory's range for women who are not pregnant, so it excludes no pregnancy.",
        )

    def _word(self, observation: Observation) -> str | None:
        """What the laboratory itself calls the result; "unsure" too where it says two things, "open" where there is none yet."""
        told = {it for it in self._words(observation) if it is not None}
        return "unsure" if len(told) > 1 else told.pop() if told else None

    def _words(self, observation: Observation) -> Iterator[str | None]:
        listed = observation.interpretation
        concepts = (*(listed if isinstance(listed, tuple) else (listed,)), observation.value_codeable_concept)
        for concept in concepts:
            coded = self._terms.answer("receptor-status", concept)
            yield _CALLED.get(coded, "unsure") if coded is not None else None
        for text in (observation.value_string or "", *(text for it in concepts for text in texts_of(it))):
            yield self._in_words(text)

    def _in_words(self, text: str) -> str | None:
        found = self._results.of(text)
        if "unsure" in found or "?" in text:
            return "unsure"
        is_positive = "positive" in self._results.of(self._negative.sub(" ", text))
        if is_positive and "negative" in found:
            return "unsure"
        return "positive" if is_positive else next((it for it in ("negative", "open") if it in found), None)

    @staticmethod
    def _bounds(measured: Measurement | None) -> tuple[float | None, float | None]:
        if measured is None:
            return None, None
        return (measured.low, measured.high) if measured.value is None else (measured.value, measured.value)

    def _limit(self, observation: Observation) -> _Limit | None:
        """The lowest upper limit of the ranges for women who are not pregnant, in IU/L."""
        limits = [it for it in map(self._limit_in, observation.reference_range) if it is not None]
        return min(limits, key=lambda it: (it.value, it.is_included), default=None)

    def _limit_in(self, range_: ReferenceRange) -> _Limit | None:
        words = " ".join((range_.text or "", *(text for it in range_.applies_to for text in texts_of(it))))
        low = number_of(range_.low.value) if range_.low is not None else None
        if self._ranges.first(words) == "pregnant" or (low is not None and low > 0):
            return None
        if range_.high is not None:
            value, unit, is_included = number_of(range_.high.value), range_.high.code or range_.high.unit, True
        else:
            found = _LIMIT_IN_WORDS.match(range_.text or "")
            value = number_in(found[2]) if found is not None else None
            unit, is_included = None, found is not None and found[1] != "<"
        scale = self._measure.scale(unit) if unit else self._measure.bare[0]
        if value is None or scale is None or not 0 < scale.of(value) <= self._pregnant:
            return None
        return _Limit(scale.of(value), is_included)
