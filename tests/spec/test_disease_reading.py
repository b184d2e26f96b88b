"""Spread, brain, stage and second cancers as records tell them. Source: terminology 10.5, 13."""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from cdshooks.record.terms import RecordTerms
from tests.fhir import LOINC, SNOMED, concept, condition, drug, observation, resources_of

KNOWLEDGE = load_knowledge()


def record(*resources):
    return read_patient_record(resources_of(*resources), KNOWLEDGE)


def verified(code):
    return {"verificationStatus": {"coding": [{"code": code}]}}


@pytest.mark.parametrize(
    ("code", "site"),
    [
        ("C78.7", "liver"),
        ("C79.31", "brain"),
        ("C79.32", "meninges"),
        ("C79.51", "bone"),
        ("C77.3", None),  # an axillary node is not distant
        ("C79.81", None),  # a metastasis to the breast is of another cancer
        ("C50.911", None),
        ("Z85.3", None),
    ],
)
def test_which_diagnosis_is_distant_disease(code, site):
    assert [it.site for it in record(condition(code)).metastases] == ([site] if site else [])


@pytest.mark.parametrize(
    ("status", "certainty"),
    [
        ("confirmed", ["confirmed"]),
        ("provisional", ["provisional"]),
        ("differential", ["provisional"]),
        ("refuted", []),
        ("entered-in-error", []),
    ],
)
def test_what_a_verification_status_does_to_a_metastasis(status, certainty):
    assert [it.certainty.value for it in record(condition("C78.7", **verified(status))).metastases] == certainty


@pytest.mark.parametrize(
    ("code", "value", "spread"),
    [
        ("1287652008", {"valueBoolean": True}, True),
        ("1287652008", {"valueBoolean": False}, False),
        ("1287652008", {"valueCodeableConcept": concept("260385009", SNOMED)}, False),
        ("1098951000119108", {}, True),
        ("1098951000119108", {"dataAbsentReason": {"text": "unknown"}}, False),
        ("399387003", {"valueCodeableConcept": concept("1229903009", SNOMED)}, True),
        ("399387003", {"valueCodeableConcept": concept("1229901006", SNOMED)}, False),
    ],
)
def test_a_value_can_reverse_its_code(code, value, spread):
    assert bool(record(observation(code, system=SNOMED, **value)).metastases) is spread


@pytest.mark.parametrize(("day", "conflicts"), [("2023-06-01", 1), ("2023-01-31", 0)])
def test_spread_denied_after_it_was_found_is_a_conflict(day, conflicts):
    found = condition("C78.7", onsetDateTime="2023-02-01")
    denied = observation("1287652008", system=SNOMED, day=day, valueBoolean=False)
    assert [it.about for it in record(found, denied).conflicts] == ["metastatic"] * conflicts


MET = condition("C79.31", id="brain", onsetDateTime="2024-01-10")


def status(word, day, identity="s"):
    said = {"improved": "268910001", "stable": "359746009", "worsened": "271299001"}[word]
    return observation(
        "97509-4",
        id=identity,
        day=day,
        valueCodeableConcept=concept(said, SNOMED),
        focus=[{"reference": "Condition/brain"}],
    )


def srs(day, **more):
    return {
        "resourceType": "Procedure",
        "id": more.pop("id", "srs"),
        "status": more.pop("status", "completed"),
        "code": {"text": "Stereotactic radiosurgery of brain metastasis"},
        "subject": {"reference": "Patient/p"},
        "performedDateTime": day,
        **more,
    }


def mri(conclusion, day, identity="mri"):
    return {
        "resourceType": "DiagnosticReport",
        "id": identity,
        "status": "final",
        "code": {"text": "MRI brain"},
        "subject": {"reference": "Patient/p"},
        "effectiveDateTime": day,
        "conclusion": conclusion,
    }


@pytest.mark.parametrize(
    ("resources", "state"),
    [
        ([], None),
        ([condition("C79.31", id="brain", **verified("refuted"))], "none"),
        ([mri("No brain metastases.", "2024-02-01")], "none"),
        ([MET], "unknown"),
        ([MET, status("stable", "2024-03-01")], "untreated_stable"),
        ([MET, srs("2024-02-01")], "treated_stable"),
        ([MET, srs("2024-02-01"), status("stable", "2024-05-01")], "treated_stable"),
        ([MET, srs("2024-02-01"), status("worsened", "2024-05-01")], "active_not_urgent"),
        ([MET, status("worsened", "2024-01-20"), srs("2024-02-01")], "treated_stable"),
        ([MET, srs("2024-02-01", status="preparation")], "needs_local_therapy"),
        ([MET, mri("Brain metastasis with mass effect.", "2024-01-12")], "needs_local_therapy"),
        ([MET, mri("Brain metastasis without mass effect.", "2024-01-12")], "unknown"),
        ([MET, mri("Asymptomatic brain metastasis.", "2024-01-12")], "unknown"),
        # what was urgent has been treated since
        ([MET, mri("Brain metastasis with mass effect.", "2024-01-12"), srs("2024-02-01")], "treated_stable"),
        ([MET, condition("C79.32", id="m", onsetDateTime="2024-06-01")], "leptomeningeal"),
    ],
)
def test_the_state_of_the_brain(resources, state):
    cns = record(*resources).cns
    assert (cns.state if cns else None) == state


@pytest.mark.parametrize(
    ("reason", "taken"),
    [
        ({"reasonCode": [concept("C50.911", "http://hl7.org/fhir/sid/icd-10-cm")]}, True),
        ({"reasonCode": [concept("C34.1", "http://hl7.org/fhir/sid/icd-10-cm")]}, False),
        ({"reasonCode": [concept("254637007", SNOMED)]}, False),
        ({"reasonCode": [{"text": "metastatic colon cancer"}]}, False),
        ({"reasonCode": [{"text": "rheumatoid arthritis"}]}, False),
        ({"reasonCode": [concept("C34.1", "http://hl7.org/fhir/sid/icd-10-cm"), {"text": "breast cancer"}]}, True),
        ({}, True),
    ],
)
def test_a_drug_for_another_disease_is_no_breast_treatment(reason, taken):
    found = record(drug("MedicationStatement", "methotrexate", effectiveDateTime="2024-01-01", **reason))
    assert (bool(found.exposures), bool(found.other_cancer_drugs)) == (taken, not taken)


@pytest.mark.parametrize(
    ("agent", "words", "taken"),
    [
        ("megestrol", "for appetite", False),
        ("megestrol", "160 mg daily", True),
        ("megestrol", "cancer cachexia", False),
        ("leuprolide", "endometriosis", False),
        ("capecitabine", "14 days on, 7 off", True),
    ],
)
def test_a_use_that_only_the_instruction_tells(agent, words, taken):
    order = drug(
        "MedicationRequest", agent, intent="order", authoredOn="2024-01-01", dosageInstruction=[{"text": words}]
    )
    assert bool(record(order).exposures) is taken


@pytest.mark.parametrize(
    ("name", "words", "agents"),
    [
        ("see instructions", "trastuzumab deruxtecan 5.4 mg/kg q21d", {"trastuzumab deruxtecan"}),
        ("Chemotherapy", "paclitaxel 80 mg/m2 weekly", {"paclitaxel"}),
        ("ondansetron", "before paclitaxel", set()),
        ("Chemotherapy", "per protocol", set()),
    ],
)
def test_a_drug_that_only_the_instruction_names(name, words, agents):
    order = drug(
        "MedicationRequest", name, intent="order", authoredOn="2024-01-01", dosageInstruction=[{"text": words}]
    )
    found = record(order)
    assert {it.agent for it in found.exposures} == agents
    assert any(it.code == "drug-in-words" for it in found.doubts) is bool(agents)


def test_a_relatives_cancer_is_not_the_patients():
    assert record(condition(text="Family history of ovarian cancer")).diagnoses == ()


def test_a_second_cancer_leaves_open_whose_metastasis_it_is():
    lung = condition("C34.10", id="lung")
    assert [it.code for it in record(lung, condition("C78.7", id="liver")).doubts] == ["second-cancer"]
    assert record(lung).doubts == ()


@pytest.mark.parametrize(
    ("coding", "name"),
    [
        ({"system": "http://www.nlm.nih.gov/research/umls/rxnorm", "code": "4719"}, "gemfibrozil"),
        ({"system": "http://www.whocc.no/atc", "code": "C10AB04"}, "gemfibrozil"),
        ({"system": "http://www.whocc.no/atc", "code": "A02BC01"}, "omeprazole"),
    ],
)
def test_an_interacting_drug_may_be_known_by_its_code_alone(coding, name):
    statement = drug("MedicationStatement", None, status="active", effectiveDateTime="2024-01-01")
    statement["medicationCodeableConcept"] = {"coding": [coding]}
    (found,) = record(statement).comedications
    assert found.name == name
    assert found.classes


def variant(*parts, present="LA9633-4"):
    components = [
        {
            "code": concept("48018-6", LOINC),
            "valueCodeableConcept": {"coding": [{"system": "http://www.genenames.org", "code": parts[0]}]},
        }
    ]
    components += [{"code": concept("x", LOINC), "valueCodeableConcept": concept(part, LOINC)} for part in parts[1:]]
    return observation("69548-6", valueCodeableConcept=concept(present, LOINC), component=components)


@pytest.mark.parametrize(
    ("resource", "marker", "value", "germline"),
    [
        (variant("HGNC:1100", "LA6683-2"), "brca1", "mutated", True),
        (variant("1101", "LA6684-0"), "brca2", "mutated", False),
        (variant("HGNC:8975"), "pik3ca", "mutated", None),
        (variant("HGNC:8975", present="LA9634-2"), "pik3ca", "wild_type", None),
        (variant("HGNC:1100", "LA26333-7"), "brca1", "unclassified", None),  # of uncertain significance
        (variant("HGNC:1100", "LA6675-8"), "brca1", "wild_type", None),
        (variant("HGNC:3430"), "erbb2-mutation", "mutated", None),
    ],
)
def test_a_variant(resource, marker, value, germline):
    (found,) = record(resource).biomarkers
    assert (found.marker, found.value, found.is_germline) == (marker, value, germline)


ILD = "Interstitial lung disease"
GRADE = "http://hl7.org/fhir/us/ctcae/StructureDefinition/ctcae-grade"


@pytest.mark.parametrize(
    ("more", "grade"),
    [
        ({}, None),
        ({"extension": [{"url": GRADE, "valueInteger": 3}]}, 3),
        ({"extension": [{"url": GRADE, "valueCode": "2"}]}, 2),
        ({"extension": [{"url": GRADE, "valueString": "Grade 2"}]}, 2),
        ({"extension": [{"url": GRADE, "valueCoding": {"code": "4"}}]}, 4),
        ({"extension": [{"url": GRADE, "valueCodeableConcept": {"coding": [{"code": "grade-1"}]}}]}, 1),
        ({"severity": {"coding": [{"system": SNOMED, "code": "24484000"}]}}, 3),
        ({"severity": {"text": "Grade 2"}}, 2),
        ({"severity": {"text": "moderate"}}, 2),
        ({"stage": [{"summary": {"text": "CTCAE grade 1"}}]}, 1),
        ({"note": [{"text": "grade II on T-DXd"}]}, 2),
        ({"note": [{"text": "grade 2-3"}]}, 3),
        ({"note": [{"text": "Grad 3"}]}, 3),
        ({"note": [{"text": "CTCAE v5.0 grade 2"}]}, 2),
        ({"note": [{"text": "5 g daily"}]}, None),
    ],
)
def test_a_ctcae_grade_in_every_place_it_stands(more, grade):
    (found,) = record(condition(text=ILD, **more)).toxicities
    assert (found.kind, found.grade) == ("ild", grade)


def test_another_cancer_without_breast_cancer_on_record_is_told_apart_from_a_second_one():
    lung = condition("C34.90", id="lung")
    brain = condition("C79.31", id="brain", onsetDateTime="2024-01-01")
    breast = condition("C50.912", id="breast")

    def doubt(*resources):
        return next(it.because for it in record(*resources).doubts if it.code == "second-cancer")

    assert "no diagnosis of breast cancer" in doubt(lung, brain)
    assert "no diagnosis of breast cancer" not in doubt(lung, brain, breast)


@pytest.mark.parametrize("null", ["0001-01-01", "0001-01-01T00:00:00Z", "0001"])
def test_a_null_date_is_no_date_so_the_day_of_recording_counts(null):
    found = record(condition("C78.7", onsetDateTime=null, recordedDate="2024-05-02")).metastases
    assert [(str(it.date), it.basis) for it in found] == [("2024-05-02", "condition-recorded")]


LARGEST = [
    ("Progression of two cerebellar metastases (largest 13 mm) and one new left frontal metastasis of 9 mm.", 13),
    ("Metastasis of 1.8 x 1.2 cm in the left cerebellum.", 18),
    ("Neue Metastase links frontal, 0,9 cm.", 9),
    ("One new metastasis. Midline shift of 12 mm.", None),  # the size of something else
    ("Two metastases, previously 22 mm.", None),  # the size of an earlier time
    ("No metastasis larger than 5 mm.", None),
    ("New brain metastases.", None),
]


@pytest.mark.parametrize(("words", "largest"), LARGEST, ids=[it[0][:40] for it in LARGEST])
def test_the_size_of_a_brain_metastasis_in_the_words_of_a_report(words, largest):
    cns = record(condition("C79.31"), mri(words, "2024-06-01")).cns
    assert cns.largest_lesion_mm == largest
    assert (cns.largest_lesion_on is not None) is (largest is not None)


def test_the_largest_brain_metastasis_is_that_of_the_newest_measurement():
    cns = record(
        condition("C79.31"),
        mri("Metastasis of 30 mm.", "2023-01-05", "old"),
        mri("Metastases of 8 mm and 6 mm.", "2024-06-01", "new"),
    ).cns
    assert (cns.largest_lesion_mm, str(cns.largest_lesion_on)) == (8, "2024-06-01")


def procedure(code, period=None, **more):
    done = {"performedPeriod": period} if period else {"performedDateTime": "2019-10-14"}
    return {"resourceType": "Procedure", "id": "x", "status": "completed", "code": code, **done, **more}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (concept("392021009", SNOMED), "breast-conserving-surgery"),
        (concept("64368001", SNOMED), "breast-conserving-surgery"),
        ({"text": "Partial mastectomy, left"}, "breast-conserving-surgery"),
        ({"text": "Brusterhaltende Operation links"}, "breast-conserving-surgery"),
        (concept("172043006", SNOMED), "mastectomy"),
        ({"text": "Mastektomie rechts"}, "mastectomy"),
        ({"text": "Mastectomie gauche"}, "mastectomy"),
    ],
)
def test_breast_conserving_surgery_is_no_mastectomy(code, kind):
    assert [(it.kind, it.site) for it in record(procedure(code)).local_therapies] == [(kind, "breast")]


def test_radiotherapy_of_two_places_is_told_for_both_with_its_last_day():
    course = procedure(
        {"text": "External beam radiotherapy, left breast and solitary sternal metastasis"},
        {"start": "2019-12-02", "end": "2020-01-10"},
    )
    told = record(course).local_therapies
    assert {(it.kind, it.site, str(it.date), str(it.end)) for it in told} == {
        ("radiotherapy", "breast", "2019-12-02", "2020-01-10"),
        ("radiotherapy", "bone", "2019-12-02", "2020-01-10"),
    }
    assert {str(it.last_day) for it in told} == {"2020-01-10"}


def said_of(report):
    return [(it.focus, it.trend) for it in record(report).statuses]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("Stable disease.", [("overall", "stable")]),
        ("Ongoing complete response of liver metastases. Lungs clear.", [("liver", "complete-remission")]),
        ("Liver progression. Lungs clear.", [("liver", "progression")]),
        ("Liver: partial response. Bone: stable.", [("liver", "responding"), ("bone", "stable")]),
        ("Liver: partial response. Liver: new lesion.", [("liver", "progression")]),
        # two places in one sentence: of which one it is said is not told
        ("Progression in liver and bone.", [("overall", "progression")]),
        ("Liver stable, progression in bone.", [("overall", "progression")]),
        ("Progressive breast cancer.", [("overall", "progression")]),
        ("Stable disease. Decreased in size.", []),
        ("No progression.", []),
    ],
)
def test_a_report_says_of_a_place_what_its_sentence_says_of_it(words, said):
    report = {**mri(words, "2024-05-01"), "code": {"text": "CT chest, abdomen and pelvis"}}
    assert said_of(report) == said


@pytest.mark.parametrize(
    ("words", "trend", "state"),
    [
        ("One new right temporal metastasis of 11 mm, treated lesions stable.", "progression", "active_not_urgent"),
        ("Treated lesions stable. New metastasis in the cerebellum.", "progression", "active_not_urgent"),
        ("Treated metastases, one of them enlarging.", "progression", "active_not_urgent"),
        ("Neue Metastase rechts parietal, behandelte Metastasen stabil.", "progression", "active_not_urgent"),
        ("Treated metastases stable.", "stable", "treated_stable"),
        ("No new metastases. Treated lesions stable.", "stable", "treated_stable"),
        ("Treated metastases stable, no new lesion.", "stable", "treated_stable"),
    ],
)
def test_a_new_brain_metastasis_is_progression_whatever_the_treated_ones_do(words, trend, state):
    found = record(MET, srs("2024-02-01"), mri(words, "2024-05-01"))
    assert [(it.focus, it.trend) for it in found.statuses] == [("brain", trend)]
    assert found.cns.state == state


ASSERTED = "http://hl7.org/fhir/StructureDefinition/condition-assertedDate"


@pytest.mark.parametrize(
    ("members", "start", "is_onset"),
    [
        ({"onsetDateTime": "2019-04", "recordedDate": "2024-01-02"}, "2019-04", True),
        ({"recordedDate": "2024-01-02"}, "2024-01-02", False),
        ({"extension": [{"url": ASSERTED, "valueDateTime": "2019-04-01"}]}, "2019-04-01", False),
        # asserted elsewhere first, typed in here later
        ({"extension": [{"url": ASSERTED, "valueDateTime": "2019"}], "recordedDate": "2024-01-02"}, "2019", False),
        ({"extension": [{"url": "http://example.org/other", "valueDateTime": "2019"}]}, None, False),
    ],
)
def test_since_when_a_diagnosis_is_known(members, start, is_onset):
    (found,) = record(condition("C50.911", **members)).diagnoses
    assert (str(found.start) if found.start else None, found.is_onset) == (start, is_onset)
    heart = record(condition("I50.32", **members))
    assert [str(it.start) if it.start else None for it in heart.toxicities] == [start]


STAGE_IIIC = concept("1222806003", SNOMED)


@pytest.mark.parametrize(
    ("summary", "stage"),
    [
        (STAGE_IIIC, "IIIC"),
        ({"text": "Stage IIIA"}, "IIIA"),
        ({"text": "Stadium IV"}, "IV"),
        ({"text": "Binet Stage B"}, None),
        ({"text": "Temporary"}, None),
    ],
)
def test_the_stage_that_a_diagnosis_names(summary, stage):
    found = record(condition("C50.911", onsetDateTime="2018-03-16", stage=[{"summary": summary}]))
    assert [(it.about, it.value, str(it.date)) for it in found.statements] == (
        [("stage", stage, "2018-03-16")] if stage else []
    )


def test_a_stage_that_an_observation_tells_too_is_told_once_and_another_stays_beside_it():
    observed = observation("399537006", system=SNOMED, day="2018-03-20", valueCodeableConcept=STAGE_IIIC)
    same = record(condition("C50.911", onsetDateTime="2018-03-16", stage=[{"summary": STAGE_IIIC}]), observed)
    assert [(it.value, str(it.date)) for it in same.statements] == [("IIIC", "2018-03-20")]
    other = record(condition("C50.911", onsetDateTime="2018-03-16", stage=[{"summary": {"text": "IIB"}}]), observed)
    assert [(it.value, str(it.date)) for it in other.statements] == [("IIB", "2018-03-16"), ("IIIC", "2018-03-20")]


ON_THE_HEAD = [
    ("Dringende neurochirurgische Vorstellung: Metastase im Kleinhirn, 38 mm.", "MRT Schädel", "needs_local_therapy"),
    ("Nouvelle métastase cérébelleuse de 38 mm avec effet de masse.", "IRM cérébrale", "needs_local_therapy"),
    ("Metástasis cerebelosa de 38 mm con efecto de masa.", "RM craneal", "needs_local_therapy"),
    ("Bekannte zerebrale Metastasen größenkonstant, keine neuen Läsionen.", "MRT Kopf", "untreated_stable"),
    ("Métastases cérébrales stables, pas de nouvelle lésion.", "IRM encéphalique", "untreated_stable"),
    ("No evidence of intracranial metastatic disease.", "MR BRAIN W WO CONTRAST", "none"),
    ("No definite evidence of leptomeningeal carcinomatosis or metastases.", "MRI brain", "none"),
    ("Keine Hinweise auf neu aufgetretene Hirnmetastasen.", "MRT Schädel", "none"),
    ("Absence de métastase cérébrale.", "IRM cérébrale", "none"),
    ("Sin evidencia de metástasis cerebrales.", "RM craneal", "none"),
    ("Méningite carcinomateuse.", "IRM cérébrale", "leptomeningeal"),
]


@pytest.mark.parametrize(("words", "name", "state"), ON_THE_HEAD, ids=[it[0][:40] for it in ON_THE_HEAD])
def test_the_state_of_the_brain_in_the_words_of_several_languages(words, name, state):
    report = {**mri(words, "2024-06-01"), "code": {"text": name}}
    found = record(report)
    assert (found.cns.state if found.cns else None) == state
    assert (found.metastases == ()) is (state == "none")


@pytest.mark.parametrize(
    ("text", "asserted", "denied"),
    [
        ("No evidence of distant metastatic disease", [], ["met-unspecified"]),
        ("No CT evidence of new or progressive metastatic disease", [], ["met-unspecified"]),
        ("Kein Anhalt für Hirnmetastasen", [], ["met-brain"]),
        ("Pas d'argument pour une carcinose leptoméningée", [], ["met-meninges"]),
        ("No evidence of progression of brain metastases", ["met-brain"], []),  # they do not progress, and are there
        ("No signs of bleeding in brain metastases", ["met-brain"], []),
        ("No cough, evidence of brain metastases", ["met-brain"], []),
        ("No fever. Evidence of brain metastases", ["met-brain"], []),
    ],
)
def test_a_denial_reaches_what_is_asked_for_and_not_what_belongs_to_it(text, asserted, denied):
    terms = RecordTerms(KNOWLEDGE.codes)
    assert [it.concept for it in terms.worded_conditions((text,))] == asserted
    assert [it.concept for it in terms.denied_conditions((text,))] == denied


def test_a_treatment_in_the_month_of_the_finding_was_of_what_was_found():
    found = condition("C79.31", onsetDateTime="2026-11")
    gamma = procedure(
        {"text": "Gamma Knife"}, {"start": "2026-11-18", "end": "2026-11-20"}, bodySite=[{"text": "brain"}]
    )
    assert record(found, gamma).cns.state == "treated_stable"
    later = condition("C79.31", onsetDateTime="2026-12", id="later")
    assert record(found, later, gamma).cns.state == "active_not_urgent"


@pytest.mark.parametrize(
    ("name", "words", "activity"),
    [
        ("DPYD genotyping", "*2A/*2A: poor metabolizer. Fluoropyrimidines are contraindicated.", ["poor"]),
        ("Pharmacogenetics", "DPYD intermediate metabolizer; start with half the dose.", ["intermediate"]),
        ("Pharmacogenetics", "CYP2D6 poor metabolizer. DPYD pending.", []),  # of another gene
        ("Pharmacogenetics", "DPYD: normal metabolizer.", []),  # running text makes nothing normal
        ("Pharmacogenetics", "DPYD: no poor metabolizer variant found.", []),
        ("CT abdomen", "Poor contrast.", []),
    ],
)
def test_a_loss_of_dpyd_activity_may_stand_in_a_report_alone(name, words, activity):
    report = {**mri(words, "2024-06-01"), "code": {"text": name}}
    assert [it.value for it in record(report).biomarkers] == activity


@pytest.mark.parametrize(
    ("code", "concept_"),
    [
        (concept("77970009", SNOMED), "hypertensive_heart_disease"),
        (concept("368009", SNOMED), "heart_valve_disease"),
        ({"text": "Valvular heart disease"}, "heart_valve_disease"),
        ({"text": "Coronary heart disease"}, "ischemic_heart_disease"),
    ],
)
def test_heart_disease_of_any_kind_lowers_the_limit_of_anthracycline(code, concept_):
    found = record({**condition("x"), "code": code})
    assert [it.concept for it in found.diagnoses] == [concept_]
    assert concept_ in KNOWLEDGE.facts["cardiac_risk"].reads.diagnosis
