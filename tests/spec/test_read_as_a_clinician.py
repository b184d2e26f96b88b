"""What a record says in words that an oncologist reads at once, from FHIR to what is concluded."""

from __future__ import annotations

from datetime import date

import pytest

from cdshooks.cards.detail import missing_or_conflicting
from cdshooks.cards.review_text import reasons_of
from cdshooks.explain.patient import advise
from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import AgentId, CriterionId, ResourceRef
from cdshooks.options.model import Finding, OrderReview, Outcome
from cdshooks.record.model import StopReason
from cdshooks.record.read import read_patient_record
from tests.fhir import SUBJECT, concept, condition, drug, observation, resources_of
from tests.option_cases import (
    THREE_LINES,
    advice_of,
    but,
    history,
    illness,
    measured,
    options_of,
    patient,
    shipped,
)

TODAY = date(2026, 11, 24)


def read(*resources):
    return read_patient_record(resources_of(*resources), shipped(), as_of=TODAY)


def advised(*resources, where="US"):
    return advise(resources_of(*resources), shipped(), as_of=TODAY, jurisdiction=where)


def facts_of(*resources):
    return {it.id: it.value for it in advised(*resources).facts}


def course(agent, start, end, reason=None, **more):
    return drug(
        "MedicationStatement",
        agent,
        status="stopped" if reason else "completed",
        effectivePeriod={"start": start, "end": end},
        **({"statusReason": [{"text": it} for it in reason.split(" | ")]} if reason else {}),
        **more,
    )


METASTATIC = (
    condition("C50.912", id="c1", onsetDateTime="2021-01-05"),
    condition("C78.7", id="c2", onsetDateTime="2021-01-05"),
)


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ("Fortschreiten der Erkrankung", "progression"),
        ("Krankheitsprogress", "progression"),
        ("kein Fortschreiten", None),
        ("évolution de la maladie", "progression"),
        ("récidive hépatique", "progression"),
        ("keratitis grade 3", "toxicity"),
        ("asymptomatic interstitial lung changes on CT (grade 1)", "toxicity"),
        ("Polyneuropathie Grad 3", "toxicity"),
        ("no keratitis", None),
        ("neuropathy grade 2 | disease progression", "progression"),
        ("treatment completed | keratitis grade 2", "toxicity"),
        ("Wunsch der Patientin", "patient_choice"),
        ("efectos secundarios", "toxicity"),
    ],
)
def test_why_a_drug_was_stopped(words, reason):
    record = read(course("trastuzumab emtansine", "2024-01-10", "2024-10-10", words))
    assert record.exposures[0].stopped_for == (StopReason(reason) if reason else None)


def test_an_adverse_effect_of_one_drug_is_none_of_its_partner():
    """Hand-foot syndrome on capecitabine says nothing of trastuzumab; why tucatinib ended is not told."""
    advice = advised(
        *METASTATIC,
        course("capecitabine", "2023-02-01", "2024-03-01", "hand-foot syndrome grade 3", id="d1"),
        course("trastuzumab", "2023-02-01", "2024-03-01", id="d2"),
        course("tucatinib", "2023-02-01", "2024-03-01", id="d3"),
        course("vinorelbine", "2024-03-20", "2025-03-01", "progression", id="d4"),
    )
    assert advice.lines.lines[0].end_reason == "toxicity"
    assert {it.agent: it.outcome.value for it in advice.lines.uses if it.line == 1} == {
        "capecitabine": "toxicity",
        "trastuzumab": "unknown",
        "tucatinib": "unknown",
    }


def test_an_adverse_event_blamed_on_one_drug_is_none_of_its_partner():
    event = {
        "resourceType": "AdverseEvent",
        "id": "ae1",
        "actuality": "actual",
        "event": {"text": "Peripheral neuropathy grade 3"},
        "date": "2024-02-25",
        "suspectEntity": [{"instance": {"display": "paclitaxel"}}],
        **SUBJECT,
    }
    advice = advised(
        *METASTATIC,
        course("paclitaxel", "2023-09-01", "2024-03-01", id="d1"),
        course("trastuzumab", "2023-09-01", "2024-03-01", id="d2"),
        course("trastuzumab deruxtecan", "2024-03-20", "2025-03-01", "progression", id="d3"),
        event,
    )
    assert {it.agent: it.outcome.value for it in advice.lines.uses if it.line == 1} == {
        "paclitaxel": "toxicity",
        "trastuzumab": "unknown",
    }


@pytest.mark.parametrize(
    ("reactions", "allergic"),
    [
        ([("chills at the first infusion", "mild")], ()),
        ([("chills at the first infusion", "moderate"), ("flushing", "mild")], ()),
        ([("collapse", "severe")], ("trastuzumab",)),
        ([("collapse", None)], ("trastuzumab",)),
        ([("flushing", "mild"), ("collapse", None)], ("trastuzumab",)),
        ([], ("trastuzumab",)),
    ],
)
def test_a_mild_reaction_closes_no_drug_and_an_ungraded_one_does(reactions, allergic):
    allergy = {
        "resourceType": "AllergyIntolerance",
        "id": "a1",
        "code": {"text": "trastuzumab"},
        "patient": SUBJECT["subject"],
        "reaction": [
            {"manifestation": [{"text": text}], **({"severity": severity} if severity else {})}
            for text, severity in reactions
        ],
    }
    assert facts_of(*METASTATIC, allergy)["hypersensitivity_agents"] == allergic


@pytest.mark.parametrize(
    ("said", "liver"),
    [
        ({"valueString": "Class C (11 points)"}, "C"),
        ({"valueString": "B"}, "B"),
        ({"valueString": "A5"}, "A"),
        ({"valueCodeableConcept": {"text": "Child-Pugh class B"}}, "B"),
        ({"valueQuantity": {"value": 6}}, "A"),
        ({"valueInteger": 7}, "B"),
        ({"valueInteger": 9}, "B"),
        ({"valueInteger": 10}, "C"),
        ({"valueInteger": 4}, None),
        ({"valueString": "Class A, 11 points"}, None),
        ({"valueString": "not determined"}, None),
    ],
)
def test_the_child_pugh_class(said, liver):
    score = observation(None, day="2026-11-10", **said)
    score["code"] = concept(text="Child-Pugh score")
    assert facts_of(*METASTATIC, score)["child_pugh"] == liver


def test_the_child_pugh_class_in_a_diagnosis():
    cirrhosis = condition(text="Liver cirrhosis, Child-Pugh B", id="c9", recordedDate="2026-10-20")
    facts = facts_of(*METASTATIC, cirrhosis)
    assert (facts["child_pugh"], facts["chronic_liver_disease"]) == ("B", True)


@pytest.mark.parametrize("code", ["K74.60", "K70.30", "K72.10"])
def test_cirrhosis_and_liver_failure_are_an_ill_liver(code):
    assert facts_of(*METASTATIC, condition(code, id="c9"))["chronic_liver_disease"] is True


@pytest.mark.parametrize(
    ("conclusion", "state"),
    [
        ("Stable treated brain metastases.", "treated_stable"),
        ("Cerebellar metastasis status post radiosurgery, unchanged.", "treated_stable"),
        ("Stable brain metastases.", "untreated_stable"),
        ("Unchanged brain metastases, not treated.", "untreated_stable"),
        ("Treated brain metastases with progression, new lesion.", "active_not_urgent"),
    ],
)
def test_a_report_that_calls_the_brain_metastases_treated(conclusion, state):
    report = {
        "resourceType": "DiagnosticReport",
        "id": "r1",
        "status": "final",
        "code": {"text": "MRI brain"},
        "effectiveDateTime": "2026-11-12",
        "conclusion": conclusion,
        **SUBJECT,
    }
    cns = read(*METASTATIC, condition("C79.31", id="c3", onsetDateTime="2025-01-05"), report).cns
    assert cns is not None
    assert cns.state == state


@pytest.mark.parametrize(
    "regimen", ["tucatinib_trastuzumab_capecitabine", "lapatinib_capecitabine", "lapatinib_trastuzumab"]
)
def test_a_bowel_disease_warns_where_only_neratinib_and_pyrotinib_are_ruled_out(regimen):
    found = options_of(advice_of(patient(diagnoses=(illness("ibd"),)), history(THREE_LINES)))
    assert found["neratinib_capecitabine"].verdict == "exclude"
    assert found[regimen].verdict == "offer_with_warning"


def test_what_is_missing_of_an_ill_liver_is_named():
    def asked(**members):
        options = advice_of(patient(**members), history(THREE_LINES)).options
        return {ask.fact for it in options for ask in it.asks}

    raised = {"measurements": but(measured("bilirubin", 2.8, times_upper_limit=2.3))}
    assert "child_pugh" in asked(**raised)
    assert "child_pugh" in asked(diagnoses=(illness("cirrhosis"),))
    assert "child_pugh" not in asked()


@pytest.mark.parametrize("said", [{"valueString": "negative"}, {"valueCodeableConcept": {"text": "Negative"}}])
def test_a_negative_pregnancy_test_in_words(said):
    assert facts_of(*METASTATIC, observation("2106-3", day="2026-11-20", **said))["pregnancy"] == "not_pregnant"


@pytest.mark.parametrize(
    ("given", "is_suppressed"),
    [
        (("2026-10-20", "2026-10-20"), True),
        (("2026-07-27", "2026-07-27"), True),
        (("2026-07-26", "2026-07-26"), False),
        (("2020-01-01", "2020-06-01"), False),
    ],
)
def test_ovarian_suppression_runs_until_four_months_after_its_last_dose(given, is_suppressed):
    assert facts_of(*METASTATIC, course("goserelin", *given))["ovarian_suppression"] is is_suppressed


def test_a_tyrosine_kinase_inhibitor_of_another_cancer_is_a_line_and_its_class_is_known():
    history = advised(*METASTATIC, course("zongertinib", "2025-07-01", "2026-01-01", "PD")).lines
    assert [(it.agents, it.end_reason.value) for it in history.lines] == [(("zongertinib",), "progression")]
    assert "her2-tki" in facts_of(*METASTATIC, course("zongertinib", "2025-07-01", "2026-01-01"))["classes"]


@pytest.mark.parametrize(("name", "is_named"), [("novorutinib", True), ("levetiracetam", False)])
def test_a_drug_that_may_be_a_cancer_drug_is_named_on_the_card(name, is_named):
    advice = advised(*METASTATIC, course(name, "2025-07-01", "2026-01-01"))
    assert (name in missing_or_conflicting(advice, shipped(), (), in_short=False)) is is_named


def test_what_concerns_the_patient_heads_a_review_before_what_concerns_the_licence():
    findings = [
        Finding(criterion=CriterionId(name), outcome=Outcome.NOT_MET, because=name, sources=(), effect=Effect.WARN)
        for name in ("LICENCE", "ANTHRA_ANTIBODY")
    ]
    review = OrderReview(
        order=ResourceRef("MedicationRequest/draft-1"),
        agents=(AgentId("pegylated liposomal doxorubicin"),),
        judgement="warning",
        reasons=tuple(findings),
        regimens=(),
    )
    assert [it.criterion for it in reasons_of([review], shipped())] == ["ANTHRA_ANTIBODY", "LICENCE"]


@pytest.mark.parametrize(
    ("why", "has_failed", "is_failing"),
    [
        ("cardiotoxicity, asymptomatic LVEF drop to 44%", True, False),
        ("LVEF decrease grade 2", False, False),
        ("heart failure NYHA III", True, True),
    ],
)
def test_a_heart_that_was_harmed_is_told_from_one_that_fails_now(why, has_failed, is_failing):
    facts = facts_of(*METASTATIC, course("trastuzumab emtansine", "2024-11-01", "2025-06-20", why))
    assert (facts["heart_failure_history"], facts["symptomatic_hf"]) == (has_failed, is_failing)
