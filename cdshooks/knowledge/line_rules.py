"""The rules by which lines are counted, their parameters, and the drug groups that they speak of."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.drugs import DrugKnowledge, load_drugs
from cdshooks.knowledge.entries import Entries, Entry, read_entries
from cdshooks.knowledge.ids import AgentId, LineRuleId


class LineParameter(msgspec.Struct, frozen=True, kw_only=True):
    """One number of a rule, in its unit."""

    id: str
    value: int
    unit: str
    rule: LineRuleId
    meaning: str


class LineRule(msgspec.Struct, frozen=True, kw_only=True):
    """One rule in force; ``is_overlaid`` where a hospital put its own in place of the shipped one."""

    id: LineRuleId
    says: str
    sources: tuple[str, ...]
    defended_by: tuple[str, ...]
    is_overlaid: bool


class LineGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Drugs that a rule treats alike, by class or by name."""

    id: str
    classes: frozenset[str]
    agents: frozenset[AgentId]


class LineRules(msgspec.Struct, frozen=True, kw_only=True):
    """All rules, parameters and groups in force; ``values`` holds each parameter's number, ``members`` each group's drugs."""

    rules: Mapping[LineRuleId, LineRule]
    parameters: Mapping[str, LineParameter]
    values: Mapping[str, int]
    members: Mapping[str, frozenset[AgentId]]
    groups: Mapping[AgentId, frozenset[str]]
    """For each drug the groups that it belongs to."""
    swaps: Mapping[AgentId, frozenset[AgentId]]
    """For each drug those that may take its place within a line."""

    def days(self, parameter: str) -> int:
        """The value of a parameter, most of them in days."""
        return self.values[parameter]

    def is_on(self, rule: str) -> bool:
        """Whether a rule is in force, for a hospital may have switched it off."""
        return rule in self.rules

    def any_of(self, group: str, agents: Iterable[AgentId]) -> bool:
        """Whether one of the drugs belongs to a group."""
        return not self.members[group].isdisjoint(agents)

    def may_swap(self, one: AgentId, other: AgentId) -> bool:
        """Whether two different drugs may take each other's place within a line."""
        return other in self.swaps.get(one, ())


def load_line_rules(overlay: Path | None = None, drugs: DrugKnowledge | None = None) -> LineRules:
    """Read the rules and groups with a hospital's own; the drug tables are read too unless they are given.

    Raises:
        KnowledgeError: An entry breaks its schema, or a rule with parameters that others need is switched off.
    """
    read = read_entries("line_rules", overlay)
    shipped = read_entries("line_rules").by_id
    faults = [*_faults(read, shipped)]
    if faults:
        raise KnowledgeError(tuple(faults))
    # The numbers of a rule that is switched off stay, for other rules may read them.
    entries = [read.by_id.get(key, entry) for key, entry in shipped.items()]
    entries += [entry for key, entry in read.by_id.items() if key not in shipped]
    parameters = {name: parameter for entry in entries for name, parameter in _parameters(entry.content)}
    groups = {
        key: msgspec.convert(entry.content, LineGroup)
        for key, entry in read_entries("line_classes", overlay).by_id.items()
    }
    members = _members(groups, drugs if drugs is not None else load_drugs(overlay))
    return LineRules(
        rules={
            LineRuleId(key): _rule(entry.content, is_overlaid=entry.is_overlay) for key, entry in read.by_id.items()
        },
        parameters=parameters,
        values={name: it.value for name, it in parameters.items()},
        members=members,
        groups={
            agent: frozenset(name for name, agents in members.items() if agent in agents)
            for agent in frozenset[AgentId]().union(*members.values())
        },
        swaps=_swaps(members),
    )


def _swaps(members: Mapping[str, frozenset[AgentId]]) -> dict[AgentId, frozenset[AgentId]]:
    groups = [agents for name, agents in members.items() if name.startswith("swap_")]
    return {
        agent: frozenset[AgentId]().union(*(group for group in groups if agent in group)) - {agent}
        for agent in frozenset[AgentId]().union(*groups)
    }


def _members(groups: Mapping[str, LineGroup], drugs: DrugKnowledge) -> dict[str, frozenset[AgentId]]:
    return {
        name: group.agents | {agent for agent, drug in drugs.by_agent.items() if drug.drug_class in group.classes}
        for name, group in groups.items()
    }


def _parameters(content: dict[str, Any]) -> Iterator[tuple[str, LineParameter]]:
    for name, written in content["parameters"].items():
        yield name, LineParameter(id=name, rule=LineRuleId(content["id"]), **written)


def _rule(content: dict[str, Any], *, is_overlaid: bool) -> LineRule:
    return LineRule(
        id=LineRuleId(content["id"]),
        says=content["says"],
        sources=tuple(f"{it['source']} {it.get('at', '')}".strip() for it in content["sources"]),
        defended_by=tuple(content["defended_by"]),
        is_overlaid=is_overlaid,
    )


def _faults(read: Entries, shipped: Mapping[str, Entry]) -> Iterator[str]:
    """Rules that nothing can do without, and numbers that an overlay left out: no default would stand in for them."""
    for key in read.switched_off:
        if not shipped[key].content.get("is_optional", False):
            yield f"line_rules.yaml:1: line_rules {key!r} cannot be switched off; every count needs it"
    known = {name for entry in read.by_id.values() for name in entry.content["parameters"]}
    for key, entry in shipped.items():
        now = read.by_id.get(key)
        for name in entry.content["parameters"]:
            if now is not None and name not in known:
                yield f"{now.file}:{now.line}: line_rules {key!r}: the parameter {name!r} is missing"
