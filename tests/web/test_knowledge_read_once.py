"""The knowledge is read at the start and never again: no call waits for a file, and a replaced file changes no running service."""

import sys
from pathlib import Path

import pytest

import cdshooks

KNOWLEDGE = str(Path(cdshooks.__file__).parent / "knowledge" / "data")


@pytest.fixture(scope="module")
def opened():
    """Paths opened below the knowledge while it is listened to."""
    paths, is_listening = [], []

    def hear(event, arguments):
        if is_listening and event == "open" and str(arguments[0]).startswith(KNOWLEDGE):
            paths.append(arguments[0])

    sys.addaudithook(hear)  # it stays for the process, so it is told when to listen
    is_listening.append(True)
    yield paths
    is_listening.clear()


def test_a_hook_call_opens_no_file_of_the_knowledge(app, fire, story_request, client, opened):
    for service in ("her2-later-line", "her2-later-line-sign", "her2-later-line-view"):
        story_request["hook"] = {"her2-later-line-sign": "order-sign", "her2-later-line-view": "patient-view"}.get(
            service, "order-select"
        )
        assert fire(story_request, service=service).status_code == 200
    for path in ("/cds-services", "/readyz", "/metrics"):
        assert client.get(path).status_code == 200
    assert opened == []


def test_the_listener_hears_when_the_knowledge_is_read(opened):
    next(Path(KNOWLEDGE).rglob("*.yaml")).read_bytes()
    assert len(opened) == 1
    opened.clear()
