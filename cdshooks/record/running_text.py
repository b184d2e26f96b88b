"""The running text of a report: its clauses, and which parts of a clause tell what is so now.

What tells of an earlier result, or of one that is a condition, a plan or a question, is never read as a result.
"""

from __future__ import annotations

import binascii
import re
from collections.abc import Iterator

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import Attachment, DiagnosticReport, Observation
from cdshooks.knowledge.clauses import FIGURE_END
from cdshooks.record.remembered_meanings import RememberedMeanings

MOST_CHARACTERS = 64 * 1024
"""As many as any other text of a call may have."""
HEADING = re.compile(r"^[\s*#-]*([^\W\d][^:;.\d]{1,40}):(.*)$")
PIECE_END = re.compile(r"((?<!\d),|,(?!\d)|[()\[\]]|\s[-\u2013]\s)")
_DATE = re.compile(
    r"(?<![\d.,])(?:19|20)\d{2}(?![\d.]*\d)|(?<!\d)\d{1,2}([./-])\d{1,2}\1\d{2,4}(?!\d)|(?<!\d)\d{1,2}/(?:19|20)\d{2}"
)


_BEFORE = frozenset({"earlier", "reason"})
"""Headings of what was known or asked before; any other heading that we know begins what is told now."""


class Clause(msgspec.Struct, frozen=True):
    """One clause of a report; ``is_earlier`` where it stands in the part that tells what was known before."""

    text: str
    is_earlier: bool


class RunningText:
    """Reads running text by the words that tell now from earlier and a result from a question."""

    def __init__(self, time: RememberedMeanings, is_open: RememberedMeanings, heading: RememberedMeanings) -> None:
        self._now = re.compile(f"{time.whole('now').pattern}|->|\u2192", re.IGNORECASE)
        self._earlier = time.whole("earlier")
        self._open = is_open.whole("open")
        self._heading = heading
        self.standing = remembered(self._standing)

    def clauses(self, text: str) -> Iterator[Clause]:
        """Each clause of a text, in its order."""
        in_earlier_part = line_is_earlier = False
        for line in text[:MOST_CHARACTERS].split("\n"):
            line_is_earlier = False
            for clause in FIGURE_END.split(line):
                headed = HEADING.match(clause)
                named = self._heading.first(headed[1]) if headed else None
                kind = named if named in _BEFORE else None
                if headed and (named is not None or not headed[2].strip()):
                    is_alone = not headed[2].strip()
                    in_earlier_part = is_alone and kind is not None
                    line_is_earlier = kind == "earlier"
                is_reason = kind is not None
                if clause.strip():
                    yield Clause(clause, is_earlier=in_earlier_part or line_is_earlier or is_reason)

    def is_earlier(self, text: str) -> bool:
        """Whether words tell of an earlier time, or give a date of their own."""
        return self._earlier.search(text) is not None or _DATE.search(text) is not None

    def is_now(self, text: str) -> bool:
        """Whether words, or an arrow before them, tell of now."""
        return self._now.search(text) is not None

    def is_open(self, text: str) -> bool:
        """Whether words make of what they tell a condition, a plan or a question."""
        return self._open.search(text) is not None or "?" in text

    def _standing(self, text: str) -> str:
        """The parts of a clause that tell a result which is so now: those called so, or else all that are not called earlier."""
        pieces = [it for it in self._pieces(text) if it.strip()]
        at = next((index for index, it in enumerate(pieces) if self.is_now(it)), None)
        chosen = pieces if at is None else pieces[at:]
        return " ".join(it for it in chosen if not (self.is_earlier(it) or self.is_open(it)))

    def _pieces(self, text: str) -> Iterator[str]:
        """The pieces between commas, brackets and dashes, a word that tells of now beginning one; what separates them stays."""
        for piece in PIECE_END.split(text):
            starts = [0, *(it.start() for it in self._now.finditer(piece) if it.start())]
            yield from (piece[start:stop] for start, stop in zip(starts, [*starts[1:], len(piece)], strict=True))


def texts_of_report(report: DiagnosticReport | Observation) -> tuple[str, ...]:
    """What a report says in plain text: its conclusion, then its attached forms; never its narrative."""
    if isinstance(report, Observation):
        return (report.value_string,) if report.value_string else ()
    forms = (_plain_text(it) for it in report.presented_form)
    return tuple(dict.fromkeys(it for it in (report.conclusion, *forms) if it))


def _plain_text(attachment: Attachment) -> str:
    if not (attachment.content_type or "").casefold().startswith("text/plain") or not attachment.data:
        return ""
    data = attachment.data[: 4 * MOST_CHARACTERS]
    try:
        return binascii.a2b_base64(data[: len(data) - len(data) % 4]).decode("utf-8", errors="replace")
    except (binascii.Error, ValueError):
        return ""
