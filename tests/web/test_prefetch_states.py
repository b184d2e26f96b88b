"""What a prefetch key can say, whose a resource is, and which drafts a call is about."""

import copy
import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest

from cdshooks.ehr.gather import gather_resources
from cdshooks.explain.patient import advise
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.pages.view import view_patient
from cdshooks.settings import SettingsError, read_settings

SCHEMAS = Path(__file__).parents[2] / "cdshooks" / "hooks" / "schemas"
FAILED = {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": "exception"}]}
NO_RESULTS = {"resourceType": "OperationOutcome", "issue": [{"severity": "warning", "code": "not-found"}]}
EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}


def bundle(*resources, **more):
    return {"resourceType": "Bundle", "type": "searchset", "entry": [{"resource": it} for it in resources], **more}


def schema(name):
    return jsonschema.Draft202012Validator(json.loads((SCHEMAS / name).read_text(encoding="utf-8")))


STATES = [
    ("absent", ..., 412),
    ("null", None, 200),
    ("empty Bundle", EMPTY, 200),
    ("a warning instead of matches (V-6)", bundle(NO_RESULTS), 200),
    ("failed", FAILED, 412),
    ("failed inside the Bundle (P-7)", bundle(FAILED), 412),
    ("a bare string (P-10)", "123", 412),
    ("an empty Bundle of another type (P-10)", {"resourceType": "Bundle", "type": "collection"}, 200),
    ("another type", bundle({"resourceType": "Basic", "id": "b"}), 412),
    ("fewer than it says there are", {**EMPTY, "total": 3}, 412),
    ("only the first page (P-11)", {**EMPTY, "link": [{"relation": "next", "url": "https://e.example.org/2"}]}, 412),
]


@pytest.mark.parametrize("key", ["conditions", "observations"])
@pytest.mark.parametrize(("value", "status"), [it[1:] for it in STATES], ids=[it[0] for it in STATES])
def test_pid_04_the_states_of_a_required_key(fire, story_request, key, value, status):
    del story_request["prefetch"][key]
    if value is not ...:
        story_request["prefetch"][key] = value
    answer = fire(story_request)
    assert answer.status_code == status
    if status == 412:
        outcome = answer.get_json()
        schema("operation-outcome.json").validate(outcome)
        assert answer.mimetype == "application/fhir+json"
        assert outcome["issue"][0]["expression"] == [f"$.prefetch.{key}"]


IS_THERE = [it for it in STATES if it[2] == 200]
IS_NOT = [it for it in STATES if it[2] == 412]
BESIDE = {"procedures": "procedures", "reports": "reports", "allergies": "allergies", "adverseEvents": "adverse events"}
MAY_BE_ABSENT = {"medicationAdministrations": "doses given", "medicationStatements": "medication statements"}
"""Key -> as cards call it."""


@pytest.mark.parametrize(("key", "words"), BESIDE.items())
@pytest.mark.parametrize(("value", "status"), [it[1:] for it in STATES], ids=[it[0] for it in STATES])
def test_pid_04_the_states_of_a_key_beside_treatment(fire, story_request, key, words, value, status):
    """What is there, or was looked for and is not, is not spoken of; all else is named on each card as not seen."""
    del story_request["prefetch"][key]
    if value is not ...:
        story_request["prefetch"][key] = value
    answer = fire(story_request)
    assert answer.status_code == 200
    cards = answer.get_json()["cards"]
    assert cards
    for card in cards:
        named = next((it for it in card["detail"].split("\n") if it.startswith("**Not seen:**")), "")
        assert (words in named) is (status == 412)


OF_TREATMENT = ["medicationRequests", "medicationAdministrations", "medicationStatements"]


@pytest.mark.parametrize("key", OF_TREATMENT)
@pytest.mark.parametrize("value", [it[1] for it in IS_NOT], ids=[it[0] for it in IS_NOT])
def test_pid_04_the_states_of_a_key_of_treatment(fire, story_request, key, value):
    """A part that is missing may be a line: none is counted. Only of doses and statements may a source have none at all.

    An EHR that cannot get at the orders leaves their key out (P-5): that must never look like a patient who had no treatment.
    """
    del story_request["prefetch"][key]
    if value is not ...:
        story_request["prefetch"][key] = value
    answer = fire(story_request)
    says_nothing = value in (..., "123", bundle({"resourceType": "Basic", "id": "b"}))
    assert answer.status_code == 200
    cards = answer.get_json()["cards"]
    if says_nothing and key in MAY_BE_ABSENT:
        assert all(f"**Not seen:** {MAY_BE_ABSENT[key]}." in it["detail"] for it in cards)
        assert any(it.get("suggestions") for it in cards)
        return
    (card,) = cards
    assert "incomplete" in card["summary"]
    assert key in card["detail"]
    assert "suggestions" not in card


def as_statements(request, *, finished):
    """The orders of a request told as statements, each with its end; the orders' key left out. Only so many lines have an end."""
    orders = [it["resource"] for it in request["prefetch"].pop("medicationRequests")["entry"]]
    told = []
    for number, (drug, start, end) in enumerate(COURSES[: 2 * finished]):
        told.append(
            {
                "resourceType": "MedicationStatement",
                "id": f"told-{number}",
                "status": "stopped",
                "subject": orders[0]["subject"],
                "medicationCodeableConcept": {"text": drug},
                "effectivePeriod": {"start": start, "end": end},
                "statusReason": [{"text": "disease progression"}],
            }
        )
    request["prefetch"]["medicationStatements"] = bundle(*told)
    return request


COURSES = [
    ("trastuzumab", "2021-01-08", "2023-01-20"),
    ("docetaxel", "2021-01-08", "2021-06-20"),
    ("trastuzumab emtansine", "2023-02-26", "2024-10-20"),
    ("trastuzumab emtansine", "2023-02-26", "2024-10-20"),
    ("lapatinib", "2024-11-08", "2026-08-20"),
    ("capecitabine", "2024-11-08", "2026-08-20"),
]
"""Three lines, two rows each."""


def test_p_5_lines_told_by_statements_are_a_least_where_the_orders_were_not_sent(fire, story_request):
    cards = fire(as_statements(story_request, finished=3)).get_json()["cards"]
    assert any(it.get("suggestions") for it in cards)
    for card in cards:
        assert "**Not seen:**" in card["detail"]
        assert "medication orders" in card["detail"]
    assert any("Counted: at least 3 metastatic lines (confidence low)" in it["detail"] for it in cards)


@pytest.mark.parametrize("finished", [0, 1, 2])
def test_p_5_too_few_lines_told_by_statements_are_no_silence_where_the_orders_were_not_sent(
    fire, story_request, finished
):
    (card,) = fire(as_statements(story_request, finished=finished)).get_json()["cards"]
    assert "incomplete" in card["summary"]
    assert "medicationRequests" in card["detail"]
    assert "suggestions" not in card


@pytest.mark.parametrize(("finished", "is_judged"), [(2, False), (3, True)])
def test_p_5_the_page_suggests_nothing_where_the_card_calls_the_history_incomplete(
    loaded_knowledge, story_request, finished, is_judged
):
    body = json.dumps(as_statements(story_request, finished=finished)).encode()
    resources = gather_resources(read_hook_request(BY_ID["her2-later-line"], body))
    advice = advise(resources, loaded_knowledge, as_of=date(2026, 11, 24), jurisdiction="US")
    page = view_patient(advice, loaded_knowledge)
    assert (page.is_judged, bool(page.options)) == (is_judged, is_judged)
    assert any("medicationRequests" in it for it in page.notices) is not is_judged


@pytest.mark.parametrize("value", [it[1] for it in IS_NOT], ids=[it[0] for it in IS_NOT])
def test_pid_04_without_any_key_of_treatment_nothing_is_concluded(fire, story_request, value):
    for key in OF_TREATMENT:
        del story_request["prefetch"][key]
        if value is not ...:
            story_request["prefetch"][key] = value
    answer = fire(story_request)
    assert answer.status_code == 412 or any("incomplete" in it["summary"] for it in answer.get_json()["cards"])


@pytest.mark.parametrize("kind", ["collection", "searchset", "", None])
def test_p_10_a_bundle_is_read_whatever_its_type_says(fire, story_request, kind):
    before = [it["detail"] for it in fire(story_request).get_json()["cards"]]
    assert before
    for value in story_request["prefetch"].values():
        if value and value["resourceType"] == "Bundle":
            value["type"] = kind
    assert [it["detail"] for it in fire(story_request).get_json()["cards"]] == before


def test_every_resource_is_read_whatever_its_key(fire, story_request):
    before = [it["detail"] for it in fire(story_request).get_json()["cards"]]
    story_request["prefetch"] = {f"site-{key}": value for key, value in story_request["prefetch"].items() if value}
    renamed = {key: it for key, it in story_request["prefetch"].items() if it.get("entry") or it.get("id")}
    after = fire({**story_request, "prefetch": renamed}).get_json()["cards"]
    assert [it["detail"].split("\n")[0] for it in after] == [it.split("\n")[0] for it in before]


def test_p_6_one_failed_source_of_treatment_is_told_on_a_card(fire, story_request):
    story_request["prefetch"]["medicationAdministrations"] = FAILED
    cards = fire(story_request).get_json()["cards"]
    assert ["incomplete" in it["summary"] for it in cards] == [True]


def test_a_query_beside_treatment_that_was_not_sent_does_not_make_the_history_incomplete(fire, story_request):
    del story_request["prefetch"]["adverseEvents"]
    cards = fire(story_request).get_json()["cards"]
    assert cards
    assert not any("incomplete" in it["summary"] for it in cards)
    assert all("**Not seen:** adverse events." in it["detail"] for it in cards)


OWNERS = [
    ("relative", "Patient/{id}", 200),
    ("versioned", "Patient/{id}/_history/3", 200),
    ("absolute", "https://ehr.example.org/fhir/R4/Patient/{id}", 200),
    ("PID-02 same id, another base", "https://other.example.org/fhir/Patient/{id}", 400),
    ("another id", "Patient/somebody-else", 400),
    ("another id, absolute", "https://ehr.example.org/fhir/R4/Patient/somebody-else", 400),
    ("a group is nobody's", "Group/1", 200),
    ("leads nowhere", "urn:uuid:9f0e1c9e-0000-4000-8000-000000000000", 200),
]


@pytest.mark.parametrize(("reference", "status"), [it[1:] for it in OWNERS], ids=[it[0] for it in OWNERS])
def test_pid_01_whose_a_resource_is(fire, story_request, reference, status):
    story_request["fhirServer"] = "https://ehr.example.org/fhir/R4/"
    named = reference.format(id=story_request["context"]["patientId"])
    stray = {"resourceType": "Condition", "id": "stray", "subject": {"reference": named}, "code": {"text": "asthma"}}
    story_request["prefetch"]["conditions"]["entry"].append({"resource": stray})
    answer = fire(story_request)
    assert answer.status_code == status
    if status == 400:
        assert answer.get_json()["issue"][0]["expression"] == ["$.prefetch.conditions"]


def test_pid_01_a_full_url_of_the_bundle_leads_to_the_patient(fire, story_request):
    patient = story_request["prefetch"]["patient"]
    story_request["prefetch"]["patient"] = {
        "resourceType": "Bundle",
        "entry": [{"fullUrl": "urn:uuid:5b0d2f5e-0000-4000-8000-000000000000", "resource": patient}],
    }
    stray = {"resourceType": "Condition", "id": "s", "code": {"text": "asthma"}}
    stray["subject"] = {"reference": "urn:uuid:5b0d2f5e-0000-4000-8000-000000000000"}
    story_request["prefetch"]["conditions"]["entry"].append({"resource": stray})
    assert fire(story_request).status_code == 200
    patient["id"] = "somebody-else"
    assert fire(story_request).status_code == 400


@pytest.mark.parametrize(
    "written",
    [
        "MedicationRequest/{id}",
        "https://ehr.example.org/fhir/R4/MedicationRequest/{id}",
        "MedicationRequest/{id}/_history/2",
    ],
)
def test_h_9_selections_in_every_form_select_the_same(fire, story_request, written):
    drafts = [it["resource"]["id"] for it in story_request["context"]["draftOrders"]["entry"]]
    before = [it["summary"] for it in fire(story_request).get_json()["cards"]]
    assert before
    story_request["context"]["selections"] = [written.format(id=it) for it in drafts]
    assert [it["summary"] for it in fire(story_request).get_json()["cards"]] == before


def test_a_selected_request_group_selects_what_it_groups(fire, story_request):
    before = [it["summary"] for it in fire(story_request).get_json()["cards"]]
    entries = story_request["context"]["draftOrders"]["entry"]
    inner = [{"resource": {"reference": f"MedicationRequest/{it['resource']['id']}"}} for it in entries]
    entries.append({"resource": {"resourceType": "RequestGroup", "id": "g", "action": [{"action": inner}]}})
    story_request["context"]["selections"] = ["RequestGroup/g"]
    assert [it["summary"] for it in fire(story_request).get_json()["cards"]] == before


def test_a_selected_order_that_cannot_be_read_is_refused_and_an_unselected_one_is_not(fire, story_request):
    broken = {"resourceType": "MedicationRequest", "id": "broken", "medicationCodeableConcept": [7]}
    story_request["context"]["draftOrders"]["entry"].append({"resource": broken})
    assert fire(story_request).status_code == 200
    story_request["context"]["selections"].append("MedicationRequest/broken")
    assert fire(story_request).get_json()["issue"][0]["expression"] == ["$.context.draftOrders"]


def test_pid_06_any_order_of_another_patient_is_refused(fire, story_request):
    other = {"resourceType": "NutritionOrder", "id": "n", "patient": {"reference": "Patient/somebody-else"}}
    story_request["context"]["draftOrders"]["entry"].append({"resource": other})
    assert fire(story_request).status_code == 400


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ('{"context": {"patientId": "a", "patientId": "b"}}', "$.context.patientId"),
        ('{"context": {"patientId": "a", "patient\\u0049d": "b"}}', "$.context.patientId"),
        ('{"prefetch": {"Jane Doe": {"a": 1, "a": 2}}}', "$.prefetch"),
        ('{"a": ' + "9" * 1000 + "}", "$"),
        ('{"a": "\\ud800"}', "$"),
    ],
    ids=["twice", "twice in disguise", "the name of a key is not repeated", "absurd number", "lone surrogate"],
)
def test_inp_03_json_with_two_meanings_is_refused(fire, body, path):
    answer = fire(body)
    assert answer.status_code == 400
    assert answer.get_json()["issue"][0]["expression"] == [path]
    assert "Jane" not in answer.get_data(as_text=True)


def test_b_1_a_doubled_slash_is_answered_without_a_redirect(client, story_request):
    answer = client.post("/cds-services//her2-later-line", json=story_request)
    assert answer.status_code == 200


def test_the_stories_are_requests_by_our_own_schema(story_request):
    schema("hook-request.json").validate(story_request)
    broken = copy.deepcopy(story_request)
    del broken["context"]["selections"]
    assert not schema("hook-request.json").is_valid(broken)


def test_rel_09_all_wrong_settings_are_told_at_once_and_no_value_is_repeated(tmp_path):
    secret = tmp_path / "url"
    secret.write_text("postgresql://u:pw@db/x\n")
    assert read_settings({"CDSHOOKS_DATABASE_URL_FILE": str(secret)}).database_url == "postgresql://u:pw@db/x"
    wrong = {
        "CDSHOOKS_JURISDICTION": "Mars",
        "CDSHOOKS_TODAY": "soon",
        "CDSHOOKS_MAX_BODY_MB": "0",
        "CDSHOOKS_DEADLINE_MS": "fast",
        "CDSHOOKS_BASE_URL": "ftp://x",
        "CDSHOOKS_CLIENTS": "/nowhere",
        "CDSHOOKS_KNOWLEDGE_OVERLAY": "/nowhere",
        "CDSHOOKS_DATABASE_URL": "mysql://u:pw@db",
        "CDSHOOKS_DEV": "yes",
        "CDSHOOKS_EVALUATION": "yes",
    }
    with pytest.raises(SettingsError) as caught:
        read_settings(wrong)
    assert sorted(it.split()[0] for it in caught.value.faults) == sorted(wrong)
    assert "pw" not in str(caught.value)


@pytest.mark.parametrize(
    ("key", "status"),
    [
        ("medicationAdministrations", "entered-in-error"),
        ("medicationAdministrations", "not-done"),
        ("medicationRequests", "entered-in-error"),
        ("medicationRequests", "draft"),
        ("conditions", "entered-in-error"),
        ("observations", "entered-in-error"),
    ],
)
def test_pid_05_what_was_not_so_changes_no_card(fire, story_request, key, status):
    before = [it["summary"] for it in fire(story_request).get_json()["cards"]]
    subject = {"reference": f"Patient/{story_request['context']['patientId']}"}
    drug = {
        "medicationCodeableConcept": {"text": "eribulin"},
        "effectiveDateTime": "2026-10-01",
        "authoredOn": "2026-10-01",
    }
    wrong = {
        "conditions": {
            "resourceType": "Condition",
            "code": {"text": "Interstitial lung disease"},
            "verificationStatus": {"coding": [{"code": status}]},
        },
        "observations": {
            "resourceType": "Observation",
            "status": status,
            "code": {"text": "HER2"},
            "valueString": "negative",
        },
        "medicationRequests": {"resourceType": "MedicationRequest", "intent": "order", "status": status, **drug},
        "medicationAdministrations": {"resourceType": "MedicationAdministration", "status": status, **drug},
    }[key]
    bundle = story_request["prefetch"][key]
    bundle.setdefault("entry", []).append({"resource": {"id": "wrong", "subject": subject, **wrong}})
    assert [it["summary"] for it in fire(story_request).get_json()["cards"]] == before


def test_pid_05_the_order_of_entries_changes_no_card(fire, story_request):
    before = [it["detail"] for it in fire(story_request).get_json()["cards"]]
    for bundle in story_request["prefetch"].values():
        if isinstance(bundle, dict) and "entry" in bundle:
            bundle["entry"].reverse()
    assert [it["detail"] for it in fire(story_request).get_json()["cards"]] == before
