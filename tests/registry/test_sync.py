"""Fetching changed records from a registry that answers, is busy, breaks off or answers nonsense; over loopback."""

import contextlib
import fcntl
import json
import os
import pty
import re
import struct
import subprocess
import sys
import termios
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


class Registry:
    def __init__(self, plan, count):
        words = [sys.executable, "-m", "tests.registry_server", plan, str(count)]
        self.process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = f"http://127.0.0.1:{int(self.process.stdout.readline())}"

    def stop(self):
        """End it; the queries it was asked."""
        self.process.terminate()
        told = self.process.stdout.read()
        self.process.stdout.close()
        self.process.wait(10)
        return [json.loads(it) for it in told.splitlines()]


@pytest.fixture
def registry():
    started = []

    def start(plan="ok", count=5):
        started.append(Registry(plan, count))
        return started[-1]

    yield start
    for it in started:
        if it.process.poll() is None:
            it.stop()


def sync(desk, server, *more, status=0):
    return desk.say("trials", "sync", "--url", server.url, "--page-size", 2, "--first-wait", 0, *more, status=status)


def test_all_pages_are_read_and_the_next_sync_asks_only_for_changes(desk, registry):
    server = registry()
    assert "imported: 5 new" in sync(desk, server)
    assert "0 new, 0 changed, 5 same" in sync(desk, server)
    asked = server.stop()
    assert [it.get("pageToken") for it in asked] == [None, "2", "4", None, "2", "4"]
    assert "RANGE" not in asked[0]["query.term"]
    assert "AREA[LastUpdatePostDate]RANGE[2026-11-24,MAX]" in asked[3]["query.term"]
    assert "EligibilityModule" in asked[0]["fields"]
    assert set(asked[0]) == {"query.cond", "query.term", "fields", "pageSize", "countTotal", "format"}


def test_a_dry_run_keeps_nothing(desk, registry):
    server = registry()
    assert "would import: 5 new" in sync(desk, server, "--dry-run")
    assert "imported: 5 new" in sync(desk, server)


@pytest.mark.parametrize("plan", ["429", "500,500", "truncated", "cut", "ok,429,truncated,500"])
def test_a_busy_or_broken_answer_is_asked_for_again(desk, registry, plan):
    assert "imported: 5 new, 0 changed, 0 same, 0 older, 0 refused" in sync(desk, registry(plan))


def test_a_drip_that_ends_early_is_asked_for_again(desk, registry):
    assert "imported: 5 new" in sync(desk, registry("drip"))


def test_a_record_of_wrong_types_is_refused_and_the_others_are_kept(desk, registry):
    assert "4 new, 0 changed, 0 same, 0 older, 1 refused" in sync(desk, registry("types"), status=1)


def test_a_sync_that_breaks_off_goes_on_at_its_page(desk, registry):
    server = registry("ok,500,500,500,500,500")
    assert "imported: 2 new" in sync(desk, server, status=1)
    assert "broke off: it answers 500" in desk.messages
    told = sync(desk, server)
    assert "goes on where the sync of 2026-11-24 broke off" in told
    assert "imported: 3 new" in told
    assert server.stop()[-2]["pageToken"] == "2"


@pytest.mark.parametrize(("plan", "reason"), [("ok,repeat", "names a page again"), ("huge", "too large")])
def test_a_registry_that_never_ends_is_left(desk, registry, plan, reason):
    sync(desk, registry(plan), status=1)
    assert reason in desk.messages


def in_a_terminal(desk, server):
    """What a person's terminal of 80 columns is sent beside the report, and the report."""
    master, slave = pty.openpty()
    fcntl.ioctl(slave, termios.TIOCSWINSZ, struct.pack("HHHH", 24, 80, 0, 0))
    words = [sys.executable, "-m", "cdshooks", "trials", "sync", "--url", server.url, "--page-size", "2"]
    command = subprocess.Popen(
        [*words, "--first-wait", "0"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=slave,
        text=True,
        env=os.environ | {"TERM": "xterm-256color", "XDG_STATE_HOME": str(desk.state)},
    )
    os.close(slave)
    sent = b""
    with contextlib.suppress(OSError):  # the terminal is gone when the command is
        while chunk := os.read(master, 65536):
            sent += chunk
    os.close(master)
    report = command.stdout.read()
    command.stdout.close()
    assert command.wait(30) == 0
    return sent.decode(), report


def test_a_person_at_a_terminal_sees_how_far_it_has_come(desk, registry):
    sent, report = in_a_terminal(desk, registry("ok,drip"))
    plain = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", sent)
    assert "0/?" in plain
    assert "2/5" in plain
    assert "5/5" in plain
    assert "━" in plain
    assert report.splitlines()[0].startswith("imported: 5 new")
    assert "\x1b" not in report


def test_what_is_not_a_terminal_gets_the_report_alone(desk, registry):
    told = sync(desk, registry("ok,429"))
    assert told.splitlines()[0].startswith("imported: 5 new")
    assert "\x1b" not in told + desk.messages
    assert "━" not in told + desk.messages
    assert desk.messages == ""
