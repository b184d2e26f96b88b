"""How criteria become one verdict for a regimen, and which drug fills a slot."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cdshooks.knowledge.criteria import criterion_from
from cdshooks.options.model import Option
from cdshooks.record.model import DiseaseStatus, Statement
from tests.option_cases import (
    NAIVE_TO_TDXD,
    THREE_LINES,
    advice_of,
    brain,
    but,
    day,
    history,
    measured,
    options_of,
    patient,
    receptor,
    ref,
    toxicity,
)
from tests.option_samples import SAMPLES, TDXD, criterion, knowledge_of, regimen, sample_knowledge

LVEF = {"fact": "lvef_percent", "op": "ge", "value": 50}
ANC = {"fact": "anc", "op": "ge", "value": 1.5}


def judged(
    *criteria: Any, regimens: Any = (TDXD,), lines: str = "", jurisdiction: str = "US", **members: Any
) -> dict[str, Option]:
    return options_of(
        advice_of(
            patient(**members), history(lines), knowledge=knowledge_of(regimens, criteria), jurisdiction=jurisdiction
        )
    )


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [
        ("exclude", "exclude"),
        ("not_applicable", "not_applicable"),
        ("hold", "hold"),
        ("warn", "offer_with_warning"),
        ("dose_note", "offer"),
    ],
)
def test_the_effect_of_what_does_not_hold(effect: str, verdict: str) -> None:
    low = but(measured("lvef_percent", 45.0))
    option = judged(criterion("HEART", LVEF, effect, dose_note="Less of it"), measurements=low)["tdxd"]
    assert option.verdict.value == verdict
    assert option.dose_notes == ("Less of it",)
    assert [it.criterion for it in option.warnings] == (["HEART"] if effect == "warn" else [])
    finding = next(it for it in option.findings if it.criterion == "HEART")
    assert finding.outcome.value == "not_met"
    assert "45 %" in finding.because
    assert finding.evidence == ("Observation/lvef_percent",)


@pytest.mark.parametrize(
    ("if_unknown", "verdict", "asks"),
    [
        ("pass", "offer", []),
        ("ask", "offer", ["lvef_percent"]),
        ("warn", "offer_with_warning", []),
        ("ask_and_warn", "offer_with_warning", ["lvef_percent"]),
        ("hold", "hold", ["lvef_percent"]),
    ],
)
def test_the_effect_of_what_nobody_knows(if_unknown: str, verdict: str, asks: list[str]) -> None:
    option = judged(criterion("HEART", LVEF, if_unknown=if_unknown), measurements=())["tdxd"]
    assert option.verdict.value == verdict
    assert [it.fact for it in option.asks if it.fact == "lvef_percent"] == asks
    finding = next(it for it in option.findings if it.criterion == "HEART")
    assert (finding.outcome.value, finding.missing) == ("unknown", "lvef_percent")


@pytest.mark.parametrize(
    ("effects", "verdict"),
    [
        (("warn", "hold"), "hold"),
        (("hold", "not_applicable"), "not_applicable"),
        (("not_applicable", "exclude"), "exclude"),  # a danger is said even where the regimen does not apply
        (("dose_note", "warn"), "offer_with_warning"),
    ],
)
def test_the_gravest_effect_counts(effects: tuple[str, str], verdict: str) -> None:
    bad = but(measured("lvef_percent", 45.0), measured("anc", 1.0))
    first, second = effects
    found = judged(criterion("HEART", LVEF, first), criterion("MARROW", ANC, second), measurements=bad)
    assert found["tdxd"].verdict.value == verdict


STEPS = {
    "id": "NERVES",
    "title": "No neuropathy",
    "applies_to": {"every_drug_regimen": True},
    "steps": [
        {
            "requires": {"fact": "neuropathy_grade", "op": "lt", "value": 3},
            "if_not_met": "exclude",
            "because": "Grade 3",
        },
        {"requires": {"fact": "neuropathy_grade", "op": "lt", "value": 2}, "if_not_met": "warn", "because": "Grade 2"},
    ],
    "if_unknown": "pass",
    "sources": [],
    "verified": True,
}


@pytest.mark.parametrize(
    ("grade", "verdict", "because"),
    [(1, "offer", None), (2, "offer_with_warning", "Grade 2"), (3, "exclude", "Grade 3")],
)
def test_the_steps_of_a_criterion_have_their_own_effects(grade: int, verdict: str, because: str | None) -> None:
    option = judged(criterion_from(STEPS), toxicities=(toxicity("neuropathy", grade),))["tdxd"]
    assert option.verdict.value == verdict
    if because:
        assert next(it for it in option.findings if it.criterion == "NERVES").because.startswith(because)


def test_a_person_has_to_judge() -> None:
    option = judged(criterion("LOOK", {"review": "Look at the scan"}))["tdxd"]
    assert option.verdict.value == "offer_with_warning"
    assert next(it for it in option.findings if it.criterion == "LOOK").outcome.value == "review"


# ---- one of several drugs

CHEMO = regimen("antibody_chemo", "trastuzumab", ["capecitabine", "vinorelbine", "eribulin"])
NO_CAPE = criterion("DPYD", {"fact": "dpyd", "op": "ne", "value": "poor"}, applies_to={"agents": ["capecitabine"]})
NO_VINCA = criterion("MARROW", ANC, "hold", applies_to={"classes": ["vinca", "eribulin-like"]})


def test_the_first_drug_of_a_slot_is_taken() -> None:
    assert judged(regimens=(CHEMO,))["antibody_chemo"].agents == ("trastuzumab", "capecitabine")


def test_a_failed_partner_is_passed_over_and_said() -> None:
    table = """
    line | agents                    | start      | end        | ended
    1    | capecitabine, tucatinib   | 2024-02-01 | 2025-11-22 | progression
    """
    option = judged(regimens=(CHEMO,), lines=table)["antibody_chemo"]
    assert option.agents == ("trastuzumab", "vinorelbine")
    assert option.verdict.value == "offer"
    assert any("capecitabine" in note and "progressed" in note for note in option.dose_notes)


def test_a_contraindicated_partner_is_passed_over() -> None:
    option = judged(NO_CAPE, regimens=(CHEMO,), toxicities=(toxicity("dpd_deficiency"),))["antibody_chemo"]
    assert option.agents == ("trastuzumab", "vinorelbine")


def test_a_warning_does_not_pass_a_partner_over() -> None:
    careful = criterion(
        "DPYD",
        {"fact": "dpyd", "op": "ne", "value": "poor"},
        applies_to={"agents": ["capecitabine"]},
        if_unknown="ask_and_warn",
    )
    option = judged(careful, regimens=(CHEMO,))["antibody_chemo"]
    assert option.agents == ("trastuzumab", "capecitabine")
    assert option.verdict.value == "offer_with_warning"


def test_without_any_partner_the_least_that_speaks_against_decides() -> None:
    option = judged(
        NO_CAPE,
        NO_VINCA,
        regimens=(CHEMO,),
        toxicities=(toxicity("dpd_deficiency"),),
        measurements=but(measured("anc", 1.0)),
    )["antibody_chemo"]
    assert option.verdict.value == "hold"  # capecitabine never, vinorelbine when the neutrophils are back
    assert option.agents == ("trastuzumab", "vinorelbine")


def test_an_optional_drug_is_left_out() -> None:
    plus = regimen("antibodies", "trastuzumab", ["?", "capecitabine", "fluorouracil"])
    both = criterion(
        "DPYD", {"fact": "dpyd", "op": "ne", "value": "poor"}, applies_to={"agents": ["capecitabine", "fluorouracil"]}
    )
    option = judged(both, regimens=(plus,), toxicities=(toxicity("dpd_deficiency"),))["antibodies"]
    assert option.agents == ("trastuzumab",)
    assert option.verdict.value == "offer"
    assert any("left out" in note for note in option.dose_notes)


# ---- kinds of regimens


def verdicts(lines: str = THREE_LINES, jurisdiction: str = "US", **members: Any) -> dict[str, str]:
    found = advice_of(
        patient(**members), history(lines), knowledge=sample_knowledge(), jurisdiction=jurisdiction
    ).options
    return {str(it.id): it.verdict.value for it in found}


def test_every_regimen_has_one_verdict() -> None:
    assert set(verdicts()) == {str(it.id) for it in SAMPLES}


def test_progression_on_a_drug_excludes_it_but_not_the_antibody_beyond_progression() -> None:
    assert (
        verdicts() | {"tdxd": "exclude", "tdm1": "exclude", "tucatinib_trastuzumab_capecitabine": "offer"} == verdicts()
    )


def test_exposure_without_progression_keeps_a_drug() -> None:
    completed = THREE_LINES.replace("2026-10-20 | progression", "2026-10-20 | completed")
    assert verdicts(completed)["tdm1"] == "offer"
    stopped = THREE_LINES.replace("2026-10-20 | progression", "2026-10-20 | toxicity")
    assert verdicts(stopped)["tdm1"] == "offer_with_warning"
    unknown = THREE_LINES.replace("2026-10-20 | progression", "2026-10-20 | unknown")
    assert verdicts(unknown)["tdm1"] == "offer_with_warning"


@pytest.mark.parametrize(
    ("her2", "verdict"),
    [
        ("positive", "offer"),
        ("negative", "not_applicable"),
        ("low", "not_applicable"),
        ("equivocal", "hold"),
        ("conflict", "hold"),
        (None, "hold"),
    ],
)
def test_her2_in_force_decides_on_her2_directed_regimens(her2: str | None, verdict: str) -> None:
    receptors = (receptor("her2", her2),) if her2 else ()
    assert verdicts(NAIVE_TO_TDXD, receptors=receptors)["tdxd"] == verdict


@pytest.mark.parametrize(("er", "verdict"), [("positive", "offer"), ("negative", "not_applicable"), (None, "hold")])
def test_endocrine_partners_only_while_er_or_pr_is_positive(er: str | None, verdict: str) -> None:
    told = (receptor("er", er), receptor("pr", "negative")) if er else ()
    found = verdicts(receptors=(receptor("her2", "positive"), *told))
    assert found["trastuzumab_endocrine"] == verdict


def test_hypersensitivity_excludes_the_drug() -> None:
    found = verdicts(NAIVE_TO_TDXD, toxicities=(toxicity("hypersensitivity", 4, "trastuzumab deruxtecan"),))
    assert found["tdxd"] == "exclude"
    assert found["lapatinib_capecitabine"] == "offer"


@pytest.mark.parametrize(("ecog", "verdict"), [(2, "offer"), (3, "offer_with_warning"), (4, "hold")])
def test_performance_status(ecog: int, verdict: str) -> None:
    assert verdicts(NAIVE_TO_TDXD, measurements=but(measured("ecog", float(ecog))))["tdxd"] == verdict


@pytest.mark.parametrize(
    ("state", "verdict"),
    [
        ("none", "offer"),
        ("active_not_urgent", "offer"),
        ("needs_local_therapy", "offer_with_warning"),
        ("leptomeningeal", "offer_with_warning"),
    ],
)
def test_states_of_the_brain(state: str, verdict: str) -> None:
    assert verdicts(NAIVE_TO_TDXD, cns=brain(state))["tdxd"] == verdict


# ---- licence


def status(**members: Any) -> dict[str, Any]:
    one = {"status": "licensed", "text": "Licensed", "verified": True} | members
    return {"US": one, "EU": {"status": "not_licensed", "text": "Not licensed", "verified": True}, "CN": one}


@pytest.mark.parametrize(
    ("kind", "verdict"),
    [
        ("licensed", "offer"),
        ("standard_practice", "offer"),
        ("off_label", "offer_with_warning"),
        ("unknown", "offer_with_warning"),
        ("investigational", "not_applicable"),
        ("not_licensed", "not_applicable"),
    ],
)
def test_the_licence_where_the_patient_is_treated(kind: str, verdict: str) -> None:
    one = regimen("sample", "tucatinib", jurisdictions=status(status=kind))
    assert judged(regimens=(one,))["sample"].verdict.value == verdict
    assert judged(regimens=(one,), jurisdiction="EU")["sample"].verdict.value == "not_applicable"


@pytest.mark.parametrize(("least", "verdict"), [(1, "offer"), (2, "offer"), (3, "not_applicable")])
def test_the_licence_asks_for_earlier_anti_her2_regimens(least: int, verdict: str) -> None:
    table = """
    line  | agents                   | start      | end        | ended
    early | trastuzumab              | 2021-02-01 | 2021-11-01 | completed
    1     | docetaxel, trastuzumab   | 2023-02-01 | 2024-02-01 | progression
    2     | trastuzumab deruxtecan   | 2024-02-15 | 2025-08-01 | progression
    """
    one = regimen("sample", "tucatinib", jurisdictions=status(min_anti_her2_metastatic=least))
    assert judged(regimens=(one,), lines=table)["sample"].verdict.value == verdict


def test_a_history_that_starts_midway_leaves_the_count_open() -> None:
    one = regimen("sample", "tucatinib", jurisdictions=status(min_anti_her2_metastatic=3))
    found = advice_of(patient(), history("", is_at_least=True), knowledge=knowledge_of((one,)))
    assert options_of(found)["sample"].verdict.value == "offer_with_warning"


def test_a_regimen_of_earlier_lines_is_no_option() -> None:
    one = regimen("marker", "trastuzumab", "pertuzumab", role="prior_exposure_marker")
    assert judged(regimens=(one,))["marker"].verdict.value == "not_applicable"


def test_without_metastases_on_record_nothing_is_offered_without_a_warning() -> None:
    lines = msgspec.structs.replace(history(), metastatic_since=None)
    found = options_of(advice_of(patient(metastases=()), lines, knowledge=knowledge_of((TDXD,))))["tdxd"]
    assert found.verdict.value == "offer_with_warning"
    assert "metastatic" in {it.fact for it in found.asks}


LOW = regimen("for_her2_low", "trastuzumab deruxtecan", her2="low")
LOST = regimen("for_her2_lost", "sacituzumab govitecan", her2="negative")


@pytest.mark.parametrize(
    ("her2", "low", "lost"),
    [
        ("positive", "not_applicable", "not_applicable"),
        ("low", "offer", "offer"),
        ("negative", "not_applicable", "offer"),
        (None, "hold", "hold"),
    ],
)
def test_regimens_for_disease_that_lost_her2(her2: str | None, low: str, lost: str) -> None:
    receptors = (receptor("her2", her2),) if her2 else ()
    found = judged(regimens=(LOW, LOST), receptors=receptors)
    assert {name: it.verdict.value for name, it in found.items()} == {"for_her2_low": low, "for_her2_lost": lost}


@pytest.mark.parametrize(
    ("tempo", "verdict"),
    [("usual", "offer"), ("rapid", "offer_with_warning"), ("visceral-crisis", "offer_with_warning")],
)
def test_an_endocrine_partner_waits_in_visceral_crisis(tempo: str, verdict: str) -> None:
    told = (Statement(about="tempo", value=tempo, date=day("2026-11-10"), evidence=ref("tempo")),)
    receptors = (receptor("her2", "positive"), receptor("er", "positive"), receptor("pr", "positive"))
    assert verdicts(receptors=receptors, statements=told)["trastuzumab_endocrine"] == verdict


INTRATHECAL = regimen("intrathecal_trastuzumab", "trastuzumab")
LOCAL = regimen("local_therapy_plus_continue", role="local", her2="any", matches={"all_of": []})


@pytest.mark.parametrize(
    ("state", "verdict"),
    [("leptomeningeal", "offer_with_warning"), ("none", "not_applicable"), ("unknown", "not_applicable")],
)
def test_treatment_into_the_cerebrospinal_fluid_is_for_leptomeningeal_disease(state: str, verdict: str) -> None:
    option = judged(regimens=(INTRATHECAL, TDXD), cns=brain(state))
    assert option["intrathecal_trastuzumab"].verdict.value == verdict
    assert (option["intrathecal_trastuzumab"].rank == 1) == (state == "leptomeningeal")


@pytest.mark.parametrize(
    ("state", "focus", "verdict", "is_first"),
    [
        ("active_not_urgent", "brain", "offer", True),
        ("active_not_urgent", "liver", "offer", False),
        ("needs_local_therapy", "liver", "offer", True),
        ("none", "liver", "not_applicable", False),
        ("unknown", "liver", "not_applicable", False),
    ],
)
def test_local_therapy_of_the_brain(state: str, focus: str, verdict: str, is_first: object) -> None:
    statuses = (DiseaseStatus(trend="progression", focus=focus, date=day("2026-11-01"), evidence=ref(focus)),)
    option = judged(regimens=(LOCAL, TDXD), cns=brain(state), statuses=statuses)["local_therapy_plus_continue"]
    assert option.verdict.value == verdict
    assert (option.rank == 1) is is_first
