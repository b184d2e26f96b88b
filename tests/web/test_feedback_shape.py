"""What a body of feedback must hold, told by the path of its first fault."""

from datetime import UTC, datetime

import msgspec
import pytest

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.feedback import read_feedback

ACCEPTED = {
    "card": "c",
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "s"}],
    "outcomeTimestamp": "2026-11-24T09:31:00.5Z",
}
OVERRIDDEN = {"card": "c", "outcome": "overridden", "outcomeTimestamp": "2026-11-24T09:31:00Z"}


def read(**changed):
    item = {it: value for it, value in (OVERRIDDEN | changed).items() if value is not ...}
    return read_feedback(msgspec.json.encode({"feedback": [item]}))[0]


def test_f_5_an_accepted_suggestion_is_read():
    (answer,) = read_feedback(msgspec.json.encode({"feedback": [ACCEPTED], "unknown": 1}))
    assert answer.accepted_suggestions == ("s",)
    assert answer.outcome_at == datetime(2026, 11, 24, 9, 31, 0, 500_000, tzinfo=UTC)


@pytest.mark.parametrize(
    "told",
    [
        {"overrideReason": {"reason": {"code": "r", "system": "u"}}},
        {"overrideReasons": {"reason": {"code": "r", "system": "u"}}},
        {"overrideReasons": [{"reason": {"code": "r", "system": "u"}}]},
        {"overrideReasons": [{"code": "r", "system": "u", "display": "R"}]},
    ],
)
def test_f_14_a_reason_is_read_in_the_standards_spelling_and_in_epics(told):
    reason = read(**told).override_reason
    assert (reason.code, reason.system) == ("r", "u")


def test_f_6_no_reason_is_an_answer_too():
    assert read().override_reason is None


@pytest.mark.parametrize(
    ("changed", "path"),
    [
        ({"card": ...}, "card"),
        ({"card": ""}, "card"),
        ({"card": "x" * 65}, "card"),
        ({"card": 1}, "card"),
        ({"outcome": "ignored"}, "outcome"),
        ({"outcome": "accepted"}, "acceptedSuggestions"),
        ({"outcome": "accepted", "acceptedSuggestions": []}, "acceptedSuggestions"),
        ({"outcome": "accepted", "acceptedSuggestions": ["s"]}, "acceptedSuggestions[0]"),
        ({"acceptedSuggestions": [{"id": "s"}]}, "acceptedSuggestions"),
        ({"overrideReason": {}}, "overrideReason"),
        ({"overrideReason": {"reason": {"system": "u"}}}, "overrideReason"),
        ({"overrideReason": {"reason": {"code": "x" * 201}}}, "overrideReason.reason.code"),
        ({"overrideReason": {"reason": {"code": "a\x00b"}}}, "overrideReason.reason.code"),
        ({"overrideReason": {"userComment": "x" * 2001}}, "overrideReason.userComment"),
        ({"outcomeTimestamp": ...}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "2026-11-24"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "2026-11-24T09:31:00"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "2026-02-30T09:31:00Z"}, "outcomeTimestamp"),
        ({"outcomeTimestamp": "0001-01-01T00:00:00+14:00"}, "outcomeTimestamp"),
    ],
)
def test_fbk_03_a_faulty_item_is_named_by_its_path(changed, path):
    with pytest.raises(BadHookRequestError) as refused:
        read(**changed)
    assert refused.value.path == f"$.feedback[0].{path}"


@pytest.mark.parametrize(
    "body", [b"[]", b"{}", b'{"feedback":{}}', b'{"feedback":[]}', b"{", b'{"feedback":[],"feedback":[]}']
)
def test_f_2_a_body_without_a_list_of_answers_is_refused(body):
    with pytest.raises(BadHookRequestError):
        read_feedback(body)


def test_fbk_03_a_body_holds_at_most_a_thousand_answers():
    assert len(read_feedback(msgspec.json.encode({"feedback": [OVERRIDDEN] * 1000}))) == 1000
    with pytest.raises(BadHookRequestError):
        read_feedback(msgspec.json.encode({"feedback": [OVERRIDDEN] * 1001}))


@pytest.mark.parametrize(
    ("members", "code"),
    [
        (("overrideReason", "overrideReasons"), "one"),
        (("overrideReasons", "overrideReason"), "several"),
        (("overrideReasons",), "several"),
    ],
)
def test_f_14_the_clients_own_spelling_counts_before_the_other(members, code):
    both = {"overrideReason": {"reason": {"code": "one"}}, "overrideReasons": [{"code": "several"}]}
    (answer,) = read_feedback(msgspec.json.encode({"feedback": [OVERRIDDEN | both]}), members)
    assert answer.override_reason.code == code
