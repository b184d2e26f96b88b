"""How gunicorn runs the service: ``gunicorn -c python:cdshooks.gunicorn_settings cdshooks.wsgi:app``; ``cdshooks serve`` does that.

Read in gunicorn's master before the application is loaded. Source: REL-04, REL-06 to REL-08, OBS-04.
"""

from __future__ import annotations

import atexit
import contextlib
import gc
import os
import shutil
import signal
import sys
import tempfile
import threading
from pathlib import Path
from typing import Any

from cdshooks.draining import begin_draining
from cdshooks.json_lines import LOGGING
from cdshooks.settings import port_of_address, read_server_settings

gc.disable()  # what is loaded at the start stays, and looking it through for garbage takes a quarter of the start
_SHARED_MEMORY = Path("/dev/shm")  # noqa: S108 - a directory in memory, in which we make one of our own
_faults: list[str] = []  # the application tells them, with all others, when it is loaded
_server = read_server_settings(os.environ, _faults)

worker_class = "cdshooks.web.worker.ReceivingWorker" if _server.worker_class == "gthread" else _server.worker_class
threads = _server.threads
preload_app = True  # knowledge is read once and shared by all workers
control_socket_disable = True  # a socket that takes shutdown commands is no business of a service beside patients
logconfig_dict = LOGGING
graceful_timeout = 30
timeout = 30
max_requests = 20_000
max_requests_jitter = 2_000
keepalive = 30


def _memory_directory() -> str:
    return str(_SHARED_MEMORY) if os.access(_SHARED_MEMORY, os.W_OK | os.X_OK) else tempfile.gettempdir()


worker_tmp_dir = _memory_directory()


def _metrics_directory() -> None:
    """Where workers leave their counts; in memory, emptied at each start, for counters begin at zero."""
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        directory = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
        directory.mkdir(parents=True, exist_ok=True)
        for old in directory.glob("*.db"):
            old.unlink(missing_ok=True)
        return
    made = tempfile.mkdtemp(prefix="cdshooks-metrics-", dir=_memory_directory())
    os.environ["PROMETHEUS_MULTIPROC_DIR"] = made
    owner = os.getpid()

    def remove() -> None:
        if os.getpid() == owner:
            shutil.rmtree(made, ignore_errors=True)

    atexit.register(remove)


_metrics_directory()


def on_starting(arbiter: Any) -> None:
    """Put a moment between the order to stop and the end, in which load balancers learn of it while calls are still answered."""
    _check_addresses(arbiter.cfg.address)
    if _server.drain_seconds == 0:
        return
    stop_now = arbiter.handle_term

    def handle_term() -> None:
        from cdshooks.web.events import log_event  # noqa: PLC0415 - the log is set up with the application

        arbiter.handle_term = stop_now  # a second order stops at once
        begin_draining()
        log_event("draining", seconds=_server.drain_seconds)
        end = threading.Timer(_server.drain_seconds, os.kill, (os.getpid(), signal.SIGTERM))
        end.daemon = True
        end.start()

    arbiter.handle_term = handle_term


def _check_addresses(addresses: list[Any]) -> None:
    """Who starts gunicorn himself has to name the address of the metrics too; ``cdshooks serve`` does. Source: OBS-02."""
    ports = {it[1] for it in addresses if isinstance(it, tuple)}
    with contextlib.suppress(ValueError):
        if port_of_address(os.environ.get("CDSHOOKS_METRICS_BIND", "").strip()) not in ports:
            sys.exit("CDSHOOKS_METRICS_BIND is set and gunicorn does not listen there: give it as a second --bind.")


def post_worker_init(_: Any) -> None:
    """Let the worker make its files of counts before the first call."""
    from cdshooks.web.metrics import open_files  # noqa: PLC0415 - reads the directory set above

    open_files()


def child_exit(_: Any, worker: Any) -> None:
    """A worker that has ended keeps its counts, but no longer has calls in flight."""
    from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415 - reads the directory set above

    mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]  # its authors typed the rest
