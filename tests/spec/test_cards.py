"""What a clinician is shown: which cards, the reason at a glance, drafts that are complete, nothing twice. Source: issue of cards, CARD-03."""

from __future__ import annotations

from typing import Any

import pytest

from cdshooks.cards.actions import draft_actions
from cdshooks.cards.dosage import dosage_of
from cdshooks.cards.model import Card
from cdshooks.cards.render import Occasion, render_cards
from cdshooks.knowledge.ids import AgentId
from cdshooks.record.model import Biomarker
from tests.option_cases import (
    NAIVE_TO_TDXD,
    THREE_LINES,
    advice_of,
    brain,
    but,
    comed,
    history,
    illness,
    measured,
    options_of,
    order,
    patient,
    receptor,
    shipped,
    toxicity,
    wish,
)

TWO_LINES = "\n".join(NAIVE_TO_TDXD.splitlines()[:-1])
EARLY_CONJUGATE = """
line  | agents                             | start      | end        | ended
early | carboplatin, docetaxel             | 2020-01-01 | 2020-06-01 | unknown
early | trastuzumab emtansine              | 2020-07-01 | 2021-02-01 | unknown
1     | trastuzumab deruxtecan             | 2023-02-01 | 2024-02-01 | progression
2     | capecitabine, trastuzumab, tucatinib | 2024-02-15 | 2025-08-01 | progression
3     | trastuzumab, vinorelbine           | 2025-08-15 | 2026-10-20 | progression
"""
NORMAL_DPYD = (Biomarker(marker="dpyd", value="normal", evidence=()),)
TRIPLET = ("tucatinib", "trastuzumab", "capecitabine")


def shown(*agents: str, lines: str = THREE_LINES, hook: str = "order-select", **members: Any) -> dict[str, Card]:
    """The cards by topic when these drugs are ordered in one go."""
    advice = advice_of(patient(**members), history(lines), orders=(order(*agents),) if agents else ())
    occasion = Occasion(
        hook=hook,
        patient_id="p1",
        encounter_id=None,
        orders_cancer_treatment=bool(agents),
        ordered=tuple(sorted(AgentId(it) for it in agents)),
        is_date_fixed=False,
        is_signed=True,
    )
    count = iter(range(100))
    cards = render_cards(advice, shipped(), occasion, lambda: f"uuid-{next(count)}")
    assert len(cards) <= 3
    return {it.source.topic.code.removeprefix("her2-later-line-"): it for it in cards}


DPD = {"toxicities": (toxicity("dpd_deficiency"),)}


def test_the_reason_stands_in_the_headline_with_the_drug_that_it_is_about() -> None:
    card = shown(*TRIPLET, **DPD)["review"]
    assert card.summary.startswith("capecitabine: complete DPD deficiency")
    assert card.detail.count("Complete DPD deficiency") == 1


def test_a_graver_reason_leaves_no_milder_one_of_its_topic() -> None:
    card = shown("trastuzumab deruxtecan", lines=NAIVE_TO_TDXD, toxicities=(toxicity("ild", 2),))["review"]
    assert "grade 2 or higher" in card.detail
    assert "grade 1" not in card.detail
    assert "never after grade 2; small series" in card.detail  # both views


def test_swaps_are_drafts_against_which_the_reason_does_not_speak() -> None:
    card = shown(*TRIPLET, **DPD)["review"]
    assert card.suggestions
    for suggestion in card.suggestions:
        assert suggestion.label.startswith("Instead, draft: ")
        assert "capecitabine" not in suggestion.label


@pytest.mark.parametrize(
    ("ordered", "members", "is_said"),
    [
        (("trastuzumab emtansine",), {"measurements": but(measured("platelets", 40.0))}, True),
        (("trastuzumab deruxtecan",), {"toxicities": (toxicity("ild", 3),)}, True),
        (("trastuzumab deruxtecan",), {"measurements": but(measured("lvef_percent", 49.0))}, False),
        (("trastuzumab deruxtecan",), {}, False),
        (("trastuzumab deruxtecan",), {"measurements": ()}, False),
    ],
)
def test_below_three_finished_lines_only_what_is_unsafe_now_is_said(
    ordered: tuple[str, ...], members: dict[str, Any], is_said: object
) -> None:
    one = "\n".join(NAIVE_TO_TDXD.splitlines()[:3])
    assert set(shown(*ordered, lines=one, **members)) == ({"review"} if is_said else set())


def test_what_is_running_is_ordered_again_in_silence_unless_it_is_unsafe() -> None:
    running = NAIVE_TO_TDXD + "4 | trastuzumab deruxtecan | 2026-11-01 | | \n"
    assert shown("trastuzumab deruxtecan", lines=running) == {}
    assert set(shown("trastuzumab deruxtecan", lines=running, toxicities=(toxicity("ild", 2),))) == {"review"}


def test_what_to_find_out_is_asked_once_with_the_test_ready_to_be_requested() -> None:
    cards = shown("trastuzumab", "gemcitabine", receptors=(receptor("her2", "positive", "2022-01-01"),), cns=None)
    assert "Re-biopsy" in cards["missing"].detail
    assert "Re-biopsy" not in cards["options"].detail
    requests = [it.resource for suggestion in cards["missing"].suggestions for it in suggestion.actions]
    assert {it["resourceType"] for it in requests} == {"ServiceRequest"}
    assert {"draft-her2-biopsy", "draft-brain-mri"} <= {it["id"] for it in requests}


def test_opening_a_chart_gets_one_short_card_without_drafts_and_the_trials_that_are_in_question() -> None:
    cards = shown(hook="patient-view")
    assert set(cards) == {"view", "trials"}
    assert cards["view"].suggestions == ()
    referrals = [action.resource for it in cards["trials"].suggestions for action in it.actions]
    assert {it["code"]["coding"][0]["code"] for it in referrals} == {"702475000"}


def test_opening_the_chart_of_a_patient_whom_no_trial_suits_gets_one_card() -> None:
    cards = shown(hook="patient-view", diagnoses=(illness("pregnancy", "reproductive", "2026-10-01"),))
    assert set(cards) == {"view"}


def test_leptomeningeal_disease_is_no_isolated_progression() -> None:
    advice = advice_of(patient(cns=brain("leptomeningeal", leptomeningeal=True)), history(THREE_LINES))
    options = options_of(advice)
    assert options["local_therapy_plus_continue"].verdict.value == "not_applicable"
    assert options["intrathecal_trastuzumab"].rank == 1


def test_a_figure_of_patients_without_tdxd_carries_its_caveat_after_tdxd() -> None:
    after = shown("trastuzumab", "gemcitabine", lines=THREE_LINES.replace("emtansine   ", "emtansine   "))["options"]
    for line in after.detail.splitlines():
        if "DESTINY" in line or "HER2CLIMB:" in line or "NALA" in line:
            assert "had not had T-DXd" in line
    naive = shown("trastuzumab", "gemcitabine", lines=NAIVE_TO_TDXD)["options"]
    assert "DESTINY-Breast02" in naive.detail
    assert "had not had T-DXd" not in naive.detail


def test_what_is_not_offered_is_told_by_the_finding_that_decided() -> None:
    members = {"cns": brain("needs_local_therapy")}
    detail = shown("trastuzumab", "gemcitabine", **members)["options"].detail
    refused = detail[detail.index("Not offered, and why:") :]
    assert "The disease progressed on trastuzumab deruxtecan" in refused
    assert "surgery or radiotherapy first" not in refused


def test_progression_on_several_drugs_is_one_point_that_names_each_with_its_line() -> None:
    detail = shown("trastuzumab", "gemcitabine", lines=THREE_LINES)["options"].detail
    (point,) = [it for it in detail.splitlines() if it.startswith("- The disease progressed on trastuzumab")]
    assert "trastuzumab deruxtecan (line 2), trastuzumab emtansine (line 3) [" in point
    assert "trastuzumab emtansine 2025" not in detail  # the dates stand in the table of lines


def test_the_selected_order_is_told_with_its_place_its_evidence_and_the_wishes_it_meets() -> None:
    wishes = (wish("avoid-hair-loss"),)
    told = shown("trastuzumab", "eribulin", wishes=wishes)["options"]
    (line,) = [it for it in told.detail.splitlines() if it.startswith("The selected order is number")]
    assert "**Trastuzumab + eribulin**" in line
    assert "hair loss is likely" in line
    assert not any("eribulin" in it.label for it in told.suggestions)
    first = shown("tucatinib", "trastuzumab", "capecitabine", biomarkers=NORMAL_DPYD)["options"]
    assert "the selected order stands first" in first.summary
    assert "The selected order is number 1 of" in first.detail


def test_an_order_that_a_card_argues_with_is_not_argued_with_twice() -> None:
    cards = shown("tucatinib", "trastuzumab", "capecitabine", comedications=(comed("strong_cyp2c8_inhibitor"),))
    assert "CYP2C8" in cards["review"].detail
    assert "CYP2C8" not in cards["options"].detail


def test_what_is_asked_of_one_drug_is_not_asked_of_another() -> None:
    cards = shown("trastuzumab emtansine", lines=EARLY_CONJUGATE)
    asked = "\n".join(it.detail for it in cards.values())
    assert "why the earlier treatment with trastuzumab emtansine ended" in asked
    assert "why the earlier treatment with carboplatin ended" not in asked


def test_a_study_drug_without_a_name_is_asked_for() -> None:
    unnamed = THREE_LINES.replace("trastuzumab emtansine  ", "investigational        ")
    detail = shown("trastuzumab", "gemcitabine", lines=unnamed)["options"].detail
    assert "study drug" in detail
    assert "study drug" not in shown("trastuzumab", "gemcitabine", lines=THREE_LINES)["options"].detail


def test_in_pregnancy_neither_a_drug_nor_a_trial_is_offered_and_the_headline_says_so() -> None:
    cards = shown("trastuzumab", "gemcitabine", diagnoses=(illness("pregnancy", "reproductive", "2026-09-01"),))
    assert "no cancer drug is offered now" in cards["options"].summary
    assert "trial" not in cards["options"].summary
    assert "A clinical trial is an option" not in cards["options"].detail
    assert cards["options"].suggestions == ()


# ---- drafts


def test_a_draft_order_is_complete_and_the_group_names_its_orders() -> None:
    advice = advice_of(patient(comedications=(comed("strong_cyp2c8_inhibitor"),)))
    option = options_of(advice)["tucatinib_trastuzumab_capecitabine"]
    *orders, group = [it.resource for it in draft_actions(option, shipped(), "p1", "e1")]
    assert [it["medicationCodeableConcept"]["text"] for it in orders] == list(option.agents)
    for it in orders:
        (dosage,) = it["dosageInstruction"]
        assert dosage["route"]["text"]
        # the usual dose of a drug that another one makes too strong is never written down as the order's
        is_open = it["medicationCodeableConcept"]["text"] == "tucatinib"
        assert ("doseAndRate" in dosage) is not is_open
        assert ("repeat" in dosage.get("timing", {})) is not is_open
        assert ("still to be decided" in dosage["text"]) is is_open
        assert any("Monitoring" in note["text"] for note in it["note"])
    (held,) = group["action"]
    assert [it["resource"]["reference"] for it in held["action"]] == [f"MedicationRequest/{it['id']}" for it in orders]
    notes = {it["medicationCodeableConcept"]["text"]: it["note"][0]["text"] for it in orders}
    assert "100 mg twice daily" in notes["tucatinib"]  # the dose note of this patient stands first, at its drug alone
    assert "100 mg" not in notes["trastuzumab"]


TIMINGS = {
    "eribulin": {"frequency": 2, "period": 21, "periodUnit": "d"},
    "trastuzumab": {"frequency": 1, "period": 21, "periodUnit": "d"},
    "tucatinib": {"frequency": 2, "period": 1, "periodUnit": "d"},
}


@pytest.mark.parametrize("agent", TIMINGS)
def test_a_computer_reads_the_timing_that_the_text_tells(agent: str) -> None:
    dosed = next(
        it
        for regimen in shipped().regimens.values()
        for part in regimen.components
        for it in part.one_of
        if it.agent == agent and it.verified and it.route != "intrathecal"
    )
    assert dosage_of(dosed)["timing"]["repeat"] == TIMINGS[agent]


def test_days_1_to_14_are_bounds() -> None:
    dosed = shipped().regimens["neratinib_capecitabine"].components[1].one_of[0]  # type: ignore[index]
    told = dosage_of(dosed)
    assert told["timing"]["repeat"]["boundsDuration"]["value"] == 14
    assert told["doseAndRate"][0]["doseQuantity"]["value"] == 750  # never the dose that goes with tucatinib


def test_a_dose_that_nobody_has_read_in_a_source_is_left_open() -> None:
    for regimen in shipped().regimens.values():
        for part in regimen.components:
            for dosed in part.one_of:
                told = dosage_of(dosed)
                assert ("doseAndRate" in told) <= dosed.verified
                if not dosed.verified:
                    assert not any(it.isdigit() for it in told["text"])
