"""Runs the canaries again and again, in a thread of their own beside the calls. Source: SAF-07."""

from __future__ import annotations

import os
import threading
import time
import weakref
from collections.abc import Callable

from cdshooks.canaries import canary_faults
from cdshooks.knowledge.load import Knowledge
from cdshooks.web import metrics
from cdshooks.web.events import log_event

EVERY_SECONDS = 300.0
_MAY_BE_LATE_SECONDS = 3 * EVERY_SECONDS
_BREATH_SECONDS = 0.02
"""Between two canaries, so that calls are not kept waiting by a whole round."""


class CanaryWatch:
    """The newest answers of the canaries; one for each process.

    The first round is run by whoever makes the watch, before anything is answered. A forked worker inherits its answers and
    starts its own rounds at once. Until its first is finished those answers hold, however long ago they were found: a worker that
    takes the place of another is forked from what was checked before the first of them answered, and nothing of that has changed.
    """

    def __init__(self, knowledge: Knowledge, clock: Callable[[], float] = time.monotonic) -> None:
        self._knowledge, self._clock = knowledge, clock
        self._lock = threading.Lock()
        self._process, self._first_in = -1, os.getpid()
        self._faults: tuple[str, ...] = ()
        self._finished = self._began = 0.0
        self.run()

    def problems(self) -> tuple[str, ...]:
        """What came out wrong in the newest round, or that no round has been finished for too long."""
        self._start()
        if self._clock() - max(self._finished, self._began) > _MAY_BE_LATE_SECONDS:
            return (*self._faults, "The canaries have not been run for a quarter of an hour.")
        return self._faults

    def run(self, breath: float = 0.0) -> None:
        """One round."""
        faults: list[str] = []
        for canary in self._knowledge.canaries:
            found = canary_faults(canary, self._knowledge)
            metrics.count(metrics.canaries, "wrong" if found else "right")
            if found:
                metrics.count(metrics.canary_failures)
            faults += found
            if breath:
                time.sleep(breath)
        for fault in faults:
            log_event("canary-failed", reason=fault)
        self._faults, self._finished = tuple(faults), self._clock()

    def _start(self) -> None:
        """Begin the rounds in this process, unless they have begun: threads do not survive a fork."""
        if self._process == os.getpid():
            return
        with self._lock:
            if self._process != os.getpid():
                self._began = self._clock()
                self._process = os.getpid()
                wait = EVERY_SECONDS if self._process == self._first_in else 0.0
                threading.Thread(target=_rounds, args=(weakref.ref(self), wait), name="canaries", daemon=True).start()


def _rounds(watch: weakref.ref[CanaryWatch], wait: float) -> None:
    """Round after round for as long as somebody reads the answers."""
    while True:
        time.sleep(wait)
        wait = EVERY_SECONDS
        watched = watch()
        if watched is None:
            return
        watched.run(_BREATH_SECONDS)
        del watched
