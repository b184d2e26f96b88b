"""Each store test runs on SQLite and on a real PostgreSQL, which the project's own script starts."""

from __future__ import annotations

import itertools
import os
import subprocess
from pathlib import Path

import pytest
import sqlalchemy as sa

from cdshooks.store.engine import open_engine
from cdshooks.store.issued_cards import IssuedCard, IssuedSuggestion, remember_cards
from cdshooks.store.store import Store
from tests.store_samples import NOW

SCRIPT = Path(__file__).parents[2] / "scripts" / "with-postgresql"
_numbers = itertools.count()


@pytest.fixture(scope="session")
def postgresql_server():
    """The URL of a private cluster; skipped where no server is installed, which .ci/run never allows."""
    with subprocess.Popen(
        [SCRIPT, "sh", "-c", 'echo "$POSTGRESQL_TEST_URL"; cat'],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as server:
        url = server.stdout.readline().strip()
        if not url:
            assert server.wait() == 77, "the PostgreSQL cluster did not start"
            assert "CI" not in os.environ, "CI must run the tests on PostgreSQL"
            pytest.skip("no PostgreSQL server is installed")
        yield url
        server.stdin.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request, tmp_path):
    """An empty database of its own for each test."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/state/store.db"
        return
    server = request.getfixturevalue("postgresql_server")
    name = f"test_{os.getpid()}_{next(_numbers)}"
    admin = sa.create_engine(
        sa.make_url(server).set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT", poolclass=sa.NullPool
    )
    with admin.connect() as connection:
        connection.execute(sa.text(f"CREATE DATABASE {name}"))
    yield sa.make_url(server).set(database=name).render_as_string()
    with admin.connect() as connection:
        connection.execute(sa.text(f"DROP DATABASE {name} WITH (FORCE)"))


@pytest.fixture
def store(store_url):
    opened = Store(open_engine(store_url))
    yield opened
    opened.engine.dispose()


@pytest.fixture
def issue(store):
    """Remember a card as shown."""

    def remember(card="card-1", *, suggestions=("suggestion-1",), **changed):
        facts = {
            "card": card,
            "client": "main-hospital",
            "service": "her2-later-line",
            "topic": "her2-later-line-options",
            "fingerprint": "f" * 32,
            "patient_hash": "a" * 32,
            "knowledge_version": "2026.11.0",
            "knowledge_hash": "sha256:0",
            "issued_at": NOW,
        } | changed
        shown = tuple(IssuedSuggestion(suggestion=it, option=f"option-of-{it}") for it in suggestions)
        with store.writing() as connection:
            remember_cards(connection, [IssuedCard(**facts, suggestions=shown)])

    return remember
