"""How long a card that a clinician has answered stays silent, by its topic."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import FactId, SourceId
from cdshooks.knowledge.sources import citation_faults


class QuietRule(msgspec.Struct, frozen=True, kw_only=True):
    """Days of silence after an override (where a reason has its own: by its code) and after acceptance; 0 is no silence."""

    id: str
    overridden_days: int
    accepted_days: int
    overridden_days_by_reason: dict[str, int] = {}
    reopened_by: tuple[FactId, ...] = ()
    """Facts whose new date or value lets the card speak again."""


def load_quiet_rules(
    facts: Collection[FactId], sources: Collection[SourceId], overlay: Path | None = None
) -> dict[str, QuietRule]:
    """Read the rules, by the code of the card's topic.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    rules: dict[str, QuietRule] = {}
    faults: list[str] = []
    for key, entry in read_entries("quiet", overlay).by_id.items():
        rules[key] = msgspec.convert(entry.content, QuietRule)
        faults += [
            f"{entry.file}:{entry.line}: quiet {key!r} speaks of the unknown fact {fact!r}"
            for fact in rules[key].reopened_by
            if fact not in facts
        ]
        faults += citation_faults(entry, "quiet", sources)
    if faults:
        raise KnowledgeError(tuple(faults))
    return rules
