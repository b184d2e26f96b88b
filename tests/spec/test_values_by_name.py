"""Values by their commonest names in five languages, and names that look like theirs. Source: terminology 13; UCUM."""

import pytest

from cdshooks.knowledge.codes import load_codes
from cdshooks.knowledge.measures import load_measures
from cdshooks.record.measurements import MeasurementReader
from cdshooks.record.terms import RecordTerms
from tests.fhir import observation, resources_of

READER = MeasurementReader(RecordTerms(load_codes()), load_measures())


def read(name, number, unit):
    made = observation("1", system="https://lab.example", valueQuantity={"value": number, "unit": unit})
    return [(it.fact, it.value) for it in READER.read(resources_of({**made, "code": {"text": name}})).measurements]


@pytest.mark.parametrize(
    ("fact", "number", "unit", "names"),
    [
        (
            "anc",
            2.1,
            "10*9/L",
            "Neutrophils (absolute)|Neutrophilenzahl|PNN|Recuento de neutrófilos|Neutrofili assoluti",
        ),
        ("wbc", 5.1, "G/L", "White cell count|Leukozytenzahl|GB|Recuento de leucocitos|Conta leucocitaria"),
        ("platelets", 250, "/nl", "Platelets|Thrombozytenzahl|Numération des plaquettes|Trombocitos|Trombociti"),
        ("hemoglobin", 12.1, "g/dL", "Hemoglobin (Hb)|Hämoglobin (Hb)|Hémoglobine (Hb)|Hemoglobina (Hb)|Emoglobina"),
        ("bilirubin", 1.1, "mg/dL", "T. bili|Bilirubin, ges.|Bilirubine totale|Bilirrubina total|Bilirubina totale"),
        ("alt", 30, "U/L", "ALT/SGPT|GPT (ALAT)|ALAT (TGP)|Alanina aminotransferasa|Alanina aminotransferasi"),
        ("ast", 30, "U/L", "AST/SGOT|GOT (ASAT)|ASAT (TGO)|Aspartato aminotransferasa|Aspartato aminotransferasi"),
        (
            "creatinine",
            0.9,
            "mg/dL",
            "Creatinine (Jaffé)|Krea|Créatinine plasmatique|Creatinina en suero|Creatinina (siero)",
        ),
        (
            "egfr",
            75,
            "mL/min/1.73m2",
            "Estimated glomerular filtration rate|Glomeruläre Filtrationsrate|DFGe|TFGe|Velocità di filtrazione glomerulare",
        ),
        ("lvef_percent", 58, "%", "LVEF|Auswurffraktion|FEVG|FEVI|Frazione di eiezione del ventricolo sinistro"),
        ("qtc_ms", 430, "ms", "QTc (Fridericia)|Frequenzkorrigierte QT-Zeit|QT corrigé|QT corregido|QT corretto"),
    ],
)
def test_a_value_by_its_names(fact, number, unit, names):
    assert {name: read(name, number, unit) for name in names.split("|")} == {
        name: [(fact, number)] for name in names.split("|")
    }


@pytest.mark.parametrize(
    ("number", "unit", "names"),
    [
        (
            1.2,
            "mg/dL",
            "Direct bilirubin|Bilirubin, direct|Bilirubin direkt|Bilirubine directe|Bilirrubina directa|D-Bili",
        ),
        (1.2, "mg/dL", "Bilirubina diretta|Bilirubin indirekt|Conjugated bilirubin|Bilirubine conjuguée"),
        (80, "mg/dL", "Creatinine, urine|Kreatinin im Urin|Créatininurie|Creatinina en orina|Creatinina urinaria"),
        (3, "/uL", "WBC, CSF|Leukozyten Liquor|Leucocytes LCR|Neutrophils ascitic fluid|Leukozyten Pleurapunktat"),
        (2, "10*9/L", "Thrombozytenkonzentrat|Platelet transfusion|PLT transfusion|Plateletcrit"),
        (50, "%", "LVEF goal > 50 %|LVEF target|LVEF lower limit of normal|Left atrial ejection fraction|LVEF drop"),
        (50, "%", "Decrease in LVEF|Fetal LVEF|EF donor|LVEF Zielwert|FEVG cible|FEVI objetivo"),
        (450, "ms", "QTc goal|PR interval|QT interval|QRS"),
        (90, "mL/min/1.73m2", "Estimated GFR of donor|eGFR donor|eGFR decline"),
        (4.5, "T/L", "GR|Globules rouges|Érythrocytes"),
    ],
)
def test_what_is_none_of_these_values(number, unit, names):
    assert {name: read(name, number, unit) for name in names.split("|")} == {name: [] for name in names.split("|")}
