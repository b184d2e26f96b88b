"""Interacting drugs by the names that other languages give them: each acts as its English name does.

Source: WHO rules for INN (WHO Drug Information 25(2), 2011: f for ph, t for th, i for y).
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import drug, resources_of

KNOWLEDGE = load_knowledge()


def classes(name):
    read = read_patient_record(resources_of(drug("MedicationStatement", name, status="active")), KNOWLEDGE)
    return {it for one in read.comedications for it in one.classes}


@pytest.mark.parametrize(
    ("english", "others"),
    [
        ("clarithromycin", "Clarithromycine 500 mg|Claritromicina|Clarithromycin 250 mg Filmtabletten"),
        ("rifampicin", "Rifampicine|Rifampicina"),
        ("phenytoin", "Phénytoïne|Fenitoína"),
        ("carbamazepine", "Carbamazépine|Carbamazepina|Carbamazepin retard"),
        ("itraconazole", "Itraconazol|Itraconazolo"),
        ("st johns wort", "Millepertuis|Johanniskraut|Hierba de San Juan|Iperico"),
        ("warfarin", "Warfarine|Warfarina"),
        ("digoxin", "Digoxine|Digossina"),
        ("omeprazole", "Oméprazole|Omeprazol|Omeprazolo"),
        ("pantoprazole", "Pantoprazol|Pantoprazolo"),
        ("cyclosporine", "Ciclosporin|Ciclosporine|Ciclosporina"),
    ],
)
def test_a_drug_acts_as_its_english_name_does(english, others):
    expected = classes(english)
    assert expected
    for name in others.split("|"):
        assert classes(name) == expected, name


def test_another_form_of_a_drug_is_no_drug_of_ours_and_may_be_a_line():
    """Liposomal doxorubicin without PEG is neither doxorubicin nor its pegylated form; that it treats cancer is told."""
    read = read_patient_record(resources_of(drug("MedicationStatement", "Myocet liposomal 50 mg")), KNOWLEDGE)
    assert read.exposures == ()
    assert [(it.text, it.may_be_cancer_drug) for it in read.unmapped] == [("Myocet liposomal 50 mg", True)]


@pytest.mark.parametrize("name", ["Clarinase", "Rifaximin", "Fenofibrat", "Johannisbeeren"])
def test_a_name_that_only_begins_alike_is_another_drug(name):
    assert classes(name) == set()
