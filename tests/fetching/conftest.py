"""Servers in processes of their own, over loopback."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import urllib.request
from datetime import date
from functools import cache
from pathlib import Path

import pytest

from cdshooks.app import build_app
from cdshooks.knowledge.load import load_knowledge
from cdshooks.settings import Settings

ROOT = Path(__file__).parents[2]
STORY = ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
SHORT_DEADLINE_MS, LONG_DEADLINE_MS = 1200, 30_000
DELAYING = {"never", "slow", "drip", "drip-head", "hang", "slow3"}
"""Faults that only a deadline ends."""
TOKEN = "TOKEN-MARKER-7f3a"


class Misbehaving:
    def __init__(self, port):
        self.origin = f"http://127.0.0.1:{port}"

    def base(self, fault, kind):
        return f"{self.origin}/{fault}~{kind}/fhir"

    def seen(self):
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        with direct.open(f"{self.origin}/seen", timeout=5) as answer:
            return json.load(answer)


@pytest.fixture(scope="session")
def misbehaving():
    command = [sys.executable, "-m", "tests.fetching.misbehaving"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as process:
        yield Misbehaving(int(process.stdout.readline()))
        process.kill()


@pytest.fixture(scope="session")
def knowledge():
    return load_knowledge()


def dev_app(knowledge, state, **more):
    told = {"today": date(2026, 11, 24), **more}
    settings = Settings(is_dev=True, is_evaluation=True, state_directory=state, **told)
    return build_app(settings, knowledge)


@pytest.fixture(scope="module")
def client_of(knowledge, tmp_path_factory):
    made = []

    @cache
    def of(as_of, jurisdiction):
        state = tmp_path_factory.mktemp("state")
        made.append(dev_app(knowledge, state, today=as_of, jurisdiction=jurisdiction, deadline_ms=60_000))
        return made[-1].test_client()

    yield of
    for app in made:
        app.extensions["cdshooks.fetching"].close()


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def client_with_deadline(knowledge, state):
    """A service for each deadline. One that no loaded machine misses tells faults apart from delays."""
    made = {}

    def of(deadline_ms):
        if deadline_ms not in made:
            made[deadline_ms] = dev_app(knowledge, state, deadline_ms=deadline_ms)
        return made[deadline_ms].test_client()

    yield of
    for it in made.values():
        it.extensions["cdshooks.fetching"].close()


@pytest.fixture
def client(client_with_deadline):
    return client_with_deadline(LONG_DEADLINE_MS)


@pytest.fixture(scope="session")
def _told():
    return json.loads(STORY.read_text(encoding="utf-8"))


@pytest.fixture
def story(_told):
    return copy.deepcopy(_told)


@pytest.fixture
def ask(client_with_deadline, story):
    """A call that leaves what is not sent to be fetched from a FHIR server with a fault; only a delay meets a short deadline."""
    # Built before any clock of a test starts: a start evaluates all canaries, which takes seconds on a loaded machine.
    services = {it: client_with_deadline(it) for it in (SHORT_DEADLINE_MS, LONG_DEADLINE_MS)}

    def send(base, prefetch=None):
        request = {key: value for key, value in story.items() if key != "prefetch"} | (
            {"prefetch": prefetch} if prefetch else {}
        )
        granted = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "cds",
        }
        body = {**request, "fhirServer": base, "fhirAuthorization": granted}
        fault = base.removesuffix("/fhir").rpartition("/")[2].partition("~")[0]
        client = services[SHORT_DEADLINE_MS if fault in DELAYING else LONG_DEADLINE_MS]
        return client.post("/cds-services/her2-later-line", json=body)

    return send
