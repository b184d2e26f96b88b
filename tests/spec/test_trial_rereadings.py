"""Places of the registry's texts that are easily misread: each was coded too kindly or too strictly once, and is held here."""

from __future__ import annotations

from datetime import timedelta

import msgspec
import pytest

from cdshooks.options.trials.match import match_trials
from cdshooks.record.model import DiseaseStatus, LocalTherapy
from tests.option_cases import TODAY, brain, case_of, comed, day, illness, receptor, ref, toxicity
from tests.spec.test_trial_matrix import (
    GROWING,
    RECENT,
    TDXD,
    THP,
    THREE,
    TUCATINIB,
    lines,
    measurements,
    record,
    running,
)


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


def irradiated(days):
    done = LocalTherapy(
        kind="radiotherapy", site="bone", date=day(ago(days)), is_planned=False, evidence=ref("radiation")
    )
    return {"local_therapies": (done,)}


def stable_brain(days):
    """A brain metastasis that was irradiated so many days ago and has been quiet since."""
    done = LocalTherapy(kind="srs", site="brain", date=day(ago(days)), is_planned=False, evidence=ref("srs"))
    quiet = brain("treated_stable", RECENT, is_treated=True, largest_lesion_mm=8, leptomeningeal="none")
    return {"cns": quiet, "local_therapies": (done,)}


def stopped(group, days):
    """A drug of a group that ended so many days ago; None: it goes on."""
    end = None if days is None else day(ago(days))
    return (msgspec.structs.replace(comed(group), is_current=end is None, end=end),)


ILD = (toxicity("ild", 1, "trastuzumab deruxtecan", is_resolved=True),)
ER_POSITIVE = (receptor("her2", "positive", ihc="3+"), receptor("er", "positive"), receptor("pr", "negative"))
LAST_TDXD = "3 | trastuzumab deruxtecan | 2025-08-15 | 2026-09-20 | progression\n"
STOPPED_FOR_ILD = "2 | trastuzumab deruxtecan | 2024-02-15 | 2024-08-01 | toxicity\n"
LAST_TOXIC = "3 | capecitabine, trastuzumab, tucatinib | 2025-08-15 | 2026-09-20 | toxicity\n"
NAKED_FIRST = "1 | docetaxel, trastuzumab | 2023-02-01 | 2024-02-01 | progression\n"
PYROTINIB = "2 | capecitabine, pyrotinib | 2024-02-15 | 2025-08-01 | progression\n"
GREW = (DiseaseStatus(trend="progression", date=day(RECENT), focus="overall", evidence=ref("ct")),)
DEXAMETHASONE = (msgspec.structs.replace(comed("dexamethasone"), dose_mg_per_day=2.0),)
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
        # XMT-2056 and TAPUR: "disease progression after treatment", "no longer benefiting from standard anti-cancer treatment"
        ("NCT05514717", "I1d", record(), lines(*THREE), "met"),
        ("NCT05514717", "I1d", record(), lines(THP, TDXD, LAST_TOXIC), "met"),
        ("NCT05514717", "I1d", record(), lines(running("docetaxel, pertuzumab, trastuzumab", 1, 28)), "review"),
        ("NCT02693535", "I2c", record(), lines(*THREE), "met"),
        ("NCT02693535", "I2c", record(), lines(running("docetaxel, pertuzumab, trastuzumab", 1, 28)), "review"),
        # Free-HER: "on the same or current anti-HER-2 directed therapy for at least 36 months", which earlier progression does not bar
        ("NCT05959291", "I4", record(), lines(THP, running("trastuzumab deruxtecan", 2, 1096)), "met"),
        ("NCT05959291", "I4", record(), lines(THP, running("trastuzumab deruxtecan", 2, 1095)), "not_met"),
        ("NCT05959291", "I4", record(), lines(running("pertuzumab, trastuzumab", 1, 90)), "not_met"),
        ("NCT05959291", "I4", record(), lines(*THREE), "not_met"),
        ("NCT05959291", "I4", record(statuses=GREW), lines(running("pertuzumab, trastuzumab", 1, 1200)), "not_met"),
        # SAPPHO: only "first-line trastuzumab/pertuzumab/taxane (THP) within 6 weeks from treatment start" may have begun
        ("NCT06439693", "I3", record(), lines(running("docetaxel, pertuzumab, trastuzumab", 1, 42)), "met"),
        ("NCT06439693", "I3", record(), lines(running("docetaxel, pertuzumab, trastuzumab", 1, 43)), "not_met"),
        ("NCT06439693", "I3b", record(), lines(running("trastuzumab deruxtecan", 1, 14)), "not_met"),
        # alpelisib with tucatinib: "at least two FDA-approved HER2-targeted agents"; 2 mg dexamethasone need the monitor's approval
        ("NCT05230810", "I10a", record(), lines(NAKED_FIRST, PYROTINIB), "not_met"),
        ("NCT05230810", "I10a", record(), lines(NAKED_FIRST, PYROTINIB, TUCATINIB), "met"),
        ("NCT05230810", "I12", record(comedications=DEXAMETHASONE), lines(*THREE), "review"),
        ("NCT05748834", "I13", record(comedications=DEXAMETHASONE), lines(*THREE), "review"),
        ("NCT05748834", "I13", record(), lines(*THREE), "met"),
        # BL-M05D1: progression on "at least 1 line of prior systemic therapy"; "radical radiotherapy ... within 4 weeks"; stable "at least 4 weeks"
        ("NCT07021066", "I4b", record(), lines(*THREE), "met"),
        ("NCT07021066", "I4b", record(), lines(THP, TDXD, LAST_TOXIC), "review"),
        ("NCT07021066", "E1b", record(**irradiated(27)), lines(*THREE), "review"),
        ("NCT07021066", "E1b", record(**irradiated(28)), lines(*THREE), "met"),
        ("NCT07021066", "E11a", record(**stable_brain(27)), lines(*THREE), "not_met"),
        ("NCT07021066", "E11a", record(**stable_brain(28)), lines(*THREE), "met"),
        # Virus and CAR T cells: "progressed after standard first line therapy, or without available effective treatment options"
        ("NCT03740256", "I4b", record(), lines(*THREE), "met"),
        ("NCT03740256", "I4b", record(), lines(THP, TDXD, LAST_TOXIC), "review"),
        ("NCT03740256", "I4", record(), lines(), "review"),
        # AGuIX: after earlier radiation of the brain only with written approval
        ("NCT04899908", "I1b", record(**GROWING), lines(*THREE), "review"),
        ("NCT04899908", "I1b", record(**brain_of(5)), lines(*THREE), "met"),
        ("NCT04899908", "I1b", record(**brain_of(4)), lines(*THREE), "not_met"),
        # other drugs: "within 5 days", "within 2 weeks", "within 30 days", three weeks for an inducer and two for an inhibitor
        ("NCT05748834", "E3", record(comedications=stopped("strong_cyp2c8_inhibitor", 4)), lines(*THREE), "not_met"),
        ("NCT05748834", "E3", record(comedications=stopped("strong_cyp2c8_inhibitor", 5)), lines(*THREE), "met"),
        ("NCT05892068", "E4b", record(comedications=stopped("strong_cyp3a4_inducer", 13)), lines(*THREE), "not_met"),
        ("NCT05892068", "E4b", record(comedications=stopped("strong_cyp3a4_inducer", 14)), lines(*THREE), "met"),
        ("NCT04585958", "E17", record(comedications=stopped("live_vaccine", 29)), lines(*THREE), "not_met"),
        ("NCT04585958", "E17", record(comedications=stopped("live_vaccine", 30)), lines(*THREE), "met"),
        ("NCT04704661", "E14", record(comedications=stopped("strong_cyp3a4_inhibitor", 14)), lines(*THREE), "met"),
        ("NCT04704661", "E14b", record(comedications=stopped("strong_cyp3a4_inducer", 20)), lines(*THREE), "not_met"),
        ("NCT04704661", "E14b", record(comedications=stopped("strong_cyp3a4_inducer", 21)), lines(*THREE), "met"),
        # T-DXd with ceralasertib: "radiation therapy (>= 3 weeks; in case of palliative radiation >= 2 weeks)"
        ("NCT04704661", "I29", record(**irradiated(13)), lines(*THREE), "not_met"),
        ("NCT04704661", "I29", record(**irradiated(14)), lines(*THREE), "met"),
        ("NCT04704661", "I29b", record(**irradiated(20)), lines(*THREE), "review"),
        ("NCT04704661", "I29b", record(**irradiated(21)), lines(*THREE), "met"),
        # INAVO122: "Serious infection requiring IV antibiotics"; lung disease counts when it is active
        ("NCT05894239", "E10", record(comedications=stopped("iv_anti_infective", None)), lines(*THREE), "not_met"),
        (
            "NCT05894239",
            "E8b",
            record(diagnoses=(illness("breast-cancer"), illness("chronic_lung_disease", "comorbidity"))),
            lines(*THREE),
            "review",
        ),
        # capecitabine with neratinib: "cumulative doxorubicin dose >450 mg/m2" is asked of whoever had an anthracycline
        ("NCT03377387", "E2", record(), lines(*THREE), "met"),
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
