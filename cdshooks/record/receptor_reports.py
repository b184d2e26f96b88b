"""What the running text of a report says of HER2, ER and PR, clause by clause. Source: terminology 10.4, shape 12.

A status that is told of an earlier time, of another tumour's past, as a plan or as a question is not read as a result; the report
is then named as one in which a clinician should look.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.record.numbers import number_in
from cdshooks.record.receptor_words import ReceptorWords
from cdshooks.record.terms import RecordTerms

_HER2, _HORMONE = "her2", "hr"
_OTHER_CANCER, _DISEASE = "other-cancer", "disease"
_NUMBER = r"([<>]?)\s*=?\s*(\d+(?:[.,]\d+)?)"
_TWO_SCORES = re.compile(r"(?<![\d.])[0-3]\s*\+?\s*[-\u2013/]\s*[0-3]\s*\+")
_SCORE = re.compile(r"(?<![\d.+/])([0-3])\s*\+(?!\s*/?\s*\d)")
_LAST_PIECE = re.compile(r"[,;:()]")
_LOOKED_AT_AHEAD = 60
"""Characters: as many as "negative for" and what may stand behind it have; the whole would be read again for each name in it."""


class Said(msgspec.Struct, frozen=True):
    """What a report says of one receptor: its status as ``ReceptorWords.status`` gives it, or a number of one kind of test.

    ``kind``: the marker itself or ``summary`` for a status, ``ratio`` or ``copies`` for the numbers of an ISH.
    """

    marker: str
    kind: str
    status: str | None = None
    number: float | None = None
    comparator: str | None = None
    laterality: str | None = None
    """The side of the body that the clause, or the last one before it that names a side, speaks of."""


class Report(msgspec.Struct, frozen=True):
    """All that a report says of receptors; ``is_open``: the markers of which it tells a status that is none of this tissue now."""

    said: tuple[Said, ...]
    is_open: frozenset[str]


_ALL_NEGATIVE = (Said("er", "er", "negative"), Said("pr", "pr", "negative"), Said(_HER2, "summary", "negative"))
"""What "triple negative" says."""


class ReceptorReports:
    """Reads reports; what a text says is remembered."""

    def __init__(self, words: ReceptorWords, terms: RecordTerms) -> None:
        self.words = self._words = words
        self._terms, self._text = terms, terms.running_text
        copies = terms.meanings("receptor-copies")
        ratio = terms.meanings("receptor-ratio").pattern("ratio")
        between = r"[^0-9<>]{0,30}"
        self._of_control = _pattern(
            rf"{copies.pattern('of-control')}[\s-]*{copies.pattern('copies')}{between}{_NUMBER}"
        )
        self._copies = _pattern(rf"{copies.pattern('copies')}{between}{_NUMBER}")
        self._ratio = _pattern(rf"{ratio}{between}{_NUMBER}")
        self._controls = terms.meanings("receptor-control").whole("control")
        self._triple = terms.meanings("receptor-triple").whole("negative")
        self._stop = terms.meanings("receptor-stop").whole("stop")
        self._denied_ahead = _pattern(rf"{terms.meanings('receptor-denial-ahead').pattern('no')}\W*$")
        self._finding = _pattern(rf"^[\s-]*(?:\w+[\s-]+)?{terms.meanings('receptor-finding').pattern('finding')}")
        self.read = remembered(self._read)
        self.of_value = remembered(self._of_value)
        self.of_diagnosis = remembered(self._of_diagnosis)

    def _read(self, text: str) -> Report:
        said: list[Said] = []
        is_open: set[str] = set()
        last: str | None = None
        sides = self._sides(text)
        for clause, side in zip(self._text.clauses(text), sides, strict=True):
            found, undecided = self._of_clause(clause.text, last)
            is_open |= undecided
            if clause.is_earlier or (found and self._is_of_another(clause.text)):
                is_open.update(it.marker for it in found)
            else:
                said.extend(msgspec.structs.replace(it, laterality=side) for it in found)
            named = self._names_in(clause.text)
            last = named[-1][2] if named else last
        return Report(tuple(dict.fromkeys(said)), frozenset(is_open - {it.marker for it in said}))

    def _sides(self, text: str) -> Iterator[str | None]:
        """For each clause the side it speaks of: its own, or that of the clause before."""
        side: str | None = None
        for clause in self._text.clauses(text):
            side = self._words.side(clause.text) or side
            yield side

    def _of_diagnosis(self, text: str) -> tuple[Said, ...]:
        """What the name of a diagnosis says: it holds for as long as the diagnosis does ("known HER2-positive cancer")."""
        if self._terms.meanings("receptor-elsewhere").first(text) is not None or self._is_of_another(text):
            return ()
        if self._is_triple_negative(text):
            return _ALL_NEGATIVE
        named = self._names_in(text)
        stops = [*(start for start, _, _ in named[1:]), len(text)]
        parts = (
            (marker, text[:start], text[end:stop]) for (start, end, marker), stop in zip(named, stops, strict=False)
        )
        return tuple(
            said
            for marker, ahead, behind in parts
            if not self._text.is_open(behind)
            for said in self._of_marker(marker, ahead, behind)
        )

    def _of_value(self, text: str) -> str:
        """What the words of one result say now: what of them tells of an earlier time, or asks, is left out."""
        standing = self._text.standing(text)
        return "" if self._is_two_scores(standing) else standing

    def _is_of_another(self, text: str) -> bool:
        """Whether a text speaks of a relative, or of a cancer that is not of the breast."""
        if self._terms.is_of_relative(text):
            return True
        told = {it.category for it in self._terms.worded_conditions((text,))}
        return _OTHER_CANCER in told and _DISEASE not in told

    def _names_in(self, clause: str) -> list[tuple[int, int, str]]:
        return sorted(
            (match.start(), match.end(), marker)
            for marker, pattern in self._words.names
            for match in pattern.finditer(clause)
            if marker == _HER2 or not self._words.is_other_sense(clause[match.end() :])
        )

    def _of_clause(self, clause: str, last: str | None) -> tuple[tuple[Said, ...], set[str]]:
        clause = self._controls.sub(" ", clause)
        if self._terms.meanings("receptor-elsewhere").first(clause) is not None:
            return (), set()
        named = self._names_in(clause)
        if not named and self._is_triple_negative(self._text.standing(clause)):
            return _ALL_NEGATIVE, set()
        if not named:
            return self._of_unnamed(clause, last)
        said: list[Said] = []
        is_open: set[str] = set()
        before = 0
        for index, (start, end, marker) in enumerate(named):
            stop = named[index + 1][0] if index + 1 < len(named) else len(clause)
            ahead, behind = clause[max(before, start - _LOOKED_AT_AHEAD) : start], self._until_stop(clause[end:stop])
            found = tuple(self._of_marker(marker, ahead, behind))
            standing = self._text.standing(behind)
            piece = _LAST_PIECE.split(ahead)[-1]
            is_past = (self._text.is_earlier(piece) or self._text.is_open(piece)) and not self._text.is_now(behind)
            kept = () if is_past else tuple(self._of_marker(marker, ahead, standing)) if standing != behind else found
            said.extend(kept)
            if (found or (marker == _HER2 and self._is_two_scores(behind))) and not kept:
                is_open.add(marker)
            before = end
        return tuple(said), is_open

    def _is_triple_negative(self, text: str) -> bool:
        found = self._triple.search(text)
        return found is not None and not self._denied_ahead.search(text[: found.start()])

    def _until_stop(self, behind: str) -> str:
        """Up to the name of another finding, whose numbers are its own."""
        other = self._stop.search(behind)
        return behind[: other.start()] if other else behind

    def _of_unnamed(self, clause: str, last: str | None) -> tuple[tuple[Said, ...], set[str]]:
        """An ISH by itself belongs to the HER2 before it; with an IHC score it is HER2 even where nothing names it."""
        status = self._words.status(clause, "summary")
        is_ish = self._words.is_of_ish(clause)
        if status is None or not (is_ish and (last == _HER2 or "|" in status)):
            return (), set()
        standing = self._text.standing(clause)
        found = tuple(self._of_her2(standing)) if standing.strip() else ()
        return found, set() if found else {_HER2}

    def _of_marker(self, marker: str, ahead: str, behind: str) -> Iterator[Said]:
        if marker == _HER2:
            if self._denied_ahead.search(ahead) and self._finding.search(behind):
                is_ish = self._words.is_of_ish(behind[:_LOOKED_AT_AHEAD])
                yield Said(marker, "summary", "not-amplified" if is_ish else "negative")
            else:
                found = tuple(self._of_her2(behind))
                worded = self._words.ahead(ahead) if not found else None
                yield from found or ((Said(marker, "summary", worded),) if worded else ())
            return
        is_denied = self._denied_ahead.search(ahead) and self._finding.search(behind)
        status = "negative" if is_denied else self._words.status(behind, marker) or _sign_after(behind)
        status = status or self._words.ahead(ahead)
        if marker == _HORMONE:
            yield from of_hormone_receptors(status)
            return
        percent, comparator = self._words.percent(behind)
        if percent is not None:
            yield Said(marker, f"{marker}-percent", None, percent, comparator)
        if status is not None:
            yield Said(marker, marker, status)

    def _of_her2(self, behind: str) -> Iterator[Said]:
        if self._is_two_scores(behind):
            return
        words = self._of_control.sub(" ", behind)
        for kind, pattern in (("ratio", self._ratio), ("copies", self._copies)):
            number = pattern.search(words)
            if number is not None:
                yield Said(_HER2, kind, None, number_in(number[2]), number[1] or None)
                words = words[: number.start()] + words[number.end() :]
        status = self._words.status(words, "summary") or _sign_after(behind)
        if status is None or status == "positive":
            status = self._words.category(words) or status
        if status is not None:
            yield Said(_HER2, "summary", status)

    def _is_two_scores(self, text: str) -> bool:
        """Two scores for one tissue, of which the text does not tell which one counts ("1-2+")."""
        return _TWO_SCORES.search(text) is not None or len(set(_SCORE.findall(text))) > 1


def of_hormone_receptors(status: str | None) -> tuple[Said, ...]:
    """What a status of the hormone receptors together says: negative is both of them, positive leaves open which.

    Source: BMC Cancer 2015, doi 10.1186/s12885-015-1121-4 (HR-positive: ER and/or PR; HR-negative: neither).
    """
    if status == "negative":
        return (Said("er", "er", "negative"), Said("pr", "pr", "negative"))
    return (Said(_HORMONE, _HORMONE, status),) if status == "positive" else ()


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(text, re.IGNORECASE)


def _sign_after(text: str) -> str | None:
    """The plus or minus that directly follows a receptor's name ("ER+", "HER2-")."""
    rest = text[:3].lstrip(" (")
    if rest.startswith("+"):
        return "positive"
    is_minus = rest.startswith(("-", "\u2212", "\u2013")) and not rest[1:2].isalnum()
    return "negative" if is_minus else None
