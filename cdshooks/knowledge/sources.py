"""The sources that knowledge cites, and the check that whatever cites one cites one we have."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.ids import SourceId


class Source(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where something was read.

    ``read`` says how: the page itself ("full"), its "abstract", a "secondary" report or copy to be confirmed at the original, or
    "not_read" for memory and opinion, which are never shown as evidence.
    """

    id: SourceId
    cite: str
    kind: str
    read: str
    published: str | None = None
    doi: str | None = None
    pmid: str | None = None
    nct: str | None = None
    url: str | None = None
    is_secondary: bool = False


def load_sources(overlay: Path | None = None) -> dict[SourceId, Source]:
    """Read the sources.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    entries = read_entries("sources", overlay)
    return {SourceId(key): msgspec.convert(entry.content, Source) for key, entry in entries.by_id.items()}


def citation_faults(entry: Entry, kind: str, sources: Collection[SourceId]) -> Iterator[str]:
    """What is wrong with an entry's citations: a source that we do not have, or "verified" without any."""
    where = f"{entry.file}:{entry.line}: {kind} {entry.id!r}"
    cited = tuple(cited_in(entry.content))
    yield from (f"{where} cites the unknown source {it!r}" for it in cited if it not in sources)
    if entry.content.get("verified") is True and not cited:
        yield f"{where} is called verified but cites no source"


def cited_in(content: Any) -> Iterator[str]:
    """All source ids in an entry, however deep."""
    if isinstance(content, dict):
        cited = content.get("source")
        if isinstance(cited, str):
            yield cited
        for value in content.values():
            yield from cited_in(value)
    elif isinstance(content, list):
        for value in content:
            yield from cited_in(value)
