"""Drug names: specific before general, and never across two drugs that look alike."""

from __future__ import annotations

import pytest

from cdshooks.ehr.resources import CodeableConcept, Coding
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.drug_names import DrugNames, Identified

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"


@pytest.fixture(scope="module")
def names() -> DrugNames:
    return DrugNames(load_knowledge().drugs)


def said(names: DrugNames, text: str) -> set[str]:
    return {str(it) for it in names.identify_concept(CodeableConcept(text=text)).agents}


def coded(names: DrugNames, *codes: tuple[str | None, str], text: str | None = None) -> Identified:
    codings = tuple(Coding(system=system, code=code) for system, code in codes)
    return names.identify_concept(CodeableConcept(coding=codings, text=text))


LOOK_ALIKE = [
    ("vinblastine", "vinorelbine"),
    ("vincristine", "vinorelbine"),
    ("cabazitaxel", "docetaxel"),
    ("cabazitaxel", "paclitaxel"),
    ("daunorubicin", "doxorubicin"),
    ("idarubicin", "epirubicin"),
    ("oxaliplatin", "carboplatin"),
    ("oxaliplatin", "cisplatin"),
    ("cyclosporine", "cyclophosphamide"),
    ("ifosfamide", "cyclophosphamide"),
    ("rituximab", "trastuzumab"),
    ("gefitinib", "lapatinib"),
    ("gemtuzumab", "gemcitabine"),
    ("azacitidine", "gemcitabine"),
    ("pemetrexed", "methotrexate"),
    ("fluoxetine", "fulvestrant"),
    ("pazopanib", "lapatinib"),
    ("nilotinib", "neratinib"),
    ("letermovir", "letrozole"),
]


@pytest.mark.parametrize(("other", "ours"), LOOK_ALIKE)
def test_a_look_alike_is_never_taken_for_one_of_our_drugs(names: DrugNames, other: str, ours: str) -> None:
    assert ours not in said(names, f"{other} 50 mg")
    assert ours in said(names, f"{ours} 50 mg")


OURS_ALIKE = ["docetaxel", "paclitaxel", "carboplatin", "cisplatin", "doxorubicin", "epirubicin", "tucatinib"]
OURS_ALIKE += ["lapatinib", "neratinib", "pyrotinib", "palbociclib", "ribociclib", "abemaciclib", "trastuzumab"]
OURS_ALIKE += ["pertuzumab", "letrozole", "anastrozole", "tamoxifen", "toremifene", "irinotecan", "topotecan"]


@pytest.mark.parametrize("ours", OURS_ALIKE)
def test_one_slip_in_a_name_never_makes_it_another_drug(names: DrugNames, ours: str) -> None:
    for at in range(1, len(ours)):
        assert said(names, ours[:at] + ours[at + 1 :]) <= {ours}
        assert said(names, ours[:at] + "x" + ours[at + 1 :]) <= {ours}


@pytest.mark.parametrize(
    ("text", "agents"),
    [
        ("ado-trastuzumab emtansine (KADCYLA) IVPB", {"trastuzumab emtansine"}),
        ("trastuzuab deruxtecan", {"trastuzumab deruxtecan"}),
        ("trastuzmab emtansine 3.6 mg/kg", {"trastuzumab emtansine"}),
        ("trastuzumab derxtecan", {"trastuzumab deruxtecan"}),
        ("fam-trastuzumab deruxtecan-nxki", {"trastuzumab deruxtecan"}),
        ("Phesgo 600 mg/600 mg", {"pertuzumab", "trastuzumab"}),
        ("Herceptin Hylecta", {"trastuzumab"}),
        ("trastuzumab-dkst 420 mg", {"trastuzumab"}),
        ("PACLitaxel 80 mg/m2", {"paclitaxel"}),
        ("nab-paclitaxel", {"nab-paclitaxel"}),
        ("Doxil", {"pegylated liposomal doxorubicin"}),
        ("tucatinib + capecitabine + trastuzumab", {"capecitabine", "trastuzumab", "tucatinib"}),
        ("Investigational agent", {"investigational"}),
    ],
)
def test_a_text_names_exactly_these_agents(names: DrugNames, text: str, agents: set[str]) -> None:
    assert said(names, text) == agents


def test_the_code_of_a_conjugate_wins_over_the_ingredient_above_it(names: DrugNames) -> None:
    both = coded(names, (RXNORM, "224905"), (RXNORM, "1371041"))
    assert set(both.agents) == {"trastuzumab emtansine"}
    assert not both.is_conflict


@pytest.mark.parametrize(
    ("system", "code", "agent"),
    [
        (RXNORM, "2267574", "trastuzumab deruxtecan"),
        (RXNORM + "|2024-09", "2267574", "trastuzumab deruxtecan"),
        ("urn:oid:2.16.840.1.113883.6.88", "1298944", "pertuzumab"),
        ("http://www.whocc.no/atc", "L01FD01", "trastuzumab"),
        ("http://fhir.de/CodeSystem/bfarm/atc", "L01XC03", "trastuzumab"),
        (None, "L01EH01", "lapatinib"),
        (None, "J9358", "trastuzumab deruxtecan"),
    ],
)
def test_codes_old_and_new_of_any_system_name_the_drug(
    names: DrugNames, system: str | None, code: str, agent: str
) -> None:
    assert set(coded(names, (system, code)).agents) == {agent}


def test_a_number_without_a_system_names_no_drug(names: DrugNames) -> None:
    assert coded(names, (None, "224905")).agents == ()


def test_a_code_and_a_text_that_name_two_drugs_are_a_conflict(names: DrugNames) -> None:
    assert coded(names, (RXNORM, "1298944"), text="Paclitaxel").is_conflict
    assert not coded(names, (RXNORM, "1298944"), text="Perjeta").is_conflict


def test_a_protocol_name_is_only_suggested(names: DrugNames) -> None:
    found = said(names, "THP C4"), names.identify_concept(CodeableConcept(text="THP C4"))
    assert found[0] == set()
    assert all("pertuzumab" in it for it in found[1].protocol)
    assert found[1].unmapped == "THP C4"
