"""What a result denies of a gene is absent, in English, German, French, Spanish and Italian. Source: terminology 10.4, 13."""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import observation, resources_of

KNOWLEDGE = load_knowledge()


def value(gene, text):
    made = observation("1", system="https://lab.example", valueString=text)
    made["code"]["text"] = gene
    found = read_patient_record(resources_of(made), KNOWLEDGE).biomarkers
    return found[0].value if found else None


@pytest.mark.parametrize(
    "text",
    [
        *("no pathogenic variant detected", "no evidence of pathogenic variant", "without pathogenic variants"),
        *("keine pathogene Variante", "kein Nachweis einer pathogenen Variante", "nicht mutiert"),
        *("absence de variant pathogène", "pas de mutation retrouvée", "aucun variant pathogène détecté", "non muté"),
        *("sin mutaciones patogénicas", "no se detectan variantes patogénicas", "no mutado"),
        *("nessuna variante patogenetica", "non mutato", "mutazione assente"),
    ],
)
@pytest.mark.parametrize("gene", ["BRCA1", "PIK3CA", "ESR1"])
def test_a_denied_variant_is_absent(gene, text):
    assert value(gene, text) == "wild_type"


@pytest.mark.parametrize(
    "text",
    [
        *("pathogenic variant detected", "Muté", "mutado", "mutiert", "variant pathogène détecté"),
        "no variant of uncertain significance; pathogenic variant detected",
        "non-synonymous pathogenic variant",
        "not previously described pathogenic variant",
        "p.H1047R, no other variant",
    ],
)
@pytest.mark.parametrize("gene", ["BRCA1", "PIK3CA"])
def test_a_variant_that_is_told_is_never_taken_for_none(gene, text):
    assert value(gene, text) != "wild_type"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("déficit partiel", "intermediate"),
        ("déficit complet", "poor"),
        ("partieller Mangel", "intermediate"),
        ("pas de variant", "unclassified"),  # of which variants is not told
    ],
)
def test_a_loss_of_dpd_in_other_languages(text, expected):
    assert value("DPYD", text) == expected
