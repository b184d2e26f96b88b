"""Which known regimen a line is."""

from __future__ import annotations

from collections.abc import Mapping

from cdshooks.knowledge.ids import AgentId, RegimenId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.regimens import Regimen

_MOST_KEPT = 4096
_Catalogue = Mapping[RegimenId, Regimen]
_known: dict[frozenset[AgentId], tuple[_Catalogue, RegimenId | None]] = {}
"""Answers already found, each with the catalogue it was found in: the same few combinations come back for every patient."""


def regimen_of(agents: frozenset[AgentId], knowledge: Knowledge) -> RegimenId | None:
    """The regimen that the agents of a line make; the most demanding pattern wins, ties go to the first id."""
    kept = _known.get(agents)
    if kept is None or kept[0] is not knowledge.regimens:
        if len(_known) >= _MOST_KEPT:
            _known.clear()
        kept = _known[agents] = (knowledge.regimens, _named(agents, knowledge))
    return kept[1]


def _named(agents: frozenset[AgentId], knowledge: Knowledge) -> RegimenId | None:
    """The regimen of all agents; else of those without the endocrine maintenance, which most regimens may be followed by."""
    found = _find(agents, knowledge.regimens)
    rest = agents - knowledge.line_rules.members["endocrine"]
    return found if found is not None or not rest or rest == agents else _find(rest, knowledge.regimens)


def _find(agents: frozenset[AgentId], regimens: _Catalogue) -> RegimenId | None:
    best: tuple[int, RegimenId] | None = None
    for regimen in regimens.values():
        pattern = regimen.matches
        if not pattern.all_of <= agents or any(not (slot & agents) for slot in pattern.one_of):
            continue
        explained = pattern.all_of | pattern.may_include | frozenset(agent for slot in pattern.one_of for agent in slot)
        if agents <= explained:
            key = (-len(pattern.all_of) - len(pattern.one_of), regimen.id)
            best = min(best, key) if best is not None else key
    return best[1] if best is not None else None
