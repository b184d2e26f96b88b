"""ICD-10 as countries write it: addresses of its editions, codes without their point, the German marks of a diagnosis.

Source: BfArM, question on coding 1002; terminology 7, 11.
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import resources_of

KNOWLEDGE = load_knowledge()
GERMAN = "http://fhir.de/CodeSystem/bfarm/icd-10-gm"
SURE = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"


def record(code, system=GERMAN, mark=None, **more):
    coding = {"system": system, "code": code}
    if mark is not None:
        sure = {"system": "https://fhir.kbv.de/CodeSystem/KBV_CS_SFHIR_ICD_DIAGNOSESICHERHEIT", "code": mark}
        coding["extension"] = [{"url": SURE, "valueCoding": sure}]
    made = {"resourceType": "Condition", "id": "c", "code": {"coding": [coding]}, "recordedDate": "2024-01-01"}
    return read_patient_record(resources_of({**made, **more}), KNOWLEDGE)


def told(*of, **more):
    read = record(*of, **more)
    return [(it.site, it.certainty.value) for it in read.metastases]


@pytest.mark.parametrize(
    "system",
    [
        *("http://hl7.org/fhir/sid/icd-10", "http://hl7.org/fhir/sid/icd-10-cm", "http://hl7.org/fhir/sid/icd-10-uk"),
        *(GERMAN, f"{GERMAN}|2024", "http://fhir.de/CodeSystem/dimdi/icd-10-gm", "http://www.mscbs.gob.es/cie-10-es"),
        *("https://smt.esante.gouv.fr/terminologie-cim-10", "urn:oid:2.16.840.1.113883.6.3", None),
    ],
)
@pytest.mark.parametrize("code", ["C79.3", "C793", "c79.3"])
def test_an_edition_of_icd_10_is_known_by_its_address(system, code):
    known = not (system or "").endswith("terminologie-cim-10")  # the name of a site, and no list
    assert told(code, system) == [("brain", "confirmed")] * known


@pytest.mark.parametrize(
    "system", ["http://hl7.org/fhir/sid/icd-10-pcs", "http://www.cms.gov/medicare/coding/icd10pcs"]
)
def test_the_list_of_procedures_is_no_list_of_diagnoses(system):
    assert told("C79.3", system) == []


@pytest.mark.parametrize(
    ("code", "mark", "expected"),
    [
        ("C79.3", "G", "confirmed"),
        ("C79.3", "V", "provisional"),
        ("C79.3", "Z", "confirmed"),
        ("C79.3", None, "confirmed"),
        ("C79.3 G", None, "confirmed"),
        ("C79.3 V", None, "provisional"),
        ("C79.3V", None, "provisional"),
        ("C79.3 VL", None, "provisional"),
        ("C79.3 LV", None, "provisional"),
        ("C79.3 L", None, "confirmed"),
        ("C79.3\u2020", None, "confirmed"),
        ("C79.3*", None, "confirmed"),
        ("C79.3-", None, "confirmed"),
        ("C79.3 X", None, None),
    ],
)
def test_how_sure_a_diagnosis_is_by_what_stands_beside_its_code(code, mark, expected):
    assert told(code, mark=mark) == ([("brain", expected)] if expected else [])


@pytest.mark.parametrize(("code", "mark"), [("C79.3", "A"), ("C79.3 A", None), ("C79.3A", None), ("C79.3 AR", None)])
def test_an_excluded_diagnosis_is_none(code, mark):
    read = record(code, mark=mark)
    assert read.metastases == ()
    assert [it.certainty.value for it in read.diagnoses] == ["refuted"]
    assert read.cns.is_known_absent


@pytest.mark.parametrize(("mark", "resolved"), [("Z", True), ("G", None)])
def test_a_state_after_an_illness_is_over(mark, resolved):
    assert [it.is_resolved for it in record("I50.9", mark=mark).toxicities] == [resolved]


def test_a_code_of_the_american_edition_that_ends_in_a_letter_is_not_cut():
    assert [it.concept for it in record("O09.A0", "http://hl7.org/fhir/sid/icd-10-cm").diagnoses] == ["pregnancy"]
    assert [it.concept for it in record("C50.A1", "http://hl7.org/fhir/sid/icd-10-cm").diagnoses] == ["breast-cancer"]
