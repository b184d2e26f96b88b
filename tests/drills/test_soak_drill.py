"""A long conversation with everything in it that a day brings: memory, files, threads and the store's log stay as they are.

``SOAK_MINUTES=30 make drill`` runs as long as a release asks for; without it nothing soaks, for below half an hour what is still
filling looks like a leak. Source: REL-10.
"""

import contextlib
import copy
import itertools
import json
import os
import re
import statistics
import threading
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import NamedTuple

import pytest

from tests.drills.conftest import CALL, ROOT, STORY, overridden

pytestmark = pytest.mark.drill
SECONDS = float(os.environ.get("SOAK_MINUTES", "0")) * 60
CALLERS = 4
CALLS_A_SECOND = 20
"""Of all callers together, as REL-10 says."""
MB_A_MINUTE, MB_OF_NOISE = 1.0, 12.0
"""For each worker. What an allocator keeps for a while is noise in a short run; in a long one only the slope counts."""
FILES, THREADS = 16, 8
"""For each worker. Connections to FHIR servers are kept for half a minute, and a pool has as many threads as were ever needed at once:
both follow the busiest moment of a machine, and both have bounds (32 and 64 for each server)."""
WAL_MB = 12.0
OF_A_BUSY_STORE = {("feedback", 404), ("feedback", 503), ("ready", 503)}
"""What a call may come to when the store was too slow for its moment; the metric then says so."""


class Seen(NamedTuple):
    """The workers at a moment: resident memory, open files, threads; and what the store's log holds."""

    at: float
    resident_mb: float
    files: int
    threads: int
    wal_mb: float


def grown(seen, of):
    """How much a figure has grown from the second quarter to the last, each by its median; the first is for warming up."""
    quarter = len(seen) // 4
    early = [of(it) for it in seen[quarter : 2 * quarter]]
    late = [of(it) for it in seen[-quarter:]]
    return statistics.median(late) - statistics.median(early)


def _at(seen, seconds):
    """Resident memory about a moment: the median of the half minute before it."""
    return statistics.median(it.resident_mb for it in seen if seconds - 30 <= it.at <= seconds)


def faults_of(seen, workers):
    """What is not flat, in words."""
    minutes = (seen[-1].at - seen[0].at) / 60
    found = []
    if grown(seen, lambda it: it.resident_mb) > workers * max(MB_OF_NOISE, MB_A_MINUTE * minutes):
        found.append("memory")
    if grown(seen, lambda it: it.files) > FILES * workers:
        found.append("files")
    if grown(seen, lambda it: it.threads) > THREADS * workers:
        found.append("threads")
    if max(it.wal_mb for it in seen) > WAL_MB:
        found.append("store's log")
    return found


FLAT = [Seen(at, 200.0 + at % 3, 60 + int(at) % 5, 90, 4.0) for at in range(80)]


@pytest.mark.parametrize(
    ("change", "faults"),
    [
        (lambda it: it, []),
        (lambda it: it._replace(resident_mb=it.resident_mb + 40.0 * (it.at < 10)), []),  # warming up is no leak
        (lambda it: it._replace(resident_mb=it.resident_mb + it.at), ["memory"]),
        (lambda it: it._replace(files=it.files + int(it.at)), ["files"]),
        (lambda it: it._replace(threads=it.threads + int(it.at) // 2), ["threads"]),
        (lambda it: it._replace(wal_mb=it.at), ["store's log"]),
    ],
    ids=["flat", "warming up", "leaks memory", "leaks files", "leaks threads", "never checkpoints"],
)
def test_rel_10_what_leaks_would_be_noticed(change, faults):
    assert faults_of([change(it) for it in FLAT], workers=2) == faults


def _files(process):
    """How many of each kind of file a process holds open; sockets and pipes are numbered, so only their kind is counted."""
    kinds = Counter()
    for number in os.listdir(f"/proc/{process}/fd"):  # noqa: PTH208 - Path.iterdir would stumble over what closes meanwhile
        with contextlib.suppress(FileNotFoundError):
            target = os.readlink(f"/proc/{process}/fd/{number}")  # noqa: PTH115 - as above
            kinds[target.partition(":")[0] if ":" in target else Path(target).name] += 1
    return kinds


def _look(service, began, store):
    resident = files = threads = 0
    for process in service.workers():
        status = Path(f"/proc/{process}/status").read_text()
        resident += int(re.search(r"VmRSS:\s+(\d+)", status)[1])
        threads += int(re.search(r"Threads:\s+(\d+)", status)[1])
        files += sum(_files(process).values())
    log = Path(f"{store}-wal")
    wal = log.stat().st_size / 1e6 if log.exists() else 0.0
    return Seen(time.monotonic() - began, resident / 1024, files, threads, wal)


def _day(service, ehr):
    """One round of a day: each step is named, and gives the status that came and the one that was due."""
    fetched = json.loads(
        (ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json").read_text(
            "utf-8"
        )
    )
    del fetched["prefetch"]
    other = copy.deepcopy(STORY)
    other["prefetch"]["conditions"]["entry"][0]["resource"]["subject"] = {"reference": "Patient/another"}
    status, answer, _ = service.post(CALL, STORY)
    yield "sent along", status, 200
    for card in answer.get("cards", [])[:1]:
        yield "feedback", service.post(f"{CALL}/feedback", overridden(card))[0], 200
    yield "fetched", service.post(CALL, {**fetched, "fhirServer": f"{ehr}/none~None/fhir"})[0], 200
    yield "server fails", service.post(CALL, {**fetched, "fhirServer": f"{ehr}/status-500~Condition/fhir"})[0], 412
    yield "pages loop", service.post(CALL, {**fetched, "fhirServer": f"{ehr}/loop~Condition/fhir"})[0], 412
    yield "too little sent", service.post(CALL, {**STORY, "prefetch": {}})[0], 412
    yield "another patient", service.post(CALL, other)[0], 400
    yield "not JSON", service.send("POST", CALL, b'{"hook": NaN', **{"Content-Type": "application/json"})[0], 400
    yield "not as JSON", service.send("POST", CALL, b"{}", **{"Content-Type": "text/plain"})[0], 415
    yield "nowhere", service.get("/cds-services/none")[0], 405
    yield "ready", service.get("/readyz")[0], 200
    yield "metrics", service.get("/metrics")[0], 200


@pytest.mark.skipif(SECONDS == 0, reason="below half an hour, what is still filling looks like a leak")
def test_rel_10_memory_files_threads_and_the_stores_log_stay_flat(start, tell, ehr, tmp_path):
    workers = 2
    store = tmp_path / "store.db"
    service = start(
        workers=workers,
        GUNICORN_CMD_ARGS="--max-requests 0",  # a worker that is replaced would hide what it leaks
        CDSHOOKS_DATABASE_URL=f"sqlite:///{store}",
        CDSHOOKS_DEADLINE_MS="20000",  # a loaded machine is no fault here
    )
    stop, calls, wrong = threading.Event(), itertools.count(), []

    def live():
        while not stop.is_set():
            for step, status, due in _day(service, ehr):
                due_at = began + next(calls) / CALLS_A_SECOND
                if status != due:
                    wrong.append((step, status))
                time.sleep(max(0.0, due_at - time.monotonic()))

    def warm_up():
        """Many at once, so that every pool has had its most threads before anything is measured."""
        with ThreadPoolExecutor(8 * CALLERS) as crowd:
            for it in [crowd.submit(lambda: list(_day(service, ehr))) for _ in range(16 * CALLERS)]:
                wrong.extend((step, status) for step, status, due in it.result() if status not in {due, 503})

    warm_up()
    first = set(service.workers())  # now that all have been started
    callers = [threading.Thread(target=live) for _ in range(CALLERS)]
    began = time.monotonic()
    for it in callers:
        it.start()
    seen, opened = [], sum(map(_files, first), Counter())
    while time.monotonic() - began < SECONDS:
        seen.append(_look(service, began, store))
        time.sleep(max(0.25, SECONDS / 1000))
    more_open = sum(map(_files, first), Counter()) - opened
    stop.set()
    for it in callers:
        it.join(60)
    counted = next(calls)
    at_minutes = {it: _at(seen, 60 * it) for it in (5, 10, 20, 30) if 60 * it <= SECONDS + 1}
    was_busy = bool(re.search(r"^cds_store_failures_total\S* [1-9]", service.get("/metrics")[1], re.MULTILINE))
    unexplained = [it for it in wrong if not (was_busy and it in OF_A_BUSY_STORE)]
    tell(
        "soak",
        seconds=round(SECONDS),
        calls=counted,
        unexpected=sorted(set(unexplained)) or 0,
        for_a_busy_store=len(wrong) - len(unexplained),
        memory_mb=f"{seen[0].resident_mb:.0f} to {seen[-1].resident_mb:.0f}",
        **{f"minute_{minute}_mb": f"{mb:.0f}" for minute, mb in at_minutes.items()},
        grown_after_warming_up_mb=round(grown(seen, lambda it: it.resident_mb), 1),
        files=f"{seen[len(seen) // 4].files} to {seen[-1].files}",
        more_files=dict(more_open) or 0,
        threads=f"{seen[len(seen) // 4].threads} to {seen[-1].threads}",
        log_of_the_store_mb=round(max(it.wal_mb for it in seen), 1),
        store_bytes_a_call=round(store.stat().st_size / counted),
    )
    assert unexplained == []
    assert set(service.workers()) == first
    assert faults_of(seen, workers) == []
