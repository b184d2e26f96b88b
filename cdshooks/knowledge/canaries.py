"""The canaries: synthetic patients whose essentials must come out right before the service answers. Source: SAF-07."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import RegimenId
from cdshooks.knowledge.seal import DATA


class Canary(msgspec.Struct, frozen=True, kw_only=True):
    """One synthetic patient as a hook request, and what must come of it."""

    id: str
    proves: str
    hook: str
    as_of: date
    jurisdiction: str
    metastatic_lines: int
    excluded: tuple[RegimenId, ...]
    """Regimens that must not be offered."""
    offered: tuple[RegimenId, ...] = ()
    """Regimens that must be offered."""
    cards: tuple[str, ...]
    """Topics that must be among the cards; none: no card at all."""
    request: bytes


def load_canaries(overlay: Path | None = None) -> tuple[Canary, ...]:
    """Read the canaries with a hospital's own.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    found: list[Canary] = []
    faults: list[str] = []
    for entry in read_entries("canaries", overlay).by_id.values():
        content = entry.content
        paths = [root / content["request"] for root in (overlay, DATA) if root is not None]
        path = next((it for it in paths if it.is_file()), None)
        if path is None:
            faults.append(f"{entry.file}:{entry.line}: canaries {entry.id!r}: there is no file {content['request']}")
            continue
        found.append(msgspec.convert(content | {"request": b""}, Canary, strict=False))
        found[-1] = msgspec.structs.replace(found[-1], request=path.read_bytes())
    if faults:
        raise KnowledgeError(tuple(faults))
    return tuple(found)
