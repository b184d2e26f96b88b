"""Values and receptors in the running text of reports: read where the text decides, shown as found where it does not.

Source: terminology 10.4 (shape 12); Wagholikar et al., J Med Syst 2018 (10.1007/s10916-018-1066-7).
"""

import base64

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record, vocabulary_of
from tests.fhir import LOINC, concept, condition, observation, resources_of

KNOWLEDGE = load_knowledge()
LVEF, HER2_IHC, ER, NEUTROPHILS = "10230-1", "85319-2", "85337-4", "26499-4"


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def report(name, text=None, *, day="2024-06-01", **more):
    made = {"resourceType": "DiagnosticReport", "id": more.pop("id", "r"), "status": "final", "code": {"text": name}}
    return {**made, "effectiveDateTime": day, **({"conclusion": text} if text else {}), **more}


def echo(text=None, **more):
    return report("Transthoracic echocardiogram", text, **more)


def pathology(text=None, **more):
    return report("Surgical pathology report", text, **more)


def attached(text, kind="text/plain"):
    return {"presentedForm": [{"contentType": kind, "data": base64.b64encode(text.encode()).decode()}]}


def lvef(*resources):
    found = [it for it in record(*resources).measurements if it.fact == "lvef_percent"]
    return [(it.comparator or "", it.value if it.value is not None else (it.low, it.high)) for it in found]


def found_in_text(*resources):
    return [it.about for it in record(*resources).doubts if it.code == "found-in-text"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("LVEF 55 %.", 55),
        ("LVEF 50-55 %", (50, 55)),
        ("LVEF 50 % to 55 %", (50, 55)),
        ("LVEF 50 bis 55 %", (50, 55)),
        ("Ejection fraction of between 20 and 25%", (20, 25)),
        ("Left ventricular ejection fraction is estimated at 55-60%.", (55, 60)),
        ("The left ventricular ejection fraction was 38 %.", 38),
        ("EF: 60, no effusion", 60),
        ("LVEF of 0.55", 55),
        ("LVEF 0,42", 42),
        ("LVEF ca. 55 %", 55),
        ("47% EF", 47),
        ("25 percent to 30 percent ejection fraction", (25, 30)),
        ("LVEF previously 60 %, now 38 %", 38),
        ("LVEF 38 % (previously 60 %)", 38),
        ("LVEF 38 %, was 60 %", 38),
        ("LVEF was 60 %, now 38 %", 38),
        ("LVEF fell from 60 % to 38 %", 38),
        ("LVEF has decreased from 60 to 38 %", 38),
        ("LVEF reduced from 60 % to 38 %", 38),
        ("LVEF dropped by 15 % to 45 %", 45),
        ("LVEF 60 % -> 38 %", 38),
        ("LVEF is normal, 60 %", 60),
        ("LVEF 48 % (normal > 55 %)", 48),
        ("LVEF 48 % (normal range 52-72 %)", 48),
        ("LVEF 60 % on 03/2023, today 45 %", 45),
        ("LVEF 55 %, GLS -18.5 %", 55),
        ("GLS -18.5 %, LVEF 55 %", 55),
        ("LVEF 55 %. RVEF 40 %.", 55),
        ("Repeat if LVEF falls below 50%. Current LVEF 58%.", 58),
        ("Compared to the prior study (LVEF 60 %), LVEF is 45 %", 45),
        ("FINDINGS:\nLVEF 55 %\nCOMPARISON:\nLVEF 62 %", 55),
        ("Indication: on trastuzumab, LVEF 60 % in June. LVEF 48 %.", 48),
        ("LV-EF 58 % (biplan), Vorbefund 62 %", 58),
        ("Ejektionsfraktion leicht eingeschränkt, 48 %", 48),
        ("FEVG 45 % (antérieure 60 %)", 45),
    ],
)
def test_an_ejection_fraction_that_the_text_of_an_echo_decides_is_read(text, value):
    assert lvef(echo(text)) == [("", value)]
    assert found_in_text(echo(text)) == []


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("LVEF > 55 %", (">", 55)),
        ("LVEF greater than 55 %", (">", 55)),
        ("LVEF >= 50 %", (">=", 50)),
        ("LVEF less than 20 %", ("<", 20)),
    ],
)
def test_a_bound_stays_a_bound(text, read):
    assert lvef(echo(text)) == [read]


@pytest.mark.parametrize(
    "text",
    [
        "LVEF 60 % in 2023",
        "Prior LVEF 60 %",
        "LVEF 4-chamber 54 %, 2-chamber 58 %, biplane 56 %",
        "LVEF 55 % visually, 52 % by Simpson",
        "LVEF 55%/60%",
        "LVEF 60 +/- 5 %",
        "LVEF normal",
        "Mildly reduced LVEF",
        "LVEF dropped by 15 %",
        "Hold trastuzumab if LVEF < 45 %",
        "LVEF should be > 50 % to continue",
        "LVEF 550 %",
        "LVEF 3 %",
        "COMPARISON:\nLVEF 62 %",
    ],
)
def test_an_ejection_fraction_that_the_text_leaves_open_is_shown_and_asked_for(text):
    assert lvef(echo(text)) == []
    assert found_in_text(echo(text)) == ["lvef_percent"]


@pytest.mark.parametrize("text", ["LVEF not assessed", "RVEF 45 %", "Right ventricular ejection fraction 45 %", "EF"])
def test_what_tells_no_ejection_fraction_of_the_left_ventricle_is_none(text):
    assert (lvef(echo(text)), found_in_text(echo(text))) == ([], [])


def test_where_an_ejection_fraction_may_be_told():
    """The text of an echo by any member that holds it; a note by somebody else is found, and read by the clinician."""
    assert lvef(echo(**attached("Indication: T-DXd\nFINDINGS\nLVEF 52 % (biplane)."))) == [("", 52)]
    assert lvef(echo(**attached("LVEF 52 %", kind="application/pdf"))) == []
    assert lvef({**observation("x", valueString="LVEF 38 %"), "code": {"text": "Echocardiogram"}}) == [("", 38)]
    assert lvef(observation(LVEF, note=[{"text": "LVEF 44 %"}])) == [("", 44)]
    assert lvef(observation(LVEF, valueString="previously 60 %, now 38 %")) == [("", 38)]
    assert lvef(echo("LVEF 38 %", status="entered-in-error")) == []
    (told,) = record(echo("LVEF 38 %")).measurements
    assert (str(told.date), told.unit, told.method) == ("2024-06-01", "%", "read in the text of the report")
    note = report("Oncology note", "LVEF 45 %")
    assert (lvef(note), found_in_text(note)) == ([], ["lvef_percent"])


def test_a_measurement_settles_what_an_older_text_leaves_open():
    note = report("Oncology note", "LVEF 45 %")
    for day, asked in (("2024-05-31", ["lvef_percent"]), ("2024-06-01", []), ("2024-07-01", [])):
        measured = observation(LVEF, day=day, valueQuantity={"value": 60, "unit": "%"})
        assert found_in_text(note, measured) == asked


def test_a_report_and_its_measurement_of_one_day():
    measured = observation(LVEF, day="2024-06-01", valueQuantity={"value": 60, "unit": "%"})
    assert lvef(echo("LVEF 60 %"), measured) == [("", 60)]  # told twice, counted once
    assert sorted(lvef(echo("LVEF 45 %"), measured)) == [("", 45), ("", 60)]
    assert found_in_text(echo("LVEF 45 %"), measured) == ["lvef_percent"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("now 1.8 /nl, previously 0.9", 1.8),
        ("previously 0.9, now 1.8 /nl", 1.8),
        ("previously 0.9, 1.1 on 2024-01-03", None),
    ],
)
def test_of_several_numbers_in_a_value_the_one_that_is_so_now_counts(text, value):
    found = record(observation(NEUTROPHILS, valueString=text)).measurements
    assert [it.value for it in found] == ([] if value is None else [value])


def receptors(*resources):
    return {it.marker: (it.status, it.detail) for it in record(*resources).receptors}


@pytest.mark.parametrize(
    ("text", "status", "detail"),
    [
        ("HER2-low", "low", "as reported"),
        ("HER2 status: low", "low", "as reported"),
        ("HER2 negative", "negative", "as reported"),
        ("HER2-ultralow", "negative", "as reported, ultralow"),
        ("HER2 IHC 2+/ISH not amplified", "low", "IHC 2+, ISH not amplified"),
        ("IHC 2+/ISH not amplified", "low", "IHC 2+, ISH not amplified"),
        ("HER2 IHC 2+ / ISH-", "low", "IHC 2+, ISH not amplified"),
        ("HER2 2+/ISH+", "positive", "IHC 2+, ISH amplified"),
        ("HER2: IHC 2+. ISH: not amplified.", "low", "IHC 2+, ISH not amplified"),
        ("HER2 IHC 2+. FISH: ratio 1.3, negative.", "low", "IHC 2+, ISH not amplified"),
        ("HER2 score 2+, FISH non amplifié", "low", "IHC 2+, ISH not amplified"),
        ("HER2/CEP17 ratio 2.4; average HER2 copy number 6.1", "positive", "ISH amplified"),
        ("HER2 copy number 2.9, CEP17 copy number 2.6", "negative", "ISH not amplified"),
        ("HER2 equivocal (2+), FISH pending", "equivocal", "IHC 2+"),
        ("HER2 equivocal (2+), consider FISH", "equivocal", "IHC 2+"),
        ("No HER2 overexpression", "negative", "as reported"),
        ("No evidence of HER2 amplification", "negative", "ISH not amplified"),
        ("HER2 is not positive", "negative", "as reported"),
        ("No longer HER2 positive", "negative", "as reported"),
        ("HER2 IHC 1+, positive control appropriate", "low", "IHC 1+"),
        ("HER2 previously positive, now negative", "negative", "as reported"),
        ("Previously HER2 positive, now 1+", "low", "IHC 1+"),
        ("HER2 im Primärtumor positiv, aktuell negativ", "negative", "as reported"),
        ("Primary tumour was HER2 3+; this metastasis is HER2 1+", "low", "IHC 1+"),
        ("Known HER2-positive breast cancer. Liver biopsy: HER2 IHC 1+.", "low", "IHC 1+"),
        ("CLINICAL HISTORY:\nBreast cancer, HER2 3+\nDIAGNOSIS:\nMetastatic carcinoma, HER2 1+", "low", "IHC 1+"),
    ],
)
def test_a_her2_status_that_the_text_of_a_pathology_report_decides_is_read(text, status, detail):
    assert receptors(pathology(text)) == {"her2": (status, detail)}
    assert receptors(pathology(**attached(text))) == {"her2": (status, detail)}
    assert found_in_text(pathology(text)) == []


@pytest.mark.parametrize(
    "text",
    [
        "HER2 previously positive",
        "History of HER2 positive breast cancer, receptor status pending",
        "HER2 in 2019 positive",
        "If HER2 positive, consider trastuzumab",
        "HER2 positive vs negative, to be determined",
        "HER2 1-2+",
        "HER2 IHC 2-3+",
        "HER2 1+ or 2+",
        "CLINICAL HISTORY:\nBreast cancer, HER2 3+",
    ],
)
def test_a_her2_status_that_the_text_leaves_open_is_shown_and_asked_for(text):
    assert receptors(pathology(text)) == {}
    assert found_in_text(pathology(text)) == ["her2"]
    settled = observation(HER2_IHC, day="2024-06-01", valueString="3+")
    assert found_in_text(pathology(text), settled) == []


@pytest.mark.parametrize(
    "text", ["HER2 pending", "HER2 not tested", "Insufficient tissue for HER2", "HER2-directed therapy"]
)
def test_a_text_that_tells_no_status_is_none(text):
    assert (receptors(pathology(text)), found_in_text(pathology(text))) == ({}, [])


def test_percentages_keep_their_sign_and_their_owner():
    told = receptors(pathology("ER: positive (90%), PR: negative (<1%), HER2: negative (IHC 1+)"))
    assert told == {"er": ("positive", "90 %"), "pr": ("negative", "<1 %"), "her2": ("low", "IHC 1+")}
    assert receptors(pathology("ER negative, Ki-67 30 %")) == {"er": ("negative", "as reported")}
    assert receptors(observation(ER, valueString="negative (<1 %)")) == {"er": ("negative", "<1 %")}


def test_a_receptor_observation_may_tell_of_an_earlier_time_in_words():
    assert receptors(observation(HER2_IHC, valueString="3+ in 2019, now 1+")) == {"her2": ("low", "IHC 1+")}
    earlier = observation(HER2_IHC, valueString="previously positive")
    assert (receptors(earlier), found_in_text(earlier)) == ({}, ["her2"])


def test_a_diagnosis_holds_for_as_long_as_it_stands():
    assert receptors(condition(text="Known HER2-positive breast cancer"))["her2"][0] == "positive"


def test_a_pathology_report_may_be_an_observation():
    told = {**observation("22637-3", valueString="ER 90 %, HER2 3+"), "code": concept("22637-3", LOINC)}
    assert receptors(told) == {"er": ("positive", "90 %"), "her2": ("positive", "IHC 3+")}


def test_capitals_tell_a_receptor_from_a_word():
    assert receptors(pathology("er ist positiv gestimmt")) == {}
    names = vocabulary_of(KNOWLEDGE).receptors.words
    assert [names.named_test(it) for it in ("ER", "er", "HER-2/neu")] == ["er", None, "her2-summary"]
