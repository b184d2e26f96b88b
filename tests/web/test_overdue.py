"""A call that takes too much of a processor is given up, whatever it is doing, and its neighbours are not touched. Source: INP-09."""

import threading
import time

import pytest

from cdshooks.errors import OverdueError
from cdshooks.web import services
from cdshooks.web.overdue import Watch

LONG = 30.0
"""Of a processor: what nobody would wait for."""


def work(seconds):
    began = time.thread_time()
    while time.thread_time() - began < seconds:
        sum(range(1000))


def test_inp_09_what_takes_too_much_is_given_up():
    began = time.thread_time()
    with pytest.raises(OverdueError), Watch(0.2).over():
        work(LONG)
    assert time.thread_time() - began < LONG / 2


def test_inp_09_without_a_watch_it_would_go_on():
    began = time.thread_time()
    work(0.5)
    assert time.thread_time() - began >= 0.5


def test_inp_09_waiting_costs_nothing_and_what_comes_after_is_untouched():
    watch = Watch(0.2)
    with watch.over():
        time.sleep(0.6)
    work(0.5)  # no longer watched


def test_inp_09_only_the_call_that_is_over_ends():
    watch, ended = Watch(0.3), {}

    def call(name, seconds):
        try:
            with watch.over():
                work(seconds)
            ended[name] = "answered"
        except OverdueError:
            ended[name] = "given up"

    calls = [threading.Thread(target=call, args=it) for it in (("a", 0.01), ("b", LONG), ("c", 0.05), ("d", LONG))]
    for it in calls:
        it.start()
    for it in calls:
        it.join(120)
    assert ended == {"a": "answered", "b": "given up", "c": "answered", "d": "given up"}


def test_inp_09_however_close_the_end_nothing_is_raised_after_it():
    watch, ended = Watch(0.05), []
    for _ in range(40):
        try:
            with watch.over():
                work(0.05)
            ended.append("answered")
        except OverdueError:
            ended.append("given up")
        work(0.002)  # would be hit by what was raised too late
    assert len(ended) == 40


def test_inp_09_a_call_that_is_given_up_is_503_and_the_next_one_is_answered(fire, story_request, monkeypatch):
    real = services.answer_hook

    def slow(*given, **named):
        work(LONG)
        return real(*given, **named)

    monkeypatch.setattr(services, "answer_hook", slow)
    answer = fire(story_request)
    assert (answer.status_code, answer.headers["Retry-After"]) == (503, "1")
    assert answer.get_json()["issue"][0]["code"] == "throttled"
    monkeypatch.undo()
    assert fire(story_request).status_code == 200
