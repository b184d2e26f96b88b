"""Every status that a record of a drug can have: taken, only planned, or nothing at all. Source: terminology 10.1."""

from __future__ import annotations

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import drug, resources_of

KNOWLEDGE = load_knowledge()
DRAWN = """
record                   | status           | taken | planned
MedicationAdministration | completed        | yes   | no
MedicationAdministration | in-progress      | yes   | no
MedicationAdministration | stopped          | yes   | no
MedicationAdministration | on-hold          | yes   | no
MedicationAdministration | unknown          | no    | yes
MedicationAdministration | not-done         | no    | no
MedicationAdministration | entered-in-error | no    | no
MedicationStatement      | active           | yes   | no
MedicationStatement      | completed        | yes   | no
MedicationStatement      | stopped          | yes   | no
MedicationStatement      | on-hold          | yes   | no
MedicationStatement      | intended         | no    | yes
MedicationStatement      | unknown          | no    | yes
MedicationStatement      | not-taken        | no    | no
MedicationStatement      | entered-in-error | no    | no
MedicationDispense       | completed        | yes   | no
MedicationDispense       | in-progress      | yes   | no
MedicationDispense       | stopped          | yes   | no
MedicationDispense       | preparation      | no    | yes
MedicationDispense       | on-hold          | no    | yes
MedicationDispense       | unknown          | no    | yes
MedicationDispense       | cancelled        | no    | no
MedicationDispense       | declined         | no    | no
MedicationDispense       | entered-in-error | no    | no
MedicationRequest        | active           | yes   | no
MedicationRequest        | completed        | yes   | no
MedicationRequest        | stopped          | yes   | no
MedicationRequest        | draft            | no    | yes
MedicationRequest        | unknown          | no    | yes
MedicationRequest        | cancelled        | no    | no
MedicationRequest        | entered-in-error | no    | no
"""
ROWS = [tuple(cell.strip() for cell in line.split("|")) for line in DRAWN.strip().splitlines()[1:]]
DATED = {
    "MedicationDispense": {"whenHandedOver": "2023-02-01"},
    "MedicationRequest": {"authoredOn": "2023-02-01", "intent": "order"},
}


@pytest.mark.parametrize(("kind", "status", "taken", "planned"), ROWS)
def test_what_a_status_makes_of_a_drug(kind, status, taken, planned):
    members = DATED.get(kind, {"effectiveDateTime": "2023-02-01"})
    record = read_patient_record(resources_of(drug(kind, "tucatinib", status=status, **members)), KNOWLEDGE)
    assert (bool(record.exposures), bool(record.planned)) == (taken == "yes", planned == "yes")
