"""How loud the cards may be; only a hospital makes them louder. Source: D7; issue 5, point 5."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cdshooks.knowledge.entries import read_entries


class Presentation(msgspec.Struct, frozen=True, kw_only=True):
    """Judgements of an order whose card is critical."""

    critical_for: frozenset[str]


def load_presentation(overlay: Path | None = None) -> Presentation:
    """Read how loud the cards are.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    content = read_entries("presentation", overlay).by_id["cards"].content
    return Presentation(critical_for=frozenset(content["critical_for"]))
