"""What a fact is made of, and that silence means no only where the vocabulary says so."""

from __future__ import annotations

import math
from typing import Any

import pytest

from cdshooks.knowledge.ids import FactId
from cdshooks.record.model import Biomarker, Certainty, DiseaseStatus, Exposure, Proof, Statement
from tests.option_cases import (
    THREE_LINES,
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
    shipped,
    toxicity,
)


def value(fact: str, lines: str = "", **members: Any) -> Any:
    return case_of(patient(**members), history(lines)).fact(FactId(fact)).value


EMPTY: dict[str, Any] = {"measurements": (), "receptors": (), "metastases": (), "cns": None}


def test_silence_is_unknown_in_an_open_world_and_no_in_a_closed_one() -> None:
    case = case_of(patient(**EMPTY), history())
    for fact_id, definition in shipped().facts.items():
        had = case.fact(fact_id).value
        if fact_id in {
            "age_years",
            "sex",
            "metastatic",
            "metastatic_since",
            "disease_extent",
            "cum_doxorubicin_eq_mg_m2",
        }:
            continue  # told by the person and the lines of this patient
        if definition.is_closed:
            assert had is not None, fact_id
            assert not had or had == "none" or fact_id == "next_line", fact_id
        else:
            assert had is None, fact_id


def test_only_silence_is_marked_as_silence() -> None:
    case = case_of(patient(**EMPTY), history())
    marked = {it for it in shipped().facts if case.fact(it).is_silence}
    asked = {it for it, definition in shipped().facts.items() if definition.is_closed and definition.is_from_record}
    assert {"nrh", "pregnancy_concern", "symptomatic_hf", "diabetes", "keratitis", "wishes"} < marked == asked


@pytest.mark.parametrize(
    ("fact", "said", "expected"),
    [
        ("nrh", {"diagnoses": (illness("nrh", certainty=Certainty.REFUTED),)}, False),
        ("diabetes", {"diagnoses": (illness("diabetes", certainty=Certainty.REFUTED),)}, "none"),
        ("symptomatic_hf", {"diagnoses": (illness("heart-failure", certainty=Certainty.REFUTED),)}, False),
        ("hypersensitivity_agents", {"toxicities": (toxicity("hypersensitivity", 1, agent="docetaxel"),)}, ()),
        ("keratitis", {"toxicities": (toxicity("keratitis", 2),)}, True),
    ],
)
def test_what_a_record_denies_or_tells_is_no_silence(fact: str, said: dict[str, Any], expected: Any) -> None:
    found = case_of(patient(**EMPTY, **said), history()).fact(FactId(fact))
    assert (found.value, found.is_silence) == (expected, False)


HER2 = [
    ("one positive", [("positive", "2024-01-01", True)], "positive"),
    ("the newest counts", [("positive", "2024-01-01", True), ("negative", "2026-01-01", True)], "negative"),
    (
        "a metastasis counts more than the primary",
        [("positive", "2024-01-01", True), ("negative", "2026-01-01", False)],
        "positive",
    ),
    ("the primary counts when there is nothing else", [("positive", "2020-01-01", False)], "positive"),
    (
        "a specimen of unknown place is no primary",
        [("positive", "2020-01-01", False), ("low", "2026-01-01", None)],
        "low",
    ),
    ("same day, different", [("positive", "2026-01-01", True), ("negative", "2026-01-01", True)], "conflict"),
    ("nothing that can be read", [("indeterminate", "2026-01-01", True), ("positive", "2024-01-01", True)], "positive"),
    ("a test in the future", [("positive", "2024-01-01", True), ("negative", "2027-01-01", True)], "positive"),
    ("nothing", [], None),
]


@pytest.mark.parametrize(("results", "expected"), [it[1:] for it in HER2], ids=[it[0] for it in HER2])
def test_her2_in_force(results: list[tuple[str, str, bool | None]], expected: str | None) -> None:
    receptors = tuple(receptor("her2", status, when, is_metastasis=place) for status, when, place in results)
    assert value("her2", receptors=receptors) == expected


def test_ish_reported_after_ihc_belongs_to_the_same_specimen() -> None:
    ihc = receptor("her2", "low", "2026-10-19", site="liver", ihc="1+")
    ish = receptor("her2", "negative", "2026-10-26", site="liver", ish="not-amplified")
    assert value("her2", receptors=(ihc, ish)) == "low"
    late = receptor("her2", "negative", "2026-11-17", site="liver")
    assert value("her2", receptors=(ihc, late)) == "negative"  # 29 days apart: another specimen
    other = receptor("her2", "negative", "2026-10-26", site="bone")
    assert value("her2", receptors=(ihc, other)) == "negative"
    unclear = receptor("her2", "equivocal", "2026-10-19", site="liver", ihc="2+")
    amplified = receptor("her2", "positive", "2026-10-26", site="liver", ish="amplified")
    assert value("her2", receptors=(unclear, amplified)) == "positive"
    assert value("her2_ihc", receptors=(unclear, amplified)) == "2+"


def test_a_preliminary_result_waits_for_the_final_one() -> None:
    receptors = (
        receptor("her2", "positive", "2026-01-01"),
        receptor("her2", "negative", "2026-09-01", is_preliminary=True),
    )
    assert value("her2", receptors=receptors) == "positive"
    primary = (receptor("her2", "positive", "2026-01-01", is_metastasis=False), receptors[1])
    assert value("her2", receptors=primary) == "positive"  # also where the final one is of the primary tumour
    assert value("her2", receptors=receptors[1:]) == "negative"


@pytest.mark.parametrize(
    ("er", "pr", "expected"),
    [
        ("positive", "negative", "positive"),
        ("negative", "positive", "positive"),
        ("negative", "negative", "negative"),
        ("negative", None, None),
        (None, None, None),
    ],
)
def test_hormone_receptors_need_both_to_be_negative(er: str | None, pr: str | None, expected: str | None) -> None:
    told = [receptor("er", er)] if er else []
    told += [receptor("pr", pr)] if pr else []
    assert value("hr", receptors=tuple(told)) == expected


def test_er_lost_is_seen() -> None:
    receptors = (receptor("er", "positive", "2020-01-01"), receptor("er", "negative", "2026-01-01"))
    assert value("er", receptors=receptors) == "negative"
    assert value("er_changed", receptors=receptors) is True


@pytest.mark.parametrize(("when", "expected"), [("2026-10-01", False), ("2026-10-20", True), ("2026-11-01", True)])
def test_her2_tested_since_the_last_progression(when: str, expected: object) -> None:
    assert (
        value("her2_after_last_progression", THREE_LINES, receptors=(receptor("her2", "positive", when),)) is expected
    )


AFTER_THE_SCAN = """
line | agents                | start      | end        | ended
1    | trastuzumab           | 2025-02-01 | 2025-10-01 | progression
2    | eribulin, trastuzumab | 2025-11-24 | 2026-11-16 | progression
"""


def progression(when: str, trend: str = "progression") -> DiseaseStatus:
    return DiseaseStatus(trend=trend, focus="overall", date=day(when), evidence=ref(f"scan-{when}"))


@pytest.mark.parametrize(
    ("scans", "last", "tested_since"),
    [
        ((), "2026-11-16", False),  # nothing but the end of the line tells of it
        (("2026-11-12",), "2026-11-12", True),  # the last cycle reaches past the scan that ended the line
        (("2025-09-30",), "2026-11-16", False),  # a scan of the line before
        (("2025-11-24",), "2025-11-24", True),
    ],
)
def test_the_last_progression_is_the_stated_one_and_not_the_end_of_the_last_cycle(
    scans: tuple[str, ...], last: str, tested_since: object
) -> None:
    members: dict[str, Any] = {
        "statuses": tuple(progression(it) for it in scans),
        "receptors": (receptor("her2", "positive", "2026-11-13"),),
    }
    case = case_of(patient(**members), history(AFTER_THE_SCAN))
    assert case.fact(FactId("last_progression")).value == last
    assert case.fact(FactId("her2_after_last_progression")).value is tested_since
    assert case.fact(FactId("last_progression")).evidence


ILD = [
    ("none said", (), None, None, False),
    ("refuted", (toxicity("ild", certainty=Certainty.REFUTED),), 0, False, False),
    ("grade 1", (toxicity("ild", 1, "trastuzumab deruxtecan"),), 1, False, False),
    ("grade 2", (toxicity("ild", 2, "trastuzumab deruxtecan"),), 2, True, False),
    ("no grade", (toxicity("ild", None, "trastuzumab deruxtecan"),), None, None, True),
    ("the worst ever", (toxicity("ild", 3, is_resolved=True), toxicity("ild", 1)), 3, True, False),
]


@pytest.mark.parametrize(
    ("found", "grade", "symptomatic", "ungraded"), [it[1:] for it in ILD], ids=[it[0] for it in ILD]
)
def test_ild(found: tuple[Any, ...], grade: int | None, symptomatic: object, ungraded: object) -> None:
    assert value("ild_grade", toxicities=found) == grade
    assert value("ild_symptomatic", toxicities=found) == symptomatic
    assert value("ild_ungraded", toxicities=found) is ungraded


def test_ild_without_a_blamed_drug_counts_for_a_drug_given_before() -> None:
    found = (toxicity("ild", 2, start=day("2025-01-01")),)
    assert value("tdxd_ild_grade", THREE_LINES, toxicities=found) == 2
    assert value("tdm1_ild", THREE_LINES, toxicities=found) is False


def test_a_resolved_neuropathy_is_grade_0_now() -> None:
    assert value("neuropathy_grade", toxicities=(toxicity("neuropathy", 3, is_resolved=True),)) == 0
    assert value("neuropathy_grade", toxicities=(toxicity("neuropathy", 3),)) == 3


def test_lvef_keeps_baseline_drop_and_nadir() -> None:
    series = tuple(
        measured("lvef_percent", number, when)
        for number, when in ((64.0, "2023-02-01"), (44.0, "2025-02-01"), (52.0, "2026-11-01"))
    )
    measurements = (*series,)
    assert value("lvef_percent", measurements=measurements) == 52.0
    assert value("lvef_baseline_percent", measurements=measurements) == 64.0
    assert value("lvef_drop_points", measurements=measurements) == 12.0
    assert value("lvef_nadir_percent", measurements=measurements) == 44.0


@pytest.mark.parametrize(("number", "expected"), [(49.9, True), (50.0, False)])
def test_lvef_below_the_usual_limit(number: float, expected: object) -> None:
    assert value("lvef_below_normal", measurements=(measured("lvef_percent", number),)) is expected


@pytest.mark.parametrize(
    ("fact", "written", "number", "method"),
    [
        ("lvef_percent", {"value": 55.0, "method": "echo"}, 55.0, "echo"),
        ("lvef_percent", {"value": 55.0}, 55.0, None),
        ("lvef_percent", {"value": None, "low": 40.0, "high": 45.0}, 40.0, "the lower end of 40 to 45 was taken"),
        (
            "lvef_percent",
            {"value": None, "low": 40.0, "high": 45.0, "method": "echo"},
            40.0,
            "echo; the lower end of 40 to 45 was taken",
        ),
        ("lvef_percent", {"value": 60.0, "comparator": ">"}, math.nextafter(60.0, 99), "told as > 60"),
        ("lvef_percent", {"value": 60.0, "comparator": ">="}, 60.0, "told as >= 60"),
    ],
    ids=["a number", "without a method", "a range", "a range by a method", "above", "from"],
)
def test_a_number_that_is_not_the_one_written_says_what_was_written(
    fact: str, written: dict[str, Any], number: float, method: str | None
) -> None:
    record = patient(**EMPTY | {"measurements": (measured("lvef_percent", **written),)})
    found = case_of(record, history()).fact(FactId(fact))
    assert (found.value, found.method) == (number, method)


def test_creatinine_clearance_by_cockcroft_and_gault() -> None:
    measurements = (measured("creatinine", 1.0), measured("weight_kg", 60.0))
    assert value("crcl", measurements=measurements) == pytest.approx(57.8, abs=0.2)  # (140-58.6) * 60 / 72 * 0.85
    assert value("crcl", measurements=(measured("creatinine", 1.0),)) is None
    assert value("crcl", measurements=(*measurements, measured("crcl", 33.0))) == 33.0


def test_a_liver_value_uses_its_own_upper_limit() -> None:
    assert value("alt_xuln", measurements=(measured("alt", 80.0, times_upper_limit=1.6),)) == 1.6
    assert value("alt_xuln", measurements=(measured("alt", 80.0),)) == 2.0
    assert value("ast_alt_xuln", measurements=(measured("alt", 80.0), measured("ast", 160.0))) == 4.0


@pytest.mark.parametrize(
    ("members", "pregnancy", "concern"),
    [
        ({}, None, False),
        ({"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01"),)}, "pregnant", True),
        (
            {"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01", certainty=Certainty.PROVISIONAL),)},
            "possible",
            True,
        ),
        (
            {"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01", certainty=Certainty.REFUTED),)},
            "not_pregnant",
            False,
        ),
        ({"diagnoses": (illness("pregnancy", "reproductive", "2015-09-01", is_active=False),)}, None, False),
        (
            {"statements": (Statement(about="pregnancy", value="pregnant", date=day("2026-11-01"), evidence=()),)},
            "pregnant",
            True,
        ),
        (
            {"statements": (Statement(about="pregnancy", value="not-pregnant", date=day("2026-11-01"), evidence=()),)},
            "not_pregnant",
            False,
        ),
    ],
)
def test_pregnancy(members: dict[str, Any], pregnancy: str | None, concern: object) -> None:
    assert value("pregnancy", **members) == pregnancy
    assert value("pregnancy_concern", **members) is concern


@pytest.mark.parametrize(
    ("members", "expected"),
    [
        ({}, None),
        ({"biomarkers": (Biomarker(marker="dpyd", value="normal", evidence=()),)}, "normal"),
        ({"biomarkers": (Biomarker(marker="dpyd", value="intermediate", evidence=()),)}, "intermediate"),
        ({"diagnoses": (illness("dpd-deficiency", "toxicity"),)}, "poor"),
        ({"toxicities": (toxicity("dpd_deficiency"),)}, "poor"),
    ],
)
def test_dpyd(members: dict[str, Any], expected: str | None) -> None:
    assert value("dpyd", **members) == expected


def test_cumulative_anthracycline_counts_epirubicin_as_less() -> None:
    def dose(agent: str, when: str, amount: float | None) -> Exposure:
        return Exposure(
            agent=agent, start=day(when), end=day(when), is_open=False, is_single_dose=True, proof=Proof.GIVEN,
            evidence=ref(when), dose_mg_per_m2=amount,
        )  # type: ignore[arg-type]  # plain text stands for an agent id here  # fmt: skip

    known = (dose("doxorubicin", "2020-01-01", 60.0), dose("epirubicin", "2020-02-01", 100.0))
    assert value("cum_doxorubicin_eq_mg_m2", exposures=known) == pytest.approx(127.0)
    assert value("cum_doxorubicin_eq_mg_m2", exposures=(*known, dose("doxorubicin", "2020-03-01", None))) is None
    assert value("cum_doxorubicin_eq_mg_m2") == 0.0


def test_agents_are_kept_apart_by_setting_and_by_how_they_ended() -> None:
    table = """
    line  | agents                   | start      | end        | ended
    early | trastuzumab emtansine    | 2021-02-01 | 2021-11-01 | completed
    1     | docetaxel, trastuzumab   | 2023-02-01 | 2024-02-01 | progression
    2     | trastuzumab deruxtecan   | 2024-02-15 | 2025-08-01 | toxicity
    3     | tucatinib                | 2025-09-01 |            |
    """
    assert value("agents_early", table) == ("trastuzumab emtansine",)
    assert value("agents_progressed", table) == ("docetaxel", "trastuzumab")
    assert value("agents_stopped_for_toxicity", table) == ("trastuzumab deruxtecan",)
    assert value("agents_current", table) == ("tucatinib",)
    assert value("had_tdxd", table) is True
    assert value("progressed_on_tdxd", table) is False
    assert value("finished_metastatic_lines", table) == 2


def test_the_brain_is_unknown_unless_the_record_says_something() -> None:
    assert value("cns", cns=None) is None
    assert value("cns", cns=brain("unknown")) is None
    assert value("cns", cns=brain("none")) == "none"
    assert value("leptomeningeal", cns=brain("none")) is False
    assert value("leptomeningeal", cns=brain("leptomeningeal")) is True


@pytest.mark.parametrize(
    ("focuses", "expected"), [(["brain"], True), (["brain", "liver"], False), (["liver"], False), ([], False)]
)
def test_isolated_progression_in_the_brain(focuses: list[str], expected: object) -> None:
    statuses = tuple(
        DiseaseStatus(trend="progression", focus=focus, date=day("2026-11-01"), evidence=ref(focus))
        for focus in focuses
    )
    assert value("isolated_cns_progression", statuses=statuses) is expected


def test_other_drugs_are_known_by_their_interaction_classes() -> None:
    assert value("comeds", comedications=(comed("ppi"), comed("coumarin", "anticoagulant"))) == (
        "anticoagulant",
        "coumarin",
        "ppi",
    )
    assert value("qt_risk", comedications=(comed("qt_prolonging"),)) is True
    assert value("qt_risk", measurements=but(measured("potassium", 3.4))) is True
    assert value("qt_risk", measurements=but(measured("potassium", 3.5))) is False


@pytest.mark.parametrize(
    ("ill", "activity", "complete"),
    [
        (("dpd_deficiency",), "poor", True),
        (("partial_dpd_deficiency",), "intermediate", False),
        (("dpd_deficiency", "partial_dpd_deficiency"), "poor", True),
        ((), None, None),
    ],
)
def test_a_partial_dpd_deficiency_is_no_complete_one(ill: tuple[str, ...], activity: object, complete: object) -> None:
    members: dict[str, Any] = {"diagnoses": tuple(illness(it) for it in ill), "biomarkers": ()}
    assert value("dpyd", **members) == activity
    assert value("dpd_deficiency", **members) is complete
