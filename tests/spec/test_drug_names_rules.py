"""Drug names as people write them. Specific beats general; a wrong agent is worse than an unmapped one."""

import pytest

from cdshooks.ehr.resources import CodeableConcept, Coding
from cdshooks.knowledge.drugs import load_drugs, rows_of
from cdshooks.record.drug_names import DrugNames

NAMES = DrugNames(load_drugs())
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


def agents_of(text):
    return list(NAMES.identify_concept(CodeableConcept(text=text)).agents)


@pytest.mark.parametrize(
    ("written", "agents"),
    [
        ("ado-trastuzumab emtansine (KADCYLA) IVPB", ["trastuzumab emtansine"]),
        ("fam-trastuzumab deruxtecan-nxki 5.4 mg/kg", ["trastuzumab deruxtecan"]),
        ("T-DXd", ["trastuzumab deruxtecan"]),
        ("T-DM1", ["trastuzumab emtansine"]),
        ("Trastuzumab Injection [KADCYLA]", ["trastuzumab emtansine"]),
        ("trastuzumab-dkst", ["trastuzumab"]),
        ("Herceptin Hylecta", ["trastuzumab"]),
        ("Phesgo", ["pertuzumab", "trastuzumab"]),
        ("PERTuzumab + trastuzumab + NaCl 0.9%", ["pertuzumab", "trastuzumab"]),
        ("PACLitaxel 80 mg/m2", ["paclitaxel"]),
        ("nab-Paclitaxel", ["nab-paclitaxel"]),
        ("DOXOrubicin liposomal", ["pegylated liposomal doxorubicin"]),
        ("Gemcitabin 1000 mg", ["gemcitabine"]),
        ("docétaxel", ["docetaxel"]),
        ("Cyclophosphamid Trockensubstanz", ["cyclophosphamide"]),
        ("vinorelbina", ["vinorelbine"]),
        ("5-FU", ["fluorouracil"]),
        ("tratuzumab", ["trastuzumab"]),
        ("pertuzmab", ["pertuzumab"]),
        ("tucatnib", ["tucatinib"]),
        ("Xeloda 500 mg Filmtabletten", ["capecitabine"]),
        ("trstuzumab deruxtecan", ["trastuzumab deruxtecan"]),
        ("fam-rtastuzumab deruxtecan-nxki", ["trastuzumab deruxtecan"]),
        ("trastuzumab deruxtcan", ["trastuzumab deruxtecan"]),
        ("trastzumab emtansin", ["trastuzumab emtansine"]),
        ("trastuzumab imbotecan", []),
        ("trastuzumab novotansine 3 mg/kg", []),
        ("trastuzumab irinotecan", ["irinotecan", "trastuzumab"]),
        ("study drug, blinded", ["investigational"]),
        ("Pruefmedikation Arm B", ["investigational"]),
        ("Prüfpräparat oder Placebo", ["investigational"]),
        ("NCT06435429 cycle 1", ["investigational"]),
        ("No trastuzumab given", []),
        ("trastuzumab not given, LVEF low", []),
        ("Kadcyla nicht verabreicht", []),
        ("trastuzumab, given", ["trastuzumab"]),
        ("levothyroxine", []),
        ("THP C4", []),
        ("deruxtecan", []),
    ],
)
def test_a_written_name_means_these_drugs(written, agents):
    assert agents_of(written) == agents


@pytest.mark.parametrize("name", [row["name"] for _, row in rows_of("other_drugs", None)])
def test_a_look_alike_is_never_taken_for_one_of_ours(name):
    assert agents_of(name) == []


@pytest.mark.parametrize("written", ["doclitaxel", "pactaxel", "trastupertuzumab"])
def test_a_slip_between_two_drugs_is_nobody(written):
    assert agents_of(written) == []


@pytest.mark.parametrize(
    ("system", "code", "agent"),
    [
        (RXNORM, "1371041", "trastuzumab emtansine"),
        ("urn:oid:2.16.840.1.113883.6.88", "2267574", "trastuzumab deruxtecan"),
        (RXNORM + "|2025-10", "224905", "trastuzumab"),
        ("RxNorm", "480167", "lapatinib"),
        ("http://www.whocc.no/atc", "L01FD04", "trastuzumab deruxtecan"),
        ("http://www.whocc.no/atc", "L01XC14", "trastuzumab emtansine"),
        (None, "J9358", "trastuzumab deruxtecan"),
        ("http://snomed.info/sct", "387003001", "trastuzumab"),
    ],
)
def test_a_code_means_this_drug(system, code, agent):
    concept = CodeableConcept(coding=(Coding(system=system, code=code),))
    assert list(NAMES.identify_concept(concept).agents) == [agent]


def test_the_ingredient_code_of_trastuzumab_beside_a_conjugate_is_no_second_drug():
    concept = CodeableConcept(coding=(Coding(system=RXNORM, code="224905"), Coding(system=RXNORM, code="1371041")))
    found = NAMES.identify_concept(concept)
    assert (found.agents, found.is_conflict) == (("trastuzumab emtansine",), False)


def test_code_and_words_of_different_drugs_are_a_conflict():
    assert NAMES.identify_concept(
        CodeableConcept(coding=(Coding(system=RXNORM, code="77655", display="Paclitaxel"),))
    ).is_conflict


def test_a_number_without_a_system_names_nobody():
    assert NAMES.identify_concept(CodeableConcept(coding=(Coding(code="224905"),))).agents == ()


def test_a_coded_drug_that_the_words_call_not_given_is_a_conflict():
    coding = (Coding(system=RXNORM, code="224905"),)
    assert NAMES.identify_concept(CodeableConcept(coding=coding, text="Trastuzumab not given")).is_conflict
    assert not NAMES.identify_concept(CodeableConcept(coding=coding, text="Trastuzumab")).is_conflict


@pytest.mark.parametrize(
    ("written", "agents_named"),
    [
        ("Tucatinib/placebo", ["investigational"]),
        ("tucatinib or placebo 300 mg", ["investigational"]),
        ("trastuzumab emtansine + tucatinib/placebo", ["investigational", "trastuzumab emtansine"]),
        ("trastuzumab + placebo", ["trastuzumab"]),
        ("trastuzumab and placebo for pertuzumab", ["investigational", "trastuzumab"]),
        ("tucatinib", ["tucatinib"]),
    ],
)
def test_a_drug_that_may_have_been_placebo_is_an_unnamed_trial_drug(written, agents_named):
    assert sorted(agents_of(written)) == agents_named


@pytest.mark.parametrize("written", ["trastuzumab (declined)", "T-DM1, refused by patient", "Trastuzumab abgelehnt"])
def test_a_drug_that_was_declined_was_not_given(written):
    assert agents_of(written) == []


def test_a_hcpcs_code_under_the_name_of_cpt_is_read():
    concept = CodeableConcept(coding=(Coding(system="http://www.ama-assn.org/go/cpt", code="J9354"),))
    assert NAMES.identify_concept(concept).agents == ("trastuzumab emtansine",)
