"""Words that records use, each standing for one of our own terms; a negated word does not count."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping, Sequence
from functools import cache
from pathlib import Path

import msgspec

from cdshooks.knowledge.clauses import COMMA, STATEMENT_END, Marks, marks_of
from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.names import words

_NEGATION_REACH = 3
"""A negation reaches this many words forward ("no evidence of progression"), and as many behind an "or" within its reach."""
_DENIES = "negation"
_LONGEST_LIST = 12
"""Items of a list joined by "or" through which a denial is followed back."""
_LONGEST = 4
"""Words in the longest phrase that is looked for from its end."""

Phrase = tuple[str, ...]
"""Words that belong together."""


class Words(msgspec.Struct, frozen=True):
    """Phrases by their first word, the longest first, and the term that each stands for."""

    by_first: Mapping[str, tuple[tuple[Phrase, str], ...]]

    def find(self, text: str | None) -> tuple[str, ...]:
        """The terms that a text asserts, in the order of its words."""
        return tuple(term for term, is_negated in self.find_all(text) if not is_negated)

    def at(self, tokens: Phrase, at: int) -> tuple[int, str] | None:
        """The longest phrase that begins at a word, as its length, and its term."""
        found = self.by_first.get(tokens[at], ()) if at < len(tokens) else ()
        return next(((len(phrase), term) for phrase, term in found if tokens[at : at + len(phrase)] == phrase), None)

    def before(self, tokens: Phrase, end: int) -> tuple[int, str] | None:
        """The longest phrase that ends right before a word, as its length, and its term."""
        starts = range(max(0, end - _LONGEST), end)
        return next(
            (found for it in starts if (found := self.at(tokens, it)) is not None and it + found[0] == end), None
        )

    def find_all(self, text: str | None) -> tuple[tuple[str, bool], ...]:
        """Every term that a text names, and whether it is negated there."""
        if not text:
            return ()
        return tuple(dict.fromkeys(it for clause in STATEMENT_END.split(text) for it in self._in_clause(clause)))

    def _in_clause(self, clause: str) -> Iterator[tuple[str, bool]]:
        tokens = tuple(words(clause))
        marks: Marks | None = None
        behind, last = 0, ""
        for at, token in enumerate(tokens):
            if at < behind:
                continue
            for phrase, term in self.by_first.get(token, ()):
                if tokens[at : at + len(phrase)] == phrase:
                    is_named_before, last = (behind, last) == (at, term), term
                    behind = at + len(phrase)
                    marks = marks_of(clause) if marks is None else marks
                    yield term, _is_denied(tokens, at, behind, marks, is_named_before=is_named_before)
                    break


class Negations(msgspec.Struct, frozen=True):
    """The words that deny what follows or what they follow, that carry a denial on, and that end it.

    ``words``: those that deny, and those that hold one and deny nothing ("no doubt", "not only"). ``answers``: deny what stands
    before a colon. ``asking``: may stand before the name of what is asked for. ``excepting``: behind it, say that it is there.
    """

    words: Words
    joining: frozenset[str]
    stops: frozenset[str]
    behind: frozenset[Phrase]
    answers: frozenset[Phrase]
    asking: frozenset[Phrase]
    linking: frozenset[str]
    excepting: frozenset[Phrase]

    def stand_in(self, tokens: Phrase, start: int, end: int, upto: int | None = None) -> bool:
        """Whether a word that denies begins between two places, and denies what begins at ``upto`` (else right at the end)."""
        at = max(0, start)
        while at < end:
            denying = self.words.at(tokens, at)
            if denying is None:
                at += 1
                continue
            at += denying[0]
            if denying[1] == _DENIES and not self._denies_another(tokens[at : end if upto is None else upto]):
                return True
        return False

    def _denies_another(self, between: Phrase) -> bool:
        """Whether what is denied is a word to which the name only belongs: "no improvement of", not "no", "no evidence of"."""
        at, is_named = 0, False
        while at < len(between):
            asked = next((len(it) for it in self.asking if between[at : at + len(it)] == it), 0)
            if is_named and not asked and between[at] in self.linking:
                return True
            is_named = not asked and (is_named or between[at] not in self.linking)
            at += asked or 1
        return False

    def open_list(self, tokens: Phrase) -> bool:
        """Whether words before a colon deny the list behind it: "No evidence of:" does, "No new findings:" does not."""
        starts = range(max(0, len(tokens) - _NEGATION_REACH), len(tokens))
        behind = [
            tokens[at + denying[0] :]
            for at in starts
            if (denying := self.words.at(tokens, at)) is not None and denying[1] == _DENIES
        ]
        return tokens in self.behind or any(not it or it in self.asking for it in behind)

    def deny_around(self, before: str, behind: str) -> bool:
        """Whether what stands between two colons is denied by the words before the first or by the answer behind the second."""
        return self.open_list(tuple(words(before))) or tuple(words(behind.split(COMMA, maxsplit=1)[0])) in self.answers

    def reach(self, tokens: Phrase, at: int, end: int, marks: Marks, *, is_named_before: bool = False) -> bool:
        """Whether the words ``at`` to ``end`` are denied: by a word shortly before, or by one that an "or" carries on.

        Behind a comma a denial holds for the bare item of what is surely a list: of another name of the same, of three items or
        with an "or" ("no ILD, pneumonitis", "no cough, dyspnoea, pneumonitis"). It does not for what says more ("no effusion,
        pneumonitis present"), nor for what may be found instead ("without response, progression"). ``is_named_before``: the item
        before the comma is another name of the same.
        """
        commas = marks.commas
        for item in range(_LONGEST_LIST):
            start = max(0, at - _NEGATION_REACH)
            behind = bisect_right(commas, at)
            if item == 0 and behind and commas[behind - 1] > start:
                is_list = commas[behind - 1] == at and self._is_in_list(
                    tokens, end, commas, behind, is_named_before=is_named_before
                )
                start = start if is_list else commas[behind - 1]
            colon = next((it for it in reversed(marks.colons) if it <= at), 0)
            start = start if colon <= start or self.open_list(tokens[:colon]) else colon
            start = next((it + 1 for it in range(at - 1, start - 1, -1) if tokens[it] in self.stops), start)
            if self.stand_in(tokens, start, at) or self.asked_for(tokens, max(colon, _last_before(commas, at)), at):
                return True
            joined = next((it for it in range(at - 1, start - 1, -1) if tokens[it] in self.joining), 0)
            if not joined:
                return False
            at = joined - 1
        return False

    def _is_in_list(
        self, tokens: Phrase, end: int, commas: Sequence[int], behind: int, *, is_named_before: bool
    ) -> bool:
        """Whether a bare item behind a comma surely goes on the list before it; ``behind``: how many commas stand before it."""
        if tokens[end : end + 1] and tokens[end] in self.joining:
            return True
        is_bare = end == (commas[behind] if behind < len(commas) else len(tokens))
        is_third = behind > 1 and not self.stand_in(tokens, commas[behind - 2], commas[behind - 1])
        return is_bare and (is_named_before or is_third)

    def asked_for(self, tokens: Phrase, since: int, at: int) -> bool:
        """Whether a denial reaches a word through what is asked for: "no evidence of intracranial metastatic disease"."""
        for end in range(at, max(since, at - _NEGATION_REACH) - 1, -1):
            for phrase in self.asking:
                start = end - len(phrase)
                if start > since and tokens[start:end] == phrase and self._is_bare(tokens[end:at]):
                    earliest = max(since, start - _NEGATION_REACH)
                    earliest = next(
                        (it + 1 for it in range(start - 1, earliest - 1, -1) if tokens[it] in self.stops), earliest
                    )
                    return self.stand_in(tokens, earliest, start)
        return False

    def _is_bare(self, between: Phrase) -> bool:
        """Whether words only describe the name that they stand before: not those of "no evidence of growth of metastases"."""
        return self.stops.isdisjoint(between) and self.linking.isdisjoint(between)

    def deny(self, before: Phrase, behind: Phrase, answer: Phrase) -> bool:
        """Whether what is asked for is denied behind its name: "pneumonitis: none", "signs of ILD not seen".

        Only where the name is all that is asked: "progression of brain metastases: no" denies no brain metastases.
        ``before`` and ``behind``: the words around the name, up to the next marks. ``answer``: those behind a colon or the like.
        """
        return (not before or before in self.asking) and (behind in self.behind if behind else answer in self.answers)


def _last_before(places: Sequence[int], at: int) -> int:
    """The last of sorted places that lies before or at one; 0 for none."""
    found = bisect_right(places, at)
    return places[found - 1] if found else 0


def _is_denied(tokens: Phrase, at: int, end: int, marks: Marks, *, is_named_before: bool) -> bool:
    if any(tokens[end : end + len(it)] == it for it in negations().excepting):
        return False
    if negations().reach(tokens, at, end, marks, is_named_before=is_named_before):
        return True
    start = marks.before(at)
    if end == len(tokens) or not (start == at or tokens[start:at] in negations().asking):
        return False
    behind, answer = marks.behind(end, len(tokens))
    return negations().deny(tokens[start:at], tokens[behind], tokens[answer])


@cache
def negations() -> Negations:
    """The shipped words that deny; they are grammar, so a hospital adds none."""
    by_role: dict[str, dict[str, str]] = {}
    for _, row in rows_of("negation_words", None):
        by_role.setdefault(row["role"], {})[row["words"]] = row["role"]
    return Negations(
        words=words_from({**by_role["negation"], **by_role["no denial"]}),
        joining=frozenset(by_role["joining"]),
        stops=frozenset(by_role["stop"]),
        behind=_phrases(by_role["behind"]),
        answers=_phrases((*by_role["negation"], *by_role["behind"], *by_role["answer"])),
        asking=_phrases(by_role["asking"]),
        linking=frozenset(by_role["linking"]),
        excepting=_phrases(by_role["excepting"]),
    )


def _phrases(written: Iterable[str]) -> frozenset[Phrase]:
    return frozenset(tuple(words(it)) for it in written)


def words_from(phrases: Mapping[str, str]) -> Words:
    """Phrases as written, each with its term."""
    terms = {phrase: term for written, term in phrases.items() if (phrase := tuple(words(written)))}
    by_first: dict[str, list[tuple[Phrase, str]]] = {}
    for phrase, term in sorted(terms.items(), key=lambda it: -len(it[0])):
        by_first.setdefault(phrase[0], []).append((phrase, term))
    return Words({first: tuple(found) for first, found in by_first.items()})


def load_words(table: str, column: str, overlay: Path | None = None, *, key: str = "words") -> Words:
    """Read one table of words."""
    return words_from({row[key]: row[column] for _, row in rows_of(table, overlay)})
