"""Judges every regimen: criteria are answered, their consequences weighed, and of several possible drugs one is taken."""

from __future__ import annotations

import msgspec

from cdshooks.knowledge.criteria import Criterion, Effect, IfUnknown, Step
from cdshooks.knowledge.ids import AgentId, CriterionId
from cdshooks.knowledge.rules import Binding, Choice, RegimenRules, Slot
from cdshooks.options.case import Answer, Bound, Case
from cdshooks.options.licence import licence_judgements
from cdshooks.options.model import GRAVITY, Ask, Finding, Option, Outcome, Verdict, Warned, all_of
from cdshooks.options.predicates import evaluate


class Judgement(msgspec.Struct, frozen=True, kw_only=True):
    """One criterion answered for one regimen (or one of its drugs), and what follows."""

    finding: Finding
    effect: Effect | None = None
    is_grave: bool = False
    warned: Warned | None = None
    asks: tuple[Ask, ...] = ()
    dose_notes: tuple[str, ...] = ()


class Judged(msgspec.Struct, frozen=True, kw_only=True):
    """A regimen judged: the option still without its rank, and what ranking asks of it."""

    rules: RegimenRules
    option: Option
    grave_warnings: int


_VERDICT_OF = {
    Effect.EXCLUDE: Verdict.EXCLUDE,
    Effect.NOT_APPLICABLE: Verdict.NOT_APPLICABLE,
    Effect.HOLD: Verdict.HOLD,
    Effect.WARN: Verdict.OFFER_WITH_WARNING,
}
_BLOCKING = frozenset({Effect.EXCLUDE, Effect.NOT_APPLICABLE, Effect.HOLD})

Memo = dict[tuple[CriterionId, Bound], Judgement]
"""Criteria already answered for this patient: most are shared by many regimens."""


def judge_regimen(rules: RegimenRules, case: Case, memo: Memo) -> Judged:
    """Give a regimen its verdict; every criterion leaves a finding.

    A contraindication weighs more than not being applicable, so that a danger is always said.
    """
    found: list[_About] = [(_judge(binding, case, memo), None) for binding in rules.whole]
    found += [(_licence(finding, effect), None) for finding, effect in licence_judgements(rules.regimen, case)]
    taken: list[AgentId] = []
    notes: list[str] = []
    for slot in rules.slots:
        choice, judgements, note = _fill(slot, case, memo)
        notes += note
        if choice is not None:
            taken.append(choice.dosed.agent)
            found += [(it, choice.dosed.agent) for it in judgements]
    return _judged(rules, found, tuple(taken), notes)


def judge_drug(agent: AgentId, case: Case) -> tuple[Finding, ...]:
    """What has to be said of a drug in whatever company it is given; only what does not hold."""
    bindings = case.knowledge.rules.of_drug.get(agent, ())
    judged = (judge_criterion(it.criterion, case, it.bound) for it in bindings)
    return tuple(msgspec.structs.replace(it.finding, about=(agent,)) for it in judged if it.effect is not None)


_About = tuple[Judgement, AgentId | None]
"""A judgement and the drug that it is about; None: the regimen as a whole."""


def _licence(finding: Finding, effect: Effect | None) -> Judgement:
    told = msgspec.structs.replace(finding, effect=effect, sentence=finding.because)
    return Judgement(finding=told, effect=effect, warned=_warned(finding, effect))


def _fill(slot: Slot, case: Case, memo: Memo) -> tuple[Choice | None, list[Judgement], list[str]]:
    """Take the first drug of a slot that nothing speaks against; else the one with the least against it."""
    weighed = [(choice, [_judge(binding, case, memo) for binding in choice.bindings]) for choice in slot.choices]
    choice, found = min(weighed, key=lambda pair: _weight(pair[1]))
    if len(slot.choices) == 1 and not slot.is_optional:
        return choice, found, []
    blocked = _blocking(found)
    if blocked is not None and slot.is_optional:
        return None, [], [f"{choice.dosed.agent.capitalize()} is left out: {blocked.finding.because}"]
    notes = []
    for other, against in weighed:
        if other is choice:
            break
        reason = min(against, key=lambda it: _order(it.effect), default=None)
        if reason is not None and reason.effect is not None:
            notes.append(f"{choice.dosed.agent.capitalize()} instead of {other.dosed.agent}: {reason.finding.because}")
    return choice, found, notes


def _weight(found: list[Judgement]) -> int:
    """How much speaks against a drug: a warning does not pass it over, for the order of the slot is the order to try."""
    gravest = min((_order(it.effect) for it in found), default=len(GRAVITY))
    return -min(gravest, GRAVITY.index(Effect.WARN))


def _order(effect: Effect | None) -> int:
    return len(GRAVITY) if effect is None else GRAVITY.index(effect)


def _blocking(found: list[Judgement]) -> Judgement | None:
    return min((it for it in found if it.effect in _BLOCKING), key=lambda it: _order(it.effect), default=None)


def _judged(rules: RegimenRules, found: list[_About], agents: tuple[AgentId, ...], notes: list[str]) -> Judged:
    judgements = [it for it, _ in found]
    gravest = min((_order(it.effect) for it in judgements), default=len(GRAVITY))
    effect = GRAVITY[gravest] if gravest < len(GRAVITY) else None
    verdict = _VERDICT_OF.get(effect, Verdict.OFFER) if effect is not None else Verdict.OFFER
    dose_notes = dict.fromkeys([*notes, *(note for it in judgements for note in it.dose_notes)])
    option = Option(
        id=rules.regimen.id,
        label=rules.regimen.label,
        verdict=verdict,
        rank=None,
        why_this_rank=(),
        warnings=tuple(dict.fromkeys(it.warned for it in judgements if it.warned is not None)),
        asks=tuple(dict.fromkeys(ask for it in judgements for ask in it.asks)),
        dose_notes=tuple(dose_notes),
        findings=_findings(found),
        agents=agents,
        notes_of=tuple(
            dict.fromkeys((agent, note) for it, agent in found if agent is not None for note in it.dose_notes)
        ),
    )
    return Judged(rules=rules, option=option, grave_warnings=sum(it.is_grave for it in judgements))


def _findings(found: list[_About]) -> tuple[Finding, ...]:
    """Each finding once, with the drugs that it is about: an answer that several drugs share is one object."""
    about: dict[int, list[AgentId]] = {}
    findings: dict[int, Finding] = {}
    for judgement, agent in found:
        key = id(judgement.finding)
        findings.setdefault(key, judgement.finding)
        if agent is not None and judgement.effect is not None:
            about.setdefault(key, []).append(agent)
    return tuple(
        msgspec.structs.replace(it, about=tuple(about[key])) if key in about else it for key, it in findings.items()
    )


def _warned(finding: Finding, effect: Effect | None) -> Warned | None:
    return Warned(criterion=finding.criterion, text=finding.because) if effect is Effect.WARN else None


# ---- one criterion


def _judge(binding: Binding, case: Case, memo: Memo) -> Judgement:
    key = (binding.criterion.id, binding.bound)
    known = memo.get(key)
    if known is None:
        known = memo[key] = judge_criterion(binding.criterion, case, binding.bound)
    return known


def judge_criterion(criterion: Criterion, case: Case, bound: Bound = frozenset()) -> Judgement:
    """Answer all steps of a criterion; the finding is their Kleene conjunction, the effect the gravest that follows."""
    answers = [(step, evaluate(step.requires, case, bound)) for step in criterion.steps]
    outcome = all_of(answer.outcome for _, answer in answers)
    effects = [(step, answer, _effect(criterion, step, answer)) for step, answer in answers]
    step, answer, effect = min(effects, key=lambda it: (_order(it[2]), it[1].outcome is not outcome))
    if effect is None:
        step, answer = next((pair for pair in answers if pair[1].outcome is outcome), answers[0])
    sentence = _named(_sentence(criterion, step, answer), bound)
    because = _because(sentence, answer)
    missing = next((it.missing for _, it in answers if it.missing is not None and it.outcome is Outcome.UNKNOWN), None)
    finding = Finding(
        criterion=criterion.id,
        outcome=outcome,
        because=because,
        missing=(criterion.ask_fact or missing) if outcome is Outcome.UNKNOWN or missing else None,
        evidence=tuple(dict.fromkeys(ref for _, it in answers for ref in it.evidence)),
        sources=tuple(citation.source for citation in criterion.sources),
        effect=effect,
        sentence=sentence,
    )
    return Judgement(
        finding=finding,
        effect=effect,
        is_grave=effect is Effect.WARN and step.is_grave,
        warned=_warned(Finding(criterion=criterion.id, outcome=outcome, because=because), effect),
        asks=tuple(ask for it, reply in answers if (ask := _ask(criterion, it, reply, case, bound)) is not None),
        dose_notes=tuple(it.dose_note for it, reply in answers if it.dose_note and reply.outcome is Outcome.NOT_MET),
    )


def _effect(criterion: Criterion, step: Step, answer: Answer) -> Effect | None:
    match answer.outcome:
        case Outcome.NOT_MET:
            return step.if_not_met
        case Outcome.REVIEW:
            return criterion.if_review
        case Outcome.UNKNOWN:
            return _IF_UNKNOWN.get(step.if_unknown or criterion.if_unknown)
    return None


_IF_UNKNOWN = {IfUnknown.WARN: Effect.WARN, IfUnknown.ASK_AND_WARN: Effect.WARN, IfUnknown.HOLD: Effect.HOLD}


def _ask(criterion: Criterion, step: Step, answer: Answer, case: Case, bound: Bound) -> Ask | None:
    if answer.outcome is not Outcome.UNKNOWN:
        return None
    if (step.if_unknown or criterion.if_unknown) not in {IfUnknown.ASK, IfUnknown.ASK_AND_WARN, IfUnknown.HOLD}:
        return None
    fact = criterion.ask_fact or answer.missing
    if fact is None:
        return None
    definition = case.knowledge.facts[fact]
    text = criterion.ask or definition.ask or f"Find out: {definition.label}."
    return Ask(fact=fact, text=_named(text, bound))


def _named(text: str, bound: Bound) -> str:
    """A sentence of the knowledge with the drug that it is about in place of ``{drug}``."""
    return text.replace("{drug}", ", ".join(sorted(bound)) or "this drug")


def _because(sentence: str, answer: Answer) -> str:
    observed = "; ".join(answer.observed)
    if not observed:
        return sentence if sentence.endswith(".") else f"{sentence}."
    return f"{sentence.rstrip('.')} ({observed})."


def _sentence(criterion: Criterion, step: Step, answer: Answer) -> str:
    match answer.outcome:
        case Outcome.MET:
            return criterion.because_met or criterion.title
        case Outcome.UNKNOWN:
            return criterion.because_unknown or f"Not known: {criterion.title}"
    return step.because
