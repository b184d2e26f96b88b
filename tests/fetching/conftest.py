"""Servers in processes of their own, over loopback."""

from __future__ import annotations

import copy
import json
import subprocess
import sys
import urllib.request
from datetime import date
from pathlib import Path

import pytest

from cdshooks.app import build_app
from cdshooks.knowledge.load import load_knowledge
from cdshooks.settings import Settings

ROOT = Path(__file__).parents[2]
STORY = ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
DEADLINE_MS = 1200
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


@pytest.fixture(scope="session")
def state(tmp_path_factory):
    return tmp_path_factory.mktemp("state")


@pytest.fixture(scope="session")
def client(knowledge, state):
    app = dev_app(knowledge, state, deadline_ms=DEADLINE_MS)
    yield app.test_client()
    app.extensions["cdshooks.fetching"].close()


@pytest.fixture(scope="session")
def _told():
    return json.loads(STORY.read_text(encoding="utf-8"))


@pytest.fixture
def story(_told):
    return copy.deepcopy(_told)


@pytest.fixture
def ask(client, story):
    """A call that leaves everything to be fetched from a FHIR server."""

    def send(base, **more):
        request = {key: value for key, value in story.items() if key != "prefetch"}
        granted = {
            "access_token": TOKEN,
            "token_type": "Bearer",
            "expires_in": 300,
            "scope": "patient/*.rs",
            "subject": "cds",
        }
        body = {**request, "fhirServer": base, "fhirAuthorization": granted, **more}
        return client.post("/cds-services/her2-later-line", json=body)

    return send
