"""Evaluates a predicate tree for a patient: met, not met, unknown, or for a person to judge."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, timedelta

from cdshooks.knowledge.criteria import AllOf, AnyOf, ComponentInFact, FactLeaf, Not, Predicate, PriorTherapy, Review
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, FactId
from cdshooks.lines.model import AgentUse, EndReason, Setting
from cdshooks.options.case import Answer, Bound, Case
from cdshooks.options.model import Fact, Outcome, all_of, any_of, opposite
from cdshooks.partial_date import PartialDate

NOT_KNOWN = " is not known"
DAYS_PER_MONTH = 365.25 / 12
_MET, _NOT_MET, _UNKNOWN = Outcome.MET, Outcome.NOT_MET, Outcome.UNKNOWN


def evaluate(predicate: Predicate, case: Case, bound: Bound = frozenset()) -> Answer:  # one for each form
    """Answer a predicate for a patient; ``bound`` are the components that the criterion is about."""
    match predicate:
        case FactLeaf():  # first, for most are
            return _of_fact(predicate, case)
        case AllOf():
            return combined(all_of, tuple([evaluate(part, case, bound) for part in predicate.of]))
        case AnyOf():
            return combined(any_of, tuple([evaluate(part, case, bound) for part in predicate.of]))
        case Not():
            answer = evaluate(predicate.of, case, bound)
            return Answer(opposite(answer.outcome), answer.observed, answer.missing, answer.evidence)
        case PriorTherapy():
            return _of_therapy(predicate, case, bound)
        case ComponentInFact():
            return _of_membership(predicate, case, bound)
        case Review():
            return Answer(Outcome.REVIEW, (predicate.because,))


def combined(combine: Callable[[tuple[Outcome, ...]], Outcome], answers: tuple[Answer, ...]) -> Answer:
    """Several answers as one: what decided it is what was observed."""
    outcome = combine(tuple([answer.outcome for answer in answers]))
    deciding = [answer for answer in answers if answer.outcome is outcome]
    telling = [answer for answer in deciding if answer.observed or answer.evidence or answer.missing]
    if len(telling) < 2:  # as nearly always: what is absent has nothing to tell  # noqa: PLR2004
        only = telling[0] if telling else Answer(outcome)
        return only if only.recovers_on is None else Answer(outcome, only.observed, only.missing, only.evidence)
    observed = dict.fromkeys([text for answer in telling for text in answer.observed])
    evidence = dict.fromkeys([ref for answer in telling for ref in answer.evidence])
    missing = next((answer.missing for answer in telling if answer.missing is not None), None)
    return Answer(outcome, tuple(observed), missing, tuple(evidence))


# ---- facts


def _of_fact(leaf: FactLeaf, case: Case) -> Answer:
    fact = case.fact(leaf.fact)
    definition = case.knowledge.facts[leaf.fact]
    if leaf.op == "is_known":
        outcome = _NOT_MET if fact.value is None else _MET
        return Answer(outcome, _told(fact, definition, case), leaf.fact if fact.value is None else None, fact.evidence)
    if fact.value is None:
        return Answer(_UNKNOWN, (f"{definition.label}{NOT_KNOWN}",), leaf.fact)
    if is_too_old(fact, definition, case.as_of, leaf.within_days):
        return Answer(_UNKNOWN, (f"{describe(fact, definition)} is too old to rely on",), leaf.fact, fact.evidence)
    outcome = _MET if _COMPARISONS[leaf.op](fact.value, leaf.value) else _NOT_MET
    if leaf.fact == _COMEDS:
        return _of_other_drugs(leaf, outcome, fact, case)
    return Answer(outcome, _told(fact, definition, case), None, fact.evidence)


def _told(fact: Fact, definition: FactDefinition, case: Case) -> tuple[str, ...]:
    """A fact in words, put into words once for a patient: many criteria ask for the same."""
    key = ("told", fact.id)
    known: tuple[str, ...] | None = case.shared.get(key)
    if known is None:
        known = case.shared[key] = (describe(fact, definition),)
    return known


_COMEDS = FactId("comeds")


def _of_other_drugs(leaf: FactLeaf, outcome: Outcome, fact: Fact, case: Case) -> Answer:
    """The drugs in use that are of the classes asked for, by their names: a reader knows omeprazole, not its class."""
    words = _words(leaf.value)
    met = [it for it in case.record.comedications if it.is_current and words & frozenset(it.classes)]
    if not met:
        return Answer(outcome, (), None, fact.evidence)
    names = ", ".join(sorted({it.name for it in met}))
    return Answer(outcome, (f"in use: {names}",), None, tuple(dict.fromkeys(ref for it in met for ref in it.evidence)))


_COMPARISONS: Mapping[str, Callable[[object, object], bool]] = {
    "eq": lambda have, want: have == want,
    "ne": lambda have, want: have != want,
    "lt": lambda have, want: have < want,  # type: ignore[operator]  # the loader checks that both are numbers
    "le": lambda have, want: have <= want,  # type: ignore[operator]  # as above
    "gt": lambda have, want: have > want,  # type: ignore[operator]  # as above
    "ge": lambda have, want: have >= want,  # type: ignore[operator]  # as above
    "in": lambda have, want: have in _words(want),
    "not_in": lambda have, want: have not in _words(want),
    "has_any": lambda have, want: bool(_words(have) & _words(want)),
    "has_all": lambda have, want: _words(have) >= _words(want),
    "has_none": lambda have, want: not _words(have) & _words(want),
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


def _of_therapy(leaf: PriorTherapy, case: Case, bound: Bound) -> Answer:
    uses = [use for use in case.lines.uses if _is_of(use, leaf, case, bound) and _fits_setting(use, leaf.setting)]
    answers = tuple(_use_answer(use, leaf, case.as_of) for use in uses)
    if not answers:
        return Answer(_NOT_MET, ())
    answer = combined(any_of, answers)
    if leaf.min_months_since is not None and answer.outcome is _MET:
        # "at least so long ago" speaks of the last use, so no later one may be nearer
        nearer = tuple(
            _since(use, case.as_of, leaf.min_months_since, None) for use in uses if _outcome_fits(use, leaf) is _MET
        )
        return Answer(all_of(nearer), answer.observed, answer.missing, answer.evidence)
    return answer


def _is_of(use: AgentUse, leaf: PriorTherapy, case: Case, bound: Bound) -> bool:
    if leaf.is_component:  # a second use is asked about: what is being taken now is not an earlier one
        return use.agent in bound and use.outcome is not EndReason.ONGOING
    return use.agent in leaf.agents or bool(leaf.classes and classes_of(use.agent, case) & frozenset(leaf.classes))


def classes_of(agent: AgentId, case: Case) -> frozenset[str]:
    """The classes of a drug in the drug table; none for one that it does not know."""
    return case.knowledge.rules.classes.get(agent, frozenset())


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
    span = f"{use.start} to {use.end}" if use.end is not None else f"since {use.start}"
    line = f", line {use.line}" if use.line is not None else f", {use.setting.value}"
    observed = f"{use.agent} {span}{line}, ended: {use.outcome.value.replace('_', ' ')}"
    missing = _AGENTS if outcome is _UNKNOWN else None
    return Answer(outcome, (observed,), missing, use.evidence)


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


def _of_membership(leaf: ComponentInFact, case: Case, bound: Bound) -> Answer:
    fact = case.fact(leaf.fact)
    if not isinstance(fact.value, tuple):
        return Answer(_UNKNOWN, (), leaf.fact)
    shared = sorted(bound & frozenset(fact.value))
    if not shared:
        return Answer(_NOT_MET)
    return Answer(_MET, (f"{case.knowledge.facts[leaf.fact].label}: {', '.join(shared)}",), None, fact.evidence)
