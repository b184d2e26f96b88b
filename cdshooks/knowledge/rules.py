"""Which criteria bind which regimen and which of its drugs: worked out once, when the knowledge is loaded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from cdshooks.knowledge.criteria import ComponentInFact, Criterion, FactLeaf, PriorTherapy, leaves_of
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId, RegimenId
from cdshooks.knowledge.regimens import DosedAgent, Regimen


class Binding(msgspec.Struct, frozen=True):
    """A criterion and the drugs of the regimen that it is about."""

    criterion: Criterion
    bound: frozenset[AgentId]
    facts: frozenset[FactId] = frozenset()
    """Every fact that the criterion asks for."""
    earlier: frozenset[AgentId] = frozenset()
    """Every drug whose earlier use it asks for."""


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
    of_silence: dict[Any, Any] = msgspec.field(default_factory=dict)
    """Answers that rest on nothing that a record says, so that they are the same for every patient: worked out once."""
    questions: dict[Any, Any] = msgspec.field(default_factory=dict)
    """Criteria and predicates made ready to be asked, by identity, see ``options.predicates``."""


DRUG_ROLES = frozenset({"option", "prior_exposure_marker"})


def bind_criteria(
    regimens: Mapping[RegimenId, Regimen],
    criteria: Mapping[CriterionId, Criterion],
    classes: Mapping[AgentId, frozenset[str]],
) -> OptionRules:
    """Attach to every regimen the criteria that it names and those that apply by drug, class or kind of regimen."""
    one = _One()
    bind = _Binder(classes)
    return OptionRules(
        regimens=tuple(_rules_of(regimen, criteria, bind, one) for regimen in regimens.values()),
        classes=classes,
        of_drug={agent: _rules_of_drug(agent, criteria, bind) for agent in classes},
    )


class _Binder:
    """Binds a criterion to drugs, with all that it asks for."""

    def __init__(self, classes: Mapping[AgentId, frozenset[str]]) -> None:
        self.classes = classes
        self._asked: dict[CriterionId, tuple[frozenset[FactId], frozenset[AgentId], bool]] = {}
        self._known: dict[tuple[CriterionId, frozenset[AgentId]], Binding] = {}

    def __call__(self, criterion: Criterion, bound: frozenset[AgentId]) -> Binding:
        """One object for equal bindings, so that an answer is found by identity."""
        key = (criterion.id, bound)
        if key not in self._known:
            facts, earlier, asks_of_bound = self._asked_by(criterion)
            self._known[key] = Binding(criterion, bound, facts, earlier | bound if asks_of_bound else earlier)
        return self._known[key]

    def _asked_by(self, criterion: Criterion) -> tuple[frozenset[FactId], frozenset[AgentId], bool]:
        if criterion.id not in self._asked:
            leaves = [leaf for step in criterion.steps for leaf in leaves_of(step.requires)]
            therapies = [it for it in leaves if isinstance(it, PriorTherapy)]
            named = {agent for it in therapies for agent in it.agents}
            kinds = frozenset(name for it in therapies for name in it.classes)
            self._asked[criterion.id] = (
                frozenset(it.fact for it in leaves if isinstance(it, FactLeaf | ComponentInFact)),
                frozenset(named | {agent for agent, known in self.classes.items() if known & kinds}),
                any(it.is_component for it in therapies),
            )
        return self._asked[criterion.id]


class _One:
    """Makes equal sets of bindings one object, so that a patient's answers to them are worked out once."""

    def __init__(self) -> None:
        self._known: dict[tuple[tuple[CriterionId, frozenset[AgentId]], ...], tuple[Binding, ...]] = {}

    def __call__(self, bindings: list[Binding]) -> tuple[Binding, ...]:
        key = tuple((it.criterion.id, it.bound) for it in bindings)
        return self._known.setdefault(key, tuple(bindings))


def _rules_of_drug(agent: AgentId, criteria: Mapping[CriterionId, Criterion], bind: _Binder) -> tuple[Binding, ...]:
    classes = bind.classes
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
            found.append(bind(criterion, frozenset((agent,)) if _looks_at_component(criterion) else _ANY))
    return tuple(found)


def _rules_of(regimen: Regimen, criteria: Mapping[CriterionId, Criterion], bind: _Binder, one: _One) -> RegimenRules:
    whole: list[Binding] = []
    by_agent: dict[AgentId, list[Binding]] = {agent: [] for agent in regimen.agents}
    for criterion in criteria.values():
        is_named = criterion.id in regimen.criteria
        agents = _bound_agents(criterion, regimen, bind.classes)
        if agents and (is_named or _is_about(criterion, regimen)):
            for agent in agents:
                bound = frozenset((agent,)) if _looks_at_component(criterion) else _ANY
                by_agent[agent].append(bind(criterion, bound))
        elif is_named or (not agents and not _binds_components(criterion) and _is_about(criterion, regimen)):
            whole.append(bind(criterion, regimen.agents if _looks_at_component(criterion) else _ANY))
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
