"""The store as a hook call may use it: a short wait, and none at all for a while after it has failed. Source: FBK-04, REL-01."""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from enum import StrEnum
from typing import TypeVar

from cdshooks.errors import StoreUnavailableError
from cdshooks.store.store import Store

_T = TypeVar("_T")


class Lane(StrEnum):
    """Whose work waits for whose: what may fill one lane with waiting work holds up no other."""

    CALLS = "calls"
    """What a call reads and leaves behind; it is answered without."""
    TOKENS = "tokens"
    """Whether a token is new; without an answer the call is refused."""
    READINESS = "readiness"


_THREADS = {Lane.CALLS: 4, Lane.TOKENS: 4, Lane.READINESS: 1}
"""Together fewer than the connections of the store, so that each thread finds one at once."""


class BoundedStore:
    """Runs work on the store in threads of its own, so that a hanging disk or server holds up no answer.

    ``on_change`` hears the kind of fault when the store fails, and None when it works again.
    """

    def __init__(
        self,
        store: Store,
        on_change: Callable[[str | None], None],
        *,
        wait_seconds: float = 0.3,
        rest_seconds: float = 2.0,
    ) -> None:
        self._store, self._on_change = store, on_change
        self._wait_seconds, self._rest_seconds = wait_seconds, rest_seconds
        self._lock = threading.Lock()
        self._pools: dict[Lane, ThreadPoolExecutor] = {}
        self._failed: str | None = None
        self._rests_until = 0.0
        os.register_at_fork(after_in_child=self._forget_threads)

    def attempt(self, work: Callable[[Store], _T]) -> _T:
        """The outcome of this work, unless the store is resting after a fault.

        Raises:
            StoreUnavailableError: At once while resting; else when the store fails or takes too long.
        """
        if time.monotonic() < self._rests_until:
            raise StoreUnavailableError(self._failed or "unknown")
        return self.probe(work, self._wait_seconds)

    def probe(self, work: Callable[[Store], _T], wait_seconds: float, lane: Lane = Lane.CALLS) -> _T:
        """The outcome of this work, tried although the store may be resting, in a lane of its kind.

        Raises:
            StoreUnavailableError: The store fails or takes too long.
        """
        waiting = self._start(work, lane)
        try:
            outcome = waiting.result(wait_seconds)
        except StoreUnavailableError as error:
            self._change(error.kind)
            raise
        except FutureTimeoutError:
            waiting.cancel()
            self._change("Timeout")
            raise StoreUnavailableError("Timeout") from None
        self._change(None)
        return outcome

    def _start(self, work: Callable[[Store], _T], lane: Lane) -> Future[_T]:
        with self._lock:
            pool = self._pools.get(lane)
            if pool is None:
                pool = self._pools[lane] = ThreadPoolExecutor(_THREADS[lane], thread_name_prefix=f"store-{lane}")
            return pool.submit(work, self._store)

    def _change(self, failed: str | None) -> None:
        with self._lock:
            is_news = (failed is None) != (self._failed is None)
            self._failed = failed
            self._rests_until = time.monotonic() + self._rest_seconds if failed is not None else 0.0
        if is_news:
            self._on_change(failed)

    def _forget_threads(self) -> None:
        """Threads do not survive a fork."""
        self._lock = threading.Lock()
        self._pools = {}
