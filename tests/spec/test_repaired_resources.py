"""A member in another JSON form than the standard's is read where it can mean one thing only. Source: terminology 13."""

import pytest

from tests.fhir import drug, observation, resources_of

STATEMENT = drug("MedicationStatement", "trastuzumab", id="a", effectiveDateTime="2021")


@pytest.mark.parametrize(
    "change",
    [
        {"note": None},
        {"note": {"text": "well tolerated"}},
        {"note": [None, {"text": None}]},
        {"reasonCode": {"text": "breast cancer"}},
        {"medicationCodeableConcept": {"coding": None, "text": "trastuzumab"}},
        {"medicationCodeableConcept": [{"text": "trastuzumab"}]},
        {"medicationCodeableConcept": {"coding": [{"code": 224905, "display": None}], "text": "trastuzumab"}},
        {"dosage": {"text": 6}},
        {"effectiveDateTime": 2021},
    ],
)
def test_one_meaning_is_read(change):
    (held,) = resources_of({**STATEMENT, **change}).of("MedicationStatement")
    assert held.resource.medication_codeable_concept.text == "trastuzumab"
    assert held.resource.effective_date_time == "2021"


def test_a_number_for_an_id_names_the_resource():
    assert resources_of({**STATEMENT, "id": 12}).of("MedicationStatement")[0].ref == "MedicationStatement/12"


@pytest.mark.parametrize(
    "change",
    [
        {"medicationCodeableConcept": "trastuzumab"},
        {"medicationCodeableConcept": [{"text": "trastuzumab"}, {"text": "pertuzumab"}]},
        {"status": {"code": "completed"}},
    ],
)
def test_what_may_mean_two_things_is_unreadable_and_reported(change):
    found = resources_of({**STATEMENT, **change})
    assert found.of("MedicationStatement") == ()
    assert [it.resource for it in found.unreadable] == ["MedicationStatement/a"]


def test_a_faulty_resource_costs_itself_only():
    found = resources_of({**STATEMENT, "status": []}, observation("89247-1", valueInteger=1))
    assert len(found.of("Observation")) == len(found.unreadable) == 1


@pytest.mark.parametrize("concept", [{"coding": "trastuzumab"}, {"coding": [{"code": {}}]}, [], [[]], 7, ""])
def test_a_code_in_no_form_costs_its_resource_only(concept):
    resources = resources_of(STATEMENT, {**STATEMENT, "id": "other", "medicationCodeableConcept": concept})
    assert [it.resource.id for it in resources.of("MedicationStatement")] == [STATEMENT["id"]]
    assert len(resources.unreadable) == 1


@pytest.mark.parametrize("inner", ["2021", "\x00", "Observation2", "A b"])
def test_an_unreadable_resource_that_contains_a_type_of_tomorrow_is_told_and_ends_nothing(inner):
    """The full model looks the type up and does not find it: that error once ended the whole call."""
    broken = {"resourceType": "Condition", "id": "c", "code": 7, "contained": [{"resourceType": inner, "id": "x"}]}
    (told,) = resources_of(broken).unreadable
    assert told.resource == "Condition/c"
