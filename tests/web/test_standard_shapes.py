"""The shapes of the standard's own examples, of the public sandbox and of vendors: answered or 412, never a refusal of the shape."""

import pytest

HOOK_INSTANCE = "d1577c69-dfbe-44ad-ba6d-3e05e953b2ea"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def drafts(*resources, **more):
    return {"resourceType": "Bundle", **more, "entry": [{"resource": it} for it in resources]}


CAPECITABINE = {
    "resourceType": "MedicationRequest",
    "id": "draft-1",
    "status": "draft",
    "category": {"text": "an object, as some send it"},
    "subject": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"coding": [{"system": RXNORM, "code": "200328"}], "text": "capecitabine 500 MG"},
    "dosageInstruction": [{"doseAndRate": {"doseQuantity": {"value": 1}}}],
}
DIET = {
    "resourceType": "NutritionOrder",
    "id": "pureed-diet",
    "status": "draft",
    "patient": {"reference": "Patient/p1"},
}
DSTU2 = {
    "resourceType": "MedicationOrder",
    "id": "request-123",
    "status": "draft",
    "patient": {"reference": "Patient/p1"},
    "medicationCodeableConcept": {"text": "Lapatinib"},
}
EPIC = {
    "resourceType": "MedicationRequest",
    "id": "e" * 194 + "\u2011",
    "status": "draft",
    "subject": {"reference": "https://ehr.example.org/R4/Patient/p1"},
    "medicationReference": {"reference": "https://ehr.example.org/R4/Medication/m1", "display": "capecitabine"},
}
MEDICATION = {"resourceType": "Medication", "id": "m1", "code": {"coding": [{"system": RXNORM, "code": "200328"}]}}

SHAPES = {
    "the library's order-select": ("order-select", drafts(CAPECITABINE, DIET, type="collection"), ["NutritionOrder/pureed-diet"]),
    "the sandbox: no type, no fullUrl, no encounter": ("order-select", drafts(CAPECITABINE), ["MedicationRequest/draft-1"]),
    "the sandbox on DSTU2": ("order-select", drafts(DSTU2), ["MedicationOrder/request-123"]),
    "Epic: absolute references, a Medication among the drafts": (
        "order-select", drafts(EPIC, MEDICATION, type="collection"), [f"MedicationRequest/{EPIC['id']}"]
    ),
    "only a RequestGroup": ("order-select", drafts({"resourceType": "RequestGroup", "id": "g"}), ["RequestGroup/g"]),
    "no drafts at all": ("order-sign", {"resourceType": "Bundle"}, None),
    "order-sign": ("order-sign", drafts(CAPECITABINE, DIET), None),
    "patient-view": ("patient-view", None, None),
}  # fmt: skip
SERVICES = {
    "order-select": "her2-later-line",
    "order-sign": "her2-later-line-sign",
    "patient-view": "her2-later-line-view",
}
EMPTY = {"resourceType": "Bundle", "type": "searchset", "total": 0}


@pytest.mark.parametrize(("hook", "bundle", "selections"), SHAPES.values(), ids=SHAPES)
def test_c_17_shapes_of_real_requests_are_read(fire, hook, bundle, selections):
    context = {"userId": "Practitioner/abc", "patientId": "p1", "draftOrders": bundle, "selections": selections}
    request = {
        "hook": hook,
        "hookInstance": HOOK_INSTANCE,
        "fhirServer": "https://ehr.example.org/R4",
        "context": {name: value for name, value in context.items() if value is not None},
    }
    assert fire(request, SERVICES[hook]).status_code == 412
    request["prefetch"] = {"patient": {"resourceType": "Patient", "id": "p1"}, "conditions": EMPTY}
    request["prefetch"] |= {"observations": None, "medicationRequests": None}
    answer = fire(request, SERVICES[hook])
    assert (answer.status_code, answer.get_json()) == (200, {"cards": []})
