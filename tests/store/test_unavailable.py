"""A store that fails says so, keeps nothing of what failed, and works again by itself."""

import shutil
import sqlite3

import pytest
import sqlalchemy as sa

from cdshooks.errors import StoreUnavailableError
from cdshooks.store.engine import open_engine
from cdshooks.store.seen_tokens import use_once
from cdshooks.store.store import Store
from tests.store_samples import NOW


def test_rel_09_a_store_that_is_missing_at_first_is_made_when_it_can_be(tmp_path):
    blocked = tmp_path / "state"
    blocked.write_text("a file where the directory should be")
    store = Store(open_engine(f"sqlite:///{blocked}/store.db"))
    with pytest.raises(StoreUnavailableError):
        store.beat(NOW)
    blocked.unlink()
    store.beat(NOW)


def test_fbk_04_a_store_that_was_deleted_is_not_written_into_the_void(tmp_path):
    store = Store(open_engine(f"sqlite:///{tmp_path}/state/store.db"))
    use_once(store, issuer="a", jti="1", expires_at=NOW)
    shutil.rmtree(tmp_path / "state")
    with pytest.raises(StoreUnavailableError):
        use_once(store, issuer="a", jti="2", expires_at=NOW)
    assert use_once(store, issuer="a", jti="2", expires_at=NOW)
    with sqlite3.connect(tmp_path / "state" / "store.db") as again:
        assert again.execute("SELECT jti FROM seen_tokens").fetchall() == [("2",)]
    again.close()


def test_fbk_04_a_store_that_is_no_database_is_unavailable(tmp_path):
    file = tmp_path / "store.db"
    file.write_bytes(b"this is no database, but long enough to look at" * 100)
    with pytest.raises(StoreUnavailableError) as refused:
        Store(open_engine(f"sqlite:///{file}")).beat(NOW)
    assert str(file) not in str(refused.value)


def test_fbk_04_a_full_database_is_unavailable_and_keeps_what_it_had(tmp_path):
    store = Store(open_engine(f"sqlite:///{tmp_path}/store.db"))
    use_once(store, issuer="a", jti="kept", expires_at=NOW)

    @sa.event.listens_for(store.engine, "begin")
    def fill(connection):
        connection.exec_driver_sql("PRAGMA max_page_count=1")

    def go_on():
        for number in range(2000):
            use_once(store, issuer="a" * 400, jti=f"{number}", expires_at=NOW)

    with pytest.raises(StoreUnavailableError):
        go_on()
    sa.event.remove(store.engine, "begin", fill)
    assert not use_once(store, issuer="a", jti="kept", expires_at=NOW)


def test_fbk_05_a_connection_that_the_server_ends_is_replaced(store, store_url):
    use_once(store, issuer="a", jti="1", expires_at=NOW)
    if store_url.startswith("postgresql"):
        other = open_engine(store_url)
        with other.connect() as connection:
            others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database()"
            assert connection.execute(sa.text(f"{others} AND pid <> pg_backend_pid()")).all() != []
        other.dispose()
    else:
        store.engine.dispose()
    assert not use_once(store, issuer="a", jti="1", expires_at=NOW)
    assert use_once(store, issuer="a", jti="2", expires_at=NOW)


def test_fbk_01_an_answer_waits_for_the_disk_and_a_hook_call_does_not(store):
    asked = "PRAGMA synchronous" if store.engine.dialect.name == "sqlite" else "SHOW synchronous_commit"
    with store.writing() as connection:
        assert connection.exec_driver_sql(asked).scalar() in {2, "on"}
    with store.writing(is_relaxed=True) as connection:
        assert connection.exec_driver_sql(asked).scalar() in {1, "off"}
    with store.reading():
        pass
    with store.writing() as connection:
        assert connection.exec_driver_sql(asked).scalar() in {2, "on"}
