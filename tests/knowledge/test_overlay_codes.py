"""A hospital's own codes and names are read as the shipped ones, and what contradicts them is told."""

from pathlib import Path

import pytest
from click.testing import CliRunner

from cdshooks.cli.knowledge import knowledge
from cdshooks.knowledge.check import check_knowledge
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import condition, drug, observation, resources_of

EXAMPLE = Path(__file__).parents[2] / "docs" / "overlay-example"
SHIPPED, OWN = load_knowledge(), load_knowledge(EXAMPLE)
RESOURCES = (
    {
        **drug("MedicationStatement", None, id="a", effectiveDateTime="2024"),
        "medicationCodeableConcept": {
            "coding": [{"system": "https://hospital.example.org/formulary", "code": "ONC-0815"}]
        },
    },
    drug("MedicationStatement", "HER2 antibody house brand", id="b", effectiveDateTime="2023"),
    observation("ECHO-EF", system="https://hospital.example.org/lab", valueQuantity={"value": 0.58}),
    observation("26499-4", id="n", valueQuantity={"value": 2.5, "unit": "mil/mL"}),
    condition(text="Seeded to liver", onsetDateTime="2022"),
)


def test_the_example_has_no_fault():
    assert [it for it in check_knowledge(EXAMPLE) if ".csv" in it] == []


def test_local_codes_and_names_are_read_with_the_overlay_only():
    without, own = (read_patient_record(resources_of(*RESOURCES), it) for it in (SHIPPED, OWN))
    assert (without.exposures, without.metastases, without.measurements) == ((), (), ())
    assert {it.agent for it in own.exposures} == {"trastuzumab deruxtecan", "trastuzumab"}
    assert [it.site for it in own.metastases] == ["liver"]
    assert {(it.fact, it.value) for it in own.measurements} == {("lvef_percent", 58), ("anc", 2.5)}


@pytest.mark.parametrize(
    ("table", "row", "fault"),
    [
        ("drug_codes.csv", "system,code,agent,source\nhttps://x,1,no such drug,us", "no agent"),
        ("drug_names.csv", "name,agent,kind,source\nHerceptin,no such drug,local,us", "no agent"),
        (
            "observations.csv",
            "concept,system,code,display,value_kind,value_codes,verified,notes\nweight,http://loinc.org,10230-1,x,,,us,",
            "'weight' here and 'lvef'",
        ),
        (
            "conditions.csv",
            (
                "category,concept,system,code,display,match,verified,notes\n"
                "metastasis,met-liver,http://hl7.org/fhir/sid/icd-10-cm,C79.31,x,exact,us,"
            ),
            "met-liver' here",
        ),
        ("condition_words.csv", "words,term,source\nliver metastases,metastasis:met-brain,us", "here and"),
        ("unit_words.csv", "written,unit,source\nk/ul,mg/dL,us", "here and"),
        (
            "drug_codes.csv",
            "system,code,agent,source\nhttp://www.nlm.nih.gov/research/umls/rxnorm,224905,pertuzumab,us",
            "'pertuzumab' here and 'trastuzumab'",
        ),
        (
            "drug_names.csv",
            "name,agent,kind,source\nKadcyla,trastuzumab,brand,us",
            "'trastuzumab' here and 'trastuzumab emtansine'",
        ),
        (
            "observations.csv",
            "concept,system,code,display,value_kind,value_codes,verified,notes\nno-test,https://x,1,x,,,us,",
            "nothing reads the concept 'no-test'",
        ),
        (
            "conditions.csv",
            "category,concept,system,code,display,match,verified,notes\nmetastasis,met-nowhere,https://x,1,x,exact,us,",
            "nothing reads 'metastasis:met-nowhere'",
        ),
        ("condition_words.csv", "words,term,source\nfoo,metliver,us", "nothing reads 'metliver'"),
        ("meanings.csv", "reader,words,meaning,source\nreceptor-low,foo,high,us", "nothing reads the reader meaning"),
        ("stop_words.csv", "words,reason,source\nfoo,boredom,us", "nothing reads the reason 'boredom'"),
        ("interactions.csv", "name,class,source\nfoo,no_class,us", "nothing reads the class 'no_class'"),
        ("protocols.csv", "protocol,agents,source\nxyz,docetaxel|nodrug,us", "nothing reads 'nodrug'"),
        (
            "site_codes.csv",
            "system,code,display,site,side,source\nhttps://x,1,x,nowhere,,us",
            "nothing reads 'nowhere'",
        ),
        ("status_words.csv", "words,trend,source\nfoo,stable,", "2: the row has no source"),
        ("drug_names.csv", "name,agent,kind,source\nZeta,trastuzumab,brand,", "2: the row has no source"),
        ("drug_codes.csv", "system,code,agent,source\nhttps://x,1,trastuzumab,", "2: the row has no source"),
        ("look_alikes.csv", "one,other,source\nrituximab,trastuzumb,us", "nothing reads 'trastuzumb'"),
        ("look_alikes.csv", "one,other,source\nrituximb,trastuzumab,us", "nothing reads 'rituximb'"),
        ("unverified_names.csv", "name,agent,source\nZeta,nodrug,us", "nothing reads 'nodrug'"),
        ("unit_equations.csv", "fact,unit,factor,offset,source\nnofact,x,1,0,us", "nothing reads 'nofact'"),
        ("no_such_table.csv", "a,b\n1,2", "no code table"),
        ("measures.csv", "fact,unit\nlvef_percent,%", "columns"),
    ],
)
def test_a_contradictory_or_dangling_row_is_told_with_its_place(table, row, fault, tmp_path):
    (tmp_path / "codes").mkdir()
    (tmp_path / "codes" / table).write_text(row + "\n", encoding="utf-8")
    found = check_knowledge(tmp_path)
    assert any(fault in it and it.startswith(table) for it in found), found


def test_a_row_may_name_what_another_row_of_the_same_overlay_adds(tmp_path):
    (tmp_path / "codes").mkdir()
    rows = {
        "other_drugs.csv": "name,why,source\nzetatinib,a drug of its own,us\n",
        "look_alikes.csv": "one,other,source\nZetatinib,Lapatinib,us\n",
    }
    for table, written in rows.items():
        (tmp_path / "codes" / table).write_text(written, encoding="utf-8")
    assert [it for it in check_knowledge(tmp_path) if it.startswith("look_alikes")] == []


def test_the_command_names_a_row_without_a_source_with_file_and_line_and_fails(tmp_path):
    (tmp_path / "codes").mkdir()
    written = "name,agent,kind,source\nZeta,trastuzumab,brand,us\nEta,trastuzumab,brand,\n"
    (tmp_path / "codes" / "drug_names.csv").write_text(written, encoding="utf-8")
    done = CliRunner().invoke(knowledge, ["check", str(tmp_path)])
    assert "drug_names.csv:3: the row has no source" in done.output
    assert done.exit_code == 1


def test_the_command_names_an_entry_that_is_allowed_to_rest_on_no_source():
    done = CliRunner().invoke(knowledge, ["check"])
    assert done.exit_code == 0
    named = [it for it in done.output.splitlines() if it.endswith("has no source, so it is marked unverified")]
    assert [it.partition(":")[0].rpartition(".")[2] for it in named] == ["yaml"]
