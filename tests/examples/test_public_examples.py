"""Examples that no one here wrote: each resource is read or reported, alone and with the rest of its patient."""

import json
from datetime import date
from io import StringIO

import pytest
from rich.console import Console

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.ehr.resources import TYPES
from cdshooks.explain.as_json import explain_json
from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import explain_patient
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.examples.packages import by_patient

KNOWLEDGE = load_knowledge()
PACKAGES = ["mcode", "r4_examples"]
TODAY = date(2026, 12, 1)


def read(*resources):
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in resources]}
    return read_patient_file(json.dumps(bundle).encode())


def told(resources):
    """References of all resources that were read or reported."""
    reported = {it.resource for it in (*resources.unreadable, *resources.unsupported)}
    return reported | {held.ref for of_type in resources.by_type.values() for held in of_type}


@pytest.mark.parametrize("package", PACKAGES)
def test_each_resource_alone_is_read_or_reported(package, request):
    examples = request.getfixturevalue(package)
    assert len(examples) > 100
    missing = []
    for name, content in examples.items():
        resources = read(content)
        read_patient_record(resources, KNOWLEDGE)
        if content["resourceType"] in TYPES and len(told(resources)) != 1:
            missing.append(name)
    assert missing == []


@pytest.mark.parametrize("package", PACKAGES)
def test_the_resources_of_each_patient_are_read_together(package, request):
    patients = by_patient(request.getfixturevalue(package))
    assert len(patients) > 5
    for resources in patients.values():
        found = read(*resources)
        read_patient_record(found, KNOWLEDGE)
        expected = {f"{it['resourceType']}/{it['id']}" for it in resources if it["resourceType"] in TYPES}
        assert expected <= told(found)


def test_nothing_of_the_examples_of_mcode_is_unreadable(mcode):
    assert read(*mcode.values()).unreadable == ()


def record_of(mcode, patient):
    return read_patient_record(read(*by_patient(mcode)[f"Patient/{patient}"]), KNOWLEDGE)


def test_mcode_jenny_m_early_her2_negative_breast_cancer(mcode):
    record = record_of(mcode, "cancer-patient-jenny-m")
    assert {(it.concept, it.laterality, str(it.start)) for it in record.diagnoses} == {
        ("breast-cancer", "left", "2018-03-16"),
        ("hypertensive_heart_disease", None, "2012-01-01"),
    }
    assert record.metastases == ()
    assert {(it.marker, it.status) for it in record.receptors} == {
        ("her2", "negative"),
        ("er", "positive"),
        ("pr", "negative"),
    }
    assert {(it.agent, str(it.start), it.proof.value) for it in record.exposures} == {
        ("cyclophosphamide", "2018-04-01", "ordered"),
        ("doxorubicin", "2018-04-01", "ordered"),
        ("paclitaxel", "2018-04-12", "ordered"),
        ("cyclophosphamide", "2018-04-22", "given"),
        ("doxorubicin", "2018-04-22", "given"),
        ("paclitaxel", "2018-04-22", "given"),
        ("anastrozole", "2018-09-30", "ordered"),
    }
    assert {it.given_for.value for it in record.exposures} == {"breast-cancer"}
    assert {(it.about, it.value) for it in record.statements} == {
        ("stage", "IIB"),
        ("stage", "IIIC"),  # of the diagnosis, which its own observations contradict
        ("m-category", "cM0"),
    }
    assert [(it.trend, str(it.date)) for it in record.statuses] == [("responding", "2018-11-01")]
    assert [(it.kind, it.site) for it in record.local_therapies][:2] == [
        ("breast-conserving-surgery", "breast"),
        ("radiotherapy", "chest-wall"),
    ]
    measured = {(it.fact, it.value) for it in record.measurements}
    assert measured == {("weight_kg", 70.3068), ("weight_kg", 68.0389), ("height_cm", 165.1), ("ecog", 0)}
    assert [(it.code, it.about) for it in record.doubts] == [("impossible", "anc")]  # 3000 x 10*3/uL


def test_mcode_john_anyperson_lung_cancer_is_no_breast_cancer(mcode):
    record = record_of(mcode, "cancer-patient-john-anyperson")
    assert record.exposures == ()
    assert {(it.agent, it.given_for.value, it.stopped_for) for it in record.other_cancer_drugs} == {
        ("cisplatin", "other-cancer", None),
        ("cisplatin", "other-cancer", "toxicity"),
    }
    assert {it.concept for it in record.diagnoses} == {"heart-failure-lv-dysfunction", "lung-cancer", "met-brain"}
    assert [it.code for it in record.doubts] == ["second-cancer"]
    assert [(it.site, str(it.date)) for it in record.metastases] == [("brain", "2019-05-01")]
    assert record.receptors == ()  # EGFR is no HER2
    assert [(it.marker, it.value, it.is_germline) for it in record.biomarkers] == [("brca1", "mutated", True)]
    assert {(it.fact, it.value) for it in record.measurements} == {("ecog", 0), ("karnofsky", 90)}
    assert [it.text for it in record.unmapped] == ["gefitinib 250 MG Oral Tablet"]


def test_mcode_a_leukaemia_of_a_child_gives_no_breast_line(mcode):
    record = record_of(mcode, "cancer-patient-brian-l")
    assert record.exposures == ()
    assert {it.agent for it in record.other_cancer_drugs} == {"cyclophosphamide", "vincristine"}
    assert {it.text for it in record.unmapped} == {"IDArubicin"}
    assert {it.concept for it in record.diagnoses} == {"leukaemia"}


def test_mcode_a_history_of_metastasis_names_its_site(mcode):
    record = record_of(mcode, "cancer-patient-adam-everyman")
    assert ("liver", "metastasis-observation") in {(it.site, it.basis) for it in record.metastases}


def test_mcode_breast_cancer_may_stand_in_the_body_site_alone(mcode):
    record = record_of(mcode, "cancer-patient-eve-anyperson")
    assert [(it.concept, it.laterality) for it in record.diagnoses] == [("breast-cancer", "left")]


def test_mcode_genomics(mcode):
    record = record_of(mcode, "gx-cancer-patient-adam-anyperson")
    assert {(it.marker, it.value, it.number) for it in record.biomarkers} == {
        ("msi", "high", None),
        ("tmb", "high", 57.1),
    }


def explained(*resources):
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in resources]}
    return explain_patient(json.dumps(bundle).encode(), KNOWLEDGE, as_of=TODAY, jurisdiction="US")


def page_of(*resources):
    """What ``explain`` prints of these resources, wide enough that no cell is folded."""
    advice, received = explained(*resources)
    page = StringIO()
    print_explanation(advice, KNOWLEDGE, Console(file=page, width=400, color_system=None), received)
    return page.getvalue()


def has_row(page, *cells):
    """Whether one row of the page has all of these cells."""
    return any(all(cell in row for cell in cells) for row in page.splitlines())


@pytest.mark.parametrize("package", PACKAGES)
def test_each_resource_of_a_patient_is_evidence_of_something_or_named_as_unused(package, request):
    looked_up = {"Patient", "Medication", "Specimen", "BodyStructure"}
    for resources in by_patient(request.getfixturevalue(package)).values():
        advice, received = explained(*resources)
        told = json.dumps(explain_json(advice, KNOWLEDGE, received))
        unread = dict(received.unread)
        for it in resources:
            kind = it["resourceType"]
            if kind not in TYPES:
                assert unread[kind] == sum(one["resourceType"] == kind for one in resources)
            elif kind not in looked_up:
                assert f'"{kind}/{it["id"]}"' in told


@pytest.mark.parametrize(
    ("patient", "cells"),
    [
        ("cancer-patient-jenny-m", ("breast-conserving surgery", "2018-04-01", "Excision of part of breast")),
        ("cancer-patient-jenny-m", ("2018-08-15", "2018-10-25", "radiotherapy", "chest wall")),
        ("cancer-patient-jenny-m", ("stage", "IIIC", "2018-03-16")),
        ("cancer-patient-jenny-m", ("stage", "IIB", "2018-04-05")),
        ("cancer-patient-jenny-m", ("weight", "68.04 kg", "2018-04-22", "70.31 (2018-03-06)")),
        ("cancer-patient-jenny-m", ("cT category", "cT3", "2018-03-16")),
        ("cancer-patient-jenny-m", ("pN category", "pN0", "2018-04-01")),
        ("cancer-patient-jenny-m", ("Genetic variant assessment", "PALB2", "Somatic", "2018-03-15")),
        ("cancer-patient-jenny-m", ("Oncotype DX", "47", "2018-04-12")),
        ("cancer-patient-jenny-m", ("Nottingham grade 2", "2018-04-01")),
        ("cancer-patient-jenny-m", ("not read by this service", "FamilyMemberHistory (3)")),
        ("cancer-patient-john-anyperson", ("cisplatin", "2019-06-15", "1 dose", "curative, other cancer")),
        ("cancer-patient-john-anyperson", ("cisplatin", "2019-05-15", "toxicity")),
        ("cancer-patient-john-anyperson", ("gefitinib", "not for this cancer", "2019-04-30")),
        ("cancer-patient-john-anyperson", ("heart failure", "2019-04-01 (recorded)", "Chronic diastolic")),
        ("cancer-patient-john-anyperson", ("BRCA1", "mutated", "germline", "2019-04-01")),
        ("cancer-patient-john-anyperson", ("gene variant", "STK11", "Somatic", "2019-04-01")),
        ("cancer-patient-john-anyperson", ("Epidermal growth factor receptor", "Positive", "2019-04-01")),
        ("cancer-patient-brian-l", ("IDArubicin", "not for this cancer", "2024-01-09")),
        ("cancer-patient-brian-l", ("prednisone", "corticosteroid", "goes on")),
        ("cancer-patient-brian-l", ("Hct VFr Bld", "22.3 %", "2024-01-04")),
        ("cancer-patient-brian-l", ("negative for presence of cancer in the brain or spine",)),
        ("cancer-patient-eve-anyperson", ("stage", "IIIC", "2019-04-01")),
        ("cancer-patient-eve-anyperson", ("tumor size: 1.2 cm", "2019-05-01")),
        ("gx-cancer-patient-adam-anyperson", ("tumour mutational burden", "high, 57.1 mutations/megabase")),
        ("gx-cancer-patient-adam-anyperson", ("gene variant", "Absent", "NRAS", "KIT", "BRAF")),
        ("gx-cancer-patient-adam-anyperson", ("gene variant", "CDKN2A", "copy_number_loss")),
    ],
)
def test_mcode_what_a_clinician_finds_on_the_page(mcode, patient, cells):
    page = page_of(*by_patient(mcode)[f"Patient/{patient}"])
    assert has_row(page, *cells)


def test_r4_what_a_clinician_finds_on_the_pages(r4_examples):
    patients = by_patient(r4_examples)
    cashew = page_of(*patients["Patient/example"])
    assert has_row(cashew, "hypersensitivity", "3", "Cashew nuts", "2004")
    assert has_row(cashew, "AllergyIntolerance", "Penicillin G", "criticality high; Hives", "2010-03-01")
    assert has_row(cashew, "stroke", "2010-07-18", "confirmed, active", "Stroke")
    roel = page_of(*patients["Patient/f201"])
    assert has_row(roel, "creatinine", "1.38 mg/dL", "x upper limit", "2013-04-04")
    assert has_row(roel, "estimated GFR", "60 mL/min/1.73 m2", "2013-04-04")
    assert has_row(roel, "CT of head-neck", "large tumor sphenoid", "2012-12-01")
    assert has_row(roel, "Temperature (entered-in-error)", "39 degrees C", "2013-04-04")
    valve = page_of(*patients["Patient/f001"])
    assert has_row(valve, "heart valve disease", "2011-08-05", "Heart valve disorder")
    assert has_row(valve, "lung cancer", "2011-05-05")
    drugs = page_of(*patients["Patient/pat1"])
    assert has_row(drugs, "dilantin", "phenytoin, strong CYP3A4 inducer", "2015-01-18")
    assert has_row(drugs, "Alemtuzumab 10mg/ml (Lemtrada)", "perhaps a cancer drug", "2015-01-15")
    assert has_row(drugs, "capecitabine", "2016-01-22", "2016-02-04", "course, oral, ordered")
    assert drugs.count("not recognised: Dopamine") == 1
