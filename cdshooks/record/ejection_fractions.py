"""The ejection fraction in the running text of a report: read on examinations of the heart, shown as found anywhere else.

A value that the text calls earlier, a limit or a condition is never read as measured; of several values none is picked.
Source: Wagholikar et al., J Med Syst 2018 (10.1007/s10916-018-1066-7).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import CodeableConcept, DiagnosticReport, Held, Observation, Resources
from cdshooks.knowledge.measures import Measure, MeasureKnowledge
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import reported_on
from cdshooks.record.model import Doubt, Measurement
from cdshooks.record.numbers import number_in
from cdshooks.record.running_text import texts_of_report
from cdshooks.record.terms import RecordTerms

_FACT = "lvef_percent"
_METHOD = "read in the text of the report"
_WITHDRAWN, _NOT_FINAL = (
    frozenset({"entered-in-error", "cancelled"}),
    frozenset({"preliminary", "registered", "partial"}),
)
_SIGNS = {"\u2264": "<=", "\u2265": ">=", "~": None, "=": None}
_NUMBER = r"\d{1,3}(?:[.,]\d+)?"
_PLUS_MINUS = re.compile(r"(?:\+/-|\u00b1)\s*$")
_PIECE_END, _TIME_END = re.compile(r"[,;:%()]"), re.compile(r"[,;:%)]")
_AHEAD = 60
"""Characters before a name in which stands what it is the name of."""


class Told(msgspec.Struct, frozen=True):
    """What a text tells: low and high end in percent with a comparator where it is decided.

    ``because`` names in a few words why it is not: ``several``, ``earlier``, ``words``, ``impossible``.
    """

    low: float | None = None
    high: float | None = None
    comparator: str | None = None
    because: str | None = None


class _Value(msgspec.Struct, frozen=True, kw_only=True):
    low: float
    high: float
    comparator: str | None
    start: int
    end: int


_SENTENCES = {
    "several": "tells several ejection fractions and not which one counts",
    "earlier": "tells an ejection fraction of an earlier time or as a condition",
    "words": "speaks of the ejection fraction without its value",
    "impossible": "tells an ejection fraction that cannot be true",
    "elsewhere": "that is no examination of the heart mentions an ejection fraction",
}


class EjectionFractions:
    """Reads texts; what a text says is remembered."""

    def __init__(self, terms: RecordTerms, measures: MeasureKnowledge) -> None:
        self._terms, self._text = terms, terms.running_text
        self._measure: Measure | None = measures.by_fact.get(_FACT)
        self._tests = frozenset(test for test, measure in measures.by_test.items() if measure.fact == _FACT)
        words, comparison = terms.meanings("ejection-fraction"), terms.meanings("receptor-comparison")
        self._name, self._other = words.whole("name"), words.whole("other")
        self._limit, self._perhaps_limit = words.whole("limit"), words.whole("perhaps-limit")
        self._in_words = words.whole("in-words")
        self._change = re.compile(f"{words.whole('change').pattern}|{self._in_words.pattern}", re.IGNORECASE)
        self._perhaps_earlier = terms.meanings("text-time").whole("perhaps-earlier")
        earlier = terms.meanings("text-time").pattern("perhaps-earlier")
        self._perhaps_earlier_last = re.compile(rf"{earlier}\s*$", re.IGNORECASE)
        to, percent = (
            terms.meanings("number-range").pattern("to"),
            f"%|{terms.meanings('percent').pattern('percent')}(?!\\w)",
        )
        self._value = re.compile(
            rf"(?P<sign>(?<!-)[<>]=?|[\u2264\u2265~=])?\s*(?<![\w.,])(?<!\d/)(?P<low>{_NUMBER})(?:\s*(?P<unit>{percent}))?"
            rf"(?:\s*(?:-|\u2013|(?:{to}|{words.pattern('joining')})(?!\w))\s*(?P<high>{_NUMBER}))?"
            rf"\s*(?P<last>{percent}|[^\W\d]+)?(?!\d|(?<=\d)/\d|[.,]\d)",
            re.IGNORECASE,
        )
        self._difference = re.compile(rf"{words.pattern('difference')}\s*$", re.IGNORECASE)
        self._percent = re.compile(percent, re.IGNORECASE)
        self._more, self._less = (
            re.compile(rf"{comparison.pattern(it)}\s*$", re.IGNORECASE) for it in ("more", "less")
        )
        self._to_at_end = re.compile(rf"{to}\s*$", re.IGNORECASE)
        self.told_in = remembered(self._told_in)

    def can_tell(self, code: CodeableConcept | None) -> bool:
        """Whether an observation of this code may tell an ejection fraction in text."""
        test = self._terms.test(code)
        return test in self._tests or (test is None and self._terms.is_report_on("heart", code))

    def read(
        self, resources: Resources, observed: Resources, measured: Iterable[Measurement]
    ) -> tuple[tuple[Measurement, ...], tuple[Doubt, ...]]:
        """What reports tell beside the measurements: values as measurements, and what has to be read by a clinician."""
        known = [it for it in measured if it.fact == _FACT]
        found: list[Measurement] = []
        open_points: list[tuple[str, PartialDate | None, Held]] = []
        for held in (*resources.each("DiagnosticReport"), *observed.each("Observation")):
            report = held.resource
            if not isinstance(report, (DiagnosticReport, Observation)) or report.status in _WITHDRAWN:
                continue
            told = _together(self.told_in(text) for text in self._texts(report))
            if told is None:
                continue
            day = reported_on(report)
            if told.because is None and self.can_tell(report.code):
                found.append(_measurement(told, held, day, is_preliminary=report.status in _NOT_FINAL))
            else:
                open_points.append((told.because or "elsewhere", day, held))
        new = tuple(it for it in dict.fromkeys(found) if not any(_is_same(it, one) for one in known))
        settled = [it.date for it in (*known, *new)]
        doubts = (_doubt(*it) for it in open_points if not any(_is_settled(it[1], day) for day in settled))
        return new, tuple(dict.fromkeys((*doubts, *_differing(new, known))))

    def _texts(self, report: DiagnosticReport | Observation) -> tuple[str, ...]:
        """The text of a report; of an observation the notes as well, those alone where it is a measurement without a value."""
        if isinstance(report, DiagnosticReport):
            return texts_of_report(report)
        notes = tuple(it.text for it in report.note if it.text)
        if self._terms.test(report.code) is None:
            return (*texts_of_report(report), *notes)
        has_value = (
            report.value_quantity is not None or report.value_string or report.value_codeable_concept is not None
        )
        return () if has_value or report.value_integer is not None or report.value_range is not None else notes

    def _told_in(self, text: str) -> Told | None:
        told: list[Told] = []
        for clause in self._text.clauses(text):
            for it in self._of_clause(clause.text):
                is_past = clause.is_earlier and it.because is None
                told.append(Told(because="earlier") if is_past else it)
        return _together(told)

    def _of_clause(self, clause: str) -> Iterator[Told]:
        names = list(self._name.finditer(clause))
        before = 0
        for index, name in enumerate(names):
            stop = names[index + 1].start() if index + 1 < len(names) else len(clause)
            ahead, behind = clause[max(before, name.start() - _AHEAD) : name.start()], clause[name.end() : stop]
            before = name.end()
            if self._other.search(_PIECE_END.split(ahead)[-1]):
                continue
            told = self._of_values(ahead, _TIME_END.split(ahead)[-1], behind)
            if told is not None:
                yield told

    def _of_values(self, ahead: str, piece: str, behind: str) -> Told | None:
        other = self._other.search(behind)
        behind = behind[: other.start()] if other else behind
        values = list(self._values(behind)) or self._value_before(ahead)
        is_before = bool(values) and values[0].start < 0
        if not values:
            return Told(because="words") if self._in_words.search(behind) or self._in_words.search(piece) else None
        is_condition = self._text.is_open(piece) or self._limit.search(piece) is not None
        is_past = self._text.is_earlier(piece) and not is_before
        now: list[_Value] = []
        plain: list[_Value] = []
        weak: list[_Value] = []
        at = 0
        for index, value in enumerate(values):
            next_at = values[index + 1].start if index + 1 < len(values) else len(behind)
            context = "" if is_before else behind[at : value.start]
            after = _PIECE_END.split(behind[max(value.end, 0) : next_at].lstrip(" %"))[0] if not is_before else ""
            at = max(value.end, 0)
            if _PLUS_MINUS.search(context):
                return Told(because="several")
            if self._difference.search(context):
                continue
            if self._limit.search(context) or self._text.is_open(context) or is_condition:
                continue
            if self._text.is_now(context) or self._is_change(behind[: value.start]):
                now.append(value)
            elif self._text.is_earlier(context) or self._text.is_earlier(after) or is_past:
                continue
            elif self._perhaps_earlier.search(context) or self._perhaps_limit.search(context):
                weak.append(value)
            else:
                plain.append(value)
        chosen = now or plain or weak
        if chosen:
            return self._decided(chosen)
        is_difference = all(self._difference.search(behind[: max(it.start, 0)]) for it in values)
        return Told(because="words" if is_difference else "earlier")

    def _is_change(self, context: str) -> bool:
        """Whether what stands before a value ends in "from 60 % to"."""
        return self._change.search(context) is not None and self._to_at_end.search(context) is not None

    def _decided(self, chosen: list[_Value]) -> Told:
        told = dict.fromkeys((it.low, it.high, it.comparator) for it in chosen)
        if len(told) > 1:
            return Told(because="several")
        low, high, comparator = next(iter(told))
        measure = self._measure
        scales = measure.bare_scales(low, high) if measure is not None else frozenset()
        if low > high or len(scales) != 1:
            return Told(because="several" if low > high else "impossible")
        scale = next(iter(scales))
        return Told(round(scale.of(low), 4), round(scale.of(high), 4), comparator)

    def _values(self, text: str) -> Iterator[_Value]:
        found = list(self._value.finditer(text))
        has_percent = any(it["unit"] or self._is_percent(it["last"]) for it in found)
        for match in found:
            is_percent = match["unit"] or self._is_percent(match["last"])
            low, high = number_in(match["low"]), number_in(match["high"] or match["low"])
            if low is None or high is None:
                continue
            is_bare = not has_percent and (match["last"] is None or low < 1) and match.start() <= _AHEAD
            if not is_percent and not (is_bare and (low < 1 or self._measure_is_possible(low))):
                continue
            before = text[: match.start()]
            is_change = self._change.search(before) and self._perhaps_earlier_last.search(before)
            is_change = is_change or self._difference.search(before)
            if match["high"] is not None and (is_change or low > high):
                # "from 60 to 38 %" and "by 15 to 45 %" are two values, of which the second may be the newer one
                yield _Value(low=low, high=low, comparator=None, start=match.start(), end=match.end("low"))
                yield _Value(low=high, high=high, comparator=None, start=match.start("high"), end=match.end())
                continue
            yield _Value(
                low=low,
                high=high,
                comparator=self._comparator(match["sign"], before),
                start=match.start(),
                end=match.end("last" if self._is_percent(match["last"]) else "high" if match["high"] else "low"),
            )

    def _value_before(self, ahead: str) -> list[_Value]:
        """A value right before the name: "55 % LVEF"."""
        found = list(self._value.finditer(ahead))
        last = found[-1] if found else None
        if last is None or ahead[last.end() :].strip() or not (last["unit"] or self._is_percent(last["last"])):
            return []
        low, high = number_in(last["low"]), number_in(last["high"] or last["low"])
        if low is None or high is None:
            return []
        return [_Value(low=low, high=high, comparator=None, start=-1, end=-1)]

    def _is_percent(self, written: str | None) -> bool:
        return written is not None and self._percent.fullmatch(written) is not None

    def _measure_is_possible(self, value: float) -> bool:
        return self._measure is not None and self._measure.is_possible(value)

    def _comparator(self, sign: str | None, before: str) -> str | None:
        if sign is not None:
            return _SIGNS.get(sign, sign)
        return ">" if self._more.search(before) else "<" if self._less.search(before) else None


def _together(told: Iterable[Told | None]) -> Told | None:
    """What the parts of a report tell: one value where they tell no other; what is open only where none is decided."""
    parts = [it for it in told if it is not None]
    decided = list(dict.fromkeys(it for it in parts if it.because is None))
    if len(decided) > 1 or any(it.because == "several" for it in parts):
        return Told(because="several")
    return decided[0] if decided else next(iter(parts), None)


def _measurement(told: Told, held: Held, day: PartialDate | None, *, is_preliminary: bool) -> Measurement:
    is_range = told.low != told.high
    return Measurement(
        fact=_FACT,
        value=None if is_range else told.low,
        unit="%",
        date=day,
        low=told.low if is_range else None,
        high=told.high if is_range else None,
        comparator=told.comparator,
        method=_METHOD,
        is_preliminary=is_preliminary,
        evidence=(held.ref,),
    )


def _ends(it: Measurement) -> tuple[float, float]:
    return (it.value, it.value) if it.value is not None else (it.low or 0.0, it.high or 0.0)


def _is_same(told: Measurement, known: Measurement) -> bool:
    """Whether a report tells what a measurement of the same day says."""
    (low, high), (least, most) = _ends(told), _ends(known)
    return told.date == known.date and told.date is not None and low <= most and least <= high


def _is_settled(told: PartialDate | None, known: PartialDate | None) -> bool:
    """Whether a measurement is not older than what a text tells."""
    return told is not None and known is not None and known.is_before(told) is False


def _differing(new: Iterable[Measurement], known: list[Measurement]) -> Iterator[Doubt]:
    for it in new:
        if any(it.date == one.date and it.date is not None for one in known):
            because = (
                f"The text of a report of {it.date} tells another ejection fraction than was measured on that day."
            )
            evidence = tuple(
                sorted({*it.evidence, *(ref for one in known if one.date == it.date for ref in one.evidence)})
            )
            yield Doubt(code="found-in-text", about=_FACT, because=because, evidence=evidence)


def _doubt(why: str, day: PartialDate | None, held: Held) -> Doubt:
    because = (
        f"A report{f' of {day}' if day else ''} {_SENTENCES[why]}; no value was used, so the report has to be read."
    )
    return Doubt(code="found-in-text", about=_FACT, because=because, evidence=(held.ref,))
