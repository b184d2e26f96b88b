"""The command line on a store of its own, and a service on the same store."""

from __future__ import annotations

import json
from datetime import date

import pytest
from click.testing import CliRunner

from cdshooks.app import build_app
from cdshooks.cli.main import main
from cdshooks.settings import Settings


class Desk:
    """One hospital: its store, its overlay, its command line and its service."""

    def __init__(self, folder, monkeypatch):
        self.folder, self.overlay, self.state = folder, folder / "overlay", folder / "state"
        (self.overlay / "trials").mkdir(parents=True)
        (self.state / "cdshooks").mkdir(parents=True)
        monkeypatch.setenv("XDG_STATE_HOME", str(self.state))
        monkeypatch.setenv("CDSHOOKS_TODAY", "2026-11-24")
        monkeypatch.setenv("CDSHOOKS_KNOWLEDGE_OVERLAY", str(self.overlay))

    def say(self, *words, status=0):
        """Run a command; its stdout. The exit status must be the one expected."""
        done = CliRunner().invoke(main, [str(it) for it in words])
        assert done.exit_code == status, done.output + done.stderr
        self.messages = done.stderr
        return done.stdout

    def write(self, record, name="study.json"):
        path = self.folder / name
        path.write_text(record if isinstance(record, str) else json.dumps(record), encoding="utf-8")
        return path

    def service(self, **settings):
        return build_app(
            Settings(
                is_dev=True,
                is_evaluation=True,
                today=date(2026, 11, 24),
                knowledge_overlay=self.overlay,
                state_directory=self.state / "cdshooks",
                hash_key="k" * 32,
                **settings,
            )
        ).test_client()


@pytest.fixture
def desk(tmp_path, monkeypatch):
    return Desk(tmp_path, monkeypatch)
