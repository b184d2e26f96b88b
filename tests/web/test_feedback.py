"""A card is remembered, its answer is kept before we say so, and an answered card stays silent. Source: section 5, FBK, ALT-03."""

import json
from datetime import date

import pytest
from fhir.resources.R4B.auditevent import AuditEvent

from cdshooks.app import build_app
from cdshooks.settings import Settings
from cdshooks.store.audit_events import read_audit_events
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store

SERVICE = "/cds-services/her2-later-line"


@pytest.fixture
def settings(tmp_path):
    return Settings(is_dev=True, is_evaluation=True, today=date(2026, 11, 24), state_directory=tmp_path)


@pytest.fixture
def service(settings, loaded_knowledge):
    return build_app(settings, loaded_knowledge).test_client()


@pytest.fixture
def show(service, story_request):
    def cards():
        answer = service.post(SERVICE, json=story_request)
        assert answer.status_code == 200
        return answer.get_json()["cards"]

    return cards


@pytest.fixture
def answer(service):
    def send(*items, at=SERVICE):
        return service.post(f"{at}/feedback", json={"feedback": items})

    return send


def override(card, reason="patient-refuses"):
    told = {"reason": {"code": reason, "system": "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"}}
    return {
        "card": card["uuid"],
        "outcome": "overridden",
        "overrideReason": told,
        "outcomeTimestamp": "2026-11-24T10:00:00Z",
    }


def test_f_10_the_same_answer_twice_gives_the_same_answer(show, answer):
    card = show()[0]
    first, second = answer(override(card)), answer(override(card))
    assert (first.status_code, first.get_json()) == (second.status_code, second.get_json()) == (200, {})


def test_f_10_one_body_may_answer_cards_of_several_calls_and_a_card_may_be_answered_again(show, answer):
    """Who dismisses a card may still follow it later: both are kept, and neither is a repeat of the other."""
    first, second = show(), show()
    assert answer(override(first[0]), override(second[0])).status_code == 200
    card = next(it for it in first if it.get("suggestions"))
    accepted = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": "2026-11-24T11:00:00Z"}
    accepted["acceptedSuggestions"] = [{"id": card["suggestions"][0]["uuid"]}]
    assert answer(override(card)).status_code == 200
    assert answer(accepted).status_code == 200
    assert answer(accepted, override(card)).status_code == 200


def test_f_11_what_cannot_be_stored_is_told_by_its_status(show, answer, service):
    """Where the statement asks for 200 for an unknown card, AUT-09 asks for 404, and is held (docs/protocol.md)."""
    card = show()[0]
    assert (answer(override(card)).status_code, answer(override(card)).get_json()) == (200, {})
    assert service.post(f"{SERVICE}/feedback", json={"feedback": {}}).status_code == 400
    assert answer(override(card), at="/cds-services/unknown").status_code == 404
    assert answer(override({"uuid": "never issued"})).status_code == 404


def test_f_5_an_accepted_suggestion_is_one_of_the_cards(show, answer):
    card = next(it for it in show() if it.get("suggestions"))
    accepted = {"card": card["uuid"], "outcome": "accepted", "outcomeTimestamp": "2026-11-24T10:00:00Z"}
    assert answer(accepted | {"acceptedSuggestions": [{"id": card["suggestions"][0]["uuid"]}]}).status_code == 200
    refused = answer(accepted | {"acceptedSuggestions": [{"id": card["uuid"]}]})
    assert refused.status_code == 400
    assert refused.get_json()["issue"][0]["expression"] == ["$.feedback[0].acceptedSuggestions[0].id"]


def test_f_14_epics_plural_is_read(show, answer):
    item = override(show()[0])
    item["overrideReasons"] = [item.pop("overrideReason")]
    assert answer(item).status_code == 200


def test_aut_09_a_card_that_was_not_issued_here_is_404(show, answer):
    card = show()[0]
    assert answer(override({"uuid": "11111111-2222-3333-4444-555555555555"})).status_code == 404
    assert answer(override(card), at="/cds-services/her2-later-line-sign").status_code == 404
    assert answer(override(card), at="/cds-services/nothing").status_code == 404


def test_fbk_02_the_same_answer_with_another_comment_is_409(show, answer):
    item = override(show()[0])
    assert answer(item).status_code == 200
    item["overrideReason"]["userComment"] = "on second thoughts"
    assert answer(item).status_code == 409


def test_alt_03_an_overridden_card_stays_silent_and_the_others_speak(show, answer):
    before = show()
    card = before[-1]
    assert answer(override(card)).status_code == 200
    after = show()
    topics = [it["source"]["topic"]["code"] for it in after]
    assert topics == [it["source"]["topic"]["code"] for it in before if it is not card]


def test_alt_03_another_patient_hears_what_one_patients_clinician_has_dismissed(show, answer, service, story_request):
    cards = show()
    assert answer(*map(override, cards)).status_code == 200
    patient = story_request["context"]["patientId"]
    other = json.loads(
        json.dumps(story_request).replace(f'"{patient}"', '"another"').replace(f"Patient/{patient}", "Patient/another")
    )
    assert len(service.post(SERVICE, json=other).get_json()["cards"]) == len(cards)


def test_alt_03_an_answer_is_known_after_a_restart(show, answer, settings, loaded_knowledge, story_request):
    cards = show()
    assert answer(*map(override, cards)).status_code == 200
    again = build_app(settings, loaded_knowledge).test_client()
    assert len(again.post(SERVICE, json=story_request).get_json()["cards"]) < len(cards)


@pytest.fixture
def events(settings):
    def read():
        return [json.loads(it) for it in read_audit_events(Store(open_engine(settings.store_url)))]

    return read


def test_obs_01_each_call_leaves_a_valid_audit_event_that_leads_to_its_cards(
    show, answer, events, story_request, service
):
    cards = show()
    answer(override(cards[0]))
    del story_request["prefetch"]
    assert service.post(SERVICE, json=story_request).status_code == 412
    asked, answered, refused = events()
    for event in (asked, answered, refused):
        AuditEvent.model_validate(event)
    named = {it["what"]["identifier"]["value"] for it in asked["entity"]}
    assert {f"urn:uuid:{card['uuid']}" for card in cards} <= named
    assert f"urn:uuid:{cards[0]['uuid']}" in {it["what"]["identifier"]["value"] for it in answered["entity"]}
    assert [it["outcome"] for it in (asked, answered, refused)] == ["0", "0", "4"]


def test_obs_01_an_audit_event_names_the_user_and_the_client_but_no_patient(show, events, story_request):
    story_request["context"]["userId"] = "Practitioner/who-asks"
    show()
    (event,) = events()
    assert "Practitioner/who-asks" in json.dumps(event)
    assert story_request["context"]["patientId"] not in json.dumps(event)
    assert '"dev"' in json.dumps(event)


def test_obs_01_a_patient_who_looks_at_the_own_record_is_not_named_either(service, events, story_request):
    story_request["context"]["userId"] = "Patient/the-patient"
    assert service.post(SERVICE, json=story_request).status_code == 400
    assert "the-patient" not in json.dumps(events())


def test_fbk_04_without_a_store_hook_calls_are_answered_and_feedback_is_503(tmp_path, loaded_knowledge, story_request):
    (tmp_path / "state").write_text("a file where the directory should be")
    settings = Settings(is_dev=True, is_evaluation=True, today=date(2026, 11, 24), state_directory=tmp_path / "state")
    service = build_app(settings, loaded_knowledge).test_client()
    shown = service.post(SERVICE, json=story_request)
    assert shown.status_code == 200
    assert shown.get_json()["cards"] != []
    kept = service.post(f"{SERVICE}/feedback", json={"feedback": [override(shown.get_json()["cards"][0])]})
    assert kept.status_code == 503
    assert int(kept.headers["Retry-After"]) > 0
    ready = service.get("/readyz")
    assert ready.status_code == 503
    assert "store" in ready.get_json()["problems"][0]
    assert service.get("/healthz").status_code == 200
    (tmp_path / "state").unlink()
    assert service.get("/readyz").status_code == 200
    card = service.post(SERVICE, json=story_request).get_json()["cards"][0]
    assert service.post(f"{SERVICE}/feedback", json={"feedback": [override(card)]}).status_code == 200


def test_alt_03_a_card_held_back_is_counted_and_shown_on_request(show, answer, service, story_request):
    first = show()
    answered = next(it for it in first if it["source"]["topic"]["code"].endswith("-options"))
    assert answer(override(answered)).status_code == 200
    held = 'cds_cards_silenced_total{rule="her2-later-line-options"}'

    def topics():
        return [it["source"]["topic"]["code"] for it in show()]

    before = counted(service, held)
    assert "her2-later-line-options" not in topics()
    assert counted(service, held) == before + 1
    story_request["extension"] = {"cdshooks.show-answered": True}
    assert topics() == [it["source"]["topic"]["code"] for it in first]
    for not_asked in (False, "true", None):
        story_request["extension"] = {"cdshooks.show-answered": not_asked}
        assert "her2-later-line-options" not in topics()


def counted(service, sample):
    text = service.get("/metrics").get_data(as_text=True)
    return next((float(line.split()[-1]) for line in text.splitlines() if line.startswith(sample)), 0.0)


def test_con_09_after_a_change_of_the_hash_key_answered_cards_speak_once_more(
    loaded_knowledge, tmp_path, story_request
):
    """The step of docs/operations.md, "Keys and tokens": the file is replaced, and all replicas are restarted."""

    def started(key):
        settings = Settings(
            is_dev=True, is_evaluation=True, today=date(2026, 11, 24), state_directory=tmp_path, hash_key=key
        )
        return build_app(settings, loaded_knowledge).test_client()

    def topics(client):
        return [it["source"]["topic"]["code"] for it in client.post(SERVICE, json=story_request).get_json()["cards"]]

    before = started("the key of last year")
    card = before.post(SERVICE, json=story_request).get_json()["cards"][0]
    assert before.post(f"{SERVICE}/feedback", json={"feedback": [override(card)]}).status_code == 200
    topic = card["source"]["topic"]["code"]
    assert topic not in topics(before)
    after = started("the key of this year")
    assert topic in topics(after)
