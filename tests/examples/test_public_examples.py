"""Examples that no one here wrote: each resource is read or reported, alone and with the rest of its patient."""

import json

import pytest

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.ehr.resources import TYPES
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.examples.packages import by_patient

KNOWLEDGE = load_knowledge()
PACKAGES = ["mcode", "r4_examples"]


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
        ("breast-cancer", "left", "2018-03-16")
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
