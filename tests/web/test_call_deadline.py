"""A record that takes too long to read is refused whole, in time, and hurts nobody else. Source: INP-09, REL-01."""

import json
import time
from datetime import date

import pytest

from cdshooks.app import build_app
from cdshooks.deadline import NO_DEADLINE, Deadline
from cdshooks.ehr.decode import TOO_LARGE, ResourceCollector
from cdshooks.ehr.explain_unreadable import explain_unreadable
from cdshooks.ehr.resources import DiagnosticReport, Held
from cdshooks.errors import OverdueError
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.order_select import answer_hook
from cdshooks.record.lungs import with_lung_findings
from cdshooks.record.numbers import numbers_in
from cdshooks.record.read import vocabulary_of
from cdshooks.settings import Settings
from cdshooks.web.call_deadline import deadline_of
from cdshooks.web.services import new_uuid
from tests.heavy_bodies import KINDS, heavy

SERVICE = BY_ID["her2-later-line"]
MANY = 20
NOT_READ_ONE_BY_ONE = {"references"}
"""Drugs that are only referred to, and of which nothing but the words beside the reference is there."""


class Asked:
    """A clock that only counts how often it is asked; after so many times, time is over."""

    def __init__(self, most=float("inf")):
        self.times, self._most = 0, most

    def __call__(self):
        self.times += 1
        return self.times > self._most


def answered(body, knowledge, asked):
    request = read_hook_request(SERVICE, body)
    return answer_hook(
        request, knowledge, as_of=date(2026, 11, 24), jurisdiction="US", new_uuid=new_uuid, deadline=Deadline(asked)
    )


def short(story, kind):
    """A few of a kind: enough to see whether each is asked about."""
    return heavy(story, kind, len(json.dumps(story)) + 150_000, MANY)


@pytest.mark.parametrize("kind", KINDS)
def test_inp_09_time_is_asked_for_between_the_resources_of_every_kind(story_request, loaded_knowledge, kind):
    few, many = Asked(), Asked()
    answered(json.dumps(story_request).encode(), loaded_knowledge, few)
    body = short(story_request, kind)
    answered(body, loaded_knowledge, many)
    added = body.count(b'"x') if kind not in NOT_READ_ONE_BY_ONE else 1
    assert many.times - few.times >= min(added, 2)


def test_inp_09_time_is_asked_for_again_when_all_reports_are_in_their_order(loaded_knowledge):
    """Lungs are read in the order of days, so all reports are looked at once before the first of them is read."""
    terms, asked = vocabulary_of(loaded_knowledge).terms, Asked()
    reports = [
        Held(f"DiagnosticReport/{it}", "reports", DiagnosticReport(id=str(it), conclusion="Pneumonitis."))
        for it in range(9)
    ]
    with_lung_findings([], reports, terms, lambda *_, **__: [], Deadline(asked))
    assert asked.times == 2 * len(reports)


@pytest.mark.parametrize("share", [0.0, 0.2, 0.5, 0.8, 0.99])
def test_inp_09_wherever_time_runs_out_no_card_is_made_of_a_part(story_request, loaded_knowledge, share):
    body = short(story_request, "metastases")
    asked = Asked()
    assert answered(body, loaded_knowledge, asked).cards
    with pytest.raises(OverdueError):
        answered(body, loaded_knowledge, Asked(int(asked.times * share)))


@pytest.mark.parametrize(
    ("waited", "used", "is_over"),
    [(0.0, 0.0, False), (9.0, 0.0, False), (0.0, 1.0, False), (9.0, 1.0, True)],
    ids=[
        "a call that has just come",
        "one that waits for its neighbours",
        "one that is in time",
        "one that is heavy and late",
    ],
)
def test_inp_09_a_call_is_ended_for_its_own_work_and_not_for_its_neighbours(monkeypatch, waited, used, is_over):
    monkeypatch.setattr("time.monotonic", lambda: 1000.0 + waited)
    worked = iter([5.0, 5.0 + used])
    monkeypatch.setattr("time.thread_time", lambda: next(worked))
    assert deadline_of(1000.0, 2.0).is_over() is is_over


@pytest.fixture(scope="module")
def hurried(loaded_knowledge, tmp_path_factory):
    """A service whose calls have a fifth of a second."""
    state = tmp_path_factory.mktemp("hurried")
    settings = Settings(
        is_dev=True, is_evaluation=True, today=date(2026, 11, 24), deadline_ms=200, state_directory=state
    )
    return build_app(settings, loaded_knowledge)


def test_inp_09_a_body_that_takes_too_long_gets_503_and_never_an_empty_list(hurried, loaded_knowledge, story_request):
    body = heavy(story_request, "reports", len(json.dumps(story_request)) + 250_000)
    where = "/cds-services/her2-later-line"
    refused = hurried.test_client().post(where, data=body, content_type="application/json")
    assert refused.status_code == 503
    assert refused.headers["Retry-After"] == "1"
    assert refused.json["issue"][0]["code"] == "too-costly"
    assert "cards" not in refused.json
    # it is valid, and within every limit: who has the time gets its cards
    assert answered(body, loaded_knowledge, Asked()).cards


def condition(**members):
    resource = {"resourceType": "Condition", "id": "c", "code": {"text": "breast cancer"}, **members}
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": resource}]}


@pytest.mark.parametrize(
    ("members", "is_read"),
    [
        ({"note": [{"text": "long " * 12_000}] * 4}, True),
        ({"note": [{"text": "long " * 12_000}] * 5}, False),
        ({"text": {"div": "long " * 200_000}}, True),
        ({"extension": [{"url": "http://x", "valueString": "y" * 1000}] * 300}, False),
        ({"id": 7, "note": [{"text": "long " * 12_000}] * 5}, False),
    ],
    ids=["a long course", "a longer one than anybody writes", "a narrative", "extensions", "in a form to be mended"],
)
def test_inp_09_a_resource_too_large_to_be_read_in_time_is_set_aside_and_told(members, is_read):
    collector = ResourceCollector()
    collector.add_json(json.dumps(condition(**members)).encode(), query="conditions")
    found = collector.finish()
    assert bool(found.of("Condition")) is is_read
    assert bool(found.unreadable) is not is_read
    if not is_read and members.get("id") is None:
        assert found.unreadable[0].reason == TOO_LARGE


def test_inp_09_a_large_resource_is_not_explained_fault_by_fault():
    large = json.dumps({"resourceType": "Condition", "note": [{"text": 1}] * 10_000}).encode()
    assert explain_unreadable("Condition", large, "it cannot be read") == "it cannot be read"


def test_inp_09_a_report_that_names_one_receptor_over_and_over_is_read_in_proportion(loaded_knowledge):
    """Once all that stood before each name was read again for it: sixty thousand characters took twenty seconds."""
    reports = vocabulary_of(loaded_knowledge).receptors
    assert reports.read("negative for HER2, ER and PR") == reports.read(f"{'x ' * 999}negative for HER2, ER and PR")
    seconds = []
    for names in (600, 6_000):
        began = time.thread_time()
        reports.read("HER2 and " * names)
        seconds.append(time.thread_time() - began)
    assert seconds[1] < 40 * max(seconds[0], 0.002)


def test_inp_09_a_value_of_many_numbers_is_read_in_proportion():
    """All that stood before each number was read again for its sign: sixty thousand characters took twenty seconds."""
    seconds = []
    for numbers in (2_000, 20_000):
        began = time.thread_time()
        assert len(numbers_in("2- " * numbers)) == numbers
        seconds.append(time.thread_time() - began)
    assert seconds[1] < 40 * max(seconds[0], 0.002)


def test_who_waits_at_a_command_line_has_all_the_time():
    assert list(NO_DEADLINE.each(range(3))) == [0, 1, 2]
