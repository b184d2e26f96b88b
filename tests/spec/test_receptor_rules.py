"""HER2, ER and PR in the shapes that records send. Source: terminology 10.4, 12."""

import pytest

from cdshooks.knowledge.codes import load_codes
from cdshooks.knowledge.receptors import load_receptor_rules
from cdshooks.record.receptor_reports import ReceptorReports
from cdshooks.record.receptor_words import ReceptorWords
from cdshooks.record.receptors import read_receptors
from cdshooks.record.terms import RecordTerms
from tests.fhir import LOINC, concept, condition, observation, resources_of

TERMS = RecordTerms(load_codes())
WORDS = ReceptorReports(ReceptorWords(TERMS, load_receptor_rules()), TERMS)


def results(*resources):
    return [(it.marker, it.status) for it in read_receptors(resources_of(*resources), TERMS, WORDS)[0]]


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


def full(*resources):
    return read_receptors(resources_of(*resources), TERMS, WORDS)[:2]


IHC_2 = observation("85319-2", id="ihc", day="2023-09-12", valueString="2+")


@pytest.mark.parametrize(
    ("ratio", "copies", "ihc", "ish", "status"),
    [
        (2.0, 4.0, None, "amplified", "positive"),  # group 1, on its lower edge
        (2.0, 3.9, None, "equivocal", "equivocal"),  # group 2 alone asks for IHC
        (2.0, 3.9, "2+", "not-amplified", "low"),
        (2.4, 3.9, "3+", "amplified", "positive"),
        (1.9, 6.0, None, "equivocal", "equivocal"),  # group 3
        (1.9, 6.0, "1+", "not-amplified", "low"),
        (1.9, 6.0, "2+", "amplified", "positive"),
        (1.9, 5.9, "2+", "not-amplified", "low"),  # group 4
        (1.9, 4.0, "3+", "amplified", "positive"),
        (1.9, 3.9, None, "not-amplified", "negative"),  # group 5
        (1.9, 3.9, "2+", "not-amplified", "low"),
        (2.0, None, None, "amplified", "positive"),
        (1.99, None, None, "not-amplified", "negative"),
        (None, 6.0, None, "amplified", "positive"),
        (None, 5.9, None, "equivocal", "equivocal"),
        (None, 4.0, None, "equivocal", "equivocal"),
        (None, 3.9, None, "not-amplified", "negative"),
    ],
)
def test_ratio_and_copies_are_read_by_the_groups_of_the_guideline(ratio, copies, ihc, ish, status):
    parts = [
        {"code": concept(code, LOINC), "valueQuantity": {"value": value}}
        for code, value in (("49683-6", ratio), ("74860-8", copies))
        if value is not None
    ]
    tests = [observation("74885-5", id="ish", component=parts)]
    tests += [observation("85319-2", id="ihc", valueString=ihc)] if ihc else []
    (result,) = full(*tests)[0]
    assert (result.ish, result.status) == (ish, status)


@pytest.mark.parametrize(
    ("member", "status"),
    [
        ({"valueQuantity": {"value": "3"}}, "positive"),
        ({"valueQuantity": {"value": 3, "unit": "{score}"}}, "positive"),
        ({"valueRange": {"low": {"value": 2}, "high": {"value": 3}}}, "equivocal"),
        ({"valueString": "+3"}, "positive"),
        ({"valueString": "HER2-low"}, "low"),
        ({"valueString": "HER2 ultralow"}, "negative"),  # IHC 0 with a faint stain
        ({"valueString": "HER2: low"}, "low"),
        ({"valueString": "overexpression is not clearly detected"}, "negative"),
        ({"valueString": "no HER2 amplification"}, "negative"),
        ({"valueString": "nicht amplifiziert"}, "negative"),
        ({"valueInteger": 0}, "negative"),
        ({"note": [{"text": "IHC score 3+"}]}, "positive"),
        ({"valueCodeableConcept": concept("1381317004", "http://snomed.info/sct")}, "low"),
        ({"valueCodeableConcept": concept("LA11844-0", LOINC)}, "indeterminate"),  # 4+ is no score
        ({"valueCodeableConcept": {**concept("LA11841-6", LOINC), "text": "2+"}}, "conflict"),
        ({"valueQuantity": {"value": 3}, "valueString": "1+"}, "conflict"),  # two values that disagree
        ({"valueQuantity": {"value": 3}, "valueString": "3+"}, "positive"),
        (
            {
                "interpretation": [
                    {"coding": [{"system": "http://hl7.org/fhir/ValueSet/observation-interpretation", "code": "NEG"}]}
                ]
            },
            "negative",
        ),
    ],
)
def test_further_shapes_of_an_ihc_result(member, status):
    assert results(observation("85319-2", **member)) == [("her2", status)]


@pytest.mark.parametrize(
    "member",
    [
        {"dataAbsentReason": {"coding": [{"code": "not-performed"}]}},
        {"valueQuantity": {"value": 80, "unit": "ng/mL"}},
        {"valueString": "see report"},
        {},
    ],
)
def test_no_result_is_no_status(member):
    assert results(observation("85319-2", **member)) == []


@pytest.mark.parametrize(
    ("ratio", "status"),
    [
        ({"numerator": {"value": 2}, "denominator": {"value": 1}}, "positive"),
        ({"numerator": {"value": 2, "comparator": "<"}, "denominator": {"value": 1}}, "negative"),
        ({"numerator": {"value": 6.5, "comparator": ">"}, "denominator": {"value": 2}}, "positive"),
    ],
)
def test_a_ratio_keeps_its_comparator(ratio, status):
    assert results(observation("49683-6", valueRatio=ratio)) == [("her2", status)]


def test_components_and_members_take_what_they_lack_from_their_panel():
    local = {"coding": [{"system": "https://local", "code": "P"}], "text": "positiv"}
    parts = [{"code": concept("85319-2", LOINC), "valueCodeableConcept": concept("LA11843-2", LOINC)}]
    assert results(observation("48676-1", valueCodeableConcept=local, component=parts)) == [("her2", "positive")]
    member = observation("85319-2", id="m", day=None, valueString="3+")
    panel = observation("74885-5", id="panel", day="2022-02-02", hasMember=[{"reference": "Observation/m"}])
    (result,) = full(panel, member)[0]
    assert (result.status, str(result.date)) == ("positive", "2022-02-02")


def test_an_ish_reported_later_is_read_with_its_ihc_and_until_then_the_status_was_equivocal():
    later = observation("85318-4", id="ish", day="2023-09-20", valueString="not amplified")
    assert [(str(it.date), it.status, it.detail) for it in full(IHC_2, later)[0]] == [
        ("2023-09-12", "equivocal", "IHC 2+"),
        ("2023-09-20", "low", "IHC 2+, ISH not amplified"),
    ]


@pytest.mark.parametrize(
    ("ihc", "ish", "told"),
    [
        ("1+", "not amplified", [("low", "IHC 1+"), ("low", "IHC 1+, ISH not amplified")]),
        ("0", "not amplified", [("negative", "IHC 0"), ("negative", "IHC 0, ISH not amplified")]),
        ("1+", "amplified", [("low", "IHC 1+"), ("positive", "ISH amplified")]),  # they do not agree: both stand
        ("3+", "not amplified", [("positive", "IHC 3+"), ("negative", "ISH not amplified")]),
    ],
)
def test_an_ish_that_agrees_with_its_ihc_is_told_with_it_and_is_no_result_against_it(ihc, ish, told):
    first = observation("85319-2", id="ihc", day="2023-09-12", valueString=ihc)
    later = observation("85318-4", id="ish", day="2023-09-20", valueString=ish)
    assert [(it.status, it.detail) for it in full(first, later)[0]] == told


@pytest.mark.parametrize(
    ("code", "words", "status", "detail"),
    [
        ("LA6576-8", "HER2 positive (IHC 3+)", "positive", "IHC 3+"),
        ("LA6576-8", "positive, IHC 2+, FISH amplified", "positive", "IHC 2+, ISH amplified"),
        ("LA6576-8", "positive, IHC 2+", "positive", "IHC 2+"),  # it may rest on an ISH that is not sent
        ("LA6577-6", "negative (1+)", "low", "IHC 1+"),
        ("LA6576-8", "HER2 positive", "positive", "as reported"),
    ],
)
def test_a_coded_status_keeps_the_score_that_its_words_give(code, words, status, detail):
    value = {"valueCodeableConcept": {**concept(code, LOINC), "text": words}}
    (result,) = full(observation("48676-1", **value))[0]
    assert (result.status, result.detail) == (status, detail)


@pytest.mark.parametrize(("day", "status"), [("2023-10-10", "low"), ("2023-10-11", "negative")])
def test_only_an_ish_of_the_same_work_up_belongs_to_an_ihc(day, status):
    later = observation("85318-4", id="ish", day=day, valueString="not amplified")
    assert results(IHC_2, later)[-1] == ("her2", status)


def side(word):
    return {"bodySite": {"text": f"{word} breast"}}


def test_two_breasts_with_different_status_stay_two_results_and_are_told():
    left = observation("48676-1", id="l", day="2020-01-01", valueString="negative", **side("left"))
    right = observation("48676-1", id="r", day="2020-01-02", valueString="positive", **side("right"))
    found, conflicts = full(left, right)
    assert {(it.laterality, it.status) for it in found} == {("left", "negative"), ("right", "positive")}
    assert [(it.about, it.evidence) for it in conflicts] == [("her2", ("Observation/l", "Observation/r"))]
    liver = observation("48676-1", id="m", day="2023", valueString="positive", bodySite={"text": "liver metastasis"})
    assert full(left, right, liver)[1] == ()
    same = observation("48676-1", id="r", day="2020-01-02", valueString="negative", **side("right"))
    assert full(left, same)[1] == ()


def test_a_her2_code_on_another_test_is_told_and_not_used():
    odd = observation("85319-2", valueString="20 %")
    odd["code"]["text"] = "Ki-67"
    found, conflicts = full(odd)
    assert found == ()
    assert [it.evidence for it in conflicts] == [("Observation/o1",)]


def report(conclusion, name="Surgical pathology report", **more):
    return {
        "resourceType": "DiagnosticReport",
        "id": "r",
        "status": "final",
        "code": {"text": name},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": "2024-03-04",
        "conclusion": conclusion,
        **more,
    }


@pytest.mark.parametrize(
    ("conclusion", "expected"),
    [
        (
            "Liver: metastatic carcinoma. ER 90%, PR negative, HER2 3+ by IHC.",
            {"er": "positive", "pr": "negative", "her2": "positive"},
        ),
        ("ER-, PR-, HER2+", {"er": "negative", "pr": "negative", "her2": "positive"}),
        ("HER2 IHC 2+, FISH not amplified", {"her2": "low"}),
        ("HER2 IHC 2+, FISH pending", {"her2": "equivocal"}),
        ("Negative for HER2", {"her2": "negative"}),
        ("ER 0 %; PR 0 %", {"er": "negative", "pr": "negative"}),
        ("ERBB2 exon 20 mutation detected", {}),
        ("Serum HER2 positive", {}),
        ("No tumour cells", {}),
    ],
)
def test_a_tissue_report_may_be_the_only_place_of_a_result(conclusion, expected):
    assert dict(results(report(conclusion))) == expected


def test_an_imaging_report_repeats_the_history_and_tells_no_result():
    assert results(report("Known HER2-positive breast cancer, new liver lesions.", name="CT abdomen")) == []


@pytest.mark.parametrize(
    ("percent", "status", "detail"),
    [
        (0.9, "negative", "0.9 %"),
        (1, "positive", "1 %, low positive"),
        (10, "positive", "10 %, low positive"),
        (11, "positive", "11 %"),
    ],
)
def test_er_up_to_ten_percent_is_called_low_positive(percent, status, detail):
    (result,) = full(observation("85329-1", valueQuantity={"value": percent, "unit": "%"}))[0]
    assert (result.status, result.detail) == (status, detail)


def test_er_below_one_percent_by_its_comparator():
    assert results(observation("85329-1", valueQuantity={"value": 1, "comparator": "<", "unit": "%"})) == [
        ("er", "negative")
    ]


@pytest.mark.parametrize("status", ["refuted", "entered-in-error"])
def test_a_withdrawn_diagnosis_carries_no_receptor(status):
    assert results(condition("Z17.31", verificationStatus={"coding": [{"code": status}]})) == []


def test_a_final_result_replaces_the_preliminary_one():
    first = observation("85319-2", id="a", status="preliminary", valueString="3+")
    assert [(it.status, it.is_preliminary) for it in full(first)[0]] == [("positive", True)]
    second = observation("85319-2", id="b", valueString="1+")
    assert [(it.status, it.is_preliminary) for it in full(first, second)[0]] == [("low", False)]


@pytest.mark.parametrize(
    "nothing",
    [
        {"valueCodeableConcept": concept("unknown", "http://terminology.hl7.org/CodeSystem/data-absent-reason")},
        {"valueCodeableConcept": concept("LA4489-6", LOINC)},
        {"dataAbsentReason": concept("not-performed", "http://terminology.hl7.org/CodeSystem/data-absent-reason")},
    ],
)
def test_a_test_without_a_result_is_no_result(nothing):
    assert results(observation("48676-1", **nothing)) == []


IHC, RATIO, SUMMARY = "85319-2", "49683-6", "48676-1"


@pytest.mark.parametrize(
    ("tests", "told"),
    [
        (
            [(SUMMARY, {"valueCodeableConcept": {**concept("LA6577-6", LOINC), "text": "HER2 3+ by IHC"}})],
            "one result says both negative and 3+",
        ),
        ([(IHC, {"valueString": "3+"}), (IHC, {"valueString": "1+"})], "IHC 3+ and 1+"),
        ([(RATIO, {"valueQuantity": {"value": 3.1}}), (RATIO, {"valueQuantity": {"value": 1.2}})], "ISH ratios"),
        ([(IHC, {"valueString": "3+"}), (SUMMARY, {"valueString": "negative"})], "IHC 3+, reported as negative"),
        (
            [(SUMMARY, {"valueString": "positive"}), (SUMMARY, {"valueString": "negative"})],
            "reported as negative and as positive",
        ),
    ],
)
def test_a_contradiction_tells_what_stands_against_what(tests, told):
    records = [observation(code, id=f"t{number}", **value) for number, (code, value) in enumerate(tests)]
    (her2,), conflicts, _ = read_receptors(resources_of(*records), TERMS, WORDS)
    assert (her2.status, told in her2.detail) == ("conflict", True), her2.detail
    assert her2.detail in conflicts[0].because


@pytest.mark.parametrize(
    ("words", "concept_text", "status"),
    [("negative", "3+", "conflict"), ("positive", "3+", "positive"), ("negative", "1+", "negative")],
)
def test_two_values_in_one_resource_are_both_read(words, concept_text, status):
    told = results(observation("48676-1", valueString=words, valueCodeableConcept={"text": concept_text}))
    assert [status_told for _, status_told in told] in ([status], ["low"] if status == "negative" else [status])


@pytest.mark.parametrize(
    ("value", "told"),
    [
        ("Allred 8/8", True),
        ("IRS 12", True),
        ("H-score 210", True),
        ("pending", False),
        ("see report", False),
        ("90 %", False),
    ],
)
def test_a_result_in_a_form_that_is_not_read_is_told(value, told):
    old = observation("85337-4", id="old", day="2020-06-03", valueString="positive")
    new = observation("85337-4", id="new", day="2026-10-19", valueString=value)
    doubts = read_receptors(resources_of(old, new), TERMS, WORDS)[2]
    assert [it.evidence for it in doubts] == ([("Observation/new",)] if told else [])
