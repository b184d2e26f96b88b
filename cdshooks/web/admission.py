"""How many calls a worker answers at once; a further one is told at once to come back. Source: REL-04."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from cdshooks.errors import OverloadedError
from cdshooks.web import metrics


class Admission:
    """Places for calls in one worker process. Health and metrics need none, so they answer under any load."""

    def __init__(self, places: int) -> None:
        self._free = threading.BoundedSemaphore(places)

    @contextmanager
    def place(self) -> Iterator[None]:
        """Hold a place while a call is answered.

        Raises:
            OverloadedError: All are taken; waiting for one would only pile up calls that the EHR has given up.
        """
        if not self._free.acquire(blocking=False):
            raise OverloadedError("all places are taken")
        metrics.move(metrics.in_flight, 1)
        try:
            yield
        finally:
            metrics.move(metrics.in_flight, -1)
            self._free.release()
