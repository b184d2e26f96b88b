"""Every type of resource, wherever it stands: another patient's ends the call, whatever it says. Source: PID-01, PID-02, PID-06."""

import json

import pytest

from cdshooks.ehr.resources import TYPES
from cdshooks.hooks.services import PREFETCH

FORMS = {
    "another id": "Patient/somebody-else",
    "the id in other letters": "Patient/{ID}",
    "the id and more": "Patient/{id}x",
    "a version of another": "Patient/somebody-else/_history/1",
    "absolute, another id": "https://ehr.example.org/fhir/R4/Patient/somebody-else",
    "the same id elsewhere": "https://other.example.org/fhir/Patient/{id}",
}
OF_A_PATIENT = sorted(set(TYPES) - {"Patient"})
BY_PATIENT = {"AllergyIntolerance", "BodyStructure"}
"""R4 calls the member ``patient`` there, elsewhere ``subject``."""


def strange(kind, patient, form, **more):
    named = {"reference": form.format(id=patient, ID=patient.upper())}
    member = "individual" if kind == "ResearchSubject" else "patient" if kind in BY_PATIENT else "subject"
    return {"resourceType": kind, "id": "strange", member: named, **more}


def put(request, key, resource):
    held = request["prefetch"].get(key)
    if not held or held["resourceType"] != "Bundle":
        held = request["prefetch"][f"beside-{key}"] = {"resourceType": "Bundle", "type": "searchset", "entry": []}
    held.setdefault("entry", []).append({"resource": resource})


def assert_refused(answer):
    assert answer.status_code == 400
    assert "cards" not in answer.get_json()
    assert "somebody" not in answer.get_data(as_text=True)


@pytest.mark.parametrize("form", FORMS.values(), ids=FORMS)
@pytest.mark.parametrize("kind", OF_A_PATIENT)
def test_pid_01_a_resource_of_any_type_that_names_another_patient_ends_the_call(fire, story_request, kind, form):
    story_request["fhirServer"] = "https://ehr.example.org/fhir/R4"
    put(story_request, "conditions", strange(kind, story_request["context"]["patientId"], form))
    assert_refused(fire(story_request))


@pytest.mark.parametrize(
    ("patient", "status"), [("{id}", 200), (None, 200), ("", 200), ("somebody-else", 400), ("{ID}", 400), (7, 400)]
)
def test_s_16_and_pid_01_a_token_for_another_patient_ends_the_call(fire, story_request, patient, status):
    own = story_request["context"]["patientId"]
    named = patient.format(id=own, ID=own.upper()) if isinstance(patient, str) else patient
    story_request["fhirServer"] = "https://ehr.example.org/fhir/R4"
    story_request["fhirAuthorization"] = {"access_token": "opaque", "token_type": "Bearer", "patient": named}
    answer = fire(story_request)
    assert answer.status_code == status
    if status == 400:
        assert_refused(answer)
        assert answer.get_json()["issue"][0]["expression"] == ["$.fhirAuthorization.patient"]


@pytest.mark.parametrize("key", sorted(PREFETCH))
def test_pid_01_under_whatever_key_it_comes(fire, story_request, key):
    put(story_request, key, strange("Condition", story_request["context"]["patientId"], FORMS["another id"]))
    assert_refused(fire(story_request))


def test_pid_01_another_patient_beside_the_right_one(fire, story_request):
    put(story_request, "patient", {"resourceType": "Patient", "id": "somebody-else"})
    assert_refused(fire(story_request))


def test_pid_01_another_patient_in_a_bundle_in_a_bundle(fire, story_request):
    inner = strange("Observation", story_request["context"]["patientId"], FORMS["another id"])
    put(story_request, "observations", {"resourceType": "Bundle", "entry": [{"resource": inner}]})
    assert_refused(fire(story_request))


def test_pid_01_where_two_members_name_a_patient_another_in_either_decides(fire, story_request):
    own = {"reference": f"Patient/{story_request['context']['patientId']}"}
    both = strange("AllergyIntolerance", story_request["context"]["patientId"], FORMS["another id"], subject=own)
    put(story_request, "conditions", both)
    assert_refused(fire(story_request))


@pytest.mark.parametrize(
    "subject", [{"identifier": {"system": "urn:mrn", "value": "4711"}}, {"display": "Jane Doe"}, {"reference": ""}, {}, None],
    ids=["an identifier alone", "a name alone", "an empty reference", "nothing", "null"],
)  # fmt: skip
def test_pid_01_who_is_not_named_by_reference_is_not_taken_for_the_patient(fire, story_request, subject):
    before = json.dumps([it["summary"] for it in fire(story_request).get_json()["cards"]])
    told = {
        "resourceType": "Condition",
        "id": "nameless",
        "code": {"text": "Interstitial lung disease, grade 3"},
        "subject": subject,
    }
    put(story_request, "conditions", told)
    cards = fire(story_request).get_json()["cards"]
    assert json.dumps([it["summary"] for it in cards]) == before
    assert "nameless" in cards[0]["detail"]


@pytest.mark.parametrize("kind", ["MedicationRequest", "ServiceRequest", "NutritionOrder", "DeviceRequest"])
@pytest.mark.parametrize("is_selected", [True, False])
def test_pid_06_an_order_for_another_patient_ends_the_call_selected_or_not(fire, story_request, kind, is_selected):
    other = strange(kind, story_request["context"]["patientId"], FORMS["another id"])
    story_request["context"]["draftOrders"]["entry"].append({"resource": other})
    if is_selected:
        story_request["context"]["selections"].append(f"{kind}/strange")
    assert_refused(fire(story_request))
