"""Reads facts that stand in the record as they are: a measurement, a toxicity, an illness, a statement, a marker."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

import msgspec

from cdshooks.knowledge.facts import FactDefinition, Reading
from cdshooks.knowledge.ids import FactId, ResourceRef
from cdshooks.lines.model import LineHistory
from cdshooks.options.model import Fact
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Certainty, Diagnosis, Measurement, PatientRecord, Toxicity

FactValue = bool | int | float | str | tuple[str, ...] | None


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """What facts are derived from."""

    record: PatientRecord
    lines: LineHistory
    definitions: Mapping[FactId, FactDefinition]
    as_of: date
    measurements: Mapping[str, Sequence[Measurement]]
    """By name, see ``measurements_of``."""

    @classmethod
    def of(
        cls, record: PatientRecord, lines: LineHistory, definitions: Mapping[FactId, FactDefinition], as_of: date
    ) -> Source:
        """What facts are derived from on a day."""
        measurements = _by_name(record, as_of)
        return cls(record=record, lines=lines, definitions=definitions, as_of=as_of, measurements=measurements)

    def is_past(self, when: PartialDate | None) -> bool:
        """Whether a date does not certainly lie after the day of the advice; undated counts as past."""
        return when is None or when.first <= self.as_of

    def fact(
        self,
        fact_id: str,
        value: FactValue,
        *,
        when: PartialDate | None = None,
        evidence: Iterable[ResourceRef] = (),
        method: str | None = None,
    ) -> Fact:
        """A fact in the unit of its definition."""
        known = FactId(fact_id)
        return Fact(
            id=known,
            value=value,
            unit=self.definitions[known].unit,
            date=when,
            evidence=tuple(dict.fromkeys(evidence)),
            method=method,
        )


def newest_first(when: PartialDate | None) -> tuple[date, date]:
    """Sort key by date, undated oldest."""
    return (when.last, when.first) if when is not None else (date.min, date.min)


def read_plain_facts(source: Source) -> dict[FactId, Fact]:
    """Derive every fact whose definition says where it is read."""
    facts: dict[FactId, Fact] = {}
    for fact_id, definition in source.definitions.items():
        if definition.reads is not None:
            facts[fact_id] = _read(source, definition, definition.reads)
    return facts


def _read(source: Source, definition: FactDefinition, reads: Reading) -> Fact:
    if reads.measurement is not None:
        return _measured(source, definition, reads)
    found = [
        fact
        for fact in (
            _from_toxicities(source, definition, reads) if reads.toxicity else None,
            _from_diagnoses(source, definition, reads) if reads.diagnosis else None,
            _from_words(source, definition, reads),
        )
        if fact is not None
    ]
    # a yes from any kind of record outweighs a no from another
    for fact in sorted(found, key=lambda it: it.value is False or it.value == 0):
        return fact
    return Fact(id=definition.id, value=_silence(definition), unit=definition.unit)


def _silence(definition: FactDefinition) -> FactValue:
    if not definition.is_closed:
        return None
    if definition.type == "boolean":
        return False
    return () if definition.type == "set" else None


# ---- measurements


def measurements_of(source: Source, name: str) -> Sequence[Measurement]:
    """All measurements of this name up to the day of the advice, oldest first; preliminary ones only if there is no other."""
    return source.measurements.get(name, ())


def _by_name(record: PatientRecord, as_of: date) -> Mapping[str, Sequence[Measurement]]:
    """Put in order once, for many facts are read from few names of very many measurements."""
    found: dict[str, list[Measurement]] = {}
    for it in record.measurements:
        if it.date is None or it.date.first <= as_of:
            found.setdefault(it.fact, []).append(it)
    for name, all_of_it in found.items():
        final = [it for it in all_of_it if not it.is_preliminary] or all_of_it
        found[name] = sorted(final, key=lambda it: newest_first(it.date))
    return found


def newest_measurement(source: Source, name: str, worse: str | None) -> tuple[Measurement, float] | None:
    """The newest measurement with its number; of several on that date the worse one."""
    same_day: list[tuple[Measurement, float]] = []
    last_day: tuple[date, date] | None = None
    for it in reversed(measurements_of(source, name)):
        if same_day and newest_first(it.date) != last_day:
            break
        bound = bounded(it, worse)
        if bound is not None:
            last_day = newest_first(it.date)
            same_day.append((it, bound))
    pick = max if worse == "high" else min
    return pick(reversed(same_day), key=lambda pair: pair[1]) if same_day else None


def bounded(measurement: Measurement, worse: str | None) -> float | None:
    """The number to reckon with: of a range the worse end; "<40" lies just below 40."""
    if measurement.value is None:
        if measurement.low is None or measurement.high is None:
            return measurement.low if measurement.low is not None else measurement.high
        return measurement.high if worse == "high" else measurement.low
    if measurement.comparator == "<":
        return math.nextafter(measurement.value, -math.inf)
    if measurement.comparator == ">":
        return math.nextafter(measurement.value, math.inf)
    return measurement.value


def _measured(source: Source, definition: FactDefinition, reads: Reading) -> Fact:
    newest = newest_measurement(source, str(reads.measurement), reads.worse)
    if newest is None:
        return Fact(id=definition.id, value=None, unit=definition.unit)
    measurement, number = newest
    value: FactValue = number
    if reads.below is not None:
        value = number < reads.below
    elif definition.type == "integer":
        value = round(number)
    told = "; ".join(it for it in (measurement.method, _end_taken(measurement, number)) if it)
    return source.fact(definition.id, value, when=measurement.date, evidence=measurement.evidence, method=told or None)


def _end_taken(measurement: Measurement, number: float) -> str | None:
    """What the record says of a number that is not the one it wrote: the worse end of a range, or a bound."""
    if measurement.value is not None:
        sign = measurement.comparator
        return f"told as {sign} {measurement.value:g}" if sign is not None else None
    if measurement.low is None or measurement.high is None:
        return None
    end = "lower" if number == measurement.low else "upper"
    return f"the {end} end of {measurement.low:g} to {measurement.high:g} was taken"


# ---- toxicities and illnesses


def toxicities_of(source: Source, kinds: Iterable[str], by_agents: Iterable[str] = ()) -> list[Toxicity]:
    """All toxicities of these kinds up to the day of the advice, refuted ones included, oldest first.

    With ``by_agents`` those that the record blames on one of them, or on nothing while one of them had been given.
    """
    wanted, blamed = frozenset(kinds), frozenset(by_agents)
    found = [
        it
        for it in source.record.toxicities
        if it.kind in wanted and source.is_past(it.start) and (not blamed or _is_by(source, it, blamed))
    ]
    return sorted(found, key=lambda it: newest_first(it.start))


def _is_by(source: Source, toxicity: Toxicity, blamed: frozenset[str]) -> bool:
    if toxicity.agent is not None:
        return toxicity.agent in blamed
    start = toxicity.start
    return any(use.agent in blamed and (start is None or use.start.first <= start.last) for use in source.lines.uses)


def is_over(toxicity: Toxicity, as_of: date) -> bool:
    """Whether the record says that it resolved."""
    return toxicity.is_resolved is True or (toxicity.end is not None and toxicity.end.last <= as_of)


def _from_toxicities(source: Source, definition: FactDefinition, reads: Reading) -> Fact | None:
    found = toxicities_of(source, reads.toxicity, reads.by_agents)
    present = [it for it in found if it.certainty is not Certainty.REFUTED]
    refuted = [it for it in found if it.certainty is Certainty.REFUTED]
    evidence = [ref for it in present or refuted for ref in it.evidence]
    when = present[-1].start if present else refuted[-1].start if refuted else None
    if not present:
        if not refuted:
            return None
        absent: FactValue = 0 if reads.gives.endswith("grade") else False
        return source.fact(definition.id, absent, when=when, evidence=evidence)
    if reads.gives == "present":
        return source.fact(definition.id, value=True, when=when, evidence=evidence)
    if reads.gives == "active_grade":
        present_now = [it for it in present if not is_over(it, source.as_of)]
        if not present_now:
            return source.fact(definition.id, 0, when=when, evidence=evidence)
        present = present_now
    grades = [it.grade for it in present if it.grade is not None]
    return source.fact(definition.id, max(grades) if grades else None, when=when, evidence=evidence)


def diagnoses_of(source: Source, concepts: Iterable[str]) -> list[Diagnosis]:
    """All illnesses of these concepts, refuted and past ones included, oldest first."""
    wanted = frozenset(concepts)
    return sorted(
        (it for it in source.record.diagnoses if it.concept in wanted and source.is_past(it.start)),
        key=lambda it: newest_first(it.start),
    )


def is_present(diagnosis: Diagnosis, as_of: date) -> bool:
    """Whether an illness is there on the day: not refuted, not inactive, not ended."""
    ended = diagnosis.end is not None and diagnosis.end.last < as_of
    return diagnosis.certainty is not Certainty.REFUTED and diagnosis.is_active is not False and not ended


def _from_diagnoses(source: Source, definition: FactDefinition, reads: Reading) -> Fact | None:
    found = diagnoses_of(source, reads.diagnosis)
    days = definition.settings.get("within_days")
    if days is not None:
        since = source.as_of - timedelta(days=days)
        found = [it for it in found if it.start is None or it.start.last >= since]
        present = [it for it in found if it.certainty is not Certainty.REFUTED]
    else:
        present = [it for it in found if is_present(it, source.as_of)]
    if present:
        evidence = [ref for it in present for ref in it.evidence]
        return source.fact(definition.id, value=True, when=present[-1].start, evidence=evidence)
    if found:
        evidence = [ref for it in found for ref in it.evidence]
        return source.fact(definition.id, value=False, when=found[-1].start, evidence=evidence)
    return None


# ---- words


def _from_words(source: Source, definition: FactDefinition, reads: Reading) -> Fact | None:
    said: list[tuple[PartialDate | None, str, tuple[ResourceRef, ...]]] = [
        (it.date, it.value, it.evidence)
        for it in source.record.statements
        if it.about in reads.statement and source.is_past(it.date)
    ]
    said += [
        (it.date, it.value, it.evidence)
        for it in source.record.biomarkers
        if it.marker in reads.biomarker and source.is_past(it.date)
    ]
    for when, word, evidence in sorted(said, key=lambda it: (newest_first(it[0]), it[1]), reverse=True):
        value = reads.words.get(word.lower(), word)
        if definition.type == "boolean":
            return source.fact(definition.id, value in {"present", "yes", "true"}, when=when, evidence=evidence)
        if not definition.values or value in definition.values:
            return source.fact(definition.id, value, when=when, evidence=evidence)
    return None
