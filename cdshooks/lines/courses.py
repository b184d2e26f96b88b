"""Exposures to courses: the doses and records of one agent merged. Source: R1, R3, R4."""

from __future__ import annotations

from datetime import date

import msgspec

from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.knowledge.load import Knowledge
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Exposure, Proof, StopReason, TreatmentIntent

_REASON_RANK = {
    StopReason.PROGRESSION: 0,
    StopReason.TOXICITY: 1,
    StopReason.PATIENT_CHOICE: 2,
    StopReason.COMPLETED: 3,
    StopReason.OTHER: 4,
}
_TAKEN_FOR_SURE = frozenset({Proof.GIVEN, Proof.DISPENSED})
_ONLY_ORDERED = frozenset({Proof.ORDERED})


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A course before it is put into a line. ``until`` is the last day covered, None when the record names no end."""

    agent: AgentId
    start: PartialDate
    last_dose: PartialDate
    until: PartialDate | None
    is_open: bool
    is_given: bool
    is_only_ordered: bool
    has_stated_reason: bool
    """Whether a record says which disease the drug was for."""
    stopped_for: StopReason | None
    intent: TreatmentIntent | None
    is_certain: bool
    evidence: tuple[ResourceRef, ...]

    @property
    def covered(self) -> PartialDate:
        """The last day that the record covers."""
        return self.until or self.last_dose


def build_runs(exposures: tuple[Exposure, ...], knowledge: Knowledge, as_of: date) -> tuple[Run, ...]:
    """All courses of drugs that count, sorted by start, then agent; what starts after ``as_of`` is no history."""
    rules = knowledge.line_rules
    by_agent: dict[AgentId, list[Exposure]] = {}
    never = rules.members["never_counts"]
    for it in exposures:
        if it.start is not None and it.start.first <= as_of and it.agent not in never:
            by_agent.setdefault(it.agent, []).append(it)
    runs: list[Run] = []
    for agent, known in by_agent.items():
        drug = knowledge.drugs.by_agent.get(agent)
        runs.extend(_courses(agent, known, drug.cycle_days if drug is not None else None, rules))
    return tuple(sorted((_clip(run, as_of) for run in runs), key=lambda it: (it.start.first, it.start.last, it.agent)))


def _courses(agent: AgentId, known: list[Exposure], cycle: int | None, rules: LineRules) -> list[Run]:
    allowed = rules.days("episode") + (0 if cycle is not None else rules.days("oral_gap"))
    bridge = rules.days("gap_max")
    courses: list[_Growing] = []
    for it in sorted(known, key=_by_start):
        if courses and courses[-1].reaches(it, allowed, bridge):
            courses[-1].take(it)
        else:
            courses.append(_Growing(agent, cycle, rules.days("residue"), it))
    return [it.finished() for it in courses]


def _by_start(it: Exposure) -> tuple[object, ...]:
    start, end = it.start, it.end
    if start is None:
        raise ValueError("an undated exposure is no course")
    return (start.first, start.last, end.last if end is not None else start.last, it.evidence)


class _Growing:
    """A course while its records are taken in; days are kept as ordinals, for a patient may have thousands of doses."""

    def __init__(self, agent: AgentId, cycle: int | None, lingers: int, first: Exposure) -> None:
        self._agent, self._cycle, self._lingers, self._first = agent, cycle, lingers, first
        self._last_dose, self._last_dose_day = first.start, 0
        self._until: tuple[PartialDate, int] | None = None
        self._until_day = 0
        self._is_open = False
        self._records: list[Exposure] = []
        self._reasons: list[tuple[int, StopReason]] = []
        self.take(first)

    def reaches(self, it: Exposure, allowed: int, bridge: int) -> bool:
        """Whether a record belongs to this course: close to its last dose (or supply), or within a gap that no end explains."""
        if it.start is None:
            return False
        has_end = self._until is not None
        covered = self._until_day if has_end and self._cycle is None else self._last_dose_day
        gap = it.start.first.toordinal() - covered
        # An order never closed reaches the next record of the drug, but not across the time of a whole other line.
        return gap <= allowed or ((self._is_open or not has_end) and gap <= bridge)

    def take(self, it: Exposure) -> None:
        """Add a record; records come in order of their start."""
        start, end = it.start, it.end
        if start is None or self._first.start is None:
            return
        if end is not None and end.last < start.first:
            end = start
        covered: PartialDate | None = end
        more = 0
        if it.is_single_dose:
            covered, more = start, it.supply_days if it.supply_days is not None else self._cycle or 0
        elif end is None and it.supply_days is not None and not it.is_open:
            covered, more = start, it.supply_days
        dose = end if end is not None and not it.is_single_dose else start
        day = dose.last.toordinal()
        if not self._records or day >= self._last_dose_day:
            self._last_dose, self._last_dose_day = dose, day
        if covered is not None:
            covered_day = covered.last.toordinal() + more
            if self._until is None or covered_day >= self._until_day:
                self._until, self._until_day = (covered, more), covered_day
        if it.stopped_for is not None:
            self._reasons.append((day, it.stopped_for))
        # An order that was never closed says less than the doses that follow from it.
        self._is_open = it.is_open or (
            self._is_open and it.proof not in _TAKEN_FOR_SURE and it.stopped_for is None and self._first.start == start
        )
        self._records.append(it)

    def finished(self) -> Run:
        """The course of all records taken in."""
        records = self._records
        start, last = self._first.start, self._last_dose
        if start is None or last is None:
            raise ValueError("an undated exposure is no course")
        until = None
        if self._until is not None:
            until = self._until[0].plus_days(self._until[1]) if self._until[1] else self._until[0]
        proofs = {it.proof for it in records}
        return Run(
            agent=self._agent,
            start=start,
            last_dose=last,
            until=until,
            is_open=self._is_open,
            is_given=not proofs.isdisjoint(_TAKEN_FOR_SURE),
            is_only_ordered=proofs == _ONLY_ORDERED,
            has_stated_reason=any(it.given_for is not None for it in records),
            stopped_for=self._reason(),
            intent=next((it.intent for it in records if it.intent is not None), None),
            is_certain=all(it.is_date_certain for it in records),
            evidence=tuple(sorted({ref for it in records for ref in it.evidence})),
        )

    def _reason(self) -> StopReason | None:
        """Why the course ended: a stop after which the drug was given on was a pause."""
        if self._is_open and self._records[-1].stopped_for is None and self._reasons:
            return None
        known = [reason for day, reason in self._reasons if day >= self._last_dose_day - self._lingers]
        return min(known, key=lambda it: _REASON_RANK[it], default=None)


def _clip(run: Run, as_of: date) -> Run:
    if run.until is not None and run.until.first > as_of:
        today = PartialDate.from_day(as_of)
        return msgspec.structs.replace(run, until=today if run.last_dose.first <= as_of else run.until)
    return run
