"""The eligibility text of a registry record, cut into numbered places that a criterion can point to: "inclusion 3"."""

from __future__ import annotations

import html
import re
from collections import Counter
from collections.abc import Iterator

import msgspec

_ESCAPED = re.compile(r"\\([\\`*_{}\[\]()#+.!<>&~^=|-])")
_ITEM_INSIDE = re.compile(r"(?<=\S)\s+(?=\d{1,2}\.\s+[A-Z])")
_HEADING = re.compile(r"\b(inclusion|exclusion)\s*(?:criteria)?\b[^.]*:?\s*\Z", re.IGNORECASE)
_INCLUDED = re.compile(r"eligible to be included .*criteria apply:?\s*\Z", re.IGNORECASE)
_EXCLUDED = re.compile(r"excluded from the study if .*criteria apply:?\s*\Z", re.IGNORECASE)
_LONGEST_HEADING = 150
_RANGE = re.compile(r"(preamble|inclusion|exclusion) (\d+)(?:-(\d+))?\Z")


class Place(msgspec.Struct, frozen=True):
    """One item of the text and where it stands."""

    name: str
    text: str


def places_of(text: str) -> tuple[Place, ...]:
    """Every item of a registry's eligibility text in its order: the n-th under inclusion, under exclusion, or before both.

    Headings have no number. Several numbered items run together in one line are several places.
    """
    part, counted, found = "preamble", Counter[str](), list[Place]()
    for line in _lines(text):
        heading = _section(line)
        if heading is not None:
            part = heading
            continue
        for item in _ITEM_INSIDE.split(line):
            counted[part] += 1
            found.append(Place(f"{part} {counted[part]}", item))
    return tuple(found)


def names_of(pointer: str) -> tuple[str, ...]:
    """The places that a pointer names: "inclusion 3-5" is three; none if it is no pointer."""
    match = _RANGE.match(pointer)
    if match is None:
        return ()
    part, first, last = match.groups()
    return tuple(f"{part} {number}" for number in range(int(first), int(last or first) + 1))


def _lines(text: str) -> Iterator[str]:
    plain = html.unescape(_ESCAPED.sub(r"\1", text))
    for line in plain.splitlines():
        bare = line.strip().removeprefix("*").strip()
        if bare:
            yield bare


def _section(line: str) -> str | None:
    if len(line) > _LONGEST_HEADING:
        return None
    if _INCLUDED.search(line):
        return "inclusion"
    if _EXCLUDED.search(line):
        return "exclusion"
    match = _HEADING.search(line)
    if (
        match is None
        or "include but" in line
        or not (line.endswith(":") or re.search(r"criteria\W*\Z", line, re.IGNORECASE))
    ):
        return None
    return match.group(1).lower()
