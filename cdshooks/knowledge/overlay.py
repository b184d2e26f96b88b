"""What a hospital's overlay changed in the shipped knowledge, told so that nobody has to compare files."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.criteria import criterion_from
from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.entries import Entries, Entry, read_entries
from cdshooks.knowledge.seal import SCHEMAS
from cdshooks.knowledge.stricter import weakened

KINDS = tuple(sorted(it.stem for it in SCHEMAS.glob("*.json") if it.stem not in {"signatures", "switches", "trials"}))
"""Kinds whose entries are lists with an id. Signatures and kill switches change no content, and each trial is a file by itself."""


class OverlayChange(msgspec.Struct, frozen=True, kw_only=True):
    """One entry that an overlay added, replaced, changed or switched off; for a code table, how many rows it added."""

    kind: str
    id: str
    did: str
    members: tuple[str, ...] = ()
    """Members that differ from the shipped entry."""
    reason: str | None = None
    file: str
    line: int

    @property
    def told(self) -> str:
        """The change in one line."""
        more = f": {self.reason}" if self.reason else f" ({', '.join(self.members)})" if self.members else ""
        return f"{self.kind} {self.id} {self.did.replace('_', ' ')}{more}"


def overlay_changes(overlay: Path | None) -> tuple[OverlayChange, ...]:
    """Everything that an overlay changed, by kind and id; nothing without an overlay.

    Raises:
        KnowledgeError: One sentence for each fault of its files, with file and line; a hard stop is taken back.
    """
    if overlay is None:
        return ()
    by_kind = {kind: read_entries(kind, overlay) for kind in KINDS}
    by_kind["trials"] = read_entries("trials", overlay, id_key="nct_id")
    faults = tuple(hard_stop_faults(by_kind["criteria"]))
    if faults:
        raise KnowledgeError(faults)
    return (*(it for entries in by_kind.values() for it in _changes(entries)), *_rows_added(overlay))


def _changes(entries: Entries) -> Iterator[OverlayChange]:
    for id_, entry in entries.overlaid.items():
        shipped = entries.shipped.get(id_)
        reason = entries.switched_off.get(id_)
        members = () if shipped is None or reason is not None else _differing(shipped, entry)
        if shipped is not None and reason is None and not members:
            continue  # a copy of the shipped entry changes nothing
        did = "switched_off" if reason is not None else "added" if shipped is None else "changed"
        yield OverlayChange(
            kind=entries.kind, id=id_, did=did, members=members, reason=reason, file=entry.file, line=entry.line
        )


def _differing(shipped: Entry, entry: Entry) -> tuple[str, ...]:
    names = shipped.content.keys() | entry.content.keys()
    return tuple(sorted(it for it in names if shipped.content.get(it) != entry.content.get(it)))


def _rows_added(overlay: Path) -> Iterator[OverlayChange]:
    for path in sorted((overlay / "codes").glob("*.csv")):
        rows = sum(1 for _ in rows_of(path.stem, overlay)) - sum(1 for _ in rows_of(path.stem, None))
        if rows:
            yield OverlayChange(
                kind="codes", id=path.stem, did=f"{rows} row{'' if rows == 1 else 's'} added", file=path.name, line=1
            )


def hard_stop_faults(criteria: Entries) -> Iterator[str]:
    """Where an overlay takes back a hard stop: it may be made stricter, never lifted."""
    for id_, shipped in criteria.shipped.items():
        if not shipped.content.get("hard_stop"):
            continue
        entry = criteria.overlaid[id_]
        where = f"{entry.file}:{entry.line}: criteria {id_!r} is a hard stop"
        if id_ in criteria.switched_off:
            yield f"{where} and cannot be switched off"
        elif not entry.content.get("hard_stop"):
            yield f"{where}; an overlay may make it stricter, never an ordinary criterion"
        else:
            yield from (
                f"{where}: {it}" for it in weakened(criterion_from(shipped.content), criterion_from(entry.content))
            )
