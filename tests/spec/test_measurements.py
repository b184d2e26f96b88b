"""Numbers about the patient: units, ranges, comparators, impossible values. Source: terminology 13; UCUM."""

import pytest

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.codes import load_codes
from cdshooks.knowledge.measures import load_measures
from cdshooks.knowledge.units import factor_between
from cdshooks.record.measurements import MeasurementReader
from cdshooks.record.numbers import number_in, numbers_in
from cdshooks.record.terms import RecordTerms
from tests.fhir import LOINC, concept, observation, resources_of

TERMS, MEASURES = RecordTerms(load_codes()), load_measures()
LVEF, ANC, CREATININE, BILIRUBIN, HB, ECOG, WEIGHT = (
    "10230-1",
    "26499-4",
    "2160-0",
    "1975-2",
    "718-7",
    "89247-1",
    "29463-7",
)


def read(*resources):
    return MeasurementReader(TERMS, MEASURES).read(resources_of(*resources))


def value(code, member):
    reading = read(observation(code, **member))
    return [(it.value if it.value is not None else (it.low, it.high)) for it in reading.measurements] + [
        it.code for it in reading.doubts
    ]


def quantity(number, unit=None):
    return {"valueQuantity": {"value": number, **({"unit": unit, "code": unit} if unit else {})}}


@pytest.mark.parametrize(
    ("code", "number", "unit", "expected"),
    [
        (LVEF, 58, "%", 58),
        (LVEF, 0.58, "1", 58),
        (LVEF, 0.58, None, 58),
        (LVEF, 58, None, 58),
        (LVEF, 0.58, "%", "impossible"),
        (LVEF, 4.9, "%", "impossible"),
        (LVEF, 5, "%", 5),
        (LVEF, 90, "%", 90),
        (LVEF, 91, "%", "impossible"),
        (LVEF, 58, "mL", "unit"),
        (ANC, 1.5, "10*9/L", 1.5),
        (ANC, 1.5, "10*3/uL", 1.5),
        (ANC, 1500, "/uL", 1.5),
        (ANC, 1500, "cells/µL", 1.5),
        (ANC, 1.5, "x10^9/L", 1.5),
        (ANC, 1.5, "10⁹/L", 1.5),
        (ANC, 1.5, "K/uL", 1.5),
        (ANC, 1.5, "Gpt/l", 1.5),
        (ANC, 3000, "10*3/uL", "impossible"),  # a public example of mCODE
        (ANC, 1.5, "mg/dL", "unit"),
        (ANC, 1500, None, 1.5),
        (CREATININE, 88.4, "umol/L", 1.0),
        (CREATININE, 88.4, "µmol/L", 1.0),
        (CREATININE, 1.0, "mg/dL", 1.0),
        (CREATININE, 0.9, None, 0.9),
        (CREATININE, 88.4, None, 1.0),
        ("14682-9", 20, None, 0.2262),  # the code itself says micromoles
        (CREATININE, 0.05, "mg/dL", "impossible"),
        (BILIRUBIN, 17.1, "umol/L", 0.9998),
        (BILIRUBIN, 1.1, "mg/dL", 1.1),
        (HB, 120, "g/L", 12),
        (HB, 7.45, "mmol/L", 12.0053),
        (HB, 120, None, 12),
        (HB, 8, None, "unit"),  # grams per decilitre or millimoles per litre
        ("1742-6", 1, "ukat/L", 60),
        ("1742-6", 60, "IU/L", 60),
        (WEIGHT, 150, "[lb_av]", 68.0389),
        (WEIGHT, 70000, "g", 70),
        (WEIGHT, 150, None, "unit"),  # kilograms or pounds
        (WEIGHT, 19, "kg", "impossible"),
        ("8636-3", 0.45, "s", 450),
        ("8636-3", 450, "ms", 450),
        ("8636-3", 450, "s", "impossible"),
        (ECOG, 0, "{score}", 0),
        (ECOG, 4, None, 4),
        (ECOG, 5, None, "unit"),
        (ECOG, -1, None, "unit"),
        ("2823-3", 4.1, "meq/L", 4.1),
    ],
)
def test_a_number_with_its_unit(code, number, unit, expected):
    assert value(code, quantity(number, unit)) == [expected]


@pytest.mark.parametrize(
    ("code", "member", "expected"),
    [
        (LVEF, {"valueString": "45-50 %"}, (45, 50)),
        (LVEF, {"valueString": "55 \u2013 60%"}, (55, 60)),
        (LVEF, {"valueString": "LVEF 58 % (biplane)"}, 58),
        (LVEF, {"valueString": "preserved"}, "number"),
        (LVEF, {"valueRange": {"low": {"value": 50, "unit": "%"}, "high": {"value": 55, "unit": "%"}}}, (50, 55)),
        (ANC, {"valueString": "1.2 x 10^9/L"}, 1.2),
        (ANC, {"valueString": "1,2 Gpt/l"}, 1.2),
        (ANC, {"valueString": "1,500 /uL"}, "number"),
        (ANC, {"valueQuantity": {"value": "1,5", "unit": "10*9/L"}}, 1.5),
        (CREATININE, {"valueString": "1.1 mg/dL"}, 1.1),
        (CREATININE, {"valueString": "hemolyzed"}, "number"),
        (ECOG, {"valueInteger": 1}, 1),
        (ECOG, {"valueString": "ECOG 1"}, 1),
        (ECOG, {"valueString": "ECOG 1-2"}, (1, 2)),
        (ECOG, {"valueString": "-1"}, "unit"),
        (ECOG, {"valueCodeableConcept": concept("LA9623-5", LOINC)}, 1),
        (ECOG, {"valueCodeableConcept": {"text": "ECOG PS 2 (ambulatory)"}}, 2),
    ],
)
def test_a_number_in_words_and_codes(code, member, expected):
    assert value(code, member) == [expected]


@pytest.mark.parametrize(
    ("text", "comparator", "number"),
    [("> 60 %", ">", 60), ("<50%", "<", 50), ("≥ 55 %", ">=", 55), ("LVEF <= 40", "<=", 40)],
)
def test_a_comparator_is_kept(text, comparator, number):
    (it,) = read(observation(LVEF, valueString=text)).measurements
    assert (it.comparator, it.value) == (comparator, number)


def test_an_open_range_is_a_comparator():
    (it,) = read(observation(LVEF, valueRange={"low": {"value": 60, "unit": "%"}})).measurements
    assert (it.comparator, it.value) == (">=", 60)


@pytest.mark.parametrize(
    ("name", "fact"),
    [
        ("ECOG performance status", "ecog"),
        ("Karnofsky performance status", "karnofsky"),
        ("Performance status (Karnofsky)", "karnofsky"),
        ("KPS", "karnofsky"),
        ("Lansky performance status", "lansky"),
        ("WHO performance status", "ecog"),
    ],
)
def test_one_performance_scale_is_never_read_as_another(name, fact):
    named = observation("x", valueInteger=1 if fact == "ecog" else 80)
    named["code"] = {"text": name}
    assert [it.fact for it in read(named).measurements] == [fact]


@pytest.mark.parametrize(
    ("code", "fact", "method"),
    [
        ("35591-7", "crcl", "Cockcroft-Gault formula"),
        ("2164-2", "crcl", "measurement"),
        ("8812-0", "lvef_percent", "Nuclear blood pool"),
        ("10230-1", "lvef_percent", None),
    ],
)
def test_how_it_was_measured_or_calculated(code, fact, method):
    (it,) = read(observation(code, **quantity(50))).measurements
    assert (it.fact, it.method) == (fact, method)


@pytest.mark.parametrize(
    ("ranges", "times"),
    [
        ([{"high": {"value": 40}}], 2.0),
        ([{"high": {"value": 40, "unit": "U/L"}}], 2.0),
        ([{"high": {"value": 0.6667, "unit": "ukat/L"}}], 2.0),
        ([{"high": {"value": 40}}, {"high": {"value": 35}}], None),  # which one counts is not told
        ([{"low": {"value": 5}}], None),
        ([{"high": {"value": 0}}], None),
        ([], None),
    ],
)
def test_multiples_of_the_upper_limit_come_from_the_laboratorys_own_range(ranges, times):
    (it,) = read(observation("1742-6", referenceRange=ranges, **quantity(80, "U/L"))).measurements
    assert it.times_upper_limit == pytest.approx(times, abs=0.001) if times else it.times_upper_limit is None


def test_components_are_measured_too():
    part = {"code": concept(ANC, LOINC), **quantity(2.1, "10*9/L")}
    assert [(it.fact, it.value) for it in read(observation("58410-2", component=[part])).measurements] == [("anc", 2.1)]


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_measurement_is_none(status):
    assert value(LVEF, {"status": status, **quantity(40, "%")}) == []


@pytest.mark.parametrize(
    ("text", "numbers"),
    [
        ("1.5", (1.5,)),
        ("1,5", (1.5,)),
        ("-1", (-1,)),
        ("45-50", (45, 50)),
        ("45 - 50 %", (45, 50)),
        ("-1.5 to 2", (-1.5, 2)),
        ("1,500", ()),
        ("1.2.3", ()),
        ("0,125", (0.125,)),
        ("grade-3", (3,)),
        ("none", ()),
    ],
)
def test_numbers_as_people_write_them(text, numbers):
    assert numbers_in(text) == numbers
    assert number_in(text) == (numbers[0] if numbers else None)


@pytest.mark.parametrize(("unit", "into"), [("mg/dL", "U/L"), ("kg", "cm"), ("nonsense", "kg"), ("{score}", "%")])
def test_the_library_refuses_what_has_no_factor(unit, into):
    with pytest.raises(KnowledgeError):
        factor_between(unit, into, molar_mass=None, valence=None)


@pytest.mark.parametrize(
    ("code", "number", "unit", "expected"),
    [
        ("19123-9", 1.8, "mg/dL", 0.7406),
        ("2601-3", 0.74, "mmol/L", 0.74),
        ("1558-6", 99, "mg/dL", 5.4952),
        ("4548-4", 6.1, "%", 6.1),
        # NGSP % = 0.0915 * IFCC mmol/mol + 2.15
        ("59261-8", 48, "mmol/mol", 6.542),
        ("59261-8", 48, None, 6.542),  # the code itself says mmol/mol
        ("4548-4", 48, "mmol/mol", 6.542),
        ("4548-4", 53, "mmol/mol{Hb}", 6.9995),
        ("4548-4", 53, "mmol/mol Hb", 6.9995),
        ("4548-4", 48, None, 6.542),  # no living person has 48 %
        ("4548-4", 7.2, None, 7.2),
        ("4548-4", 7.2, "mmol/mol", "impossible"),
        ("4548-4", 15, None, 15),  # the code itself says %
        ("4548-4", 48, "mmol/L", "unit"),
        ("4548-4", 195, "mmol/mol", 19.9925),
        ("4548-4", 196, "mmol/mol", "impossible"),
    ],
)
def test_electrolytes_and_sugar_are_read_by_their_codes(code, number, unit, expected):
    assert value(code, quantity(number, unit)) == [expected]


@pytest.mark.parametrize(
    ("member", "expected"),
    [
        ({**quantity(55, "%"), "valueString": "45 %"}, ["several"]),
        ({**quantity(55, "%"), "valueString": "55 %"}, [55]),
        ({**quantity(55, "%"), "valueString": "preserved"}, [55]),
        ({"valueRatio": {"numerator": {"value": 55}, "denominator": {"value": 100}}}, [55]),
    ],
)
def test_a_value_sent_twice_or_as_a_ratio(member, expected):
    assert value(LVEF, member) == expected


@pytest.mark.parametrize("name", ["HbA1c (IFCC)", "Hämoglobin A1c", "Hémoglobine glyquée", "Hemoglobina glicosilada"])
def test_sugar_over_weeks_is_known_by_its_names(name):
    made = observation("1", system="https://lab.example", **quantity(48, "mmol/mol"))
    assert [it.value for it in read({**made, "code": {"text": name}}).measurements] == [6.542]
    bare = {**made, **quantity(15), "code": {"text": name}}
    assert [it.code for it in read(bare).doubts] == ["unit"]  # possible on both scales


def test_a_reference_range_on_the_other_scale_is_told_on_the_same():
    limit = [{"high": {"value": 42, "unit": "mmol/mol"}}]
    (it,) = read(observation("4548-4", **quantity(48, "mmol/mol"), referenceRange=limit)).measurements
    assert it.times_upper_limit == pytest.approx((0.0915 * 48 + 2.15) / (0.0915 * 42 + 2.15), abs=0.001)


def test_a_hospital_adds_no_equation_that_is_none(tmp_path):
    (tmp_path / "codes").mkdir()
    written = "fact,unit,factor,offset,source\nhba1c,x,a,b,us\n"
    (tmp_path / "codes" / "unit_equations.csv").write_text(written, encoding="utf-8")
    with pytest.raises(KnowledgeError, match=r"unit_equations\.csv:2"):
        load_measures(tmp_path)
