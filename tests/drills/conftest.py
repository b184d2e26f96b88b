"""Failure drills: the real service in real processes over loopback, broken in bounded ways. ``make drill`` runs them.

Each drill prints one line with its figures; every line that the service wrote must be JSON and hold nothing of the patient.
"""

from __future__ import annotations

import contextlib
import http.client
import itertools
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
import sqlalchemy as sa

from cdshooks.store.engine import open_engine
from cdshooks.store.tables import feedback

ROOT = Path(__file__).parents[2]
STORY = json.loads(
    (ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json").read_text("utf-8")
)
CALL = "/cds-services/her2-later-line"
PATIENT = "CANARY-PATIENT-4711"
_told: list[str] = []
_numbers = itertools.count()


class Service:
    """The service under gunicorn, as ``cdshooks serve`` starts it."""

    longest_wait = 30.0
    """Seconds for which an answer is waited for."""

    def __init__(self, state: Path, *, workers=2, within=(), clients=None, **environment):
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        proves = {"CDSHOOKS_CLIENTS": str(clients), "CDSHOOKS_EVALUATION": "1", "CDSHOOKS_BASE_URL": self.url}
        words = [
            sys.executable,
            "-m",
            "cdshooks",
            "serve",
            *([] if clients is not None else ["--dev"]),
            "--port",
            str(self.port),
            "--workers",
            str(workers),
        ]
        settings = {
            "XDG_STATE_HOME": str(state),
            "CDSHOOKS_TODAY": "2026-11-24",
            "PYTHONPATH": str(ROOT),
            **(proves | {"CDSHOOKS_DRAIN_SECONDS": "0"} if clients is not None else {}),
            **environment,
        }
        kept = {name: it for name, it in os.environ.items() if not name.startswith("CDSHOOKS_")}
        self.process = subprocess.Popen(
            [*within, *words],
            env=kept | settings,
            stderr=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            text=True,
            start_new_session=True,
        )
        self.lines: list[str] = []
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        self.lines.extend(self.process.stderr)

    def wait_until_alive(self):
        for _ in range(600):
            assert self.process.poll() is None, "".join(self.lines)
            with contextlib.suppress(OSError):
                if self.get("/healthz")[0] == 200:
                    return self
            time.sleep(0.05)
        raise AssertionError("the service did not start")

    def wait_until_ready(self, seconds=15, status=200):
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            told, answer, _ = self.get("/readyz")
            if told == status:
                return answer
            time.sleep(0.1)
        raise AssertionError(f"/readyz never said {status}")

    def get(self, path):
        return self.send("GET", path)

    def post(self, path, body, **headers):
        return self.send("POST", path, json.dumps(body).encode(), **headers)

    def send(self, method, path, body=None, **headers):
        """Status, decoded body and headers of one request."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=self.longest_wait)
        try:
            connection.request(method, path, body, ({"Content-Type": "application/json"} if body else {}) | headers)
            answer = connection.getresponse()
            text = answer.read()
            is_json = "json" in answer.headers.get("Content-Type", "")
            return answer.status, json.loads(text) if is_json else text.decode(), answer.headers
        finally:
            connection.close()

    def show(self):
        """The cards of one hook call, which must succeed."""
        status, answer, _ = self.post(CALL, STORY)
        assert status == 200, answer
        assert answer["cards"]
        return answer["cards"]

    def workers(self):
        listed = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        return [int(it) for it in listed]

    def kill(self):
        """Master and workers at once, as a machine that fails takes them."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
        code = self.process.wait(45)
        self._reader.join(5)
        self.process.stderr.close()
        return code

    def check_log(self):
        for line in self.lines:
            assert line.startswith(("{", "DEV MODE")), "".join(self.lines[-60:])
            assert "CANARY" not in line
            if line.startswith("{"):
                json.loads(line)


@pytest.fixture
def start(tmp_path):
    """Start services; at the end they are stopped and what they have logged is read."""
    started = []

    def begin(state=tmp_path, **more):
        started.append(Service(state, **more).wait_until_alive())
        return started[-1]

    yield begin
    for service in started:
        service.stop()
        service.check_log()


@pytest.fixture(autouse=True)
def _canary():
    """The patient of the story, and who asks, bear names that must turn up nowhere."""
    text = json.dumps(STORY)
    old, user = STORY["context"]["patientId"], STORY["context"]["userId"]
    if old != PATIENT:
        text = text.replace(f'"{old}"', f'"{PATIENT}"').replace(f"Patient/{old}", f"Patient/{PATIENT}")
        text = text.replace(f'"{user}"', '"Practitioner/CANARY-USER"')
        STORY.clear()
        STORY.update(json.loads(text))


@pytest.fixture
def tell():
    """Print the figures of the drill when all is done."""

    def figures(name, **counted):
        _told.append(f"{name}: " + ", ".join(f"{it.replace('_', ' ')} {value}" for it, value in counted.items()))

    return figures


def pytest_terminal_summary(terminalreporter):
    for line in _told:
        terminalreporter.write_line(f"▸ {line}")


def overridden(card, number=0):
    """One answer to a card; each number is another moment, hence another answer."""
    moment = f"2026-11-24T{10 + number // 3_600_000 % 10:02}:{number // 60_000 % 60:02}:{number // 1000 % 60:02}.{number % 1000:03}Z"
    return {"feedback": [{"card": card["uuid"], "outcome": "overridden", "outcomeTimestamp": moment}]}


def numbers_kept(url):
    """The numbers of the answers that a store kept, see ``overridden``; a file of SQLite is whole besides."""
    engine = open_engine(url)
    with engine.connect() as connection, connection.begin():
        moments = connection.execute(sa.select(feedback.c.outcome_at)).scalars()
        kept = [it.microsecond // 1000 + 1000 * (it.second + 60 * (it.minute + 60 * (it.hour - 10))) for it in moments]
        if connection.dialect.name == "sqlite":
            assert connection.exec_driver_sql("PRAGMA integrity_check").scalar() == "ok"
    engine.dispose()
    return kept


@contextlib.contextmanager
def crowd_calling(service, clients):
    """So many clients that send one hook call after the other; what they heard: statuses, and faults of calls cut short."""
    stop, statuses, cut = threading.Event(), [], []

    def call():
        while not stop.is_set():
            try:
                statuses.append(service.post(CALL, STORY)[0])
            except (OSError, http.client.HTTPException) as error:
                cut.append(repr(error))

    crowd = [threading.Thread(target=call) for _ in range(clients)]
    for it in crowd:
        it.start()
    try:
        yield statuses, cut
    finally:
        stop.set()
        for it in crowd:
            it.join(30)


@pytest.fixture
def ehr():
    """A FHIR server with all stories that misbehaves where its base says so."""
    with subprocess.Popen(
        [sys.executable, "-m", "tests.fetching.misbehaving"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as server:
        yield f"http://127.0.0.1:{int(server.stdout.readline())}"
        server.kill()


@pytest.fixture(scope="session")
def postgresql_server():
    script = ROOT / "scripts" / "with-postgresql"
    words = [script, "sh", "-c", 'echo "$POSTGRESQL_TEST_URL"; cat']
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        url = server.stdout.readline().strip()
        if not url:
            assert server.wait() == 77, "the PostgreSQL cluster did not start"
            assert "CI" not in os.environ, "CI must drill on PostgreSQL"
            pytest.skip("no PostgreSQL server is installed")
        yield url
        server.stdin.close()


class Database:
    """One database of the private server, and what its administrator can do to it."""

    def __init__(self, server):
        self.name = f"drill_{next(_numbers)}"
        driver = sa.make_url(server).set(drivername="postgresql+psycopg")
        self._admin = sa.create_engine(driver, isolation_level="AUTOCOMMIT", poolclass=sa.NullPool)
        self.say(f"CREATE DATABASE {self.name}")
        self.url = sa.make_url(server).set(database=self.name).render_as_string()

    def say(self, sentence):
        with self._admin.connect() as connection:
            connection.execute(sa.text(sentence))

    def end_connections(self):
        self.say(f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{self.name}'")


@pytest.fixture
def database(postgresql_server):
    return Database(postgresql_server)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]
