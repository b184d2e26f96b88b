"""Exposures to courses: the doses and records of one agent merged. Source: R1, R3, R4."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import islice
from operator import lt

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
_EARLY = frozenset({TreatmentIntent.ADJUVANT, TreatmentIntent.NEOADJUVANT})
_ONLY_ORDERED = frozenset({Proof.ORDERED})
_NEVER = date.max.toordinal()


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
    continues: bool = False
    """Whether the drug's treatment before lies so close that both are one course, as long as no other line came between."""

    @property
    def covered(self) -> PartialDate:
        """The last day that the record covers."""
        return self.until or self.last_dose


def build_runs(
    exposures: tuple[Exposure, ...], knowledge: Knowledge, as_of: date, boundary: date | None = None
) -> tuple[Run, ...]:
    """All courses of drugs that count, sorted by start, then agent; what starts after ``as_of`` is no history.

    ``boundary`` is the day from which on treatment counts as metastatic: a course pauses there more easily.
    """
    rules = knowledge.line_rules
    by_agent: defaultdict[AgentId, list[Exposure]] = defaultdict(list)
    never = rules.members["never_counts"]
    for it in exposures:
        start, agent = it.start, it.agent
        if start is not None and start.first <= as_of and agent not in never:
            by_agent[agent].append(it)
    runs: list[Run] = []
    limits = _Limits(rules, boundary)
    for agent, known in by_agent.items():
        drug = knowledge.drugs.by_agent.get(agent)
        runs.extend(_courses(agent, known, drug.cycle_days if drug is not None else None, limits))
    return tuple(sorted((_clip(run, as_of) for run in runs), key=lambda it: (it.start.first, it.start.last, it.agent)))


class _Limits:
    """How far apart records of one drug may lie, in days."""

    def __init__(self, rules: LineRules, boundary: date | None) -> None:
        self.refill, self.restart = rules.days("refill"), rules.days("combo")
        self.infusion = rules.days("episode")
        self.oral = self.infusion + rules.days("oral_gap")
        self.no_end = rules.days("gap_max")
        self.across, self.lingers = rules.days("overlap"), rules.days("residue")
        self.boundary = boundary.toordinal() if boundary is not None else None


def _courses(agent: AgentId, known: list[Exposure], cycle: int | None, limits: _Limits) -> list[Run]:
    records = known if _is_in_order(known) else sorted(known, key=_by_start)
    last = _Growing(agent, cycle, limits, records[0], continues=False)
    courses = [last]
    at = last.take_next_doses(records, 1)
    while at < len(records):
        it = records[at]
        if last.takes_in(it):
            last.take(it)
        else:
            last = _Growing(agent, cycle, limits, it, continues=last.is_continued_by(it))
            courses.append(last)
        at = last.take_next_doses(records, at + 1)
    return [it.finished() for it in courses]


def _is_in_order(known: list[Exposure]) -> bool:
    """Whether each record starts after the one before, as records mostly come."""
    days = [it.start.first for it in known if it.start is not None]
    return all(map(lt, days, days[1:]))


def joined(before: Run, after: Run) -> Run:
    """Two runs of one drug that are one course."""
    until = after.until if before.until is None or after.until is None else max(before.until, after.until, key=_by_last)
    return msgspec.structs.replace(
        after,
        start=before.start,
        last_dose=max(before.last_dose, after.last_dose, key=_by_last),
        until=until,
        is_given=before.is_given or after.is_given,
        is_only_ordered=before.is_only_ordered and after.is_only_ordered,
        has_stated_reason=before.has_stated_reason or after.has_stated_reason,
        intent=before.intent or after.intent,
        is_certain=before.is_certain and after.is_certain,
        evidence=tuple(sorted({*before.evidence, *after.evidence})),
        continues=before.continues,
    )


def _by_last(day: PartialDate) -> tuple[date, date]:
    return (day.last, day.first)


def _by_start(it: Exposure) -> tuple[object, ...]:
    start, end = it.start, it.end
    if start is None:
        raise ValueError("an undated exposure is no course")
    return (start.first, start.last, end.last if end is not None else start.last, it.evidence)


class _Growing:
    """A course while its records are taken in; days are kept as ordinals, for a patient may have thousands of doses."""

    def __init__(self, agent: AgentId, cycle: int | None, limits: _Limits, first: Exposure, *, continues: bool) -> None:
        self._agent, self._cycle, self._limits, self._first = agent, cycle, limits, first
        self._continues = continues
        self._last_dose, self._last_dose_day = first.start, 0
        self._until: tuple[PartialDate, int] | None = None
        self._until_day = 0
        self._is_open = False
        self._is_series = False
        """Whether the run is one of doses of which each covers a cycle, so that the next dose is quickly judged."""
        self._last_is_next_dose = False
        """Whether the last record is the next dose of such a series: what it covers is a cycle from its own day."""
        boundary = limits.boundary
        begins_before = boundary is not None and first.start is not None and first.start.last.toordinal() < boundary
        self._crossing_day = boundary if begins_before else None
        """The day on which the metastatic setting begins, for a run that began before."""
        self._records: list[Exposure] = []
        self._reasons: list[tuple[int, StopReason]] = []
        self.take(first)

    def take_next_doses(self, records: list[Exposure], at: int) -> int:
        """Take the next doses of a running series, the commonest records by far; the place of the first record that is none."""
        cycle, day = self._cycle, self._last_dose_day
        if not self._is_series or cycle is None or self._until_day > day + cycle:
            return at
        begin, reach = at, cycle + self._limits.refill
        stop = self._crossing_day if self._crossing_day is not None else _NEVER
        for it in islice(records, at, None):
            start = it.start
            if start is None or not it.is_single_dose or it.stopped_for is not None or it.supply_days is not None:
                break
            given = start.last.toordinal()
            earliest = given if start.first is start.last else start.first.toordinal()
            if not day <= given < stop or earliest > day + reach:
                break
            day = given
            at += 1
        if at > begin:
            self._last_dose, self._last_dose_day = records[at - 1].start, day
            self._last_is_next_dose, self._until_day = True, day + cycle
            self._records.extend(records[begin:at])
        return at

    def _crosses(self, day: int) -> bool:
        """Whether the metastatic setting begins between the start of this run and a day."""
        return self._crossing_day is not None and self._crossing_day <= day

    def takes_in(self, it: Exposure) -> bool:
        """Whether a record is part of this run: while the drug is covered, or right after."""
        if it.start is None or self._first.start is None:
            return False
        start, limits = it.start.first.toordinal(), self._limits
        crosses = self._crosses(it.start.last.toordinal())
        if crosses and self._first.intent in _EARLY and it.intent not in _EARLY:
            return False
        if self._is_open or self._until is None:
            # A new order is a new decision, unless it is the same one told twice; a dose is what was ordered.
            near = limits.no_end if it.is_single_dose else limits.restart
            return start - self._last_dose_day <= near
        if crosses:
            return start - self._until_day <= limits.across
        # A course told anew after the end of the one before may be a new decision; the next dose is none.
        if not it.is_single_dose:
            return start <= self._last_dose_day
        return start - self._until_day <= (limits.refill if self._records[-1].is_single_dose else 0)

    def is_continued_by(self, it: Exposure) -> bool:
        """Whether a record lies so close that it continues the course after a pause or by a new order."""
        if it.start is None or self._first.start is None:
            return False
        start, limits = it.start.first.toordinal(), self._limits
        has_end = self._until is not None
        covered = self._until_day if has_end and self._cycle is None else self._last_dose_day
        # An order never closed reaches the next record of the drug, but not across the time of a whole other line.
        near = limits.infusion if self._cycle is not None else limits.oral
        if self._is_open or not has_end:
            near = max(near, limits.no_end)
        return start - covered <= near

    def take(self, it: Exposure) -> None:
        """Add a record; records come in order of their start."""
        start, end = it.start, it.end
        if start is None or self._first.start is None:
            return
        self._settle()
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
        self._is_series = it.is_single_dose and not self._is_open and self._until is not None
        self._records.append(it)

    def _settle(self) -> None:
        """Say what the last dose of a series covers, once it is asked for."""
        if self._last_is_next_dose and self._last_dose is not None and self._cycle is not None:
            self._until, self._last_is_next_dose = (self._last_dose, self._cycle), False

    def finished(self) -> Run:
        """The course of all records taken in."""
        self._settle()
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
            has_stated_reason=bool({it.given_for for it in records} - {None}),
            stopped_for=self._reason(),
            intent=next((it.intent for it in records if it.intent is not None), None),
            is_certain=False not in {it.is_date_certain for it in records},
            evidence=tuple(sorted({ref for it in records for ref in it.evidence})),
            continues=self._continues,
        )

    def _reason(self) -> StopReason | None:
        """Why the course ended: a stop after which the drug was given on was a pause."""
        if self._is_open and self._records[-1].stopped_for is None and self._reasons:
            return None
        lingers = self._limits.lingers
        known = [reason for day, reason in self._reasons if day >= self._last_dose_day - lingers]
        return min(known, key=lambda it: _REASON_RANK[it], default=None)


def _clip(run: Run, as_of: date) -> Run:
    if run.until is not None and run.until.first > as_of:
        today = PartialDate.from_day(as_of)
        return msgspec.structs.replace(run, until=today if run.last_dose.first <= as_of else run.until)
    return run
