"""Takes a patient's record and lines to advice: every regimen judged and in order, orders reviewed, gaps named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.model import LineHistory
from cdshooks.options.case import Case
from cdshooks.options.facts import derive_facts
from cdshooks.options.gaps import find_gaps
from cdshooks.options.model import Advice, Option, TrialMatch
from cdshooks.options.order_of_options import rank_options
from cdshooks.options.orders import Draft, review_orders
from cdshooks.options.verdicts import Memo, judge_regimen
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
) -> Advice:
    """All findings for a patient on a day in a jurisdiction (US, EU or CN).

    Every regimen gets one verdict. Hard stops come before ranking, and no wish lifts them. ``beside`` are drugs of draft orders
    that are not reviewed, yet make one regimen with those that are.
    """
    facts = derive_facts(record, lines, knowledge, as_of=as_of)
    case = Case(record=record, lines=lines, facts=facts, knowledge=knowledge, as_of=as_of, jurisdiction=jurisdiction)
    options = judge_options(case)
    trials: tuple[TrialMatch, ...] = ()
    return Advice(
        as_of=as_of,
        jurisdiction=jurisdiction,
        record=record,
        lines=lines,
        facts=tuple(facts.values()),
        options=options,
        trials=trials,
        orders=review_orders(orders, options, case, beside),
        gaps=find_gaps(options, trials, case),
        conflicts=record.conflicts,
    )


def judge_options(case: Case) -> tuple[Option, ...]:
    """Every regimen judged and ranked."""
    memo: Memo = {}
    return rank_options([judge_regimen(rules, case, memo) for rules in case.knowledge.rules.regimens], case)
