"""The entries of one kind of knowledge: read from the shipped files, then from a hospital's overlay, checked by the kind's schema.

A kind lives in ``data/<kind>.yaml`` and ``data/<kind>/**/*.yaml``; each file is a mapping with the one key ``<kind>`` that holds
a list of entries with an ``id`` (a trial file is one entry by itself, with ``nct_id``). An overlay has the same layout: a new id
adds an entry, an entry with a known id replaces the shipped one, ``{id: ..., changes: {...}}`` changes only the members that it
names, and ``{id: ..., switched_off: "reason"}`` takes the shipped one out of use. What results is checked like a shipped entry.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.files import files_under
from cdshooks.knowledge.parsed import read_document
from cdshooks.knowledge.seal import DATA, SCHEMAS, is_sealed
from cdshooks.knowledge.strict_yaml import LineMap

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_SWITCHED_OFF, _CHANGES = "switched_off", "changes"
_SWITCHABLE = frozenset({"regimens", "criteria", "gaps", "trials", "sources", "canaries", "quiet", "line_rules"})
"""Kinds that can do without an entry; the others hold what the service needs to work at all (of line rules: their loader)."""
_At = tuple[str | int, ...]


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as it is in force, with the place it was read from."""

    id: str
    content: dict[str, Any]
    file: str
    line: int
    is_overlay: bool
    lines: LineMap = {}
    """The line of each value of its file."""


class Entries(msgspec.Struct, frozen=True, kw_only=True):
    """All entries of a kind in force, by id, and what an overlay did to them."""

    kind: str
    by_id: dict[str, Entry]
    switched_off: dict[str, str]
    """Ids that an overlay switched off -> its reason."""
    overlaid: dict[str, Entry]
    """What the overlay wrote, by id."""
    shipped: dict[str, Entry]
    """Shipped entries that the overlay replaced, changed or switched off, as they were."""


def read_entries(kind: str, overlay: Path | None = None, *, id_key: str = "id") -> Entries:
    """Read and check the entries of one kind.

    Raises:
        KnowledgeError: With one sentence for each fault of the kind's files: file, line and what is wrong.
    """
    before, shipped_faults = _shipped(DATA, kind, id_key)
    faults = list(shipped_faults)
    if overlay is None:
        written: dict[str, Entry] = {}
        in_force = before
    else:
        written = _entries_under(overlay, kind, id_key, before, faults, is_overlay=True)
        in_force = before | written
    switched_off = {
        it.id: str(it.content[_SWITCHED_OFF]) for it in written.values() if it.content.get(_SWITCHED_OFF) is not None
    }
    if faults:
        raise KnowledgeError(tuple(faults))
    return Entries(
        kind=kind,
        by_id={key: entry for key, entry in in_force.items() if key not in switched_off},
        switched_off=switched_off,
        overlaid=written,
        shipped={key: before[key] for key in written if key in before},
    )


def read_file(path: Path, kind: str) -> dict[str, Entry]:
    """The entries of one file that stands by itself.

    Raises:
        KnowledgeError: With one sentence for each fault: file, line and what is wrong.
    """
    faults: list[str] = []
    found = _entries_of((path,), kind, "id", {}, faults, is_overlay=False)
    if faults:
        raise KnowledgeError(tuple(faults))
    return found


@cache
def _shipped(root: Path, kind: str, id_key: str) -> tuple[dict[str, Entry], tuple[str, ...]]:
    """The shipped entries and their faults; they do not change while the process lives, and several loaders read them."""
    faults: list[str] = []
    is_checked = root == DATA and is_sealed()
    found = _entries_of(files_of(root, kind), kind, id_key, {}, faults, is_overlay=False, is_checked=is_checked)
    return found, tuple(faults)


def files_of(root: Path, kind: str) -> Iterator[Path]:
    """The files of a kind under a directory laid out like the shipped one."""
    single = root / f"{kind}.yaml"
    if single.is_file():
        yield single
    yield from files_under(root / kind, ".yaml")


def _entries_under(
    root: Path, kind: str, id_key: str, before: Mapping[str, Entry], faults: list[str], *, is_overlay: bool
) -> dict[str, Entry]:
    return _entries_of(files_of(root, kind), kind, id_key, before, faults, is_overlay=is_overlay)


def _entries_of(
    paths: Iterable[Path],
    kind: str,
    id_key: str,
    before: Mapping[str, Entry],
    faults: list[str],
    *,
    is_overlay: bool,
    is_checked: bool = False,
) -> dict[str, Entry]:
    found: dict[str, Entry] = {}
    for path in paths:
        for row, at, lines in _rows(path, kind, id_key, faults):
            where = f"{path.name}:{lines.get(at, 1)}"
            if row[id_key] in found:
                first = found[row[id_key]]
                faults.append(f"{where}: {kind} {row[id_key]!r} is already defined in {first.file}:{first.line}")
                continue
            content = _in_force(path, kind, id_key, row, at, lines, before, faults) if is_overlay else row
            if content is None:
                continue
            if not is_checked and not (is_overlay and _SWITCHED_OFF in row):
                at_changes = (*at, _CHANGES) if is_overlay and _CHANGES in row else at
                row_faults = list(_schema_faults(path, kind, content, at_changes, lines))
                faults.extend(row_faults)
                if row_faults:
                    continue
            found[row[id_key]] = Entry(
                id=row[id_key],
                content=content,
                file=path.name,
                line=lines.get(at, 1),
                is_overlay=is_overlay,
                lines=lines,
            )
    return found


def _in_force(
    path: Path,
    kind: str,
    id_key: str,
    row: dict[str, Any],
    at: _At,
    lines: LineMap,
    before: Mapping[str, Entry],
    faults: list[str],
) -> dict[str, Any] | None:
    """What an overlay's entry makes of the shipped one; None where it is faulty."""
    where, id_ = f"{path.name}:{lines.get(at, 1)}", row[id_key]
    for key, must in ((_SWITCHED_OFF, "its reason"), (_CHANGES, "the members that change")):
        if key not in row:
            continue
        if key == _SWITCHED_OFF and kind not in _SWITCHABLE:
            faults.append(f"{where}: {kind} {id_!r} cannot be switched off, only changed")
        elif set(row) != {id_key, key}:
            faults.append(f"{where}: an entry with {key!r} has only {id_key!r} and {must}")
        elif id_ not in before:
            verb = "switch off" if key == _SWITCHED_OFF else "change"
            faults.append(f"{where}: there is no {kind} {id_!r} to {verb}")
        elif key == _SWITCHED_OFF and not (isinstance(row[key], str) and row[key].strip()):
            faults.append(f"{where}: {kind} {id_!r} is switched off without a reason")
        elif key == _CHANGES and (not isinstance(row[key], dict) or not row[key] or id_key in row[key]):
            faults.append(f"{where}: {kind} {id_!r}: 'changes' names the members that change, and never {id_key!r}")
        elif key == _CHANGES:
            return _merged(before[id_].content, row[key])
        else:
            return row
        return None
    return row


def _merged(shipped: Mapping[str, Any], changes: Mapping[str, Any]) -> dict[str, Any]:
    """The shipped mapping with the members that change; a list or a value is replaced as a whole."""
    return dict(shipped) | {
        key: _merged(shipped[key], value) if isinstance(value, dict) and isinstance(shipped.get(key), dict) else value
        for key, value in changes.items()
    }


def _rows(path: Path, kind: str, id_key: str, faults: list[str]) -> Iterator[tuple[dict[str, Any], _At, LineMap]]:
    try:
        document, lines = read_document(path)
    except KnowledgeError as error:
        faults.extend(error.faults)
        return
    if id_key != "id":  # one document is one entry
        rows: list[tuple[Any, _At]] = [(document, ())]
    elif isinstance(document, dict) and set(document) == {kind} and isinstance(document[kind], list):
        rows = [(row, (kind, index)) for index, row in enumerate(document[kind])]
    else:
        faults.append(f"{path.name}:1: the file must hold one list named {kind!r}")
        return
    for row, at in rows:
        if isinstance(row, dict) and isinstance(row.get(id_key), str):
            yield row, at, lines
        else:
            faults.append(f"{path.name}:{lines.get(at, 1)}: an entry of {kind!r} needs the text {id_key!r}")


def _schema_faults(path: Path, kind: str, content: dict[str, Any], at: _At, lines: LineMap) -> Iterator[str]:
    from cdshooks.knowledge.schema_faults import plain_fault  # noqa: PLC0415 - what is sealed is not checked again

    for error in sorted(_validator(kind).iter_errors(content), key=lambda it: [str(step) for step in it.absolute_path]):
        where = (*at, *error.absolute_path)
        while where not in lines and where:
            where = where[:-1]
        yield f"{path.name}:{lines.get(where, 1)}: {plain_fault(error)}"


@cache
def _validator(kind: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - what is sealed is not checked again

    schema = json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))
    return Draft202012Validator(schema)
