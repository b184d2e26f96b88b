"""A store that hangs or fails holds up no hook call."""

import contextlib
import threading
import time

import pytest

from cdshooks.errors import StoreUnavailableError
from cdshooks.store.bounded import BoundedStore, Lane


class FakeStore:
    """Takes any work; the work says what happens."""


def work(outcome):
    def run(_):
        if isinstance(outcome, Exception):
            raise outcome
        return outcome

    return run


@pytest.fixture
def heard():
    return []


@pytest.fixture
def bounded(heard):
    return BoundedStore(FakeStore(), heard.append, wait_seconds=0.2, rest_seconds=0.3)


def test_rel_01_work_that_hangs_is_not_waited_for_and_not_tried_again_at_once(bounded, heard):
    release = threading.Event()
    with pytest.raises(StoreUnavailableError):
        bounded.attempt(lambda _: release.wait(10))
    tried = []
    with pytest.raises(StoreUnavailableError):
        bounded.attempt(tried.append)
    release.set()
    assert tried == []
    assert heard == ["Timeout"]


def test_fbk_04_a_store_that_works_again_is_found_out_by_itself(bounded, heard):
    with pytest.raises(StoreUnavailableError):
        bounded.attempt(work(StoreUnavailableError("OperationalError")))
    time.sleep(0.35)
    assert bounded.attempt(work("kept")) == "kept"
    assert heard == ["OperationalError", None]


def test_rel_05_readiness_asks_a_resting_store_too(bounded):
    with pytest.raises(StoreUnavailableError):
        bounded.attempt(work(StoreUnavailableError("OperationalError")))
    assert bounded.probe(work(1), 1.0) == 1
    assert bounded.attempt(work(2)) == 2


def test_aut_07_work_that_fills_the_lane_of_calls_holds_up_no_token_and_no_readiness(bounded):
    release = threading.Event()
    hanging = [threading.Thread(target=waited, args=(bounded, release)) for _ in range(12)]
    for it in hanging:
        it.start()
    time.sleep(0.05)
    try:
        assert bounded.probe(work("new"), 0.15, Lane.TOKENS) == "new"
        assert bounded.probe(work("beats"), 0.15, Lane.READINESS) == "beats"
        with pytest.raises(StoreUnavailableError):
            bounded.probe(work("kept"), 0.15)
    finally:
        release.set()
        for it in hanging:
            it.join()


def waited(bounded, release):
    with contextlib.suppress(StoreUnavailableError):
        bounded.probe(lambda _: release.wait(10), 1.0)


def test_a_defect_of_ours_is_not_mistaken_for_a_store_that_is_down(bounded, heard):
    with pytest.raises(ZeroDivisionError):
        bounded.attempt(work(ZeroDivisionError()))
    assert heard == []
