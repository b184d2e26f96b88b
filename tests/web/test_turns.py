"""Calls of one worker compute in turns: in order, two at once, and nobody waits long. Source: REL-04."""

import threading
import time
from contextlib import ExitStack

import pytest

from cdshooks.ehr.source import Fetched, Query
from cdshooks.web.turns import Turns

LONG = 30.0
QUERY = Query(key="conditions", kind="Condition", path="Condition?patient=1")


class Crowd:
    """Threads that ask for a turn one after the other, each holding it until it is told to end."""

    def __init__(self, turns):
        self.turns, self.began, self._ends, self._threads = turns, [], {}, []

    def ask(self, name):
        """Ask for a turn, and wait until the thread has one or stands in the queue."""
        self._ends[name] = threading.Event()
        asked = threading.Event()

        def call():
            asked.set()
            with self.turns.turn():
                self.began.append(name)
                assert self._ends[name].wait(LONG)

        thread = threading.Thread(target=call)
        self._threads.append(thread)
        thread.start()
        assert asked.wait(LONG)
        self.until(lambda: name in self.began or len(self.turns._waiting) >= len(self._threads) - len(self.began))

    def end(self, name):
        self._ends[name].set()

    def until(self, holds):
        end = time.monotonic() + LONG
        while not holds():
            assert time.monotonic() < end
            time.sleep(0.001)

    def close(self):
        for it in self._ends.values():
            it.set()
        for it in self._threads:
            it.join(LONG)
            assert not it.is_alive()


@pytest.fixture
def crowd():
    made = Crowd(Turns(at_once=2, patience=LONG))
    yield made
    made.close()


def test_rel_04_two_compute_at_once_and_the_others_follow_in_the_order_in_which_they_asked(crowd):
    for name in "abcde":
        crowd.ask(name)
    assert crowd.began == ["a", "b"]
    crowd.end("b")
    crowd.until(lambda: len(crowd.began) == 3)
    crowd.end("a")
    crowd.until(lambda: len(crowd.began) == 4)
    crowd.end("c")
    crowd.until(lambda: len(crowd.began) == 5)
    assert crowd.began == ["a", "b", "c", "d", "e"]


def test_rel_04_who_waits_for_another_machine_lets_the_next_compute_and_then_waits_for_a_turn(crowd):
    crowd.ask("a")
    seen = []

    class Slow:
        def fetch(self, queries):
            crowd.ask("b")
            crowd.ask("c")
            seen.append(list(crowd.began))
            crowd.end("c")
            crowd.end("a")
            return tuple(Fetched() for _ in queries)

    with crowd.turns.turn():
        answers = crowd.turns.set_aside_while(Slow()).fetch([QUERY])
        assert crowd.began == ["a", "b", "c"]  # and only then had this call its turn again
    assert answers == (Fetched(),)
    assert seen == [["a", "b"]]


def test_a_source_that_is_asked_nothing_keeps_the_turn_and_none_stays_none():
    turns = Turns(at_once=1, patience=LONG)

    class Never:
        def fetch(self, queries):
            raise AssertionError(queries)

    with turns.turn():
        assert turns.set_aside_while(Never()).fetch([]) == ()
        assert turns._free == 0
    assert turns.set_aside_while(None) is None


def test_inp_09_nobody_waits_long_behind_a_heavy_call_and_turns_are_counted_right_afterwards():
    turns = Turns(at_once=2, patience=0.05)
    with turns.turn(), turns.turn(), turns.turn(), turns.turn():
        assert turns._free == -2
    assert turns._free == 2
    assert not turns._waiting


def test_a_call_that_fails_gives_its_turn_back():
    turns = Turns(at_once=1, patience=LONG)
    with pytest.raises(ValueError, match="it failed"), turns.turn():
        raise ValueError("it failed")
    with ExitStack() as stack:
        stack.enter_context(turns.turn())
        assert turns._free == 0


@pytest.mark.parametrize("patience", [0.0, 0.001, LONG])
def test_rel_04_many_calls_all_have_their_turn_and_no_turn_is_lost_or_made(patience):
    turns = Turns(at_once=2, patience=patience)
    computing, most, done, lock = [0], [0], [], threading.Lock()

    class Quick:
        def fetch(self, queries):
            time.sleep(0.0005)
            return tuple(Fetched() for _ in queries)

    source = turns.set_aside_while(Quick())

    def calls():
        for _ in range(20):
            with turns.turn():
                with lock:
                    computing[0] += 1
                    most[0] = max(most[0], computing[0])
                time.sleep(0.0002)
                with lock:
                    computing[0] -= 1
                source.fetch([QUERY])
                done.append(1)

    threads = [threading.Thread(target=calls) for _ in range(12)]
    for it in threads:
        it.start()
    for it in threads:
        it.join(LONG)
    assert len(done) == 240
    assert (turns._free, list(turns._waiting)) == (2, [])
    assert most[0] <= 2 or patience < LONG
