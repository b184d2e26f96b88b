"""Enum members that cost as little to name as any attribute of a class."""

from __future__ import annotations

from enum import Enum
from typing import TypeVar

_Kind = TypeVar("_Kind", bound=type[Enum])


def direct_members(kind: _Kind) -> _Kind:
    """Let a class hold its members themselves, as Python does from 3.12 on.

    Python 3.11 leads each look at a member through a descriptor written in Python, and a call looks some ten thousand times.
    """
    for name, member in kind.__members__.items():
        type.__setattr__(kind, name, member)
    return kind
