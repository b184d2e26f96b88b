"""Where a clause of written text ends, and how commas and colons part it: no denial, list or value reaches past its clause.

Three readers, three ends; each difference is drawn in ``tests/spec/test_clauses.py``.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

import msgspec

from cdshooks.knowledge.names import words

_PARAGRAPH = r"[;\n]"
_NO_DECIMAL_POINT = r"\.(?!\d)"

STATEMENT_END = re.compile(rf"{_PARAGRAPH}|{_NO_DECIMAL_POINT}")
"""The end of what is said, or denied, of an illness: "No cough. 2 liver metastases" denies the cough alone."""
FIGURE_END = re.compile(rf"{_PARAGRAPH}|\.(?!\s*\d)")
"""The end of what is said of a figure, which stands behind abbreviations as well: "LVEF ca. 55 %"."""


def wish_end(joining: str) -> re.Pattern[str]:
    """The end of one wish: a comma or a word that joins begins the next. ``joining``: a pattern of those words."""
    return re.compile(rf"{STATEMENT_END.pattern}|,|{joining}", re.IGNORECASE)


_MARK = re.compile(r"([,()\[\]:=?]|\s[-\u2013]\s)")
_NO_ANSWER = frozenset(",()[]")
COMMA, COLON = ",", ":"
_PARTS_A_LIST = re.compile(f"({COMMA}|{COLON})")
_NOTHING = slice(0)


class Marks(msgspec.Struct, frozen=True):
    """Before which word of a clause each of its marks stands, in their order.

    ``answers``: the marks that are neither comma nor bracket, behind which an answer stands ("ILD: none", "ILD? no").
    """

    all: Sequence[int] = ()
    commas: Sequence[int] = ()
    colons: Sequence[int] = ()
    answers: Sequence[int] = ()

    def before(self, at: int) -> int:
        """Where the piece begins in which a word stands."""
        return next((it for it in reversed(self.all) if it <= at), 0)

    def behind(self, end: int, last: int) -> tuple[slice, slice]:
        """The words from ``end`` up to the next mark, and the answer behind it. ``last``: how many words the clause has."""
        stop = next((it for it in self.all if it >= end), last)
        following = next((it for it in self.all if it > stop), last)
        return slice(end, stop), slice(stop, following) if stop in self.answers else _NOTHING


_UNMARKED = Marks()


def marks_of(clause: str) -> Marks:
    """The marks of a clause."""
    parts = _MARK.split(clause)
    if len(parts) == 1:
        return _UNMARKED
    places: list[int] = []
    commas: list[int] = []
    colons: list[int] = []
    answers: list[int] = []
    at = 0
    for part, mark in zip(parts[::2], parts[1::2], strict=False):
        at += len(words(part)) if part else 0
        places.append(at)
        if mark == COMMA:
            commas.append(at)
        elif mark not in _NO_ANSWER:
            answers.append(at)
            if mark == COLON:
                colons.append(at)
    return Marks(places, commas, colons, answers)


def words_and_marks(clause: str) -> tuple[str, ...]:
    """The words of a clause with each comma and colon between them as one of its own: what a reader of lists sees."""
    return tuple(
        it for at, part in enumerate(_PARTS_A_LIST.split(clause)) for it in ((part,) if at % 2 else words(part))
    )
