"""Rows that nobody can read from the store alone, each kept for minutes. See ``store.sealing``."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa

from cdshooks.store.store import Store
from cdshooks.store.tables import sealed_rows


def keep_row(store: Store, *, row: str, box: bytes, expires_at: datetime, now: datetime) -> None:
    """Keep a sealed row, and forget those that have expired.

    Raises:
        StoreUnavailableError: Nothing is kept.
    """
    with store.writing(is_relaxed=True) as connection:
        connection.execute(sa.delete(sealed_rows).where(sealed_rows.c.expires_at <= now))
        connection.execute(sa.insert(sealed_rows).values(row=row, box=box, expires_at=expires_at))


def take_row(store: Store, *, row: str, now: datetime) -> bytes | None:
    """The box of a row, which is then gone; of any number of calls at once, one gets it.

    Raises:
        StoreUnavailableError: It cannot be known.
    """
    with store.writing() as connection:
        taken = connection.execute(
            sa.delete(sealed_rows)
            .where(sealed_rows.c.row == row)
            .returning(sealed_rows.c.box, sealed_rows.c.expires_at)
        ).first()
    return bytes(taken.box) if taken is not None and taken.expires_at > now else None


def look_at_row(store: Store, *, row: str, now: datetime) -> bytes | None:
    """The box of a row, which stays.

    Raises:
        StoreUnavailableError: It cannot be known.
    """
    with store.reading() as connection:
        found = connection.execute(sa.select(sealed_rows).where(sealed_rows.c.row == row)).first()
    return bytes(found.box) if found is not None and found.expires_at > now else None


def forget_row(store: Store, *, row: str) -> None:
    """Delete a row, if it is there.

    Raises:
        StoreUnavailableError: It may still be there.
    """
    with store.writing() as connection:
        connection.execute(sa.delete(sealed_rows).where(sealed_rows.c.row == row))
