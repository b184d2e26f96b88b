"""Measures the service over HTTP beside the floor: the same gunicorn settings, doing only typed decoding and a fixed card."""

from __future__ import annotations

import contextlib
import http.client
import os
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import msgspec
from patients import SyntheticPatient
from setting import PATH, Caller, environment

from cdshooks.cards.actions import prepare_drafts
from cdshooks.ehr.proved import PROVED, write_proved
from cdshooks.knowledge import seal
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.parsed import write_parsed

HERE = Path(__file__).parent
WORKERS = 2
SEEDS = (1, 2)
_TICKS = os.sysconf("SC_CLK_TCK")
_START_WITHIN_SECONDS = 60.0


class Load(msgspec.Struct):
    """What a server did under one load; times are those of the caller, processor time is the server's alone."""

    seconds: float
    processor_seconds: float
    milliseconds: list[float]
    refused: int = 0
    """Calls told to come back (503): the store did not answer in time, or all places were taken."""

    @property
    def per_processor_second(self) -> float:
        """Calls answered for each second of processor time of all server processes."""
        return len(self.milliseconds) / self.processor_seconds if self.processor_seconds else 0.0

    def told(self) -> dict[str, float]:
        """The figures of one line of the table."""
        ranked = sorted(self.milliseconds)
        p50, p99 = statistics.median(ranked), ranked[min(len(ranked) - 1, int(len(ranked) * 0.99))]
        return {
            "calls": len(ranked),
            "refused": self.refused,
            "per_second": len(ranked) / self.seconds,
            "per_processor_second": self.per_processor_second,
            "p50_ms": p50,
            "p99_ms": p99,
            "p99_by_p50": p99 / p50,
        }


class Server:
    """One gunicorn on a free port of loopback."""

    def __init__(self, application: str, folder: Path, **settings: str) -> None:
        self.port = _free_port()
        self.base_url = f"http://127.0.0.1:{self.port}"
        self.caller = Caller(folder, self.base_url)
        kept = {name: it for name, it in os.environ.items() if not name.startswith("CDSHOOKS_")}
        began = time.monotonic()
        self._process = subprocess.Popen(
            f"{sys.executable} -m gunicorn -c python:cdshooks.gunicorn_settings --workers {WORKERS} "
            f"--bind 127.0.0.1:{self.port} {application}".split(),
            env={**kept, **environment(folder, self.base_url), "PYTHONPATH": str(HERE), **settings},
            cwd=HERE.parent,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait("/readyz" if application.startswith("cdshooks") else "/healthz")
        self.seconds_to_ready = time.monotonic() - began
        self.processor_seconds_to_ready = self.processor_seconds()

    def _wait(self, path: str) -> None:
        for _ in range(int(_START_WITHIN_SECONDS / 0.02)):
            if self._process.poll() is not None:
                raise SystemExit("the server did not start")
            with contextlib.suppress(OSError, http.client.HTTPException):
                connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=5)
                connection.request("GET", path)
                if connection.getresponse().status == http.client.OK:
                    return
            time.sleep(0.02)
        raise SystemExit("the server was not ready in time")

    def workers(self) -> list[int]:
        """The process ids of the workers."""
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children").read_text("utf-8")
        return [int(it) for it in children.split()]

    def processor_seconds(self) -> float:
        """Processor time of all processes of the server so far."""
        return sum(_processor_seconds(it) for it in (self._process.pid, *self.workers()))

    def megabytes(self) -> dict[str, float]:
        """Memory of one worker: all that it sees, and what is its own and not shared with the others."""
        found = [megabytes_of(it) for it in self.workers()]
        return {key: max(it[key] for it in found) for key in found[0]}

    def stop(self) -> None:
        """End it and wait for its end."""
        self._process.send_signal(signal.SIGTERM)
        self._process.wait(60)


@contextlib.contextmanager
def served(application: str, **settings: str) -> Iterator[Server]:
    """A server for as long as it is needed."""
    with tempfile.TemporaryDirectory() as folder:
        server = Server(application, Path(folder), **settings)
        try:
            yield server
        finally:
            server.stop()


@contextlib.contextmanager
def sealed_knowledge() -> Iterator[None]:
    """The shipped knowledge parsed and sealed, its drafts proved, as the build of an image does it; a seal that was there stays."""
    was_there = seal.SEAL.exists()
    if not was_there:
        write_proved(prepare_drafts(load_knowledge()))
        write_parsed()
        seal.write_seal()
    try:
        yield
    finally:
        if not was_there:
            for made in (seal.SEAL, seal.PARSED, PROVED):
                made.unlink()


def load(server: Server, bodies: list[bytes], *, callers: int, seconds: float) -> Load:
    """Call for this long over so many kept-alive connections; tokens are signed beforehand, so none waits for one."""
    tokens = [[server.caller.token() for _ in range(_tokens_for(seconds, callers, bodies))] for _ in range(callers)]
    times: list[float] = []
    faults: list[str] = []
    refused: list[int] = []
    end = time.monotonic() + seconds
    threads = [
        threading.Thread(target=_call, args=(server.port, bodies[at % len(bodies) :], own, end, times, refused, faults))
        for at, own in enumerate(tokens)
    ]
    used, began = server.processor_seconds(), time.monotonic()
    for it in threads:
        it.start()
    for it in threads:
        it.join()
    spent = time.monotonic() - began
    if faults:
        raise SystemExit(f"{len(faults)} calls failed, the first: {faults[0]}")
    processor = server.processor_seconds() - used
    return Load(seconds=spent, processor_seconds=processor, milliseconds=times, refused=len(refused))


def in_turns(
    servers: dict[str, Server], bodies: list[bytes], *, callers: int, seconds: float, turns: int
) -> dict[str, Load]:
    """The same load on each server, in short turns, so that what else the machine does falls on all."""
    found = {name: Load(0.0, 0.0, []) for name in servers}
    for _ in range(turns):
        for name, server in servers.items():
            one = load(server, bodies, callers=callers, seconds=seconds / turns)
            whole = found[name]
            whole.seconds += one.seconds
            whole.processor_seconds += one.processor_seconds
            whole.milliseconds += one.milliseconds
            whole.refused += one.refused
    return found


@contextlib.contextmanager
def slow_clients(server: Server, body: bytes, *, many: int) -> Iterator[None]:
    """So many connections that never finish: half stop within the headers, half within the body."""
    head = f"POST {PATH} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n".encode()
    beginnings = (head, head + f"Content-Length: {len(body)}\r\n\r\n".encode() + body[: len(body) // 2])
    with contextlib.ExitStack() as open_ones:
        for number in range(many):
            connection = open_ones.enter_context(socket.create_connection(("127.0.0.1", server.port), timeout=10))
            connection.sendall(beginnings[number % 2])
        yield


def seconds_of_one_call(server: Server, body: bytes, *, patience: float) -> float | None:
    """How long one honest caller waits for cards now, who comes back when told to; None when there are none in this time."""
    began = time.monotonic()
    while (left := patience - (time.monotonic() - began)) > 0:
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=left)
        headers = {"Content-Type": "application/json", "Authorization": server.caller.token()}
        try:
            connection.request("POST", PATH, body, headers)
            answer = connection.getresponse()
            answer.read()
        except OSError:
            return None
        finally:
            connection.close()
        if answer.status == http.client.OK:
            return time.monotonic() - began
        time.sleep(0.1)
    return None


def bodies_of(size: int) -> list[bytes]:
    """Requests of different patients of one size."""
    return [SyntheticPatient(size, seed).request() for seed in SEEDS]


def _call(
    port: int,
    bodies: list[bytes],
    tokens: list[str],
    end: float,
    times: list[float],
    refused: list[int],
    faults: list[str],
) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    for number, token in enumerate(tokens):
        if time.monotonic() >= end:
            break
        began = time.perf_counter()
        try:
            connection.request(
                "POST",
                PATH,
                bodies[number % len(bodies)],
                {"Content-Type": "application/json", "Authorization": token},
            )
            answer = connection.getresponse()
            told = answer.read()
        except (OSError, http.client.HTTPException) as error:
            faults.append(repr(error))
            return
        if answer.status == http.client.OK:
            times.append((time.perf_counter() - began) * 1000)
        elif answer.status == http.client.SERVICE_UNAVAILABLE:
            refused.append(number)
        else:
            faults.append(f"{answer.status} {told[:200]!r}")
            return
    connection.close()


def _tokens_for(seconds: float, callers: int, bodies: list[bytes]) -> int:
    """More than can be used in the time: the floor answers some thousand small calls a second."""
    at_most = 2500 if len(bodies[0]) < 50_000 else 1200 if len(bodies[0]) < 500_000 else 250  # noqa: PLR2004 - bytes
    return max(4, int(seconds * at_most / callers))


def _processor_seconds(process: int) -> float:
    fields = Path(f"/proc/{process}/stat").read_text("utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def megabytes_of(process: int | str = "self") -> dict[str, float]:
    """Memory of a process: resident, and of that what it shares with none."""
    found = {"resident": 0.0, "own": 0.0}
    for line in Path(f"/proc/{process}/smaps_rollup").read_text("utf-8").splitlines():
        name, _, rest = line.partition(":")
        if name in {"Rss", "Private_Clean", "Private_Dirty"}:
            found["resident" if name == "Rss" else "own"] += int(rest.split()[0]) / 1024
    return found


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
