"""Each kind of trial criterion at its boundaries: met, not met, unknown, or for a person to judge."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from cdshooks.knowledge.trial_criteria import AnyCriterion
from cdshooks.lines.model import EarlyRelapse
from cdshooks.options.trials.question import answer_criterion
from cdshooks.partial_date import DayRange, PartialDate
from cdshooks.record.model import Biomarker, Certainty, CoMedication, DiseaseStatus, LocalTherapy, Person, Statement
from tests.option_cases import (
    TODAY,
    brain,
    but,
    case_of,
    comed,
    day,
    history,
    illness,
    measured,
    patient,
    receptor,
    ref,
    toxicity,
)

BREAST = illness("breast-cancer", "disease", "2022-12-20")
LINES = """
line | agents                               | start      | end        | ended
1    | docetaxel, pertuzumab, trastuzumab   | 2023-02-01 | 2024-02-01 | progression
2    | trastuzumab deruxtecan               | 2024-02-15 | 2025-08-01 | progression
3    | capecitabine, trastuzumab, tucatinib | 2025-08-15 | 2026-10-20 | progression
"""


def ago(days: int) -> str:
    return (TODAY - timedelta(days=days)).isoformat()


def answer(kind: str, record=None, lines: str | None = LINES, *, incomplete=False, relapse=None, **params):
    criterion = msgspec.convert(
        {"id": "X", "kind": kind, "when": "prescreen", "role": "inclusion", "says": "x", **params}, AnyCriterion
    )
    had = history(lines or "", is_at_least=incomplete)
    if relapse is not None:
        told = EarlyRelapse(
            agents=(),
            last_dose=day("2022-06-01"),
            relapse=day("2022-12-01"),
            days=DayRange(*relapse),
            evidence=ref("relapse"),
        )
        had = msgspec.structs.replace(had, early_relapse=told)
    return answer_criterion(criterion, case_of(record if record is not None else patient(diagnoses=(BREAST,)), had))


def outcome(*args, **more) -> str:
    return answer(*args, **more).outcome.value


def person(birth: str | None = "1968-04-02", sex: str | None = "female"):
    return Person(
        id="p", birth=day(birth), sex=sex, is_deceased=False, is_replaced=False, postal_code=None, country=None
    )


def test_age_counts_full_years_and_a_year_alone_may_leave_it_open():
    assert outcome("age", patient(person=person("2008-11-22")), min=18) == "met"
    assert outcome("age", patient(person=person("2008-11-24")), min=18) == "not_met"
    assert outcome("age", patient(person=person("2008")), min=18) == "unknown"
    assert outcome("age", patient(person=person(None)), min=18) == "unknown"
    assert outcome("age", patient(person=person("1940-01-01")), min=18, max=85) == "not_met"


def test_sex_is_that_of_the_record():
    assert outcome("sex", **{"in": ["female"]}) == "met"
    assert outcome("sex", patient(person=person(sex="male")), **{"in": ["female"]}) == "not_met"
    assert outcome("sex", patient(person=person(sex=None)), **{"in": ["female"]}) == "unknown"


@pytest.mark.parametrize(
    ("name", "value", "when", "params", "expected"),
    [
        ("ecog", 1.0, ago(5), {"max": 1}, "met"),
        ("ecog", 2.0, ago(5), {"max": 1}, "not_met"),
        ("ecog", 1.0, ago(90), {"max": 1}, "met"),
        ("ecog", 1.0, ago(91), {"max": 1}, "unknown"),
        ("ecog", None, ago(5), {"max": 1}, "unknown"),
        ("karnofsky", 70.0, ago(5), {"max": 1}, "met"),
        ("karnofsky", 60.0, ago(5), {"max": 1}, "not_met"),
        ("ecog", 1.0, ago(5), {"min_karnofsky": 70}, "met"),
        ("ecog", 2.0, ago(5), {"min_karnofsky": 60}, "unknown"),
        ("ecog", 2.0, ago(5), {"min_karnofsky": 70}, "not_met"),
    ],
)
def test_ecog_and_karnofsky(name, value, when, params, expected):
    others = tuple(it for it in but() if it.fact != "ecog")
    assert outcome("ecog", patient(measurements=(*others, measured(name, value, when))), **params) == expected


@pytest.mark.parametrize(
    ("value", "when", "params", "expected"),
    [
        (50.0, ago(5), {"min": 50}, "met"),
        (49.0, ago(5), {"min": 50}, "not_met"),
        (60.0, ago(28), {"min": 50, "within_days": 28}, "met"),
        (60.0, ago(29), {"min": 50, "within_days": 28}, "unknown"),
        (60.0, ago(91), {"min": 50}, "unknown"),
    ],
)
def test_lvef_floor_and_window(value, when, params, expected):
    assert outcome("lvef", patient(measurements=but(measured("lvef_percent", value, when))), **params) == expected


def test_no_lvef_floor_is_invented_and_a_low_one_is_for_a_person():
    low = patient(measurements=but(measured("lvef_percent", 46.0, ago(5))))
    assert outcome("cardiac", low, forbid=["chf_nyha2"]) == "met"
    assert outcome("cardiac", low, forbid=["chf_nyha2"], lvef_below_50_needs_review=True) == "review"


@pytest.mark.parametrize(
    ("sex", "value", "params", "expected"),
    [
        ("female", 470.0, {"max_ms_female": 470, "max_ms_male": 450}, "met"),
        ("male", 460.0, {"max_ms_female": 470, "max_ms_male": 450}, "not_met"),
        (None, 440.0, {"max_ms_female": 470, "max_ms_male": 450}, "met"),
        (None, 460.0, {"max_ms_female": 470, "max_ms_male": 450}, "unknown"),
        ("female", 451.0, {"max_ms": 450}, "not_met"),
        ("female", None, {"max_ms": 450}, "unknown"),
    ],
)
def test_qtc_by_sex(sex, value, params, expected):
    record = patient(
        person=person(sex=sex), measurements=(*but(), *([measured("qtc_ms", value, ago(5))] if value else []))
    )
    assert outcome("qtc", record, **params) == expected


ANC = {"analyte": "anc", "op": ">=", "value": 1.5, "unit": "10*9/L"}
AST = {"analyte": "ast_alt_xuln", "op": "<=", "value": 2.5, "alt": {"if": "liver_mets", "value": 5}}
BILI = {"analyte": "bilirubin_xuln", "op": "<=", "value": 1.5, "alt": {"if": "gilbert", "review": True}}
RENAL = {"analyte": "crcl", "op": ">=", "value": 50, "or": {"analyte": "creatinine_xuln", "op": "<=", "value": 1.5}}


@pytest.mark.parametrize(
    ("record", "params", "expected"),
    [
        (patient(measurements=but(measured("anc", 1.5, ago(5)))), ANC, "met"),
        (patient(measurements=but(measured("anc", 1.49, ago(5)))), ANC, "not_met"),
        (patient(measurements=but(measured("anc", 3.0, ago(31)))), ANC, "unknown"),
        (patient(measurements=but(measured("ast", 160.0, ago(5), times_upper_limit=4.0))), AST, "met"),
        (patient(measurements=but(measured("ast", 240.0, ago(5), times_upper_limit=5.1))), AST, "not_met"),
        (patient(measurements=but(measured("ast", 160.0, ago(5), times_upper_limit=4.0)), metastases=()), AST, "unknown"),
        (patient(measurements=but(measured("ast", 240.0, ago(5), times_upper_limit=5.1)), metastases=()), AST, "not_met"),
        (patient(measurements=but(measured("bilirubin", 2.0, ago(5), times_upper_limit=1.7))), BILI, "not_met"),
        (patient(measurements=but(measured("bilirubin", 2.0, ago(5), times_upper_limit=1.7)), diagnoses=(illness("gilbert"),)), BILI, "review"),
        (patient(measurements=but(measured("crcl", 45.0, ago(5)), measured("creatinine", 1.2, ago(5), times_upper_limit=1.3))), RENAL, "met"),
        (patient(measurements=but(measured("crcl", 45.0, ago(5)), measured("creatinine", 1.7, ago(5), times_upper_limit=1.6))), RENAL, "not_met"),
        (patient(measurements=but(measured("crcl", 45.0, ago(5)))), RENAL, "unknown"),
    ],
)  # fmt: skip
def test_laboratory_values_with_their_eased_and_other_limits(record, params, expected):
    assert outcome("lab", record, **params) == expected


@pytest.mark.parametrize(
    ("accept", "results", "expected"),
    [
        (["positive"], [("positive", {})], "met"),
        (["positive"], [("low", {})], "not_met"),
        (["positive"], [("equivocal", {})], "unknown"),
        (["positive"], [], "unknown"),
        (["positive"], [("conflict", {})], "review"),
        (["ihc3+"], [("positive", {"ihc": "3+"})], "met"),
        (["ihc3+"], [("positive", {"ihc": "2+", "ish": "amplified"})], "not_met"),
        (["ihc3+"], [("positive", {"ish": "amplified"})], "unknown"),
        (["ihc3+"], [("negative", {})], "not_met"),
        (["expressing"], [("low", {"ihc": "1+"})], "met"),
        (["expressing"], [("negative", {"ihc": "0"})], "not_met"),
        (["expressing"], [("negative", {})], "unknown"),
        (["ihc2+"], [("low", {"ihc": "2+", "ish": "not-amplified"})], "met"),
        (["ihc1-2+", "amplified"], [("positive", {"ihc": "3+"})], "unknown"),
        (["ihc1-2+", "amplified"], [("positive", {"ihc": "3+", "ish": "amplified"})], "met"),
        (["negative"], [("positive", {"ihc": "3+"})], "not_met"),
        (["negative"], [("low", {})], "met"),
    ],
)
def test_her2_by_what_the_trial_accepts(accept, results, expected):
    record = patient(receptors=tuple(receptor("her2", status, **more) for status, more in results))
    assert outcome("her2_status", record, accept=accept) == expected


def test_the_newest_her2_result_counts_and_not_the_historic_one():
    record = patient(receptors=(receptor("her2", "positive", "2022-01-01"), receptor("her2", "low", "2026-09-01")))
    assert outcome("her2_status", record, accept=["positive"]) == "not_met"


def test_a_her2_mutation_opens_what_accepts_it():
    mutated = (Biomarker(marker="erbb2-mutation", value="mutated", date=day("2026-01-01"), evidence=ref("ngs")),)
    assert (
        outcome(
            "her2_status",
            patient(receptors=(receptor("her2", "negative"),), biomarkers=mutated),
            accept=["positive", "erbb2_mutated"],
        )
        == "met"
    )
    assert (
        outcome("her2_status", patient(receptors=(receptor("her2", "negative"),)), accept=["positive", "erbb2_mutated"])
        == "unknown"
    )


@pytest.mark.parametrize(
    ("er", "pr", "params", "expected"),
    [
        ("negative", "negative", {"require": "known"}, "met"),
        (None, "negative", {"require": "known"}, "unknown"),
        ("positive", None, {"require": "positive", "receptor": "er"}, "met"),
        ("low", "negative", {"require": "positive", "receptor": "er"}, "met"),
        ("negative", "positive", {"require": "positive", "receptor": "er"}, "not_met"),
        ("conflict", "positive", {"require": "positive", "receptor": "er"}, "review"),
    ],
)
def test_hormone_receptors(er, pr, params, expected):
    told = tuple(receptor(marker, status) for marker, status in (("er", er), ("pr", pr)) if status)
    assert outcome("hormone_receptor", patient(receptors=told), **params) == expected


def test_a_marker_that_was_not_tested_is_unknown():
    tested = (Biomarker(marker="pik3ca", value="mutated", date=day("2026-01-01"), evidence=ref("ngs")),)
    assert outcome("biomarker", patient(), gene="PIK3CA", result="mutated") == "unknown"
    assert outcome("biomarker", patient(biomarkers=tested), gene="PIK3CA", result="mutated") == "met"
    assert outcome("biomarker", patient(), gene="CLDN18.2", result="positive") == "unknown"


@pytest.mark.parametrize(
    ("said", "when", "accept", "expected"),
    [
        ("measurable", ago(10), ["measurable"], "met"),
        ("bone-only", ago(10), ["measurable"], "not_met"),
        ("measurable", ago(10), ["evaluable"], "met"),
        ("not-measurable", ago(10), ["measurable", "evaluable"], "review"),
        ("measurable", ago(91), ["measurable"], "unknown"),
        (None, None, ["measurable"], "unknown"),
    ],
)
def test_measurable_disease_is_what_someone_stated_lately(said, when, accept, expected):
    told = (Statement(about="measurable_disease", value=said, date=day(when), evidence=ref("m")),) if said else ()
    assert outcome("measurable_disease", patient(statements=told), accept=accept) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"primary": "breast", "extent": ["metastatic"]}, "met"),
        ({"primary": "breast", "extent": ["early"]}, "not_met"),
        ({"primary": "any"}, "met"),
        ({"primary": "sarcoma"}, "not_met"),
        ({"primary": "other"}, "not_met"),
        ({"primary": "breast", "de_novo": True}, "met"),
        ({"primary": "breast", "min_dfi_months": 6}, "met"),
    ],
)
def test_the_tumor_and_its_spread(params, expected):
    assert outcome("disease_setting", **params) == expected


EARLY = """
line  | agents                | start      | end          | ended
early | docetaxel, trastuzumab | 2020-01-01 | {end} | completed
1     | trastuzumab deruxtecan | 2023-02-01 | 2024-02-01 | progression
"""


@pytest.mark.parametrize(("end", "expected"), [("2022-07-09", "met"), ("2022-08-01", "not_met"), ("2022", "unknown")])
def test_the_interval_free_of_disease(end, expected):
    assert outcome("disease_setting", lines=EARLY.format(end=end), primary="breast", min_dfi_months=6) == expected


RUNNING = LINES.replace("2026-10-20 | progression", "           |            ")
STOPPED = LINES.replace("2026-10-20 | progression", "2026-10-20 | unknown    ")
TOXIC = LINES.replace("2026-10-20 | progression", "2026-10-20 | toxicity   ")
WORSE = (DiseaseStatus(trend="progression", focus="overall", date=day("2026-11-10"), evidence=ref("ds")),)


@pytest.mark.parametrize(
    ("lines", "record", "params", "expected"),
    [
        (LINES, None, {"of_therapy": "last_therapy"}, "met"),
        (RUNNING, None, {"of_therapy": "last_therapy"}, "not_met"),
        (RUNNING, patient(statuses=WORSE), {"of_therapy": "last_therapy"}, "met"),
        (STOPPED, None, {"of_therapy": "last_therapy"}, "unknown"),
        (TOXIC, None, {"of_therapy": "last_therapy"}, "not_met"),
        (TOXIC, None, {"of_therapy": "last_therapy", "intolerance_counts": True}, "met"),
        (LINES, None, {"of_therapy": "class", "class": "anti_her2", "setting": "advanced"}, "met"),
        ("", None, {"of_therapy": "class", "class": "anti_her2", "setting": "advanced"}, "not_met"),
        (LINES, None, {"none_on": "anti_her2", "within_months": 6}, "not_met"),
        (RUNNING.splitlines()[0] and "line | agents | start | end | ended\n1 | trastuzumab | 2023-02-01 | | ", None, {"none_on": "anti_her2", "within_months": 6}, "met"),
    ],
)  # fmt: skip
def test_progression(lines, record, params, expected):
    assert outcome("progression", record, lines, **params) == expected


@pytest.mark.parametrize(
    ("params", "expected"),
    [
        ({"of": "anti_her2", "min": 3}, "met"),
        ({"of": "anti_her2", "min": 4}, "not_met"),
        ({"of": "anti_her2", "max": 3}, "met"),
        ({"of": "anti_her2", "max": 2}, "not_met"),
        ({"of": "systemic", "min": 1}, "met"),
        ({"of": "chemo", "max": 2}, "review"),
        ({"of": "chemo", "max": 3}, "met"),
        ({"of": "chemo", "max": 1}, "not_met"),
        ({"of": "systemic_non_hormonal", "max": 0}, "not_met"),
    ],
)
def test_prior_lines_by_kind_a_conjugate_may_or_may_not_be_chemotherapy(params, expected):
    assert outcome("prior_lines", **params) == expected


@pytest.mark.parametrize(("days", "expected"), [((182, 182), "met"), ((183, 183), "not_met"), ((150, 200), "review")])
def test_an_early_relapse_counts_as_a_line_within_its_months(days, expected):
    params = {"of": "anti_her2", "min": 4, "early_relapse_counts_months": 6}
    assert outcome("prior_lines", relapse=days, **params) == expected


def test_an_incomplete_history_never_proves_a_maximum():
    assert outcome("prior_lines", incomplete=True, of="anti_her2", max=5) == "unknown"
    assert outcome("prior_lines", incomplete=True, of="anti_her2", max=2) == "not_met"
    assert outcome("prior_lines", incomplete=True, of="anti_her2", min=3) == "met"
    assert outcome("prior_lines", incomplete=True, of="anti_her2", min=4) == "unknown"


def test_the_running_line_is_left_out_where_the_trial_says_so():
    running = "line | agents | start | end | ended\n1 | docetaxel, trastuzumab | 2026-10-01 | | "
    assert outcome("prior_lines", lines=running, of="systemic", max=0, excluding_current_induction=True) == "met"
    assert outcome("prior_lines", lines=running, of="systemic", max=0) == "not_met"


UNNAMED = LINES + "4    | investigational | 2026-10-25 | 2026-11-10 | progression\n"


@pytest.mark.parametrize(
    ("lines", "params", "expected"),
    [
        (LINES, {"require_all": ["trastuzumab_deruxtecan"], "outcome": ["progression"]}, "met"),
        (TOXIC, {"require_all": ["tucatinib"], "outcome": ["progression"]}, "not_met"),
        (TOXIC, {"require_all": ["tucatinib"], "outcome": ["progression", "intolerance"]}, "met"),
        (STOPPED, {"require_all": ["tucatinib"], "outcome": ["progression"]}, "unknown"),
        (LINES, {"require_all": ["trastuzumab_deruxtecan"], "most_recent": True}, "not_met"),
        (LINES, {"require_all": ["tucatinib"], "most_recent": True, "outcome": ["progression"]}, "met"),
        (LINES, {"require_any": ["her2_adc"]}, "met"),
        ("", {"require_any": ["her2_adc"]}, "not_met"),
        ("", {"require_any": ["her2_adc"], "waived_if_contraindicated": True}, "review"),
        (LINES, {"require_distinct": {"of": "anti_her2", "min": 4}}, "met"),
        (LINES, {"require_distinct": {"of": "anti_her2", "min": 5}}, "not_met"),
        (LINES, {"forbid": ["her2_tki"], "setting": "advanced"}, "not_met"),
        (LINES, {"forbid": ["her2_tki"], "setting": "early"}, "met"),
        (LINES, {"forbid": ["anthracycline"]}, "met"),
        (UNNAMED, {"forbid": ["anthracycline"]}, "unknown"),
        (LINES, {"forbid": ["tucatinib"], "min_months_since": 1}, "met"),
        (LINES, {"forbid": ["tucatinib"], "min_months_since": 2}, "not_met"),
        (LINES, {"forbid": ["tucatinib"], "ignore_if_days_less_than": 432}, "met"),
        (LINES, {"forbid": ["tucatinib"], "ignore_if_days_less_than": 431}, "not_met"),
        (LINES, {"max_lines_of": {"of": "her2_tki", "max": 1}}, "met"),
        (LINES, {"max_lines_of": {"of": "anti_her2", "max": 2}}, "not_met"),
        (LINES, {"early_setting_gap": {"of": "her2_tki", "months": 12}}, "met"),
        (LINES, {"max_cumulative": {"doxorubicin_equivalent_mg_m2": 360}}, "met"),
    ],
)
def test_prior_therapy(lines, params, expected):
    assert outcome("prior_therapy", lines=lines, **params) == expected


@pytest.mark.parametrize(("end", "expected"), [("2022-01-09", "met"), ("2022-01-12", "not_met"), ("2022", "unknown")])
def test_a_kinase_inhibitor_for_early_disease_needs_its_distance(end, expected):
    lines = f"line | agents | start | end | ended\nearly | neratinib | 2020-06-01 | {end} | completed\n1 | trastuzumab | 2023-02-01 | 2024-02-01 | progression"
    assert outcome("prior_therapy", lines=lines, early_setting_gap={"of": "her2_tki", "months": 12}) == expected


def test_a_history_with_gaps_never_proves_that_a_drug_was_not_given():
    assert outcome("prior_therapy", incomplete=True, forbid=["anthracycline"]) == "unknown"
    assert outcome("prior_therapy", incomplete=True, require_all=["neratinib"]) == "unknown"


def ended(when: str) -> str:
    return f"line | agents | start | end | ended\n1 | docetaxel, trastuzumab | 2026-01-01 | {when} | progression"


@pytest.mark.parametrize(
    ("end", "expected", "over"),
    [
        (ago(21), "met", None),
        (ago(20), "not_met", ago(-1)),
        (ago(0), "not_met", ago(-21)),
        ("2026-11", "unknown", None),
    ],
)
def test_a_washout_ends_on_a_day_that_is_told(end, expected, over):
    told = answer("washout", lines=ended(end), any_systemic_days=21)
    assert told.outcome.value == expected
    assert (str(told.recovers_on) if told.recovers_on else None) == over
    if over:
        assert f"eligible from {over} when the washout ends" in "; ".join(told.observed)


def test_treatment_that_goes_on_gives_no_date():
    told = answer("washout", lines=RUNNING, any_systemic_days=21)
    assert (told.outcome.value, told.recovers_on) == ("not_met", None)


def test_the_longest_washout_decides_the_date():
    local = LocalTherapy(kind="surgery", site="liver", date=day(ago(10)), is_planned=False, evidence=ref("op"))
    told = answer("washout", patient(local_therapies=(local,)), ended(ago(20)), any_systemic_days=21, surgery_days=28)
    assert str(told.recovers_on) == ago(-18)


@pytest.mark.parametrize(
    ("kind", "days", "params", "expected"),
    [
        ("srs", 6, {"srs_days": 7}, "not_met"),
        ("srs", 7, {"srs_days": 7}, "met"),
        ("srs", 8, {"srs_days": 7, "rt_days": 14}, "met"),
        ("wbrt", 13, {"wbrt_days": 14}, "not_met"),
        ("radiotherapy", 13, {"rt_days": 14}, "not_met"),
        ("resection", 27, {"surgery_days": 28}, "not_met"),
        ("resection", 28, {"surgery_days": 28}, "met"),
    ],
)
def test_washout_of_radiation_and_surgery(kind, days, params, expected):
    local = LocalTherapy(kind=kind, site="brain", date=day(ago(days)), is_planned=False, evidence=ref("lt"))
    assert outcome("washout", patient(local_therapies=(local,)), "", **params) == expected


def test_the_washout_of_radiation_begins_with_its_last_day():
    local = LocalTherapy(
        kind="radiotherapy", site="bone", date=day(ago(30)), end=day(ago(5)), is_planned=False, evidence=ref("lt")
    )
    assert outcome("washout", patient(local_therapies=(local,)), "", rt_days=14) == "not_met"


def test_endocrine_drugs_need_a_washout_only_where_they_count():
    lines = f"line | agents | start | end | ended\n1 | letrozole | 2026-01-01 | {ago(3)} | progression"
    assert outcome("washout", lines=lines, any_systemic_days=14) == "met"
    assert outcome("washout", lines=lines, any_systemic_days=14, endocrine_counts=True) == "not_met"


STABLE = {"accept": ["none", "treated_stable", "untreated_stable"]}


@pytest.mark.parametrize(
    ("state", "params", "expected"),
    [
        (None, STABLE, "unknown"),
        (brain("none", ago(30)), STABLE, "met"),
        (brain("none", ago(91)), STABLE, "unknown"),
        (brain("treated_stable", ago(30), is_treated=True), STABLE, "met"),
        (brain("treated_stable", ago(91), is_treated=True), STABLE, "unknown"),
        (brain("active_not_urgent", ago(30), is_treated=True), STABLE, "not_met"),
        (brain("unknown", ago(30)), STABLE, "unknown"),
        (brain("treated_stable", ago(200), is_treated=True), {"accept": ["none"]}, "not_met"),
        (brain("untreated_stable", ago(30), is_treated=False), {"accept": ["none"], "ask": ["untreated_stable"]}, "review"),
        (brain("active_not_urgent", ago(30), is_treated=True, largest_lesion_mm=5), {"accept": ["treated_progressing"], "min_lesion_mm": 5}, "met"),
        (brain("active_not_urgent", ago(30), is_treated=True, largest_lesion_mm=4), {"accept": ["treated_progressing"], "min_lesion_mm": 5}, "not_met"),
        (brain("active_not_urgent", ago(30), is_treated=True), {"accept": ["treated_progressing"], "min_lesion_mm": 5}, "unknown"),
        (brain("active_not_urgent", ago(30), is_treated=False, largest_lesion_mm=21), {"accept": ["untreated_progressing"], "max_untreated_mm": 20}, "review"),
        (brain("needs_local_therapy", ago(30), is_treated=False), {"accept": ["untreated_progressing"], "no_urgent_local_therapy": True}, "not_met"),
        (brain("active_not_urgent", ago(30), is_treated=False), {"accept": ["untreated_progressing"], "resection_planned": True}, "not_met"),
        (brain("needs_local_therapy", ago(30), is_treated=False), {"accept": ["untreated_progressing"], "resection_planned": True}, "unknown"),
    ],
)  # fmt: skip
def test_the_state_of_the_brain(state, params, expected):
    assert outcome("cns_disease", patient(cns=state), **params) == expected


@pytest.mark.parametrize(("mg", "expected"), [(2.0, "met"), (2.5, "not_met"), (None, "unknown")])
def test_dexamethasone_for_the_brain(mg, expected):
    taken = CoMedication(
        name="dexamethasone",
        classes=("dexamethasone",),
        is_current=True,
        start=day("2026-10-01"),
        end=None,
        dose_mg_per_day=mg,
        evidence=ref("dex"),
    )
    assert outcome("cns_disease", patient(comedications=(taken,)), accept=["none"], max_dexamethasone_mg=2) == expected


def test_seizures_are_for_a_person_unless_someone_says_they_are_controlled():
    said = Statement(about="seizures", value="controlled", date=day(ago(9)), evidence=ref("s"))
    params = {"accept": ["none"], "seizures_controlled": True}
    assert outcome("cns_disease", patient(diagnoses=(illness("seizures"),)), **params) == "review"
    assert outcome("cns_disease", patient(diagnoses=(illness("seizures"),), statements=(said,)), **params) == "met"


@pytest.mark.parametrize(("days", "expected"), [(61, "met"), (60, "not_met")])
def test_stable_since_the_last_local_therapy(days, expected):
    local = LocalTherapy(kind="srs", site="brain", date=day(ago(days)), is_planned=False, evidence=ref("srs"))
    record = patient(cns=brain("treated_stable", ago(10), is_treated=True), local_therapies=(local,))
    assert outcome("cns_disease", record, accept=["treated_stable"], stable_min_months=2) == expected


@pytest.mark.parametrize(
    ("state", "accept", "expected"),
    [
        (None, ["none"], "unknown"),
        (brain("none"), ["none"], "met"),
        (brain("none", last_mri=None), ["none"], "unknown"),
        (brain("none", last_mri=None, leptomeningeal="none"), ["none"], "met"),
        (brain("leptomeningeal", leptomeningeal="present"), ["none"], "not_met"),
        (brain("leptomeningeal", leptomeningeal="present"), ["none", "focal"], "review"),
        (brain("leptomeningeal", leptomeningeal="diffuse"), ["none", "focal"], "not_met"),
    ],
)
def test_leptomeningeal_disease_is_open_world(state, accept, expected):
    assert outcome("leptomeningeal", patient(cns=state), accept=accept) == expected


ALL_ILD = ["current", "steroid_treated_history", "suspected_unresolved"]


@pytest.mark.parametrize(
    ("found", "forbid", "expected"),
    [
        ((), ALL_ILD, "unknown"),
        ((toxicity("ild", certainty=Certainty.REFUTED),), ALL_ILD, "met"),
        ((toxicity("ild", 2, is_resolved=False),), ALL_ILD, "not_met"),
        ((toxicity("ild", 1),), ALL_ILD, "unknown"),
        ((toxicity("ild", 1, is_resolved=True),), ALL_ILD, "review"),
        ((toxicity("ild", 1, is_resolved=True),), ["current"], "met"),
    ],
)
def test_ild_is_open_world_and_steroids_are_for_a_person(found, forbid, expected):
    assert outcome("ild", patient(toxicities=found), forbid=forbid) == expected


@pytest.mark.parametrize(
    ("kind", "forbid", "found", "expected"),
    [
        ("cardiac", ["mi_6mo"], illness("mi_6mo", when=ago(183)), "not_met"),
        ("cardiac", ["mi_6mo"], illness("mi_6mo", when=ago(184)), "met"),
        ("cardiac", ["mi_12mo"], illness("mi_6mo", when=ago(184)), "not_met"),
        ("cardiac", ["mi_6mo"], illness("mi_6mo", when=ago(10), certainty=Certainty.REFUTED), "met"),
        ("infection", ["hiv"], illness("hiv"), "not_met"),
        ("infection", ["hiv_uncontrolled"], illness("hiv"), "review"),
        ("infection", ["hbv_active"], illness("hcv_active"), "met"),
        ("comorbidity", ["t1dm"], illness("diabetes_type1"), "not_met"),
        ("comorbidity", ["t2dm_on_systemic_treatment"], illness("diabetes"), "review"),
        ("comorbidity", ["pancreatitis_6mo"], illness("pancreatitis", when=ago(200)), "met"),
        ("comorbidity", ["pancreatitis_6mo"], illness("chronic_pancreatitis", when=ago(900)), "not_met"),
        ("comorbidity", ["transplant"], illness("transplant", is_active=False), "not_met"),
        ("comorbidity", ["uveitis"], illness("ibd"), "met"),
    ],
)
def test_the_problem_list_is_closed_world(kind, forbid, found, expected):
    assert outcome(kind, patient(diagnoses=(found,)), forbid=forbid) == expected
    assert outcome(kind, patient(), forbid=forbid) == "met"


def test_what_the_problem_list_does_not_name_is_said_to_be_not_on_record():
    assert answer("infection", forbid=["hiv", "hbv_active"]).observed == ("no HIV, hepatitis B on record",)


def test_a_severe_allergy_to_a_study_drug():
    record = patient(toxicities=(toxicity("hypersensitivity", 4, "trastuzumab"),))
    assert outcome("comorbidity", record, allergy_to=["trastuzumab"]) == "not_met"
    assert outcome("comorbidity", record, allergy_to=["tucatinib"]) == "met"


@pytest.mark.parametrize(
    ("found", "params", "expected"),
    [
        ((), {"max_grade": 1}, "met"),
        ((toxicity("neuropathy", 1),), {"max_grade": 1}, "met"),
        ((toxicity("neuropathy", 2),), {"max_grade": 1}, "not_met"),
        ((toxicity("neuropathy", 2),), {"max_grade": 1, "per": {"neuropathy": 2}}, "met"),
        ((toxicity("neuropathy", 2),), {"max_grade": 1, "asymptomatic_grade2_by_monitor": True}, "review"),
        ((toxicity("neuropathy", 3),), {"max_grade": 1, "asymptomatic_grade2_by_monitor": True}, "not_met"),
        ((toxicity("neuropathy", 3),), {"max_grade": 1, "protocol_exceptions": True}, "review"),
        ((toxicity("neuropathy", None),), {"max_grade": 1}, "unknown"),
        ((toxicity("neuropathy", 3, is_resolved=True),), {"max_grade": 1}, "met"),
        ((toxicity("alopecia", 2),), {"max_grade": 1, "except": {"alopecia": "any"}}, "met"),
        ((toxicity("dpd_deficiency", None),), {"max_grade": 1}, "met"),  # a trait, which no treatment left behind
    ],
)
def test_side_effects_that_last(found, params, expected):
    assert outcome("residual_toxicity", patient(toxicities=found), **params) == expected


@pytest.mark.parametrize(
    ("params", "told"),
    [
        ({"forbid": ["anthracycline"]}, "no anthracycline on record"),
        ({"forbid": ["lapatinib", "neratinib"]}, "no lapatinib or neratinib on record"),
        ({"forbid": ["tucatinib"], "min_months_since": 1}, "tucatinib 2025-08-15 to 2026-10-20"),
        (
            {"forbid": ["tucatinib"], "ignore_if_days_less_than": 432},
            "tucatinib 2025-08-15 to 2026-10-20, less than 432 days",
        ),
    ],
)
def test_a_drug_that_was_given_and_does_not_count_is_told_and_never_called_not_on_record(params, told):
    assert answer("prior_therapy", **params).observed == (told,)


@pytest.mark.parametrize(
    ("of", "told"),
    [
        ("anti_her2", "3 lines with a HER2-directed drug so far"),
        ("systemic", "3 lines so far"),
        ("chemo", "2 lines with chemotherapy so far"),
    ],
)
def test_lines_are_told_with_what_they_are_lines_of(of, told):
    assert answer("prior_lines", of=of, min=1).observed[0].startswith(told)


def test_other_drugs_by_class():
    assert (
        outcome(
            "con_med", patient(comedications=(comed("strong_cyp3a4_inhibitor"),)), forbid=["strong_cyp3a4_inhibitor"]
        )
        == "not_met"
    )
    assert outcome("con_med", patient(comedications=(comed("ppi"),)), forbid=["strong_cyp3a4_inhibitor"]) == "met"


@pytest.mark.parametrize(
    ("ended", "washout_days", "expected"),
    [(13, 14, "not_met"), (14, 14, "met"), (13, None, "met"), (None, 14, "not_met")],
)
def test_a_drug_that_has_been_stopped_counts_until_its_pause_is_over(ended, washout_days, expected):
    drug = msgspec.structs.replace(
        comed("strong_cyp3a4_inhibitor"), is_current=ended is None, end=day(ago(ended)) if ended is not None else None
    )
    found = answer(
        "con_med", patient(comedications=(drug,)), forbid=["strong_cyp3a4_inhibitor"], washout_days=washout_days
    )
    assert found.outcome == expected
    assert (str(found.recovers_on) == ago(-1)) is (ended == 13 and washout_days == 14)


@pytest.mark.parametrize(
    ("said", "expected"), [("pregnant", "not_met"), ("possible", "review"), ("not_pregnant", "met"), (None, "met")]
)
def test_pregnancy(said, expected):
    told = (Statement(about="pregnancy", value=said, date=day(ago(5)), evidence=ref("hcg")),) if said else ()
    assert outcome("reproductive", patient(statements=told), forbid=["pregnant", "breastfeeding"]) == expected


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"when": ago(900)}, "not_met"),
        ({"when": ago(1200)}, "review"),
        ({"when": "2015", "end": day("2016-01-01"), "is_active": False}, "met"),
        ({"when": "2024", "end": day(ago(300)), "is_active": False}, "not_met"),
    ],
)
def test_another_cancer_within_three_years(more, expected):
    record = patient(diagnoses=(BREAST, illness("other-cancer", "other-cancer", **more)))
    assert outcome("second_malignancy", record, within_years=3) == expected
    assert outcome("second_malignancy", within_years=3) == "met"


def test_an_mri_that_was_made_is_possible_and_a_reason_against_it_weighs_more():
    against = illness("mri_contraindicated")
    assert outcome("capability", patient(), require=["brain_mri"]) == "met"
    assert outcome("capability", patient(cns=None), require=["brain_mri"]) == "unknown"
    assert outcome("capability", patient(diagnoses=(against,)), require=["brain_mri"]) == "not_met"


def test_a_failure_that_a_person_may_lift_is_for_a_person_and_says_why():
    told = answer("prior_therapy", forbid=["tucatinib"], review_if_not_met="a few places are open")
    assert told.outcome.value == "review"
    assert told.observed[-1] == "a few places are open"


def test_the_day_of_the_tests_is_the_day_of_the_tables():
    assert date(2026, 11, 22) == TODAY
    assert PartialDate.from_day(TODAY).is_exact
