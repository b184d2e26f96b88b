"""The store is down, read-only, full, locked or killed: hook calls answer, nothing acknowledged is lost."""

import contextlib
import http.client
import os
import random
import resource
import shutil
import signal
import sqlite3
import subprocess
import threading
import time

import pytest

from tests.drills.conftest import CALL, numbers_kept, overridden

ROUNDS, WRITERS = 5, 4
pytestmark = pytest.mark.drill


def _is_refused(service, card, number):
    status, answer, headers = service.post(f"{CALL}/feedback", overridden(card, number))
    return status == 503 and answer["resourceType"] == "OperationOutcome" and int(headers["Retry-After"]) > 0


def _slowest(service, calls):
    slowest = 0.0
    for _ in range(calls):
        began = time.monotonic()
        service.show()
        slowest = max(slowest, time.monotonic() - began)
    return slowest


def _check_broken(service, card, number):
    """What holds while the store is broken: cards, no false success, and /readyz that says what is wrong."""
    slowest = _slowest(service, 6)
    assert _is_refused(service, card, number)
    assert slowest < 2.0  # the hard ceiling of any answer (REL-01)
    said = service.wait_until_ready(status=503)
    assert "store" in said["problems"][0]
    assert service.get("/healthz")[0] == 200
    return {"hook_calls_answered_while_broken": 6, "slowest_ms": round(1000 * slowest), "false_successes": 0}


def _check_mended(service, card, number):
    began = time.monotonic()
    service.wait_until_ready()
    assert service.post(f"{CALL}/feedback", overridden(card, number))[0] == 200
    return {"ready_again_after_ms": round(1000 * (time.monotonic() - began))}


def test_fbk_04_postgresql_refuses_connections(start, database, tell):
    service = start(CDSHOOKS_DATABASE_URL=database.url)
    card = service.show()[0]
    database.say(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS false")
    database.end_connections()
    figures = _check_broken(service, card, 1)
    database.say(f"ALTER DATABASE {database.name} ALLOW_CONNECTIONS true")
    tell("store down (PostgreSQL)", **figures, **_check_mended(service, card, 1))


def test_fbk_04_postgresql_is_read_only(start, database, tell):
    service = start(CDSHOOKS_DATABASE_URL=database.url)
    card = service.show()[0]
    database.say(f"ALTER DATABASE {database.name} SET default_transaction_read_only = on")
    database.end_connections()
    figures = _check_broken(service, card, 1)
    database.say(f"ALTER DATABASE {database.name} SET default_transaction_read_only = off")
    database.end_connections()
    tell("store read-only (PostgreSQL)", **figures, **_check_mended(service, card, 1))


def test_fbk_04_sqlite_is_read_only(start, tmp_path, tell):
    """Root may write any file, so for root the directory is mounted read-only, in a name space that only the service sees."""
    state = tmp_path / "cdshooks"
    first = start()
    card = first.show()[0]
    first.stop()
    if os.geteuid() != 0:
        _permit(state, 0o500, 0o400)
        service = start()
    else:
        if subprocess.run(["unshare", "-m", "true"], capture_output=True, check=False).returncode != 0:
            pytest.skip("root may write everything here, and may not mount a directory read-only")
        mount = 'mount --bind "$0" "$0" && mount -o remount,bind,ro "$0" && exec "$@"'
        service = start(within=["unshare", "-m", "sh", "-c", mount, str(state)])
    figures = _check_broken(service, card, 1)
    if os.geteuid() != 0:
        _permit(state, 0o700, 0o600)
    else:
        again = ["nsenter", "-m", "-t", str(service.process.pid), "mount", "-o", "remount,bind,rw", str(state)]
        subprocess.run(again, check=True)
    tell("store read-only (SQLite)", **figures, **_check_mended(service, card, 1))


def _permit(state, of_directory, of_file):
    state.chmod(of_directory)
    for it in state.iterdir():
        it.chmod(of_file)


def test_fbk_04_sqlite_has_no_space_left(start, tell):
    service = start()
    card = service.show()[0]
    limited = service.workers()
    for worker in limited:  # from now on every write beyond the first page fails, as on a full disk
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (4096, resource.RLIM_INFINITY))
    figures = _check_broken(service, card, 1)
    for worker in limited:
        resource.prlimit(worker, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    tell("store full (SQLite)", **figures, **_check_mended(service, card, 1))


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not there to fail a flush")
def test_fbk_04_the_disk_fails_to_flush(start, tell):
    """What is not known to be on the disk is not acknowledged; the same answer is taken when the disk is well again."""
    service = start(workers=1)
    card = service.show()[0]
    (worker,) = service.workers()
    words = [
        "strace",
        "-f",
        "-qq",
        "-o",
        os.devnull,
        "-e",
        "trace=fsync,fdatasync",
        "-e",
        "inject=fsync,fdatasync:error=EIO",
    ]
    with subprocess.Popen([*words, "-p", str(worker)], stderr=subprocess.PIPE, text=True) as failing:
        until = time.monotonic() + 30
        while not _is_refused(service, card, 1):
            if failing.poll() is not None:
                pytest.skip("no process may be traced here")
            assert time.monotonic() < until, "an answer was acknowledged that the disk had not taken"
        cards = [service.show() for _ in range(3)]
        refused = _is_refused(service, card, 2)
        failing.send_signal(signal.SIGINT)
        failing.wait(10)
    assert refused
    assert all(cards)
    tell("a disk that fails to flush", hook_calls_answered=len(cards), **_check_mended(service, card, 1))
    assert service.post(f"{CALL}/feedback", overridden(card, 2))[0] == 200


def test_fbk_04_sqlite_is_locked_by_another_program_for_longer_than_we_wait(start, tmp_path, tell):
    service = start()
    card = service.show()[0]
    other = sqlite3.connect(tmp_path / "cdshooks" / "store.db", isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    refused = []
    crowd = [threading.Thread(target=lambda: refused.append(_is_refused(service, card, 1))) for _ in range(40)]
    for it in crowd:  # more feedback waits for the lock than there are places for it
        it.start()
    figures = _check_broken(service, card, 1)
    for it in crowd:
        it.join(60)
    assert refused == [True] * 40
    other.execute("ROLLBACK")
    other.close()
    tell("store locked (SQLite)", **figures, **_check_mended(service, card, 1))


def _write_until(stop, service, card, numbers, acknowledged, statuses):
    while not stop.is_set():
        number = next(numbers)
        try:
            status = service.post(f"{CALL}/feedback", overridden(card, number))[0]
        except (OSError, http.client.HTTPException):
            status = 0  # the worker was killed: nothing was acknowledged, and the EHR may send it again
        if status == 200:
            acknowledged.append(number)
        statuses.append(status)


@pytest.mark.parametrize("store", ["sqlite", "postgresql"])
def test_fbk_01_kills_lose_no_acknowledged_answer_and_double_none(start, request, store, tmp_path, tell):
    chance = random.Random(7)
    url = f"sqlite:///{tmp_path}/store.db" if store == "sqlite" else request.getfixturevalue("database").url
    numbers, acknowledged, statuses, kills = iter(range(10_000_000)), [], [], 0
    lock = threading.Lock()

    class Shared:
        def __next__(self):
            with lock:
                return next(numbers)

    card = None
    for _ in range(ROUNDS):
        service = start(workers=4, CDSHOOKS_DATABASE_URL=url)
        card = card or service.show()[0]
        stop = threading.Event()
        writers = [
            threading.Thread(target=_write_until, args=(stop, service, card, Shared(), acknowledged, statuses))
            for _ in range(WRITERS)
        ]
        for it in writers:
            it.start()
        for _ in range(4):
            time.sleep(chance.uniform(0.1, 0.4))
            with contextlib.suppress(IndexError, ProcessLookupError):
                os.kill(chance.choice(service.workers()), signal.SIGKILL)
                kills += 1
        time.sleep(chance.uniform(0.1, 0.4))
        service.kill()
        stop.set()
        for it in writers:
            it.join(40)
    kept = numbers_kept(url)
    lost, doubled = set(acknowledged) - set(kept), len(kept) - len(set(kept))
    tell(
        f"kill -9 ({store})",
        service_killed=ROUNDS,
        workers_killed=kills,
        acknowledged=len(acknowledged),
        kept=len(kept),
        lost=len(lost),
        doubled=doubled,
        unanswered=statuses.count(0),
    )
    assert len(acknowledged) > 50
    assert (lost, doubled) == (set(), 0)
    assert set(statuses) <= {0, 200, 503}
