"""Which drugs that we do not know may be cancer drugs, so that a line could be missing. Source: INN stems, ATC."""

from __future__ import annotations

import pytest

from cdshooks.record.read import read_patient_record
from tests.fhir import concept, drug, resources_of
from tests.option_cases import rows, shipped

ATC = "http://www.whocc.no/atc"
UNKNOWN = """
    text             | atc     | for   | may be
    belrestotinib    |         |       | True
    zalifrelimab     |         |       | None
    fepixnebart      |         |       | None
    satraplatin      |         |       | True
    oxaliplatin      |         |       | True
    oxaliplatin      |         | C18.9 | False
    Wonderdrug       | L01XX99 |       | True
    Wonderdrug       | L02BX99 |       | True
    Wonderdrug       | L04AX99 |       | False
    Wonderdrug       | C07AB99 |       | False
    levothyroxine    |         |       | None
    levothyroxine    | H03AA01 |       | False
"""


@pytest.mark.parametrize("row", rows(UNKNOWN), ids=lambda row: " ".join(row.values()))
def test_a_stem_or_a_code_tells_what_an_unknown_drug_may_be(row):
    order = drug("MedicationRequest", row["text"], intent="order", authoredOn="2025-01-06")
    if row["atc"]:
        order["medicationCodeableConcept"] = concept(row["atc"], ATC, row["text"])
    if row["for"]:
        order["reasonCode"] = [concept(row["for"], "http://hl7.org/fhir/sid/icd-10-cm")]
    (found,) = read_patient_record(resources_of(order), shipped()).unmapped
    assert str(found.may_be_cancer_drug) == row["may be"]


def test_drug_therapy_without_a_name_may_be_anything_for_cancer():
    infusion = {
        "resourceType": "Procedure",
        "id": "p",
        "status": "completed",
        "code": concept("367336001", "http://snomed.info/sct", "Chemotherapy"),
        "performedDateTime": "2025-01-06",
    }
    (found,) = read_patient_record(resources_of(infusion), shipped()).unmapped
    assert found.may_be_cancer_drug is True
