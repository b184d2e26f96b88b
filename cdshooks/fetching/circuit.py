"""Leaves a FHIR server alone for a while after it has failed, so that nobody waits for what will not come. Source: OUT-10."""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable

_IN_A_ROW = 5
_WINDOW_QUERIES, _WINDOW_SECONDS, _BAD_SHARE = 20, 10.0, 0.5
_REST_SECONDS = 10.0


class Circuit:
    """One for each server and process. ``on_change`` hears whether the server is left alone."""

    def __init__(self, on_change: Callable[[bool], None], clock: Callable[[], float] = time.monotonic) -> None:
        self._on_change, self._clock = on_change, clock
        self._lock = threading.Lock()
        self._failures = 0
        self._recent: deque[tuple[float, bool]] = deque(maxlen=_WINDOW_QUERIES)
        self._rests_until: float | None = None
        self._is_trying = False

    def admits(self) -> bool:
        """Whether a call may ask; after each rest one call tries, and the others still do not wait for it."""
        with self._lock:
            if self._rests_until is None:
                return True
            if self._clock() < self._rests_until:
                return False
            self._rests_until = self._clock() + _REST_SECONDS
            self._is_trying = True
            return True

    def note(self, *, is_failure: bool) -> None:
        """What came of one query: a server that refuses an answer in time is no failure."""
        with self._lock:
            now, was_resting = self._clock(), self._rests_until is not None
            self._recent.append((now, is_failure))
            self._failures = self._failures + 1 if is_failure else 0
            if not is_failure and self._is_trying:
                self._recent.clear()
                self._rests_until, self._is_trying = None, False
            elif is_failure and (was_resting or self._is_bad(now)):
                self._rests_until, self._is_trying = now + _REST_SECONDS, False
            is_resting = self._rests_until is not None
        if is_resting != was_resting:
            self._on_change(is_resting)

    def _is_bad(self, now: float) -> bool:
        if self._failures >= _IN_A_ROW:
            return True
        fresh = [failed for at, failed in self._recent if now - at <= _WINDOW_SECONDS]
        return len(fresh) == _WINDOW_QUERIES and sum(fresh) > _WINDOW_QUERIES * _BAD_SHARE
