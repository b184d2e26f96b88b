"""A card that was answered stays silent for a while, unless something it rests on has changed. Source: ALT-03."""

from __future__ import annotations

import copy
import json
from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from cdshooks.cards.quiet import CardSet, EarlierResponse, keep_quiet
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.order_select import answer_hook
from tests.option_cases import shipped

STORY = Path(__file__).parents[2] / "fhir_fixtures" / "neratinib-ordered-beside-omeprazole" / "request.json"
REQUEST = json.loads(STORY.read_text(encoding="utf-8"))
TODAY = date(2026, 11, 24)
OPTIONS, REVIEW = "her2-later-line-options", "her2-later-line-review"


def answered(request=None, *, as_of=TODAY, earlier=(), knowledge=None, jurisdiction="US") -> CardSet:
    count = iter(range(100))
    return answer_hook(
        read_hook_request(BY_ID["her2-later-line"], json.dumps(request or REQUEST).encode()),
        knowledge or shipped(),
        as_of=as_of,
        jurisdiction=jurisdiction,
        new_uuid=lambda: f"uuid-{next(count)}",
        earlier=tuple(earlier),
    )


def response(topic=OPTIONS, outcome="overridden", days_ago=1, reason=None) -> EarlierResponse:
    (card,) = [it for it in answered().cards if it.source.topic.code == topic]
    return EarlierResponse(
        topic=topic,
        outcome=outcome,
        on=TODAY - timedelta(days=days_ago),
        fingerprint=card.fingerprint,
        reason=reason,
    )


def topics(cards) -> set[str]:
    return {it.source.topic.code for it in cards}


@pytest.mark.parametrize(
    ("topic", "outcome", "days_ago", "is_silent"),
    [
        (OPTIONS, "overridden", 0, True),
        (OPTIONS, "overridden", 14, True),
        (OPTIONS, "overridden", 15, False),
        (OPTIONS, "overridden", -1, True),  # an answer that bears tomorrow's date, from another time zone
        (OPTIONS, "overridden", -2, False),
        (OPTIONS, "accepted", 14, True),
        (OPTIONS, "accepted", 15, False),
        (REVIEW, "overridden", 14, True),
        (REVIEW, "overridden", 15, False),
        (REVIEW, "accepted", 0, False),  # the swap was taken; the same order once more is unsafe once more
    ],
)
def test_an_answered_card_is_silent_for_14_days(topic, outcome, days_ago, is_silent):
    found = answered(earlier=[response(topic, outcome, days_ago)])
    assert (topic in topics(found.silenced)) is is_silent
    assert (topic in topics(found.cards)) is not is_silent


def test_nothing_is_silent_without_an_answer_and_nothing_is_lost_with_one():
    assert answered().silenced == ()
    found = answered(earlier=[response(OPTIONS)])
    assert topics(found.cards) | topics(found.silenced) == topics(answered().cards)


def test_an_answer_silences_its_own_topic_only():
    assert topics(answered(earlier=[response(OPTIONS)]).silenced) == {OPTIONS}


def test_a_reason_may_have_its_own_days():
    rules = {
        key: msgspec.structs.replace(rule, overridden_days_by_reason={"patient-refuses": 30, "action-completed": 0})
        for key, rule in shipped().quiet.items()
    }
    cards = answered().cards

    def silenced(days_ago, reason):
        earlier = [response(OPTIONS, "overridden", days_ago, reason)]
        return topics(keep_quiet(cards, earlier, rules, as_of=TODAY).silenced)

    assert silenced(30, "patient-refuses") == {OPTIONS}
    assert silenced(31, "patient-refuses") == set()
    assert silenced(0, "action-completed") == set()
    assert silenced(14, "too-costly-uncovered") == {OPTIONS}


def entries(request, key):
    return request["prefetch"][key]["entry"]


def with_resource(resource):
    request = copy.deepcopy(REQUEST)
    key = next(iter(it for it, bundle in request["prefetch"].items() if bundle and "entry" in bundle))
    entries(request, key).append({"resource": resource})
    return request


def observation(code, display, value, when="2026-11-20", **more):
    return {
        "resourceType": "Observation",
        "id": f"new-{code}",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": code, "display": display}]},
        "subject": {"reference": f"Patient/{REQUEST['context']['patientId']}"},
        "effectiveDateTime": when,
        **value,
        **more,
    }


CHANGES = {
    "a new echocardiogram": observation("10230-1", "LVEF", {"valueQuantity": {"value": 41, "unit": "%"}}),
    "a new ECOG status": observation("89247-1", "ECOG", {"valueInteger": 3}),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_result_that_counts_lets_the_card_speak_again(change):
    found = answered(with_resource(CHANGES[change]), earlier=[response(OPTIONS)])
    assert OPTIONS in topics(found.cards)


def test_a_result_that_changes_nothing_does_not():
    sodium = observation("2951-2", "Sodium", {"valueQuantity": {"value": 139, "unit": "mmol/L"}})
    assert OPTIONS in topics(answered(with_resource(sodium), earlier=[response(OPTIONS)]).silenced)


def test_a_new_line_lets_the_card_speak_again():
    given = {
        "resourceType": "MedicationAdministration",
        "id": "new-line",
        "status": "completed",
        "medicationCodeableConcept": {"text": "eribulin"},
        "subject": {"reference": f"Patient/{REQUEST['context']['patientId']}"},
        "effectiveDateTime": "2026-11-22",
    }
    assert OPTIONS in topics(answered(with_resource(given), earlier=[response(OPTIONS)]).cards)


def test_new_knowledge_lets_the_card_speak_again():
    knowledge = shipped()
    newer = msgspec.structs.replace(
        knowledge, manifest=msgspec.structs.replace(knowledge.manifest, content_hash="another")
    )
    assert OPTIONS in topics(answered(knowledge=newer, earlier=[response(OPTIONS)]).cards)


def test_a_review_of_another_order_is_another_card():
    request = copy.deepcopy(REQUEST)
    drafts = request["context"]["draftOrders"]["entry"]
    for draft in drafts:
        draft["resource"]["medicationCodeableConcept"] = {"text": "trastuzumab emtansine"}
    found = answered(request, earlier=[response(REVIEW)])
    assert REVIEW not in topics(found.silenced)


def test_the_next_day_alone_changes_nothing():
    tomorrow = answered(as_of=TODAY + timedelta(days=1), earlier=[response(OPTIONS)])
    assert OPTIONS in topics(tomorrow.silenced)


def test_the_fingerprint_is_never_sent():
    assert all("fingerprint" not in it.as_json() for it in answered().cards)
