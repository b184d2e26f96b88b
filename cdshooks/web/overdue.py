"""Ends a call that takes more of a processor than it may, so that no body holds a worker. Source: INP-09, REL-01.

Between a request and its cards all is pure and looks at no clock, so calls are watched from beside: a thread compares what each has
used of a processor, and ends the one that is over. It counts processor time, for waiting has deadlines of its own, and a call on
a loaded machine is no fault of the call.
"""

from __future__ import annotations

import ctypes
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from cdshooks.errors import OverdueError

_BETWEEN_LOOKS = 0.05
_raise_in = ctypes.pythonapi.PyThreadState_SetAsyncExc
_raise_in.argtypes = (ctypes.c_ulong, ctypes.c_void_p)


class _Call:
    def __init__(self, seconds: float) -> None:
        self.thread = threading.get_ident()
        self.clock = time.pthread_getcpuclockid(self.thread)
        self.until = time.thread_time() + seconds
        self.is_ended = False


class Watch:
    """Watches the calls of this process; ``seconds`` of a processor are what each may use."""

    _watcher: threading.Thread | None

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._begin()
        os.register_at_fork(after_in_child=self._begin)

    @contextmanager
    def over(self) -> Iterator[None]:
        """Watch what is done inside.

        Raises:
            OverdueError: It has used more than it may; whatever it was doing is given up.
        """
        call = _Call(self._seconds)
        with self._lock:
            self._calls.add(call)
            if self._watcher is None:
                self._watcher = threading.Thread(target=self._look, name="overdue", daemon=True)
                self._watcher.start()
        self._is_busy.set()
        try:
            yield
        finally:
            with self._lock:
                self._calls.discard(call)
                if call.is_ended:  # it may be raised only after the last step; then it is taken back
                    _raise_in(call.thread, None)

    def _begin(self) -> None:
        """Threads do not survive a fork."""
        self._lock = threading.Lock()
        self._is_busy = threading.Event()
        self._calls: set[_Call] = set()
        self._watcher = None

    def _look(self) -> None:
        while True:
            self._is_busy.wait()
            time.sleep(_BETWEEN_LOOKS)
            with self._lock:
                for call in [it for it in self._calls if time.clock_gettime(it.clock) > it.until]:
                    self._calls.discard(call)
                    call.is_ended = True
                    _raise_in(call.thread, id(OverdueError))
                if not self._calls:
                    self._is_busy.clear()
