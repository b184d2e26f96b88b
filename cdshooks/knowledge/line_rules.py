"""The parameters of the line-of-therapy rules and the drug groups that the rules speak of."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import LineRuleId


class LineParameter(msgspec.Struct, frozen=True, kw_only=True):
    """One parameter, in days, with the rule that uses it."""

    id: str
    value: int
    unit: str
    rule: LineRuleId
    meaning: str


class LineGroup(msgspec.Struct, frozen=True, kw_only=True):
    """Drugs that a rule treats alike, by class or by name."""

    id: str
    classes: frozenset[str]
    agents: frozenset[str]


class LineRules(msgspec.Struct, frozen=True, kw_only=True):
    """All parameters and groups in force."""

    parameters: Mapping[str, LineParameter]
    groups: Mapping[str, LineGroup]

    def days(self, parameter: str) -> int:
        """The value of a parameter in days."""
        return self.parameters[parameter].value


def load_line_rules(overlay: Path | None = None) -> LineRules:
    """Read the parameters and groups with a hospital's own values.

    Raises:
        KnowledgeError: An entry breaks its schema.
    """
    parameters = {
        key: msgspec.convert(entry.content, LineParameter)
        for key, entry in read_entries("line_rules", overlay).by_id.items()
    }
    groups = {
        key: msgspec.convert(entry.content, LineGroup)
        for key, entry in read_entries("line_classes", overlay).by_id.items()
    }
    return LineRules(parameters=parameters, groups=groups)
