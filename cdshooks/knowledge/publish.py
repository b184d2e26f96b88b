"""The knowledge as regulators and clinicians ask to see it: entries with source, date, reviewer, hash. Source: SAF-02, DSI-01."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.sources import cited_in

KINDS = ("regimens", "criteria", "line_rules", "ranking", "gaps", "quiet", "wording")
_USES: Mapping[str, tuple[str, ...]] = {
    "use-race": (),
    "use-ethnicity": (),
    "use-language": (),
    "use-sexual-orientation": (),
    "use-gender-identity": (),
    "use-sex": ("sex",),
    "use-date-of-birth": ("age_years",),
    "use-social-determinants": (),
    "use-health-status": ("ecog", "karnofsky"),
}
"""Attribute -> the facts by which it could enter a conclusion."""


def knowledge_document(knowledge: Knowledge, overlay: Path | None, as_of: date) -> dict[str, Any]:
    """Everything in force, as JSON: what it is, who has signed it, what it rests on."""
    manifest = knowledge.manifest
    signature = manifest.signature(as_of)
    reviewer = signature.reviewer if signature is not None else None
    kinds = {kind: read_entries(kind, overlay).by_id for kind in KINDS}
    kinds["trials"] = read_entries("trials", overlay, id_key="nct_id").by_id
    return {
        "version": manifest.version,
        "content_hash": manifest.content_hash,
        "reviewed": manifest.reviewed.isoformat(),
        "due": manifest.due.isoformat(),
        "expires": manifest.expires.isoformat(),
        "state": manifest.freshness(as_of).value,
        "reviewer": reviewer,
        "signed_until": signature.until.isoformat() if signature is not None else None,
        "overlay": [it.told for it in knowledge.overlay],
        "attributes": attributes(knowledge, overlay),
        **{kind: [_published(it, knowledge, reviewer) for it in entries.values()] for kind, entries in kinds.items()},
        "sources": [it.content for it in read_entries("sources", overlay).by_id.values()],
        "hazards": [it.content for it in read_entries("hazards", overlay).by_id.values()],
    }


def attributes(knowledge: Knowledge, overlay: Path | None) -> list[dict[str, str]]:
    """The statement and the source attributes, each with the day it speaks of. Source: DSI-01."""
    as_of = knowledge.manifest.reviewed.isoformat()
    return [
        {**it.content, "value": _value(it, knowledge), "as_of": as_of}
        for it in read_entries("attributes", overlay).by_id.values()
    ]


def _value(entry: Entry, knowledge: Knowledge) -> str:
    written: str = entry.content["value"]
    if written != "computed":
        return written
    manifest = knowledge.manifest
    if entry.id not in _USES:
        return f"Version {manifest.version}, last reviewed on {manifest.reviewed}; the date of each source stands beside it."
    known = [it for it in _USES[entry.id] if it in knowledge.facts]
    if not known:
        return "Not used: no fact of the service speaks of it, and it is not read from the record."
    labels = ", ".join(knowledge.facts[it].label for it in knowledge.facts if it in known)
    return f"Read from the record ({labels}) and used where a criterion of a regimen or of a trial names it."


def _published(entry: Entry, knowledge: Knowledge, reviewer: str | None) -> dict[str, Any]:
    text = json.dumps(entry.content, sort_keys=True, ensure_ascii=False)
    return {
        "id": entry.id,
        "content": entry.content,
        "sources": list(dict.fromkeys(cited_in(entry.content))),
        "newest_source": _newest(cited_in(entry.content), knowledge),
        "reviewed": knowledge.manifest.reviewed.isoformat(),
        "reviewer": reviewer,
        "content_hash": hashlib.sha256(text.encode()).hexdigest(),
        "file": entry.file,
        "is_overlay": entry.is_overlay,
    }


def _newest(cited: Iterable[str], knowledge: Knowledge) -> str | None:
    dates = [it.published for key, it in knowledge.sources.items() if it.published and key in set(cited)]
    return max(dates, default=None)


def in_words(requires: Any) -> str:
    """A predicate as a sentence: "LVEF at least 50 %"."""
    match requires:
        case {"all": parts}:
            return " and ".join(_part(it) for it in parts)
        case {"any": parts}:
            return " or ".join(_part(it) for it in parts)
        case {"not": part}:
            return f"not ({in_words(part)})"
        case {"fact": fact, "op": op, **rest}:
            value = rest.get("value")
            if op == "eq" and isinstance(value, bool):
                return f"{'' if value else 'no '}{fact.replace('_', ' ')}"
            told = (
                ", ".join(str(it) for it in value) if isinstance(value, list) else "" if value is None else str(value)
            )
            unit = f" {rest['unit']}" if "unit" in rest else ""
            return f"{fact.replace('_', ' ')} {_OPERATORS.get(op, op)} {told}{unit}".strip()
        case {"review": because}:
            return f"a person judges: {because}"
    return json.dumps(requires, ensure_ascii=False)


def _part(requires: Any) -> str:
    text = in_words(requires)
    return f"({text})" if isinstance(requires, dict) and requires.keys() & {"all", "any"} else text


_OPERATORS = {
    "eq": "is",
    "ne": "is not",
    "ge": "at least",
    "gt": "above",
    "le": "at most",
    "lt": "below",
    "in": "is one of",
    "not_in": "is none of",
    "has_any": "has one of",
    "has_none": "has none of",
    "has_all": "has all of",
    "is_known": "is known",
}
