"""The check of a hospital's own rows: each names only what the shipped tables know, and says where it comes from.

A row that means something which nothing reads would be silence where the hospital expects an answer.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache
from pathlib import Path

from cdshooks.knowledge.check_codes import rows_in
from cdshooks.knowledge.drugs import split
from cdshooks.knowledge.seal import DATA

_SOURCES = ("source", "verified")
_CLOSED: Mapping[str, tuple[tuple[str, ...], ...]] = {
    "observations": (("concept",),),
    "observation_values": (("value_set",), ("value_set", "meaning")),
    "receptor_codes": (("marker",), ("status",)),
    "report_words": (("kind",),),
    "site_words": (("site",),),
    "site_codes": (("side",),),
    "spread_words": (("role",),),
    "negation_words": (("role",),),
    "status_words": (("trend",),),
    "stop_words": (("reason",),),
    "wish_words": (("wish",),),
    "route_words": (("route",),),
    "therapy_words": (("kind",),),
    "procedures": (("kind",),),
    "urgency_words": (("meaning",),),
    "toxicity_kinds": (("kind",),),
    "genes": (("marker",),),
    "cancer_drug_signs": (("kind",),),
    "meanings": (("reader",), ("reader", "meaning")),
    "interactions": (("class",),),
    "conditions": (("category",), ("match",)),
}
"""Table -> the columns, alone or together, whose content must stand in the shipped table."""


def vocabulary_faults(overlay: Path | None) -> Iterator[str]:
    """One sentence for each row of an overlay that names what nothing reads, or that has no source."""
    if overlay is None:
        return
    for path in sorted((overlay / "codes").glob("*.csv")):
        if (DATA / "codes" / path.name).is_file():
            for where, row in rows_in(overlay, path.stem):
                yield from _of_row(path.stem, where, row, overlay)


def _of_row(table: str, where: str, row: Mapping[str, str], overlay: Path) -> Iterator[str]:
    named = [it for it in _SOURCES if it in row]
    if named and not any(row[it].strip() for it in named):
        yield f"{where}: the row has no {named[0]}"
    for columns in _CLOSED.get(table, ()):
        if _cells(row, columns) not in _known(table, columns):
            yield f"{where}: nothing reads the {' '.join(columns)} {' '.join(_cells(row, columns))!r}"
    for told, known in _REFERENCES.get(table, lambda _, __: ())(row, overlay):
        if told not in known:
            yield f"{where}: nothing reads {told!r}"


def _cells(row: Mapping[str, str], columns: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(row.get(it, "").strip() for it in columns)


@cache
def _known(table: str, columns: tuple[str, ...]) -> frozenset[tuple[str, ...]]:
    return frozenset(_cells(row, columns) for _, row in rows_in(DATA, table))


@cache
def _column(table: str, column: str, overlay: Path | None = None) -> frozenset[str]:
    """What stands in a column of the shipped table, and of a hospital's own where it may add to it."""
    roots = (DATA,) if overlay is None else (DATA, overlay)
    return frozenset(row.get(column, "").strip() for root in roots for _, row in rows_in(root, table))


@cache
def _concepts() -> frozenset[str]:
    """Category and concept of every diagnosis, as the table of words writes them."""
    coded = {f"{row['category']}:{row['concept']}" for _, row in rows_in(DATA, "conditions")}
    return frozenset(coded | _column("condition_words", "term"))


@cache
def _drug_names(overlay: Path) -> frozenset[str]:
    """Every name of a drug, ours or another's, in lower case."""
    brands = (it for cell in _column("drugs", "brands", overlay) for it in split(cell))
    listed = (_column(table, "name", overlay) for table in ("drug_names", "other_drugs", "interactions"))
    names = _column("drugs", "agent", overlay).union(brands, *listed)
    return frozenset(it.casefold() for it in names)


Named = Iterator[tuple[str, frozenset[str]]]


def _diagnosis(row: Mapping[str, str], overlay: Path) -> Named:
    del overlay
    yield f"{row.get('category', '')}:{row.get('concept', '')}", _concepts()


def _worded_diagnosis(row: Mapping[str, str], overlay: Path) -> Named:
    del overlay
    yield row.get("term", "").strip(), _concepts()


def _protocol(row: Mapping[str, str], overlay: Path) -> Named:
    return ((agent, _column("drugs", "agent", overlay)) for agent in split(row.get("agents")))


def _agent(row: Mapping[str, str], overlay: Path) -> Named:
    yield row.get("agent", "").strip(), _column("drugs", "agent", overlay)


def _look_alikes(row: Mapping[str, str], overlay: Path) -> Named:
    return ((row.get(it, "").strip().casefold(), _drug_names(overlay)) for it in ("one", "other"))


def _site(row: Mapping[str, str], overlay: Path) -> Named:
    yield row.get("site", "").strip(), _column("site_words", "site", overlay)


def _interacting(row: Mapping[str, str], overlay: Path) -> Named:
    yield row.get("name", "").strip(), _column("interactions", "name", overlay)


def _measure(row: Mapping[str, str], overlay: Path) -> Named:
    yield row.get("fact", "").strip(), _column("measures", "fact", overlay)


_REFERENCES: Mapping[str, Callable[[Mapping[str, str], Path], Named]] = {
    "conditions": _diagnosis,
    "condition_words": _worded_diagnosis,
    "protocols": _protocol,
    "site_codes": _site,
    "interaction_codes": _interacting,
    "look_alikes": _look_alikes,
    "unverified_names": _agent,
    "unit_equations": _measure,
}
"""Table -> what a row of it names that must stand in another table."""
