"""Brings the tables to the form that this version needs; any number of workers may try at once. Source: REL-12."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from cdshooks.store.engine import BEGIN

_SCRIPTS = Path(__file__).parent / "migrations"
_VERSION = sa.table("alembic_version", sa.column("version_num", sa.String))
_LOCK = 5_117_311_209
"""The advisory lock of our migrations in PostgreSQL; the number means nothing but must never change."""


def migrate(engine: sa.Engine) -> None:
    """Apply the migrations that are missing, all or none.

    A store that a newer version has already migrated is left as it is: migrations only add, so that during an upgrade both
    versions work on one store.

    Raises:
        sqlalchemy.exc.DBAPIError: The store cannot be reached or written.
    """
    if _is_up_to_date(engine):
        return
    # Loaded only where there is something to do: a start with tables of today does not wait for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.migration import MigrationContext  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

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
        if not engine.dialect.has_table(connection, _VERSION.name):
            return None
        return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def _is_up_to_date(engine: sa.Engine) -> bool:
    newest = max(it.name for it in (_SCRIPTS / "versions").glob("[0-9]*.py"))
    return revision(engine) == newest.split("_", 1)[0]


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction during which no other process migrates; the lock goes with it, however it ends."""
    with engine.connect().execution_options(**{BEGIN: "EXCLUSIVE"}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(sa.text("SET LOCAL statement_timeout = '120s'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection
