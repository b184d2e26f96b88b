"""Whether the service was told to stop: known to all workers at once, for it lies in memory that they share with their parent."""

from __future__ import annotations

import mmap

_flag = mmap.mmap(-1, 1)


def begin_draining() -> None:
    """From now on the service is not ready, though it still answers."""
    _flag[0] = 1


def is_draining() -> bool:
    """Whether the service was told to stop."""
    return _flag[0] == 1
