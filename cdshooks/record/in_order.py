"""Values of a record in an order that does not depend on how they came, each once."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date
from typing import Any, TypeVar

from cdshooks.partial_date import PartialDate

Found = TypeVar("Found")
_NO_DAY = (date.max.toordinal(), date.max.toordinal())


def in_order(values: Iterable[Found], place: Callable[[Found], Any]) -> tuple[Found, ...]:
    """Each value once, sorted by its place.

    Where all places differ nothing is told twice, and no value need be compared with another: that is what nearly always holds.
    """
    found = values if isinstance(values, list) else list(values)
    placed = {place(it): it for it in found}
    if len(placed) == len(found):
        return tuple([placed[at] for at in sorted(placed)])
    return tuple(sorted(dict.fromkeys(found), key=place))


def place_of(day: PartialDate | None) -> tuple[int, int]:
    """Where a value stands among others by its date; one without comes last."""
    return (day.first_day, day.last_day) if day is not None else _NO_DAY
