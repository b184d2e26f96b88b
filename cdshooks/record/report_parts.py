"""The parts of an imaging report: what it finds, what of that is so now, and its impression.

A question is no finding ("rule out ILD"), and what an earlier examination showed is none of this one ("Comparison: progression in
2023"). What was once found stays told, for a metastasis or a pneumonitis of earlier years still counts.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.knowledge.clauses import COMMA, FIGURE_END
from cdshooks.record.remembered_meanings import RememberedMeanings
from cdshooks.record.running_text import HEADING, MOST_CHARACTERS, PIECE_END

_REASON, _EARLIER, _FINDINGS, _IMPRESSION = "reason", "earlier", "findings", "impression"


class Parts(msgspec.Struct, frozen=True):
    """A report without its questions: ``found`` all of it, ``now`` without earlier examinations, ``impression`` its own summary.

    Without an impression of its own that is all that is so now.
    """

    found: str
    now: str
    impression: str


class ReportParts:
    """Takes reports apart by their headings and by words; what a text says is remembered."""

    def __init__(self, time: RememberedMeanings, heading: RememberedMeanings, asked: RememberedMeanings) -> None:
        self._now, self._heading, self._asked = time.whole("now"), heading, asked.whole("asked")
        self.of = remembered(self._of)

    def _of(self, text: str) -> Parts:
        clauses = [(part, told) for part, clause in self._clauses(text) if (told := self._told(clause)).strip()]
        now = [(part, self._since(clause)) for part, clause in clauses if part != _EARLIER]
        summed = [clause for part, clause in now if part == _IMPRESSION]
        told_now = _joined(clause for _, clause in now)
        return Parts(_joined(clause for _, clause in clauses), told_now, _joined(summed) if summed else told_now)

    def _clauses(self, text: str) -> Iterator[tuple[str | None, str]]:
        """Each clause that is no reason for the examination, with the part that it stands in."""
        part: str | None = None
        for line in text[:MOST_CHARACTERS].split("\n"):
            for clause in FIGURE_END.split(line):
                headed = HEADING.match(clause)
                kind = self._heading.first(headed[1]) if headed else None
                is_alone = headed is not None and not headed[2].strip()
                if is_alone or kind in {_FINDINGS, _IMPRESSION}:
                    part = kind
                elif kind is not None and part == _IMPRESSION:
                    part = None
                own = kind or part
                if own != _REASON and clause.strip():
                    yield own, clause

    def _told(self, clause: str) -> str:
        """A clause up to where it asks, without the pieces that end in a question; one that is answered stays ("ILD? no")."""
        asked = self._asked.search(clause)
        told = clause[: asked.start()] if asked else clause
        return "".join(it for it in PIECE_END.split(told) if not it.rstrip().endswith("?")) if "?" in told else told

    def _since(self, clause: str) -> str:
        """Of a clause that tells of now and of before, what follows the word for now ("was progressing, now stable").

        Where nothing follows, what stands before it up to a comma is meant ("none in 2024, ILD now").
        """
        now = self._now.search(clause)
        if now is None:
            return clause
        follows = any(map(str.isalnum, clause[now.end() :]))
        return clause[now.start() if follows else clause.rfind(COMMA, 0, now.start()) + 1 :]


def _joined(clauses: Iterable[str]) -> str:
    return "\n".join(clauses)
