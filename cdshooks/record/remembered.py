"""What a code or text was read as, remembered up to a bound: the same ones come back with every dose and every call."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar, cast

from cdshooks.ehr.resources import CodeableConcept

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")

MOST_REMEMBERED = 4096
"""Values in each of the two halves of a memory."""
_LONGEST_KEY = 1000
"""Characters; a longer text is unlikely to come back and would hold on to memory."""


_NOTHING = object()
"""Marks what is not remembered, for None is an answer."""


class Remembered(Generic[Key, Found]):
    """A pure reading, remembered for the values seen last.

    New answers go into a young half; when that is full it becomes the old half and the former old half is forgotten. So
    what is in use stays, any number of values that come once pass through, and no answer is ever searched for to make room.
    """

    def __init__(self, read: Callable[[Key], Found], *, most: int = MOST_REMEMBERED) -> None:
        self._read = read
        self._most = most
        self._young: dict[Key, Found] = {}
        self._old: dict[Key, Any] = {}

    def __call__(self, key: Key) -> Found:
        """The reading of a value."""
        try:
            return self._young[key]
        except KeyError:
            return self._look_further(key)

    def __len__(self) -> int:
        return len(self._young) + len(self._old)

    def _look_further(self, key: Key) -> Found:
        found: Any = self._old.get(key, _NOTHING)
        if found is _NOTHING:
            found = self._read(key)
        if _length(key) <= _LONGEST_KEY:
            if len(self._young) >= self._most:
                self._old, self._young = self._young, {}
            self._young[key] = found
        return cast("Found", found)


def _length(key: Hashable) -> int:
    if isinstance(key, str):
        return len(key)
    if isinstance(key, tuple):
        return sum(map(_length, key))
    if isinstance(key, CodeableConcept):
        return sum(map(_length, (key.text, *((it.system, it.code, it.display) for it in key.coding))))
    return 0
