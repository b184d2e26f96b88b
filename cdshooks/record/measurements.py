"""Numbers about the patient in one unit each; what cannot be true is set aside, never used."""

from __future__ import annotations

import re

import msgspec

from cdshooks.ehr.resources import CodeableConcept, Observation, Resources
from cdshooks.knowledge.measures import Measure, MeasureKnowledge
from cdshooks.record.dates import read_date, start_of
from cdshooks.record.model import Doubt, Measurement
from cdshooks.record.numbers import number_of, numbers_in
from cdshooks.record.terms import RecordTerms, texts_of

_COMPARATOR = re.compile(r"^\s*(<=|>=|<|>|≤|≥)")
_KARNOFSKY = re.compile(r"karnofsky|\bKPS\b", re.IGNORECASE)
_ECOG = re.compile(r"\becog\b|\bzubrod\b|performance status", re.IGNORECASE)


class MeasurementReading(msgspec.Struct, frozen=True):
    """Measurements and what was set aside."""

    measurements: tuple[Measurement, ...]
    doubts: tuple[Doubt, ...]


def read_measurements(resources: Resources, terms: RecordTerms, measures: MeasureKnowledge) -> MeasurementReading:
    """Every measurement of a known kind, in its fact's unit, sorted by date."""
    found: list[Measurement] = []
    doubts: list[Doubt] = []
    for held in resources.of("Observation"):
        observation = held.resource
        if not isinstance(observation, Observation) or observation.status in {"entered-in-error", "cancelled"}:
            continue
        test, measure = terms.test(observation.code), measure_of(observation.code, terms, measures)
        if measure is None:
            continue
        day = read_date(
            observation.effective_date_time,
            start_of(observation.effective_period),
            observation.effective_instant,
            observation.issued,
        )
        low, high, comparator = _numbers(observation, terms, measure.fact)
        if low is None or high is None:
            continue
        quantity = observation.value_quantity
        unit = (quantity.code or quantity.unit or "") if quantity is not None else ""
        factor = measure.factor(unit)
        if factor is None:
            doubts.append(
                Doubt(
                    code="unit",
                    about=measure.fact,
                    because=f"The unit of this {measure.fact} is none that it can have.",
                    evidence=(held.ref,),
                )
            )
            continue
        if measure.fact == "lvef_percent" and high <= 1 and unit in {"", "1", "{fraction}"}:
            factor = 100.0
        low, high = low * factor, high * factor
        if not (measure.least <= low and high <= measure.most):
            doubts.append(
                Doubt(
                    code="impossible",
                    about=measure.fact,
                    because=f"This {measure.fact} cannot be true.",
                    evidence=(held.ref,),
                )
            )
            continue
        limit = next((number_of(it.high.value) for it in observation.reference_range if it.high is not None), None)
        found.append(
            Measurement(
                fact=measure.fact,
                value=round(low, 4) if low == high else None,
                unit=measure.unit,
                date=day,
                low=round(low, 4) if low != high else None,
                high=round(high, 4) if low != high else None,
                comparator=comparator,
                times_upper_limit=round(high / (limit * factor), 3) if limit else None,
                method=None if test is None else test,
                is_preliminary=observation.status in {"preliminary", "registered"},
                evidence=(held.ref,),
            )
        )
    key = lambda it: (it.date is not None, it.date.last.toordinal() if it.date else 0, it.fact, it.evidence)  # noqa: E731 - one sort
    return MeasurementReading(tuple(sorted(dict.fromkeys(found), key=key)), tuple(doubts))


def measure_of(code: CodeableConcept | None, terms: RecordTerms, measures: MeasureKnowledge) -> Measure | None:
    """What an observation of this code measures, by its test; by its words where the code is unknown."""
    test = terms.test(code)
    if test is not None:
        return measures.by_test.get(test)
    text = " ".join(texts_of(code))
    if _KARNOFSKY.search(text):
        return measures.by_test.get("karnofsky")
    if _ECOG.search(text):
        return measures.by_test.get("ecog")
    return measures.by_name.get(text.casefold().strip())


def _numbers(observation: Observation, terms: RecordTerms, fact: str) -> tuple[float | None, float | None, str | None]:
    quantity = observation.value_quantity
    if observation.value_integer is not None:
        return float(observation.value_integer), float(observation.value_integer), None
    if quantity is not None:
        if isinstance(quantity.value, str):
            return _in_text(quantity.value, quantity.comparator)
        value = number_of(quantity.value)
        return value, value, quantity.comparator
    if observation.value_range is not None:
        low = number_of(observation.value_range.low.value) if observation.value_range.low else None
        high = number_of(observation.value_range.high.value) if observation.value_range.high else None
        return low if low is not None else high, high if high is not None else low, None
    concept = observation.value_codeable_concept
    if concept is not None:
        coded = terms.answer(fact, concept)
        if coded is not None:
            return _in_text(coded, None)
        return _in_text(" ".join(texts_of(concept)), None)
    if observation.value_string:
        return _in_text(observation.value_string, None)
    return None, None, None


def _in_text(text: str, comparator: str | None) -> tuple[float | None, float | None, str | None]:
    match = _COMPARATOR.match(text)
    if match:
        comparator = {"≤": "<=", "≥": ">="}.get(match.group(1), match.group(1))
    numbers = numbers_in(text)
    if not numbers:
        return None, None, None
    is_range = len(numbers) > 1 and re.search(r"\d\s*(?:-|to|bis)\s*\d", text) is not None
    return numbers[0], numbers[1] if is_range else numbers[0], comparator
