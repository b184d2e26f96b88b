"""Answers to cards are kept once, whole and only from the client that the card was shown to."""

import msgspec
import pytest
import sqlalchemy as sa

from cdshooks.errors import BadHookRequestError, FeedbackConflictError, UnknownCardError
from cdshooks.hooks.feedback import read_feedback
from cdshooks.store.earlier_responses import responses_for_patient
from cdshooks.store.feedback import keep_feedback
from cdshooks.store.tables import accepted_suggestions, feedback
from tests.store_samples import NOW

ACCEPTED = {
    "card": "card-1",
    "outcome": "accepted",
    "acceptedSuggestions": [{"id": "suggestion-1"}],
    "outcomeTimestamp": "2026-11-24T09:31:00Z",
}
OVERRIDDEN = {
    "card": "card-1",
    "outcome": "overridden",
    "overrideReason": {"reason": {"code": "patient-refuses", "system": "urn:x"}, "userComment": "has had enough"},
    "outcomeTimestamp": "2026-11-24T09:31:00Z",
}


@pytest.fixture
def keep(store):
    def send(*items, client="main-hospital", service="her2-later-line", keeps_comments=False):
        with store.writing() as connection:
            return keep_feedback(
                connection,
                read_feedback(msgspec.json.encode({"feedback": items})),
                client=client,
                service=service,
                received_at=NOW,
                comment_key=b"key",
                keeps_comments=keeps_comments,
            )

    return send


@pytest.fixture
def count(store):
    def rows():
        with store.reading() as connection:
            return connection.execute(sa.select(sa.func.count()).select_from(feedback)).scalar()

    return rows


def test_fbk_02_the_same_answer_twice_is_kept_once(issue, keep, count):
    issue()
    assert [it.is_new for it in (*keep(ACCEPTED), *keep(ACCEPTED), *keep(ACCEPTED, ACCEPTED))] == [
        True,
        False,
        False,
        False,
    ]
    assert count() == 1


def test_fbk_02_the_same_moment_in_another_time_zone_is_the_same_answer(issue, keep, count):
    issue()
    keep(ACCEPTED)
    keep(ACCEPTED | {"outcomeTimestamp": "2026-11-24T10:31:00+01:00"})
    assert count() == 1


def test_fbk_02_different_answers_to_one_card_are_all_kept_and_the_latest_counts(issue, keep, store):
    issue()
    keep(ACCEPTED | {"outcomeTimestamp": "2026-11-24T09:35:00Z"})
    keep(OVERRIDDEN)
    with store.reading() as connection:
        (current,) = responses_for_patient(connection, client="main-hospital", patient_hash="a" * 32, since=NOW)
    assert (current.outcome, current.topic, current.fingerprint) == ("accepted", "her2-later-line-options", "f" * 32)


def test_fbk_02_two_suggestions_accepted_one_after_the_other_are_both_kept(issue, keep, store):
    issue(suggestions=("suggestion-1", "suggestion-2"))
    keep(ACCEPTED)
    keep(ACCEPTED | {"acceptedSuggestions": [{"id": "suggestion-2"}]})
    with store.reading() as connection:
        assert len(connection.execute(sa.select(accepted_suggestions)).all()) == 2


def test_fbk_02_the_same_answer_with_another_comment_is_a_conflict_and_changes_nothing(issue, keep, count):
    issue()
    keep(OVERRIDDEN)
    other = OVERRIDDEN | {"overrideReason": OVERRIDDEN["overrideReason"] | {"userComment": "something else"}}
    with pytest.raises(FeedbackConflictError):
        keep(other, ACCEPTED)
    assert count() == 1


def test_fbk_03_one_card_that_is_not_known_refuses_all(issue, keep, count):
    issue()
    with pytest.raises(UnknownCardError) as refused:
        keep(*[ACCEPTED] * 998, ACCEPTED | {"card": "never-issued"}, ACCEPTED)
    assert refused.value.path == "$.feedback[998].card"
    assert count() == 0


def test_fbk_03_a_suggestion_of_another_card_refuses_all(issue, keep, count):
    issue()
    issue("card-2", suggestions=("suggestion-2",))
    with pytest.raises(BadHookRequestError) as refused:
        keep(ACCEPTED, ACCEPTED | {"card": "card-2"})
    assert refused.value.path == "$.feedback[1].acceptedSuggestions[0].id"
    assert count() == 0


@pytest.mark.parametrize("other", [{"client": "other-hospital"}, {"service": "her2-later-line-sign"}])
def test_aut_09_an_answer_counts_only_from_the_client_and_at_the_service_of_the_card(issue, keep, count, other):
    issue()
    with pytest.raises(UnknownCardError):
        keep(ACCEPTED, **other)
    assert count() == 0


@pytest.mark.parametrize(("keeps_comments", "kept"), [(False, None), (True, "has had enough")])
def test_log_05_a_comment_is_kept_only_where_that_is_switched_on(issue, keep, store, keeps_comments, kept):
    issue()
    keep(OVERRIDDEN, keeps_comments=keeps_comments)
    with store.reading() as connection:
        assert connection.execute(sa.select(feedback.c.user_comment)).scalar() == kept


def test_answers_for_another_patient_or_before_the_time_asked_for_are_not_found(issue, keep, store):
    issue()
    keep(ACCEPTED)
    with store.reading() as connection:

        def find(patient="a" * 32, client="main-hospital", since=NOW):
            return responses_for_patient(connection, client=client, patient_hash=patient, since=since)

        assert len(find()) == 1
        assert find(patient="b" * 32) == find(client="other-hospital") == find(since=NOW.replace(hour=10)) == ()
