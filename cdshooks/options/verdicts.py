"""Judges every regimen: criteria are answered, their consequences weighed, and of several possible drugs one is taken."""

from __future__ import annotations

from functools import partial
from typing import Any, TypeVar

import msgspec

from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId
from cdshooks.knowledge.regimens import Regimen
from cdshooks.knowledge.rules import Binding, Choice, RegimenRules, Slot
from cdshooks.options.case import Case
from cdshooks.options.judgement import ORDER, Judge, Judgement, warned_of
from cdshooks.options.later import NOTHING, Later
from cdshooks.options.licence import counts_earlier_regimens, licence_judgements
from cdshooks.options.model import GRAVITY, Finding, Option, Outcome, Verdict

T = TypeVar("T")


class Judged(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A regimen judged: the option still without its place among the others, and what ranking asks of it."""

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

_NOTHING, _WARN = len(GRAVITY), GRAVITY.index(Effect.WARN)


class Weighed(msgspec.Struct, frozen=True, gc=False):
    """The answers to all that must hold for a drug or regimen: which of them say something, and the gravest place of these."""

    judgements: tuple[Judgement, ...]
    telling: tuple[Judgement, ...]
    gravest: int


class Memo(msgspec.Struct):
    """What is answered already for this patient: most criteria, and most sets of them, are shared by many regimens."""

    bindings: dict[int, Judgement]
    """By identity: equal bindings are one object, see ``knowledge.rules``."""
    sets: dict[int, Weighed]
    """By identity, too: equal sets of bindings are one object."""
    without_drug: dict[CriterionId, Judgement]
    """What is answered alike for all drugs that the record does not know."""
    on_record: frozenset[str]
    """Drugs that the record knows in any way: the answers about all others are alike."""
    silent: frozenset[FactId]
    """Facts of which the record says nothing: what rests on them alone is the same for every patient."""
    used: frozenset[AgentId]
    """Drugs given before."""
    of_silence: dict[Any, Any]
    """Answers that are the same for every patient, see ``knowledge.rules``."""

    @classmethod
    def of(cls, case: Case) -> Memo:
        """A memory for one patient."""
        facts = case.facts.values()
        used = frozenset([use.agent for use in case.lines.uses])
        named = {it for fact in facts if isinstance(fact.value, tuple) for it in fact.value}
        definitions = case.knowledge.facts
        silent = frozenset(
            [it.id for it in facts if not it.evidence and it.date is None and _is_unsaid(it.value, definitions[it.id])]
        )
        return cls({}, {}, {}, frozenset(named | used), silent, used, case.knowledge.rules.of_silence)


def _is_unsaid(value: object, definition: FactDefinition) -> bool:
    """Whether a value is the one that silence alone gives."""
    return (value is False or value == ()) if definition.is_closed else value is None


def judge_regimen(rules: RegimenRules, case: Case, memo: Memo) -> Judged:
    """Give a regimen its verdict; every criterion leaves a finding.

    A contraindication weighs more than not being applicable, so that a danger is always said.
    """
    parts: list[_Part] = [(_weigh(rules.whole, case, memo), None), (_licences(rules.regimen, case), None)]
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
        answered = memo.bindings
        known = memo.sets[id(bindings)] = _weighed([answered.get(id(it)) or _judge(it, case, memo) for it in bindings])
    return known


def _weighed(judgements: list[Judgement]) -> Weighed:
    telling = tuple([it for it in judgements if it.effect is not None or it.asks or it.dose_notes])
    return Weighed(tuple(judgements), telling, min([ORDER[it.effect] for it in telling]) if telling else _NOTHING)


def judge_drug(agent: AgentId, case: Case) -> tuple[Finding, ...]:
    """What has to be said of a drug in whatever company it is given; only what does not hold."""
    bindings = case.knowledge.rules.of_drug.get(agent, ())
    judged = (_answered(it, case) for it in bindings)
    return tuple(msgspec.structs.replace(it.finding, about=(agent,)) for it in judged if it.effect is not None)


_Part = tuple[Weighed, AgentId | None]
"""Answers and the drug that they are about; None: the regimen as a whole."""


def _licences(regimen: Regimen, case: Case) -> Weighed:
    """What the place of treatment makes of a regimen; the same for all patients there unless a licence counts earlier ones."""
    key = (regimen.id, case.jurisdiction)
    shared = case.knowledge.rules.of_silence
    known: Weighed | None = shared.get(key)
    if known is None:
        known = _weighed([_licence(finding, effect) for finding, effect in licence_judgements(regimen, case)])
        if not counts_earlier_regimens(regimen, case.jurisdiction):
            shared[key] = known
    return known


def _licence(finding: Finding, effect: Effect | None) -> Judgement:
    told = msgspec.structs.replace(finding, effect=effect, sentence=finding.because)
    words = Later(lambda: told)
    return Judgement(told.criterion, told.outcome, words, effect=effect, warned=warned_of(words, effect))


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
    return min(weighed.telling, key=lambda it: ORDER[it.effect])


def _judged(rules: RegimenRules, parts: list[_Part], agents: tuple[AgentId, ...], notes: list[str]) -> Judged:
    gravest = min([it.gravest for it, _ in parts])
    telling = [(it, agent) for weighed, agent in parts for it in weighed.telling]
    noted = [(it, agent) for it, agent in telling if it.dose_notes]
    of_drug = [(it, agent) for it, agent in noted if agent is not None]
    option = Option(
        id=rules.regimen.id,
        label=rules.regimen.label,
        verdict=_VERDICT_OF.get(GRAVITY[gravest], Verdict.OFFER) if gravest < _NOTHING else Verdict.OFFER,
        rank=None,
        reasons=NOTHING,
        agents=agents,
        warnings=_each_once([it.warned for it, _ in telling if it.warned is not None]),
        asks=_each_once([ask for it, _ in telling for ask in it.asks]),
        dose_notes=_each_once([*notes, *[note for it, _ in noted for note in it.dose_notes]]),
        notes_of=_each_once([(agent, note) for it, agent in of_drug for note in it.dose_notes]),
        open_doses=_each_once([agent for it, agent in of_drug if it.effect is Effect.WARN]),
        found=Later(partial(_findings, parts, is_whole=True)),
        found_against=Later(partial(_findings, parts, is_whole=False)),
        effects=tuple([(it.criterion, it.effect) for it, _ in telling if it.effect is not None]),
        unmet=Later(partial(_unmet, parts)),
    )
    return Judged(rules=rules, option=option, grave_warnings=sum([it.is_grave for it, _ in telling]))


def _each_once(found: list[T]) -> tuple[T, ...]:
    return tuple(dict.fromkeys(found)) if len(found) > 1 else tuple(found)


def _findings(parts: list[_Part], *, is_whole: bool) -> tuple[Finding, ...]:
    """Each finding once, with the drugs that it is about: an answer that several drugs share is one object."""
    if is_whole:
        judged = {id(it): it for weighed, _ in parts for it in weighed.judgements}
    else:
        judged = {id(it): it for weighed, _ in parts for it in weighed.telling if it.effect is not None}
    about: dict[int, tuple[AgentId, ...]] = {}
    for weighed, agent in parts:
        if agent is not None:
            for it in weighed.telling:
                if it.effect is not None:
                    about[id(it)] = (*about.get(id(it), ()), agent)
    return tuple(
        msgspec.structs.replace(it.finding, about=about[key]) if key in about else it.finding
        for key, it in judged.items()
    )


def _unmet(parts: list[_Part]) -> tuple[Judgement, ...]:
    return tuple([it for weighed, _ in parts for it in weighed.judgements if it.outcome is not Outcome.MET])


def _judge(binding: Binding, case: Case, memo: Memo) -> Judgement:
    """The answer to a criterion for these drugs, kept for the patient."""
    # what the record says nothing about is answered alike for every patient, so that answer is worked out once
    if binding.facts <= memo.silent and binding.earlier.isdisjoint(memo.used):
        known = memo.of_silence.get(id(binding))
        if known is None:
            known = _answered(binding, case)
            known.words()  # now, so that nothing of this patient is kept to make them later
            memo.of_silence[id(binding)] = known
    elif binding.bound and binding.bound.isdisjoint(memo.on_record):
        known = memo.without_drug.get(binding.criterion.id) or _answered(binding, case)
        if known.effect is None and not known.asks:  # an answer that names the drug is its own
            memo.without_drug[binding.criterion.id] = known
    else:
        known = _answered(binding, case)
    memo.bindings[id(binding)] = known
    return known


def _answered(binding: Binding, case: Case) -> Judgement:
    ready = case.knowledge.rules.questions
    judge: Judge | None = ready.get(id(binding))
    if judge is None:
        judge = ready[id(binding)] = Judge(binding.criterion, binding.bound, case.knowledge)
    return judge(case)
