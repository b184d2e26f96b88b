"""A service that a small EHR may launch, and the steps of a launch."""

from __future__ import annotations

import contextlib
import subprocess
import sys
from datetime import date
from pathlib import Path

from cdshooks.app import build_app
from cdshooks.settings import Settings
from tests.smart_ehr import CLIENT, SECRET

ROOT = Path(__file__).parents[1]


@contextlib.contextmanager
def running_ehr(public_url):
    """The base URL of an EHR in a process of its own, which sends browsers back to this service."""
    command = [sys.executable, "-m", "tests.smart_ehr", f"{public_url}/callback"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield process.stdout.readline().strip()
        finally:
            process.kill()


def clients_file(folder, base, more=""):
    """clients.toml with one client that launches."""
    (folder / "keys.json").write_text('{"keys": []}', encoding="utf-8")
    (folder / "secret").write_text(f"{SECRET}\n", encoding="utf-8")
    path = folder / "clients.toml"
    path.write_text(
        f'[[clients]]\nname = "ehr"\nissuer = "{base}"\njwks_file = "keys.json"\nfhir_servers = ["{base}"]\n'
        f'smart_client_id = "{CLIENT}"\nsmart_client_secret_file = "secret"\n{more}',
        encoding="utf-8",
    )
    return path


@contextlib.contextmanager
def launched_app(knowledge, folder, base, public_url, *, is_dev=False):
    """The service."""
    settings = Settings(
        is_evaluation=True,
        is_dev=is_dev,
        today=date(2026, 11, 24),
        state_directory=folder,
        clients=clients_file(folder, base),
        public_url=public_url,
        deadline_ms=10_000,
    )
    app = build_app(settings, knowledge)
    yield app
    app.extensions["cdshooks.fetching"].close()
