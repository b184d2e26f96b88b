"""Exposures to courses: the doses and records of one agent merged. Source: R1, R3, R4."""

from __future__ import annotations

from datetime import date
from functools import reduce

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


class Run(msgspec.Struct, frozen=True, kw_only=True):
    """A course before it is put into a line. ``until`` is the last day covered, None when the record names no end."""

    agent: AgentId
    start: PartialDate
    last_dose: PartialDate
    until: PartialDate | None
    is_open: bool
    is_given: bool
    stopped_for: StopReason | None
    intent: TreatmentIntent | None
    is_certain: bool
    evidence: tuple[ResourceRef, ...]


class Groups:
    """Which drugs a rule treats alike."""

    def __init__(self, knowledge: Knowledge) -> None:
        self._drugs = knowledge.drugs
        self._rules = knowledge.line_rules

    def has(self, group: str, agent: AgentId) -> bool:
        """Whether an agent belongs to a group of the line rules."""
        found = self._rules.groups[group]
        return agent in found.agents or self._drugs.class_of(agent) in found.classes

    def any_of(self, group: str, agents: frozenset[AgentId] | tuple[AgentId, ...]) -> bool:
        """Whether one of the agents belongs to the group."""
        return any(self.has(group, agent) for agent in agents)

    def swap(self, one: AgentId, other: AgentId) -> bool:
        """Whether two agents are exchangeable within a line."""
        return any(
            self.has(name, one) and self.has(name, other) for name in self._rules.groups if name.startswith("swap_")
        )

    def cycle_days(self, agent: AgentId) -> int | None:
        """Days that one dose covers; None for a drug taken daily."""
        drug = self._drugs.by_agent.get(agent)
        return drug.cycle_days if drug is not None else None


def build_runs(exposures: tuple[Exposure, ...], groups: Groups, rules: LineRules, as_of: date) -> tuple[Run, ...]:
    """All courses of drugs that count, sorted by start, then agent; what starts after ``as_of`` is no history."""
    by_agent: dict[AgentId, list[Exposure]] = {}
    for it in exposures:
        if it.start is not None and it.start.first <= as_of and not groups.has("never_counts", it.agent):
            by_agent.setdefault(it.agent, []).append(it)
    runs: list[Run] = []
    for agent, known in by_agent.items():
        runs.extend(_merge(sorted((_run(it, groups) for it in known), key=_by_start), groups.cycle_days(agent), rules))
    return tuple(sorted((_clip(run, as_of) for run in runs), key=lambda it: (it.start.first, it.start.last, it.agent)))


def _by_start(run: Run) -> tuple[object, ...]:
    return (run.start.first, run.start.last, run.last_dose.last, run.evidence)


def _run(it: Exposure, groups: Groups) -> Run:
    start = it.start
    if start is None:
        raise ValueError("an undated exposure is no course")
    cycle = groups.cycle_days(it.agent)
    end = it.end if it.end is None or it.end.last >= start.first else start
    until = end
    if it.is_single_dose:
        covered = it.supply_days if it.supply_days is not None else cycle or 0
        until = start.plus_days(covered)
    elif end is None and it.supply_days is not None and not it.is_open:
        until = start.plus_days(it.supply_days)
    return Run(
        agent=it.agent,
        start=start,
        last_dose=end if end is not None and not it.is_single_dose else start,
        until=until,
        is_open=it.is_open,
        is_given=it.proof in {Proof.GIVEN, Proof.DISPENSED},
        stopped_for=it.stopped_for,
        intent=it.intent,
        is_certain=it.is_date_certain,
        evidence=it.evidence,
    )


def _merge(runs: list[Run], cycle: int | None, rules: LineRules) -> list[Run]:
    allowed = rules.days("episode") if cycle is not None else rules.days("episode") + rules.days("oral_gap")

    def step(merged: list[Run], run: Run) -> list[Run]:
        if merged:
            before = merged[-1]
            covered = before.until if before.until is not None and cycle is None else before.last_dose
            gap = covered.days_until(run.start).least
            bridges = before.until is None and not before.is_open and gap <= rules.days("gap_max")
            # An order never closed reaches the next record of the drug, but not across the time of a whole other line.
            reaches = before.is_open and gap <= rules.days("gap_max")
            if reaches or gap <= allowed or bridges:
                merged[-1] = _join(before, run)
                proofs[-1].update(run.evidence)
                return merged
        merged.append(run)
        proofs.append(set(run.evidence))
        return merged

    # The records are gathered apart and sorted once, or ten thousand doses would cost the square of it.
    proofs: list[set[ResourceRef]] = []
    nothing: list[Run] = []
    merged_runs = reduce(step, runs, nothing)
    return [
        msgspec.structs.replace(run, evidence=tuple(sorted(known)))
        for run, known in zip(merged_runs, proofs, strict=True)
    ]


def _join(before: Run, after: Run) -> Run:
    last = max(before.last_dose, after.last_dose, key=lambda it: (it.last, it.first))
    untils = [it.until for it in (before, after) if it.until is not None]
    reasons = sorted(
        (it.stopped_for for it in (before, after) if it.stopped_for is not None), key=lambda it: _REASON_RANK[it]
    )
    return Run(
        agent=before.agent,
        start=before.start,
        last_dose=last,
        until=max(untils, key=lambda it: (it.last, it.first)) if untils else None,
        # An order that was never closed says less than the doses that follow from it.
        is_open=after.is_open
        or (before.is_open and not after.is_given and after.stopped_for is None and before.start == after.start),
        is_given=before.is_given or after.is_given,
        stopped_for=reasons[0] if reasons else None,
        intent=before.intent or after.intent,
        is_certain=before.is_certain and after.is_certain,
        evidence=before.evidence,
    )


def _clip(run: Run, as_of: date) -> Run:
    if run.until is not None and run.until.first > as_of:
        today = PartialDate.from_day(as_of)
        return msgspec.structs.replace(run, until=today if run.last_dose.first <= as_of else run.until)
    return run
