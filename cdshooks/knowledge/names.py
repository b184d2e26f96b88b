"""How a drug name is compared: as words without case, accents, punctuation and the endings that languages add."""

from __future__ import annotations

import re
import unicodedata
from functools import lru_cache

Name = tuple[str, ...]
"""A name as compared: its words, each reduced to its stem."""

_WORD = re.compile(r"[a-z0-9]+")
_ENDINGS = ("um", "us", "e", "a", "o")
"""Latin, French, Spanish, Italian and German forms of one international name differ by these."""
_SALTS = (
    "hydrochlorid",
    "mesilat",
    "mesylat",
    "ditosilat",
    "tosilat",
    "tosylat",
    "citrat",
    "acetat",
    "fumarat",
    "maleat",
)
"""Salts that German writes in one word with the drug ("Eribulinmesilat")."""
_SHORTEST_STEM = 6


@lru_cache(maxsize=4096)
def stem(word: str) -> str:
    """A word without the ending that its language adds; short words stay as they are."""
    for ending in _ENDINGS:
        if word.endswith(ending) and len(word) - len(ending) >= _SHORTEST_STEM:
            word = word[: -len(ending)]
            break
    for salt in _SALTS:
        if word.endswith(salt) and len(word) - len(salt) >= _SHORTEST_STEM:
            return stem(word[: -len(salt)])
    return word


def words(text: str) -> list[str]:
    """The words of a text: lower case, accents dropped, split at everything that is no letter or digit."""
    if text.isascii():
        return _WORD.findall(text.lower())
    plain = unicodedata.normalize("NFKD", text.casefold())
    return _WORD.findall("".join(it for it in plain if not unicodedata.combining(it)))


def name_of(text: str) -> Name:
    """A name as it is compared."""
    return tuple(stem(word) for word in words(text))
