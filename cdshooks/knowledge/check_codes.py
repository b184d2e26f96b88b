"""The check of the code tables: no code, name or phrase may mean two things, and an overlay's table has the shipped columns."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cdshooks.knowledge.codes import system_of
from cdshooks.knowledge.drugs import known_system, plain_system, rests_on_memory, split
from cdshooks.knowledge.names import name_of
from cdshooks.knowledge.seal import DATA


class _Table(msgspec.Struct, frozen=True):
    """What identifies a row of a table, and what it then says."""

    key: tuple[str, ...]
    says: tuple[str, ...]


_TABLES = {
    "observations": _Table(("system", "code"), ("concept",)),
    "observation_values": _Table(("value_set", "system", "code"), ("meaning",)),
    "conditions": _Table(("system", "code", "match"), ("category", "concept")),
    "receptor_codes": _Table(("system", "code", "marker"), ("status",)),
    "report_words": _Table(("words",), ("kind",)),
    "condition_words": _Table(("words",), ("term",)),
    "site_words": _Table(("words",), ("site",)),
    "negation_words": _Table(("words",), ("role",)),
    "site_codes": _Table(("system", "code"), ("site", "side")),
    "reading_limits": _Table(("id",), ("value", "unit")),
    "spread_words": _Table(("words", "role"), ()),
    "told_treatments": _Table(("concept",), ("treatment", "classes")),
    "record_names": _Table(("word",), ("name",)),
    "status_words": _Table(("words",), ("trend",)),
    "stop_words": _Table(("words",), ("reason",)),
    "wish_words": _Table(("words",), ("wish",)),
    "route_words": _Table(("words",), ("route",)),
    "drug_names": _Table(("name",), ("agent",)),
    "trial_drug_names": _Table(("name",), ()),
    "payload_endings": _Table(("ending",), ("payload",)),
    # one name may stand for several regimens, so the drugs are part of what identifies a row
    "protocols": _Table(("protocol", "agents"), ()),
    "measures": _Table(("fact",), ("unit",)),
    "interaction_codes": _Table(("system", "code"), ("name",)),
    "unverified_names": _Table(("name",), ("agent",)),
    "drug_codes": _Table(("system", "code"), ("agent",)),
    "look_alikes": _Table(("one", "other"), ()),
    "drug_placeholders": _Table(("name",), ()),
    "cancer_drug_signs": _Table(("kind", "sign"), ()),
    "therapy_words": _Table(("words",), ("kind",)),
    "urgency_words": _Table(("words",), ("meaning",)),
    "procedures": _Table(("system", "code"), ("kind",)),
    "non_cancer_uses": _Table(("concept",), ()),
    "genes": _Table(("hgnc",), ("marker",)),
    "meanings": _Table(("reader", "words"), ("meaning",)),
    "toxicity_kinds": _Table(("concept",), ("kind",)),
    "marker_limits": _Table(("marker", "at_least"), ("value",)),
    "unit_factors": _Table(("molar_mass", "valence", "into", "unit"), ("factor",)),
    "unit_equations": _Table(("fact", "unit"), ("factor", "offset")),
    "unit_words": _Table(("written",), ("unit",)),
    # a drug may belong to several interaction classes, so the class is part of what identifies a row
    "interactions": _Table(("name", "class"), ()),
}
_MARKED = frozenset({"interactions", "interaction_codes", "unverified_names"})
"""Tables whose rows may rest on memory: what such a row decides is marked unverified in the record."""
_DRUG_CODES = {
    "rxnorm_ingredient": "rxnorm",
    "rxnorm_other": "rxnorm",
    "atc": "atc",
    "hcpcs": "hcpcs",
    "snomed": "snomed",
    "nci_code": "ncit",
}
_KNOWS_NO_FORMS = "atc"
"""ATC has one code for a substance whatever its form, so drugs of one class may share it."""
Row = tuple[str, dict[str, str]]
"""Where a row stands ("conditions.csv:12"), and its cells."""


def code_faults(overlay: Path | None) -> Iterator[str]:
    """One sentence for each code, name or phrase that means two things, and for each table of unknown shape."""
    yield from _shape_faults(overlay)
    for name, table in _TABLES.items():
        yield from _contradictions(name, table, overlay)
    yield from _drug_faults(overlay)
    yield from _unread_rows(overlay)


def _unread_rows(overlay: Path | None) -> Iterator[str]:
    """Rows that nobody has read in a source, in tables whose readers do not mark what such a row decided."""
    for table in _TABLES:
        if table in _MARKED:
            continue
        for where, row in _rows(table, overlay):
            if rests_on_memory(row.get("verified") or row.get("source")):
                yield f"{where}: the row rests on memory, and what it decides would not be marked: read a source first"


def _shape_faults(overlay: Path | None) -> Iterator[str]:
    if overlay is None:
        return
    for path in sorted((overlay / "codes").glob("*.csv")):
        shipped = DATA / "codes" / path.name
        if not shipped.is_file():
            yield f"{path.name}:1: there is no code table of this name"
            continue
        asked, written = _columns(shipped), _columns(path)
        missing, extra = sorted(asked - written), sorted(written - asked)
        if missing:
            yield f"{path.name}:1: the columns {', '.join(missing)} are missing"
        if extra:
            yield f"{path.name}:1: there are no columns {', '.join(extra)} in this table"


def _columns(path: Path) -> set[str]:
    with path.open(encoding="utf-8", newline="") as file:
        return set(next(csv.reader(file), []))


def _rows(table: str, overlay: Path | None) -> Iterator[Row]:
    for root in (DATA, overlay):
        if root is not None:
            yield from rows_in(root, table)


def rows_in(root: Path, table: str) -> Iterator[Row]:
    """The rows of one code table of the shipped knowledge or of an overlay."""
    path = root / "codes" / f"{table}.csv"
    if not path.is_file():
        return
    with path.open(encoding="utf-8", newline="") as file:
        reader = csv.DictReader(file)
        for row in reader:
            yield f"{path.name}:{reader.line_num}", {key: value or "" for key, value in row.items() if key}


def _contradictions(name: str, table: _Table, overlay: Path | None) -> Iterator[str]:
    seen: dict[tuple[str, ...], tuple[str, tuple[str, ...]]] = {}
    for where, row in _rows(name, overlay):
        key = tuple(_plain(column, row.get(column, "")) for column in table.key)
        says = tuple(row.get(column, "") for column in table.says)
        if not all(key[-1:]):
            yield f"{where}: the row has no {table.key[-1]}"
            continue
        first = seen.get(key)
        if first is None:
            seen[key] = (where, says)
            continue
        written = " ".join(part for part in key if part)
        if first[1] == says:
            yield f"{where}: {written!r} stands already in {first[0]}"
        else:
            yield f"{where}: {written!r} means {'/'.join(says)!r} here and {'/'.join(first[1])!r} in {first[0]}"


def _plain(column: str, cell: str) -> str:
    return system_of(cell) if column == "system" else cell.strip().casefold()


def _drug_faults(overlay: Path | None) -> Iterator[str]:
    codes: dict[tuple[str, str], tuple[str, str, str]] = {}
    names: dict[tuple[str, ...], tuple[str, str]] = {}
    for where, row in _rows("drugs", overlay):
        agent, drug_class = row.get("agent", "").strip(), row.get("class", "").strip()
        for column, system in _DRUG_CODES.items():
            for code in split(row.get(column)):
                first = codes.setdefault((system, code), (agent, drug_class, where))
                is_shared = first[0] != agent and not (system == _KNOWS_NO_FORMS and first[1] == drug_class)
                if is_shared:
                    yield f"{where}: the {system} code {code} of {agent!r} is that of {first[0]!r} in {first[2]}"
        for brand in (agent, *split(row.get("brands"))):
            named = names.setdefault(tuple(name_of(brand)), (agent, where))
            if named[0] != agent:
                yield f"{where}: the name {brand!r} of {agent!r} is that of {named[0]!r} in {named[1]}"
    for where, row in _rows("drug_codes", overlay):
        key = (known_system(row.get("system")) or plain_system(row.get("system")), row.get("code", "").strip())
        known = codes.get(key)
        if known is not None and known[0] != row.get("agent", "").strip():
            yield f"{where}: the code {key[1]!r} means {row.get('agent')!r} here and {known[0]!r} in {known[2]}"
    for where, row in _rows("drug_names", overlay):
        named = names.get(tuple(name_of(row.get("name", ""))), ("", ""))
        if named[0] and named[0] != row.get("agent", "").strip():
            yield f"{where}: the name {row.get('name')!r} means {row.get('agent')!r} here and {named[0]!r} in {named[1]}"
