"""A drug that interacts does so under each of its names: a brand or a foreign spelling is no other drug."""

import pytest

from cdshooks.record.read import read_patient_record
from tests.fhir import drug, resources_of
from tests.option_cases import shipped

SAME = """
prilosec = omeprazole
omeprazol = omeprazole
zegerid = omeprazole
nexium = esomeprazole
prevacid = lansoprazole
dexilant = dexlansoprazole
protonix = pantoprazole
aciphex = rabeprazole
tagamet = cimetidine
lopid = gemfibrozil
plavix = clopidogrel
biaxin = clarithromycin
diflucan = fluconazole
dilantin = phenytoin
tegretol = carbamazepine
carbamazepin = carbamazepine
rifampin = rifampicin
ketoconazol = ketoconazole
decadron = dexamethasone
dexamethason = dexamethasone
prednison = prednisone
coumadin = warfarin
marcumar = phenprocoumon
eliquis = apixaban
xarelto = rivaroxaban
"""


@pytest.mark.parametrize("line", SAME.strip().splitlines())
def test_a_drug_interacts_under_each_of_its_names(line):
    other, name = line.split(" = ")
    interactions = shipped().codes.interactions
    assert interactions[name]
    assert sorted(interactions[other]) == sorted(interactions[name])


@pytest.mark.parametrize(
    ("text", "classes"),
    [
        ("Dilantin 125mg/5ml Oral Suspension", ("strong_cyp3a4_inducer", "phenytoin")),
        ("COUMADIN 5 mg Oral Tablet", ("coumarin", "anticoagulant")),
    ],
)
def test_a_brand_is_found_in_what_a_pharmacy_writes(text, classes):
    record = read_patient_record(resources_of(drug("MedicationRequest", text, intent="order")), shipped())
    assert [sorted(it.classes) for it in record.comedications] == [sorted(classes)]
    assert record.unmapped == ()
