"""The criteria on regimens: what must hold, what follows when it does not, and what to ask when nobody knows."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from enum import StrEnum
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.direct_members import direct_members
from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId, RegimenId, SourceId
from cdshooks.knowledge.sources import citation_faults


@direct_members
class Effect(StrEnum):
    """What follows for a regimen when a step does not hold, gravest first."""

    EXCLUDE = "exclude"
    NOT_APPLICABLE = "not_applicable"
    HOLD = "hold"
    WARN = "warn"
    DOSE_NOTE = "dose_note"


@direct_members
class IfUnknown(StrEnum):
    """What follows when nobody knows whether a step holds."""

    PASS = "pass"  # noqa: S105  # the word of the schema, no password
    ASK = "ask"
    WARN = "warn"
    ASK_AND_WARN = "ask_and_warn"
    HOLD = "hold"


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a criterion."""


class AllOf(Part, frozen=True, kw_only=True):
    """All of these must hold."""

    of: tuple[Predicate, ...]


class AnyOf(Part, frozen=True, kw_only=True):
    """One of these must hold."""

    of: tuple[Predicate, ...]


class Not(Part, frozen=True, kw_only=True):
    """This must not hold."""

    of: Predicate


class FactLeaf(Part, frozen=True, kw_only=True):
    """A fact compared with a value; a fact that is unknown or too old makes the answer unknown."""

    fact: FactId
    op: str
    value: str | float | bool | tuple[str | float, ...] | None = None
    unit: str | None = None
    within_days: int | None = None


class PriorTherapy(Part, frozen=True, kw_only=True):
    """There is such a use of one of these drugs; ``is_component``: of the very component that the criterion binds."""

    agents: tuple[AgentId, ...] = ()
    classes: tuple[str, ...] = ()
    outcome: str = "any"
    setting: str = "any"
    min_months_since: float | None = None
    max_months_since: float | None = None
    is_component: bool = False


class ComponentInFact(Part, frozen=True, kw_only=True):
    """The component that the criterion binds is in this set of drugs."""

    fact: FactId


class Review(Part, frozen=True, kw_only=True):
    """A person has to judge this; ``because`` says what."""

    because: str


Predicate = AllOf | AnyOf | Not | FactLeaf | PriorTherapy | ComponentInFact | Review


class Citation(Part, frozen=True, kw_only=True):
    """Where a statement was read."""

    source: SourceId
    at: str | None = None


class Scope(Part, frozen=True, kw_only=True):
    """Which regimens get a criterion without naming it; with agents or classes it binds only the components that match."""

    agents: frozenset[AgentId] = frozenset()
    classes: frozenset[str] = frozenset()
    except_agents: frozenset[AgentId] = frozenset()
    except_regimens: frozenset[RegimenId] = frozenset()
    regimens: frozenset[RegimenId] = frozenset()
    her2: frozenset[str] = frozenset()
    hormone: frozenset[str] = frozenset()
    roles: frozenset[str] = frozenset()
    every_drug_regimen: bool = False
    has_chemotherapy: bool | None = None

    @property
    def binds_components(self) -> bool:
        """Whether the criterion is about single components rather than the regimen as a whole."""
        return bool(self.agents or self.classes)


class Step(Part, frozen=True, kw_only=True):
    """One condition of a criterion with its own consequence."""

    requires: Predicate
    if_not_met: Effect
    because: str
    dose_note: str | None = None
    if_unknown: IfUnknown | None = None
    is_grave: bool = False
    """A warning so grave that the regimen ranks below those without one."""


class Criterion(Part, frozen=True, kw_only=True):
    """What must hold, in steps; all are evaluated and the gravest consequence counts."""

    id: CriterionId
    title: str
    steps: tuple[Step, ...]
    if_unknown: IfUnknown
    applies_to: Scope | None = None
    topic: str | None = None
    """Of the criteria of one topic about the same drug a card says only the gravest."""
    hard_stop: bool = False
    because_met: str | None = None
    because_unknown: str | None = None
    because_together: str | None = None
    """One sentence for all ``{drugs}`` that it rules out, so that a card says it once."""
    ask: str | None = None
    ask_fact: FactId | None = None
    if_review: Effect = Effect.WARN
    detail: str | None = None
    experts_disagree: str | None = None
    sources: tuple[Citation, ...] = ()
    verified: bool
    notes: str | None = None
    source_ids: tuple[SourceId, ...] = ()
    """The sources of its citations; filled in when it is built."""

    def __post_init__(self) -> None:
        msgspec.structs.force_setattr(self, "source_ids", tuple([it.source for it in self.sources]))


def load_criteria(
    facts: Mapping[FactId, FactDefinition], sources: Collection[SourceId], overlay: Path | None = None
) -> dict[CriterionId, Criterion]:
    """Read the criteria and check that they cite known sources and speak of known facts in the facts' units.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    entries = read_entries("criteria", overlay)
    criteria: dict[CriterionId, Criterion] = {}
    faults: list[str] = []
    for key, entry in entries.by_id.items():
        criterion = criterion_from(entry.content)
        faults.extend(_faults(criterion, entry, facts))
        faults.extend(citation_faults(entry, "criteria", sources))
        criteria[CriterionId(key)] = criterion
    if faults:
        raise KnowledgeError(tuple(faults))
    return criteria


def criterion_from(content: dict[str, Any]) -> Criterion:
    """Build a criterion from an entry that obeys ``schemas/criteria.json``."""
    steps = tuple(
        msgspec.convert(
            {key: value for key, value in step.items() if key != "requires"} | {"requires": _LATER}, _StepText
        )
        for step in content["steps"]
    )
    built = tuple(
        Step(
            requires=predicate_from(raw["requires"]),
            if_not_met=text.if_not_met,
            because=text.because,
            dose_note=text.dose_note,
            if_unknown=text.if_unknown,
            is_grave=text.is_grave,
        )
        for raw, text in zip(content["steps"], steps, strict=True)
    )
    rest = msgspec.convert({key: value for key, value in content.items() if key != "steps"}, _CriterionText)
    return Criterion(steps=built, **{name: getattr(rest, name) for name in rest.__struct_fields__})


_LATER = "built apart"


class _StepText(Part, frozen=True, kw_only=True):
    requires: str
    if_not_met: Effect
    because: str
    dose_note: str | None = None
    if_unknown: IfUnknown | None = None
    is_grave: bool = False


class _CriterionText(Part, frozen=True, kw_only=True):
    id: CriterionId
    title: str
    if_unknown: IfUnknown
    applies_to: Scope | None = None
    topic: str | None = None
    hard_stop: bool = False
    because_met: str | None = None
    because_unknown: str | None = None
    because_together: str | None = None
    ask: str | None = None
    ask_fact: FactId | None = None
    if_review: Effect = Effect.WARN
    detail: str | None = None
    experts_disagree: str | None = None
    sources: tuple[Citation, ...] = ()
    verified: bool
    notes: str | None = None


def predicate_from(content: dict[str, Any]) -> Predicate:  # one return for each form
    """Build a predicate tree from YAML that obeys ``schemas/criteria.json``."""
    match content:
        case {"all": parts}:
            return AllOf(of=tuple(predicate_from(part) for part in parts))
        case {"any": parts}:
            return AnyOf(of=tuple(predicate_from(part) for part in parts))
        case {"not": part}:
            return Not(of=predicate_from(part))
        case {"prior_therapy": use}:
            return msgspec.convert(use, PriorTherapy)
        case {"component": use}:
            return msgspec.convert(use | {"is_component": True}, PriorTherapy)
        case {"component_in_fact": fact}:
            return ComponentInFact(fact=FactId(fact))
        case {"review": because}:
            return Review(because=because)
    return msgspec.convert(content, FactLeaf)


def leaves_of(predicate: Predicate) -> Iterator[Predicate]:
    """All leaves of a predicate tree, left to right."""
    if isinstance(predicate, AllOf | AnyOf):
        for part in predicate.of:
            yield from leaves_of(part)
    elif isinstance(predicate, Not):
        yield from leaves_of(predicate.of)
    else:
        yield predicate


def _faults(criterion: Criterion, entry: Entry, facts: Mapping[FactId, FactDefinition]) -> Iterator[str]:
    where = f"{entry.file}:{entry.line}: criteria {criterion.id!r}"
    if criterion.ask_fact is not None and criterion.ask_fact not in facts:
        yield f"{where} asks for the unknown fact {criterion.ask_fact!r}"
    for step in criterion.steps:
        for leaf in leaves_of(step.requires):
            if not isinstance(leaf, FactLeaf | ComponentInFact):
                continue
            known = facts.get(leaf.fact)
            if known is None:
                yield f"{where} speaks of the unknown fact {leaf.fact!r}"
            elif isinstance(leaf, FactLeaf):
                yield from (f"{where}: {fault}" for fault in _leaf_faults(leaf, known))


def _leaf_faults(leaf: FactLeaf, fact: FactDefinition) -> Iterator[str]:
    if leaf.unit is not None and leaf.unit != fact.unit:
        yield f"the unit of {fact.id!r} is {fact.unit!r}, not {leaf.unit!r}"
    if leaf.op == "is_known":
        return
    if leaf.value is None:
        yield f"the comparison with {fact.id!r} has no value"
        return
    values = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if leaf.op in {"lt", "le", "gt", "ge"} and fact.type not in {"number", "integer"}:
        yield f"{fact.id!r} is no number, so {leaf.op!r} does not fit"
    if (leaf.op in {"has_any", "has_all", "has_none"}) != (fact.type == "set"):
        yield f"{leaf.op!r} does not fit {fact.id!r}, which is of type {fact.type!r}"
    if (fact.type == "boolean") != isinstance(leaf.value, bool):
        yield f"{fact.id!r} is of type {fact.type!r}, which {leaf.value!r} is not"
    if fact.values:
        yield from (f"{word!r} is no value of {fact.id!r}" for word in values if word not in fact.values)
