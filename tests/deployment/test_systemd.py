"""The units for a hospital without containers, as systemd itself reads them, and against what the service really has."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from cdshooks.settings import SETTINGS

ROOT = Path(__file__).parents[2]
UNITS = sorted(it for it in (ROOT / "deploy" / "systemd").iterdir() if it.suffix in {".service", ".timer"})
SERVICE = (ROOT / "deploy" / "systemd" / "cdshooks.service").read_text("utf-8")
EXAMPLE = dict(
    line.split("=", 1)
    for line in (ROOT / "deploy" / "systemd" / "settings.example").read_text("utf-8").splitlines()
    if line and not line.startswith("#")
)
READ_BY_SYSTEMD = pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed")


@pytest.fixture
def units(tmp_path):
    """The same, with a command that is there."""
    for it in UNITS:
        (tmp_path / it.name).write_text(
            it.read_text("utf-8").replace("/opt/cdshooks/bin/cdshooks", shutil.which("true"))
        )
    return tmp_path


def analyze(*words):
    done = subprocess.run(["systemd-analyze", *map(str, words)], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stderr


@READ_BY_SYSTEMD
@pytest.mark.parametrize("name", [it.name for it in UNITS])
def test_systemd_reads_each_unit_without_a_word(units, name):
    assert analyze("verify", "--man=no", units / name) == ""


@READ_BY_SYSTEMD
def test_systemd_calls_the_service_well_confined(units):
    analyze("security", "--offline=true", "--threshold=20", units / "cdshooks.service")


def test_the_settings_of_the_example_are_settings_of_the_service():
    assert {it.removeprefix("CDSHOOKS_").removesuffix("_FILE") for it in EXAMPLE if it != "XDG_STATE_HOME"} <= SETTINGS


def test_every_unit_runs_as_the_same_user_with_the_same_settings():
    services = [it.read_text("utf-8") for it in UNITS if it.suffix == ".service"]
    for line in ("User=cdshooks", "EnvironmentFile=/etc/cdshooks/settings", "StateDirectory=cdshooks"):
        assert all(f"\n{line}\n" in it for it in services)
    assert EXAMPLE["XDG_STATE_HOME"] == "/var/lib"


def test_the_drain_and_what_is_in_flight_end_before_systemd_kills():
    (stops_after,) = re.findall(r"^TimeoutStopSec=(\d+)$", SERVICE, re.MULTILINE)
    assert int(stops_after) > 5 + 30
