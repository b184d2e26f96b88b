"""Brings the tables to the form that this version needs; any number of workers may try at once. Source: REL-12."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import sqlalchemy as sa

from cdshooks.store.engine import BEGIN
from cdshooks.store.tables import metadata

_SCRIPTS = Path(__file__).parent / "migrations"
_VERSION = sa.Table(
    "alembic_version",
    sa.MetaData(),
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
"""As Alembic makes it."""
_LOCK = 5_117_311_209
"""The advisory lock of our migrations in PostgreSQL; the number means nothing but must never change."""


def migrate(engine: sa.Engine) -> None:
    """Make the tables of an empty store, or apply the migrations that are missing; all or none.

    Both ways end at the same tables, which ``tests/store/test_migrations.py`` holds. A store that a newer version has already
    migrated is left as it is: migrations only add, so that during an upgrade both versions work on one store.

    Raises:
        sqlalchemy.exc.DBAPIError: The store cannot be reached or written.
    """
    if revision(engine) == _newest():
        return
    with _alone(engine) as connection:
        current = _revision(connection)
        if current == _newest():
            return
        if current is None and not _has_any(connection):
            _make(connection)
        else:
            _upgrade(connection, current)


def revision(engine: sa.Engine) -> str | None:
    """The migration that the store stands at; None before the first."""
    with engine.connect() as connection:
        return _revision(connection)


def _revision(connection: sa.Connection) -> str | None:
    if not connection.dialect.has_table(connection, _VERSION.name):
        return None
    return connection.execute(sa.select(_VERSION.c.version_num)).scalar()


def _newest() -> str:
    return max(it.name for it in (_SCRIPTS / "versions").glob("[0-9]*.py")).split("_", 1)[0]


def _has_any(connection: sa.Connection) -> bool:
    return not metadata.tables.keys().isdisjoint(sa.inspect(connection).get_table_names())


def _make(connection: sa.Connection) -> None:
    """The tables of today at once: to load Alembic and go through its migrations takes most of a second of a first start."""
    metadata.create_all(connection, checkfirst=False)
    _VERSION.create(connection, checkfirst=True)
    connection.execute(sa.insert(_VERSION).values(version_num=_newest()))


def _upgrade(connection: sa.Connection, current: str | None) -> None:
    # Loaded only where there is something to migrate: no other start waits for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    known = {it.revision for it in ScriptDirectory.from_config(config).walk_revisions()}
    if current is None or current in known:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _alone(engine: sa.Engine) -> Iterator[sa.Connection]:
    """One transaction during which no other process migrates; the lock goes with it, however it ends."""
    with engine.connect().execution_options(**{BEGIN: "EXCLUSIVE"}) as connection, connection.begin():
        if connection.dialect.name == "postgresql":
            connection.execute(sa.text("SET LOCAL lock_timeout = '60s'"))
            connection.execute(sa.text("SET LOCAL statement_timeout = '120s'"))
            connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
        yield connection
