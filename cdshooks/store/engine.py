"""Opens the store: SQLite for one node, PostgreSQL for more; the same statements on both. Source: D4, FBK-01."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path
from typing import Any

import sqlalchemy as sa

BEGIN = "cdshooks_begin"
"""Execution option: how a transaction of SQLite begins; IMMEDIATE takes the lock of the only writer at once."""
IS_RELAXED = "cdshooks_is_relaxed"
"""Execution option: a commit is safe from a killed process, but need not reach the disk before we go on; None: there is none."""
_SECONDS_FOR_A_LOCK = 5
_SECONDS_TO_CONNECT = 2
_SECONDS_FOR_A_STATEMENT = 5


def open_engine(url: str) -> sa.Engine:
    """The engine behind ``sqlite:///path`` or ``postgresql://…``; nothing is opened before it is used.

    A worker forked later opens its own connections and never touches those of its parent, whose idle ones are closed first:
    SQLite keeps what it knows of an open file in the process, and a worker would inherit that it could only be read.
    """
    engine = _sqlite(url) if url.startswith("sqlite:") else _postgresql(url)
    os.register_at_fork(before=engine.dispose, after_in_child=lambda: engine.dispose(close=False))
    return engine


def _sqlite(url: str) -> sa.Engine:
    path = sa.engine.make_url(url).database
    engine = sa.create_engine(
        url, connect_args={"timeout": _SECONDS_FOR_A_LOCK, "check_same_thread": False}, pool_reset_on_return="rollback"
    )

    @sa.event.listens_for(engine, "do_connect")
    def make_file(*_: Any) -> None:
        if path:
            Path(path).parent.mkdir(parents=True, exist_ok=True, mode=0o700)
            if not Path(path).exists():
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT, 0o600))  # its owner's alone, as its journal will be

    @sa.event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, record: sa.pool.ConnectionPoolEntry) -> None:
        # The driver's own idea of when a transaction begins would leave DDL and reads outside it.
        connection.isolation_level = None
        connection.execute("PRAGMA journal_mode=WAL")
        connection.execute("PRAGMA foreign_keys=ON")
        record.info["file"] = _identity(path)

    @sa.event.listens_for(engine, "checkout")
    def check(_: Any, record: sa.pool.ConnectionPoolEntry, __: Any) -> None:
        """A file that was deleted or replaced takes writes and forgets them: connect anew instead."""
        if record.info.get("file") != _identity(path):
            raise sa.exc.DisconnectionError

    @sa.event.listens_for(engine, "handle_error")
    def leave(context: sa.engine.ExceptionContext) -> None:
        """A file opened while the disk was read-only stays so when the disk no longer is, for as long as any connection of
        this process holds it: all are closed, that the next one opens it anew.
        """
        if _is_read_only(context.original_exception):
            if context.execution_context is not None:
                context.execution_context.cursor.close()  # its statement would keep the file open behind the connection's back
            context.is_disconnect = True
            engine.dispose()

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        options = connection.get_execution_options()
        # NORMAL loses at most the last commits, and only when the machine itself loses power; FULL loses none.
        wanted = options.get(IS_RELAXED, False)
        held = connection.info
        if wanted is not None and held.get(IS_RELAXED) is not wanted:
            connection.exec_driver_sql(f"PRAGMA synchronous={'NORMAL' if wanted else 'FULL'}")
            held[IS_RELAXED] = wanted
        connection.exec_driver_sql(f"BEGIN {options.get(BEGIN, 'DEFERRED')}")

    return engine


def _is_read_only(error: BaseException) -> bool:
    extended = getattr(error, "sqlite_errorcode", None) or 0
    return extended & 0xFF == sqlite3.SQLITE_READONLY


def _identity(path: str | None) -> tuple[int, int] | None:
    try:
        found = Path(path or "").stat()
    except OSError:
        return None
    return found.st_dev, found.st_ino


def _postgresql(url: str) -> sa.Engine:
    engine = sa.create_engine(
        sa.engine.make_url(url).set(drivername="postgresql+psycopg"),
        connect_args={
            "connect_timeout": _SECONDS_TO_CONNECT,
            "options": f"-c statement_timeout={_SECONDS_FOR_A_STATEMENT * 1000} -c lock_timeout={_SECONDS_FOR_A_LOCK * 1000}",
        },
        pool_pre_ping=True,
        pool_size=8,
        max_overflow=8,
        pool_timeout=_SECONDS_FOR_A_LOCK,
    )

    @sa.event.listens_for(engine, "begin")
    def begin(connection: sa.Connection) -> None:
        if connection.get_execution_options().get(IS_RELAXED):
            connection.exec_driver_sql("SET LOCAL synchronous_commit = off")

    return engine
