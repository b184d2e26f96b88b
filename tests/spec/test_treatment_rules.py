"""Which medication records are exposures, with which dates and which end. Source: terminology 10.1, 10.2, 12."""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import SNOMED, concept, drug, resources_of

KNOWLEDGE = load_knowledge()


def record_of(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def taken(*resources):
    return [(it.agent, str(it.start), str(it.end), it.proof.value) for it in record_of(*resources).exposures]


@pytest.mark.parametrize(
    ("kind", "status", "counts"),
    [
        ("MedicationAdministration", "completed", True),
        ("MedicationAdministration", "in-progress", True),
        ("MedicationAdministration", "not-done", False),
        ("MedicationAdministration", "entered-in-error", False),
        ("MedicationAdministration", "unknown", False),
        ("MedicationStatement", "active", True),
        ("MedicationStatement", "stopped", True),
        ("MedicationStatement", "intended", False),
        ("MedicationStatement", "not-taken", False),
        ("MedicationDispense", "completed", True),
        ("MedicationDispense", "cancelled", False),
    ],
)
def test_only_some_statuses_mean_that_a_drug_was_taken(kind, status, counts):
    dated = {"whenHandedOver": "2023-02-01"} if kind == "MedicationDispense" else {"effectiveDateTime": "2023-02-01"}
    assert bool(taken(drug(kind, "trastuzumab", status=status, **dated))) is counts


@pytest.mark.parametrize(
    ("members", "counts"),
    [
        ({"status": "active", "intent": "order"}, True),
        ({"status": "completed", "intent": "plan", "reportedBoolean": True}, True),
        ({"status": "completed", "intent": "plan"}, False),
        ({"status": "active", "intent": "proposal"}, False),
        ({"status": "draft", "intent": "order"}, False),
        ({"status": "cancelled", "intent": "order"}, False),
        ({"status": "on-hold", "intent": "order"}, False),
        ({"status": "active", "intent": "order", "doNotPerform": True}, False),
    ],
)
def test_an_order_counts_by_status_intent_and_report(members, counts):
    request = {**drug("MedicationRequest", "Tykerb, 2021"), "authoredOn": "2024-01-15", **members}
    assert bool(taken(request)) is counts


def test_the_day_of_the_interview_is_not_the_day_of_treatment():
    request = drug(
        "MedicationRequest",
        "Tykerb, outside hospital, 2021",
        intent="plan",
        reportedBoolean=True,
        authoredOn="2024-01-15",
    )
    assert taken(request) == [("lapatinib", "2021", "None", "reported")]


def test_an_end_in_words_is_read_with_low_confidence():
    request = drug("MedicationRequest", "Kadcyla", status="active", intent="order", authoredOn="2024-11-02")
    request["dosageInstruction"] = [
        {
            "text": "every 21 days, Starting Mon 11/4/2024, Until Fri 2/28/2025",
            "timing": {"repeat": {"boundsPeriod": {"start": "2024-11-04"}}},
        }
    ]
    (exposure,) = record_of(request).exposures
    assert (exposure.agent, str(exposure.start), str(exposure.end)) == (
        "trastuzumab emtansine",
        "2024-11-04",
        "2025-02-28",
    )
    assert not exposure.is_date_certain
    assert not exposure.is_open


@pytest.mark.parametrize(
    ("text", "end"),
    [
        ("alle 21 Tage, ab 4.11.2024 bis 28.02.2025", "2025-02-28"),
        ("alle 21 Tage, vom 04.11.2024, Ende 5.3.2025", "2025-03-05"),  # with dots the day stands first
        ("3,6 mg/kg alle 21 Tage bis 2.5 mg", "None"),
        ("bis 31.02.2025", "None"),  # there is no such day
    ],
)
def test_a_german_end_in_words_is_read(text, end):
    request = drug("MedicationRequest", "Kadcyla", status="completed", intent="order", authoredOn="2024-11-02")
    request["dosageInstruction"] = [{"text": text, "timing": {"repeat": {"boundsPeriod": {"start": "2024-11-04"}}}}]
    (exposure,) = record_of(request).exposures
    assert (str(exposure.start), str(exposure.end)) == ("2024-11-04", end)


def test_the_hours_of_an_infusion_are_no_course():
    given = drug(
        "MedicationAdministration",
        "Perjeta",
        effectivePeriod={"start": "2024-05-02T10:00:00-04:00", "end": "2024-05-02T11:30:00-04:00"},
    )
    assert taken(given) == [("pertuzumab", "2024-05-02", "2024-05-02", "given")]


def test_a_mixture_names_its_drugs_and_not_its_diluent():
    given = drug("MedicationAdministration", "", effectiveDateTime="2024-05-02")
    del given["medicationCodeableConcept"]
    given["contained"] = [
        {
            "resourceType": "Medication",
            "id": "mix",
            "code": {"text": "PERTuzumab + trastuzumab + NaCl 0.9%"},
            "ingredient": [
                {"itemCodeableConcept": concept("1298944")},
                {"itemCodeableConcept": {"text": "Sodium chloride 0.9%"}},
            ],
        }
    ]
    given["medicationReference"] = {"reference": "#mix"}
    assert [it[0] for it in taken(given)] == ["pertuzumab", "trastuzumab"]


def test_the_same_dose_from_four_records_is_one_exposure_with_the_best_proof():
    records = (
        drug("MedicationAdministration", "Herceptin", id="a", effectiveDateTime="2023-02-01"),
        drug("MedicationStatement", "trastuzumab-dkst", id="s", effectiveDateTime="2023-02-01"),
        drug("MedicationDispense", "Ogivri", id="d", whenHandedOver="2023-02-01"),
    )
    (exposure,) = record_of(*records).exposures
    assert exposure.proof == "given"
    assert exposure.evidence == ("MedicationAdministration/a", "MedicationDispense/d", "MedicationStatement/s")


@pytest.mark.parametrize(
    ("reason", "stopped_for"),
    [
        (concept("266721009", SNOMED), "progression"),
        (concept("407563006", SNOMED), "toxicity"),
        ({"text": "PD in liver"}, "progression"),
        ({"text": "grade 2 pneumonitis, no progression"}, "toxicity"),
        ({"text": "planned course completed"}, "completed"),
        ({"text": "patient declined further cycles"}, "patient_choice"),
        ({"text": "insurance"}, "other"),
        ({"text": "see note"}, None),
    ],
)
def test_why_a_drug_stopped_is_what_the_record_says_and_nothing_else(reason, stopped_for):
    request = drug(
        "MedicationRequest", "Enhertu", status="stopped", intent="order", authoredOn="2023-02-01", statusReason=reason
    )
    (exposure,) = record_of(request).exposures
    assert exposure.stopped_for == stopped_for


def test_a_drug_for_another_cancer_is_no_breast_cancer_drug():
    request = drug("MedicationRequest", "capecitabine", intent="order", authoredOn="2020-02-01")
    request["reasonCode"] = [concept("C18.9", "http://hl7.org/fhir/sid/icd-10-cm")]
    record = record_of(request)
    assert record.exposures == ()
    assert [it.agent for it in record.other_cancer_drugs] == ["capecitabine"]


def test_a_supply_or_dose_without_a_reason_is_for_what_its_order_is_for():
    order = drug("MedicationRequest", "capecitabine", id="order", intent="order", authoredOn="2020-02-01")
    order["reasonCode"] = [concept("C18.9", "http://hl7.org/fhir/sid/icd-10-cm")]
    supply = drug("MedicationDispense", "capecitabine", id="supply", whenHandedOver="2020-02-02")
    supply["authorizingPrescription"] = [{"reference": "MedicationRequest/order"}]
    dose = drug("MedicationAdministration", "capecitabine", id="dose", effectiveDateTime="2020-02-03")
    dose["request"] = {"reference": "MedicationRequest/order"}
    assert record_of(order, supply, dose).exposures == ()


def test_an_order_never_given_is_told_by_its_own_time_and_not_by_doses_of_another_year():
    old = drug("MedicationAdministration", "eribulin", id="old", effectiveDateTime="2020-02-01")
    order = drug("MedicationRequest", "eribulin", id="o", intent="order", authoredOn="2023-02-01")
    given = drug("MedicationAdministration", "trastuzumab", id="t", effectiveDateTime="2023-02-03")
    record = record_of(old, order, given)
    assert [(it.agent, it.start.as_fhir()) for it in record.planned] == [("eribulin", "2023-02-01")]


@pytest.mark.parametrize(
    ("given_on", "was_given"), [("2023-02-01", False), ("2023-03-01", False), ("2023-03-02", True)]
)
def test_r1_an_infusion_order_without_a_dose_beside_infusions_of_28_days_was_not_given(given_on, was_given):
    order = drug("MedicationRequest", "margetuximab", id="m", intent="order", authoredOn="2023-02-01")
    given = drug("MedicationAdministration", "trastuzumab", effectiveDateTime=given_on)
    record = record_of(order, given)
    assert sorted(it.agent for it in record.exposures) == ["margetuximab"] * was_given + ["trastuzumab"]
    assert [it.agent for it in record.planned] == ["margetuximab"] * (not was_given)


def test_a_protocol_name_only_suggests_its_drugs():
    procedure = {
        "resourceType": "Procedure",
        "id": "p9",
        "status": "completed",
        "code": {**concept("367336001", SNOMED), "text": "THP C4"},
    }
    record = record_of({**procedure, "performedDateTime": "2024-08-19", "subject": {"reference": "Patient/p"}})
    assert record.exposures == ()
    assert "pertuzumab" in record.suggested[0].agents


def test_a_dstu2_order_is_reported_and_not_taken_for_no_therapy():
    record = record_of({"resourceType": "MedicationOrder", "id": "m1", "status": "active"})
    assert [it.code for it in record.doubts] == ["unsupported"]


BORN = {"resourceType": "Patient", "id": "p", "birthDate": "1970-05-01"}


@pytest.mark.parametrize(
    ("start", "end", "kept", "codes"),
    [
        ("1970-04-30", None, (None, None), ["date"]),  # before birth
        ("1970", None, ("1970", None), []),  # perhaps not before
        ("2024-05-01", "2024-04-30", ("2024-05-01", None), ["date"]),
        ("2024-05-01", "2024-05-02", ("2024-05-01", "2024-05-02"), []),
        ("2024-05-01", "2024", ("2024-05-01", "2024"), []),
    ],
)
def test_a_day_that_cannot_be_true_is_set_aside_and_said(start, end, kept, codes):
    span = {"start": start, **({"end": end} if end else {})}
    record = record_of(BORN, drug("MedicationStatement", "trastuzumab", effectivePeriod=span))
    (exposure,) = record.exposures
    days = tuple(str(it) if it is not None else None for it in (exposure.start, exposure.end))
    assert (days, [it.code for it in record.doubts]) == (kept, codes)


def test_a_drug_named_only_beside_a_missing_medication_is_taken_with_a_doubt():
    request = {
        "resourceType": "MedicationRequest",
        "id": "x",
        "status": "completed",
        "intent": "order",
        "authoredOn": "2024-01-01",
        "subject": {"reference": "Patient/p"},
        "medicationReference": {"reference": "Medication/none", "display": "Kadcyla"},
    }
    record = record_of(request)
    assert [it.agent for it in record.exposures] == ["trastuzumab emtansine"]
    assert [it.code for it in record.doubts] == ["drug-in-words"]
    known = {"resourceType": "Medication", "id": "none", "code": {"text": "Kadcyla"}}
    assert record_of(request, known).doubts == ()
