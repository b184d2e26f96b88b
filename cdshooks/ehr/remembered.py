"""What a code or text was read as, remembered up to a bound: the same ones come back with every dose and every call."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, Generic, TypeVar

import msgspec

Key = TypeVar("Key", bound=Hashable)
Found = TypeVar("Found")

MOST_REMEMBERED = 4096
"""Values in each of the two halves of a memory."""
_LONGEST_KEY = 1000
"""Characters or bytes; a longer text is unlikely to come back and would hold on to memory."""
_NOTHING: Any = object()
"""Marks what is not remembered, for None is an answer."""


class Memory(dict[Key, Found], Generic[Key, Found]):
    """Readings of the values seen last; looking up one that is not remembered reads it.

    This dict is the young half. When it is full it becomes the old half and the former old half is forgotten. So what is in
    use stays, any number of values that come once pass through, and no answer is ever searched for to make room.
    """

    def __init__(self, read: Callable[[Key], Found], most: int) -> None:
        super().__init__()
        self._read = read
        self._most = most
        self._old: dict[Key, Found] = {}

    @property
    def size(self) -> int:
        """How many values are remembered."""
        return len(self) + len(self._old)

    def __missing__(self, key: Key) -> Found:
        found: Found = self._old.get(key, _NOTHING)
        if found is _NOTHING:
            found = self._read(key)
        if _length(key) <= _LONGEST_KEY:
            if len(self) >= self._most:
                self._old = dict(self)
                self.clear()
            self[key] = found
        return found


def remembered(read: Callable[[Key], Found], *, most: int = MOST_REMEMBERED) -> Callable[[Key], Found]:
    """The same pure reading, which remembers the values seen last. A value in use costs one look into a dict."""
    return Memory(read, most).__getitem__


def _length(key: Hashable) -> int:
    if isinstance(key, (str, bytes)):
        return len(key)
    if isinstance(key, tuple):
        return sum(map(_length, key))
    return _length(msgspec.structs.astuple(key)) if isinstance(key, msgspec.Struct) else 0
