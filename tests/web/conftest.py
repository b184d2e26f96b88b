"""A service on its embedded knowledge, and requests to vary."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path

import pytest

from cdshooks.app import build_app
from cdshooks.knowledge.load import load_knowledge
from cdshooks.settings import Settings

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
STORY = FIXTURES / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"


@pytest.fixture(scope="session")
def loaded_knowledge():
    return load_knowledge()


@pytest.fixture(scope="session")
def app(loaded_knowledge, tmp_path_factory):
    settings = Settings(
        is_dev=True,
        is_evaluation=True,
        today=date(2026, 11, 24),
        max_body_mb=1,
        state_directory=tmp_path_factory.mktemp("state"),
    )
    return build_app(settings, loaded_knowledge)


@pytest.fixture
def client(app):
    return app.test_client()


@pytest.fixture(scope="session")
def _story():
    return json.loads(STORY.read_text(encoding="utf-8"))


@pytest.fixture
def story_request(_story):
    return copy.deepcopy(_story)


@pytest.fixture
def fire(client):
    def send(request, service="her2-later-line", **more):
        body = request if isinstance(request, (bytes, str)) else json.dumps(request)
        return client.post(f"/cds-services/{service}", data=body, content_type="application/json", **more)

    return send
