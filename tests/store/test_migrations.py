"""Migrations: all or none, from any number of workers at once, forward and back."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command, op
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext

from cdshooks.store import migrate as migrate_module
from cdshooks.store.engine import open_engine
from cdshooks.store.migrate import migrate, revision
from cdshooks.store.tables import metadata

HEAD = "0003"
AT_ONCE = 6
WORKER = """
import sys
from cdshooks.store.engine import open_engine
from cdshooks.store.migrate import migrate
sys.stdin.readline()
migrate(open_engine(sys.argv[1]))
"""


def test_migrating_gives_exactly_the_tables_that_the_code_uses(store):
    store.prepare()
    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), metadata) == []
    assert revision(store.engine) == HEAD


def test_many_workers_migrate_one_empty_store_at_once(store_url):
    workers = [
        subprocess.Popen([sys.executable, "-c", WORKER, store_url], stdin=subprocess.PIPE, stderr=subprocess.PIPE)
        for _ in range(AT_ONCE)
    ]
    ended = [worker.communicate(b"go\n", timeout=60) for worker in workers]
    assert [worker.returncode for worker in workers] == [0] * AT_ONCE, ended
    engine = open_engine(store_url)
    assert revision(engine) == HEAD
    engine.dispose()


def test_rel_12_a_store_migrated_by_a_newer_version_is_left_as_it_is(store):
    store.prepare()
    with store.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    migrate(store.engine)
    assert revision(store.engine) == "9999"


@pytest.fixture
def alembic_to(store):
    """Bring the store to a revision, as an administrator would."""

    def bring(way, where):
        config = Config()
        config.set_main_option("script_location", str(Path(migrate_module.__file__).parent / "migrations"))
        with store.engine.connect() as connection, connection.begin():
            config.attributes["connection"] = connection
            way(config, where)
        return revision(store.engine)

    return bring


def held(store, tables):
    with store.reading() as connection:
        return {it: connection.execute(sa.text(f"SELECT * FROM {it}")).mappings().all() for it in tables}


def test_rel_12_the_newest_migration_can_be_taken_back_and_no_row_of_a_working_store_is_lost(store, issue, alembic_to):
    store.prepare()
    issue("card-1")
    before = held(store, ("issued_cards", "issued_suggestions"))
    assert all(before.values())
    assert alembic_to(command.downgrade, "-1") == "0002"
    assert held(store, before) == before
    issue("card-2", suggestions=())  # this version serves on the older store too
    migrate(store.engine)
    assert revision(store.engine) == HEAD
    cards = held(store, ("issued_cards",))["issued_cards"]
    assert {it["card"] for it in cards} == {"card-1", "card-2"}


def test_rel_12_each_migration_only_adds_so_that_the_version_before_works_on_the_same_store(store, alembic_to):
    """A column that the older version does not know must not be asked of it, and none that it knows may go or change."""

    def shape():
        inspector = sa.inspect(store.engine)
        return {
            (table, it["name"]): (str(it["type"]), it["nullable"], it["default"])
            for table in inspector.get_table_names()
            for it in inspector.get_columns(table)
        }

    alembic_to(command.upgrade, "0001")
    for number in range(2, int(HEAD) + 1):
        before = shape()
        tables = {table for table, _ in before}
        alembic_to(command.upgrade, f"{number:04}")
        after = shape()
        assert {it: after.get(it) for it in before} == before
        added = {it: of for it, of in after.items() if it not in before}
        assert added
        asked = [it for it, (_, nullable, default) in added.items() if it[0] in tables and not nullable and not default]
        assert asked == []


def test_a_migration_that_fails_leaves_nothing_behind(store, monkeypatch):
    original = op.create_index

    def fail(name, *rest, **more):
        if name == "ix_feedback_received_at":
            raise OSError("no space left")
        return original(name, *rest, **more)

    monkeypatch.setattr(op, "create_index", fail)
    with pytest.raises(OSError, match="no space"):
        migrate(store.engine)
    assert revision(store.engine) is None
    assert sa.inspect(store.engine).get_table_names() == []
