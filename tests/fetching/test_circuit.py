"""When a server is left alone, and when it is asked again. Source: OUT-10."""

import pytest

from cdshooks.fetching.circuit import Circuit


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


@pytest.fixture
def clock():
    return Clock()


@pytest.fixture
def told():
    return []


@pytest.fixture
def circuit(clock, told):
    return Circuit(told.append, clock)


def note(circuit, outcomes):
    for it in outcomes:
        circuit.note(is_failure=it == "x")


@pytest.mark.parametrize(
    ("outcomes", "rests"),
    [
        ("xxxx", False),
        ("xxxxx", True),
        ("xxxx.xxxx.", False),
        ("xx." * 6 + "xx", True),  # of twenty, more than half
        ("x." * 20, False),
    ],
)
def test_out_10_when_it_is_left_alone(circuit, told, outcomes, rests):
    note(circuit, outcomes)
    assert told == ([True] if rests else [])
    assert circuit.admits() is not rests


def test_out_10_old_failures_are_forgotten(circuit, clock):
    for it in "xx." * 6 + "xx":
        note(circuit, it)
        clock.now += 1.0
    assert circuit.admits()


def test_out_10_after_a_rest_one_call_tries_and_the_others_do_not_wait(circuit, clock, told):
    note(circuit, "xxxxx")
    clock.now = 9.9
    assert not circuit.admits()
    clock.now = 10.1
    assert circuit.admits()
    assert not circuit.admits()
    note(circuit, ".")
    assert circuit.admits()
    assert told == [True, False]


def test_out_10_an_answer_to_what_was_asked_before_ends_no_rest(circuit, told):
    note(circuit, "xxxxx.")
    assert not circuit.admits()
    assert told == [True]


def test_out_10_a_try_that_fails_begins_another_rest(circuit, clock, told):
    note(circuit, "xxxxx")
    clock.now = 10.1
    assert circuit.admits()
    note(circuit, "x")
    clock.now = 20.0
    assert not circuit.admits()
    assert told == [True]
