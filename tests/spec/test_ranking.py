"""In which order the offered regimens stand, and what is said about it."""

from __future__ import annotations

from typing import Any

from cdshooks.options.model import Option
from tests.option_cases import (
    NAIVE_TO_TDXD,
    THREE_LINES,
    advice_of,
    brain,
    but,
    history,
    measured,
    patient,
    toxicity,
    wish,
)
from tests.option_samples import SAMPLES, TUCATINIB, criterion, knowledge_of, regimen, sample_knowledge

NO_TDM1 = THREE_LINES.replace("trastuzumab emtansine", "trastuzumab, vinorelbine")


def ranked(lines: str = THREE_LINES, knowledge: Any = None, **members: Any) -> list[Option]:
    found = advice_of(patient(**members), history(lines), knowledge=knowledge or sample_knowledge()).options
    return [it for it in found if it.rank is not None]


def order(*args: Any, **members: Any) -> list[str]:
    return [str(it.id) for it in ranked(*args, **members)]


def test_ranks_count_from_one_and_only_offered_regimens_have_one() -> None:
    options = advice_of(knowledge=sample_knowledge()).options
    assert [it.rank for it in options if it.rank] == list(range(1, len([it for it in options if it.rank]) + 1))
    assert all((it.rank is not None) == it.verdict.value.startswith("offer") for it in options)


def test_the_best_evidence_in_the_situation_comes_first() -> None:
    assert order(NAIVE_TO_TDXD)[0] == "tdxd"
    assert order()[:2] == ["tucatinib_trastuzumab_capecitabine", "trial_referral"]


def test_a_trial_stands_behind_what_has_been_seen_to_work_and_before_mere_opinion() -> None:
    found = order(NO_TDM1)
    assert found.index("tdm1") < found.index("trial_referral") < found.index("margetuximab_chemo")


def test_with_nothing_proven_left_a_trial_comes_first() -> None:
    used = NO_TDM1 + "4 | tucatinib, trastuzumab, capecitabine | 2026-10-21 | 2026-11-01 | progression\n"
    used += "5 | trastuzumab emtansine | 2026-11-02 | 2026-11-10 | progression\n"
    assert order(used)[0] == "trial_referral"


def test_supportive_care_goes_along_at_the_end_and_leads_when_the_patient_is_bedridden() -> None:
    assert order()[-1] == "best_supportive_care"
    assert order(measurements=but(measured("ecog", 4.0)))[0] == "best_supportive_care"


def test_activity_in_the_brain_counts_where_it_is_needed() -> None:
    same = {"tdxd_naive": "randomised", "after_tdxd": "retrospective"}
    pair = knowledge_of(
        [
            regimen("alpha", "margetuximab", evidence_level=same),
            regimen("brainy", "tucatinib", brain_activity="strong", evidence_level=same),
        ]
    )
    assert order(knowledge=pair, cns=brain("none")) == ["alpha", "brainy"]
    assert order(knowledge=pair, cns=brain("active_not_urgent")) == ["brainy", "alpha"]


def test_a_grave_warning_stands_last_and_a_usual_one_does_not() -> None:
    ill = (toxicity("neuropathy", 2),)
    rule = {"fact": "neuropathy_grade", "op": "lt", "value": 2}
    usual = criterion("NERVES", rule, "warn", applies_to={"agents": ["tucatinib"]})
    grave = criterion("NERVES", rule, "warn", is_grave=True, applies_to={"agents": ["tucatinib"]})
    assert order(knowledge=knowledge_of(SAMPLES, [usual]), toxicities=ill)[0] == str(TUCATINIB.id)
    found = order(knowledge=knowledge_of(SAMPLES, [grave]), toxicities=ill)
    assert found[-2:] == [str(TUCATINIB.id), "best_supportive_care"]


def test_a_wish_moves_options_of_like_evidence_only() -> None:
    plain = order(NO_TDM1)
    wished = order(NO_TDM1, wishes=(wish("chemo-free"),))
    assert wished.index("tdm1") < wished.index("tucatinib_trastuzumab_capecitabine")
    oral = order(NO_TDM1, wishes=(wish("prefer-oral"),))
    assert oral.index("lapatinib_capecitabine") < oral.index("margetuximab_chemo")
    assert oral.index("tucatinib_trastuzumab_capecitabine") < oral.index(
        "lapatinib_capecitabine"
    )  # stronger evidence stays ahead
    assert set(plain) == set(wished) == set(oral)


def test_hair_loss_depends_on_the_partner_taken() -> None:
    failed = THREE_LINES.replace("trastuzumab emtansine", "capecitabine, vinorelbine")
    option = next(it for it in ranked(failed, wishes=(wish("avoid-hair-loss"),)) if it.id == "margetuximab_chemo")
    assert option.agents == ("margetuximab", "eribulin")
    assert any("hair loss is likely" in why for why in option.why_this_rank)


def test_each_option_says_why_it_stands_there_and_what_would_move_it() -> None:
    first, second, *_ = ranked(NO_TDM1, wishes=(wish("avoid-hair-loss"),))
    assert any("retrospective" in why for why in first.why_this_rank)
    assert any("hair" in why for why in first.why_this_rank)
    assert any(f"{first.label} stands before it" in why for why in second.why_this_rank)
    unsure = ranked(NO_TDM1.replace("progression", "unknown"))
    assert any("would move it" in why for it in unsure for why in it.why_this_rank)


def test_a_hospital_may_reorder_by_preference() -> None:
    first = regimen("z_first", "neratinib", preference=1)
    last = regimen("a_last", "pyrotinib", preference=90)
    assert order(knowledge=knowledge_of([first, last])) == ["z_first", "a_last"]


def test_what_is_no_drug_is_not_said_to_act_in_the_brain() -> None:
    advice = advice_of(patient(cns=brain("active_not_urgent")), history(AFTER_TUCATINIB))
    told = "\n".join(it for option in advice.options for it in option.why_this_rank)
    assert ") stands before it: too little is known of its own activity in the brain." in told
    for no_drug in ("Referral to a clinical trial", "or radiotherapy)"):
        assert f"{no_drug} stands before it: its activity in the brain is better known" not in told


AFTER_TUCATINIB = """
line | agents                               | start      | end        | ended
1    | docetaxel, pertuzumab, trastuzumab   | 2021-01-11 | 2023-02-06 | progression
2    | trastuzumab deruxtecan               | 2023-03-01 | 2024-10-14 | progression
3    | capecitabine, trastuzumab, tucatinib | 2024-11-11 | 2026-11-02 | progression
"""
