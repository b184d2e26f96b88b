"""Who computes now: calls of one worker share one interpreter, and two by two, in order, each is answered sooner than all at once.

Left to themselves the threads take the interpreter from each other at random, and one call in a hundred waits ten times as long as
its neighbours. Nobody waits long for a turn: a body that is heavy to read must not hold up the calls behind it. Source: REL-04.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from cdshooks.ehr.source import Fetched, FhirSource, Query

_AT_ONCE = 2
"""One computes while the other waits for the store."""
_PATIENCE_SECONDS = 0.25
"""After that a call goes on beside those that have a turn."""


class Turns:
    """The turns of one worker process, given in the order in which they are asked for."""

    def __init__(self, *, at_once: int = _AT_ONCE, patience: float = _PATIENCE_SECONDS) -> None:
        self._free, self._patience = at_once, patience
        self._guard = threading.Lock()
        self._waiting: deque[threading.Lock] = deque()

    @contextmanager
    def turn(self) -> Iterator[None]:
        """Have a turn while a call is answered."""
        self._take()
        try:
            yield
        finally:
            self._give_back()

    def set_aside_while(self, source: FhirSource | None) -> FhirSource | None:
        """The source, asked by who has a turn and gives it back until the answers are there."""
        return None if source is None else _Awaited(source, self)

    @contextmanager
    def aside(self) -> Iterator[None]:
        """Let others have the turn while another machine is waited for."""
        self._give_back()
        try:
            yield
        finally:
            self._take()

    def _take(self) -> None:
        with self._guard:
            if self._free > 0:
                self._free -= 1
                return
            mine = threading.Lock()
            mine.acquire()
            self._waiting.append(mine)
        if mine.acquire(timeout=self._patience):
            return
        with self._guard:
            if mine in self._waiting:  # else it was handed over in this moment
                self._waiting.remove(mine)
                self._free -= 1

    def _give_back(self) -> None:
        with self._guard:
            if self._free >= 0 and self._waiting:
                self._waiting.popleft().release()
            else:
                self._free += 1


class _Awaited:
    def __init__(self, source: FhirSource, turns: Turns) -> None:
        self._source, self._turns = source, turns

    def fetch(self, queries: Sequence[Query]) -> tuple[Fetched, ...]:
        if not queries:
            return ()
        with self._turns.aside():
            return self._source.fetch(queries)
