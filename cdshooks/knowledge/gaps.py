"""Gaps that are looked for in every patient: what is missing, which decision it changes, how to obtain it."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.criteria import FactLeaf, Predicate, leaves_of, predicate_from
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import FactId, SourceId
from cdshooks.knowledge.sources import citation_faults


class GapRule(msgspec.Struct, frozen=True):
    """A gap that is there unless its predicate is met."""

    id: str
    fact: FactId
    requires: Predicate
    ask: str
    about_trials: bool = False
    name: str | None = None
    """What it is called where there is no room for the question."""


def load_gap_rules(
    facts: Mapping[FactId, FactDefinition], sources: Collection[SourceId], overlay: Path | None = None
) -> tuple[GapRule, ...]:
    """Read the gaps in their order.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    rules: list[GapRule] = []
    faults: list[str] = []
    for key, entry in read_entries("gaps", overlay).by_id.items():
        content = entry.content
        rule = GapRule(
            key,
            FactId(content["fact"]),
            predicate_from(content["requires"]),
            content["ask"],
            content.get("about_trials", False),
            content.get("name"),
        )
        named = {rule.fact} | {leaf.fact for leaf in leaves_of(rule.requires) if isinstance(leaf, FactLeaf)}
        faults += [
            f"{entry.file}:{entry.line}: gaps {key!r} speaks of the unknown fact {fact!r}"
            for fact in sorted(named - set(facts))
        ]
        faults += citation_faults(entry, "gaps", sources)
        rules.append(rule)
    if faults:
        raise KnowledgeError(tuple(faults))
    return tuple(rules)
