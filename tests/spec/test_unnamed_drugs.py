"""A drug of which only a reference is known may be a line of therapy: where it leads nowhere, the history is incomplete."""

import pytest

from tests.fhir import SUBJECT, resources_of

ORDER = {"resourceType": "MedicationRequest", "id": "d1", "status": "completed", **SUBJECT}
DRUG = {
    "resourceType": "Medication",
    "id": "m1",
    "code": {"text": "trastuzumab"},
    "identifier": [{"system": "s", "value": "7"}],
}
CASES = [
    ("nothing leads anywhere", {"medicationReference": {"reference": "Medication/m2"}}, True),
    ("the Medication is there", {"medicationReference": {"reference": "Medication/m1"}}, False),
    ("by identifier", {"medicationReference": {"identifier": {"system": "s", "value": "7"}}}, False),
    ("by another identifier", {"medicationReference": {"identifier": {"system": "s", "value": "8"}}}, True),
    ("words are shown", {"medicationReference": {"reference": "Medication/m2", "display": "trastuzumab"}}, False),
    ("a code beside it", {"medicationReference": {"reference": "Medication/m2"}, "medicationCodeableConcept": {"text": "x"}}, False),
    ("contained", {"medicationReference": {"reference": "#c"}, "contained": [{"id": "c", "code": {"text": "trastuzumab"}}]}, False),
    ("contained, and not there", {"medicationReference": {"reference": "#c"}}, True),
    ("entered in error", {"medicationReference": {"reference": "Medication/m2"}, "status": "entered-in-error"}, False),
    ("an empty reference", {"medicationReference": {}}, True),
]  # fmt: skip


@pytest.mark.parametrize(("members", "is_unnamed"), [it[1:] for it in CASES], ids=[it[0] for it in CASES])
def test_out_07_a_drug_without_a_name(members, is_unnamed):
    found = resources_of({**ORDER, **members}, DRUG)
    assert bool([it for it in found.incomplete if it.concerns_treatment]) is is_unnamed
