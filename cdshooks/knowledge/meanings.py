"""What words mean to one reader: "wild type" to the reader of genes, "still ongoing" to the reader of adverse events."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence

import msgspec

_BETWEEN = r"[\s,:/-]+"
_END_OF_WORD, _NOTHING = r"(?!\w)", r"(?!)"
_AS_WRITTEN, _REST = "=", "*"


class Meanings(msgspec.Struct, frozen=True):
    """The meanings that one reader knows, in the order of the table, each with its words as one pattern."""

    known: tuple[tuple[str, re.Pattern[str]], ...]

    def of(self, text: str) -> tuple[str, ...]:
        """Every meaning that a text has."""
        return tuple(meaning for meaning, pattern in self.known if pattern.search(text))

    def first(self, text: str) -> str | None:
        """The meaning that counts where a text has several: the one that stands first in the table."""
        return next((meaning for meaning, pattern in self.known if pattern.search(text)), None)

    def has(self, meaning: str, text: str) -> bool:
        """Whether a text has this meaning."""
        return any(known == meaning and pattern.search(text) for known, pattern in self.known)

    def pattern(self, meaning: str) -> str:
        """The words with this meaning as a part of a larger pattern, which says what may follow; without words it never matches."""
        found = next((pattern.pattern for known, pattern in self.known if known == meaning), _NOTHING)
        return f"(?:{found.replace(_END_OF_WORD, '')})"

    def whole(self, meaning: str) -> re.Pattern[str]:
        """The words with this meaning, standing whole; without words it never matches."""
        return next((pattern for known, pattern in self.known if known == meaning), re.compile(_NOTHING))

    def either(self) -> str:
        """The words with any meaning as a part of a larger pattern; without words it never matches."""
        return "|".join(pattern.pattern for _, pattern in self.known) or _NOTHING

    def after(self, meaning: str, text: str) -> str:
        """What follows the first words with this meaning; "" where there are none."""
        found = next((pattern.search(text) for known, pattern in self.known if known == meaning), None)
        return text[found.end() :] if found is not None else ""


NOTHING = Meanings(())


def load_meanings(rows: Iterable[tuple[int, Mapping[str, str]]]) -> Mapping[str, Meanings]:
    """Make the rows of the table of meanings into reader -> its meanings.

    Words stand whole; ``*`` is any rest of a word, a blank is what stands between two words of one clause, and words behind a
    ``=`` count only in these capitals ("ER" is a receptor, "er" is not).
    """
    words: dict[str, dict[str, list[str]]] = {}
    for _, row in rows:
        words.setdefault(row["reader"], {}).setdefault(row["meaning"], []).append(row["words"])
    return {
        reader: Meanings(tuple((meaning, one_of(listed)) for meaning, listed in meanings.items()))
        for reader, meanings in words.items()
    }


def one_of(listed: Sequence[str]) -> re.Pattern[str]:
    """Any of the words of a meaning. Only where a word begins, and by a letter that one of them begins by, they are tried.

    Without that each of them was tried at each letter of a text, and a report of 60,000 letters took a second.
    """
    firsts = {words.lstrip(_AS_WRITTEN)[0] for words in listed}
    ahead = "" if _REST in firsts else f"(?=[{''.join(sorted(map(re.escape, firsts)))}])"
    return re.compile(rf"(?<!\w){ahead}(?:{'|'.join(map(_pattern, listed))})", re.IGNORECASE)


def _pattern(words: str) -> str:
    inner = _BETWEEN.join(re.escape(word).replace(r"\*", r"\w*") for word in words.lstrip(_AS_WRITTEN).split())
    written = rf"(?-i:{inner})" if words.startswith(_AS_WRITTEN) else inner
    return f"{written}{_END_OF_WORD}"
