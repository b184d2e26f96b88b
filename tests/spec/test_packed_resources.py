"""What a card rested on is packed and unpacked without a difference, for every shipped patient."""

from __future__ import annotations

from pathlib import Path

import pytest

from cdshooks.ehr.decode import without_repeats
from cdshooks.ehr.packed import pack, unpack
from cdshooks.ehr.patient_file import read_patient_file

STORIES = sorted((Path(__file__).parents[2] / "fhir_fixtures").glob("*/request.json"))


@pytest.mark.parametrize("path", STORIES, ids=lambda it: it.parent.name)
def test_nothing_is_lost_or_added(path):
    resources = read_patient_file(path.read_bytes())
    again = unpack(pack(resources))
    assert again == resources
    assert list(again.by_type) == list(resources.by_type)
    assert all(again.by_name[name].resource == it.resource for name, it in resources.by_name.items())


def test_names_that_lead_to_an_earlier_reading_lead_there_again():
    data = b"""{"resourceType": "Bundle", "entry": [
        {"fullUrl": "https://a.example/Observation/o", "resource": {"resourceType": "Observation", "id": "o", "status": "final"}},
        {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Observation", "id": "p"}},
        {"fullUrl": "https://b.example/Observation/o", "resource": {"resourceType": "Observation", "id": "o", "status": "amended"}}]}"""
    for resources in (read_patient_file(data), without_repeats(read_patient_file(data))):
        assert unpack(pack(resources)) == resources


def test_what_could_not_be_read_is_told_again():
    data = b"""{"resourceType": "Bundle", "entry": [
        {"resource": {"resourceType": "Patient", "id": "p", "birthDate": 7}},
        {"resource": {"resourceType": "MedicationOrder", "id": "m"}}]}"""
    resources = read_patient_file(data)
    again = unpack(pack(resources))
    assert (resources.unreadable or resources.unsupported) != ()
    assert (again.unreadable, again.unsupported, again.incomplete) == (
        resources.unreadable,
        resources.unsupported,
        resources.incomplete,
    )
