"""Contents of one purpose, kept sealed for some minutes: what holds the reference can read them, the store cannot."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

from cdshooks.store.sealed_rows import forget_row, keep_row, look_at_row, take_row
from cdshooks.store.sealing import Sealed, row_of, seal, unseal
from cdshooks.store.store import Store

_T = TypeVar("_T")


class Attempt(Protocol):
    """Work on the store within the time that a call may wait."""

    def __call__(self, work: Callable[[Store], _T], /) -> _T:
        """Do it."""
        ...


class SealedContents:
    """Of one purpose; ``key`` is the service's own. All raise StoreUnavailableError when it cannot be known or kept."""

    def __init__(
        self, purpose: str, lasts: timedelta, *, key: bytes, attempt: Attempt, now: Callable[[], datetime]
    ) -> None:
        self._purpose, self._lasts, self._key, self._attempt, self._now = purpose, lasts, key, attempt, now

    def sealed(self, content: bytes) -> Sealed:
        """A content, sealed and not kept yet."""
        return seal(self._key, self._purpose, content)

    def keep(self, sealed: Sealed) -> str:
        """Keep what was sealed; its reference."""
        now = self._now()
        self._attempt(
            lambda store: keep_row(store, row=sealed.row, box=sealed.box, expires_at=now + self._lasts, now=now)
        )
        return sealed.reference

    def take(self, reference: str) -> bytes | None:
        """A content, which is then gone; None, whatever is wrong with the reference."""
        return self._read(reference, take_row)

    def look(self, reference: str) -> bytes | None:
        """A content, which stays; None, whatever is wrong with the reference."""
        return self._read(reference, look_at_row)

    def forget(self, reference: str) -> None:
        """Delete a content, if it is there."""
        row = row_of(self._key, self._purpose, reference)
        if row is not None:
            self._attempt(lambda store: forget_row(store, row=row))

    def _read(self, reference: str, read: Callable[..., bytes | None]) -> bytes | None:
        row = row_of(self._key, self._purpose, reference)
        if row is None:
            return None
        now = self._now()
        box = self._attempt(lambda store: read(store, row=row, now=now))
        return unseal(self._key, self._purpose, reference, box) if box is not None else None
