"""What words mean to one reader, remembered: reports of one patient repeat each other."""

from __future__ import annotations

from functools import partial

from cdshooks.ehr.remembered import remembered
from cdshooks.knowledge.meanings import Meanings

_MOST_OF_A_READER = 512


class RememberedMeanings:
    """As ``Meanings`` tells it."""

    def __init__(self, meanings: Meanings) -> None:
        self.of = remembered(meanings.of, most=_MOST_OF_A_READER)
        self.first = remembered(meanings.first, most=_MOST_OF_A_READER)
        self._after = remembered(partial(_after, meanings), most=_MOST_OF_A_READER)
        self.pattern = meanings.pattern
        self.whole = meanings.whole
        self.either = meanings.either

    def after(self, meaning: str, text: str) -> str:
        """What follows the first words with this meaning; "" where there are none."""
        return self._after((meaning, text))

    def has(self, meaning: str, text: str) -> bool:
        """Whether a text has this meaning."""
        return meaning in self.of(text)


def _after(meanings: Meanings, asked: tuple[str, str]) -> str:
    return meanings.after(*asked)
