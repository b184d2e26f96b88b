"""Tests that a laboratory sends by name alone, as laboratories write them; urine is no blood. Source: terminology 13."""

import pytest

from cdshooks.record.read import read_patient_record
from tests.fhir import resources_of
from tests.option_cases import shipped

NAMED = """
Creatinine                   | 1.2 mg/dL   | creatinine
Creatinine(Serum)            | 122 umol/L  | creatinine
Creatinine, serum            | 1.2 mg/dL   | creatinine
CREATININE SERUM/PLASMA      | 1.2 mg/dL   | creatinine
Creatinine (Urine)           | 90 mg/dL    |
Urine creatinine             | 90 mg/dL    |
Creatinine clearance         | 90 mL/min   | crcl
Bilirubin, total             | 0.8 mg/dL   | bilirubin
Bilirubin (Total)            | 0.8 mg/dL   | bilirubin
Bilirubin, direct            | 0.2 mg/dL   |
Bilirubin (Urine)            | 0.2 mg/dL   |
ALT (SGPT)                   | 30 U/L      | alt
AST (SGOT)                   | 30 U/L      | ast
Alk Phos                     | 90 U/L      | alp
Potassium (Serum)            | 4.1 mmol/L  | potassium
Potassium, urine             | 40 mmol/L   |
Magnesium, plasma            | 0.8 mmol/L  | magnesium
Hemoglobin (Blood)           | 12 g/dL     | hemoglobin
Hemoglobin A1c               | 6 %         | hba1c
Neutrophils (Abs)            | 3.1 10*9/L  | anc
Neutrophils %                | 60 %        |
Platelets (Blood)            | 214 10*9/L  | platelets
"""


@pytest.mark.parametrize("line", NAMED.strip().splitlines())
def test_a_test_known_by_its_name_alone(line):
    name, value, fact = (it.strip() for it in line.split("|"))
    number, unit = value.split(" ")
    result = {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"text": name},
        "effectiveDateTime": "2026-11-01",
        "valueQuantity": {"value": float(number), "unit": unit},
    }
    record = read_patient_record(resources_of(result), shipped())
    assert [it.fact for it in record.measurements] == ([fact] if fact else [])


@pytest.mark.parametrize(
    ("unit", "code", "value"),
    [
        ("umol/L", "258814008", 1.38),  # the number of the unit in SNOMED CT
        ("umol/L", "umol/L", 1.38),
        ("umol/L", None, 1.38),
        ("anything", "umol/L", 1.38),
        ("umol/L", "mm", None),  # a unit that creatinine cannot have is flagged, whatever is written beside it
        (None, "258814008", None),
    ],
)
def test_a_unit_is_read_by_its_words_only_where_its_code_is_of_no_unit(unit, code, value):
    quantity = {"value": 122, **({"unit": unit} if unit else {}), **({"code": code} if code else {})}
    result = {
        "resourceType": "Observation",
        "id": "1",
        "status": "final",
        "code": {"text": "Creatinine"},
        "effectiveDateTime": "2026-11-01",
        "valueQuantity": quantity,
    }
    record = read_patient_record(resources_of(result), shipped())
    assert [it.value for it in record.measurements] == ([value] if value else [])
    assert bool(record.doubts) is (value is None)
