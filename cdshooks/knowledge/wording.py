"""The sentences of the cards that a hospital may word its own way, and what each of them must keep."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import Entry, read_entries

ORDERS = re.compile(
    r"\b(must|should|shall|recommend(ed|s)?|preferred|give|start|switch|stop|avoid|prescribe|best)\b", re.IGNORECASE
)
"""Words that direct; a card offers and informs. Source: SAF-03."""
_PLACES = re.compile(r"\{(\w*)\}")
_ACTIVE = re.compile(r"[<>\[\]`|]|https?:|www\.", re.IGNORECASE)
_LONGEST_SUMMARY, _LONGEST = 105, 400
"""A summary is filled in and headed, and its whole has at most 139 characters. Source: R-4."""


class CardWording(msgspec.Struct, frozen=True, kw_only=True):
    """One sentence for each place of a card."""

    options_summary: str
    options_summary_unproven: str
    options_summary_none: str
    options_summary_selected: str
    options_summary_no_drug: str
    view_summary: str
    gaps_summary: str
    review_repeated: str
    review_contraindicated: str
    review_warning: str
    why_options: str
    why_options_unknown_receptor: str
    why_review: str
    why_weigh: str
    to_find_out: str
    nothing_missing: str
    options: str
    trial: str
    others: str
    held: str
    excluded: str
    alternatives: str
    unverified: str
    not_when: str


def load_wording(overlay: Path | None = None) -> CardWording:
    """Read the sentences with a hospital's own.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    entries = read_entries("wording", overlay)
    faults: list[str] = []
    for id_, entry in entries.by_id.items():
        shipped = entries.shipped.get(id_, entry)
        where = f"{entry.file}:{entry.line}: wording {id_!r}"
        faults.extend(f"{where} {fault}" for fault in _faults(entry, shipped))
    if faults:
        raise KnowledgeError(tuple(faults))
    return CardWording(**{id_: entry.content["text"] for id_, entry in entries.by_id.items()})


def _faults(entry: Entry, shipped: Entry) -> Iterator[str]:
    text = entry.content["text"]
    if entry.id not in CardWording.__struct_fields__:
        yield "is no sentence of a card"
    asked, has = sorted(_PLACES.findall(shipped.content["text"])), sorted(_PLACES.findall(text))
    if asked != has:
        yield f"must keep {', '.join(f'{{{it}}}' for it in asked) or 'no words in braces'}"
    plain = _PLACES.sub("", text)
    if "{" in plain or "}" in plain:
        yield "has a brace that is not closed"
    if order := ORDERS.search(plain):
        yield f"gives an order ({order[0]!r}); a card offers and informs"
    if _ACTIVE.search(plain):
        yield "has a link, HTML or a table; it is plain words"
    longest = _LONGEST_SUMMARY if "summary" in entry.id or entry.id.startswith("review_") else _LONGEST
    if len(text) > longest:
        yield f"has {len(text)} characters; at most {longest} fit"
