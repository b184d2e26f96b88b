"""The developer's desk: a real service and a real FHIR server, in one command."""

import os
import socket
import subprocess
import sys

from tests.fetching.conftest import ROOT


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return str(taken.getsockname()[1])


def test_one_command_starts_both_and_a_request_without_prefetch_is_answered():
    command = [sys.executable, "scripts/sandbox.py", "--once", "--port", free_port(), "--fhir-port", free_port()]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False, env={**os.environ, "COLUMNS": "120"})  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert "After 3 finished lines" in done.stdout
    assert "Draft: " in done.stdout
    assert '"event": "answered"' in done.stderr
