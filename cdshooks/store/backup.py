"""A copy of the store that can be put back, taken while the service runs. Source: FBK-06."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from cdshooks.errors import StoreUnavailableError


class BackupError(Exception):
    """No sound copy could be made; ``str()`` says why, without a path or a value."""


def copy_sqlite(source: Path, target: Path) -> int:
    """Copy a SQLite store page by page, with all that was committed when the copy ended; the number of cards in it.

    The copy is checked before it bears its name, so a file of that name is always whole. It is its owner's alone.

    Raises:
        BackupError: The target is there already, the copy is not sound, or it cannot be written.
        StoreUnavailableError: There is no store, or it cannot be read.
    """
    if not source.is_file():
        raise StoreUnavailableError("no such file")
    if target.exists():
        raise BackupError("the file is there already; a backup overwrites nothing")
    unfinished = target.with_name(f".{target.name}.unfinished")
    try:
        unfinished.unlink(missing_ok=True)
        os.close(os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
        with (
            closing(sqlite3.connect(f"{source.resolve().as_uri()}?mode=ro", uri=True)) as store,
            closing(sqlite3.connect(unfinished)) as copy,
        ):
            store.backup(copy)
            copy.execute("PRAGMA journal_mode=DELETE")  # one file, to be carried away without a -wal beside it
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0] == "ok"
            cards = int(copy.execute("SELECT count(*) FROM issued_cards").fetchone()[0])
        if not sound:
            raise BackupError("the copy is not sound; look at the disk of the store")
        with unfinished.open("rb") as file:
            os.fsync(file.fileno())
        unfinished.rename(target)
    except sqlite3.Error as error:
        raise StoreUnavailableError(type(error).__name__) from None
    except OSError as error:
        raise BackupError(f"the copy cannot be written ({type(error).__name__})") from None
    finally:
        unfinished.unlink(missing_ok=True)
    return cards
