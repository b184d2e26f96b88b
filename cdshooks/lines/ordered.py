"""Drugs known only from orders: which are planned, which were evidently never given, and which stay open. Source: R1."""

from __future__ import annotations

from datetime import date

import msgspec

from cdshooks.knowledge.drugs import DrugKnowledge
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Run


class Ordered(msgspec.Struct, frozen=True, kw_only=True):
    """The courses of a record, those known only from orders told apart."""

    taken: tuple[Run, ...]
    planned: tuple[Run, ...] = ()
    """A regimen known only from a fresh order."""
    never_given: tuple[Run, ...] = ()
    """Infusions ordered while the treatment before went on, of which no dose is recorded though doses of others are."""
    undocumented: frozenset[AgentId] = frozenset()
    """Infusions that count by their order alone, although doses of other infusions were recorded before."""


def orders_apart(runs: tuple[Run, ...], rules: LineRules, drugs: DrugKnowledge, as_of: date) -> Ordered:
    """Tell what was taken from what was only ordered."""
    if not any(it.is_only_ordered for it in runs):
        return Ordered(taken=runs)
    planned = _planned(runs, rules, as_of)
    rest = tuple(it for it in runs if it not in planned)
    silent = [it for it in rest if _is_silent(it, rest, drugs)]
    never = tuple(it for it in silent if _is_outlived(it, rest, rules.days("combo")))
    return Ordered(
        taken=tuple(it for it in rest if it not in never),
        planned=planned,
        never_given=never,
        undocumented=frozenset(it.agent for it in silent if it not in never),
    )


def _planned(runs: tuple[Run, ...], rules: LineRules, as_of: date) -> tuple[Run, ...]:
    """A regimen known only from a fresh order is planned; a fresh order beside doses of the same days is part of them."""
    fresh, window = rules.days("order_only"), rules.days("combo")
    planned = [it for it in runs if it.is_only_ordered and 0 <= (as_of - it.start.last).days < fresh]
    taken = [it for it in runs if it not in planned]
    return tuple(
        it for it in planned if not any(abs(it.start.least_days_until(other.start)) <= window for other in taken)
    )


def _is_silent(run: Run, runs: tuple[Run, ...], drugs: DrugKnowledge) -> bool:
    """Whether an infusion is told by an order still open and no dose, in a record that told the doses of infusions before."""

    def is_infusion(agent: AgentId) -> bool:
        drug = drugs.by_agent.get(agent)
        return drug is not None and drug.cycle_days is not None and "po" not in drug.routes

    return (
        run.is_only_ordered
        and run.is_open
        and run.stopped_for is None
        and is_infusion(run.agent)
        and any(it.is_given and is_infusion(it.agent) and it.start.is_before(run.start) is True for it in runs)
    )


def _is_outlived(run: Run, runs: tuple[Run, ...], window: int) -> bool:
    """Whether a treatment that an order would have replaced went on for longer than a regimen takes to begin."""
    return any(
        it.agent != run.agent
        and it.start.least_days_until(run.start) > window
        and run.start.least_days_until(it.covered) > window
        for it in runs
    )
