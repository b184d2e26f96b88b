"""The workbench of dev mode on the wire: a patient chosen or pasted, a call fired, everything that came of it, and what is refused."""

from __future__ import annotations

import json
import re
from datetime import date
from html import unescape
from pathlib import Path

import pytest

from cdshooks.app import build_app
from cdshooks.settings import Settings
from scripts.fhir_server import serving_story

STORY = (
    Path(__file__).parents[2] / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
)
SERVICES = {
    "order-select": "her2-later-line",
    "order-sign": "her2-later-line-sign",
    "patient-view": "her2-later-line-view",
}
TERMS = {"profile": "standard", "as_of": "2026-11-24", "jurisdiction": "US"}


def press(client, text, hook="order-select", **more):
    form = {**TERMS, "patient": text, "service": SERVICES[hook], **more}
    return client.post("/workbench", data=form, content_type="multipart/form-data")


def said(answer):
    return unescape(re.sub(r"<[^>]+>", "", answer.get_data(as_text=True)))


def editor(answer):
    return unescape(re.search(r"<textarea[^>]*>\n(.*?)</textarea>", answer.get_data(as_text=True), re.DOTALL)[1])


def as_sent(answer):
    found = re.search(r'<pre id="sent"[^>]*>(.*?)</pre>', answer.get_data(as_text=True), re.DOTALL)
    return json.loads(unescape(found[1]))


def bundle(*resources):
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in resources]}


@pytest.fixture
def patient(story_request):
    """The story's resources as an export would hold them."""
    found = []
    for value in story_request["prefetch"].values():
        found += [it["resource"] for it in value.get("entry", [])] if value["resourceType"] == "Bundle" else [value]
    return found


@pytest.mark.parametrize("hook", SERVICES)
def test_each_service_is_fired_on_the_chosen_story(client, hook):
    text = STORY.read_text(encoding="utf-8")
    answer = press(client, text, hook)
    told = said(answer)
    assert answer.status_code == 200
    assert f"{hook}: HTTP 200" in told
    assert "valid the request" in told
    assert "valid the answer" in told
    assert "3 finished lines of metastatic therapy" in told
    assert "Lines of therapy" in told  # the explanation beside the cards
    assert f"/cds-services/{SERVICES[hook]}" in told
    assert editor(answer) == text
    if hook != "order-select":
        assert as_sent(answer)["hook"] == hook


def test_the_cards_are_those_that_the_service_answers_with(client, fire, story_request):
    cards = fire(story_request).get_json()["cards"]
    told = said(press(client, json.dumps(story_request)))
    assert [it["summary"] for it in cards if it["summary"] not in told] == []
    assert [one["label"] for it in cards for one in it.get("suggestions", []) if one["label"] not in told] == []


def test_a_story_is_loaded_with_its_day(client):
    text = client.get("/?story=signing-tdxd-with-ejection-fraction-36-percent").get_data(as_text=True)
    assert '<option value="signing-tdxd-with-ejection-fraction-36-percent" selected>' in text
    assert 'value="2026-11-24"' in text
    assert client.get("/?story=<b>").status_code == 404


def test_an_export_becomes_a_call_with_the_drug_that_is_ordered(client, patient):
    answer = press(client, json.dumps(bundle(*patient)), ordered="capecitabine")
    assert "order-select: HTTP 200" in said(answer)
    made = as_sent(answer)
    assert made["context"]["selections"] == ["MedicationRequest/ordered-here"]
    assert len(made["prefetch"]) >= 10


def test_ndjson_is_read_too(client, patient):
    answer = press(client, "\n".join(json.dumps(it) for it in patient), "patient-view")
    assert "patient-view: HTTP 200" in said(answer)


def test_a_patient_on_a_fhir_server_is_fetched_and_explained(client):
    with serving_story("dpd-deficiency-and-capecitabine-ordered") as (base, patient):
        answer = press(client, "", server=base, fhir_patient=patient, ordered="capecitabine")
        told = said(answer)
        assert "order-select: HTTP 200" in told
        assert "complete DPD deficiency" in told
        assert "Lines of therapy" in told
        assert "prefetch" not in as_sent(answer)
        nobody = said(press(client, "", "patient-view", server=base, fhir_patient="nobody"))
        assert "patient-view: HTTP 412" in nobody


def test_the_drug_ordered_takes_the_place_of_the_drafts(client):
    answer = press(client, STORY.read_text(encoding="utf-8"), ordered="tucatinib")
    (order,) = as_sent(answer)["context"]["draftOrders"]["entry"]
    assert order["resource"]["medicationCodeableConcept"] == {"text": "tucatinib"}


@pytest.mark.parametrize(
    ("profile", "told"),
    [("standard", "at most one"), ("epic", "any number"), ("sandbox", "any number")],
)
def test_the_cards_are_made_for_the_chosen_ehr(client, profile, told):
    answer = press(client, STORY.read_text(encoding="utf-8"), profile=profile)
    assert f"Suggestions, {told}" in said(answer)


def test_the_day_and_the_place_of_the_call_are_the_chosen_ones(client):
    text = STORY.read_text(encoding="utf-8")
    assert "The date of this service is fixed to 2027-02-01" in said(press(client, text, as_of="2027-02-01"))
    assert press(client, text, as_of="tomorrow").status_code == 400


# ---- what is wrong, with its path

BROKEN = '{"hook": "order-select", "context": {"draftOrders": {"entry": [{}, {"resource": {"id": }}]}}}'


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (BROKEN, "$.context.draftOrders.entry[1].resource.id"),
        ("[1, {]", "$[1]"),
        ('{"a": [1, 2, nul]}', "$.a[2]"),
        ("", "$"),
        ("17", "$"),
        ('{"a": NaN}', "$"),
        ('{"resourceType": "Bundle", "entry": [{}]}', "$.entry[0].resource"),
        ('{"resourceType": "Bundle", "entry": []}', "$.entry"),
        ('{"hook": "patient-view", "context": []}', "$.context"),
        (json.dumps(bundle({"resourceType": "Patient", "id": "a"}, {"resourceType": "Patient", "id": "b"})), "$.entry[1].resource.resourceType"),
        (json.dumps(bundle({"resourceType": "Patient"})), "$.entry[0].resource.id"),
        (json.dumps(bundle({"resourceType": "Patient", "id": "a"})), "$.context.draftOrders"),
    ],
)  # fmt: skip
def test_what_cannot_be_sent_is_named_by_its_path(client, text, path):
    answer = press(client, text)
    assert answer.status_code == 400
    assert f"Not sent. At {path}: " in said(answer)
    assert editor(answer) == text


@pytest.mark.parametrize(
    ("server", "patient", "path"),
    [
        ("http://fhir.example.org/r4", "p", "$.fhirServer"),
        ("http://127.0.0.1.example.org/fhir", "p", "$.fhirServer"),
        ("http://[::ffff:127.0.0.1]/fhir", "p", "$.fhirServer"),
        ("file:///etc/passwd", "p", "$.fhirServer"),
        ("http://127.0.0.1:1/fhir", "", "$.context.patientId"),
        ("http://127.0.0.1:1/fhir", "a/../b", "$.context.patientId"),
    ],
)
def test_only_a_server_of_this_machine_is_asked(client, server, patient, path):
    assert path in said(press(client, "", "patient-view", server=server, fhir_patient=patient))


def test_what_the_service_refuses_is_shown_with_its_path(client, story_request):
    del story_request["hookInstance"]
    told = said(press(client, json.dumps(story_request)))
    assert "order-select: HTTP 400" in told
    assert "$.hookInstance: this member is required" in told
    assert "invalid the request" in told


def test_missing_data_is_told_as_the_service_tells_it(client, story_request):
    del story_request["prefetch"]["conditions"]
    told = said(press(client, json.dumps(story_request)))
    assert "order-select: HTTP 412" in told
    assert "conditions" in told


# ---- what must never happen


def test_what_a_record_says_is_written_as_text(client, story_request):
    evil = "<script>alert(1)</script><img src=x onerror=alert(1)> [x](javascript:alert(1)) ![x](https://evil.example/x.png)"
    drugs = story_request["prefetch"]["medicationRequests"]["entry"]
    drugs.append({"resource": {"resourceType": "MedicationRequest", "id": "evil", "status": "active", "intent": "order",
        "subject": {"reference": f"Patient/{story_request['context']['patientId']}"}, "medicationCodeableConcept": {"text": evil}}})  # fmt: skip
    text = press(client, json.dumps(story_request)).get_data(as_text=True)
    assert "HTTP 200" in text
    assert text.count("<script") == 1  # our own
    assert not re.findall(r"<img|href=.javascript|</textarea>.*</textarea>", text, re.DOTALL)


@pytest.mark.parametrize("path", ["/", "/workbench.js"])
def test_nothing_is_loaded_from_elsewhere_and_no_script_stands_in_the_page(client, path):
    answer = client.get(path)
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'; style-src 'self'; script-src 'self'" in policy
    assert "unsafe" not in policy
    assert not re.findall(r"<script>|<style|\sstyle=|\son\w+=", answer.get_data(as_text=True))


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://localhost:1"])
def test_another_page_cannot_press_the_button(client, origin):
    form = {**TERMS, "patient": "{}", "service": "her2-later-line"}
    answer = client.post("/workbench", data=form, headers={"Origin": origin})
    assert answer.status_code == 403


def test_a_body_larger_than_accepted_is_refused(client):
    body = b"patient=" + b"x" * 1_100_000
    answer = client.post("/workbench", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413


def test_in_production_the_root_is_a_short_page_and_there_is_no_workbench(loaded_knowledge, tmp_path):
    keys = tmp_path / "keys.json"
    keys.write_text('{"keys": []}', encoding="utf-8")
    clients = tmp_path / "clients.toml"
    clients.write_text(
        f'[[clients]]\nname = "a"\nissuer = "https://a.example"\njwks_file = "{keys.name}"\n', encoding="utf-8"
    )
    settings = Settings(clients=clients, is_evaluation=True, today=date(2026, 11, 24), state_directory=tmp_path)
    client = build_app(settings, loaded_knowledge).test_client()
    root = client.get("/")
    assert "Not for clinical use" in said(root)
    assert "script-src" not in root.headers["Content-Security-Policy"]
    assert client.get("/workbench.js").status_code == 404
    assert client.post("/workbench", data=TERMS).status_code in {404, 405}


def test_no_header_sets_the_terms_of_a_call(fire, story_request):
    """They stand in the environment of the call under a name that no header can have."""
    headers = {"cdshooks.terms": "x", "Cdshooks-Terms": "x"}
    answer = fire(story_request, headers=headers).get_json()["cards"]
    assert {it.get("selectionBehavior", "at-most-one") for it in answer} == {"at-most-one"}


# ---- answers to cards


def told(client, card, **more):
    form = {"service": SERVICES["order-select"], "card": card["uuid"], **TERMS, **more}
    return client.post("/workbench/feedback", data=form)


def test_fbk_02_a_suggestion_is_accepted_as_in_an_ehr(client, fire, story_request):
    card = next(it for it in fire(story_request).get_json()["cards"] if it.get("suggestions"))
    suggestion = card["suggestions"][0]["uuid"]
    answer = told(client, card, suggestion=suggestion).get_json()
    (sent,) = answer["sent"]["feedback"]
    assert answer["status"] == 200
    assert answer["sent to"] == "/cds-services/her2-later-line/feedback"
    assert (sent["outcome"], sent["acceptedSuggestions"]) == ("accepted", [{"id": suggestion}])


@pytest.mark.parametrize(
    ("profile", "member"), [("standard", "overrideReason"), ("epic", "overrideReasons"), ("sandbox", "overrideReason")]
)
def test_fbk_02_a_card_is_dismissed_with_a_reason_spelt_as_the_ehr_spells_it(
    client, fire, story_request, profile, member
):
    card = fire(story_request).get_json()["cards"][0]
    reason = {it: card["overrideReasons"][0][it] for it in ("code", "system")}
    answer = told(client, card, reason=json.dumps(reason), profile=profile).get_json()
    (sent,) = answer["sent"]["feedback"]
    assert answer["status"] == 200
    assert (sent["outcome"], sent[member]) == ("overridden", {"reason": reason})


def test_fbk_02_a_card_is_dismissed_without_a_reason(client, fire, story_request):
    card = fire(story_request).get_json()["cards"][0]
    answer = told(client, card).get_json()
    assert answer["status"] == 200
    assert set(answer["sent"]["feedback"][0]) == {"card", "outcome", "outcomeTimestamp"}


def test_fbk_03_an_answer_to_a_card_that_was_never_shown_is_refused_and_says_why(client):
    answer = told(client, {"uuid": "0f8fad5b-d9cb-469f-a165-70867728950e"})
    assert answer.status_code >= 400
    assert answer.get_json()["answer"]["resourceType"] == "OperationOutcome"


def test_another_page_cannot_answer_a_card(client):
    answer = client.post("/workbench/feedback", data={}, headers={"Origin": "https://evil.example"})
    assert answer.status_code == 403
