"""What whole records of different systems hold beside each other: codes of one list, procedures, protocols, words of four languages.

Source: terminology 7, 10.1, 10.5, 10.6, 11, 12.
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record, vocabulary_of
from tests.fhir import concept, condition, drug, observation, resources_of

KNOWLEDGE = load_knowledge()


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def given(system, code, day="2022-02-01", **more):
    coded = {"medicationCodeableConcept": {"coding": [{"system": system, "code": code}]}}
    made = {"resourceType": "MedicationAdministration", "id": more.pop("id", f"a{code}{day}"), "status": "completed"}
    return {**made, **coded, "effectiveDateTime": day, **more}


def procedure(code=None, text=None, day="2022-02-01", **more):
    coded = concept(code, "http://www.ama-assn.org/go/cpt", text)
    return {
        "resourceType": "Procedure",
        "id": "p1",
        "status": "completed",
        "code": coded,
        "performedDateTime": day,
        **more,
    }


@pytest.mark.parametrize(
    "system",
    [
        "https://bluebutton.cms.gov/resources/codesystem/hcpcs",
        "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "https://www.cms.gov/Medicare/Coding/MedHCPCSGenInfo/index.html",
        "http://terminology.hl7.org/CodeSystem/HCPCS-all-codes|2024",
        "urn:oid:2.16.840.1.113883.6.285",
        "HCPCS",
    ],
)
def test_claims_name_one_list_of_codes_in_many_ways(system):
    codes = {"J9354": "trastuzumab emtansine", "J9358": "trastuzumab deruxtecan", "Q5116": "trastuzumab"}
    found = {code: [it.agent for it in record(given(system, code)).exposures] for code in codes}
    assert found == {code: [agent] for code, agent in codes.items()}
    assert [it.agent for it in record(given(system, "J9316")).exposures] == ["pertuzumab", "trastuzumab"]
    assert record(given(system, "J2469")).unmapped == ()


@pytest.mark.parametrize(
    ("system", "code", "agent"),
    [
        ("https://www.whocc.no/atc", "L01FD04", "trastuzumab deruxtecan"),
        ("https://www.nlm.nih.gov/research/umls/rxnorm", "1371041", "trastuzumab emtansine"),
    ],
)
def test_an_address_written_with_another_beginning_is_the_same_list(system, code, agent):
    assert [it.agent for it in record(given(system, code)).exposures] == [agent]


def test_a_procedure_code_on_the_day_of_a_known_drug_proves_only_the_visit():
    dose = given("HCPCS", "J9354")
    assert record(dose, procedure("96413")).unmapped == ()
    for beside in (given("HCPCS", "J9354", day="2022-03-01"), given("HCPCS", "J2469")):
        (unknown,) = record(beside, procedure("96413")).unmapped
        assert unknown.may_be_cancer_drug
    (unknown,) = record(dose, procedure("96413", text="infusion of ABC-123")).unmapped
    assert unknown.text == "infusion of ABC-123"


def test_the_drugs_of_a_procedure_are_told_by_the_statements_that_are_part_of_it():
    whole = procedure("96413", text="Nicht komplexe Chemotherapie")
    part = drug("MedicationStatement", "Docetaxel", effectiveDateTime="2022-02-01")
    assert [it.text for it in record(whole, part).unmapped] == ["Nicht komplexe Chemotherapie"]
    assert record(whole, {**part, "partOf": [{"reference": "Procedure/p1"}]}).unmapped == ()


@pytest.mark.parametrize(
    ("text", "taken", "suggested"),
    [
        (
            "THP x6, then trastuzumab/pertuzumab",
            ["pertuzumab", "trastuzumab"],
            ["docetaxel or paclitaxel, trastuzumab, pertuzumab"],
        ),
        ("THP", [], ["docetaxel or paclitaxel, trastuzumab, pertuzumab"]),
        ("TCHP x6", [], ["docetaxel or paclitaxel, carboplatin, trastuzumab, pertuzumab"]),
        ("TCbHP", [], ["docetaxel or paclitaxel, carboplatin, trastuzumab, pertuzumab"]),
        ("TCH", [], ["docetaxel, carboplatin, trastuzumab"]),  # published with docetaxel alone
        ("AC-T adjuvant", [], ["paclitaxel or docetaxel, doxorubicin, cyclophosphamide"]),
        ("AC-TH", [], ["paclitaxel or docetaxel, doxorubicin, cyclophosphamide, trastuzumab"]),
        # the drug named beside it settles which one is meant
        ("THP with paclitaxel", ["paclitaxel"], ["paclitaxel, trastuzumab, pertuzumab"]),
        ("THP (docetaxel)", ["docetaxel"], ["docetaxel, trastuzumab, pertuzumab"]),
        ("THP: paclitaxel, trastuzumab, pertuzumab", ["paclitaxel", "pertuzumab", "trastuzumab"], []),
        ("TCH: docetaxel, carboplatin, trastuzumab", ["carboplatin", "docetaxel", "trastuzumab"], []),
        ("capecitabine 500 mg AC", ["capecitabine"], []),  # before meals
    ],
)
def test_a_protocol_is_suggested_beside_the_drugs_that_are_named(text, taken, suggested):
    found = record(drug("MedicationStatement", text))
    assert [it.agent for it in found.exposures] == taken
    assert [it.told for it in found.suggested] == suggested


def test_what_a_hospital_means_by_the_name_of_a_protocol_replaces_what_others_do(tmp_path):
    (tmp_path / "codes").mkdir()
    row = "protocol,agents,source\nthp,paclitaxel|trastuzumab|pertuzumab,our pharmacy\n"
    (tmp_path / "codes" / "protocols.csv").write_text(row, encoding="utf-8")
    found = read_patient_record(resources_of(drug("MedicationStatement", "THP")), load_knowledge(tmp_path))
    assert [it.told for it in found.suggested] == ["paclitaxel, trastuzumab, pertuzumab"]


@pytest.mark.parametrize(
    ("text", "reason", "kinds"),
    [
        ("T-DXd, stopped for ILD grade 2", "toxicity", [("ild", 2)]),
        ("Enhertu, discontinued because of progression", "progression", []),
        ("Kadcyla, abgesetzt wegen Progress", "progression", []),
        ("Lapatinib for progressive disease", None, []),
        ("T-DXd", None, []),
    ],
)
def test_why_a_drug_was_stopped_may_stand_in_its_own_words(text, reason, kinds):
    found = record(drug("MedicationStatement", text, effectivePeriod={"start": "2022-03", "end": "2022-12"}))
    (taken,) = found.exposures
    assert (taken.stopped_for, [(it.kind, it.grade) for it in found.toxicities]) == (reason, kinds)


@pytest.mark.parametrize(
    ("text", "site"),
    [
        ("Métastases hépatiques", "liver"),
        ("Metástasis óseas", "bone"),
        ("Hepatische Metastasen", "liver"),
        ("Ossäre Metastasierung", "bone"),
        ("Métastase cérébrale", "brain"),
        ("Pleurakarzinose", "pleura"),
        ("Cancer du sein métastatique", "unspecified"),
        ("Cáncer de mama metastásico", "unspecified"),
        ("Metastasierter Brustkrebs", "unspecified"),
    ],
)
def test_metastases_are_named_in_many_languages(text, site):
    assert [it.site for it in record(condition(text=text)).metastases] == [site]


@pytest.mark.parametrize(
    ("text", "trend"),
    [
        ("ER 90 %, PR 20 %, HER2 3+", None),
        ("Metastatic carcinoma, ER negative, PR negative", None),
        ("Restaging: PR by RECIST", "responding"),
        ("HER2-positive disease, PR negative: progression in the liver", "progression"),
    ],
)
def test_pr_among_receptors_is_no_partial_response(text, trend):
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "effectiveDateTime": "2024-01-02"}
    found = record({**made, "code": {"text": "CT abdomen"}, "conclusion": text}).statuses
    assert [it.trend for it in found] == ([] if trend is None else [trend])
    assert record({**made, "code": {"text": "Pathology report"}, "conclusion": text}).statuses == ()


def test_a_report_on_both_breasts_tells_two_tumours():
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "effectiveDateTime": "2024-01-02"}
    text = "Right breast: HER2 3+. ER negative. Left breast: HER2 1+, ER 95 %."
    found = record({**made, "code": {"text": "Pathology report"}, "conclusion": text})
    assert {(it.marker, it.laterality, it.status) for it in found.receptors} == {
        ("her2", "right", "positive"),
        ("er", "right", "negative"),
        ("her2", "left", "low"),
        ("er", "left", "positive"),
    }


def test_receptors_are_named_in_french():
    (found,) = record(
        {**observation("x", valueString="négatif"), "code": {"text": "Récepteurs aux œstrogènes"}}
    ).receptors
    assert (found.marker, found.status) == ("er", "negative")


@pytest.mark.parametrize(
    ("text", "found", "denied"),
    [
        ("No cough. ILD grade 1.", ["ild"], []),
        ("No fever; pneumonitis grade 2", ["ild"], []),
        ("No effusion, pneumonitis present", ["ild"], []),
        ("No ILD, pneumonitis", [], ["ild"]),
        ("No cough, dyspnea, pneumonitis", [], ["ild"]),
        ("no cough, fever or pneumonitis", [], ["ild"]),
        ("no neuropathy, diarrhea, or rash", [], ["neuropathy", "diarrhoea", "rash"]),
        ("No pneumonitis but neuropathy grade 2", ["neuropathy"], ["ild"]),
        ("No ILD or pneumonitis, neuropathy grade 2", ["neuropathy"], ["ild"]),
        ("No brain metastases, liver metastases stable", ["met-liver"], ["met-brain"]),
        ("negative for pneumonitis", [], ["ild"]),
        ("ER-negative, HER2-positive breast cancer", ["breast-cancer"], []),
    ],
)
def test_a_denial_reaches_what_it_denies_and_no_further(text, found, denied):
    terms = vocabulary_of(KNOWLEDGE).terms
    assert [it.concept for it in terms.worded_conditions((text,))] == found
    assert [it.concept for it in terms.denied_conditions((text,))] == denied


@pytest.mark.parametrize(
    ("text", "trend"),
    [
        ("No effusion. Progression in the liver.", "progression"),
        ("Liver stable, no ascites, new lesions in bone", "progression"),
        ("No evidence of progression or new lesions", None),
        ("Brain negative. Progression in the liver.", "progression"),
    ],
)
def test_a_trend_is_not_denied_by_the_sentence_before(text, trend):
    assert vocabulary_of(KNOWLEDGE).terms.worded_trend((text,)) == trend


SNOMED = "http://snomed.info/sct"
ANY_CANCER, BREAST, LEFT_BREAST, LIVER, HEAD_AND_NECK = "363346000", "76752008", "80248007", "10200004", "361355005"


@pytest.mark.parametrize(
    ("places", "concept_found", "side", "kept"),
    [
        ([BREAST], "breast-cancer", None, True),
        ([LEFT_BREAST], "breast-cancer", "left", True),
        ([HEAD_AND_NECK], "cancer-of-another-site", None, False),
        ([], "cancer-of-untold-site", None, True),
    ],
)
def test_a_code_for_any_cancer_is_told_apart_by_the_place_beside_it(places, concept_found, side, kept):
    cancer = condition(ANY_CANCER, system=SNOMED, id="c", bodySite=[concept(it, SNOMED) for it in places])
    dose = drug("MedicationStatement", "Docetaxel", reasonReference=[{"reference": "Condition/c"}])
    found = record(cancer, dose)
    assert [(it.concept, it.laterality) for it in found.diagnoses] == [(concept_found, side)]
    assert bool(found.exposures) is kept


def test_a_place_is_known_by_its_code_alone():
    left = observation("85319-2", valueString="3+", bodySite=concept(LEFT_BREAST, SNOMED))
    liver = observation("85319-2", id="o2", valueString="1+", day="2024-03-01", bodySite=concept(LIVER, SNOMED))
    found = [(it.site, it.laterality, it.is_metastasis) for it in record(left, liver).receptors]
    assert found == [("breast", "left", False), ("liver", None, True)]


@pytest.mark.parametrize(
    ("text", "agent", "is_other"),
    [
        ("leuprolide for endometriosis", "leuprolide", True),
        ("megestrol for appetite", "megestrol", True),
        ("Methotrexat 15 mg bei rheumatoider Arthritis", "methotrexate", True),
        ("everolimus after kidney transplant", "everolimus", True),
        ("leuprolide for breast cancer", "leuprolide", False),
    ],
)
def test_what_a_drug_is_given_for_may_stand_in_its_own_words(text, agent, is_other):
    found = record(drug("MedicationStatement", text))
    assert [it.agent for it in (found.other_cancer_drugs if is_other else found.exposures)] == [agent]


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("Triple negative breast cancer", True),
        ("Triple-negative metastatic carcinoma", True),
        ("TNBC", True),
        ("Not triple negative", False),
        ("Breast cancer", False),
    ],
)
def test_triple_negative_tells_three_receptors(text, told):
    three = {("er", "negative"), ("her2", "negative"), ("pr", "negative")} if told else set()
    assert {(it.marker, it.status) for it in record(condition(text=text)).receptors} == three
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "effectiveDateTime": "2024-01-02"}
    report = {**made, "code": {"text": "Pathology report"}, "conclusion": f"{text}."}
    assert {(it.marker, it.status) for it in record(report).receptors} == three


@pytest.mark.parametrize("text", ["Radiation pneumonitis", "Strahlenpneumonitis"])
def test_radiation_pneumonitis_is_no_ild_of_a_drug_by_words_as_by_code(text):
    by_words, by_code = record(condition(text=text)), record(condition("J70.0"))
    assert by_words.toxicities == by_code.toxicities == ()
    assert [it.concept for it in by_words.diagnoses] == [it.concept for it in by_code.diagnoses]


@pytest.mark.parametrize(
    ("code", "text", "kinds"), [("E88.89", None, []), ("E88.89", "DPD deficiency", ["dpd_deficiency"])]
)
def test_a_code_for_any_metabolic_disorder_is_no_dpd_deficiency_by_itself(code, text, kinds):
    assert [it.kind for it in record(condition(code, text=text)).toxicities] == kinds


@pytest.mark.parametrize(
    ("text", "certainty"),
    [
        ("Pneumonitis", "confirmed"),
        ("Suspected pneumonitis", "provisional"),
        ("Rule out pneumonitis", "provisional"),
        ("Verdacht auf Pneumonitis", "provisional"),
    ],
)
def test_what_a_diagnosis_calls_suspected_is_not_confirmed(text, certainty):
    found = record(condition(text=text))
    assert [it.certainty for it in (*found.diagnoses, *found.toxicities)] == [certainty, certainty]
    assert [
        it.certainty for it in record(condition(text=text.replace("neumonitis", "leural metastases"))).metastases
    ] == [certainty]


def named(name, **value):
    return {**observation("x", **value), "code": {"text": name}}


@pytest.mark.parametrize(
    ("gene", "text", "marker", "value", "number"),
    [
        ("PD-L1", "CPS 12", "pd-l1", "measured", 12),
        ("PD-L1", "PD-L1 negative, CPS <1", "pd-l1", "negative", 1),
        ("NTRK", "no NTRK fusion", "ntrk", "wild_type", None),
        ("TMB", "TMB 12 mut/Mb", "tmb", "high", 12),
        ("TMB", "9.9 mut/Mb", "tmb", "measured", 9.9),
        ("TMB", "> 10 mut/Mb", "tmb", "measured", 10),
        ("ERBB2", "ERBB2 amplification by NGS", "erbb2-amplification", "mutated", None),
        ("DPYD", "no DPYD variant", "dpyd", "normal", None),
        ("PIK3CA", "PIK3CA: no mutation", "pik3ca", "wild_type", None),
    ],
)
def test_a_marker_told_in_a_few_words(gene, text, marker, value, number):
    (found,) = record(named(gene, valueString=text)).biomarkers
    assert (found.marker, found.value, found.number) == (marker, value, number)


@pytest.mark.parametrize(
    ("name", "text", "trend"),
    [
        ("Disease status", "Progressive disease", "progression"),
        ("Gesamtbeurteilung Tumorstatus", "Teilremission", "partial-remission"),
        ("RECIST 1.1", "PR", "responding"),
        ("Évaluation de la réponse", "Réponse complète", "complete-remission"),
        ("Smoking status", "Progressive disease", None),
    ],
)
def test_a_disease_status_is_known_by_its_name(name, text, trend):
    assert [it.trend for it in record(named(name, valueString=text)).statuses] == ([trend] if trend else [])


def test_a_disease_status_that_contradicts_itself_is_not_used():
    """A partial remission coded P, which is progression in that list. Source: terminology 7."""
    value = {
        "coding": [{"system": "https://local", "code": "P", "display": "Progression"}],
        "text": "Partielle Remission",
    }
    found = record(observation("97509-4", valueCodeableConcept=value))
    assert (found.statuses, [it.about for it in found.conflicts]) == ((), ["disease-status"])


@pytest.mark.parametrize(
    ("text", "state"),
    [
        ("New 9 mm lesion in the left cerebellum, consistent with metastasis.", "active_not_urgent"),
        ("Multiple metastases in both hemispheres.", "unknown"),
        ("Two new metastases in the left frontal lobe.", "active_not_urgent"),
        ("Zwei neue Metastasen links frontal. Keine Meningeosis.", "active_not_urgent"),
        ("Treated metastases stable. No new lesions.", "treated_stable"),
        ("No metastases.", "none"),
        ("Evaluate for metastases. Normal study.", None),
    ],
)
def test_a_report_on_the_head_that_names_metastases_tells_of_the_brain(text, state):
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "effectiveDateTime": "2024-01-02"}
    found = record({**made, "code": {"text": "MRI brain"}, "conclusion": text}).cns
    assert (found.state if found else None) == state


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ("Tykerb, outside hospital, 2021", "2021"),
        ("Capecitabine 2000 mg twice daily", "None"),  # a dose is no year
        ("Xeloda 2000mg, since 2022", "2022"),
        ("Xeloda, patient born 1955", "None"),
        ("Xeloda 2019, then 2021", "None"),
    ],
)
def test_a_year_in_the_words_of_a_drug_is_one_that_can_be_its_year(text, start):
    (taken,) = record(drug("MedicationStatement", text)).exposures
    assert str(taken.start) == start
