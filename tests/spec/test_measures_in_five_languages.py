"""Laboratory values and diagnoses that only a name tells, as German, French, Spanish, Italian and British systems send them.

Source: terminology 7, 13.
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import LOINC, condition, drug, observation, resources_of

KNOWLEDGE = load_knowledge()


def named(name, value, unit, display=None):
    made = observation("4711", system="https://lab.example", valueQuantity={"value": value, "unit": unit})
    made["code"]["text"] = name
    if display is not None:
        made["code"]["coding"] = [{"system": LOINC, "code": "99999-9", "display": display}]
    return made


def measured(made):
    return [(it.fact, it.value) for it in read_patient_record(resources_of(made), KNOWLEDGE).measurements]


@pytest.mark.parametrize(
    ("fact", "value", "unit", "expected", "names"),
    [
        (
            "creatinine",
            88,
            "µmol/l",
            0.9954,
            "Kreatinin|Kreatinin i.S.|Créatinine|Créatininémie|Creatinina|Serum creatinine",
        ),
        ("wbc", 4.2, "/nl", 4.2, "Leukozyten|Leucocytes|Globules blancs|Leucocitos|Leucociti"),
        (
            "anc",
            2.1,
            "Gpt/l",
            2.1,
            "Neutrophile Granulozyten (absolut)|Polynucléaires neutrophiles|Neutrófilos|Neutrofili",
        ),
        ("platelets", 210, "Tsd/µl", 210, "Thrombozyten|Plaquettes|Plaquetas|Piastrine"),
        ("platelets", 210, "G/L", 210, "Thrombozyten|Plaquettes"),
        ("hemoglobin", 7.5, "mmol/l", 12.0859, "Hämoglobin|Hémoglobine|Hemoglobina|Emoglobina|Haemoglobin"),
        ("bilirubin", 17, "µmol/L", 0.9939, "Bilirubin gesamt|Bilirubine totale|Bilirrubina total|Bilirubina totale"),
        ("ast", 30, "UI/L", 30, "ASAT|GOT (AST)|TGO|ASAT (TGO)"),
        ("alt", 0.5, "µkat/l", 30, "ALAT|GPT (ALT)|TGP"),
        ("alp", 90, "UI/L", 90, "Alkalische Phosphatase|Phosphatases alcalines|Fosfatasa alcalina"),
        ("egfr", 75, "ml/min/1,73m²", 75, "DFG estimé (CKD-EPI)|eGFR (CKD-EPI)|GFR|Filtrado glomerular"),
        ("potassium", 4.1, "mmol/l", 4.1, "Kalium|Kaliémie|Potasio|Potassio"),
        ("weight_kg", 70, "kg", 70, "Gewicht|Poids|Peso"),
        ("height_cm", 1.68, "m", 168, "Größe|Taille|Talla|Altezza"),
    ],
)
def test_a_value_is_known_by_its_name(fact, value, unit, expected, names):
    for name in names.split("|"):
        assert measured(named(name, value, unit)) == [(fact, expected)], name


@pytest.mark.parametrize(
    ("name", "unit", "display"),
    [
        ("Leukozyten", "/µl", "Leukozyten [#/Volumen] im Urin"),
        ("Leukozyten im Urin", "/µl", None),
        ("Leucocytes", "/µL", "Leucocytes urinaires"),
        ("Kreatinin", "mg/dl", "Kreatinin im Spontanurin"),
        ("Neutrophile (%)", "%", None),
        ("Größe des Tumors", "cm", None),
        ("Fe", "µg/dl", None),
    ],
)
def test_a_value_of_another_sample_or_thing_is_none_of_the_blood(name, unit, display):
    assert measured(named(name, 25, unit, display)) == []


@pytest.mark.parametrize(
    ("text", "concept"),
    [
        ("Metastasi epatiche", "met-liver"),
        ("Metastasi cerebrali", "met-brain"),
        ("Mammakarzinom, ossär metastasiert", "met-bone"),
        ("Carcinosi meningea", "met-meninges"),
        ("Carcinoma mammario metastatico", "metastatic-breast-cancer"),
        ("Insuffisance cardiaque", "heart_failure"),
        ("Scompenso cardiaco", "heart_failure"),
        ("Enfermedad pulmonar intersticial", "ild"),
        ("Grossesse", "pregnancy"),
        ("Embarazo de 12 semanas", "pregnancy"),
        ("Gravidanza", "pregnancy"),
        ("Test de grossesse négatif", "not-pregnant"),
        ("Negative pregnancy test", "not-pregnant"),
        ("Nicht schwanger", "not-pregnant"),
    ],
)
def test_a_diagnosis_is_known_by_its_name(text, concept):
    found = read_patient_record(resources_of(condition(text=text)), KNOWLEDGE)
    assert concept in {it.concept for it in found.diagnoses}
    assert not {"pregnancy", "not-pregnant"} <= {it.concept for it in found.diagnoses}


@pytest.mark.parametrize(
    "text", ["Keine Lebermetastasen", "Pas de grossesse", "Sin metástasis hepáticas", "nessuna gravidanza"]
)
def test_a_denied_diagnosis_is_none(text):
    found = read_patient_record(resources_of(condition(text=text)), KNOWLEDGE)
    assert [it.concept for it in found.diagnoses] == []


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("Statut ménopausique", "ménopausée", "postmenopausal"),
        ("Statut ménopausique", "non ménopausée", "premenopausal"),
        ("Estado menopáusico", "posmenopáusica", "postmenopausal"),
        ("Estado menopáusico", "premenopáusica", "premenopausal"),
        ("Stato menopausale", "in menopausa", "postmenopausal"),
        ("Stato menopausale", "premenopausa", "premenopausal"),
    ],
)
def test_the_menopause_in_words(name, text, expected):
    made = observation("4711", system="https://lab.example", valueString=text)
    made["code"]["text"] = name
    found = read_patient_record(resources_of(made), KNOWLEDGE).statements
    assert [it.value for it in found if it.about == "menopause"] == [expected]


@pytest.mark.parametrize(
    ("reason", "expected"),
    [
        ("tossicità", "toxicity"),
        ("effets indésirables", "toxicity"),
        ("décision de la patiente", "patient_choice"),
        ("fin du protocole", "completed"),
        ("fin de traitement", None),  # only that it ended
    ],
)
def test_why_a_drug_was_stopped(reason, expected):
    made = drug("MedicationStatement", "lapatinib", status="stopped", statusReason=[{"text": reason}])
    assert [it.stopped_for for it in read_patient_record(resources_of(made), KNOWLEDGE).exposures] == [expected]
