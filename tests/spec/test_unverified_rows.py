"""What rests on a row of our tables that nobody has read in a source is marked, wherever that row decided."""

from __future__ import annotations

import copy
import csv
import json
import re
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import explain_patient
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.knowledge.check_codes import code_faults
from cdshooks.knowledge.drugs import rests_on_memory, rows_of
from cdshooks.knowledge.names import name_of
from cdshooks.order_select import answer_hook
from cdshooks.record.model import UNVERIFIED
from cdshooks.record.read import read_patient_record
from tests.fhir import RXNORM, concept, drug, resources_of
from tests.option_cases import TODAY, rows, shipped

STORY = Path(__file__).parents[2] / "fhir_fixtures" / "neratinib-ordered-beside-omeprazole" / "request.json"
ATC = "http://www.whocc.no/atc"


def marked(*resources):
    record = read_patient_record(resources_of(*resources), shipped())
    return [it for it in record.doubts if it.code == UNVERIFIED]


def taken(text=None, code=None, system=ATC):
    made = drug("MedicationStatement", text, status="active", effectivePeriod={"start": "2026-10-01"})
    return {**made, "medicationCodeableConcept": concept(code, system, text)}


def entries(request):
    bundles = [it for it in request["prefetch"].values() if it and it.get("resourceType") == "Bundle"]
    return [entry["resource"] for bundle in bundles for entry in bundle.get("entry", ())]


MARKS = """
    text          | system | code    | marked
    omeprazole    | rxnorm | 7646    | no
                  | rxnorm | 7646    | yes
                  | atc    | A02BC01 | no
                  | atc    | C08DA01 | yes
    verapamil     | atc    | C08DA01 | no
    clopidogrel   |        |         | yes
    ticagrelor    |        |         | no
    prednisone    |        |         | no
    sotalol       |        |         | yes
    Hervycta      |        |         | yes
    Hervycta      | rxnorm | 224905  | no
    Herceptin     |        |         | no
    Zofran        |        |         | yes
    Zofran, ondansetron |  |         | yes
"""


@pytest.mark.parametrize("row", rows(MARKS), ids=lambda row: f"{row['text']} {row['code']}")
def test_a_reading_is_marked_where_only_an_unread_row_decided_it(row):
    system = {"rxnorm": RXNORM, "atc": ATC, "": ATC}[row["system"]]
    assert bool(marked(taken(row["text"] or None, row["code"] or None, system))) is (row["marked"] == "yes")


def test_the_mark_names_our_reading_and_cites_the_record():
    (mark,) = marked(taken(code="7646", system=RXNORM))
    assert mark.because == "Its code alone was read as omeprazole; no source was read for that, so it is unverified."
    assert mark.evidence == ("MedicationStatement/d1",)


def test_every_name_that_the_drug_table_remembers_is_listed_as_unread():
    listed = {name_of(row["name"]) for _, row in rows_of("unverified_names", None)}
    remembered = {
        name_of(re.sub(r"\(.*", "", name))
        for _, row in rows_of("drugs", None)
        for names in re.findall(r"memory: brands ([^;]*)", row["verified"])
        for name in names.split(",")
    }
    assert remembered == listed
    assert not [
        row["agent"]
        for _, row in rows_of("drugs", None)
        if rests_on_memory(row["verified"]) and name_of(row["agent"]) not in listed
    ]


@pytest.mark.parametrize("table", ["conditions", "observations", "genes"])
def test_no_other_table_may_rest_on_memory(table, tmp_path):
    (tmp_path / "codes").mkdir()
    _, first = next(rows_of(table, None))
    own = {**first, "verified": "memory", list(first)[2]: "x-1", "code" if "code" in first else "hgnc": "x-2"}
    out = StringIO()
    writer = csv.DictWriter(out, list(own), lineterminator="\n")
    writer.writeheader()
    writer.writerow(own)
    (tmp_path / "codes" / f"{table}.csv").write_text(out.getvalue(), encoding="utf-8")
    assert any("rests on memory" in fault for fault in code_faults(tmp_path))


def test_explain_tells_it_as_unverified():
    bundle = {
        "resourceType": "Bundle",
        "type": "collection",
        "entry": [{"resource": taken(code="7646", system=RXNORM)}],
    }
    advice, unused = explain_patient(json.dumps(bundle).encode(), shipped(), as_of=TODAY, jurisdiction="US")
    page = StringIO()
    print_explanation(advice, shipped(), Console(file=page, width=200), unused)
    assert "unverified: Its code alone was read as omeprazole" in page.getvalue()


def test_a_card_says_that_what_decided_is_unverified():
    def told(order):
        cards = answer_hook(
            read_hook_request(BY_ID["her2-later-line"], json.dumps(order).encode()),
            shipped(),
            as_of=TODAY,
            jurisdiction="US",
            new_uuid=lambda: "uuid",
        ).cards
        return [it.source.topic.code for it in cards if "was read as omeprazole; no source was read" in it.detail]

    with_name = json.loads(STORY.read_text(encoding="utf-8"))
    by_code = copy.deepcopy(with_name)
    for it in entries(by_code):
        concept = it.get("medicationCodeableConcept") or {}
        if concept.get("text") == "omeprazole":
            it["medicationCodeableConcept"] = {"coding": [{"system": RXNORM, "code": "7646"}]}
    assert told(with_name) == []
    assert "her2-later-line-review" in told(by_code)
