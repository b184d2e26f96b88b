"""Patients in whom several traps meet, read as an oncologist would; none of them is among the stories."""

from __future__ import annotations

from typing import Any

import pytest

from cdshooks.record.model import Biomarker
from tests.option_cases import (
    THREE_LINES,
    advice_of,
    brain,
    but,
    comed,
    history,
    illness,
    measured,
    options_of,
    patient,
    receptor,
    shipped,
    toxicity,
    wish,
)

AFTER_TUCATINIB = """
line | agents                                 | start      | end        | ended
1    | docetaxel, pertuzumab, trastuzumab     | 2022-02-01 | 2023-02-01 | progression
2    | trastuzumab deruxtecan                 | 2023-02-15 | 2024-08-01 | progression
3    | tucatinib, trastuzumab, capecitabine   | 2024-08-15 | 2026-10-20 | progression
"""
TDXD_STOPPED = THREE_LINES.replace("2025-08-01 | progression", "2025-08-01 | toxicity", 1)
LOST_ER = (receptor("her2", "positive"), receptor("er", "negative"), receptor("pr", "negative"))
WITH_ER = (receptor("her2", "positive"), receptor("er", "positive"), receptor("pr", "positive"))
LOW = (receptor("her2", "low"), receptor("er", "positive"), receptor("pr", "negative"))
LOW_BILE = but(measured("bilirubin", 6.0, times_upper_limit=5.0))
HEART_THEN_AND_NOW = but(
    measured("lvef_percent", 62.0, "2023-01-01"),
    measured("lvef_percent", 45.0, "2025-01-01"),
    measured("lvef_percent", 55.0, "2026-11-01"),
)
DPYD = {"biomarkers": (Biomarker(marker="dpyd", value="intermediate", evidence=()),)}
PREGNANT = {"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01"),)}
EVERY_WISH = {"wishes": tuple(wish(it) for it in ("avoid-hair-loss", "prefer-oral", "chemo-free"))}
ALLERGIC = {"toxicities": (toxicity("hypersensitivity", 4, "trastuzumab"),)}

# who | the record | the lines | where | what must be said: regimen to verdicts allowed
PATIENTS: list[tuple[str, dict[str, Any], str, str, dict[str, str]]] = [
    ("ILD 1 cleared, brain active", {"toxicities": (toxicity("ild", 1, "trastuzumab deruxtecan", is_resolved=True),), "cns": brain("active_not_urgent")}, TDXD_STOPPED, "US", {"tdxd": "offer_with_warning", "tucatinib_trastuzumab_capecitabine": "offer_with_warning"}),
    ("ILD 1 not cleared", {"toxicities": (toxicity("ild", 1, "trastuzumab deruxtecan"),)}, TDXD_STOPPED, "US", {"tdxd": "hold"}),
    ("ILD 2 cleared, every wish", {"toxicities": (toxicity("ild", 2, "trastuzumab deruxtecan", is_resolved=True),), **EVERY_WISH}, TDXD_STOPPED, "US", {"tdxd": "exclude", "trastuzumab_rezetecan": "exclude"}),
    ("ER lost, wish chemo-free", {"receptors": LOST_ER, **EVERY_WISH}, THREE_LINES, "US", {"trastuzumab_endocrine": "not_applicable", "abemaciclib_trastuzumab_fulvestrant": "not_applicable", "lapatinib_letrozole": "not_applicable"}),
    ("ER kept, rapid", {"receptors": WITH_ER}, THREE_LINES, "US", {"trastuzumab_endocrine": "offer"}),
    ("HER2-low now after T-DXd failed", {"receptors": LOW}, AFTER_TUCATINIB, "US", {"tdxd_her2_low": "exclude", "tdm1": "not_applicable", "trastuzumab_vinorelbine": "not_applicable", "sacituzumab_govitecan": "offer_with_warning"}),
    ("HER2 equivocal", {"receptors": (receptor("her2", "equivocal"), receptor("er", "negative"), receptor("pr", "negative"))}, AFTER_TUCATINIB, "US", {"tdm1": "hold", "single_agent_chemo_no_her2": "offer_with_warning"}),
    ("HER2 unknown", {"receptors": ()}, AFTER_TUCATINIB, "US", {"tdm1": "hold", "trastuzumab_endocrine": "hold"}),
    ("leptomeningeal and brain", {"cns": brain("leptomeningeal", leptomeningeal=True)}, THREE_LINES, "US", {"intrathecal_trastuzumab": "offer_with_warning", "local_therapy_plus_continue": "not_applicable"}),
    ("LVEF 62, 45, 55", {"measurements": HEART_THEN_AND_NOW}, AFTER_TUCATINIB, "US", {"tdm1": "offer_with_warning", "margetuximab_chemo": "offer_with_warning"}),
    ("LVEF 38 alone on record", {"measurements": but(measured("lvef_percent", 38.0))}, AFTER_TUCATINIB, "US", {"tdm1": "exclude", "trastuzumab_vinorelbine": "hold", "margetuximab_chemo": "hold", "single_agent_chemo_no_her2": "offer"}),
    ("NRH and ILD 2", {"toxicities": (toxicity("nrh", agent="trastuzumab emtansine"), toxicity("ild", 2, "trastuzumab deruxtecan"))}, TDXD_STOPPED, "US", {"tdm1": "exclude", "tucatinib_tdm1": "exclude", "neratinib_tdm1": "exclude", "tdxd": "exclude"}),
    ("DPYD intermediate", DPYD, THREE_LINES, "US", {"tucatinib_trastuzumab_capecitabine": "offer_with_warning", "neratinib_capecitabine": "offer_with_warning", "trastuzumab_eribulin": "offer"}),
    ("DPYD intermediate and clearance 40", {**DPYD, "measurements": but(measured("crcl", 40.0))}, THREE_LINES, "US", {"trastuzumab_capecitabine": "offer_with_warning", "trastuzumab_eribulin": "offer_with_warning"}),
    ("clearance 25", {"measurements": but(measured("crcl", 25.0))}, THREE_LINES, "US", {"tucatinib_trastuzumab_capecitabine": "exclude", "trastuzumab_eribulin": "offer_with_warning", "trastuzumab_platinum": "offer_with_warning"}),
    ("pregnant, every wish, China", {**PREGNANT, **EVERY_WISH}, THREE_LINES, "CN", {"pyrotinib_capecitabine": "exclude", "trastuzumab_vinorelbine": "exclude", "intrathecal_trastuzumab": "exclude"}),
    ("QTc 520 and low potassium", {"measurements": but(measured("qtc_ms", 520.0), measured("potassium", 3.1))}, AFTER_TUCATINIB, "US", {"trastuzumab_eribulin": "hold", "lapatinib_trastuzumab": "hold", "trastuzumab_gemcitabine": "offer"}),
    ("PPI and inducer", {"comedications": (comed("ppi", "strong_cyp3a4_inducer"),)}, THREE_LINES, "US", {"neratinib_capecitabine": "exclude", "tucatinib_trastuzumab_capecitabine": "exclude", "lapatinib_capecitabine": "offer_with_warning"}),
    ("bilirubin five times", {"measurements": LOW_BILE}, THREE_LINES, "US", {"tucatinib_trastuzumab_capecitabine": "hold", "trastuzumab_eribulin": "hold", "trastuzumab_capecitabine": "hold", "trastuzumab_vinorelbine": "offer_with_warning", "trastuzumab_gemcitabine": "offer_with_warning"}),
    ("bilirubin five times, never T-DM1", {"measurements": LOW_BILE}, AFTER_TUCATINIB, "US", {"tdm1": "hold"}),
    ("allergic to trastuzumab", ALLERGIC, AFTER_TUCATINIB, "US", {"tdm1": "exclude", "trastuzumab_vinorelbine": "exclude", "margetuximab_chemo": "offer_with_warning"}),
    ("neuropathy 3", {"toxicities": (toxicity("neuropathy", 3),)}, AFTER_TUCATINIB, "US", {"tdm1": "exclude", "trastuzumab_vinorelbine": "exclude", "trastuzumab_eribulin": "exclude", "trastuzumab_gemcitabine": "offer"}),
    ("ECOG 3", {"measurements": but(measured("ecog", 3.0))}, THREE_LINES, "US", {"trastuzumab_eribulin": "offer_with_warning"}),
    ("ECOG 4", {"measurements": but(measured("ecog", 4.0))}, THREE_LINES, "US", {"trastuzumab_eribulin": "hold", "best_supportive_care": "offer"}),
    ("platelets 60", {"measurements": but(measured("platelets", 60.0))}, AFTER_TUCATINIB, "US", {"tdm1": "hold", "trastuzumab_vinorelbine": "hold", "trastuzumab_mono_sc": "offer"}),
    ("neutrophils 0.8", {"measurements": but(measured("anc", 0.8))}, THREE_LINES, "US", {"tucatinib_trastuzumab_capecitabine": "hold", "tucatinib_trastuzumab": "offer_with_warning"}),
    ("no laboratory at all", {"measurements": ()}, THREE_LINES, "US", {"tucatinib_trastuzumab_capecitabine": "offer_with_warning", "trastuzumab_eribulin": "offer_with_warning"}),
    ("why the lines ended is unknown", {}, THREE_LINES.replace("progression", "unknown"), "US", {"tdxd": "offer_with_warning", "tdm1": "offer_with_warning"}),
    ("Europe", {}, AFTER_TUCATINIB, "EU", {"margetuximab_chemo": "not_applicable", "neratinib_capecitabine": "exclude", "tdm1": "offer"}),
    ("heart failure", {"toxicities": (toxicity("heart_failure", 3),)}, AFTER_TUCATINIB, "US", {"tdm1": "exclude", "trastuzumab_gemcitabine": "exclude", "single_agent_chemo_no_her2": "offer"}),
    ("type 1 diabetes and keratitis", {"diagnoses": (illness("diabetes_type1"),), "toxicities": (toxicity("keratitis", 2),)}, THREE_LINES, "CN", {"pi3k_antiher2": "exclude", "trastuzumab_botidotin": "exclude"}),
]  # fmt: skip


@pytest.mark.parametrize(
    ("members", "lines", "place", "verdicts"), [it[1:] for it in PATIENTS], ids=[it[0] for it in PATIENTS]
)
def test_a_patient_in_whom_traps_meet(
    members: dict[str, Any], lines: str, place: str, verdicts: dict[str, str]
) -> None:
    found = options_of(advice_of(patient(**members), history(lines), jurisdiction=place))
    assert {name: found[name].verdict.value for name in verdicts} == verdicts


def test_there_are_thirty_of_them() -> None:
    assert len(PATIENTS) >= 30


@pytest.mark.parametrize("name", [it[0] for it in PATIENTS])
def test_nothing_is_offered_that_was_failed_or_switches_to_it_by_another_name(name: str) -> None:
    _, members, lines, place, _ = next(it for it in PATIENTS if it[0] == name)
    failed = {use.agent for use in history(lines).uses if use.outcome.value == "progression"} - {
        "trastuzumab",
        "pertuzumab",
    }
    for option in advice_of(patient(**members), history(lines), jurisdiction=place).options:
        if option.rank is not None:
            assert not failed & set(option.agents), option.id
            assert shipped().regimens[option.id].role != "prior_exposure_marker"
