"""A copy of the store is whole, and what it holds can be put back. Source: FBK-06."""

import sqlite3
import stat
import threading

import pytest
from click.testing import CliRunner

from cdshooks.cli.main import main
from cdshooks.errors import StoreUnavailableError
from cdshooks.store.backup import BackupError, copy_sqlite
from cdshooks.store.engine import open_engine
from cdshooks.store.issued_cards import IssuedCard, remember_cards
from cdshooks.store.store import Store
from tests.store_samples import NOW


@pytest.fixture
def path(tmp_path):
    return tmp_path / "cdshooks" / "store.db"


@pytest.fixture
def kept(path):
    """A store of a running service, with three cards."""
    opened = Store(open_engine(f"sqlite:///{path}"))
    opened.prepare()
    for number in range(3):
        _show(opened, f"card-{number}")
    yield opened
    opened.engine.dispose()


def _show(store, card):
    shown = IssuedCard(
        card=card,
        client="main-hospital",
        service="her2-later-line",
        topic="her2-later-line-options",
        fingerprint="f" * 32,
        patient_hash="a" * 32,
        knowledge_version="2026.11.0",
        knowledge_hash="sha256:0",
        issued_at=NOW,
    )
    with store.writing() as connection:
        remember_cards(connection, (shown,))


def _cards(file):
    with sqlite3.connect(file) as connection:
        return {it for (it,) in connection.execute("SELECT card FROM issued_cards")}


def test_fbk_06_a_copy_holds_all_and_is_its_owners_alone(kept, path, tmp_path):
    target = tmp_path / "copy.db"
    assert copy_sqlite(path, target) == 3
    assert _cards(target) == {"card-0", "card-1", "card-2"}
    assert stat.S_IMODE(target.stat().st_mode) == 0o600
    assert sorted(it.name for it in tmp_path.iterdir()) == ["cdshooks", "copy.db"]


def test_fbk_06_a_copy_taken_while_cards_are_shown_is_whole(kept, path, tmp_path):
    stop = threading.Event()

    def go_on():
        number = 3
        while not stop.is_set():
            _show(kept, f"card-{number}")
            number += 1

    writer = threading.Thread(target=go_on)
    writer.start()
    copies = [tmp_path / f"copy-{it}.db" for it in range(4)]
    counted = [copy_sqlite(path, it) for it in copies]
    stop.set()
    writer.join()
    for file, count in zip(copies, counted, strict=True):
        assert _cards(file) == {f"card-{it}" for it in range(count)}
    assert counted == sorted(counted)


def test_fbk_06_what_is_put_back_serves_again(kept, path, tmp_path):
    target = tmp_path / "copy.db"
    copy_sqlite(path, target)
    _show(kept, "card-later")
    kept.engine.dispose()
    for it in path.parent.glob("store.db*"):
        it.unlink()
    target.rename(path)
    again = Store(open_engine(f"sqlite:///{path}"))
    again.prepare()
    _show(again, "card-new")
    again.engine.dispose()
    assert _cards(path) == {"card-0", "card-1", "card-2", "card-new"}


def test_fbk_06_a_backup_overwrites_nothing_and_leaves_no_half_copy(kept, path, tmp_path):
    target = tmp_path / "copy.db"
    target.write_bytes(b"mine")
    with pytest.raises(BackupError):
        copy_sqlite(path, target)
    assert target.read_bytes() == b"mine"
    with pytest.raises(BackupError):
        copy_sqlite(path, tmp_path / "no such folder" / "copy.db")
    (tmp_path / "broken.db").write_bytes(b"SQLite format 3\x00" + b"\xff" * 5000)
    with pytest.raises(StoreUnavailableError):
        copy_sqlite(tmp_path / "broken.db", tmp_path / "other.db")
    with pytest.raises(StoreUnavailableError):
        copy_sqlite(tmp_path / "missing.db", tmp_path / "other.db")
    assert sorted(it.name for it in tmp_path.iterdir()) == ["broken.db", "cdshooks", "copy.db"]


def test_fbk_06_the_command_says_what_it_did_and_sends_postgresql_to_its_own(kept, path, tmp_path, monkeypatch):
    monkeypatch.setenv("CDSHOOKS_DATABASE_URL", f"sqlite:///{path}")
    told = CliRunner().invoke(main, ["store", "backup", str(tmp_path / "copy.db")])
    assert (told.exit_code, "3 cards" in told.output) == (0, True)
    again = CliRunner().invoke(main, ["store", "backup", str(tmp_path / "copy.db")])
    assert (again.exit_code, "overwrites nothing" in again.output) == (1, True)
    monkeypatch.setenv("CDSHOOKS_DATABASE_URL", "postgresql://u:secret@127.0.0.1/x")
    other = CliRunner().invoke(main, ["store", "backup", str(tmp_path / "copy.db")])
    assert (other.exit_code, "pg_dump" in other.output, "secret" in other.output) == (1, True, False)
