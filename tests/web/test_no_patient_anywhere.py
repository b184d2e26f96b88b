"""A record with a marker in every text, name, number and id of it: none turns up in a log, a metric or a refusal. Source: LOG-01."""

import copy
import json

import pytest

MARKER = "ZQX"
_SAID = {"text", "display", "value", "conclusion", "valueString", "description", "title", "unit"}
_OF_A_PERSON = {
    "name": [{"family": f"{MARKER}family", "given": [f"{MARKER}given"], "text": f"{MARKER}name"}],
    "identifier": [{"system": "urn:mrn", "value": f"{MARKER}mrn"}],
    "telecom": [{"system": "phone", "value": f"{MARKER}phone"}],
    "address": [
        {"line": [f"{MARKER}street"], "city": f"{MARKER}city", "postalCode": f"{MARKER}02115", "country": "US"}
    ],
    "contact": [{"name": {"text": f"{MARKER}daughter"}}],
    "birthDate": "1964-02-29",
}
_BIRTH = "1964-02-29"


def marked(content):
    """The same with the marker at the end of everything that a person may have written."""
    if isinstance(content, dict):
        return {
            key: f"{it} {MARKER}{key}" if key in _SAID and isinstance(it, str) else marked(it)
            for key, it in content.items()
        }
    return [marked(it) for it in content] if isinstance(content, list) else content


@pytest.fixture
def record(story_request):
    """The story, its ids and its patient's particulars marked too."""
    ids = {it["id"] for it in _resources(story_request) if it.get("id")}
    text = json.dumps(marked(story_request))
    for it in sorted(ids, key=len, reverse=True):
        text = text.replace(f'"{it}"', f'"{MARKER}{it}"').replace(f'/{it}"', f'/{MARKER}{it}"')
    request = json.loads(text)
    request["prefetch"]["patient"] |= copy.deepcopy(_OF_A_PERSON)
    request["context"]["userId"] = f"Practitioner/{MARKER}user"
    request["context"]["encounterId"] = f"{MARKER}encounter"
    return request


def _resources(request):
    for it in (*request["prefetch"].values(), request["context"]["draftOrders"]):
        if it:
            yield from (entry["resource"] for entry in it.get("entry", ())) if it["resourceType"] == "Bundle" else (it,)


def unreadable(request):
    for key in ("observations", "conditions"):
        for it in request["prefetch"][key]["entry"][:20]:
            it["resource"]["subject"] = [f"{MARKER}subject"]


def of_another(request):
    request["prefetch"]["conditions"]["entry"][0]["resource"]["subject"] = {"reference": f"Patient/{MARKER}other"}


def without_conditions(request):
    request["prefetch"]["conditions"] = {"resourceType": f"{MARKER}type", "id": f"{MARKER}id"}


def of_no_type(request):
    request["context"]["patientId"] = {MARKER: MARKER}


def for_a_relative(request):
    request["context"]["userId"] = f"RelatedPerson/{MARKER}daughter"


def with_a_name_twice(request):
    request[MARKER] = [{MARKER: MARKER}]
    request["prefetch"][MARKER] = f"{MARKER} no resource"


CALLS = {
    "answered": (lambda _: None, {200}),
    "partly unreadable": (unreadable, {200}),
    "another patient's": (of_another, {400}),
    "required and missing": (without_conditions, {412}),
    "of a wrong type": (of_no_type, {400}),
    "for a relative": (for_a_relative, {400}),
    "with members of their own": (with_a_name_twice, {200}),
}


@pytest.mark.parametrize(("change", "statuses"), CALLS.values(), ids=CALLS)
def test_log_01_nothing_of_the_record_reaches_a_log_a_metric_or_a_refusal(
    client, fire, record, caplog, change, statuses
):
    change(record)
    body = json.dumps(record)
    assert body.count(MARKER) > 200
    with caplog.at_level("DEBUG"):
        answer = fire(body)
    assert answer.status_code in statuses
    written = [caplog.text, client.get("/metrics").get_data(as_text=True), str(answer.headers)]
    if answer.status_code != 200:
        written.append(answer.get_data(as_text=True))
    assert [it for it in written if MARKER in it or _BIRTH in it] == []


def test_log_01_a_defect_quotes_nothing_either(app, record, caplog, monkeypatch):
    def defect(*_args, **_more):
        raise KeyError(json.dumps(record))

    monkeypatch.setattr("cdshooks.web.services.answer_hook", defect)
    monkeypatch.setitem(app.config, "PROPAGATE_EXCEPTIONS", None)
    with caplog.at_level("DEBUG"):
        answer = app.test_client().post("/cds-services/her2-later-line", json=record)
    assert answer.status_code == 500
    assert MARKER not in caplog.text + answer.get_data(as_text=True)
