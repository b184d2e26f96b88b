"""Evaluates a predicate tree for a patient: met, not met, unknown, or for a person to judge."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from datetime import date, timedelta
from functools import partial
from typing import Any, TypeAlias

import msgspec

from cdshooks.knowledge.criteria import AllOf, AnyOf, ComponentInFact, FactLeaf, Not, Predicate, PriorTherapy, Review
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, FactId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.model import AgentUse, EndReason, Setting
from cdshooks.options.case import Answer, Bound, Case
from cdshooks.options.model import Fact, Outcome, all_of, any_of, opposite
from cdshooks.partial_date import PartialDate

NOT_KNOWN = " is not known"
DAYS_PER_MONTH = 365.25 / 12
_MET, _NOT_MET, _UNKNOWN = Outcome.MET, Outcome.NOT_MET, Outcome.UNKNOWN
NOTHING_TOLD = {it: Answer(it) for it in Outcome}
"""Bare answers: nothing was observed, and they rest on nothing that a record says."""
Combine: TypeAlias = Callable[[Sequence[Outcome]], Outcome]
Holds: TypeAlias = Callable[[Any], bool]


Question = Callable[[Case], Answer]
"""A predicate made ready: it looks at a patient and answers."""


def question_of(predicate: Predicate, knowledge: Knowledge, bound: Bound = frozenset()) -> Question:
    """The question of a predicate of the knowledge, made ready once for all patients."""
    ready, key = knowledge.rules.questions, (id(predicate), bound)
    known: tuple[Predicate, Question] | None = ready.get(key)
    if known is None or known[0] is not predicate:  # it is kept beside, for an identity is given anew
        known = ready[key] = (predicate, question(predicate, knowledge, bound))
    return known[1]


def question(predicate: Predicate, knowledge: Knowledge, bound: Bound = frozenset()) -> Question:  # one for each form
    """Make a predicate ready to be asked: all that does not depend on the patient is worked out here.

    ``bound`` are the components that the criterion is about.
    """
    match predicate:
        case FactLeaf():
            return _about_fact(predicate, knowledge)
        case AllOf():
            return _together(all_of, [question(part, knowledge, bound) for part in predicate.of])
        case AnyOf():
            return _together(any_of, [question(part, knowledge, bound) for part in predicate.of])
        case Not():
            return _turned(question(predicate.of, knowledge, bound))
        case PriorTherapy():
            return _about_therapy(predicate, knowledge, bound)
        case ComponentInFact():
            return partial(_of_membership, predicate, bound)
        case Review():
            answer = Answer(Outcome.REVIEW, (predicate.because,))
            return lambda _: answer


def _together(combine: Combine, parts: list[Question]) -> Question:
    return lambda case: combined(combine, [ask(case) for ask in parts])


def _turned(ask: Question) -> Question:
    def answer(case: Case) -> Answer:
        given = ask(case)
        return Answer(opposite(given.outcome), given.told, given.missing, given.grounds)

    return answer


def combined(combine: Combine, answers: Sequence[Answer]) -> Answer:
    """Several answers as one: what decided it is what was observed."""
    if len(answers) == 1 and answers[0].recovers_on is None:
        return answers[0]
    outcome = combine([answer.outcome for answer in answers])
    telling = [
        answer for answer in answers if answer.outcome is outcome and (answer.told or answer.grounds or answer.missing)
    ]
    if len(telling) < 2:  # as nearly always: what is absent has nothing to tell  # noqa: PLR2004
        only = telling[0] if telling else NOTHING_TOLD[outcome]
        return only if only.recovers_on is None else Answer(outcome, only.told, only.missing, only.grounds)
    missing = next((answer.missing for answer in telling if answer.missing is not None), None)
    return Answer(
        outcome, tuple([answer.told for answer in telling]), missing, tuple([answer.grounds for answer in telling])
    )


# ---- facts


class FactTold(msgspec.Struct, frozen=True, gc=False):
    """A fact, put into words when someone reads it."""

    fact: Fact
    definition: FactDefinition

    def __str__(self) -> str:
        return describe(self.fact, self.definition)

    def beside(self, sentence: str) -> str:
        """What it adds to a sentence: where all its words stand there, no more than the day on which it was recorded."""
        fact = self.fact
        if fact.value is not True or not _words_of(self.definition.label) <= _words_of(sentence):
            return str(self)
        return f"on record: {fact.date}" if fact.date is not None else ""


def _words_of(text: str) -> set[str]:
    return set(_WORD.findall(text.casefold()))


_WORD = re.compile(r"[\w-]+")


def _about_fact(leaf: FactLeaf, knowledge: Knowledge) -> Question:
    definition = knowledge.facts[leaf.fact]
    not_known = Answer(_UNKNOWN, (f"{definition.label}{NOT_KNOWN}",), leaf.fact)
    fact_id, limit = leaf.fact, leaf.within_days if leaf.within_days is not None else definition.valid_for_days
    if leaf.op == "is_known":
        return partial(_of_knowing, fact_id, definition)
    holds = _COMPARISONS[leaf.op](leaf.value)
    age = timedelta(days=limit) if limit is not None else None
    are_drugs = fact_id == _COMEDS

    def answer(case: Case) -> Answer:
        fact = case.fact(fact_id)
        value = fact.value
        if value is None:
            return not_known
        if age is not None and fact.date is not None and fact.date.last < case.as_of - age:
            return Answer(_UNKNOWN, (f"{describe(fact, definition)} is too old to rely on",), fact_id, fact.evidence)
        outcome = _MET if holds(value) else _NOT_MET
        if are_drugs:
            return _of_other_drugs(leaf, outcome, fact, case)
        return Answer(outcome, (FactTold(fact, definition),), None, fact.evidence)

    return answer


def _of_knowing(fact_id: FactId, definition: FactDefinition, case: Case) -> Answer:
    fact = case.fact(fact_id)
    is_known = fact.value is not None
    told = (FactTold(fact, definition),)
    return Answer(_MET if is_known else _NOT_MET, told, None if is_known else fact_id, fact.evidence)


_COMEDS = FactId("comeds")


def _of_other_drugs(leaf: FactLeaf, outcome: Outcome, fact: Fact, case: Case) -> Answer:
    """The drugs in use that are of the classes asked for, by their names: a reader knows omeprazole, not its class."""
    words = _words(leaf.value)
    met = [it for it in case.record.comedications if it.is_current and not words.isdisjoint(it.classes)]
    if not met:
        return Answer(outcome, (), None, fact.evidence)
    names = ", ".join(sorted({it.name for it in met}))
    return Answer(outcome, (f"in use: {names}",), None, (tuple([it.evidence for it in met]),))


def _among(want: object) -> Holds:
    words = _words(want)
    return lambda have: have in words


def _not_among(want: object) -> Holds:
    words = _words(want)
    return lambda have: have not in words


def _has_any(want: object) -> Holds:
    words = _words(want)
    return lambda have: not words.isdisjoint(_words(have))


def _has_all(want: object) -> Holds:
    words = _words(want)
    return lambda have: words <= _words(have)


def _has_none(want: object) -> Holds:
    words = _words(want)
    return lambda have: words.isdisjoint(_words(have))


_COMPARISONS: Mapping[str, Callable[[Any], Holds]] = {
    "eq": lambda want: lambda have: have == want,
    "ne": lambda want: lambda have: have != want,
    "lt": lambda want: lambda have: have < want,  # of numbers: the loader checks that both are
    "le": lambda want: lambda have: have <= want,
    "gt": lambda want: lambda have: have > want,
    "ge": lambda want: lambda have: have >= want,
    "in": _among,
    "not_in": _not_among,
    "has_any": _has_any,
    "has_all": _has_all,
    "has_none": _has_none,
}


def _words(value: object) -> frozenset[object]:
    return frozenset(value) if isinstance(value, tuple) else frozenset((value,))


def is_too_old(fact: Fact, definition: FactDefinition, as_of: date, within_days: int | None = None) -> bool:
    """Whether a value is certainly older than it may be; a month known without its day gets the benefit of the doubt."""
    limit = within_days if within_days is not None else definition.valid_for_days
    return limit is not None and fact.date is not None and fact.date.last < as_of - timedelta(days=limit)


def describe(fact: Fact, definition: FactDefinition) -> str:
    """A fact as words for a reader: "left ventricular ejection fraction 45 % (2026-10-01)"."""
    value = fact.value
    if value is None:
        return f"{definition.label}{NOT_KNOWN}"
    when = f" ({fact.date})" if fact.date is not None and definition.type != "date" else ""
    if isinstance(value, str) and value in definition.said:
        return f"{definition.said[value]}{when}"
    if isinstance(value, bool):
        return f"{'' if value else 'no '}{definition.label}{when}"
    if isinstance(value, tuple):
        text = ", ".join(value) or "none"
    elif isinstance(value, float):
        text = f"{value:.4g}"
    else:
        text = str(value).replace("_", " ")
    unit = f" {definition.unit}" if definition.unit else ""
    return f"{definition.label} {text}{unit}{when}"


# ---- earlier treatment


class UseTold(msgspec.Struct, frozen=True, gc=False):
    """An earlier treatment, put into words when someone reads it."""

    use: AgentUse

    def __str__(self) -> str:
        use = self.use
        span = f"{use.start} to {use.end}" if use.end is not None else f"since {use.start}"
        line = f", line {use.line}" if use.line is not None else f", {use.setting.value}"
        return f"{use.agent} {span}{line}, ended: {use.outcome.value.replace('_', ' ')}"


def _about_therapy(leaf: PriorTherapy, knowledge: Knowledge, bound: Bound) -> Question:
    # a second use is asked about: what is being taken now is not an earlier one
    agents = bound if leaf.is_component else _agents_of(leaf, knowledge)
    none = Answer(_NOT_MET)

    def answer(case: Case) -> Answer:
        uses = [
            use
            for use in case.lines.uses
            if use.agent in agents
            and not (leaf.is_component and use.outcome is EndReason.ONGOING)
            and _fits_setting(use, leaf.setting)
        ]
        return _of_uses(uses, leaf, case.as_of) if uses else none

    return answer


def _agents_of(leaf: PriorTherapy, knowledge: Knowledge) -> frozenset[AgentId]:
    kinds = frozenset(leaf.classes)
    return frozenset(leaf.agents).union(
        agent for agent, classes in knowledge.rules.classes.items() if not kinds.isdisjoint(classes)
    )


def _of_uses(uses: list[AgentUse], leaf: PriorTherapy, as_of: date) -> Answer:
    answer = combined(any_of, [_use_answer(use, leaf, as_of) for use in uses])
    if leaf.min_months_since is not None and answer.outcome is _MET:
        # "at least so long ago" speaks of the last use, so no later one may be nearer
        nearer = [_since(use, as_of, leaf.min_months_since, None) for use in uses if _outcome_fits(use, leaf) is _MET]
        return Answer(all_of(nearer), answer.told, answer.missing, answer.grounds)
    return answer


def _fits_setting(use: AgentUse, setting: str) -> bool:
    if setting == "any":
        return True
    return (use.setting is Setting.METASTATIC) == (setting == "metastatic")


def _outcome_fits(use: AgentUse, leaf: PriorTherapy) -> Outcome:
    match leaf.outcome:
        case "progression":
            return _yes_no_unsure(use, EndReason.PROGRESSION)
        case "toxicity":
            return _yes_no_unsure(use, EndReason.TOXICITY)
        case "not_progression":
            return opposite(_yes_no_unsure(use, EndReason.PROGRESSION))
    return _MET


def _yes_no_unsure(use: AgentUse, reason: EndReason) -> Outcome:
    if use.outcome is reason:
        return _MET
    return _UNKNOWN if use.outcome is EndReason.UNKNOWN else _NOT_MET


def _use_answer(use: AgentUse, leaf: PriorTherapy, as_of: date) -> Answer:
    fits = _outcome_fits(use, leaf)
    since = _since(use, as_of, leaf.min_months_since, leaf.max_months_since)
    outcome = all_of((fits, since))
    return Answer(outcome, (UseTold(use),), _AGENTS if outcome is _UNKNOWN else None, use.evidence)


_AGENTS = FactId("agents_progressed")


def _since(use: AgentUse, as_of: date, least: float | None, most: float | None) -> Outcome:
    if least is None and most is None:
        return _MET
    if use.end is None:
        if use.outcome is not EndReason.ONGOING:
            return _UNKNOWN
        return _NOT_MET if least is not None else _MET
    days = use.end.days_until(PartialDate.from_day(as_of))
    outcomes = []
    if least is not None:
        outcomes.append(_between(days.least, days.most, least * DAYS_PER_MONTH, None))
    if most is not None:
        outcomes.append(_between(days.least, days.most, None, most * DAYS_PER_MONTH))
    return all_of(outcomes)


def _between(least: int, most: int, floor: float | None, ceiling: float | None) -> Outcome:
    if floor is not None:
        return _MET if least >= floor else _NOT_MET if most < floor else _UNKNOWN
    assert ceiling is not None
    return _MET if most <= ceiling else _NOT_MET if least > ceiling else _UNKNOWN


def _of_membership(leaf: ComponentInFact, bound: Bound, case: Case) -> Answer:
    fact = case.fact(leaf.fact)
    if not isinstance(fact.value, tuple):
        return Answer(_UNKNOWN, (), leaf.fact)
    shared = sorted(bound & frozenset(fact.value))
    if not shared:
        return Answer(_NOT_MET)
    return Answer(_MET, (f"{case.knowledge.facts[leaf.fact].label}: {', '.join(shared)}",), None, fact.evidence)
