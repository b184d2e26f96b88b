"""Brings the tables to the form that this version needs; any number of workers may try at once. Source: REL-12."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa
from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from cdshooks.store.engine import BEGIN

_SCRIPTS = Path(__file__).parent / "migrations"
_LOCK = 5_117_311_209
"""The advisory lock of our migrations in PostgreSQL; the number means nothing but must never change."""


def migrate(engine: sa.Engine) -> None:
    """Apply the migrations that are missing, all or none.

    A store that a newer version has already migrated is left as it is: migrations only add, so that during an upgrade both
    versions work on one store.

    Raises:
        sqlalchemy.exc.DBAPIError: The store cannot be reached or written.
    """
    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {it.revision for it in ScriptDirectory.from_config(config).walk_revisions()}
    with _alone(engine) as connection:
        current = MigrationContext.configure(connection).get_current_heads()
        if set(current) <= known:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")


def revision(engine: sa.Engine) -> str | None:
    """The migration that the store stands at; None before the first."""
    with engine.connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction during which no other process migrates; the lock goes with it, however it ends."""
    with engine.connect().execution_options(**{BEGIN: "EXCLUSIVE"}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(sa.text("SET LOCAL statement_timeout = '120s'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection
