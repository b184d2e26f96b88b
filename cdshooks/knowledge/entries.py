"""The entries of one kind of knowledge: read from the shipped files, then from a hospital's overlay, checked by the kind's schema.

A kind lives in ``data/<kind>.yaml`` and ``data/<kind>/**/*.yaml``; each file is a mapping with the one key ``<kind>`` that holds
a list of entries with an ``id`` (a trial file is one entry by itself, with ``nct_id``). An overlay has the same layout: an entry
with a known id replaces the shipped one, ``{id: ..., switched_off: "reason"}`` removes it, a new id adds one.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.strict_yaml import LineMap, read_yaml

DATA = Path(__file__).parent / "data"
SCHEMAS = Path(__file__).parent / "schemas"


class Entry(msgspec.Struct, frozen=True, kw_only=True):
    """One entry as written, with the place it was read from."""

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
    overlaid: tuple[str, ...]
    """Ids that an overlay added or replaced."""


def read_entries(kind: str, overlay: Path | None = None, *, id_key: str = "id") -> Entries:
    """Read and check the entries of one kind.

    Raises:
        KnowledgeError: With one sentence for each fault of the kind's files: file, line and what is wrong.
    """
    faults: list[str] = []
    in_force: dict[str, Entry] = {}
    switched_off: dict[str, str] = {}
    overlaid: list[str] = []
    roots = [(DATA, False)] + ([(overlay, True)] if overlay is not None else [])
    for root, is_overlay in roots:
        seen: dict[str, Entry] = {}
        for path in _files(root, kind):
            for entry in _entries_of(path, kind, id_key, faults, is_overlay=is_overlay):
                if entry.id in seen:
                    first = seen[entry.id]
                    faults.append(
                        f"{entry.file}:{entry.line}: {kind} {entry.id!r} is already defined in {first.file}:{first.line}"
                    )
                    continue
                seen[entry.id] = entry
                reason = entry.content.get("switched_off")
                if is_overlay and reason is not None:
                    if entry.id not in in_force:
                        faults.append(f"{entry.file}:{entry.line}: there is no {kind} {entry.id!r} to switch off")
                    in_force.pop(entry.id, None)
                    switched_off[entry.id] = str(reason)
                    continue
                if is_overlay:
                    overlaid.append(entry.id)
                in_force[entry.id] = entry
    if faults:
        raise KnowledgeError(tuple(faults))
    return Entries(kind=kind, by_id=in_force, switched_off=switched_off, overlaid=tuple(overlaid))


def _files(root: Path, kind: str) -> Iterator[Path]:
    single = root / f"{kind}.yaml"
    if single.is_file():
        yield single
    if (root / kind).is_dir():
        yield from sorted((root / kind).rglob("*.yaml"))


def _entries_of(path: Path, kind: str, id_key: str, faults: list[str], *, is_overlay: bool) -> Iterator[Entry]:
    try:
        document, lines = read_yaml(path)
    except KnowledgeError as error:
        faults.extend(error.faults)
        return
    if id_key != "id":  # one document is one entry
        rows: list[tuple[Any, tuple[str | int, ...]]] = [(document, ())]
    elif isinstance(document, dict) and set(document) == {kind} and isinstance(document[kind], list):
        rows = [(row, (kind, index)) for index, row in enumerate(document[kind])]
    else:
        faults.append(f"{path.name}:1: the file must hold one list named {kind!r}")
        return
    for row, at in rows:
        line = lines.get(at, 1)
        if not isinstance(row, dict) or not isinstance(row.get(id_key), str):
            faults.append(f"{path.name}:{line}: an entry of {kind!r} needs the text {id_key!r}")
            continue
        if is_overlay and "switched_off" in row:
            row_faults = (
                []
                if set(row) <= {id_key, "switched_off"}
                else [f"{path.name}:{line}: a switched-off entry has only {id_key!r} and its reason"]
            )
        else:
            row_faults = list(_schema_faults(path, kind, row, at, lines))
        faults.extend(row_faults)
        if not row_faults:
            yield Entry(id=row[id_key], content=row, file=path.name, line=line, is_overlay=is_overlay, lines=lines)


def _schema_faults(
    path: Path, kind: str, row: dict[str, Any], at: tuple[str | int, ...], lines: LineMap
) -> Iterator[str]:
    for error in sorted(_validator(kind).iter_errors(row), key=lambda it: [str(step) for step in it.absolute_path]):
        where = (*at, *error.absolute_path)
        while where not in lines and where:
            where = where[:-1]
        member = ".".join(str(step) for step in error.absolute_path) or "the entry"
        yield f"{path.name}:{lines.get(where, 1)}: {member}: {error.message}"


@cache
def _validator(kind: str) -> jsonschema.Draft202012Validator:
    schema = json.loads((SCHEMAS / f"{kind}.json").read_text(encoding="utf-8"))
    return jsonschema.Draft202012Validator(schema)
