"""Words that records use, each standing for one of our own terms; a negated word does not count."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.names import words

NEGATIONS = frozenset(
    {"no", "not", "without", "denies", "negative", "never", "kein", "keine", "ohne", "sans", "sin", "nicht", "absence"}
)
_NEGATION_REACH = 3
"""A negation reaches this many words forward ("no evidence of progression")."""

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
        tokens = words(text)
        found: dict[tuple[str, bool], None] = {}
        behind = 0
        for at, token in enumerate(tokens):
            if at < behind:
                continue
            for phrase, term in self.by_first.get(token, ()):
                if tuple(tokens[at : at + len(phrase)]) == phrase:
                    found[term, bool(NEGATIONS.intersection(tokens[max(0, at - _NEGATION_REACH) : at]))] = None
                    behind = at + len(phrase)
                    break
        return tuple(found)


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
