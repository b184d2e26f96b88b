"""Every hard stop against every shipped regimen: who is excluded, and that nobody else is by the same danger."""

from __future__ import annotations

from typing import Any

import pytest

from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import AgentId
from cdshooks.options.assess import judge_options
from cdshooks.record.model import Biomarker
from tests.criteria_mutants import Row, case_with, read_table
from tests.option_cases import advice_of as advice
from tests.option_cases import (
    but,
    case_of,
    comed,
    history,
    illness,
    measured,
    options_of,
    order,
    patient,
    shipped,
    toxicity,
    wish,
)

ALL_WISHES = tuple(
    wish(it)
    for it in ("avoid-hair-loss", "avoid-fatigue", "avoid-neuropathy", "prefer-oral", "prefer-home", "chemo-free")
)
TOPO = {"trastuzumab deruxtecan", "trastuzumab rezetecan", "datopotamab deruxtecan"}
LINE = """
line | agents | start      | end        | ended
1    | {}     | 2024-02-01 | 2025-08-01 | progression
"""

STOPS: list[tuple[str, str, dict[str, Any], set[str]]] = [
    ("ILD grade 2", "ILD_TDXD_SYMPT", {"toxicities": (toxicity("ild", 2, "trastuzumab deruxtecan"),)}, TOPO),
    ("ILD with symptoms", "ILD_TDXD_SYMPT", {"toxicities": (toxicity("ild", None, is_symptomatic=True),)}, TOPO),
    ("ILD on T-DM1", "ILD_TDM1", {"toxicities": (toxicity("ild", 1, "trastuzumab emtansine"),)}, {"trastuzumab emtansine"}),
    ("NRH", "NRH_TDM1", {"toxicities": (toxicity("nrh"),)}, {"trastuzumab emtansine"}),
    ("DPD deficiency", "DPYD_CAPE", {"toxicities": (toxicity("dpd_deficiency"),)}, {"capecitabine"}),
    ("DPYD poor", "DPYD_CAPE", {"biomarkers": (Biomarker(marker="dpyd", value="poor", evidence=()),)}, {"capecitabine"}),
    ("LVEF 39", "LVEF_TDXD_STOP", {"measurements": but(measured("lvef_percent", 39.0))}, {"trastuzumab deruxtecan"}),
    ("LVEF 39", "LVEF_TDM1_STOP", {"measurements": but(measured("lvef_percent", 39.0))}, {"trastuzumab emtansine"}),
    ("LVEF 49", "LVEF_LAP", {"measurements": but(measured("lvef_percent", 49.0))}, {"lapatinib"}),
    ("clearance 29", "CRCL_CAPE", {"measurements": but(measured("crcl", 29.0))}, {"capecitabine"}),
    ("PPI", "ACID_NER", {"comedications": (comed("ppi"),)}, {"neratinib"}),
    ("CYP3A4 inhibitor", "CYP3A_NER", {"comedications": (comed("moderate_cyp3a4_inhibitor"),)}, {"neratinib"}),
    ("inducer", "CYP3A_IND_TUC", {"comedications": (comed("strong_cyp3a4_inducer"),)}, {"tucatinib"}),
    ("keratitis", "EYE_ADC", {"toxicities": (toxicity("keratitis", 2),)}, {"trastuzumab botidotin", "ARX788", "trastuzumab duocarmazine", "datopotamab deruxtecan"}),
    ("neuropathy 3", "NEURO_MT", {"toxicities": (toxicity("neuropathy", 3),)}, {"trastuzumab emtansine", "disitamab vedotin", "trastuzumab botidotin", "vinorelbine", "eribulin", "paclitaxel"}),
    ("type 1 diabetes", "GLUCOSE_PI3K", {"diagnoses": (illness("diabetes_type1"),)}, {"alpelisib", "inavolisib"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("criterion", "members", "drugs"), [it[1:] for it in STOPS], ids=[f"{it[0]} {it[1]}" for it in STOPS]
)
def test_a_hard_stop_excludes_the_drug_and_no_wish_lifts_it(
    criterion: str, members: dict[str, Any], drugs: set[str]
) -> None:
    for wishes in ((), ALL_WISHES):
        options = options_of(advice(patient(**members, wishes=wishes), history(), jurisdiction="US"))
        for name, option in options.items():
            failed = {it.criterion for it in option.findings if it.outcome.value == "not_met"}
            if drugs & set(option.agents):
                assert option.verdict.value == "exclude", name
            else:
                assert criterion not in failed, name


@pytest.mark.parametrize(
    "agent",
    sorted(
        agent
        for agent in {it for regimen in shipped().regimens.values() for it in regimen.agents}
        if agent not in {"trastuzumab", "pertuzumab"}
    ),
)
def test_progression_on_a_drug_excludes_each_regimen_that_needs_it(agent: str) -> None:
    lines = history(LINE.format(agent))
    for name, option in options_of(advice(lines=lines)).items():
        regimen = shipped().regimens[option.id]
        if any(len(part.one_of) == 1 and part.one_of[0].agent == agent for part in regimen.components):
            assert option.verdict.value == "exclude", name
        elif AgentId(agent) in option.agents:
            assert option.verdict.value in {"exclude", "not_applicable"}, name


def test_pregnancy_excludes_every_drug() -> None:
    members = {"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01"),)}
    for option in options_of(advice(patient(**members, wishes=ALL_WISHES), history())).values():
        if option.agents:
            assert option.verdict.value == "exclude", option.id


@pytest.mark.parametrize(
    ("crcl", "running", "verdict"), [(29.0, "tucatinib", "offer_with_warning"), (29.0, "neratinib", "exclude")]
)
def test_the_creatinine_effect_of_tucatinib_is_no_renal_failure(crcl: float, running: str, verdict: str) -> None:
    lines = history(f"line | agents | start | end | ended\n1 | {running} | 2026-02-01 | | ")
    option = options_of(advice(patient(measurements=but(measured("crcl", crcl))), lines))["trastuzumab_capecitabine"]
    assert option.verdict.value == verdict


@pytest.mark.parametrize(("crcl", "reduced"), [(51.0, False), (50.0, True), (30.0, True)])
def test_capecitabine_is_reduced_between_30_and_50(crcl: float, reduced: object) -> None:
    option = options_of(advice(patient(measurements=but(measured("crcl", crcl)))))["trastuzumab_capecitabine"]
    assert any("75 %" in note for note in option.dose_notes) is reduced


@pytest.mark.parametrize(
    ("first", "now", "verdict"),
    [
        (60.0, 46.0, "offer_with_warning"),
        (60.0, 45.0, "hold"),
        (54.0, 45.0, "offer_with_warning"),
        (62.0, 41.0, "exclude"),
        (60.0, 39.0, "exclude"),
    ],
)
def test_lvef_rules_of_tdxd(first: float, now: float, verdict: str) -> None:
    series = but(measured("lvef_percent", first, "2025-01-01"), measured("lvef_percent", now))
    assert options_of(advice(patient(measurements=series), history()))["tdxd"].verdict.value == verdict


@pytest.mark.parametrize(
    ("found", "verdict"),
    [
        ((), "offer"),
        ((toxicity("ild", 1, "trastuzumab deruxtecan"),), "hold"),
        ((toxicity("ild", 1, "trastuzumab deruxtecan", is_resolved=True),), "offer_with_warning"),
        ((toxicity("ild", None, "trastuzumab deruxtecan"),), "hold"),
    ],
)
def test_tdxd_after_mild_ild(found: tuple[Any, ...], verdict: str) -> None:
    assert options_of(advice(patient(toxicities=found), history()))["tdxd"].verdict.value == verdict


@pytest.mark.parametrize(
    ("regimen", "place", "verdict"),
    [
        ("tucatinib_trastuzumab_capecitabine", "US", "offer_with_warning"),
        ("tucatinib_trastuzumab_capecitabine", "EU", "not_applicable"),
        ("margetuximab_chemo", "EU", "not_applicable"),
        ("neratinib_capecitabine", "US", "not_applicable"),
        ("pyrotinib_capecitabine", "CN", "offer_with_warning"),
        ("pyrotinib_capecitabine", "US", "not_applicable"),
    ],
)
def test_licences_differ_by_place_and_by_earlier_regimens(regimen: str, place: str, verdict: str) -> None:
    one = history(LINE.format("pertuzumab, trastuzumab"))
    assert options_of(advice(lines=one, jurisdiction=place))[regimen].verdict.value == verdict


def test_facts_of_the_fit_patient_are_all_known_that_hard_stops_ask_for() -> None:
    case = case_of()
    asked = {"lvef_percent", "crcl", "anc", "platelets", "her2", "cns"}
    assert all(case.facts[it].value is not None for it in case.facts if it in asked)


STOPPING = [row for row in read_table() if row.effect.startswith("exclude")]
EVERY_WISH = "wishes=" + ",".join(it.wish for it in ALL_WISHES)


def test_every_hard_stop_has_a_row() -> None:
    stops = {str(it.id) for it in shipped().criteria.values() if it.hard_stop}
    blocking = ("exclude", "not_applicable", "hold")
    assert stops <= {row.criterion for row in read_table() if row.effect.startswith(blocking)}


@pytest.mark.parametrize("row", STOPPING, ids=lambda row: f"{row.criterion}: {row.given}")
def test_a_hard_stop_against_every_regimen(row: Row) -> None:
    """Each regimen that cannot do without what the stop is about is excluded, and no wish lifts it; nobody else is by it."""
    drug = row.drug if row.drug != "-" else None
    for given in (row.given, f"{row.given}; {EVERY_WISH}"):
        for option in judge_options(case_with(given)):
            rules = next(it for it in shipped().rules.regimens if it.regimen.id == option.id)
            needed = [*rules.whole]
            for slot in rules.slots:
                if len(slot.choices) == 1 and not slot.is_optional:
                    needed += slot.choices[0].bindings
            is_stopped = any(
                it.criterion.id == row.criterion and (not it.bound or drug is None or drug in it.bound) for it in needed
            )
            stopped_by = [it for it in option.findings if it.criterion == row.criterion and it.effect is Effect.EXCLUDE]
            if is_stopped:
                assert option.verdict.value == "exclude", option.id
                assert stopped_by, option.id
            elif stopped_by:
                assert option.verdict.value == "exclude", option.id


@pytest.mark.parametrize(
    "agents",
    [("tucatinib", "capecitabine", "pertuzumab"), ("trastuzumab deruxtecan", "capecitabine"), ("fluorouracil",)],
)
def test_an_order_that_is_no_known_regimen_is_checked_all_the_same(agents: tuple[str, ...]) -> None:
    record = patient(toxicities=(toxicity("dpd_deficiency"),))
    (review,) = advice(record, history(), orders=(order(*agents),)).orders
    assert review.judgement == "contraindicated"
    assert review.reasons[0].criterion == "DPYD_CAPE"
    assert set(review.reasons[0].about) <= set(agents)


def test_ordered_beside_unselected_drafts_it_is_one_regimen() -> None:
    found = advice(
        patient(), orders=(order("capecitabine"),), beside=frozenset({AgentId("tucatinib"), AgentId("trastuzumab")})
    )
    assert found.orders[0].regimens[0] == "tucatinib_trastuzumab_capecitabine"
