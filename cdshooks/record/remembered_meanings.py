"""What words mean to one reader, remembered: reports of one patient repeat each other."""

from __future__ import annotations

from cdshooks.ehr.remembered import remembered
from cdshooks.knowledge.meanings import Meanings

_MOST_OF_A_READER = 512


class RememberedMeanings:
    """As ``Meanings`` tells it."""

    def __init__(self, meanings: Meanings) -> None:
        self.of = remembered(meanings.of, most=_MOST_OF_A_READER)
        self.first = remembered(meanings.first, most=_MOST_OF_A_READER)
        self.after = meanings.after
        self.pattern = meanings.pattern
        self.whole = meanings.whole

    def has(self, meaning: str, text: str) -> bool:
        """Whether a text has this meaning."""
        return meaning in self.of(text)
