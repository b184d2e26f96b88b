"""No receptor result of the patient's breast cancer: a relative's, another tumour's, and short names that mean something else.

Source: terminology 10.4; plain language.
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import condition, observation, resources_of

KNOWLEDGE = load_knowledge()


def results(*resources):
    return [f"{it.marker} {it.status}" for it in read_patient_record(resources_of(*resources), KNOWLEDGE).receptors]


def pathology(text):
    name = {"text": "Surgical pathology report"}
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": name, "conclusion": text}
    return {**made, "effectiveDateTime": "2024-06-01"}


@pytest.mark.parametrize(
    "text",
    [
        "Patient's mother: HER2-positive breast cancer",
        "Her sister is ER positive",
        "Mutter HER2-positiv",
        "Brust der Schwester: ER positiv",
        "Sa soeur: RE positifs",
        "Madre de la paciente: HER2 positivo",
        "Sorella HER2 positiva",
        "gastric cancer HER2 3+",
        "Magenkarzinom, HER2-positiv",
        "Meningioma, PR positive",
        "Endometrial carcinoma: ER positive",
        "Lung adenocarcinoma, HER2 mutation positive",
        "ER visit: COVID positive",
        "Seen in ER, negative CT",
        "ER: positive pressure ventilation",
        "PR interval negative",
        "PR exam negative",
        "Rectal (PR) exam: positive",
        "RE: positive margins",
        "RE: negative for malignancy",
        "RP: negative margins",
        "HR-positive trend in pulse",
        "HR negative chronotropy",
    ],
)
def test_what_is_not_the_patients_receptor(text):
    assert results(pathology(text)) == []
    assert results(condition(text=text)) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("ER positive lymph node metastasis", ["er positive"]),
        ("Breast cancer, HR-positive malignancy, HER2 negative", ["her2 negative", "hr positive"]),
        ("Sister Mary Joseph nodule, HER2 positive", ["her2 positive"]),
        ("RE+ RP-, margins negative", ["er positive", "pr negative"]),
        ("Not a gastric cancer: metastasis of breast cancer, ER positive", ["er positive"]),
    ],
)
def test_what_stays_the_patients_receptor(text, expected):
    assert sorted(results(pathology(text))) == expected


def test_a_result_of_someone_else_is_told_as_one_that_has_to_be_read():
    record = read_patient_record(resources_of(pathology("Mother HER2 positive")), KNOWLEDGE)
    assert [(it.code, it.about) for it in record.doubts] == [("found-in-text", "her2")]


def test_an_interval_of_the_heart_is_no_receptor_test():
    made = observation("1", system="https://lab.example", valueQuantity={"value": 160, "unit": "ms"})
    record = read_patient_record(resources_of({**made, "code": {"text": "PR interval"}}), KNOWLEDGE)
    assert (record.receptors, record.doubts) == ((), ())


@pytest.mark.parametrize(
    "text", ["Breast cancer of her mother", "Mother: brain metastases", "Sister with liver metastases"]
)
def test_a_relatives_cancer_is_none_of_the_patient(text):
    for made in (condition(text=text), {**pathology(text), "code": {"text": "CT report"}}):
        record = read_patient_record(resources_of(made), KNOWLEDGE)
        assert (record.diagnoses, record.metastases, record.cns) == ((), (), None)


def test_a_harm_that_a_relative_tells_stays_the_patients():
    record = read_patient_record(resources_of(condition(text="Her daughter reports heart failure")), KNOWLEDGE)
    assert [it.kind for it in record.toxicities] == ["heart_failure"]


def test_the_patients_own_illness_stays_beside_a_relatives():
    for made in (condition(text="Breast cancer; mother too"), condition("C50.9", text="Breast cancer, mother too")):
        (it,) = read_patient_record(resources_of(made), KNOWLEDGE).diagnoses
        assert it.concept.startswith("breast")
    ours = pathology("Mother had breast cancer. Liver metastases.")
    assert [it.site for it in read_patient_record(resources_of(ours), KNOWLEDGE).metastases] == ["liver"]


@pytest.mark.parametrize(
    ("text", "trends"),
    [
        ("PR of liver metastases", ["responding"]),
        ("PR: partial response", ["responding"]),
        ("RECIST: PR (-45 %)", ["responding"]),
        ("PR interval 160 ms", []),
        ("ECG: PR 160 ms, QTc 430 ms", []),
        ("PR exam negative", []),
        ("PR bleeding", []),
        ("Meningioma, PR positive", []),
    ],
)
def test_only_a_partial_response_is_a_response(text, trends):
    made = {**pathology(text), "code": {"text": "Report"}}
    assert [it.trend for it in read_patient_record(resources_of(made), KNOWLEDGE).statuses] == trends


@pytest.mark.parametrize(
    ("said", "expected"),
    [("sister BRCA1 mutation positive", []), ("pathogenic variant detected; sister positive too", ["mutated"])],
)
def test_a_relatives_mutation_is_none_of_the_patient(said, expected):
    made = {**observation("1", system="https://lab.example", valueString=said), "code": {"text": "BRCA1 gene analysis"}}
    assert [it.value for it in read_patient_record(resources_of(made), KNOWLEDGE).biomarkers] == expected
