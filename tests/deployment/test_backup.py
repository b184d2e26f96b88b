"""Backup and restore of PostgreSQL by the words of docs/operations.md: what was kept is there again, and a used token stays used."""

from __future__ import annotations

import os
import re
import subprocess
from datetime import timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from cdshooks.store.engine import open_engine
from cdshooks.store.seen_tokens import use_once
from cdshooks.store.store import Store
from cdshooks.store.tables import issued_cards
from cdshooks.store.trial_records import put_trial_records, trial_record
from tests.store.conftest import issue, postgresql_server, store, store_url  # noqa: F401 - fixtures
from tests.store.test_trial_records import RECORD
from tests.store_samples import NOW

ROOT = Path(__file__).parents[2]
PROGRAMS = sorted(Path("/usr/lib/postgresql").glob("*/bin"))[-1:]


def documented(program: str) -> str:
    """The command of docs/operations.md as it runs inside the database's container."""
    text = (ROOT / "docs" / "operations.md").read_text("utf-8")
    (found,) = re.findall(rf"^docker compose exec -T database ({program} .*)$", text, re.MULTILINE)
    return found


def fill(kept: Store, remember) -> None:
    remember("card-1")
    put_trial_records(kept, [RECORD])
    assert use_once(kept, issuer="ehr", jti="one", expires_at=NOW + timedelta(minutes=5))


def holds_what_was_kept(kept: Store) -> None:
    with kept.reading() as connection:
        assert connection.execute(sa.select(issued_cards.c.card)).scalars().all() == ["card-1"]
    assert trial_record(kept, RECORD.nct_id) == RECORD
    assert not use_once(kept, issuer="ehr", jti="one", expires_at=NOW + timedelta(minutes=5))
    assert use_once(kept, issuer="ehr", jti="two", expires_at=NOW + timedelta(minutes=5))


@pytest.mark.postgres
@pytest.mark.parametrize("store_url", ["postgresql"], indirect=True)
def test_a_dump_of_postgresql_brings_everything_back(store_url, store, issue, tmp_path):  # noqa: F811 - fixtures
    url = sa.make_url(store_url)
    place = {"PGHOST": url.host, "PGPORT": str(url.port), "PATH": f"{PROGRAMS[0]}:{os.environ['PATH']}"}

    def run(program: str) -> None:
        words = re.sub(r"(?<=\s)cdshooks(?=\s[<>]|\s<|$)", str(url.database), documented(program))
        done = subprocess.run(
            ["sh", "-c", words], cwd=tmp_path, env=os.environ | place, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr

    fill(store, issue)
    run("pg_dump")
    with store.writing() as connection:
        connection.execute(sa.text("DROP TABLE trial_records"))
        connection.execute(sa.delete(issued_cards))
    store.engine.dispose()
    run("pg_restore")
    holds_what_was_kept(Store(open_engine(store_url)))
