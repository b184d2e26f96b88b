"""What is worked out only when someone looks: most of what is found for a patient is never shown."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)


class Later(Generic[T_co]):
    """A value in the making: calling it gives the value, made the first time and kept."""

    __slots__ = ("_made", "_make")

    def __init__(self, make: Callable[[], T_co]) -> None:
        self._make: Callable[[], T_co] | None = make

    def __call__(self) -> T_co:
        """The value."""
        make = self._make
        if make is not None:
            self._made: T_co = make()  # before the making is forgotten, for another thread may look at the same moment
            self._make = None
        return self._made

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Later) and bool(self() == other())

    def __hash__(self) -> int:
        return hash(self())


NOTHING: Later[tuple[Any, ...]] = Later(tuple)
"""Where there is nothing to say."""
