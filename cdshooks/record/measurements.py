"""Numbers about the patient in one unit each; what cannot be true is set aside, never used."""

from __future__ import annotations

import re

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import CodeableConcept, Component, Held, Observation, Quantity, ReferenceRange, Resources
from cdshooks.knowledge.codes import system_of
from cdshooks.knowledge.measures import Measure, MeasureKnowledge, Scale, Test
from cdshooks.record.dates import observed_on
from cdshooks.record.in_order import in_order
from cdshooks.record.model import Doubt, Measurement
from cdshooks.record.numbers import Ranges, number_of, numbers_in
from cdshooks.record.terms import RecordTerms, texts_of

_COMPARATOR = re.compile(r"^[^\d<>\u2264\u2265]{0,20}(<=|>=|<|>|\u2264|\u2265)")
_TWO_NUMBERS = re.compile(r"^\D{0,20}\d+(?:[.,]\d+)?\s*/\s*\d")
"""A number over another ("400/480"): which of the two is meant is not told."""
_SEVERAL = 2
_SIGNS = {"\u2264": "<=", "\u2265": ">="}
_WITHDRAWN, _NOT_FINAL = frozenset({"entered-in-error", "cancelled"}), frozenset({"preliminary", "registered"})
_NO_TEST = Test(method=None, unit="")


class MeasurementReading(msgspec.Struct, frozen=True):
    """Measurements and what was set aside."""

    measurements: tuple[Measurement, ...]
    doubts: tuple[Doubt, ...]


class _Number(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    low: float
    high: float
    comparator: str | None = None
    unit: str = ""
    words: str = ""
    """What follows a number in a text: perhaps its unit."""


class _Asked(msgspec.Struct, frozen=True, gc=False):
    """What an observation of a code measures, and by which test."""

    measure: Measure
    test: Test


class MeasurementReader:
    """Reads measurements of a known kind; what a code measures is remembered."""

    def __init__(self, terms: RecordTerms, measures: MeasureKnowledge) -> None:
        self._terms, self._measures = terms, measures
        self._asked_by = remembered(self._asked)
        self._limit = remembered(self._upper_limit)

    def can_read(self, code: CodeableConcept | None) -> bool:
        """Whether an observation or component of this code is a measurement."""
        return self._asked_by(code) is not None

    def measured(self, observation: Observation, fact: str, held: Held) -> Measurement | Doubt | None:
        """What an observation says as a measurement of one kind, whatever its code; None where it gives no number."""
        return self._read(observation, _Asked(self._measures.by_fact[fact], _NO_TEST), held, observation)

    def read(self, resources: Resources) -> MeasurementReading:
        """Every measurement, in its fact's unit, sorted by date."""
        found: list[Measurement] = []
        doubts: list[Doubt] = []
        for held in resources.each("Observation"):
            observation = held.resource
            if not isinstance(observation, Observation) or observation.status in _WITHDRAWN:
                continue
            component = observation.component
            parts: tuple[Observation | Component, ...] = (observation, *component) if component else (observation,)
            for part in parts:
                asked = self._asked_by(part.code)
                read = self._read(part, asked, held, observation) if asked is not None else None
                if read is not None:
                    (found if isinstance(read, Measurement) else doubts).append(read)  # type: ignore[arg-type]  # each to its like
        return MeasurementReading(in_order(found, order_of_measurements), tuple(dict.fromkeys(doubts)))

    def _asked(self, code: CodeableConcept | None) -> _Asked | None:
        """By the test that a code is; by its words where the code is unknown."""
        named = self._terms.test(code)
        if named is not None:
            measure = self._measures.by_test.get(named)
        elif self._terms.meanings("measure-sample").first(" ".join(texts_of(code))) == "elsewhere":
            return None  # "Leukozyten" of which only the other name says that they are those of the urine
        else:
            measure = next((it for it in map(self._measures.worded, texts_of(code)) if it is not None), None)
        if measure is None:
            return None
        keys = ((system_of(it.system), it.code or "") for it in (code.coding if code is not None else ()))
        tests = self._measures.tests
        return _Asked(measure, next((tests[key] for key in keys if key in tests), _NO_TEST))

    def _upper_limit(self, asked: tuple[tuple[ReferenceRange, ...], str, Scale]) -> float | None:
        """The upper limit of normal in the fact's unit; None where the ranges differ, for then it is not told which one counts."""
        ranges, fact, scale = asked
        limits: set[float] = set()
        for it in ranges:
            value = number_of(it.high.value) if it.high is not None else None
            if it.high is None or value is None:
                continue
            unit = _unit(it.high)
            own = self._measures.by_fact[fact].scale(unit) if unit else scale
            if own is not None and value > 0:
                limits.add(own.of(value))
        return limits.pop() if len(limits) == 1 else None

    def _read(
        self, part: Observation | Component, asked: _Asked, held: Held, observation: Observation
    ) -> Measurement | Doubt | None:
        measure = asked.measure
        if part.value_string and _differ_twice(part, part.value_string, self._terms):
            return _doubt("several", measure, held, f"This {measure.label} holds two values that differ.")
        number = _number(part, self._terms, measure.fact)
        if number is None:
            is_silent = part.value_codeable_concept is None and not part.value_string and part.value_quantity is None
            if is_silent:
                return None
            return _doubt("number", measure, held, f"This {measure.label} holds no number that can be read.")
        scale = _scale(number, measure, asked.test)
        if isinstance(scale, str):
            return _doubt("unit", measure, held, scale)
        low = scale.of(number.low)
        is_range = number.low != number.high
        high = scale.of(number.high) if is_range else low
        if not (measure.is_possible(low) and (not is_range or measure.is_possible(high))):
            told = f"{low:g}" if low == high else f"{low:g} to {high:g}"
            said = f"A {measure.label} of {told} {_readable(measure.unit)} cannot be true, so it was not used; "
            because = f"{said}is the unit right?"
            return _doubt("impossible", measure, held, because.replace("  ", " "))
        ranges = observation.reference_range if part is observation else ()
        limit = self._limit((ranges, measure.fact, scale)) if ranges else None
        return Measurement(
            fact=measure.fact,
            value=None if is_range else round(low, 4),
            unit=measure.unit,
            date=observed_on(observation),
            low=round(low, 4) if is_range else None,
            high=round(high, 4) if is_range else None,
            comparator=number.comparator,
            times_upper_limit=round(high / limit, 3) if limit else None,
            method=asked.test.method,
            is_preliminary=observation.status in _NOT_FINAL,
            evidence=(held.ref,),
        )


def order_of_measurements(it: Measurement) -> tuple[int, str, tuple[str, ...]]:
    """By day, then by what was measured."""
    return (it.date.last_day if it.date is not None else 0, it.fact, it.evidence)


def _doubt(code: str, measure: Measure, held: Held, because: str) -> Doubt:
    return Doubt(code=code, about=measure.fact, because=because, evidence=(held.ref,))


def _readable(unit: str) -> str:
    return "" if unit.startswith("{") or unit == "1" else unit


def _scale(number: _Number, measure: Measure, test: Test) -> Scale | str:
    """How the number is told in the fact's unit, or our sentence on why that cannot be said."""
    unit = number.unit or _unit_in_words(number.words, measure)
    if unit:
        scale = measure.scale(unit)
        return scale if scale is not None else f"The unit of this {measure.label} is none that it can have."
    told = measure.scale(test.unit) if test.unit else None
    if told is not None and measure.is_possible(told.of(number.low)) and measure.is_possible(told.of(number.high)):
        return told
    possible = measure.bare_scales(number.low, number.high)
    if len(possible) == 1:
        return next(iter(possible))
    if not possible:
        return f"This {measure.label} has no unit, and no unit makes it possible."
    return f"This {measure.label} has no unit, and it is possible in more than one."


def _unit_in_words(words: str, measure: Measure) -> str:
    """The unit that follows a number in a text; "" when what follows is no unit."""
    tokens = words.split()
    for candidate in (words, "".join(tokens[:2]), tokens[0] if tokens else ""):
        if measure.scale(candidate) is not None:
            return candidate
    return tokens[0] if tokens and ("/" in tokens[0] or "%" in tokens[0]) else ""


def _unit(quantity: Quantity) -> str:
    """The unit by its code; by its words where the code is of no unit ("umol/L" under the number that SNOMED CT has for it)."""
    code = quantity.code or ""
    return quantity.unit if quantity.unit and (not code or code.isdigit()) else code


def _number(part: Observation | Component, terms: RecordTerms, fact: str) -> _Number | None:
    quantity, span, ratio = part.value_quantity, part.value_range, part.value_ratio
    if ratio is not None and ratio.numerator is not None and ratio.denominator is not None:
        top, bottom = number_of(ratio.numerator.value), number_of(ratio.denominator.value)
        if top is not None and bottom:
            return _Number(low=top / bottom, high=top / bottom, comparator=ratio.numerator.comparator)
    if part.value_integer is not None:
        return _Number(low=float(part.value_integer), high=float(part.value_integer))
    if quantity is not None:
        unit = _unit(quantity)
        if isinstance(quantity.value, str):
            return _in_text(quantity.value, quantity.comparator, unit, terms.ranges)
        if quantity.value is not None:
            return _Number(low=quantity.value, high=quantity.value, comparator=quantity.comparator, unit=unit)
    if span is not None:
        ends = [it for it in (span.low, span.high) if it is not None and number_of(it.value) is not None]
        values = sorted(number_of(it.value) or 0.0 for it in ends)
        if values:
            comparator = None if len(values) > 1 else ">=" if span.low in ends else "<="
            unit = next((_unit(it) for it in ends), "")
            return _Number(low=values[0], high=values[-1], comparator=comparator, unit=unit)
    concept = part.value_codeable_concept
    if concept is not None:
        coded = terms.answer(fact, concept)
        found = _in_text(coded, None, "", terms.ranges) if coded is not None else None
        return found or next(
            (it for it in (_in_text(text, None, "", terms.ranges) for text in texts_of(concept)) if it), None
        )
    return _in_text(_now_in(part.value_string, terms), None, "", terms.ranges) if part.value_string else None


def _differ_twice(part: Observation | Component, text: str, terms: RecordTerms) -> bool:
    """Whether a value sent twice, as a number and as text, is two values. Source: terminology 13."""
    quantity = part.value_quantity
    if quantity is None:
        return False
    number, told = number_of(quantity.value), numbers_in(_now_in(text, terms))
    return number is not None and bool(told) and number not in told


def _now_in(text: str, terms: RecordTerms) -> str:
    """Of a text with several numbers, what tells of now: "previously 60 %, now 38 %" is 38."""
    return text if len(numbers_in(text)) < _SEVERAL else terms.running_text.standing(text)


def _in_text(text: str, comparator: str | None, unit: str, ranges: Ranges) -> _Number | None:
    match = _COMPARATOR.match(text)
    if match:
        comparator = _SIGNS.get(match.group(1), match.group(1))
    numbers = numbers_in(text)
    if not numbers or _TWO_NUMBERS.match(text):
        return None
    ends = sorted(numbers[:2]) if len(numbers) > 1 and ranges.is_range(text) else [numbers[0]]
    return _Number(low=ends[0], high=ends[-1], comparator=comparator, unit=unit, words=ranges.unit_after(text))
