"""Patients of other diseases against every coded trial: nobody is matched but by what a trial's own text says of such a disease."""

from __future__ import annotations

import msgspec
import pytest

from cdshooks.cards.scope import concerns
from cdshooks.cards.trials_text import trials_to_show
from cdshooks.options.trials.match import match_trials
from cdshooks.record.model import Statement
from tests.option_cases import advice_of, case_of, day, history, illness, receptor, ref
from tests.spec.test_trial_matrix import HEAD, RECENT, THREE, brain, lines, record


def receptors(her2, ihc, er):
    return (receptor("her2", her2, ihc=ihc), receptor("er", er), receptor("pr", er))


def without_metastases(lines_of_therapy):
    return msgspec.structs.replace(lines_of_therapy, metastatic_since=None)


ENDOCRINE = lines(
    "1 | letrozole, palbociclib | 2023-02-01 | 2024-02-01 | progression\n",
    "2 | fulvestrant | 2024-02-15 | 2025-08-01 | progression\n",
    "3 | capecitabine | 2025-08-15 | 2026-09-20 | progression\n",
)
CHEMOTHERAPY = lines(
    "1 | carboplatin, pembrolizumab | 2023-02-01 | 2024-02-01 | progression\n",
    "2 | sacituzumab govitecan | 2024-02-15 | 2025-08-01 | progression\n",
    "3 | capecitabine | 2025-08-15 | 2026-09-20 | progression\n",
)
ADJUVANT = without_metastases(
    history(HEAD + "early | docetaxel, pertuzumab, trastuzumab | 2026-01-01 | 2026-06-01 | completed\n")
)
OTHER = without_metastases(history())


def of(cancer, **more):
    return record(diagnoses=(illness(cancer, "other-cancer", "2022-12-20"),), receptors=(), **more), OTHER


def said(about, value):
    return Statement(about=about, value=value, date=day(RECENT), evidence=ref(f"said-{about}"))


MEASURABLE = (said("measurable_disease", "measurable"),)
UNTESTED = "HER2 never tested"
DECOYS = {
    "ER-positive, HER2 IHC 0": (record(receptors=receptors("negative", "0", "positive")), ENDOCRINE),
    "ER-positive, HER2 IHC 1+": (record(receptors=receptors("low", "1+", "positive")), ENDOCRINE),
    "triple-negative": (record(receptors=receptors("negative", "0", "negative")), CHEMOTHERAPY),
    "triple-negative, IHC 1+": (record(receptors=receptors("low", "1+", "negative")), CHEMOTHERAPY),
    "triple-negative, a brain metastasis grows": (
        record(
            receptors=receptors("negative", "0", "negative"),
            cns=brain("active_not_urgent", RECENT, is_treated=True, largest_lesion_mm=12, leptomeningeal="none"),
        ),
        CHEMOTHERAPY,
    ),
    "early HER2-positive, staged so": (
        record(metastases=(), statements=(*MEASURABLE, said("disease_extent", "early"))),
        ADJUVANT,
    ),
    "early HER2-positive, after adjuvant treatment": (record(metastases=()), ADJUVANT),
    "early HER2-positive, untreated": (record(metastases=()), OTHER),
    "colorectal": of("colorectal-cancer"),
    "gastric": of("gastric-cancer"),
    "lung": of("lung-cancer"),
    UNTESTED: (record(receptors=()), lines(*THREE)),
}
BY_THEIR_OWN_TEXT = {
    ("ER-positive, HER2 IHC 0", "NCT04802759"): "its first cohort is for ER-positive, HER2-negative disease",
    ("ER-positive, HER2 IHC 1+", "NCT04802759"): "its first cohort is for ER-positive, HER2-negative disease",
    ("ER-positive, HER2 IHC 0", "NCT05785741"): "a conjugate against HER3, for any solid tumor",
    ("ER-positive, HER2 IHC 1+", "NCT05785741"): "a conjugate against HER3, for any solid tumor",
    ("ER-positive, HER2 IHC 1+", "NCT04585958"): "IHC 1+ expresses HER2",
    ("triple-negative, IHC 1+", "NCT04585958"): "IHC 1+ expresses HER2",
}
"""What the registry's text allows, read trial by trial; such patients get no card about trials all the same."""


@pytest.mark.parametrize("name", list(DECOYS))
@pytest.mark.parametrize("in_full", [True, False])
def test_nobody_with_another_disease_is_matched(name, in_full):
    matches = match_trials(case_of(*DECOYS[name]), in_full=in_full)
    assert len(matches) == len(case_of().knowledge.trials.by_id)
    assert {it.nct_id for it in matches if it.verdict == "eligible"} == {
        number for who, number in BY_THEIR_OWN_TEXT if who == name
    }


@pytest.mark.parametrize("cancer", ["gastric-cancer", "colorectal-cancer", "lung-cancer"])
def test_another_tumor_that_is_her2_positive_is_matched_by_no_trial_for_breast_cancer(cancer):
    told = record(diagnoses=(illness(cancer, "other-cancer", "2022-12-20"),))
    case = case_of(told, lines(*THREE))
    trials = case.knowledge.trials.by_id
    eligible = {it.nct_id for it in match_trials(case) if it.verdict == "eligible"}
    assert {it for it in eligible if trials[it].population == "breast"} == set()
    assert "NCT02693535" in eligible, "a trial for any tumor with HER2 says nothing against it"


STATUSES = [
    "NOT_YET_RECRUITING", "ENROLLING_BY_INVITATION", "ACTIVE_NOT_RECRUITING", "COMPLETED", "SUSPENDED", "TERMINATED",
    "WITHDRAWN", "UNKNOWN",
]  # fmt: skip


@pytest.mark.parametrize("status", STATUSES)
def test_a_trial_that_does_not_recruit_is_never_offered_to_whoever_fits_it_otherwise(status):
    case = case_of(record(), lines(*THREE))
    known = case.knowledge.trials.by_id
    advice = advice_of(record(), lines(*THREE))
    assert trials_to_show(advice, case.knowledge)
    states = {it.nct_id: msgspec.structs.replace(it.state, status=status) for it in known.values()}
    for in_full in (True, False):
        trials = match_trials(case, states, in_full=in_full)
        assert {it.verdict for it in trials} == {"ineligible"}
        assert trials_to_show(msgspec.structs.replace(advice, trials=trials), case.knowledge) == []


@pytest.mark.parametrize("name", [it for it in DECOYS if it.startswith(("ER-positive", "triple-negative"))])
def test_a_trial_for_her2_positive_disease_is_not_even_open_to_a_known_other_one(name):
    by_id = {it.nct_id: it for it in match_trials(case_of(*DECOYS[name]))}
    assert {by_id[it].verdict for it in ("NCT06435429", "NCT06695845", "NCT06324357", "NCT05514717")} == {"ineligible"}


@pytest.mark.parametrize("name", [it for it in DECOYS if it != UNTESTED])
def test_no_card_speaks_of_another_disease(name):
    assert not concerns(advice_of(*DECOYS[name]))


def test_who_was_treated_as_her2_positive_and_has_no_result_is_asked_for_it():
    assert concerns(advice_of(*DECOYS[UNTESTED]))
