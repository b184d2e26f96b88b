"""Judges every regimen: criteria are answered, their consequences weighed, and of several possible drugs one is taken."""

from __future__ import annotations

import msgspec

from cdshooks.knowledge.criteria import Criterion, Effect, IfUnknown, Step
from cdshooks.knowledge.ids import AgentId, CriterionId
from cdshooks.knowledge.rules import Binding, Choice, RegimenRules, Slot
from cdshooks.options.case import Answer, Bound, Case
from cdshooks.options.licence import licence_judgements
from cdshooks.options.model import GRAVITY, Ask, Finding, Option, Outcome, Verdict, Warned, all_of
from cdshooks.options.predicates import NOT_KNOWN, evaluate


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

_ORDER: dict[Effect | None, int] = {effect: place for place, effect in enumerate(GRAVITY)} | {None: len(GRAVITY)}
_NOTHING, _WARN = len(GRAVITY), GRAVITY.index(Effect.WARN)


class Weighed(msgspec.Struct, frozen=True):
    """The answers to all that must hold for a drug or regimen: which of them say something, and the gravest place of these."""

    all: tuple[Judgement, ...]
    telling: tuple[Judgement, ...]
    gravest: int


class Memo(msgspec.Struct):
    """What is answered already for this patient: most criteria, and most sets of them, are shared by many regimens."""

    criteria: dict[tuple[CriterionId, Bound], Judgement]
    sets: dict[int, Weighed]
    """By identity: equal sets of bindings are one object, see ``knowledge.rules``."""
    on_record: frozenset[str]
    """Drugs that the record knows in any way: the answers about all others are alike."""

    @classmethod
    def of(cls, case: Case) -> Memo:
        """A memory for one patient."""
        named = {it for fact in case.facts.values() if isinstance(fact.value, tuple) for it in fact.value}
        return cls({}, {}, frozenset(named | {use.agent for use in case.lines.uses}))


def judge_regimen(rules: RegimenRules, case: Case, memo: Memo) -> Judged:
    """Give a regimen its verdict; every criterion leaves a finding.

    A contraindication weighs more than not being applicable, so that a danger is always said.
    """
    licence = tuple(_licence(finding, effect) for finding, effect in licence_judgements(rules.regimen, case))
    parts: list[_Part] = [(_weigh(rules.whole, case, memo), None), (_weighed(licence), None)]
    taken: list[AgentId] = []
    notes: list[str] = []
    for slot in rules.slots:
        choice, weighed, note = _fill(slot, case, memo)
        notes += note
        if choice is not None:
            taken.append(choice.dosed.agent)
            parts.append((weighed, choice.dosed.agent))
    return _judged(rules, parts, tuple(taken), notes)


def _weigh(bindings: tuple[Binding, ...], case: Case, memo: Memo) -> Weighed:
    known = memo.sets.get(id(bindings))
    if known is None:
        known = memo.sets[id(bindings)] = _weighed(tuple([_judge(it, case, memo) for it in bindings]))
    return known


def _weighed(judgements: tuple[Judgement, ...]) -> Weighed:
    telling = tuple([it for it in judgements if it.effect is not None or it.asks or it.dose_notes])
    return Weighed(judgements, telling, min([_ORDER[it.effect] for it in telling], default=_NOTHING))


def judge_drug(agent: AgentId, case: Case) -> tuple[Finding, ...]:
    """What has to be said of a drug in whatever company it is given; only what does not hold."""
    bindings = case.knowledge.rules.of_drug.get(agent, ())
    judged = (judge_criterion(it.criterion, case, it.bound) for it in bindings)
    return tuple(msgspec.structs.replace(it.finding, about=(agent,)) for it in judged if it.effect is not None)


_Part = tuple[Weighed, AgentId | None]
"""Answers and the drug that they are about; None: the regimen as a whole."""


def _licence(finding: Finding, effect: Effect | None) -> Judgement:
    told = msgspec.structs.replace(finding, effect=effect, sentence=finding.because)
    return Judgement(finding=told, effect=effect, warned=_warned(finding, effect))


def _fill(slot: Slot, case: Case, memo: Memo) -> tuple[Choice | None, Weighed, list[str]]:
    """Take the first drug of a slot that nothing speaks against; else the one with the least against it."""
    if len(slot.choices) == 1 and not slot.is_optional:
        return slot.choices[0], _weigh(slot.choices[0].bindings, case, memo), []
    weighed = [(choice, _weigh(choice.bindings, case, memo)) for choice in slot.choices]
    # a warning does not pass a drug over, for the order of the slot is the order to try
    choice, found = min(weighed, key=lambda pair: -min(pair[1].gravest, _WARN))
    if slot.is_optional and GRAVITY[min(found.gravest, _WARN)] in _BLOCKING:
        return None, found, [f"{choice.dosed.agent.capitalize()} is left out: {_gravest(found).finding.because}"]
    notes = []
    for other, against in weighed:
        if other is choice:
            break
        if against.gravest < _NOTHING:
            because = _gravest(against).finding.sentence.rstrip(".")
            notes.append(f"{choice.dosed.agent.capitalize()} instead of {other.dosed.agent}: {because}.")
    return choice, found, notes


def _gravest(weighed: Weighed) -> Judgement:
    return min(weighed.telling, key=lambda it: _ORDER[it.effect])


def _judged(rules: RegimenRules, parts: list[_Part], agents: tuple[AgentId, ...], notes: list[str]) -> Judged:
    gravest = min(it.gravest for it, _ in parts)
    verdict = _VERDICT_OF.get(GRAVITY[gravest], Verdict.OFFER) if gravest < _NOTHING else Verdict.OFFER
    telling = [(it, agent) for weighed, agent in parts for it in weighed.telling]
    option = Option(
        id=rules.regimen.id,
        label=rules.regimen.label,
        verdict=verdict,
        rank=None,
        why_this_rank=(),
        warnings=tuple(dict.fromkeys(it.warned for it, _ in telling if it.warned is not None)),
        asks=tuple(dict.fromkeys(ask for it, _ in telling for ask in it.asks)),
        dose_notes=tuple(dict.fromkeys([*notes, *(note for it, _ in telling for note in it.dose_notes)])),
        findings=_findings(parts),
        agents=agents,
        notes_of=tuple(
            dict.fromkeys((agent, note) for it, agent in telling if agent is not None for note in it.dose_notes)
        ),
        open_doses=tuple(
            dict.fromkeys(
                agent for it, agent in telling if agent is not None and it.dose_notes and it.effect is Effect.WARN
            )
        ),
    )
    return Judged(rules=rules, option=option, grave_warnings=sum(it.is_grave for it, _ in telling))


def _findings(parts: list[_Part]) -> tuple[Finding, ...]:
    """Each finding once, with the drugs that it is about: an answer that several drugs share is one object."""
    findings = {id(it.finding): it.finding for weighed, _ in parts for it in weighed.all}
    about: dict[int, tuple[AgentId, ...]] = {}
    for weighed, agent in parts:
        if agent is not None:
            for it in weighed.telling:
                if it.effect is not None:
                    about[id(it.finding)] = (*about.get(id(it.finding), ()), agent)
    for key, agents in about.items():
        findings[key] = msgspec.structs.replace(findings[key], about=agents)
    return tuple(findings.values())


def _warned(finding: Finding, effect: Effect | None) -> Warned | None:
    return Warned(criterion=finding.criterion, text=finding.because) if effect is Effect.WARN else None


# ---- one criterion


def _judge(binding: Binding, case: Case, memo: Memo) -> Judgement:
    bound = binding.bound if binding.bound & memo.on_record else _NO_DRUG
    key = (binding.criterion.id, bound)
    known = memo.criteria.get(key)
    if known is None:
        known = judge_criterion(binding.criterion, case, binding.bound)
        if known.effect is not None or known.asks:
            bound = binding.bound  # an answer that names the drug is its own
        memo.criteria[binding.criterion.id, bound] = known
    return known


_NO_DRUG: Bound = frozenset()


def judge_criterion(criterion: Criterion, case: Case, bound: Bound = frozenset()) -> Judgement:
    """Answer all steps of a criterion; the finding is their Kleene conjunction, the effect the gravest that follows."""
    answers = [(step, evaluate(step.requires, case, bound)) for step in criterion.steps]
    outcome = all_of([answer.outcome for _, answer in answers])
    effects = [(step, answer, _effect(criterion, step, answer)) for step, answer in answers]
    step, answer, effect = (
        effects[0] if len(effects) == 1 else min(effects, key=lambda it: (_ORDER[it[2]], it[1].outcome is not outcome))
    )
    if effect is None:
        step, answer = next((pair for pair in answers if pair[1].outcome is outcome), answers[0])
    sentence = _named(_sentence(criterion, step, answer), bound)
    because = _because(sentence, answer, says_unknown=criterion.because_unknown is not None)
    missing = next((it.missing for _, it in answers if it.missing is not None and it.outcome is Outcome.UNKNOWN), None)
    finding = Finding(
        criterion=criterion.id,
        outcome=outcome,
        because=because,
        missing=(criterion.ask_fact or missing) if outcome is Outcome.UNKNOWN or missing else None,
        evidence=tuple(dict.fromkeys([ref for _, it in answers for ref in it.evidence])),
        sources=tuple([citation.source for citation in criterion.sources]),
        effect=effect,
        sentence=sentence,
    )
    return Judgement(
        finding=finding,
        effect=effect,
        is_grave=effect is Effect.WARN and step.is_grave,
        warned=_warned(finding, effect),
        asks=tuple([ask for it, reply in answers if (ask := _ask(criterion, it, reply, case, bound)) is not None]),
        dose_notes=tuple([it.dose_note for it, reply in answers if it.dose_note and reply.outcome is Outcome.NOT_MET]),
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
