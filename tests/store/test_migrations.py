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


def test_rel_12_the_newest_migration_can_be_taken_back(store):
    store.prepare()
    config = Config()
    config.set_main_option("script_location", str(Path(migrate_module.__file__).parent / "migrations"))
    with store.engine.connect() as connection, connection.begin():
        config.attributes["connection"] = connection
        command.downgrade(config, "-1")
    assert revision(store.engine) == "0002"
    migrate(store.engine)
    assert revision(store.engine) == HEAD


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
