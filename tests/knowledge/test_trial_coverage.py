"""Each number and each medical term of a registry text stands in a criterion that points to its place, or a reason says why not.

The registry's prose is not shipped, so these tests run where the records are at hand.
"""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from cdshooks.knowledge.trial_criteria import ConMed, Infection, Lab
from cdshooks.knowledge.trial_text import names_of, places_of
from tests.knowledge.test_trial_coding import criteria, needs_records, record, trials

REASONS = Path(__file__).with_name("trial_numbers_not_coded.txt")
WORDS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "twelve": 12}
NO_LIMIT = (
    r"\A\s*\d{1,2}\.\s",  # the number of the item
    r"\b(?:her-?[23]|erbb2|pd-?l1|cyp\w+|cd4\+?|hiv-?\d|hiv 1/2|ds-?8201a?|rt?nase\d|sars-cov-2|covid-19|ki-?67|cldn18\.2)\b",
    r"\b(?:5-fluorouracil|12-lead|v(?:ersion)? ?\d\.\d|recist\D{0,40}\d\.\d|\(?ctcae\)?\D{0,10}\d(?:\.\d)?|1\.73|ckd-epi \(\d{4}\))",
    r"\b(?:cohorts?|stages?|phases?|modules?|cycle|day|arm|appendix|section|part)\s+\d\w*(?:(?:,| and| or|/)\s*\d\w*)*",
    r"\bc1d1\b|\btopoisomerase (?:1|i)\b|10\s*\^?\s*[369]\b|10[39](?=\s*/|μ)|\b106/",
    r"\b(?:\d+|one|two|five)\s+(?:drug elimination |elimination )?half-lives",  # days are coded, half-lives are not in our table
    r"[<>≤≥]?\s*\d+\s*mm ?hg",  # how high a pressure is, a person judges
    r"up to \d+ patients",  # quotas are never decided here
)
"""What holds a number and sets no limit to a patient."""
SCREENING_WINDOW = r"(?:within|obtained within|≤)\s*(?:the last )?\d+ days?|for \d+ days|\d+ week prior"
"""A laboratory value is measured anew at screening; how old one may be for us stands with its fact."""
TERMS = {
    r"\bHIV\b|immunodeficiency virus": ("Infection", "HIV"),
    r"\bhepatitis\b": ("Infection", "hepatitis"),
    r"pregnan": ("Reproductive", "pregnan"),
    r"breast-?feed|lactat|nursing": ("Reproductive", "breastfe"),
    r"interstitial lung|\bILD\b|pneumonitis": ("Ild", "ILD|pneumonitis"),
    r"leptomening|carcinomatous mening": ("Leptomeningeal", "mening"),
    r"brain met|CNS met|central nervous system met": ("CnsDisease", "brain|CNS"),
    r"ejection fraction|LVEF": ("Lvef", "LVEF"),
    r"\bQTc?F?\b": ("Qtc", "QT"),
    r"\bECOG\b": ("Ecog", "ECOG"),
    r"transplant": ("Comorbidity", "transplant"),
    r"seizure|epilep": ("CnsDisease|Comorbidity", "seizure|epilep"),
    r"autoimmune": ("Comorbidity", "autoimmune"),
    r"CYP ?3A|CYP ?2C8": ("ConMed", "CYP"),
    r"live.{0,20}vaccine": ("ConMed", "vaccine"),
    r"neuropathy": ("ResidualToxicity|Comorbidity", "neuropath"),
    r"heart failure|\bCHF\b": ("Cardiac", "heart"),
    r"myocardial infarction": ("Cardiac", "infarct|heart"),
    r"arrhythmia": ("Cardiac", "arrhythm|heart"),
    r"(?<!pulmonary )hypertension": ("Cardiac", "blood pressure|heart"),
    r"major surgery": ("Washout", "surgery"),
    r"\bneutrophil": ("Lab", "Neutrophils"),
    r"\bplatelet": ("Lab", "Platelets"),
    r"h(?:a)?emoglobin": ("Lab", "Hemoglobin"),
    r"bilirubin": ("Lab", "Bilirubin"),
    r"creatinine": ("Lab", "reatinine|clearance|filtration"),
    r"anthracycline|doxorubicin": ("PriorTherapy", "anthracycline"),
    r"measurable": ("MeasurableDisease", "measur|mm "),
    r"tubercul": ("Infection", "tubercul"),
    r"(?:another|other|prior) malignan|second primary": ("SecondMalignancy", "cancer"),
}
"""A term of the text -> the kind of criterion that asks for it, or a word of ours that names it."""
TERM_HAS_NO_CRITERION = {
    ("NCT02693535", "inclusion 17", "measurable"): "a note that repeats inclusion 11",
    ("NCT03418961", "inclusion 5", "brain met"): "brain metastases are allowed, so nothing is asked",
    ("NCT04585958", "inclusion 16", "measurable"): "ovarian cancer only",
}


def pointing(number: str):
    """Place, its text, and the criteria that point to it."""
    known = list(criteria(trials()[number]))
    for place in places_of(record(number)["eligibilityModule"]["eligibilityCriteria"]):
        if not place.name.startswith("preamble"):
            yield place, [it for it in known if any(place.name in names_of(pointer) for pointer in it.at)]


def numbers(text: str) -> set[float]:
    plain = re.sub(r"(?<=\d),(?=\d{3})", "", text.lower())
    for pattern in NO_LIMIT:
        plain = re.sub(pattern, " ", plain)
    return {float(it) for it in re.findall(r"(?<![\w.-])\d+(?:\.\d+)?(?=x\b|[^\w.]|\.\D|\.?\Z)", plain)}


def coded_numbers(asked) -> set[float]:
    # of other drugs a pause that stands in our sentence alone is not kept
    told = [msgspec.structs.replace(it, at=(), id="", says="" if isinstance(it, ConMed) else it.says) for it in asked]
    text = " ".join(msgspec.json.encode(it).decode().lower() for it in told)
    text = re.sub(r"cyp\w+", " ", text)
    found = {float(it) for it in re.findall(r"\d+(?:\.\d+)?", text)}
    found |= {float(value) for word, value in WORDS.items() if re.search(rf"\b{word}\b", text)}
    scaled = {round(it * by, 6) for it in found for by in (7, 30, 12, 365, 1000)}
    return found | scaled | {round(it / by, 6) for it in found for by in (7, 30, 12, 365, 1000)}


def stated() -> dict[tuple[str, str], set[float]]:
    rows = [it.split("|") for it in REASONS.read_text(encoding="utf-8").splitlines() if it and not it.startswith("#")]
    assert all(len(row) == 4 and row[3].strip() for row in rows)
    return {(row[0].strip(), row[1].strip()): {float(it) for it in row[2].split()} for row in rows}


@needs_records
def test_every_number_of_a_place_that_decides_is_coded_or_a_reason_says_why_not():
    left: dict[tuple[str, str], set[float]] = {}
    for number in sorted(trials()):
        for place, asked in pointing(number):
            deciding = [it for it in asked if it.decides]
            if not deciding or all(isinstance(it, Infection) for it in deciding):
                continue  # loads, cell counts and times of an infection under treatment are for a person
            text = place.text
            if all(isinstance(it, Lab) for it in deciding):
                text = re.sub(SCREENING_WINDOW, "", text.lower())
            gone = {it for it in numbers(text) if it not in coded_numbers(asked)}
            if gone:
                left[number, place.name] = gone
    assert left == stated()


@needs_records
@pytest.mark.parametrize("number", sorted(trials()))
def test_every_medical_term_of_a_place_is_asked_for_there(number):
    left = []
    for place, asked in pointing(number):
        if not any(it.decides for it in asked):
            continue
        words = " ".join(f"{it.says} {it.review_if_not_met or ''} {it.note or ''}" for it in asked)
        kinds = {type(it).__name__ for it in asked}
        for term, (kind, word) in TERMS.items():
            found = re.search(term, place.text, re.IGNORECASE)
            if found is None or kinds & set(kind.split("|")) or re.search(word, words, re.IGNORECASE):
                continue
            left.append((number, place.name, found.group(0).lower()))
    assert [it for it in left if it not in TERM_HAS_NO_CRITERION] == []
