"""How long a call may be read for: whoever reads in a loop asks between two steps. Source: INP-09, REL-01."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

import msgspec

from cdshooks.errors import OverdueError

Item = TypeVar("Item")


class Deadline(msgspec.Struct, frozen=True):
    """The time of one call. The clock is its maker's, at the edge: the stages that are given it only ask."""

    is_over: Callable[[], bool]

    def check(self) -> None:
        """Go on while there is time.

        Raises:
            OverdueError: There is none left.
        """
        if self.is_over():
            raise OverdueError

    def each(self, items: Iterable[Item]) -> Iterator[Item]:
        """The items, one after the other, for as long as there is time.

        Raises:
            OverdueError: There is none left.
        """
        for it in items:
            if self.is_over():
                raise OverdueError
            yield it


NO_DEADLINE = Deadline(lambda: False)
"""For who waits at a command line, and for what was made within bounds of our own."""
