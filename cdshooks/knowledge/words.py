"""Words that records use, each standing for one of our own terms; a negated word does not count."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.names import words

_NEGATIONS = frozenset(
    {"no", "not", "without", "denies", "negative", "never", "kein", "keine", "ohne", "sans", "sin", "nicht", "absence"}
)
_NEGATION_REACH = 3
"""A negation reaches this many words forward ("no evidence of progression")."""
_LONGEST = 5


class Words(msgspec.Struct, frozen=True):
    """Phrases and the term that each stands for."""

    by_phrase: Mapping[tuple[str, ...], str]

    def find(self, text: str | None) -> tuple[str, ...]:
        """The terms that a text asserts, in the order of its words."""
        return tuple(term for term, is_negated in self.find_all(text) if not is_negated)

    def find_all(self, text: str | None) -> tuple[tuple[str, bool], ...]:
        """Every term that a text names, and whether it is negated there."""
        if not text:
            return ()
        tokens = words(text)
        found: dict[tuple[str, bool], None] = {}
        at = 0
        while at < len(tokens):
            step = 1
            for length in range(min(_LONGEST, len(tokens) - at), 0, -1):
                term = self.by_phrase.get(tuple(tokens[at : at + length]))
                if term is not None:
                    found[term, bool(_NEGATIONS.intersection(tokens[max(0, at - _NEGATION_REACH) : at]))] = None
                    step = length
                    break
            at += step
        return tuple(found)


def load_words(table: str, column: str, overlay: Path | None = None, *, key: str = "words") -> Words:
    """Read one table of words."""
    return Words({tuple(words(row[key])): row[column] for _, row in rows_of(table, overlay)})
