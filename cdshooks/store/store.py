"""One store: transactions that succeed, or say that the store is unavailable. Source: FBK-01, FBK-04, REL-09."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import TYPE_CHECKING

import sqlalchemy as sa
from sqlalchemy.dialects import sqlite

from cdshooks.errors import StoreUnavailableError
from cdshooks.store.engine import BEGIN, IS_RELAXED
from cdshooks.store.migrate import migrate
from cdshooks.store.tables import heartbeats

if TYPE_CHECKING:
    from sqlalchemy.dialects import postgresql

_OUR_DEFECTS = (sa.exc.IntegrityError, sa.exc.DataError, sa.exc.ArgumentError, sa.exc.InvalidRequestError)


class Store:
    """Transactions on one engine; the tables are made or migrated when it is first reached, however late that is."""

    def __init__(self, engine: sa.Engine) -> None:
        self.engine = engine
        self._is_migrated = False

    def prepare(self) -> None:
        """Make or migrate the tables.

        Raises:
            StoreUnavailableError: The store cannot be reached or written.
        """
        with self._translated():
            migrate(self.engine)
        self._is_migrated = True

    @contextmanager
    def reading(self) -> Iterator[sa.Connection]:
        """A transaction that only reads.

        Raises:
            StoreUnavailableError: The store cannot be reached.
        """
        with self._translated():
            self._reach()
            with self.engine.connect().execution_options(**{IS_RELAXED: None}) as connection, connection.begin():
                yield connection

    @contextmanager
    def writing(self, *, is_relaxed: bool = False) -> Iterator[sa.Connection]:
        """A transaction that writes all or nothing; on leaving, it is on the disk.

        ``is_relaxed`` waits for no disk: a killed process loses nothing, a machine without power the last moments.

        Raises:
            StoreUnavailableError: The store cannot be reached or written; nothing is kept.
        """
        with self._translated():
            self._reach()
            options = {BEGIN: "IMMEDIATE", IS_RELAXED: is_relaxed}
            with self.engine.connect().execution_options(**options) as connection, connection.begin():
                yield connection

    def beat(self, at: datetime) -> None:
        """Prove that the store can be written now.

        Raises:
            StoreUnavailableError: It cannot.
        """
        with self.writing(is_relaxed=True) as connection:
            row = insert(connection, heartbeats).values(id=1, beat_at=at)
            connection.execute(row.on_conflict_do_update(index_elements=["id"], set_={"beat_at": at}))

    def _reach(self) -> None:
        if not self._is_migrated:
            migrate(self.engine)
            self._is_migrated = True

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except _OUR_DEFECTS:
            raise
        except (sa.exc.SQLAlchemyError, OSError) as error:
            # The tables may be gone with the file or the server: the next try looks again.
            self._is_migrated = False
            raise StoreUnavailableError(type(getattr(error, "orig", None) or error).__name__) from None


def insert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """An insert that knows what to do on a conflict, in the words of the dialect."""
    return insert_of(connection.dialect.name, table)


def insert_of(dialect: str, table: sa.Table) -> sqlite.Insert | postgresql.Insert:
    """The same for a dialect by its name, for statements that are built once."""
    if dialect == "sqlite":
        return sqlite.insert(table)
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - a start on SQLite does not wait for it

    return postgresql.insert(table)
