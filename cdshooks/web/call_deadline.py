"""The clock by which a call may be read. Source: INP-09, REL-01."""

from __future__ import annotations

import time

from cdshooks.deadline import Deadline

_OWN_SHARE = 0.25
"""Of the deadline. A call that is late and has used less of a processor than this waits for its neighbours: it is short, and is
answered sooner than if it were asked again."""


def deadline_of(began: float, seconds: float) -> Deadline:
    """A deadline for what this thread does from now on, of a call that came at a moment of the monotonic clock."""
    until, used_up = began + seconds, time.thread_time() + seconds * _OWN_SHARE
    return Deadline(lambda: time.monotonic() > until and time.thread_time() > used_up)
