"""Lists of places of spread, treatment that only a diagnosis tells, and days that are still to come. Source: terminology 10.2, 10.5, 13."""

from __future__ import annotations

from datetime import date

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record, vocabulary_of
from tests.fhir import LOINC, condition, drug, observation, resources_of

KNOWLEDGE = load_knowledge()
TERMS = vocabulary_of(KNOWLEDGE).terms
AS_OF = date(2026, 11, 24)


def record_of(*resources, as_of=AS_OF):
    return read_patient_record(resources_of(*resources), KNOWLEDGE, as_of=as_of)


def spread(terms):
    return {it.concept.removeprefix("met-") for it in terms if it.category == "metastasis"}


@pytest.mark.parametrize(
    ("text", "named", "denied"),
    [
        ("Breast cancer metastatic to liver and bone", "liver bone", ""),
        ("metastatic to the liver, lungs and bones", "liver lung bone", ""),
        ("Metastasen in Leber und Knochen", "liver bone", ""),
        ("Lung, liver and bone metastases", "lung liver bone", ""),
        ("brain and liver mets", "brain liver", ""),
        ("Metastatic to lymph nodes and spinal cord", "spinal-cord", ""),
        # regional, or no distant spread at all
        ("metastatic to axillary lymph nodes", "", ""),
        ("metastatic to the contralateral breast", "", ""),
        # a comma or a full stop alone may part two statements
        ("liver, bone metastases", "bone", ""),
        ("Liver normal. Bone metastases.", "bone", ""),
        ("normal liver, lung and bone metastases", "lung bone", ""),
        # a negation reaches the whole list and no further
        ("No lung, liver or bone metastases.", "", "lung liver bone"),
        ("No metastases to liver or brain", "", "liver brain"),
        ("No lung, liver or bone metastases. New brain metastases.", "brain", "lung liver bone"),
        ("No metastases in brain or liver in 2022. Metastases to brain since 2024.", "brain", "brain liver"),
        # or to what is asked for
        ("no evidence of any disease metastatic to bone", "", "bone"),
    ],
)
def test_a_list_of_places(text, named, denied):
    assert spread(TERMS.worded_conditions((text,))) == set(named.split())
    assert spread(TERMS.denied_conditions((text,))) == set(denied.split())


def test_the_sites_of_a_diagnosis_in_words():
    record = record_of(condition(text="Breast cancer metastatic to liver and bone", onsetDateTime="2024-05"))
    assert {(it.site, str(it.date)) for it in record.metastases} == {
        ("liver", "2024-05"),
        ("bone", "2024-05"),
        ("unspecified", "2024-05"),
    }


@pytest.mark.parametrize(
    ("code", "taken", "is_asked"),
    [
        ("Z92.21", None, True),
        ("Z92.21", "letrozole", True),
        ("Z92.21", "docetaxel", False),
        ("Z92.21", "trastuzumab deruxtecan", False),
        ("Z92.22", "trastuzumab", False),
        ("Z92.22", None, True),
        ("Z79.810", None, True),
        ("Z79.811", "letrozole", False),
        ("Z79.818", "docetaxel", True),
        # no drug therapy of the cancer
        ("Z92.3", None, False),
        ("Z92.23", None, False),
    ],
)
def test_treatment_that_only_a_diagnosis_tells(code, taken, is_asked):
    drugs = [drug("MedicationStatement", taken, effectiveDateTime="2021")] if taken else []
    doubts = [it for it in record_of(condition(code), *drugs).doubts if it.code == "told-treatment"]
    assert [it.evidence for it in doubts] == ([("Condition/c1",)] if is_asked else [])


def test_a_refuted_diagnosis_tells_no_treatment():
    refuted = {"verificationStatus": {"coding": [{"code": "refuted"}]}}
    assert record_of(condition("Z92.21", **refuted)).doubts == ()


def ejection_fraction(day):
    return observation(
        "10230-1", system=LOINC, day=day, valueQuantity={"value": 60, "unit": "%", "code": "%"}, id="lvef"
    )


@pytest.mark.parametrize(
    ("resource", "about"),
    [
        (drug("MedicationAdministration", "trastuzumab", effectiveDateTime="2026-11-25"), "medication"),
        (drug("MedicationAdministration", "trastuzumab", effectiveDateTime="2026-11-24"), None),
        (drug("MedicationStatement", "trastuzumab", effectiveDateTime="2027"), "medication"),
        (drug("MedicationStatement", "trastuzumab", effectiveDateTime="2026"), None),
        (drug("MedicationStatement", "trastuzumab", effectiveDateTime="2026-11"), None),
        # an order may well be for a later day
        (drug("MedicationRequest", "trastuzumab", status="active", intent="order", authoredOn="2026-12-01"), None),
        (ejection_fraction("2062-01-10"), "lvef_percent"),
        (ejection_fraction("2026-11-24"), None),
        (condition("C79.31", onsetDateTime="2029-01-01"), "metastatic"),
    ],
)
def test_a_day_that_is_still_to_come_is_doubted(resource, about):
    doubts = {it.about for it in record_of(resource).doubts if it.code == "date"} - {"diagnosis"}
    assert doubts == ({about} if about else set())


def test_without_a_day_of_the_answer_none_lies_ahead():
    assert record_of(ejection_fraction("2062-01-10"), as_of=None).doubts == ()
