"""Whether a test shows or excludes a pregnancy. A number alone never excludes one; what stays open is said.

Source: reading_limits.csv (Mayo Clinic Laboratories THCG, MercyOne laboratory catalogue).
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import LOINC, concept, observation, resources_of

KNOWLEDGE = load_knowledge()
SERUM, BETA, PRESENCE = "83086-9", "21198-7", "2118-8"
INTERPRETED = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"
FIVE = {"high": {"value": 5, "unit": "mIU/mL"}}


def record(made, sex="female"):
    patient = {"resourceType": "Patient", "id": "p", "gender": sex}
    return read_patient_record(resources_of(patient, made), KNOWLEDGE)


def told(made, sex="female"):
    """The statement on pregnancy, and whether something is said to be open."""
    read = record(made, sex)
    (state,) = [it.value for it in read.statements if it.about == "pregnancy"] or [None]
    return state, any(it.code == "open-test" for it in read.doubts)


def hcg(value, unit="mIU/mL", code=SERUM, comparator=None, **more):
    quantity = {"value": value, "unit": unit, **({"comparator": comparator} if comparator else {})}
    return observation(code, valueQuantity=quantity, **more)


@pytest.mark.parametrize(
    ("value", "comparator", "ranges", "expected"),
    [
        (4.9, None, [FIVE], ("not_pregnant", False)),
        (5, None, [FIVE], ("not_pregnant", False)),
        (5.1, None, [FIVE], ("possible", True)),
        (1.2, "<", [FIVE], ("not_pregnant", False)),
        (5, "<", [FIVE], ("not_pregnant", False)),
        (25, "<", [FIVE], (None, True)),  # below 25 may be above 5
        (2, ">", [FIVE], (None, True)),
        (6, ">", [FIVE], ("possible", True)),
        (85000, None, [FIVE], ("possible", True)),
        # the laboratory's own range decides, not ours
        (8, None, [{"high": {"value": 10, "unit": "IU/L"}}], ("not_pregnant", False)),
        (4, None, [{"high": {"value": 3, "unit": "IU/L"}}], ("possible", True)),
        (4, None, [{"text": "<5 mIU/mL"}], ("not_pregnant", False)),
        (5, None, [{"text": "<5 mIU/mL"}], ("possible", True)),
        (5, None, [{"text": "0 - 5"}], ("not_pregnant", False)),
        # without a range nothing is excluded, and what is raised everywhere is a possible pregnancy
        (0.5, None, [], (None, True)),
        (4.9, None, [], (None, True)),
        (1, "<", [], (None, True)),
        (5, None, [], ("possible", True)),
        # a range of pregnant women excludes nothing
        (60, None, [{"low": {"value": 9}, "high": {"value": 130}, "text": "4 weeks"}], ("possible", True)),
        (3, None, [{"low": {"value": 1}, "high": {"value": 20}}], (None, True)),
        (20, None, [{"high": {"value": 25, "unit": "IU/L"}}], ("not_pregnant", False)),
        (20, None, [{"high": {"value": 26, "unit": "IU/L"}}], ("possible", True)),
        (3, None, [{"high": {"value": 26, "unit": "IU/L"}}], (None, True)),
        (3, None, [{"high": {"value": 20}, "appliesTo": [{"text": "pregnant, week 3"}]}], (None, True)),
        (3, None, [{"high": {"value": 5}, "appliesTo": [{"text": "non-pregnant"}]}], ("not_pregnant", False)),
        # of several the strictest
        (6, None, [FIVE, {"high": {"value": 8}, "appliesTo": [{"text": "postmenopausal"}]}], ("possible", True)),
        (4, None, [FIVE, {"low": {"value": 9}, "high": {"value": 130}, "text": "SSW 4"}], ("not_pregnant", False)),
    ],
)
def test_a_measured_hcg_beside_the_range_of_its_laboratory(value, comparator, ranges, expected):
    assert told(hcg(value, comparator=comparator, referenceRange=ranges)) == expected


@pytest.mark.parametrize(
    ("value", "code", "text", "expected"),
    [
        (3, "NEG", None, ("not_pregnant", False)),
        (18, "NEG", None, ("not_pregnant", False)),
        (26, "NEG", None, ("possible", True)),  # no laboratory calls that negative
        (3, "POS", None, ("pregnant", False)),
        (12, "IND", None, ("possible", True)),
        (3, "IND", None, ("possible", True)),
        (3, None, "negativ", ("not_pregnant", False)),
        (12, None, "grenzwertig", ("possible", True)),
        (120, None, "positif", ("pregnant", False)),
        (3, "NEG", "positive", ("possible", True)),  # two words that differ
        (3, "N", None, (None, True)),  # normal for whom is not said
    ],
)
def test_the_word_of_the_laboratory_beside_the_number(value, code, text, expected):
    interpretation = [concept(code, INTERPRETED, text)]
    assert told(hcg(value, interpretation=interpretation)) == expected


@pytest.mark.parametrize(
    ("unit", "expected"),
    [
        *(
            (unit, ("not_pregnant", False))
            for unit in ("m[IU]/mL", "IU/L", "[IU]/L", "UI/L", "mUI/mL", "U/l", "mIE/ml", None)
        ),
        ("ng/mL", (None, True)),
    ],
)
def test_units_of_hcg_as_laboratories_write_them(unit, expected):
    made = hcg(3, unit, referenceRange=[{"high": {"value": 5}}])
    if unit is None:
        del made["valueQuantity"]["unit"]
    assert told(made) == expected


@pytest.mark.parametrize(
    "name",
    [
        "beta-hCG",
        "β-HCG",
        "ß-HCG im Serum",
        "hCG quantitative",
        "HCG plasmatique",
        "Choriongonadotropin",
        "B-HCG",
        "Gonadotropina coriónica",
    ],
)
def test_a_test_known_by_its_name(name):
    made = hcg(3, code="4711", system="https://lab.example", referenceRange=[FIVE])
    made["code"]["text"] = name
    assert told(made) == ("not_pregnant", False)


@pytest.mark.parametrize("name", ["free beta-hCG", "freies β-hCG", "beta-hCG libre", "hCG free", "Creatinine"])
def test_another_hormone_or_test_says_nothing_of_a_pregnancy(name):
    made = hcg(3, code="4711", system="https://lab.example", referenceRange=[FIVE])
    made["code"]["text"] = name
    assert told(made) == (None, False)


@pytest.mark.parametrize(
    ("name", "words", "expected"),
    [
        ("Urine pregnancy test", "negative", ("not_pregnant", False)),
        ("Schwangerschaftstest (Urin)", "negativ", ("not_pregnant", False)),
        ("Test de grossesse urinaire", "négatif", ("not_pregnant", False)),
        ("Prueba de embarazo", "positiva", ("pregnant", False)),
        ("hCG", "not detected", ("not_pregnant", False)),
        ("hCG", "not negative", ("possible", True)),
        ("hCG", "indeterminate, repeat in 48 h", ("possible", True)),
        ("hCG", "negative?", ("possible", True)),
        ("hCG", "previously positive, now negative", ("possible", True)),
        ("hCG", "not done", (None, True)),
        ("hCG", "see comment", (None, True)),
        ("hCG", "patient is not pregnant", ("not_pregnant", False)),
        ("hCG", "<2 mIU/mL (negative)", ("not_pregnant", False)),
        ("hCG", "<2 mIU/mL", (None, True)),
    ],
)
def test_a_test_told_in_words(name, words, expected):
    made = observation("4711", system="https://lab.example", valueString=words)
    made["code"]["text"] = name
    assert told(made) == expected


@pytest.mark.parametrize(
    ("answer", "expected"),
    [("LA6577-6", ("not_pregnant", False)), ("LA6576-8", ("pregnant", False)), ("LA11884-6", ("possible", True))],
)
def test_a_test_told_by_a_code(answer, expected):
    assert told(observation(PRESENCE, valueCodeableConcept=concept(answer, LOINC))) == expected


@pytest.mark.parametrize("value", [1, 60])
def test_the_hcg_of_a_man_is_a_measurement_and_no_test_for_pregnancy(value):
    made = hcg(value, code=BETA, referenceRange=[FIVE])
    assert told(made, sex="male") == (None, False)
    assert [(it.fact, it.value) for it in record(made, "male").measurements] == [("hcg", value)]


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_test_says_nothing(status):
    assert told(hcg(3, referenceRange=[FIVE], status=status)) == (None, False)
