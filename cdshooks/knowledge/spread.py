"""Where a cancer has spread, as lists of places say it: "metastatic to liver and bone", "lung, liver and bone metastases"."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import takewhile
from pathlib import Path

import msgspec

from cdshooks.knowledge.clauses import COLON, COMMA, STATEMENT_END, words_and_marks
from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.names import words
from cdshooks.knowledge.words import Phrase, Words, load_words, negations, words_from

_MARKS = (COMMA, COLON)
_DENIED_WITHIN, _OPEN_WITHIN = 3, 6
"""Words before a list in which a negation denies it, and in which one leaves open what it denies."""


class SpreadWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words around a list of places and the places themselves.

    ``around``: with what words before or behind a list begin. ``regional``: places that are no distant spread.
    """

    around: frozenset[str]
    before: Words
    behind: Words
    joining: frozenset[str]
    excluding: frozenset[str]
    places: Words
    regional: frozenset[str]

    def find(self, text: str) -> tuple[tuple[str, bool], ...]:
        """Each place that a text names as a place of spread, and whether the text denies it."""
        if self.around.isdisjoint(words(text)):
            return ()  # nearly every text
        found: dict[tuple[str, bool], None] = {}
        for clause in STATEMENT_END.split(text):
            tokens = words_and_marks(clause)
            for start, end, places in self._lists(tokens):
                is_denied = _is_denied(tokens, start, end)
                if is_denied is not None:
                    found.update(dict.fromkeys((it, is_denied) for it in places if it not in self.regional))
        return tuple(found)

    def _lists(self, tokens: Phrase) -> Iterator[tuple[int, int, list[str]]]:
        before, behind = self.before.by_first, self.behind.by_first
        for at, token in enumerate(tokens):
            if token not in before and token not in behind:
                continue  # nearly every word
            opening = self.before.at(tokens, at)
            if opening is not None:
                yield at, *self._forward(tokens, at + opening[0])
            closing = self.behind.at(tokens, at)
            if closing is not None:
                yield from self._backward(tokens, at, at + closing[0])

    def _forward(self, tokens: Phrase, at: int) -> tuple[int, list[str]]:
        places: list[str] = []
        at += tokens[at : at + 1] == (COLON,)  # "metastatic to: liver, bone"
        while at < len(tokens):
            place = self.places.at(tokens, at)
            if place is None and tokens[at] != COMMA and tokens[at] not in self.joining:
                break
            if place is not None:
                places.append(place[1])
            at += place[0] if place is not None else 1
        return at, places

    def _backward(self, tokens: Phrase, at: int, end: int) -> Iterator[tuple[int, int, list[str]]]:
        """Only a list that ends in "and" or the like: a comma alone may part two statements."""
        places: list[str] = []
        behind_comma, first = 0, at
        is_joined = False
        while at > 0:
            place = self.places.before(tokens, at)
            if place is not None:
                places.append(place[1])
                at -= place[0]
                first = at  # not the "of the" before it, by which a denial of something else ends
            elif places and (tokens[at - 1] in self.joining or (is_joined and tokens[at - 1] == COMMA)):
                behind_comma = behind_comma or (len(places) if tokens[at - 1] == COMMA else 0)
                is_joined = True
                at -= 1
            else:
                break
        if not self.excluding.isdisjoint(tokens[max(0, at - 1) : at]):  # "normal liver, lung and bone metastases"
            places = places[:behind_comma]
        if is_joined and places:
            yield first, end, places[::-1]


def _is_denied(tokens: Phrase, start: int, end: int) -> bool | None:
    """Whether a list is denied before it or by its answer; None where a denial stands too far off to tell."""
    colon = next((at for at in range(start - 1, -1, -1) if tokens[at] == COLON), -1)
    first = colon + 1
    is_opened = first > 0 and negations().open_list(tokens[:colon])
    if (is_opened and first == start) or negations().stand_in(tokens, max(first, start - _DENIED_WITHIN), start):
        return True
    if negations().asked_for(tokens, first, start):
        return True
    if is_opened or negations().stand_in(tokens, max(first, start - _OPEN_WITHIN), start):
        return None
    before, behind = _until_mark(tokens[:start][::-1])[::-1], _until_mark(tokens[end:])
    rest = tokens[end + len(behind) :]
    return negations().deny(before, behind, _until_mark(rest[1:]) if rest[:1] == (COLON,) else ())


def _until_mark(tokens: Phrase) -> Phrase:
    return tuple(takewhile(lambda it: it not in _MARKS, tokens))


def load_spread(overlay: Path | None) -> SpreadWords:
    """Read the words around lists of places."""
    by_role: dict[str, dict[str, str]] = {}
    for _, row in rows_of("spread_words", overlay):
        by_role.setdefault(row["role"], {})[row["words"]] = row["role"]

    def role(name: str) -> Mapping[str, str]:
        return by_role.get(name, {})

    before, behind = words_from(role("before")), words_from(role("behind"))
    return SpreadWords(
        around=frozenset((*before.by_first, *behind.by_first)),
        before=before,
        behind=behind,
        joining=frozenset(role("joining")),
        excluding=frozenset(role("excluding")),
        places=load_words("site_words", "site", overlay),
        regional=frozenset(role("regional")),
    )
