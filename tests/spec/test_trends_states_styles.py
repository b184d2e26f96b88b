"""Trends of QTc and LVEF, menopause, interaction classes and the styles of treatment records, each drawn at its boundary.

Whole resources go in, so that reading and what is made of it are held together. Source: terminology 10.2, 13; facts.yaml.
"""

from __future__ import annotations

from datetime import date

import pytest

from cdshooks.knowledge.ids import FactId
from cdshooks.lines.history import build_line_history
from cdshooks.options.facts import derive_facts
from cdshooks.record.read import read_patient_record
from tests.fhir import SNOMED, concept, condition, drug, observation, resources_of
from tests.option_cases import rows, shipped

TODAY = date(2026, 11, 22)
LOINCS = {"QTc": "8636-3", "QT": "8634-8", "LVEF": "10230-1"}


def facts_of(*resources):
    record = read_patient_record(resources_of(*resources), shipped())
    lines = build_line_history(record, shipped(), as_of=TODAY)
    return derive_facts(record, lines, shipped(), as_of=TODAY)


def told(fact, *resources):
    value = facts_of(*resources)[FactId(fact)].value
    return "unknown" if value is None else f"{value:g}" if isinstance(value, float) else str(value)


def measured(row, number):
    """One result: a known test by its code, any other by its name."""
    name, (value, _, unit) = row["test"], row["result"].partition(" ")
    made = observation("x", id=f"m{number}", day=row["day"], status=row.get("status") or "final")
    known = LOINCS.get(name)
    code = concept(known, "http://loinc.org") if known else {"text": name}
    try:
        said = {"valueQuantity": {"value": float(value), **({"unit": unit} if unit else {})}}
    except ValueError:
        said = {"valueString": row["result"]}
    return {**made, "code": code, **said}


def results(table):
    return [measured(row, number) for number, row in enumerate(rows(table))]


QTC = [
    ("a number in its unit", "QTc | 470 ms | 2026-11-10", "470"),
    ("seconds", "QTc | 0.47 s | 2026-11-10", "470"),
    ("no unit, possible in one alone", "QTc | 470 | 2026-11-10", "470"),
    ("the uncorrected interval is another test", "QT | 430 ms | 2026-11-10", "unknown"),
    ("by name and formula", "QTc (Fridericia) | 470 ms | 2026-11-10", "470"),
    ("the uncorrected interval by name", "QT interval | 430 ms | 2026-11-10", "unknown"),
    ("two numbers are neither", "QT/QTc | 400/480 ms | 2026-11-10", "unknown"),
    ("a wrong unit", "QTc | 470 mm | 2026-11-10", "unknown"),
    ("the longest that a living adult can have", "QTc | 800 ms | 2026-11-10", "800"),
    ("longer than that", "QTc | 801 ms | 2026-11-10", "unknown"),
    ("rising: the newest", "QTc | 440 ms | 2026-09-01 \n QTc | 505 ms | 2026-11-10", "505"),
    ("falling: the newest", "QTc | 505 ms | 2026-09-01 \n QTc | 440 ms | 2026-11-10", "440"),
    ("two of one day: the longer", "QTc | 440 ms | 2026-11-10 \n QTc | 505 ms | 2026-11-10", "505"),
    ("not yet measured", "QTc | 505 ms | 2026-11-23", "unknown"),
    ("measured today", "QTc | 505 ms | 2026-11-22", "505"),
]


@pytest.mark.parametrize(("name", "drawn", "expected"), QTC, ids=[it[0] for it in QTC])
def test_qtc_in_force(name, drawn, expected):
    assert told("qtc_ms", *results(f"test | result | day\n{drawn}")) == expected


LVEF = [
    # name, results, in force, first, fall, lowest
    ("one result has no trend", "LVEF | 60 % | 2026-11-10", "60", "60", "unknown", "60"),
    ("a fall", "LVEF | 64 % | 2024-01-10 \n LVEF | 54 % | 2026-11-10", "54", "64", "10", "54"),
    ("a rise is no fall", "LVEF | 54 % | 2024-01-10 \n LVEF | 64 % | 2026-11-10", "64", "54", "0", "54"),
    (
        "the lowest lies between",
        "LVEF | 64 % | 2024-01-10 \n LVEF | 44 % | 2025-06-01 \n LVEF | 58 % | 2026-11-10",
        "58",
        "64",
        "6",
        "44",
    ),
    ("a fraction", "LVEF | 0.64 1 | 2024-01-10 \n LVEF | 0.49 1 | 2026-11-10", "49", "64", "15", "49"),
    ("a range counts by its lower end", "LVEF | 45-50 % | 2026-11-10", "45", "45", "unknown", "45"),
    ("of one day the lower in force", "LVEF | 60 % | 2026-11-10 \n LVEF | 55 % | 2026-11-10", "55", "60", "5", "55"),
    ("and the higher to fall from", "LVEF | 55 % | 2026-11-10 \n LVEF | 60 % | 2026-11-10", "55", "60", "5", "55"),
    ("in another language", "Linksventrikuläre Ejektionsfraktion | 60 % | 2026-11-10", "60", "60", "unknown", "60"),
    ("the right ventricle is another", "Right ventricular ejection fraction | 40 % | 2026-11-10", *["unknown"] * 4),
    ("the gallbladder is another", "Gallbladder ejection fraction | 30 % | 2026-11-10", *["unknown"] * 4),
    ("impossible", "LVEF | 640 % | 2026-11-10", *["unknown"] * 4),
]


@pytest.mark.parametrize("case", LVEF, ids=[it[0] for it in LVEF])
def test_lvef_in_force_with_its_trend_and_nadir(case):
    _, drawn, *expected = case
    found = results(f"test | result | day\n{drawn}")
    facts = ("lvef_percent", "lvef_baseline_percent", "lvef_drop_points", "lvef_nadir_percent")
    assert [told(fact, *found) for fact in facts] == expected


@pytest.mark.parametrize(("status", "expected"), [("final", "44"), ("entered-in-error", "64"), ("cancelled", "64")])
def test_a_withdrawn_result_makes_no_nadir(status, expected):
    drawn = f"test | result | day | status\nLVEF | 64 % | 2024-01-10 | final\nLVEF | 44 % | 2025-06-01 | {status}"
    assert told("lvef_nadir_percent", *results(drawn)) == expected


MENOPAUSE = """
    by            | says                       | status
    code          | 76498008                   | postmenopausal
    code          | 22636003                   | premenopausal
    code          | Post-menopausal            | postmenopausal
    code          | Menopause                  | unknown
    name          | postmenopausal             | postmenopausal
    name          | Post menopausal since 2015 | postmenopausal
    name          | pre                        | premenopausal
    name          | perimenopausal             | perimenopausal
    name          | prämenopausal              | premenopausal
    name          | not postmenopausal         | unknown
    name          | unclear                    | unknown
    diagnosis     | Z78.0                      | postmenopausal
    diagnosis     | E28.310                    | postmenopausal
    diagnosis     | N95.1                      | unknown
    words         | Postmenopausal             | postmenopausal
    words         | Not postmenopausal         | unknown
    words         | Family history: mother postmenopausal | unknown
"""


@pytest.mark.parametrize("row", rows(MENOPAUSE), ids=lambda row: f"{row['by']} {row['says']}")
def test_menopause(row):
    says = row["says"]
    value = concept(says, SNOMED) if says.isdigit() else {"text": says}
    made = {
        "code": observation("161712005", system=SNOMED, valueCodeableConcept=value),
        "name": {**observation("x", valueString=says), "code": {"text": "Menopausal status"}},
        "diagnosis": condition(says),
        "words": condition(text=says),
    }[row["by"]]
    assert told("menopause", made) == row["status"]


CLASSES = """
    drug                | acts as
    omeprazole 20 mg    | ppi
    Pantoprazol         | ppi
    famotidine          | h2_blocker
    vonoprazan          |
    calcium carbonate   | antacid
    calcium citrate     |
    clarithromycin      | qt_prolonging, strong_cyp3a4_inhibitor
    erythromycin        | moderate_cyp3a4_inhibitor
    azithromycin        |
    voriconazole        | strong_cyp3a4_inhibitor
    fluconazole         | moderate_cyp3a4_inhibitor
    terbinafine         |
    rifampicin          | cyp2c8_inducer, strong_cyp3a4_inducer
    efavirenz           | moderate_cyp3a4_inducer
    gemfibrozil         | strong_cyp2c8_inhibitor
    fenofibrate         |
    clopidogrel         | antiplatelet, moderate_cyp2c8_inhibitor
    ticagrelor          | antiplatelet
    warfarin            | anticoagulant, coumarin
    apixaban            | anticoagulant, cyp3a_substrate_serious
    heparin             | anticoagulant
    phenytoin           | phenytoin, strong_cyp3a4_inducer
    levetiracetam       |
    digoxin             | pgp_substrate_narrow
    metformin           | metformin
    simvastatin         | cyp3a_substrate_serious
    pravastatin         |
    St John's wort      | strong_cyp3a4_inducer
    dexamethasone       | corticosteroid, dexamethasone
    prednisone          | corticosteroid
    vancomycin          | iv_anti_infective
    yellow fever vaccine | live_vaccine
    influenza vaccine   |
"""


@pytest.mark.parametrize("row", rows(CLASSES), ids=lambda row: row["drug"])
def test_interaction_classes_of_what_is_taken(row):
    taken = drug("MedicationStatement", row["drug"], status="active", effectivePeriod={"start": "2026-10-01"})
    expected = [it.strip() for it in row["acts as"].split(",") if it.strip()]
    assert list(facts_of(taken)[FactId("comeds")].value) == expected


@pytest.mark.parametrize(
    ("members", "is_taken"),
    [
        ({"status": "active", "effectivePeriod": {"start": "2026-11-22"}}, True),
        ({"status": "active", "effectivePeriod": {"start": "2026-11-23"}}, False),  # begins tomorrow
        ({"status": "completed", "effectivePeriod": {"start": "2026-10-01", "end": "2026-11-01"}}, False),
        ({"status": "stopped", "effectivePeriod": {"start": "2026-10-01"}}, False),
        ({"status": "not-taken", "effectivePeriod": {"start": "2026-10-01"}}, False),
    ],
)
def test_only_what_is_taken_now_interacts(members, is_taken):
    taken = {**drug("MedicationStatement", "omeprazole"), **members}
    assert facts_of(taken)[FactId("comeds")].value == (("ppi",) if is_taken else ())


# ---- styles of statements: one for each cycle, one for a course, one for several drugs


def statements(table):
    """One statement for each row; ``at`` makes it one of a day, ``from`` and ``to`` one of a period."""
    made = []
    for number, row in enumerate(rows(table)):
        day = {"effectiveDateTime": row["at"]} if row.get("at") else {}
        span = {key: row[name] for key, name in (("start", "from"), ("end", "to")) if row.get(name)}
        period = {"effectivePeriod": span} if span else {}
        made.append(drug("MedicationStatement", row["drug"], id=f"s{number}", status="completed", **day, **period))
    return made


METASTATIC = condition("C78.7", id="met", onsetDateTime="2024-12-20")


def lines_of(table):
    record = read_patient_record(resources_of(METASTATIC, *statements(table)), shipped())
    found = build_line_history(record, shipped(), as_of=TODAY)
    return [(line.number, ", ".join(line.agents), str(line.start), len(line.courses)) for line in found.lines]


COURSE = """
drug        | from       | to
paclitaxel  | 2025-01-06 | 2025-03-24
trastuzumab | 2025-01-06 | 2025-12-01
"""
CYCLES = """
drug        | at
paclitaxel  | 2025-01-06
paclitaxel  | 2025-01-13
paclitaxel  | 2025-01-20
paclitaxel  | 2025-02-03
paclitaxel  | 2025-02-10
paclitaxel  | 2025-02-17
trastuzumab | 2025-01-06
trastuzumab | 2025-01-27
trastuzumab | 2025-02-17
"""
ONE_DAY_PERIODS = CYCLES.replace("| at", "| from       | to")
ONE_DAY_PERIODS = "\n".join(
    line if "from" in line or not line else f"{line} | {line.partition('|')[2].strip()}"
    for line in ONE_DAY_PERIODS.splitlines()
)
TOGETHER = """
drug                     | from       | to
Paclitaxel + Trastuzumab | 2025-01-06 | 2025-03-24
trastuzumab              | 2025-03-25 | 2025-12-01
"""
CYCLES_AS_PERIODS = """
drug                     | from       | to
Paclitaxel + Trastuzumab | 2025-01-06 | 2025-01-26
Paclitaxel + Trastuzumab | 2025-01-27 | 2025-02-16
Paclitaxel + Trastuzumab | 2025-02-17 | 2025-03-09
"""


@pytest.mark.parametrize("style", [COURSE, CYCLES, ONE_DAY_PERIODS, TOGETHER, CYCLES_AS_PERIODS])
def test_however_a_course_is_stated_it_is_one_line_and_one_course_of_each_drug(style):
    assert lines_of(style) == [(1, "paclitaxel, trastuzumab", "2025-01-06", 2)]


def test_a_period_of_one_day_is_a_dose_and_a_month_is_a_course():
    table = "drug | from | to\ntrastuzumab | 2025-01-06 | 2025-01-06\npertuzumab | 2025-01 | 2025-01\ndocetaxel | 2025-01-06 | 2025-01-07"
    exposures = read_patient_record(resources_of(*statements(table)), shipped()).exposures
    assert {it.agent: it.is_single_dose for it in exposures} == {
        "trastuzumab": True,
        "pertuzumab": False,
        "docetaxel": False,
    }


def test_two_courses_with_another_regimen_between_are_two_lines_in_any_style():
    between = "\ntrastuzumab deruxtecan | 2025-06-01 | 2025-12-01\npaclitaxel | 2026-01-05 | 2026-03-30"
    table = "drug | from | to\npaclitaxel | 2025-01-06 | 2025-03-24" + between
    assert [agents for _, agents, _, _ in lines_of(table)] == ["paclitaxel", "trastuzumab deruxtecan", "paclitaxel"]
