"""HER2, ER and PR in the shapes that records send. Source: terminology 10.4, 12."""

import pytest

from cdshooks.knowledge.codes import load_codes
from cdshooks.record.receptors import read_receptors
from cdshooks.record.terms import RecordTerms
from tests.fhir import LOINC, concept, condition, observation, resources_of

TERMS = RecordTerms(load_codes())


def results(*resources):
    return [(it.marker, it.status) for it in read_receptors(resources_of(*resources), TERMS)[0]]


@pytest.mark.parametrize(
    ("code", "value", "status"),
    [
        ("85319-2", {"valueString": "3+"}, "positive"),
        ("85319-2", {"valueString": "Positive (3+)"}, "positive"),
        ("85319-2", {"valueString": "Score 3+"}, "positive"),
        ("85319-2", {"valueString": "2+ (equivocal), FISH to follow"}, "equivocal"),
        ("85319-2", {"valueString": "2+ with FISH amplified"}, "positive"),
        ("85319-2", {"valueString": "2+, FISH not amplified"}, "low"),
        ("85319-2", {"valueString": "1+"}, "low"),
        ("85319-2", {"valueString": "0"}, "negative"),
        ("85319-2", {"valueString": "negativ"}, "negative"),
        ("85319-2", {"valueQuantity": {"value": 3}}, "positive"),
        ("85319-2", {"valueInteger": 2}, "equivocal"),
        ("85319-2", {"valueCodeableConcept": concept("LA11842-4", LOINC)}, "equivocal"),
        ("85318-4", {"valueString": "greater than 2.2"}, "positive"),
        ("85318-4", {"valueString": "less than 1.8"}, "negative"),
        ("49683-6", {"valueQuantity": {"value": 2.7}}, "positive"),
        ("49683-6", {"valueRatio": {"numerator": {"value": 3.0}, "denominator": {"value": 2.0}}}, "negative"),
        ("74860-8", {"valueQuantity": {"value": 6.8}}, "positive"),
        ("48676-1", {"valueCodeableConcept": concept("LA6576-8", LOINC)}, "positive"),
        ("48676-1", {"valueCodeableConcept": {"text": "HER2 positive (IHC 3+)"}}, "positive"),
        ("48676-1", {"valueCodeableConcept": {**concept("LA6577-6", LOINC), "text": "HER2 3+ by IHC"}}, "conflict"),
        ("48676-1", {"interpretation": [{"coding": [{"code": "POS", "display": "Positive"}]}]}, "positive"),
    ],
)
def test_one_her2_result(code, value, status):
    assert results(observation(code, **value)) == [("her2", status)]


def test_a_panel_with_ratio_and_copies_is_one_result():
    parts = [
        {"code": concept("49683-6", LOINC), "valueQuantity": {"value": 2.7}},
        {"code": concept("74860-8", LOINC), "valueQuantity": {"value": 6.4}},
    ]
    assert results(observation("74885-5", status="amended", component=parts)) == [("her2", "positive")]


@pytest.mark.parametrize(("ish", "status"), [("amplified", "positive"), ("not amplified", "low"), (None, "equivocal")])
def test_ihc_2_plus_waits_for_the_ish_of_the_same_specimen(ish, status):
    tests = [observation("85319-2", id="a", valueString="2+")]
    if ish:
        tests.append(observation("85318-4", id="b", valueString=ish))
    assert results(*tests) == [("her2", status)]


@pytest.mark.parametrize("code", ["32996-1", "51981-9", "42783-1"])
def test_serum_her2_and_a_mutation_are_no_tumour_status(code):
    assert results(observation(code, valueCodeableConcept=concept("LA6576-8", LOINC))) == []


@pytest.mark.parametrize("status", ["entered-in-error", "cancelled"])
def test_a_withdrawn_result_is_none(status):
    assert results(observation("85319-2", status=status, valueString="3+")) == []


def test_an_amended_result_replaces_the_first_one():
    first = observation("85319-2", id="a", valueString="1+")
    second = observation("85319-2", id="b", status="amended", valueString="3+")
    assert results(first, second) == [("her2", "positive")]


@pytest.mark.parametrize(("percent", "status"), [(0, "negative"), (0.5, "negative"), (1, "positive"), (80, "positive")])
def test_er_by_percent(percent, status):
    assert results(observation("85329-1", valueQuantity={"value": percent, "unit": "%"})) == [("er", status)]


def test_a_diagnosis_may_carry_the_receptors():
    found = dict(results(condition("459391000124109", system="http://snomed.info/sct")))
    assert found == {"her2": "positive"}
    assert dict(results(condition("Z17.420"))) == {"her2": "positive", "er": "negative", "pr": "negative"}
    assert dict(results(condition("431396003", system="http://snomed.info/sct"))) == {"her2": "negative"}
