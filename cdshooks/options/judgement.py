"""Answers one criterion for a patient: each of its steps, what follows, what to ask, and the words for it."""

from __future__ import annotations

from functools import partial

import msgspec

from cdshooks.knowledge.criteria import Criterion, Effect, IfUnknown, Step
from cdshooks.knowledge.ids import CriterionId, FactId, ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.options.case import Answer, Bound, Case, Ground, evidence_of
from cdshooks.options.later import Later
from cdshooks.options.model import GRAVITY, Ask, Finding, Outcome, Warned, all_of
from cdshooks.options.predicates import NOT_KNOWN, FactTold, question


class Judgement(msgspec.Struct, frozen=True, gc=False):
    """One criterion answered for one regimen (or one of its drugs), and what follows; its words come when they are read."""

    criterion: CriterionId
    outcome: Outcome
    words: Later[Finding]
    grounds: tuple[Ground, ...] = ()
    effect: Effect | None = None
    is_grave: bool = False
    warned: Warned | None = None
    asks: tuple[Ask, ...] = ()
    dose_notes: tuple[str, ...] = ()

    @property
    def evidence(self) -> tuple[ResourceRef, ...]:
        """The resources that it rests on."""
        return evidence_of(self.grounds)

    @property
    def finding(self) -> Finding:
        """The answer with its reason and evidence."""
        return self.words()


ORDER: dict[Effect | None, int] = {effect: place for place, effect in enumerate(GRAVITY)} | {None: len(GRAVITY)}
"""Effects by their place, gravest first; none comes last."""


class Judge:
    """A criterion made ready for the drugs that it is about: its steps' questions wait for a patient."""

    def __init__(self, criterion: Criterion, bound: Bound, knowledge: Knowledge) -> None:
        self._criterion, self._bound = criterion, bound
        self._questions = [question(it.requires, knowledge, bound) for it in criterion.steps]

    def __call__(self, case: Case) -> Judgement:
        """Answer all steps; the finding is their Kleene conjunction, the effect the gravest that follows."""
        criterion = self._criterion
        answers = [ask(case) for ask in self._questions]
        outcome = all_of([it.outcome for it in answers])
        if outcome is Outcome.MET:  # as most are: nothing follows
            return Judgement(criterion.id, outcome, Later(partial(self._met, answers)))
        replies = list(zip(criterion.steps, answers, strict=True))
        step, answer, effect = _deciding(criterion, replies, outcome)
        missing = _missing(criterion, outcome, answers)
        words = Later(partial(self._words, outcome, step, answer, answers, missing, effect))
        return Judgement(
            criterion.id,
            outcome,
            words,
            tuple([it.grounds for it in answers]),
            effect,
            effect is Effect.WARN and step.is_grave,
            warned_of(words, effect),
            self._asks(replies, case),
            tuple([it.dose_note for it, reply in replies if it.dose_note and reply.outcome is Outcome.NOT_MET]),
        )

    def _met(self, answers: list[Answer]) -> Finding:
        return self._words(Outcome.MET, self._criterion.steps[0], answers[0], answers)

    def _words(
        self,
        outcome: Outcome,
        step: Step,
        answer: Answer,
        answers: list[Answer],
        missing: FactId | None = None,
        effect: Effect | None = None,
    ) -> Finding:
        """The finding: in the words of the step that decides, on the evidence of all."""
        criterion = self._criterion
        sentence = _named(_sentence(criterion, step, answer), self._bound)
        return Finding(
            criterion=criterion.id,
            outcome=outcome,
            because=_because(sentence, answer, says_unknown=criterion.because_unknown is not None),
            missing=missing,
            evidence=answer.evidence if len(answers) == 1 else evidence_of(tuple([it.grounds for it in answers])),
            sources=criterion.source_ids,
            effect=effect,
            sentence=sentence,
        )

    def _asks(self, replies: list[tuple[Step, Answer]], case: Case) -> tuple[Ask, ...]:
        criterion, found = self._criterion, []
        for step, answer in replies:
            if answer.outcome is Outcome.UNKNOWN and (step.if_unknown or criterion.if_unknown) in _ASKING:
                fact = criterion.ask_fact or answer.missing
                if fact is not None:
                    definition = case.knowledge.facts[fact]
                    text = criterion.ask or definition.ask or f"Find out: {definition.label}."
                    found.append(Ask(fact=fact, text=_named(text, self._bound)))
        return tuple(found)


def _missing(criterion: Criterion, outcome: Outcome, answers: list[Answer]) -> FactId | None:
    unknown = [it.missing for it in answers if it.missing is not None and it.outcome is Outcome.UNKNOWN]
    if outcome is not Outcome.UNKNOWN and not unknown:
        return None
    return criterion.ask_fact or (unknown[0] if unknown else None)


def _deciding(
    criterion: Criterion, replies: list[tuple[Step, Answer]], outcome: Outcome
) -> tuple[Step, Answer, Effect | None]:
    """The step whose consequence is the gravest; where none has one, the first that gave the outcome."""
    effects = [(step, answer, _effect(criterion, step, answer)) for step, answer in replies]
    if len(effects) == 1:
        return effects[0]
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


_ASKING = frozenset({IfUnknown.ASK, IfUnknown.ASK_AND_WARN, IfUnknown.HOLD})
_IF_UNKNOWN = {IfUnknown.WARN: Effect.WARN, IfUnknown.ASK_AND_WARN: Effect.WARN, IfUnknown.HOLD: Effect.HOLD}


def _named(text: str, bound: Bound) -> str:
    """A sentence of the knowledge with the drug that it is about in place of ``{drug}``."""
    return text if "{" not in text else text.replace("{drug}", ", ".join(sorted(bound)) or "this drug")


_MOST_OBSERVED = 3
"""Of what was observed, in the order of the criterion: a reason that many facts give is told with the first."""


def _because(sentence: str, answer: Answer, *, says_unknown: bool) -> str:
    told = tuple(dict.fromkeys(it.beside(sentence) if isinstance(it, FactTold) else str(it) for it in answer.each))
    if says_unknown and answer.outcome is Outcome.UNKNOWN:
        told = tuple(it for it in told if not it.endswith(NOT_KNOWN))  # the sentence says it in better words
    observed = "; ".join([it for it in told if it][:_MOST_OBSERVED])
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


def warned_of(words: Later[Finding], effect: Effect | None) -> Warned | None:
    """The warning that a finding is shown as; None where its effect is another, and no words are made."""
    if effect is not Effect.WARN:
        return None
    finding = words()
    return Warned(criterion=finding.criterion, text=finding.because)
