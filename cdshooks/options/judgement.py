"""Answers one criterion for a patient: each of its steps, what follows, what to ask, and the words for it."""

from __future__ import annotations

import msgspec

from cdshooks.knowledge.criteria import Criterion, Effect, IfUnknown, Step
from cdshooks.options.case import Answer, Bound, Case
from cdshooks.options.model import GRAVITY, Ask, Finding, Outcome, Warned, all_of
from cdshooks.options.predicates import NOT_KNOWN, evaluate


class Judgement(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One criterion answered for one regimen (or one of its drugs), and what follows."""

    finding: Finding
    effect: Effect | None = None
    is_grave: bool = False
    warned: Warned | None = None
    asks: tuple[Ask, ...] = ()
    dose_notes: tuple[str, ...] = ()


ORDER: dict[Effect | None, int] = {effect: place for place, effect in enumerate(GRAVITY)} | {None: len(GRAVITY)}
"""Effects by their place, gravest first; none comes last."""


def judge_criterion(criterion: Criterion, case: Case, bound: Bound = frozenset()) -> Judgement:
    """Answer all steps of a criterion; the finding is their Kleene conjunction, the effect the gravest that follows."""
    steps = criterion.steps
    if len(steps) == 1:
        step = steps[0]
        answer = evaluate(step.requires, case, bound)
        answers, outcome, effect = [(step, answer)], answer.outcome, _effect(criterion, step, answer)
        evidence = answer.evidence
    else:
        answers = [(it, evaluate(it.requires, case, bound)) for it in steps]
        outcome = all_of([it.outcome for _, it in answers])
        step, answer, effect = _deciding(criterion, answers, outcome)
        evidence = tuple(dict.fromkeys([ref for _, it in answers for ref in it.evidence]))
    sentence = _named(_sentence(criterion, step, answer), bound)
    because = _because(sentence, answer, says_unknown=criterion.because_unknown is not None)
    missing = None
    if outcome is not Outcome.MET:
        unknown = [it.missing for _, it in answers if it.missing is not None and it.outcome is Outcome.UNKNOWN]
        if outcome is Outcome.UNKNOWN or unknown:
            missing = criterion.ask_fact or (unknown[0] if unknown else None)
    finding = Finding(
        criterion=criterion.id,
        outcome=outcome,
        because=because,
        missing=missing,
        evidence=evidence,
        sources=criterion.source_ids,
        effect=effect,
        sentence=sentence,
    )
    if outcome is Outcome.MET and effect is None:
        return Judgement(finding=finding)
    return Judgement(
        finding=finding,
        effect=effect,
        is_grave=effect is Effect.WARN and step.is_grave,
        warned=warned_of(finding, effect),
        asks=tuple([ask for it, reply in answers if (ask := _ask(criterion, it, reply, case, bound)) is not None]),
        dose_notes=tuple([it.dose_note for it, reply in answers if it.dose_note and reply.outcome is Outcome.NOT_MET]),
    )


def _deciding(
    criterion: Criterion, answers: list[tuple[Step, Answer]], outcome: Outcome
) -> tuple[Step, Answer, Effect | None]:
    """The step whose consequence is the gravest; where none has one, the first that gave the outcome."""
    effects = [(step, answer, _effect(criterion, step, answer)) for step, answer in answers]
    if all(effect is None for _, _, effect in effects):
        return next(it for it in effects if it[1].outcome is outcome)
    return min(effects, key=lambda it: (ORDER[it[2]], it[1].outcome is not outcome))


def _effect(criterion: Criterion, step: Step, answer: Answer) -> Effect | None:
    outcome = answer.outcome
    if outcome is Outcome.MET:  # first, for most are
        return None
    if outcome is Outcome.NOT_MET:
        return step.if_not_met
    if outcome is Outcome.REVIEW:
        return criterion.if_review
    return _IF_UNKNOWN.get(step.if_unknown or criterion.if_unknown)


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
    return text if "{" not in text else text.replace("{drug}", ", ".join(sorted(bound)) or "this drug")


_MOST_OBSERVED = 3
"""Of what was observed, in the order of the criterion: a reason that many facts give is told with the first."""


def _because(sentence: str, answer: Answer, *, says_unknown: bool) -> str:
    told = answer.observed
    if says_unknown and answer.outcome is Outcome.UNKNOWN:
        told = tuple(it for it in told if not it.endswith(NOT_KNOWN))  # the sentence says it in better words
    observed = "; ".join(told[:_MOST_OBSERVED])
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


def warned_of(finding: Finding, effect: Effect | None) -> Warned | None:
    """The warning that a finding is shown as; None where its effect is another."""
    return Warned(criterion=finding.criterion, text=finding.because) if effect is Effect.WARN else None
