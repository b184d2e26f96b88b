"""Migrations: all or none, from any number of workers at once, forward and back."""

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic import command
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


def everything_of(store):
    """Every table as the database tells it: columns in their order, keys, indexes and their names."""
    inspector = sa.inspect(store.engine)

    def told(found):
        return sorted(str(sorted(it.items(), key=str)) for it in found)

    return {
        table: {
            "columns": [{**it, "type": str(it["type"])} for it in inspector.get_columns(table)],
            "key": inspector.get_pk_constraint(table),
            "foreign": told(inspector.get_foreign_keys(table)),
            "unique": told(inspector.get_unique_constraints(table)),
            "indexes": told(inspector.get_indexes(table)),
            "checks": told(inspector.get_check_constraints(table)),
        }
        for table in inspector.get_table_names()
    }


def test_an_empty_store_gets_the_tables_that_the_migrations_make(store, alembic_to):
    """Tables made at once and tables migrated step by step are the same: name by name, in the same order of columns."""
    migrate(store.engine)
    at_once, stands_at = everything_of(store), revision(store.engine)
    with store.engine.connect() as connection, connection.begin():
        metadata.drop_all(connection)
        connection.execute(sa.text("DROP TABLE alembic_version"))
    assert everything_of(store) == {}
    assert alembic_to(command.upgrade, "head") == stands_at == HEAD
    assert everything_of(store) == at_once
    assert set(at_once) == {*metadata.tables, "alembic_version"}


def test_an_empty_store_is_made_without_alembic(store_url):
    made = "import sys; from cdshooks.store.engine import open_engine; from cdshooks.store.migrate import migrate"
    seen = f"{made}; migrate(open_engine(sys.argv[1])); sys.exit('alembic' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", seen, store_url], timeout=60, check=False).returncode == 0


def test_a_store_in_which_only_tables_of_others_stand_gets_ours_beside_them(store):
    with store.engine.connect() as connection, connection.begin():
        connection.execute(sa.text("CREATE TABLE of_others (id INTEGER)"))
    migrate(store.engine)
    assert set(everything_of(store)) == {*metadata.tables, "alembic_version", "of_others"}


@pytest.mark.parametrize(
    ("stands_at", "index"), [(None, "ix_feedback_received_at"), ("0001", "ix_sealed_rows_expires_at")]
)
def test_a_start_that_fails_on_the_way_leaves_the_store_as_it_was(store, alembic_to, stands_at, index):
    if stands_at:
        alembic_to(command.upgrade, stands_at)
    before = everything_of(store)

    @sa.event.listens_for(store.engine, "before_cursor_execute")
    def fail(_connection, _cursor, statement, *_):
        if index in statement:
            raise OSError("no space left")

    with pytest.raises(OSError, match="no space"):
        migrate(store.engine)
    assert revision(store.engine) == stands_at
    assert everything_of(store) == before
    sa.event.remove(store.engine, "before_cursor_execute", fail)
    migrate(store.engine)
    assert revision(store.engine) == HEAD
