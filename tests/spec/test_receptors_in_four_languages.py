"""ER and PR as French, Spanish and Italian reports write them, and the hormone receptors told as one.

Source: terminology 10.4; BMC Cancer 2015, doi 10.1186/s12885-015-1121-4 (HR-positive: ER and/or PR; HR-negative: neither).
"""

from datetime import date

import pytest

from cdshooks.cards.detail import receptors_in_force
from cdshooks.knowledge.load import load_knowledge
from cdshooks.lines.history import build_line_history
from cdshooks.options.assess import assess_options
from cdshooks.record.read import read_patient_record
from tests.fhir import LOINC, condition, observation, resources_of

KNOWLEDGE = load_knowledge()
AS_OF = date(2024, 3, 1)


def report(text, day="2024-01-10", name="r"):
    coded = {"coding": [{"system": LOINC, "code": "22637-3"}]}
    made = {"resourceType": "DiagnosticReport", "id": name, "status": "final", "code": coded}
    return {**made, "effectiveDateTime": day, "conclusion": text}


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def told(*resources):
    found = record(*resources).receptors
    return {it.marker: (it.status if it.percent is None else f"{it.status} {it.percent:g}") for it in found}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("RE 90 %, RP négatif, HER2 3+", {"er": "positive 90", "pr": "negative", "her2": "positive"}),
        ("RE : 90 % ; RP : 0 % ; HER2 : score 3+", {"er": "positive 90", "pr": "negative 0", "her2": "positive"}),
        ("RE : <1 %, RP : <1 %", {"er": "negative 1", "pr": "negative 1"}),
        ("RE+ RP-", {"er": "positive", "pr": "negative"}),
        ("RE (+), RP (-)", {"er": "positive", "pr": "negative"}),
        ("RE négatifs, RP négatifs", {"er": "negative", "pr": "negative"}),
        ("récepteurs aux estrogènes positifs", {"er": "positive"}),
        ("Récepteurs aux œstrogènes : négatifs", {"er": "negative"}),
        ("RECEPTEURS AUX OESTROGENES : 80 %", {"er": "positive 80"}),
        ("récepteurs à la progestérone négatifs", {"pr": "negative"}),
        ("Récepteurs hormonaux : RE 90%, RP 10%", {"er": "positive 90", "pr": "positive 10"}),
        ("receptores de estrógeno positivos (90%)", {"er": "positive 90"}),
        ("RE positivo 90%, RP negativo", {"er": "positive 90", "pr": "negative"}),
        ("receptor de progesterona: negativo", {"pr": "negative"}),
        ("recettori estrogenici 90%, recettori progestinici negativi", {"er": "positive 90", "pr": "negative"}),
        ("HER2 sobreexpresado", {"her2": "positive"}),
        ("HER2 surexprimé", {"her2": "positive"}),
        # what only looks like a receptor
        ("RE: biopsy of the liver", {}),
        ("RE - regular margins. RP - none", {}),
        ("re 90 % of cells", {}),
        ("RP/HER2", {}),
        # another time, a question
        ("RE positif en 2018", {}),
        ("Antécédent : RE positif.\nBiopsie : RE négatif", {"er": "negative"}),
        ("RE positif ?", {}),
    ],
)
def test_receptors_of_reports_in_french_spanish_and_italian(text, expected):
    assert told(report(text)) == expected


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("RE", "90 %", {"er": "positive 90"}),
        ("RP", "négatif", {"pr": "negative"}),
        ("Récepteurs aux estrogènes (RE)", "positifs", {"er": "positive"}),
        ("Receptores de progesterona", "negativos", {"pr": "negative"}),
        ("Hormone receptor status", "positive", {"hr": "positive"}),
        ("Hormonrezeptorstatus", "negativ", {"er": "negative", "pr": "negative"}),
        ("REM sleep", "90 %", {}),
    ],
)
def test_receptors_of_observations_known_by_their_name(name, value, expected):
    made = observation("1", system="https://lab.example", valueString=value)
    made["code"]["text"] = name
    assert told(made) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HR+ / HER2+", {"hr": "positive", "her2": "positive"}),
        ("HR-positive, HER2-positive", {"hr": "positive", "her2": "positive"}),
        ("HR positive", {"hr": "positive"}),
        ("hormone receptor positive", {"hr": "positive"}),
        ("hormone-receptor-negative", {"er": "negative", "pr": "negative"}),
        ("HR- HER2+", {"er": "negative", "pr": "negative", "her2": "positive"}),
        ("HR-negative", {"er": "negative", "pr": "negative"}),
        ("Hormonrezeptor-positiv", {"hr": "positive"}),
        ("récepteurs hormonaux négatifs", {"er": "negative", "pr": "negative"}),
        ("receptores hormonales positivos", {"hr": "positive"}),
        ("recettori ormonali positivi", {"hr": "positive"}),
        # a heart rate, a hazard ratio
        ("HR 92/min", {}),
        ("HR - 92", {}),
        ("HR 0.68, positive trial", {}),
        ("RH positif", {}),  # a blood group as well
        ("if hormone receptor positive, add letrozole", {}),
    ],
)
def test_hormone_receptors_told_as_one(text, expected):
    assert told(report(text)) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Carcinome mammaire RE+ RP- HER2+", {"er": "positive", "pr": "negative", "her2": "positive"}),
        ("HR+ HER2+ breast cancer", {"hr": "positive", "her2": "positive"}),
        ("Cáncer de mama RE+/RP+/HER2-", {"er": "positive", "pr": "positive", "her2": "negative"}),
    ],
)
def test_receptors_of_a_diagnosis(text, expected):
    assert told(condition(text=text)) == expected


@pytest.mark.parametrize(
    ("code", "expected"),
    [
        ("Z17.410", {"hr": "positive", "her2": "positive"}),
        ("Z17.420", {"er": "negative", "pr": "negative", "her2": "positive"}),
    ],
)
def test_a_code_for_both_hormone_receptors_leaves_open_which_is_positive(code, expected):
    assert told(condition(code)) == expected


def advice_of(*texts):
    read = record(*(report(text, day=f"2024-01-{at + 1:02}", name=f"r{at}") for at, text in enumerate(texts)))
    return assess_options(
        read, build_line_history(read, KNOWLEDGE, as_of=AS_OF), KNOWLEDGE, as_of=AS_OF, jurisdiction="EU"
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("HR positive, HER2 3+", "HER2 positive (2024-01-01), ER or PR (which is not told) positive (2024-01-01)"),
        ("ER positive, HER2 3+", "HER2 positive (2024-01-01), ER positive (2024-01-01), PR unknown"),
        ("HER2 3+", "HER2 positive (2024-01-01), ER unknown, PR unknown"),
    ],
)
def test_a_card_says_that_one_of_the_two_is_positive(text, expected):
    assert expected in receptors_in_force(advice_of(text))


@pytest.mark.parametrize(
    ("texts", "er", "hr"),
    [
        (("HR positive",), None, "positive"),
        (("HR negative",), "negative", "negative"),
        (("HR positive", "ER negative"), "negative", None),  # the newer ER, and PR is not known
        (("ER negative, PR negative", "HR positive"), "negative", None),  # they contradict each other
        (("HR positive", "ER negative, PR negative"), "negative", "negative"),
        (("ER negative", "HR positive"), "negative", "positive"),
        (("ER 90 %", "HR positive"), "positive", "positive"),
        (("HR positive", "HR negative"), "negative", "negative"),
    ],
)
def test_what_the_status_in_force_is(texts, er, hr):
    advice = advice_of(*texts)
    facts = {str(it.id): it.value for it in advice.facts}
    assert (facts["er"], facts["hr"]) == (er, hr)
