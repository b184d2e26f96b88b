"""Which criteria bind which regimen and which of its drugs: worked out once, when the knowledge is loaded."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from cdshooks.knowledge.criteria import ComponentInFact, Criterion, PriorTherapy, leaves_of
from cdshooks.knowledge.ids import AgentId, CriterionId, RegimenId
from cdshooks.knowledge.regimens import DosedAgent, Regimen


class Binding(msgspec.Struct, frozen=True):
    """A criterion and the drugs of the regimen that it is about."""

    criterion: Criterion
    bound: frozenset[AgentId]


class Choice(msgspec.Struct, frozen=True):
    """One drug that may fill a slot, with what must hold for it."""

    dosed: DosedAgent
    bindings: tuple[Binding, ...]


class Slot(msgspec.Struct, frozen=True):
    """A fixed drug (one choice) or a place for one of several."""

    choices: tuple[Choice, ...]
    is_optional: bool


class RegimenRules(msgspec.Struct, frozen=True):
    """A regimen with all that must hold: for the whole of it, and for each drug."""

    regimen: Regimen
    whole: tuple[Binding, ...]
    slots: tuple[Slot, ...]


class OptionRules(msgspec.Struct, frozen=True):
    """All regimens with their criteria, and the classes of drugs."""

    regimens: tuple[RegimenRules, ...]
    classes: Mapping[AgentId, frozenset[str]]
    of_drug: Mapping[AgentId, tuple[Binding, ...]]
    """What must hold for a drug in whatever company it is given."""


DRUG_ROLES = frozenset({"option", "prior_exposure_marker"})


def bind_criteria(
    regimens: Mapping[RegimenId, Regimen],
    criteria: Mapping[CriterionId, Criterion],
    classes: Mapping[AgentId, frozenset[str]],
) -> OptionRules:
    """Attach to every regimen the criteria that it names and those that apply by drug, class or kind of regimen."""
    one = _One()
    return OptionRules(
        regimens=tuple(_rules_of(regimen, criteria, classes, one) for regimen in regimens.values()),
        classes=classes,
        of_drug={agent: _rules_of_drug(agent, criteria, classes) for agent in classes},
    )


class _One:
    """Makes equal sets of bindings one object, so that a patient's answers to them are worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[CriterionId, frozenset[AgentId]], ...], tuple[Binding, ...]] = {}

    def __call__(self, bindings: list[Binding]) -> tuple[Binding, ...]:
        key = tuple((it.criterion.id, it.bound) for it in bindings)
        return self._known.setdefault(key, tuple(bindings))


def _rules_of_drug(
    agent: AgentId, criteria: Mapping[CriterionId, Criterion], classes: Mapping[AgentId, frozenset[str]]
) -> tuple[Binding, ...]:
    found: list[Binding] = []
    for criterion in criteria.values():
        scope = criterion.applies_to
        if scope is None or agent in scope.except_agents:
            continue
        if scope.binds_components:
            is_about = agent in scope.agents or bool(classes.get(agent, frozenset()) & scope.classes)
        else:
            is_about = scope.every_drug_regimen
        if is_about:
            found.append(Binding(criterion, frozenset((agent,)) if _looks_at_component(criterion) else _ANY))
    return tuple(found)


def _rules_of(
    regimen: Regimen, criteria: Mapping[CriterionId, Criterion], classes: Mapping[AgentId, frozenset[str]], one: _One
) -> RegimenRules:
    whole: list[Binding] = []
    by_agent: dict[AgentId, list[Binding]] = {agent: [] for agent in regimen.agents}
    for criterion in criteria.values():
        is_named = criterion.id in regimen.criteria
        agents = _bound_agents(criterion, regimen, classes)
        if agents and (is_named or _is_about(criterion, regimen)):
            for agent in agents:
                bound = frozenset((agent,)) if _looks_at_component(criterion) else _ANY
                by_agent[agent].append(Binding(criterion, bound))
        elif is_named or (not agents and not _binds_components(criterion) and _is_about(criterion, regimen)):
            whole.append(Binding(criterion, regimen.agents if _looks_at_component(criterion) else _ANY))
    slots = tuple(
        Slot(
            tuple(Choice(dosed, one(by_agent[dosed.agent])) for dosed in component.one_of),
            component.optional,
        )
        for component in regimen.components
    )
    return RegimenRules(regimen, one(whole), slots)


def _binds_components(criterion: Criterion) -> bool:
    scope = criterion.applies_to
    if scope is not None and (scope.binds_components or scope.except_agents):
        return True
    return _looks_at_component(criterion)


_ANY: frozenset[AgentId] = frozenset()
"""Bound of a criterion that looks at no drug: one for all, so that its answer is worked out once and shared."""


def _looks_at_component(criterion: Criterion) -> bool:
    return any(
        isinstance(leaf, ComponentInFact) or (isinstance(leaf, PriorTherapy) and leaf.is_component)
        for step in criterion.steps
        for leaf in leaves_of(step.requires)
    )


def _bound_agents(
    criterion: Criterion, regimen: Regimen, classes: Mapping[AgentId, frozenset[str]]
) -> frozenset[AgentId]:
    """The drugs of the regimen that the criterion is about; none when it is about the regimen as a whole."""
    if not _binds_components(criterion):
        return frozenset()
    scope = criterion.applies_to
    if scope is None or not scope.binds_components:
        return regimen.agents - (scope.except_agents if scope is not None else frozenset())
    return frozenset(
        agent
        for agent in regimen.agents
        if agent not in scope.except_agents
        and (agent in scope.agents or classes.get(agent, frozenset()) & scope.classes)
    )


def _is_about(criterion: Criterion, regimen: Regimen) -> bool:
    """Whether the criterion applies to the regimen without being named; all that its scope says must hold."""
    scope = criterion.applies_to
    if scope is None or regimen.id in scope.except_regimens:
        return False
    if regimen.id in scope.regimens:
        return True
    is_drug_regimen = regimen.role in DRUG_ROLES or (regimen.role == "trial" and bool(regimen.components))
    said = (
        (scope.has_chemotherapy is not None, regimen.burden.has_chemotherapy == scope.has_chemotherapy),
        (bool(scope.her2), regimen.her2 in scope.her2),
        (bool(scope.hormone), regimen.hormone in scope.hormone),
        (bool(scope.roles), regimen.role in scope.roles),
        (scope.every_drug_regimen, is_drug_regimen),
    )
    return all(holds for is_said, holds in said if is_said) and (
        scope.binds_components or any(is_said for is_said, _ in said)
    )
