"""Synthetic patients against every coded trial, cell by cell; the table is for people: trial_matrix.txt."""

from __future__ import annotations

from datetime import timedelta
from functools import cache
from pathlib import Path

import msgspec
import pytest

from cdshooks.options.trials.match import match_trials
from cdshooks.record.model import Biomarker, Certainty, LocalTherapy, Statement
from tests.option_cases import (
    TODAY,
    brain,
    case_of,
    day,
    history,
    illness,
    measured,
    patient,
    receptor,
    ref,
    toxicity,
)

TABLE = Path(__file__).with_name("trial_matrix.txt")
LETTERS = {"eligible": "E", "ineligible": "I", "unknown": "U"}
RECENT = (TODAY - timedelta(days=10)).isoformat()

THP = "1 | docetaxel, pertuzumab, trastuzumab | 2023-02-01 | 2024-02-01 | progression\n"
TDXD = "2 | trastuzumab deruxtecan | 2024-02-15 | 2025-08-01 | progression\n"
TUCATINIB = "3 | capecitabine, trastuzumab, tucatinib | 2025-08-15 | 2026-09-20 | progression\n"
HEAD = "line | agents | start | end | ended\n"


def lines(*rows, **more):
    return history(HEAD + "".join(rows), **more)


def measurements(**values):
    tests = {
        "lvef_percent": 62.0, "ecog": 1.0, "qtc_ms": 420.0, "anc": 3.0, "platelets": 220.0, "hemoglobin": 12.0, "wbc": 6.0,
        "crcl": 92.0, "egfr": 90.0, "fasting_glucose": 5.0, "hba1c": 5.2,
    }  # fmt: skip
    found = [measured(name, value) for name, value in (tests | values).items() if value is not None]
    limits = {"bilirubin": 0.5, "ast": 0.6, "alt": 0.6, "creatinine": 0.8}
    return (*found, *(measured(name, 0.6, times_upper_limit=times) for name, times in limits.items()))


def her2(status="positive", **more):
    return (receptor("her2", status, **more), receptor("er", "negative"), receptor("pr", "negative"))


def record(**members):
    base = {
        "measurements": measurements(),
        "receptors": her2(ihc="3+"),
        "diagnoses": (illness("breast-cancer", "disease", "2022-12-20"),),
        "cns": brain("none", leptomeningeal="none"),
        "toxicities": (toxicity("ild", certainty=Certainty.REFUTED),),
        "statements": (Statement(about="measurable_disease", value="measurable", date=day(RECENT), evidence=ref("m")),),
        "biomarkers": (Biomarker(marker="pik3ca", value="wild_type", date=day("2026-01-01"), evidence=ref("ngs")),),
    }
    return patient(**(base | members))


THREE = (THP, TDXD, TUCATINIB)


def running(agents, number, days):
    """A line that began so many days ago and goes on."""
    return f"{number} | {agents} | {(TODAY - timedelta(days=days)).isoformat()} | | \n"


FIRST = {
    "diagnoses": (illness("breast-cancer", "disease", "2026-10-01"),),
    "biomarkers": (Biomarker(marker="pik3ca", value="mutated", date=day("2026-10-01"), evidence=ref("ngs")),),
}
GROWING = {
    "cns": brain("active_not_urgent", RECENT, is_treated=True, largest_lesion_mm=12, leptomeningeal="none"),
    "local_therapies": (
        LocalTherapy(kind="srs", site="brain", date=day("2026-02-01"), is_planned=False, evidence=ref("srs")),
    ),
}
PATIENTS = {
    "THP, T-DXd, tucatinib": lambda: (record(), lines(*THREE)),
    "no QTc": lambda: (record(measurements=measurements(qtc_ms=None)), lines(*THREE)),
    "LVEF 46": lambda: (record(measurements=measurements(lvef_percent=46.0)), lines(*THREE)),
    "LVEF 52": lambda: (record(measurements=measurements(lvef_percent=52.0)), lines(*THREE)),
    "doxorubicin": lambda: (record(), lines("early | cyclophosphamide, doxorubicin | 2018-02-01 | 2018-06-01 | completed\n", *THREE)),
    "a treated brain": lambda: (record(**GROWING), lines(*THREE)),
    "T-DM1 as third": lambda: (record(), lines(THP, TDXD, "3 | trastuzumab emtansine | 2025-08-15 | 2026-09-20 | progression\n")),
    "never T-DXd": lambda: (record(), lines(THP, "2 | trastuzumab emtansine | 2024-02-15 | 2025-08-01 | progression\n", "3 | trastuzumab, vinorelbine | 2025-08-15 | 2026-09-20 | progression\n")),
    "last dose": lambda: (record(), lines(THP, TDXD, TUCATINIB.replace("2026-09-20", (TODAY - timedelta(days=10)).isoformat()))),
    "HER2 low": lambda: (record(receptors=her2("low", ihc="1+")), lines(*THREE)),
    "HER2 IHC 2+": lambda: (record(receptors=her2(ihc="2+", ish="amplified")), lines(*THREE)),
    "ECOG 2": lambda: (record(measurements=measurements(ecog=2.0)), lines(*THREE)),
    "nobody has said": lambda: (record(statements=()), lines(*THREE)),
    "first line": lambda: (record(**FIRST), lines(running("docetaxel, pertuzumab, trastuzumab", 1, 28))),
    "forty months": lambda: (record(), lines("1 | docetaxel, pertuzumab, trastuzumab | 2021-02-01 | 2022-12-01 | progression\n", running("trastuzumab deruxtecan", 2, 1220))),
    "two HER2 drugs": lambda: (record(biomarkers=FIRST["biomarkers"]), lines("1 | docetaxel, trastuzumab | 2023-02-01 | 2024-02-01 | progression\n", "2 | capecitabine, pyrotinib | 2024-02-15 | 2026-08-01 | progression\n")),
    "pages": lambda: (record(), lines(*THREE, is_at_least=True)),
}  # fmt: skip


@cache
def table():
    """Patient -> trial -> (verdict, deciding criterion)."""
    rows: dict[str, dict[str, tuple[str, str]]] = {}
    for line in TABLE.read_text(encoding="utf-8").splitlines():
        if line.startswith("patient: "):
            rows[line.removeprefix("patient: ")] = {}
        elif line.startswith("NCT"):
            number, verdict, *rest = line.split()
            rows[list(rows)[-1]][number] = (verdict, rest[0] if verdict != "E" and rest else "")
    return rows


def test_the_table_has_a_line_for_every_trial_and_a_patient_for_every_heading():
    first, *others = table().values()
    known = case_of().knowledge.trials.by_id
    assert set(first) == set(known)
    assert all(set(it) <= set(known) for it in others)
    assert [next(name for name in PATIENTS if heading.startswith(name)) for heading in table()] == list(PATIENTS)


@pytest.mark.parametrize("heading", list(table()))
@pytest.mark.parametrize("in_full", [True, False])
def test_each_patient_against_each_trial(heading, in_full):
    told, had = PATIENTS[next(name for name in PATIENTS if heading.startswith(name))]()
    expected = next(iter(table().values())) | table()[heading]
    case = case_of(told, had)
    matches = match_trials(case, in_full=in_full)
    wrong = [
        f"{it.nct_id}: {LETTERS[it.verdict]} {it.failing or it.missing}, expected {expected[it.nct_id]}"
        for it in matches
        if LETTERS[it.verdict] != expected[it.nct_id][0]
        or (in_full and expected[it.nct_id][1] and expected[it.nct_id][1] not in (*it.failing, *it.missing))
    ]
    assert not wrong, "\n".join(wrong)


def test_what_time_heals_is_recoverable_and_dated():
    told, had = PATIENTS["last dose"]()
    found = {it.nct_id: it for it in match_trials(case_of(told, had))}["NCT06695845"]
    assert found.recoverable
    assert str(found.recovers_on) == (TODAY + timedelta(days=18)).isoformat()


@pytest.mark.parametrize("in_full", [True, False])
@pytest.mark.parametrize(
    ("patient_name", "number", "is_said"),
    [
        ("THP, T-DXd, tucatinib", "NCT06435429", True),
        ("nobody has said", "NCT06435429", True),
        ("last dose", "NCT06695845", True),
        ("HER2 low", "NCT06435429", False),
        ("a treated brain", "NCT06324357", False),
        ("a treated brain", "NCT04899908", True),
    ],
)
def test_a_suspended_trial_is_not_offered_and_named_only_where_it_might_fit(patient_name, number, is_said, in_full):
    told, had = PATIENTS[patient_name]()
    case = case_of(told, had)
    state = msgspec.structs.replace(case.knowledge.trials.by_id[number].state, is_suspended=True)
    found = {it.nct_id: it for it in match_trials(case, {number: state}, in_full=in_full)}[number]
    assert (found.verdict, found.recoverable, found.awaits_signature) == ("ineligible", False, is_said)
    assert "S0:status" in found.failing
    assert "changed since it was coded" in found.findings[0].because


def test_a_suspended_trial_that_does_not_recruit_waits_for_nobody():
    told, had = PATIENTS["THP, T-DXd, tucatinib"]()
    state = msgspec.structs.replace(
        case_of().knowledge.trials.by_id["NCT06435429"].state, is_suspended=True, status="COMPLETED"
    )
    matches = match_trials(case_of(told, had), {"NCT06435429": state})
    assert not [it for it in matches if it.awaits_signature]
