"""The page of ``explain`` as a clinician reads it: everything received is on it, once, in words, with its value and its day."""

from __future__ import annotations

import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cdshooks.explain.as_json import explain_json
from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import explain_patient
from tests.option_cases import TODAY, shipped

STORIES = sorted((Path(__file__).parents[2] / "fhir_fixtures").glob("*/request.json"))
PATIENT = {"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1970-05-01"}


def explained(*resources, data=None):
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": it} for it in (PATIENT, *resources)],
    }
    return explain_patient(data or json.dumps(bundle).encode(), shipped(), as_of=TODAY, jurisdiction="US")


def page_of(*resources, data=None, width=230):
    advice, received = explained(*resources, data=data)
    page = StringIO()
    print_explanation(advice, shipped(), Console(file=page, width=width, color_system=None), received)
    return page.getvalue()


def rows_of(page, title):
    """The rows of a table, columns parted by ``|``."""
    lines = iter(page.splitlines())
    for line in lines:
        if line.strip() == title:
            break
    rows = []
    for line in lines:
        if not line.strip():
            break
        rows.append(" | ".join(re.split(r"  +", line.strip())))
    return rows[1:]


def coded(code, system="http://loinc.org", **members):
    return {"coding": [{"system": system, "code": code, **members}]}


def observation(id_, code, **members):
    return {
        "resourceType": "Observation",
        "id": id_,
        "status": "final",
        "code": code,
        "effectiveDateTime": "2026-03-04",
        **members,
    }


GRADE = {"text": "Nottingham grade"}
PART = {"code": {"text": "mitoses"}, "valueInteger": 3}


@pytest.mark.parametrize(
    ("resource", "row"),
    [
        (observation("1", GRADE, valueCodeableConcept={"text": "grade 2"}), "Observation | Nottingham grade | grade 2 | 2026-03-04"),
        (observation("1", GRADE, valueQuantity={"value": 47, "unit": "points"}), "Observation | Nottingham grade | 47 points | 2026-03-04"),
        (observation("1", GRADE, valueQuantity={"value": 1.5, "comparator": "<", "code": "cm"}), "Observation | Nottingham grade | <1.5 cm | 2026-03-04"),
        (observation("1", GRADE, valueBoolean=False), "Observation | Nottingham grade | no | 2026-03-04"),
        (observation("1", GRADE, valueInteger=0), "Observation | Nottingham grade | 0 | 2026-03-04"),
        (observation("1", GRADE, valueString="two of three"), "Observation | Nottingham grade | two of three | 2026-03-04"),
        (observation("1", GRADE, valueRange={"low": {"value": 1}, "high": {"value": 2}}), "Observation | Nottingham grade | 1 to 2 | 2026-03-04"),
        (observation("1", GRADE, valueRatio={"numerator": {"value": 1}, "denominator": {"value": 8}}), "Observation | Nottingham grade | 1 : 8 | 2026-03-04"),
        (observation("1", GRADE, valueDateTime="2025-01"), "Observation | Nottingham grade | 2025-01 | 2026-03-04"),
        (observation("1", GRADE, interpretation=[{"text": "high"}]), "Observation | Nottingham grade | high | 2026-03-04"),
        (observation("1", GRADE, dataAbsentReason={"text": "not asked"}), "Observation | Nottingham grade | no value (not asked) | 2026-03-04"),
        (observation("1", GRADE, component=[PART]), "Observation | Nottingham grade | mitoses: 3 | 2026-03-04"),
        (
            observation("1", coded("69548-6"), valueCodeableConcept=coded("LA9633-4", display="Present"),
                        component=[{"code": coded("48018-6"), "valueCodeableConcept": {"text": "PALB2"}}]),
            "Observation | gene variant | Present; gene studied: PALB2 | 2026-03-04",
        ),
        (
            {"resourceType": "Condition", "id": "1", "code": {"text": "Burnt ear"}, "severity": {"text": "severe"},
             "clinicalStatus": {"text": "resolved"}, "onsetDateTime": "2012-05"},
            "Condition | Burnt ear | resolved; severe | 2012-05",
        ),
        (
            {"resourceType": "DiagnosticReport", "id": "1", "status": "final", "code": {"text": "Bone densitometry"},
             "conclusion": "At risk of fracture.", "issued": "2026-01-02T08:00:00Z"},
            "DiagnosticReport | Bone densitometry | At risk of fracture. | 2026-01-02",
        ),
        (
            {"resourceType": "AllergyIntolerance", "id": "1", "code": {"text": "Penicillin G"}, "criticality": "high",
             "recordedDate": "2010-03-01", "reaction": [{"manifestation": [{"text": "Hives"}]}]},
            "AllergyIntolerance | Penicillin G | criticality high; Hives | 2010-03-01",
        ),
        (
            {"resourceType": "Procedure", "id": "1", "status": "completed", "code": {"text": "Colonoscopy"}, "performedDateTime": "2024"},
            "Procedure | Colonoscopy | completed | 2024",
        ),
        (
            {"resourceType": "MedicationStatement", "id": "1", "status": "entered-in-error", "medicationCodeableConcept": {"text": "Amoxicillin"},
             "effectiveDateTime": "2014-01-23"},
            "MedicationStatement | Amoxicillin (entered-in-error) | 2014-01-23",
        ),
    ],
)  # fmt: skip
def test_what_nothing_was_concluded_from_stands_there_with_its_value_and_its_day(resource, row):
    assert rows_of(page_of(resource), "Received, and nothing concluded from it") == [row]


def test_of_a_number_the_newest_is_told_and_of_findings_each():
    body = {"text": "Body temperature"}
    numbers = [
        observation("1", body, valueQuantity={"value": 36.5, "unit": "C"}, effectiveDateTime="2025-01-01"),
        observation("2", body, valueQuantity={"value": 38, "unit": "C"}, effectiveDateTime="2025-02-01"),
    ]
    findings = [observation("3", GRADE, valueString="grade 1"), observation("4", GRADE, valueString="grade 3")]
    assert rows_of(page_of(*numbers, *findings), "Received, and nothing concluded from it") == [
        "Observation | Body temperature | 38 C | 2025-02-01 | 2",
        "Observation | Nottingham grade | grade 1 | 2026-03-04",
        "Observation | Nottingham grade | grade 3 | 2026-03-04",
    ]


def test_types_that_are_not_read_here_are_named_with_their_number():
    family = {
        "resourceType": "FamilyMemberHistory",
        "id": "f",
        "status": "completed",
        "patient": {"reference": "Patient/p"},
    }
    resources = (family, {**family, "id": "g"}, {"resourceType": "Practitioner", "id": "dr"})
    told = "Received, and not read by this service: FamilyMemberHistory (2), Practitioner (1)"
    assert told in page_of(*resources)
    advice, received = explained(*resources)
    assert explain_json(advice, shipped(), received)["unread"] == [
        {"type": "FamilyMemberHistory", "count": 2},
        {"type": "Practitioner", "count": 1},
    ]
    assert "not read by this service" not in page_of()


def order(id_, text, **members):
    return {
        "resourceType": "MedicationRequest",
        "id": id_,
        "status": "active",
        "intent": "order",
        "medicationCodeableConcept": {"text": text},
        "authoredOn": "2026-02-03",
        **members,
    }


def test_a_name_that_nothing_recognised_is_told_once_with_its_first_day():
    page = page_of(
        order("1", "Dopamine"), order("2", "Dopamine", authoredOn="2025-11-30"), order("3", "Brentuximab vedotin")
    )
    assert rows_of(page, "Drug names not recognised") == [
        "Brentuximab vedotin | perhaps a cancer drug | 2026-02-03 | 1",
        "Dopamine | drug | 2025-11-30 | 2, 3",
    ]
    assert page.count("not recognised: Dopamine") == 1


def test_another_drug_is_told_once_from_its_first_record_on_and_what_for():
    dose = {
        "resourceType": "MedicationAdministration",
        "id": "2",
        "status": "completed",
        "medicationCodeableConcept": {"text": "omeprazole"},
        "effectiveDateTime": "2026-01-05",
    }
    reason = [{"text": "Barrett oesophagus, must not be stopped"}]
    page = page_of(order("1", "omeprazole", reasonCode=reason), dose)
    assert rows_of(page, "Other drugs, and what they may do") == [
        "omeprazole | proton-pump inhibitor | 2026-01-05 | goes on | Barrett oesophagus, must not be stopped | 1, 2"
    ]


def test_a_diagnosis_stands_beside_the_words_in_which_it_was_written():
    portal = {"resourceType": "Condition", "id": "1", "recordedDate": "2023-02-20", "clinicalStatus": coded("active", ""),
              "code": coded("K76.6", "http://hl7.org/fhir/sid/icd-10-cm", display="Portal hypertension")}  # fmt: skip
    assert rows_of(page_of(portal), "Diagnoses") == [
        "liver damage | 2023-02-20 (recorded) | confirmed, active | Portal hypertension | 1"
    ]


@pytest.mark.parametrize(
    ("code", "value", "unit", "told"),
    [
        ("718-7", 12.5, "g/dL", "hemoglobin | 12.5 g/dL | 2026-03-04 | 1"),  # its upper limit says nothing
        ("1742-6", 96, "U/L", "ALT | 96 U/L (2.4 x upper limit) | 2026-03-04 | 1"),
        ("29463-7", 150, "[lb_av]", "weight | 68.04 kg | 2026-03-04 | 1"),
        ("33914-3", 60, "mL/min/{1.73_m2}", "estimated GFR | 60 mL/min/1.73 m2 | 2026-03-04"),
        ("777-3", 1234, "10*3/uL", "platelet count | 1234 10*9/L | 2026-03-04"),
    ],
)
def test_numbers_have_the_digits_and_the_unit_that_a_reader_needs(code, value, unit, told):
    value = {"value": value, "unit": unit, "code": unit}
    resource = observation(
        "1", coded(code), valueQuantity=value, referenceRange=[{"high": {"value": 40, "unit": unit}}]
    )
    assert rows_of(page_of(resource), "Measurements")[0].startswith(told)


def test_the_lowest_ejection_fraction_is_told_however_many_came_after_it():
    values = [60, 35, 50, 51, 52, 53, 54, 55]
    series = [
        observation(
            str(year), coded("10230-1"), effectiveDateTime=f"20{year}-01-01", valueQuantity={"value": it, "unit": "%"}
        )
        for year, it in enumerate(values, start=18)
    ]
    (row,) = rows_of(page_of(*series), "Measurements")
    assert "and 2 more, of these the lowest 35 (2019-01-01)" in row


def test_every_option_that_is_not_offered_says_why_and_each_reason_is_told_once():
    page = page_of(width=5000)
    others = [it.strip() for it in page.splitlines() if it.startswith("  - ")]
    assert others
    assert len(others) == len(set(others))
    assert not any("see the findings" in it or "JSON form" in it for it in others)
    labels = [it.label for it in explained()[0].options if it.rank is None]
    told = [name for it in page.splitlines() if it.startswith("      ") for name in it.strip().split("; ")]
    assert sorted(it for it in told if it in labels) == sorted(labels)


@pytest.mark.parametrize("story", STORIES, ids=lambda it: it.parent.name)
def test_the_page_of_a_story_asks_nothing_twice_and_has_words_where_a_reader_expects_them(story):
    page = page_of(data=story.read_bytes())
    asked = [it.strip() for it in page.splitlines() if it.startswith("  missing: ")]
    assert len(asked) == len(set(asked))
    assert not [it for it in asked if any(other.startswith(f"{it.rstrip('.')} ") for other in asked)]
    record = page.partition("The record\n")[2].partition("Resources cited")[0]
    assert re.findall(r"\b[a-z0-9]+_[a-z0-9_]+", record) == []
    assert re.findall(r"Missing: [a-z0-9]+_[a-z_]+", page) == []
    facts = page.partition("What the criteria are asked on\n")[2].partition("Options")[0]
    assert re.findall(r"^[a-z0-9]+_[a-z0-9_]+", facts, re.MULTILINE) == []


def test_without_a_drug_no_first_drug_is_spoken_of():
    spread = {
        "resourceType": "Condition",
        "id": "1",
        "onsetDateTime": "2018-11-16",
        "code": {"text": "Liver metastases"},
    }
    page = page_of(spread)
    assert "no metastatic line on record (there could be 1)" in page
    assert "No cancer drug is on record for the" in page
    assert "first drug on record" not in page


def test_an_illness_that_makes_a_drug_harmful_is_no_harm_that_a_drug_has_done():
    page = page_of(
        {"resourceType": "Condition", "id": "1", "code": {"text": "DPD deficiency"}},
        {"resourceType": "Condition", "id": "2", "code": {"text": "Heart failure"}},
    )
    assert "DPD deficiency" in {it.split(" | ")[0] for it in rows_of(page, "Diagnoses")}
    assert [it.split(" | ")[0] for it in rows_of(page, "Adverse effects")] == ["heart failure"]


def test_what_two_records_say_alike_is_one_row_that_cites_both():
    worse = coded("271299001", "http://snomed.info/sct")
    page = page_of(*(observation(it, coded("97509-4"), valueCodeableConcept=worse) for it in "12"))
    assert rows_of(page, "Disease status") == ["2026-03-04 | progression | overall | 1, 2"]


def test_the_results_in_force_are_marked():
    liver, breast = {"bodySite": {"text": "liver"}}, {"bodySite": {"text": "breast"}}
    page = page_of(
        observation("1", coded("85319-2"), valueString="3+", effectiveDateTime="2020-01-10", **breast),
        observation("2", coded("85319-2"), valueString="1+", effectiveDateTime="2024-01-10", **liver),
        observation("3", coded("85318-4"), valueString="not amplified", effectiveDateTime="2024-01-17", **liver),
    )
    told = [it.split(" | ") for it in rows_of(page, "Receptors")]
    assert [(it[2], it[5] == "yes") for it in told[-3:]] == [("positive", False), ("low", True), ("low", True)]


def test_why_a_dose_was_not_given_is_told():
    held = {
        "resourceType": "MedicationAdministration",
        "id": "1",
        "status": "not-done",
        "statusReason": [{"text": "LVEF 47 %, held per protocol"}],
        "medicationCodeableConcept": {"text": "T-DM1"},
        "effectiveDateTime": "2024-01-29",
    }
    assert rows_of(page_of(held), "Received, and nothing concluded from it") == [
        "MedicationAdministration | T-DM1 (not-done) | LVEF 47 %, held per protocol | 2024-01-29"
    ]


@pytest.mark.parametrize(
    ("resources", "method"),
    [
        ([observation("1", coded("35591-7"), valueQuantity={"value": 52, "unit": "mL/min"})], "Cockcroft-Gault formula"),
        (
            [
                observation("1", coded("2160-0"), valueQuantity={"value": 0.8, "unit": "mg/dL"}),
                observation("2", coded("29463-7"), valueQuantity={"value": 66, "unit": "kg"}),
            ],
            "calculated by Cockcroft and Gault",
        ),
    ],
)  # fmt: skip
def test_how_a_creatinine_clearance_came_about_is_told(resources, method):
    facts = page_of(*resources).partition("What the criteria are asked on\n")[2]
    line = next(it for it in facts.splitlines() if it.startswith("creatinine clearance  "))
    assert method in line


def test_a_usual_upper_limit_that_was_taken_is_told():
    page = page_of(observation("1", coded("1742-6"), valueQuantity={"value": 80, "unit": "U/L"}))
    line = next(it for it in page.splitlines() if it.startswith("ALT in multiples of the upper limit"))
    assert "the usual upper limit of" in line


def test_the_number_of_a_marker_is_told_once_with_its_meaning_and_its_unit():
    page = page_of(observation("1", coded("94076-7"), valueQuantity={"value": 57.1, "code": "1/1000000{Base}"}))
    assert rows_of(page, "Genes and other markers") == [
        "2026-03-04 | tumour mutational burden | high, 57.1 mutations/megabase | 1"
    ]
    assert "tumour mutational burden" not in page.partition("Measurements\n")[2].partition("\n\n")[0]


def test_an_allergy_is_blamed_on_what_it_names_and_not_on_nothing():
    reaction = [{"manifestation": [{"text": "Anaphylactic reaction"}], "severity": "severe"}]
    nuts = {"resourceType": "AllergyIntolerance", "id": "1", "code": {"text": "Cashew nuts"}, "reaction": reaction}
    page = page_of(nuts)
    assert rows_of(page, "Adverse effects") == [
        "hypersensitivity | 3 | Cashew nuts | resolution not told | Cashew nuts | 1"
    ]


def test_orders_being_placed_are_named_and_are_no_part_of_the_record():
    draft = order(
        "draft", "ado-trastuzumab emtansine", status="draft", dosageInstruction=[{"text": "3.6 mg/kg, every 3 weeks"}]
    )
    request = {
        "hook": "order-select",
        "context": {
            "patientId": "p",
            "draftOrders": {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": draft}]},
        },
        "prefetch": {"patient": PATIENT},
    }
    page = page_of(data=json.dumps(request).encode())
    assert "Being ordered in this request, no part of the record: ado-trastuzumab emtansine" in page
    advice, received = explained(data=json.dumps(request).encode())
    assert (advice.record.planned, advice.record.exposures) == ((), ())
    assert explain_json(advice, shipped(), received)["being_ordered"] == ["ado-trastuzumab emtansine"]


@pytest.mark.parametrize(
    "context", [None, {}, "text", {"draftOrders": None}, {"draftOrders": {"resourceType": "Bundle"}}]
)
def test_a_request_that_orders_nothing_names_no_order(context):
    request = {"hook": "patient-view", "context": context, "prefetch": {"patient": PATIENT}}
    assert "Being ordered" not in page_of(data=json.dumps(request).encode())


def test_on_a_narrow_page_no_cited_number_is_cut_off():
    told = page_of(data=STORIES[0].read_bytes(), width=100)
    facts = told.partition("What the criteria are asked on\n")[2].partition("Resources cited")[0]
    assert facts.splitlines()[0].rstrip().endswith("cited")
    row = next(it.rstrip() for it in facts.splitlines() if it.startswith("drugs given for"))
    assert re.search(r"  \d+, \d+, \d+, \d+ \+\d+$", row) is not None


@pytest.mark.parametrize("story", STORIES[:12], ids=lambda it: it.parent.name)
def test_no_table_of_a_page_is_wider_than_the_page(story):
    """What does not fit would be cut off at its right end, where the evidence stands."""
    wide, narrow = (page_of(data=story.read_bytes(), width=it) for it in (2000, 100))
    for part, end in (("The record\n", "Resources cited"), ("What the criteria are asked on\n", "unknown:")):
        digits = [
            sorted(re.findall(r"\d", it.partition(part)[2].partition(end)[0].replace("Resources cited", "")))
            for it in (wide, narrow)
        ]
        assert digits[0] == digits[1]


def test_a_line_names_its_drugs_and_no_option_of_later_lines():
    page = page_of(
        data=(STORIES[0].parent.parent / "isolated-brain-progression-treated-locally" / "request.json").read_bytes()
    )
    first = page.partition("line 1: ")[2].partition("line 2: ")[0]
    assert "docetaxel + pertuzumab + trastuzumab, then pertuzumab + trastuzumab alone\n" in first
    assert "again" not in first
