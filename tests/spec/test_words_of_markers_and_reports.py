"""Markers by number and by word, lungs and cerebrospinal fluid in reports. Source: CPIC 2017 update; FDA 2020; EANO-ESMO 2017."""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import LOINC, SNOMED, concept, condition, observation, resources_of

KNOWLEDGE = load_knowledge()
DPYD, TMB, CYSTATIN_C, SIZE = "45284-7", "94076-7", "33863-2", "33728-7"


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def named(name, **value):
    return {**observation("x"), "code": {"text": name}, **value}


def quantity(number, unit=None):
    return {"valueQuantity": {"value": number, **({"unit": unit} if unit else {})}}


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (quantity(0), "poor"),
        (quantity(0.5), "poor"),
        (quantity(1), "intermediate"),
        (quantity(1.5, "{score}"), "intermediate"),
        (quantity(2), "normal"),
        (quantity(2.1), "measured"),
        (quantity(80, "%"), "measured"),
        ({"valueString": "Intermediate metabolizer, activity score 1.5"}, "intermediate"),
        ({"valueString": "activity score: 0.5"}, "poor"),
        ({"valueString": "Normal metabolizer (activity score 0.5)"}, "poor"),  # the lesser activity counts
        ({"valueString": "activity score range 0-2"}, "unclassified"),
        ({"valueString": "Poor metabolizer"}, "poor"),
        ({"valueString": "complete DPD deficiency"}, "poor"),
        ({"valueString": "partial DPD deficiency"}, "intermediate"),
        ({"valueString": "complete sequencing of the gene: no variant found"}, "normal"),
        ({"valueString": "compound heterozygous"}, "unclassified"),
        ({"valueString": "homozygous wild type"}, "unclassified"),
        ({"valueString": "*1/*2A"}, "unclassified"),
    ],
)
def test_dpyd_by_activity_score_and_words(member, value):
    (found,) = record(observation(DPYD, **member)).biomarkers
    assert (found.marker, found.value) == ("dpyd", value)


@pytest.mark.parametrize(
    ("member", "value"),
    [
        (quantity(10, "mut/Mb"), "high"),
        (quantity(9.9, "mut/Mb"), "measured"),
        (quantity(12), "high"),
        (quantity(12, "%"), "measured"),
        ({"valueQuantity": {"value": 12, "unit": "mut/Mb", "comparator": "<"}}, "measured"),
        ({"valueString": "TMB-high"}, "high"),
        ({"valueString": "low"}, "low"),
    ],
)
def test_a_mutational_burden_is_high_from_ten_and_open_below(member, value):
    (found,) = record(observation(TMB, **member)).biomarkers
    assert (found.marker, found.value) == ("tmb", value)


def test_cystatin_c_is_measured():
    (found,) = record(observation(CYSTATIN_C, **quantity(0.92, "mg/L"))).measurements
    assert (found.fact, found.value, found.unit) == ("cystatin_c", 0.92, "mg/L")


@pytest.mark.parametrize(
    ("name", "said", "state"),
    [
        ("CSF cytology", "Positive for malignant cells", "leptomeningeal"),
        ("Cytology of cerebrospinal fluid", "Adenocarcinoma, consistent with breast primary", "leptomeningeal"),
        ("CSF cytology", "No malignant cells seen", None),
        ("CSF cytology", "Negative for malignancy", None),
        ("CSF cytology", "Atypical cells, suspicious", None),
        ("Pleural fluid cytology", "Positive for malignant cells", None),
    ],
)
def test_tumour_cells_in_the_cerebrospinal_fluid(name, said, state):
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": name},
        "conclusion": said,
    }
    for one in (named(name, valueString=said), {**report, "effectiveDateTime": "2024-01-10"}):
        found = record(one).cns
        assert (found.state if found else None) == state


def ct(said, day="2024-06-01"):
    return {
        "resourceType": "DiagnosticReport",
        "id": "ct",
        "status": "final",
        "code": {"text": "CT chest"},
        "effectiveDateTime": day,
        "conclusion": said,
    }


ILD = condition(code="1", text="Pneumonitis grade 1", onsetDateTime="2024-03-01")


@pytest.mark.parametrize(
    ("report", "resolved"),
    [
        (ct("Pneumonitis resolved."), True),
        (ct("Interval resolution of pneumonitis. Liver stable."), True),
        (ct("No pneumonitis."), True),
        (ct("Pneumonitis has not resolved."), None),
        (ct("Partially resolved pneumonitis."), None),
        (ct("Resolving pneumonitis."), None),
        (ct("Pneumonitis, unchanged."), None),
        (ct("Pneumonitis resolved.", day="2024-02-01"), None),  # before it began
        ({**ct("Pneumonitis resolved."), "status": "entered-in-error"}, None),
    ],
)
def test_a_report_tells_that_the_lungs_have_cleared(report, resolved):
    (found,) = record(ILD, report).toxicities
    assert (found.kind, found.grade, found.is_resolved) == ("ild", 1, resolved)
    assert ("DiagnosticReport/ct" in found.evidence) is (resolved is True)


def test_an_illness_that_its_own_record_calls_active_is_not_closed_by_a_report():
    active = {**ILD, "clinicalStatus": {"coding": [{"code": "active"}]}}
    told = record(active, ct("Pneumonitis resolved."))
    assert [it.is_resolved for it in told.toxicities] == [False]


def lung(said, name="CT chest", day="2024-06-01", **more):
    return {**observation("x", id="ct", day=day, **more), "code": {"text": name}, **said}


ACTIVE = {**ILD, "clinicalStatus": {"coding": [{"code": "active"}]}}
NO_STATUS = ILD


@pytest.mark.parametrize(
    ("illness", "report", "is_conflict"),
    [
        (ACTIVE, ct("Pneumonitis resolved."), True),
        (ACTIVE, ct("No pneumonitis."), True),
        (ACTIVE, ct("Pneumonitis resolved.", day="2024-02-01"), False),  # before it began
        (ACTIVE, ct("Pneumonitis resolving."), False),
        (ACTIVE, ct("Pneumonitis, unchanged."), False),
        (ACTIVE, {**ct("Pneumonitis resolved."), "status": "entered-in-error"}, False),
        (ACTIVE, lung({"valueString": "ILD resolved"}), True),
        (ACTIVE, lung({"valueCodeableConcept": {"text": "Interstitial lung disease, resolved"}}), True),
        (ACTIVE, lung({"valueString": "resolved"}, name="Interstitial lung disease"), True),
        (ACTIVE, lung({"valueString": "none"}, name="Pneumonitis"), True),
        (ACTIVE, lung({"valueBoolean": False}, name="Pneumonitis"), True),
        (ACTIVE, lung({"valueBoolean": True}, name="Pneumonitis"), False),
        (ACTIVE, lung({"valueString": "grade 1"}, name="Pneumonitis"), False),
        (ACTIVE, lung({"valueString": "resolved"}, name="Diarrhoea"), False),
        (NO_STATUS, ct("Pneumonitis resolved."), False),  # nothing contradicts: the report closes it
        (NO_STATUS, lung({"valueString": "ILD resolved"}), False),
    ],
)
def test_a_report_of_clear_lungs_against_an_illness_marked_active_is_a_conflict(illness, report, is_conflict):
    told = record(illness, report)
    assert [it.about for it in told.conflicts] == ["ild"] * is_conflict
    if is_conflict:
        (conflict,) = told.conflicts
        assert len(conflict.evidence) == 2
        assert "2024-06-01" in conflict.because
        assert [it.is_resolved for it in told.toxicities] == [False]


def test_lungs_found_ill_again_after_they_cleared_agree_with_an_illness_marked_active():
    again = {**ct("Pneumonitis in the left lung.", day="2024-09-01"), "id": "again"}
    assert record(ACTIVE, ct("Pneumonitis resolved."), again).conflicts == ()


def test_an_observation_may_tell_that_the_lungs_have_cleared_or_are_ill():
    (cleared,) = record(NO_STATUS, lung({"valueString": "ILD resolved"})).toxicities
    assert (cleared.is_resolved, str(cleared.end)) == (True, "2024-06-01")
    (ill,) = record(lung({"valueString": "New pneumonitis in both lower lobes"})).toxicities
    assert (ill.kind, ill.is_resolved) == ("ild", None)
    assert record(lung({"valueString": "none"}, name="Pneumonitis")).toxicities == ()


def test_lungs_that_only_a_report_speaks_of_are_not_dropped():
    (found,) = record(ct("New pneumonitis in both lower lobes.")).toxicities
    assert (found.kind, found.grade, found.is_resolved) == ("ild", None, None)


def test_reports_are_read_in_the_order_of_their_days():
    found, cleared = ct("New pneumonitis.", day="2024-03-01"), {**ct("Pneumonitis resolved."), "id": "later"}
    (told,) = record(found, cleared).toxicities
    assert (str(told.start), str(told.end), told.is_resolved) == ("2024-03-01", "2024-06-01", True)
    assert record(cleared, found) == record(found, cleared)


def test_lungs_found_ill_again_are_told_again():
    again = {**ct("Pneumonitis in the left lung.", day="2024-09-01"), "id": "again"}
    told = record(ILD, ct("Pneumonitis resolved."), again).toxicities
    assert [(str(it.start), it.is_resolved) for it in told] == [("2024-03-01", True), ("2024-09-01", None)]


def test_what_makes_the_brain_urgent_is_cited():
    brain = condition("C79.31", id="b", recordedDate="2024-01-01")
    size = observation(SIZE, id="s", focus=[{"reference": "Condition/b"}], **quantity(22, "mm"))
    mri = {**ct("Metastasis with mass effect.", day="2024-02-01"), "id": "mri", "code": {"text": "MRI brain"}}
    found = record(brain, size, mri).cns
    assert found.state == "needs_local_therapy"
    assert {"Condition/b", "Observation/s", "DiagnosticReport/mri"} <= set(found.evidence)


def test_an_urgent_brain_report_alone_is_not_dropped():
    mri = {**ct("Right frontal lesion with mass effect."), "code": {"text": "MRI brain"}}
    assert record(mri).cns.state == "needs_local_therapy"


@pytest.mark.parametrize(
    ("code", "value", "wishes"),
    [
        (concept("75773-2", LOINC), {"valueCodeableConcept": {"coding": [{"code": "prefer-oral"}]}}, ["prefer-oral"]),
        (concept("95541-9", LOINC), {"valueString": "chemo-free"}, ["chemo-free"]),
        (concept("75773-2", LOINC), {"valueString": "Wants to keep her hair."}, ["avoid-hair-loss"]),
        (concept("75773-2", LOINC), {"valueString": "Hair loss is acceptable"}, []),
        ({"text": "Patient preference"}, {"valueString": "avoid hair loss"}, ["avoid-hair-loss"]),
        (concept("75773-2", SNOMED), {"valueString": "chemo-free"}, []),
    ],
)
def test_a_wish_coded_or_in_words(code, value, wishes):
    assert [it.wish for it in record({**observation("x"), "code": code, **value}).wishes] == wishes


@pytest.mark.parametrize(
    ("name", "said", "state"),
    [
        ("MRI brain", "No acute intracranial abnormality. No metastases.", "none"),
        ("MRI brain", "No evidence of metastatic disease.", "none"),
        ("Schädel-MRT", "Keine Metastasen.", "none"),
        ("MRI brain", "No new metastases.", None),  # says nothing of old ones
        ("CT chest", "No metastases.", None),  # says nothing of the brain
    ],
)
def test_no_metastases_on_a_report_on_the_head_are_none_in_the_brain(name, said, state):
    found = record({**ct(said), "code": {"text": name}}).cns
    assert (found.state if found else None) == state


@pytest.mark.parametrize(
    ("said", "resolved"),
    [
        ("Ground-glass opacities completely resolved.", True),
        ("No ground-glass changes.", True),
        ("Liver progression. Lungs clear.", True),
        ("Residual ground-glass opacities.", None),
        ("New ground-glass opacities.", None),
        ("Liver clear.", None),
    ],
)
def test_lungs_without_the_signs_of_pneumonitis_have_cleared(said, resolved):
    assert [it.is_resolved for it in record(ILD, ct(said)).toxicities] == [resolved]


def test_signs_alone_make_no_illness():
    assert record(ct("New ground-glass opacities.")).toxicities == ()
