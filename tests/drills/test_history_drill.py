"""Every operation of many clients is written down with its times while the service is killed, paused and denied its disk. Source: FBK-07.

Afterwards one claim is checked over the whole history: what was acknowledged is kept, once, as it was sent, and nothing else is there.
"""

import contextlib
import http.client
import itertools
import os
import random
import resource
import signal
import sqlite3
import threading
import time
from collections import Counter
from typing import NamedTuple

import pytest

from tests.drills.conftest import CALL, numbers_kept, overridden

pytestmark = pytest.mark.drill
ROUNDS, CLIENTS = 5, 4
_UNANSWERED = 0
_MOST_TRIES = 4


class Operation(NamedTuple):
    """One answer of a clinician as one client sent it: which, when it began and ended by one clock, and what came back."""

    number: int
    began: float
    ended: float
    status: int


def broken(history, kept):
    """What contradicts the claim, as a sentence each. ``kept`` are the numbers of the answers in the store, as often as they stand there."""
    times = Counter(kept)
    sent = {it.number for it in history}
    acknowledged = {it.number for it in history if it.status == 200}
    refused = {it.number for it in history if 400 <= it.status < 500}
    found = [f"{it} was acknowledged and is not kept" for it in sorted(acknowledged - times.keys())]
    found += [f"{it} is kept {many} times" for it, many in sorted(times.items()) if many > 1]
    found += [f"{it} is kept and was never sent" for it in sorted(times.keys() - sent)]
    found += [f"{it} was refused for good and is kept" for it in sorted((refused - acknowledged) & times.keys())]
    found += [f"{it.number} ended before it began" for it in history if it.ended < it.began]
    return found


HELD = [
    Operation(1, 0.0, 0.1, 200),
    Operation(2, 0.1, 0.4, 503),
    Operation(2, 0.5, 0.6, 200),
    Operation(3, 0.2, 0.9, 0),
]


@pytest.mark.parametrize(
    ("history", "kept", "sentences"),
    [
        (HELD, [1, 2], []),
        (HELD, [2, 1, 3], []),  # nobody knows of the third whether it arrived before its worker was killed
        (HELD, [1], ["2 was acknowledged and is not kept"]),
        (HELD, [1, 2, 2], ["2 is kept 2 times"]),
        (HELD, [1, 2, 3, 3], ["3 is kept 2 times"]),
        (HELD, [1, 2, 9], ["9 is kept and was never sent"]),
        ([*HELD, Operation(4, 1.0, 1.1, 404)], [1, 2, 4], ["4 was refused for good and is kept"]),
        ([*HELD, Operation(4, 1.0, 0.9, 503)], [1, 2], ["4 ended before it began"]),
    ],
    ids=["as it should be", "unanswered and kept", "lost", "doubled", "doubled unanswered", "made up", "refused", "a clock that runs back"],
)  # fmt: skip
def test_fbk_07_a_history_that_breaks_the_claim_is_told_from_one_that_keeps_it(history, kept, sentences):
    assert broken(history, kept) == sentences


def _killed(service, chance, _):
    os.kill(chance.choice(service.workers()), signal.SIGKILL)


def _paused(service, chance, _):
    """A worker that stands still in the middle of whatever it does, as on a machine that swaps, and then goes on."""
    worker = chance.choice(service.workers())
    os.kill(worker, signal.SIGSTOP)
    time.sleep(chance.uniform(0.2, 0.6))
    os.kill(worker, signal.SIGCONT)


def _full(service, chance, _):
    """The disk takes nothing more for a while."""
    workers = service.workers()
    for most in (4096, resource.RLIM_INFINITY):
        for it in workers:
            with contextlib.suppress(ProcessLookupError):
                resource.prlimit(it, resource.RLIMIT_FSIZE, (most, resource.RLIM_INFINITY))
        time.sleep(chance.uniform(0.4, 0.8))


def _locked(_, chance, store):
    """Another program holds the store for a while."""
    other = sqlite3.connect(store, isolation_level=None, timeout=5)
    try:
        other.execute("BEGIN EXCLUSIVE")
        time.sleep(chance.uniform(0.2, 0.6))
        other.execute("ROLLBACK")
    finally:
        other.close()


FAULTS = {"killed": _killed, "paused": _paused, "full": _full, "locked": _locked}


def _client(stop, service, card, numbers, history):
    """Sends one answer after the other, each again until it is settled, as the EHR does."""
    while not stop.is_set():
        number = next(numbers)
        for _ in range(_MOST_TRIES):
            began = time.monotonic()
            try:
                status = service.post(f"{CALL}/feedback", overridden(card, number))[0]
            except (OSError, http.client.HTTPException):
                status = _UNANSWERED
            history.append(Operation(number, began, time.monotonic(), status))
            if status not in {_UNANSWERED, 503} or stop.is_set():
                break
            time.sleep(0.05)


def test_fbk_07_what_was_acknowledged_is_kept_once_whatever_befalls_the_service(start, tmp_path, tell):
    chance = random.Random(11)
    store = tmp_path / "store.db"
    url = f"sqlite:///{store}"
    history, done, card = [], Counter(), None
    numbers = itertools.count()
    for _ in range(ROUNDS):
        service = start(workers=3, CDSHOOKS_DATABASE_URL=url)
        card = card or service.show()[0]
        stop = threading.Event()
        clients = [
            threading.Thread(target=_client, args=(stop, service, card, numbers, history)) for _ in range(CLIENTS)
        ]
        for it in clients:
            it.start()
        for name in chance.sample(list(FAULTS), len(FAULTS)):
            time.sleep(chance.uniform(0.2, 0.5))
            with contextlib.suppress(IndexError, ProcessLookupError, sqlite3.OperationalError):
                FAULTS[name](service, chance, store)
                done[name] += 1
        time.sleep(chance.uniform(0.2, 0.5))
        service.kill()
        stop.set()
        for it in clients:
            it.join(60)
    kept = numbers_kept(url)
    statuses = Counter(it.status for it in history)
    tell(
        "history of feedback",
        service_killed=ROUNDS,
        faults=dict(done),
        operations=len(history),
        answers=len({it.number for it in history}),
        acknowledged=statuses[200],
        unanswered=statuses[_UNANSWERED],
        turned_away=statuses[503],
        kept=len(kept),
        contradictions=len(broken(history, kept)),
    )
    assert broken(history, kept) == []
    assert set(statuses) <= {_UNANSWERED, 200, 503}
    assert statuses[200] > 50
    assert done.keys() == FAULTS.keys()
    assert min(statuses[_UNANSWERED], statuses[503]) > 0, "the faults hurt nobody"
