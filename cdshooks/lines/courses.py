"""Exposures to courses: the doses and records of one agent merged. Source: R1, R3, R4."""

from __future__ import annotations

from collections import defaultdict
from datetime import date
from itertools import chain, islice
from operator import attrgetter, lt
from typing import cast

import msgspec

from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.knowledge.load import Knowledge
from cdshooks.partial_date import PartialDate, by_last
from cdshooks.record.model import Exposure, Proof, StopReason, TreatmentIntent

_TAKEN_FOR_SURE = frozenset({Proof.GIVEN, Proof.DISPENSED})
_EARLY = frozenset({TreatmentIntent.ADJUVANT, TreatmentIntent.NEOADJUVANT})
_NEVER = date.max.toordinal()
_NO_GROUPS: frozenset[str] = frozenset()
_its_evidence = attrgetter("evidence")


class _Dated(Exposure, frozen=True, kw_only=True):
    """An exposure whose start is known, as it is of all that make a course."""

    start: PartialDate


class Run(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A course before it is put into a line. ``until`` is the last day covered, None when the record names no end."""

    agent: AgentId
    groups: frozenset[str]
    """The groups of drugs that the line rules speak of to which it belongs."""
    start: PartialDate
    last_dose: PartialDate
    until: PartialDate | None
    is_open: bool
    is_given: bool
    is_only_ordered: bool
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


by_start = attrgetter("start.first_day", "start.last_day", "agent")
"""What courses are sorted by."""


def build_runs(
    exposures: tuple[Exposure, ...], knowledge: Knowledge, as_of: date, boundary: date | None = None
) -> tuple[Run, ...]:
    """All courses of drugs that count, sorted by start, then agent; what starts after ``as_of`` is no history.

    ``boundary`` is the day from which on treatment counts as metastatic: a course pauses there more easily.
    """
    rules, drugs = knowledge.line_rules, knowledge.drugs.by_agent
    by_agent: defaultdict[AgentId, list[Exposure]] = defaultdict(list)
    for it in exposures:
        if it.start is not None:
            by_agent[it.agent].append(it)
    never = rules.members["never_counts"]
    limits = _Limits(rules, as_of, boundary)
    runs: list[Run] = []
    for agent, known in by_agent.items():
        if agent not in never:
            drug = drugs.get(agent)
            records = _in_order(cast("list[_Dated]", known), limits.today.first_day)
            runs += _courses(agent, records, drug.cycle_days if drug is not None else None, limits)
    return tuple(sorted(runs, key=by_start))


class _Limits:
    """What the rules say for all courses: how far apart records of one drug may lie, in days, and which drugs are alike."""

    def __init__(self, rules: LineRules, as_of: date, boundary: date | None) -> None:
        days = rules.values
        self.refill, self.restart = days["refill"], days["combo"]
        self.infusion = days["episode"]
        self.oral = self.infusion + days["oral_gap"]
        self.no_end = days["gap_max"]
        self.across, self.lingers = days["overlap"], days["residue"]
        self.boundary = boundary.toordinal() if boundary is not None else None
        self.groups = rules.groups
        self.today = PartialDate.from_day(as_of)


def _in_order(known: list[_Dated], today: int) -> list[_Dated]:
    """The records that have begun, by their start; mostly they come in this order."""
    days = [it.start.first_day for it in known]
    if not all(map(lt, days, days[1:])):
        known = sorted(known, key=_by_start)
        days = [it.start.first_day for it in known]
    return known if days[-1] <= today else [it for it in known if it.start.first_day <= today]


def _courses(agent: AgentId, records: list[_Dated], cycle: int | None, limits: _Limits) -> list[Run]:
    if not records:
        return []
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


def joined(before: Run, after: Run) -> Run:
    """Two runs of one drug that are one course."""
    until = after.until if before.until is None or after.until is None else max(before.until, after.until, key=by_last)
    return msgspec.structs.replace(
        after,
        start=before.start,
        last_dose=max(before.last_dose, after.last_dose, key=by_last),
        until=until,
        is_given=before.is_given or after.is_given,
        is_only_ordered=before.is_only_ordered and after.is_only_ordered,
        intent=before.intent or after.intent,
        is_certain=before.is_certain and after.is_certain,
        evidence=tuple(sorted({*before.evidence, *after.evidence})),
        continues=before.continues,
    )


def _by_start(it: _Dated) -> tuple[object, ...]:
    start, end = it.start, it.end
    return (start.first_day, start.last_day, end.last_day if end is not None else start.last_day, it.evidence)


class _Growing:
    """A course while its records are taken in, in order of their start."""

    def __init__(self, agent: AgentId, cycle: int | None, limits: _Limits, first: _Dated, *, continues: bool) -> None:
        self._agent, self._cycle, self._limits, self._continues = agent, cycle, limits, continues
        self._first, self._records = first, [first]
        self._last_dose, self._until = self._given_and_covered(first)
        self._is_open = first.is_open
        self._reasons = [(self._last_dose.last_day, first.stopped_for)] if first.stopped_for is not None else []
        boundary = limits.boundary
        self._crossing_day = boundary if boundary is not None and first.start.last_day < boundary else None
        """The day on which the metastatic setting begins, for a run that began before."""

    def take_next_doses(self, records: list[_Dated], at: int) -> int:
        """Take the next doses of a running series, the commonest records by far; the place of the first record that is none."""
        cycle, until, day = self._cycle, self._until, self._last_dose.last_day
        is_series = self._records[-1].is_single_dose and not self._is_open
        if cycle is None or until is None or not is_series or until.last_day > day + cycle:
            return at
        begin, reach = at, cycle + self._limits.refill
        stop = self._crossing_day if self._crossing_day is not None else _NEVER
        for it in islice(records, at, None):
            if not it.is_single_dose or it.stopped_for is not None or it.supply_days is not None:
                break
            start = it.start
            given = start.last_day
            if not day <= given < stop or start.first_day > day + reach:
                break
            day = given
            at += 1
        if at > begin:
            self._records += records[begin:at]
            self._last_dose = records[at - 1].start
            self._until = self._last_dose.plus_days(cycle)
        return at

    def _crosses(self, day: int) -> bool:
        """Whether the metastatic setting begins between the start of this run and a day."""
        return self._crossing_day is not None and self._crossing_day <= day

    def takes_in(self, it: _Dated) -> bool:
        """Whether a record is part of this run: while the drug is covered, or right after."""
        start, limits, until = it.start.first_day, self._limits, self._until
        crosses = self._crosses(it.start.last_day)
        if crosses and self._first.intent in _EARLY and it.intent not in _EARLY:
            return False
        if self._is_open or until is None:
            # A new order is a new decision, unless it is the same one told twice; a dose is what was ordered.
            near = limits.no_end if it.is_single_dose else limits.restart
            return start - self._last_dose.last_day <= near
        if crosses:
            return start - until.last_day <= limits.across
        # A course told anew after the end of the one before may be a new decision; the next dose is none.
        if not it.is_single_dose:
            return start <= self._last_dose.last_day
        return start - until.last_day <= (limits.refill if self._records[-1].is_single_dose else 0)

    def is_continued_by(self, it: _Dated) -> bool:
        """Whether a record lies so close that it continues the course after a pause or by a new order."""
        limits, until = self._limits, self._until
        covered = self._last_dose if until is None or self._cycle is not None else until
        # An order never closed reaches the next record of the drug, but not across the time of a whole other line.
        near = limits.infusion if self._cycle is not None else limits.oral
        if self._is_open or until is None:
            near = max(near, limits.no_end)
        return covered.least_days_until(it.start) <= near

    def take(self, it: _Dated) -> None:
        """Add a record."""
        given, covered = self._given_and_covered(it)
        if given.last_day >= self._last_dose.last_day:
            self._last_dose = given
        if covered is not None and (self._until is None or covered.last_day >= self._until.last_day):
            self._until = covered
        if it.stopped_for is not None:
            self._reasons.append((given.last_day, it.stopped_for))
        # An order that was never closed says less than the doses that follow from it.
        self._is_open = it.is_open or (
            self._is_open
            and it.proof not in _TAKEN_FOR_SURE
            and it.stopped_for is None
            and self._first.start == it.start
        )
        self._records.append(it)

    def _given_and_covered(self, it: _Dated) -> tuple[PartialDate, PartialDate | None]:
        """The last day on which the drug of a record was given, and the last day that the record covers."""
        start, end = it.start, it.end
        if it.is_single_dose:
            days = it.supply_days if it.supply_days is not None else self._cycle
            return start, start.plus_days(days) if days else start
        if end is not None:
            end = start if end.last_day < start.first_day else end
            return end, end
        if it.supply_days is not None and not it.is_open:
            return start, start.plus_days(it.supply_days)
        return start, None

    def finished(self) -> Run:
        """The course of all records taken in; what its last dose still covers after today is still to come."""
        records, last, until, today = self._records, self._last_dose, self._until, self._limits.today
        if until is not None and until.first_day > today.first_day >= last.first_day:
            until = today
        proofs = {it.proof for it in records}
        return Run(
            agent=self._agent,
            groups=self._limits.groups.get(self._agent, _NO_GROUPS),
            start=self._first.start,
            last_dose=last,
            until=until,
            is_open=self._is_open,
            is_given=not proofs.isdisjoint(_TAKEN_FOR_SURE),
            is_only_ordered=proofs == {Proof.ORDERED},
            stopped_for=self._reason() if self._reasons else None,
            intent=next((it.intent for it in records if it.intent is not None), None),
            is_certain=False not in {it.is_date_certain for it in records},
            evidence=tuple(sorted(dict.fromkeys(chain.from_iterable(map(_its_evidence, records))))),
            continues=self._continues,
        )

    def _reason(self) -> StopReason | None:
        """Why the course ended: a stop after which the drug was given on was a pause."""
        if self._is_open and self._records[-1].stopped_for is None:
            return None
        since = self._last_dose.last_day - self._limits.lingers
        known = {reason for day, reason in self._reasons if day >= since}
        return next((it for it in StopReason if it in known), None)
