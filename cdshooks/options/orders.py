"""Reviews the orders being placed against the patient's history and the verdicts."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import AgentId, CriterionId, RegimenId, ResourceRef
from cdshooks.knowledge.regimens import Regimen
from cdshooks.lines.model import EndReason
from cdshooks.options.case import Case
from cdshooks.options.model import GRAVITY, Finding, Option, OrderReview, Outcome, Verdict
from cdshooks.options.verdicts import judge_drug


class Draft(Protocol):
    """An order being placed, as ``record.drafts`` reads it."""

    @property
    def ref(self) -> ResourceRef:
        """The order in the hook's context."""
        ...

    @property
    def agents(self) -> tuple[AgentId, ...]:
        """The cancer drugs that it orders; none when it orders something else."""
        ...

    @property
    def is_medication(self) -> bool:
        """Whether it orders a drug."""
        ...


_BY_VERDICT = {
    Verdict.OFFER: "fitting",
    Verdict.OFFER_WITH_WARNING: "warning",
    Verdict.HOLD: "warning",
    Verdict.EXCLUDE: "contraindicated",
    Verdict.NOT_APPLICABLE: "warning",
}
_PROGRESSED = CriterionId("SEQ_PROGRESSED")
_GRAVITY = ("fitting", "warning", "contraindicated", "repeated_after_progression")


def review_orders(
    orders: Sequence[Draft], options: Sequence[Option], case: Case, beside: frozenset[AgentId] = frozenset()
) -> tuple[OrderReview, ...]:
    """One review for each order; drugs ordered together, those drafted beside them and those running make one regimen."""
    ordered = frozenset(agent for order in orders for agent in order.agents) | beside
    running = frozenset(use.agent for use in case.lines.uses if use.outcome is EndReason.ONGOING)
    by_id = {option.id: option for option in options}
    regimens = _regimens_of(ordered, running, case)
    return tuple(_review(order, regimens, by_id, running, case) for order in orders)


def _regimens_of(ordered: frozenset[AgentId], running: frozenset[AgentId], case: Case) -> tuple[Regimen, ...]:
    """The regimens that these drugs are: with those running first, then alone; the tightest match first."""
    known = [rules.regimen for rules in case.knowledge.rules.regimens]
    for agents in (ordered | running, ordered):
        made = [it for it in known if it.is_made_of(agents)]
        if ordered and made:
            return tuple(sorted(made, key=lambda it: (len(it.matches.may_include), -len(it.matches.all_of), it.id)))
    if not ordered:
        return ()
    # part of a regimen whose other drugs are neither ordered nor running yet
    return tuple(
        sorted(
            (it for it in known if it.role == "option" and ordered <= it.agents and it.matches.all_of & ordered),
            key=lambda it: (len(it.agents), it.id),
        )
    )


def _review(
    order: Draft,
    regimens: tuple[Regimen, ...],
    options: dict[RegimenId, Option],
    running: frozenset[AgentId],
    case: Case,
) -> OrderReview:
    if not order.is_medication or not order.agents:
        judgement = "not_recognised" if order.is_medication else "not_cancer_treatment"
        return OrderReview(order=order.ref, agents=order.agents, judgement=judgement, reasons=(), regimens=())
    repeated = tuple(it for agent in order.agents if (it := _repeated(agent, running, case)) is not None)
    if repeated:
        return OrderReview(
            order=order.ref,
            agents=order.agents,
            judgement="repeated_after_progression",
            reasons=repeated,
            regimens=tuple(it.id for it in regimens),
        )
    dangers = _dangers(order.agents, case)
    mine = [it for it in regimens if it.agents & frozenset(order.agents)]
    judged = [options[it.id] for it in mine if it.id in options]
    if not judged:
        # no regimen that we know; what speaks against each drug in whatever company is said all the same
        return OrderReview(
            order=order.ref,
            agents=order.agents,
            judgement=_by_danger(dangers) or "not_recognised",
            reasons=_gravest_first(dangers, order.agents),
            regimens=(),
        )
    # several regimens may be meant: the one that fits best is, but a danger of the ordered drug shows in all of them
    best = min(judged, key=lambda it: (_GRAVITY.index(_BY_VERDICT[it.verdict]), it.rank or len(options)))
    is_continuing = frozenset(order.agents) <= running
    judgement = _BY_VERDICT[best.verdict]
    if is_continuing and best.verdict is Verdict.NOT_APPLICABLE:
        judgement = "fitting"
    judgement = max(judgement, _by_danger(dangers) or "fitting", key=_GRAVITY.index)
    told = {it.criterion for it in best.findings}
    found = [it for it in best.findings if it.outcome is not Outcome.MET]
    return OrderReview(
        order=order.ref,
        agents=order.agents,
        judgement=judgement,
        reasons=_gravest_first([*found, *(it for it in dangers if it.criterion not in told)], order.agents),
        regimens=(best.id, *(it.id for it in mine if it.id != best.id)),
    )


def _dangers(agents: tuple[AgentId, ...], case: Case) -> list[Finding]:
    """What rules out or holds one of these drugs, whatever it is combined with."""
    return [
        finding
        for agent in agents
        for finding in judge_drug(agent, case)
        if finding.effect in {Effect.EXCLUDE, Effect.HOLD} and finding.criterion != _PROGRESSED
    ]


def _by_danger(dangers: Sequence[Finding]) -> str | None:
    if not dangers:
        return None
    return "contraindicated" if any(it.effect is Effect.EXCLUDE for it in dangers) else "warning"


def _gravest_first(findings: Sequence[Finding], agents: tuple[AgentId, ...]) -> tuple[Finding, ...]:
    """The reasons by gravity; of equal ones those about the ordered drugs first, then those known before unknown ones."""

    def place(finding: Finding) -> tuple[int, bool, bool]:
        gravity = len(GRAVITY) if finding.effect is None else GRAVITY.index(finding.effect)
        is_of_others = bool(finding.about) and not set(finding.about) & set(agents)
        return gravity, is_of_others, finding.outcome is Outcome.UNKNOWN

    return tuple(sorted(findings, key=place))


def _repeated(agent: AgentId, running: frozenset[AgentId], case: Case) -> Finding | None:
    """The drug is ordered again although the disease progressed on it, and it is not one that is carried on beyond."""
    criterion = case.knowledge.criteria.get(_PROGRESSED)
    scope = criterion.applies_to if criterion is not None else None
    if agent in running or (scope is not None and agent in scope.except_agents):
        return None
    failed = [it for it in case.lines.uses if it.agent == agent and it.outcome is EndReason.PROGRESSION]
    if not failed:
        return None
    last = failed[-1]
    line = f"line {last.line}" if last.line is not None else last.setting.value
    return Finding(
        criterion=_PROGRESSED,
        outcome=Outcome.NOT_MET,
        because=f"The disease progressed on {agent} ({line}, {last.start} to {last.end or 'a day not on record'}).",
        evidence=last.evidence,
        sources=tuple(it.source for it in criterion.sources) if criterion is not None else (),
        effect=Effect.EXCLUDE,
        about=(agent,),
        sentence=f"the disease progressed on it ({line}, to {last.end or 'a day not on record'})",
    )
