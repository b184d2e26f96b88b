"""Where a cancer has spread, as lists of places say it: "metastatic to liver and bone", "lung, liver and bone metastases"."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.names import words
from cdshooks.knowledge.words import Phrase, Words, load_words, negations, words_from

CLAUSE_END = re.compile(r"[.;:\n](?!\d)")
_COMMA = " , "
_DENIED_WITHIN, _OPEN_WITHIN = 3, 6
"""Words before a list in which a negation denies it, and in which one leaves open what it denies."""


class SpreadWords(msgspec.Struct, frozen=True, kw_only=True):
    """The words around a list of places and the places themselves. ``regional``: places that are no distant spread."""

    before: Words
    behind: Words
    joining: frozenset[str]
    excluding: frozenset[str]
    places: Words
    regional: frozenset[str]

    def find(self, text: str) -> tuple[tuple[str, bool], ...]:
        """Each place that a text names as a place of spread, and whether the text denies it."""
        found: dict[tuple[str, bool], None] = {}
        for clause in CLAUSE_END.split(text):
            tokens = tuple(it for part in clause.split(",") for it in (*words(part), _COMMA))
            for start, places in self._lists(tokens):
                is_near = negations().stand_in(tokens, start - _DENIED_WITHIN, start)
                if is_near or not negations().stand_in(tokens, start - _OPEN_WITHIN, start):
                    found.update(dict.fromkeys((it, is_near) for it in places if it not in self.regional))
        return tuple(found)

    def _lists(self, tokens: Phrase) -> Iterator[tuple[int, list[str]]]:
        before, behind = self.before.by_first, self.behind.by_first
        for at, token in enumerate(tokens):
            if token not in before and token not in behind:
                continue  # nearly every word
            opening = self.before.at(tokens, at)
            if opening is not None:
                yield at, self._forward(tokens, at + opening[0])
            if self.behind.at(tokens, at) is not None:
                yield from self._backward(tokens, at)

    def _forward(self, tokens: Phrase, at: int) -> list[str]:
        places: list[str] = []
        while at < len(tokens):
            place = self.places.at(tokens, at)
            if place is None and tokens[at] != _COMMA and tokens[at] not in self.joining:
                break
            if place is not None:
                places.append(place[1])
            at += place[0] if place is not None else 1
        return places

    def _backward(self, tokens: Phrase, end: int) -> Iterator[tuple[int, list[str]]]:
        """Only a list that ends in "and" or the like: a comma alone may part two statements."""
        places: list[str] = []
        behind_comma = 0
        at, is_joined = end, False
        while at > 0:
            place = self.places.before(tokens, at)
            if place is not None:
                places.append(place[1])
                at -= place[0]
            elif places and (tokens[at - 1] in self.joining or (is_joined and tokens[at - 1] == _COMMA)):
                behind_comma = behind_comma or (len(places) if tokens[at - 1] == _COMMA else 0)
                is_joined = True
                at -= 1
            else:
                break
        if not self.excluding.isdisjoint(tokens[max(0, at - 1) : at]):  # "normal liver, lung and bone metastases"
            places = places[:behind_comma]
        if is_joined and places:
            yield at, places[::-1]


def load_spread(overlay: Path | None) -> SpreadWords:
    """Read the words around lists of places."""
    by_role: dict[str, dict[str, str]] = {}
    for _, row in rows_of("spread_words", overlay):
        by_role.setdefault(row["role"], {})[row["words"]] = row["role"]

    def role(name: str) -> Mapping[str, str]:
        return by_role.get(name, {})

    return SpreadWords(
        before=words_from(role("before")),
        behind=words_from(role("behind")),
        joining=frozenset(role("joining")),
        excluding=frozenset(role("excluding")),
        places=load_words("site_words", "site", overlay),
        regional=frozenset(role("regional")),
    )
