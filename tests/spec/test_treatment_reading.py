"""Which medication records count as treatment, and from when to when. Source: terminology 10.1, 10.2, 12."""

from __future__ import annotations

import json
from typing import Any

import pytest

from cdshooks.ehr.decode import ResourceCollector
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.model import PatientRecord
from cdshooks.record.read import read_patient_record

KNOWLEDGE = load_knowledge()


def record_of(*resources: dict[str, Any]) -> PatientRecord:
    collector = ResourceCollector()
    for resource in resources:
        collector.add_json(json.dumps({"subject": {"reference": "Patient/p1"}, **resource}).encode(), query="test")
    return read_patient_record(collector.finish(), KNOWLEDGE)


def drug(kind: str, status: str, **members: Any) -> dict[str, Any]:
    member = {"MedicationAdministration": "effectiveDateTime", "MedicationStatement": "effectiveDateTime"}.get(kind)
    member = member or {"MedicationDispense": "whenHandedOver"}.get(kind, "authoredOn")
    base = {"resourceType": kind, "id": "x", "status": status, member: "2024-05-02"}
    base |= {"intent": "order"} if kind == "MedicationRequest" else {}
    return {**base, "medicationCodeableConcept": {"text": "tucatinib"}, **members}


@pytest.mark.parametrize(
    ("kind", "status", "outcome"),
    [
        ("MedicationAdministration", "completed", "taken"),
        ("MedicationAdministration", "stopped", "taken"),
        ("MedicationAdministration", "unknown", "planned"),
        ("MedicationAdministration", "not-done", "nothing"),
        ("MedicationAdministration", "entered-in-error", "nothing"),
        ("MedicationStatement", "active", "taken"),
        ("MedicationStatement", "completed", "taken"),
        ("MedicationStatement", "intended", "planned"),
        ("MedicationStatement", "not-taken", "nothing"),
        ("MedicationDispense", "completed", "taken"),
        ("MedicationDispense", "preparation", "planned"),
        ("MedicationDispense", "declined", "nothing"),
        ("MedicationRequest", "active", "taken"),
        ("MedicationRequest", "stopped", "taken"),
        ("MedicationRequest", "draft", "planned"),
        ("MedicationRequest", "cancelled", "nothing"),
        ("MedicationRequest", "entered-in-error", "nothing"),
    ],
)
def test_status_decides_whether_a_drug_was_taken(kind: str, status: str, outcome: str) -> None:
    record = record_of(drug(kind, status))
    assert (len(record.exposures), len(record.planned)) == {"taken": (1, 0), "planned": (0, 1), "nothing": (0, 0)}[
        outcome
    ]


@pytest.mark.parametrize(
    ("members", "outcome"),
    [
        ({"intent": "plan"}, "planned"),
        ({"intent": "plan", "reportedBoolean": True}, "taken"),
        ({"intent": "proposal"}, "planned"),
        ({"doNotPerform": True}, "nothing"),
    ],
)
def test_a_plan_that_is_a_report_was_taken_and_other_plans_were_not(members: dict[str, Any], outcome: str) -> None:
    record = record_of(drug("MedicationRequest", "active", **members))
    assert (bool(record.exposures), bool(record.planned)) == {
        "taken": (True, False),
        "planned": (False, True),
        "nothing": (False, False),
    }[outcome]


def test_a_cancelled_order_with_a_dose_given_was_given() -> None:
    record = record_of(drug("MedicationRequest", "cancelled"), drug("MedicationAdministration", "completed", id="y"))
    assert [str(it.agent) for it in record.exposures] == ["tucatinib"]


def test_an_end_in_the_words_of_the_dosage_is_read_and_marked_as_uncertain() -> None:
    words = "every 21 days, Starting Mon 11/4/2024, Until Fri 2/28/2025"
    timing = {"repeat": {"boundsPeriod": {"start": "2024-11-04"}}}
    record = record_of(drug("MedicationRequest", "active", dosageInstruction=[{"text": words, "timing": timing}]))
    (exposure,) = record.exposures
    assert (str(exposure.start), str(exposure.end)) == ("2024-11-04", "2025-02-28")
    assert not exposure.is_date_certain


@pytest.mark.parametrize(
    ("kind", "members", "start", "end"),
    [
        ("MedicationStatement", {"dosage": [{"text": "Until Fri 2/28/2025"}]}, None, "2025-02-28"),
        ("MedicationRequest", {"dosageInstruction": [{"text": "Starting Mon 11/4/2024"}]}, "2024-11-04", None),
        ("MedicationRequest", {"dosageInstruction": [{"text": "with endoxan 11/4/2024"}]}, "2024-09-01", None),
    ],
)
def test_a_date_that_only_words_tell_is_uncertain(
    kind: str, members: dict[str, Any], start: str | None, end: str | None
) -> None:
    if kind == "MedicationRequest":
        members = {"authoredOn": "2024-09-01", **members}
    (exposure,) = record_of(drug(kind, "completed", **members)).exposures
    told = [str(it) if it is not None else None for it in (exposure.start, exposure.end)]
    assert told == [start, end]
    assert exposure.is_date_certain is (start == "2024-09-01")


def test_a_year_stays_a_year() -> None:
    record = record_of(drug("MedicationStatement", "completed", effectiveDateTime="2021"))
    assert str(record.exposures[0].start) == "2021"


def test_the_day_of_the_interview_is_not_the_day_of_the_drug() -> None:
    tykerb = {"text": "Tykerb, outside hospital, 2021"}
    record = record_of(
        drug("MedicationRequest", "completed", intent="plan", reportedBoolean=True, medicationCodeableConcept=tykerb)
    )
    (exposure,) = record.exposures
    assert (str(exposure.agent), str(exposure.start)) == ("lapatinib", "2021")
    assert not exposure.is_date_certain


def test_a_mixture_is_its_drugs_on_the_day_of_the_infusion() -> None:
    inside = [{"itemCodeableConcept": {"text": it}} for it in ("pertuzumab", "trastuzumab", "Sodium chloride 0.9%")]
    mix = {"resourceType": "Medication", "id": "mix", "code": {"text": "mixture"}, "ingredient": inside}
    given = drug("MedicationAdministration", "completed", contained=[mix], medicationReference={"reference": "#mix"})
    del given["medicationCodeableConcept"], given["effectiveDateTime"]
    given["effectivePeriod"] = {"start": "2024-05-02T10:00:00-04:00", "end": "2024-05-02T11:30:00-04:00"}
    record = record_of(given)
    assert [(str(it.agent), str(it.start), str(it.end)) for it in record.exposures] == [
        ("pertuzumab", "2024-05-02", "2024-05-02"),
        ("trastuzumab", "2024-05-02", "2024-05-02"),
    ]


def test_the_same_dose_from_three_records_is_one_use_and_order_is_irrelevant() -> None:
    records = [
        drug("MedicationAdministration", "completed", id="a"),
        drug("MedicationDispense", "completed", id="b"),
        drug("MedicationStatement", "completed", id="c"),
    ]
    one, other = record_of(*records), record_of(*reversed(records))
    assert len(one.exposures) == 1
    assert one == other


def test_a_twin_entered_in_error_changes_nothing() -> None:
    dose = drug("MedicationAdministration", "completed")
    assert record_of(dose) == record_of(dose, drug("MedicationAdministration", "entered-in-error", id="twin"))


def test_a_stop_for_lack_of_response_is_a_stop_for_progression() -> None:
    reason = {"coding": [{"system": "http://snomed.info/sct", "code": "266721009"}]}
    record = record_of(drug("MedicationRequest", "stopped", statusReason=reason))
    assert record.exposures[0].stopped_for == "progression"


def test_an_unreadable_record_costs_itself_only() -> None:
    record = record_of(drug("MedicationRequest", "active"), drug("MedicationRequest", "active", id="bad", note=7))
    assert len(record.exposures) == 1
    assert [str(it.resource) for it in record.unreadable] == ["MedicationRequest/bad"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("methotrexate 15 mg weekly", "rheumatoid arthritis"),
        ("everolimus 0.75 mg", "kidney transplant"),
        ("fluorouracil 5% cream", "actinic keratosis"),
    ],
)
def test_a_cancer_drug_for_another_disease_is_no_line(text: str, reason: str) -> None:
    members = {"medicationCodeableConcept": {"text": text}, "reasonCode": [{"text": reason}]}
    record = record_of(drug("MedicationRequest", "active", **members))
    assert record.exposures == ()
    assert len(record.other_cancer_drugs) == 1


def test_a_drug_for_breast_cancer_in_a_patient_with_another_disease_is_a_line() -> None:
    reasons = [{"text": "metastatic breast cancer"}, {"text": "rheumatoid arthritis"}]
    for order in (reasons, reasons[::-1]):
        record = record_of(drug("MedicationRequest", "active", reasonCode=order))
        assert len(record.exposures) == 1


def test_a_co_medication_is_known_by_its_german_name() -> None:
    record = record_of(drug("MedicationStatement", "active", medicationCodeableConcept={"text": "Ketoconazol 200 mg"}))
    assert [it.classes for it in record.comedications] == [("strong_cyp3a4_inhibitor",)]


@pytest.mark.parametrize(
    ("timing", "start", "end"),
    [
        ({"event": ["2024-06-15"]}, "2024-06-15", "2024-06-15"),
        ({"event": ["2024-07-06", "2024-06-15T09:00:00Z"]}, "2024-06-15", "2024-07-06"),
        ({"event": ["2024-06"]}, "2024-06", "2024-06"),
        ({"event": ["2024", "2024-06-15"]}, "2024", "2024"),  # the day of which the year alone is told may be the later
        # the bounds tell the whole course, the days single doses of it
        ({"event": ["2024-06-15"], "repeat": {"boundsPeriod": {"start": "2024-06-01"}}}, "2024-06-01", None),
        ({"event": []}, "2024-05-02", None),
        ({"event": ["soon"]}, "2024-05-02", None),
        ({}, "2024-05-02", None),
    ],
)
def test_an_order_for_single_days_is_for_these_days_and_not_for_the_day_of_writing(timing, start, end):
    (found,) = record_of(drug("MedicationRequest", "completed", dosageInstruction=[{"timing": timing}])).exposures
    assert (str(found.start), str(found.end) if found.end else None) == (start, end)
