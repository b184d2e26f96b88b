"""Takes a patient's record and lines to advice: every regimen judged and in order, orders reviewed, gaps named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import SHIPPED_FACTS, Registry
from cdshooks.lines.model import LineHistory
from cdshooks.options.case import Case
from cdshooks.options.facts import derive_facts
from cdshooks.options.gaps import find_gaps
from cdshooks.options.model import Advice, Option
from cdshooks.options.order_of_options import rank_options
from cdshooks.options.orders import Draft, review_orders
from cdshooks.options.trials.match import match_trials
from cdshooks.options.trials.place import home_of
from cdshooks.options.verdicts import Memo, judge_regimen
from cdshooks.options.withheld import gap_of, why_withheld, withhold, withhold_trials
from cdshooks.record.model import PatientRecord


def assess_options(
    record: PatientRecord,
    lines: LineHistory,
    knowledge: Knowledge,
    *,
    as_of: date,
    jurisdiction: str,
    orders: Sequence[Draft] = (),
    beside: frozenset[AgentId] = frozenset(),
    registry: Registry | None = None,
    hospital: Position | None = None,
    in_full: bool = True,
) -> Advice:
    """All findings for a patient on a day in a jurisdiction (US, EU or CN).

    Every regimen gets one verdict. Hard stops come before ranking, and no wish lifts them.

    Args:
        record: What the resources say.
        lines: What the rules made of it.
        knowledge: Drugs, criteria, regimens and trials, frozen at start-up.
        as_of: The day of the advice.
        jurisdiction: Whose licences count.
        orders: The orders being placed.
        beside: Drugs of draft orders that are not reviewed, yet make one regimen with those that are.
        registry: What imported registry records say of trials; the others speak from their own files.
        hospital: Where distances to trial sites begin when the patient's address does not tell.
        in_full: Answer every criterion of every trial, for explanations; else stop where a trial is ruled out for good.
    """
    facts = derive_facts(record, lines, knowledge, as_of=as_of)
    case = Case(record=record, lines=lines, facts=facts, knowledge=knowledge, as_of=as_of, jurisdiction=jurisdiction)
    options = judge_options(case)
    known = registry or SHIPPED_FACTS
    trials = match_trials(case, known.states, in_full=in_full)
    gaps = find_gaps(options, trials, case)
    withheld = why_withheld(record.person)
    if withheld is not None:
        options = withhold(options, record.person, withheld)
        trials = withhold_trials(trials, record.person, withheld)
        gaps = (gap_of(withheld),)
    return Advice(
        as_of=as_of,
        jurisdiction=jurisdiction,
        record=record,
        lines=lines,
        known=facts,
        options=options,
        trials=trials,
        orders=review_orders(orders, options, case, beside),
        gaps=gaps,
        conflicts=record.conflicts,
        registry_age=known.age,
        home=home_of(case, hospital),
    )


def judge_options(case: Case) -> tuple[Option, ...]:
    """Every regimen judged and ranked."""
    memo = Memo.of(case)
    return rank_options([judge_regimen(rules, case, memo) for rules in case.knowledge.rules.regimens], case)
