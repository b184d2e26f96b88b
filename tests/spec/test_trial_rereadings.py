"""Places of the registry's texts that are easily misread: each was coded too kindly or too strictly once, and is held here."""

from __future__ import annotations

from datetime import timedelta

import pytest

from cdshooks.options.trials.match import match_trials
from cdshooks.record.model import LocalTherapy
from tests.option_cases import TODAY, brain, case_of, day, illness, receptor, ref, toxicity
from tests.spec.test_trial_matrix import RECENT, TDXD, THP, THREE, TUCATINIB, lines, measurements, record


def ago(days):
    return (TODAY - timedelta(days=days)).isoformat()


def ending(row, days):
    """A line that ended so many days ago."""
    *before, _, reason = row.rstrip("\n").split("|")
    return "|".join([*before, f" {ago(days)} ", reason]) + "\n"


def brain_of(mm):
    return {"cns": brain("active_not_urgent", RECENT, is_treated=False, largest_lesion_mm=mm, leptomeningeal="none")}


def operated(days):
    done = LocalTherapy(kind="surgery", site="chest", date=day(ago(days)), is_planned=False, evidence=ref("operation"))
    return {"local_therapies": (done,)}


ILD = (toxicity("ild", 1, "trastuzumab deruxtecan", is_resolved=True),)
ER_POSITIVE = (receptor("her2", "positive", ihc="3+"), receptor("er", "positive"), receptor("pr", "negative"))
LAST_TDXD = "3 | trastuzumab deruxtecan | 2025-08-15 | 2026-09-20 | progression\n"
STOPPED_FOR_ILD = "2 | trastuzumab deruxtecan | 2024-02-15 | 2024-08-01 | toxicity\n"
LAST_TOXIC = "3 | capecitabine, trastuzumab, tucatinib | 2025-08-15 | 2026-09-20 | toxicity\n"
NAKED = "3 | trastuzumab | 2025-08-15 | 2026-09-20 | progression\n"


@pytest.mark.parametrize(
    ("number", "criterion", "told", "had", "expected"),
    [
        # ASCENdANT: "measuring >5mm", ">4 weeks from any major surgery", "cytotoxic containing agents", controlled hepatitis
        ("NCT07136428", "I2c", record(**brain_of(5)), lines(*THREE), "not_met"),
        ("NCT07136428", "I2c", record(**brain_of(6)), lines(*THREE), "met"),
        ("NCT07136428", "I5", record(**operated(28)), lines(*THREE), "not_met"),
        ("NCT07136428", "I5", record(**operated(29)), lines(*THREE), "met"),
        ("NCT07136428", "I5", record(), lines(THP, TUCATINIB, ending(LAST_TDXD, 15)), "not_met"),
        ("NCT07136428", "I5", record(), lines(THP, TUCATINIB, ending(LAST_TDXD, 22)), "met"),
        ("NCT07136428", "I5", record(), lines(THP, TDXD, ending(NAKED, 15)), "met"),
        (
            "NCT07136428",
            "E7b",
            record(diagnoses=(illness("breast-cancer"), illness("hbv_active", "comorbidity"))),
            lines(*THREE),
            "review",
        ),
        (
            "NCT07136428",
            "E5b",
            record(diagnoses=(illness("breast-cancer"), illness("cardiomyopathy", "comorbidity"))),
            lines(*THREE),
            "review",
        ),
        # T-DXd with olaparib: "chemotherapy (including antibody drug therapy) within 4 weeks"
        ("NCT04585958", "E1b", record(), lines(THP, TDXD, ending(NAKED, 27)), "not_met"),
        ("NCT04585958", "E1b", record(), lines(THP, TDXD, ending(NAKED, 28)), "met"),
        # PAN-206: progression "following at least 1 prior systemic treatment", not on the latest one
        ("NCT06695845", "I2c", record(), lines(*THREE), "met"),
        ("NCT06695845", "I2c", record(), lines(THP, TDXD, LAST_TOXIC), "review"),
        # HERTHENA-Breast-01, arm 1: progression "on or after" T-DXd
        ("NCT06686394", "Arm1:A1c", record(), lines(*THREE), "met"),
        ("NCT06686394", "Arm1:A1c", record(), lines(THP, STOPPED_FOR_ILD, TUCATINIB), "review"),
        ("NCT06686394", "Arm1:A1b", record(), lines(THP, TUCATINIB), "not_met"),
        # MORPHEUS-Breast: "history of ... drug-induced pneumonitis", cleared or not; two weeks' pause in both first cohorts
        ("NCT04802759", "E18", record(receptors=ER_POSITIVE, toxicities=ILD), lines(*THREE), "not_met"),
        ("NCT04802759", "E18", record(receptors=ER_POSITIVE), lines(*THREE), "met"),
        ("NCT04802759", "Cohort1:E3", record(), lines(THP, TDXD, ending(TUCATINIB, 13)), "not_met"),
        ("NCT04802759", "Cohort1:E3", record(), lines(THP, TDXD, ending(TUCATINIB, 14)), "met"),
        # side effects: a trait that no treatment left behind is none
        ("NCT06435429", "E3", record(toxicities=(toxicity("dpd_deficiency", None),)), lines(*THREE), "met"),
    ],
)
def test_what_the_text_says_at_a_place_that_is_easily_misread(number, criterion, told, had, expected):
    found = {it.nct_id: it for it in match_trials(case_of(told, had))}[number]
    assert next(it.outcome for it in found.findings if it.criterion == criterion) == expected


@pytest.mark.parametrize("number", ["NCT05514717", "NCT05785741", "NCT02693535", "NCT06324357", "NCT06686394"])
def test_a_text_that_leaves_criteria_to_the_protocol_says_so_to_whoever_refers(number):
    """XMT-2056's names no organ function at all; the others say that further criteria apply."""
    low = record(measurements=measurements(lvef_percent=36.0))
    found = {it.nct_id: it for it in match_trials(case_of(low, lines(*THREE)))}[number]
    assert any("registry lists only some" in it for it in found.confirm_with_site)
