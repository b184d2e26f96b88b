"""What the service rests on, as a page and as JSON. Source: SAF-02, SAF-04, SAF-10, DSI-01."""

from __future__ import annotations

import ast
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urljoin

import pytest

from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.publish import in_words

ROOT = Path(__file__).parents[2]
HAZARDS = read_entries("hazards").by_id
PREDICTIVE, EVIDENCE = 31, 13


class Page(HTMLParser):
    def __init__(self, text):
        super().__init__()
        self.ids, self.targets, self.tags = [], [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value)
            if name == "href":
                self.targets.append(value)


@pytest.fixture
def document(client):
    return client.get("/knowledge.json").get_json()


def test_saf_04_every_entry_has_source_date_reviewer_and_hash(document, loaded_knowledge):
    assert {it["id"] for it in document["regimens"]} == set(loaded_knowledge.regimens)
    assert {it["id"] for it in document["criteria"]} == set(loaded_knowledge.criteria)
    assert {it["id"] for it in document["line_rules"]} == set(loaded_knowledge.line_rules.rules)
    for kind in ("regimens", "criteria", "line_rules", "trials", "ranking", "gaps", "quiet", "wording"):
        for entry in document[kind]:
            assert len(entry["content_hash"]) == 64
            assert entry["reviewed"] == loaded_knowledge.manifest.reviewed.isoformat()
            assert entry["reviewer"] is None
    known = {it["id"] for it in document["sources"]}
    assert {source for kind in ("regimens", "criteria") for it in document[kind] for source in it["sources"]} <= known


def test_the_page_is_html_for_people_and_json_for_machines(client):
    assert client.get("/knowledge").content_type.startswith("text/html")
    told = client.get("/knowledge", headers={"Accept": "application/json"})
    assert told.get_json() == client.get("/knowledge.json").get_json()
    browser = client.get("/knowledge", headers={"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"})
    assert browser.content_type.startswith("text/html")


@pytest.mark.parametrize("path", ["/knowledge", "/hazards"])
def test_a_page_needs_no_script_and_each_link_within_it_leads_somewhere(client, path):
    answer = client.get(path)
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'none'; style-src 'self'")
    page = Page(answer.get_data(as_text=True))
    assert not {"script", "style", "img", "iframe"} & set(page.tags)
    assert len(page.ids) == len(set(page.ids))
    assert {it[1:] for it in page.targets if it.startswith("#")} <= set(page.ids)
    for target in {it for it in page.targets if not it.startswith(("#", "https://", "http://", "data:"))}:
        assert client.get(urljoin("/knowledge", target)).status_code == 200


def test_saf_06_an_unsigned_page_says_so(client):
    assert "NOT FOR CLINICAL USE" in client.get("/knowledge").get_data(as_text=True)


def test_dsi_01_all_source_attributes_are_published_each_with_a_value_and_a_day(client, loaded_knowledge):
    told = client.get("/dsi").get_json()
    assert (len(told["evidence"]), len(told["predictive"])) == (EVIDENCE, PREDICTIVE)
    day = loaded_knowledge.manifest.reviewed.isoformat()
    for attribute in (*told["evidence"].values(), *told["predictive"].values()):
        assert attribute["value"] != "computed"
        assert attribute["asOf"] == day


def test_dsi_01_the_use_of_an_attribute_is_worked_out_from_what_is_read(client):
    told = client.get("/dsi").get_json()["evidence"]
    assert told["use-race"]["value"].startswith("Not used")
    assert told["use-sex"]["value"].startswith("Read from the record")
    assert told["use-date-of-birth"]["value"].startswith("Read from the record")


def test_dsi_01_race_ethnicity_and_language_change_no_card(fire, story_request):
    def cards():
        told = fire(story_request).get_json()["cards"]
        return [(it["summary"], it["detail"], [s["label"] for s in it.get("suggestions", [])]) for it in told]

    before = cards()
    core = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-"
    story_request["prefetch"]["patient"] |= {
        "extension": [
            {"url": f"{core}{it}", "extension": [{"url": "text", "valueString": "any"}]} for it in ("race", "ethnicity")
        ],
        "communication": [{"language": {"text": "any"}}],
    }
    assert before
    assert cards() == before


def test_saf_02_the_statement_says_for_whom_with_what_and_where_it_ends(document):
    told = {it["id"] for it in document["attributes"] if it["part"] == "statement"}
    assert {"intended-use", "intended-users", "population", "inputs", "limits", "regulatory-status"} <= told


@pytest.mark.parametrize(
    ("requires", "words"),
    [
        ({"fact": "lvef_percent", "op": "ge", "value": 50, "unit": "%"}, "lvef percent at least 50 %"),
        ({"not": {"fact": "dpyd", "op": "eq", "value": "poor"}}, "not (dpyd is poor)"),
        (
            {"all": [{"fact": "a", "op": "is_known"}, {"any": [{"fact": "b", "op": "in", "value": ["x", "y"]}]}]},
            "a is known and (b is one of x, y)",
        ),
    ],
)
def test_a_predicate_reads_as_a_sentence(requires, words):
    assert in_words(requires) == words


def running_tests_of(path):
    for node in ast.walk(ast.parse((ROOT / path).read_text(encoding="utf-8"))):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            marks = {ast.unparse(it) for it in node.decorator_list}
            if not any("skip" in it or "xfail" in it for it in marks):
                yield node.name


@pytest.mark.parametrize("hazard", HAZARDS.values(), ids=lambda it: it.id)
def test_saf_10_each_control_is_proven_by_tests_that_exist_and_run(hazard):
    for named in hazard.content["tests"]:
        path, _, name = named.partition("::")
        assert (ROOT / path).is_file(), named
        found = set(running_tests_of(path))
        assert found, named
        assert not name or name in found, named


def test_saf_10_every_hazard_is_on_the_page(client):
    text = client.get("/hazards").get_data(as_text=True)
    assert HAZARDS
    for hazard in HAZARDS.values():
        assert f'id="hazard-{hazard.id}"' in text


@pytest.mark.parametrize(
    ("requires", "words"),
    [
        ({"fact": "metastatic", "op": "eq", "value": True}, "metastatic"),
        ({"fact": "pregnancy_concern", "op": "eq", "value": False}, "no pregnancy concern"),
        ({"fact": "lvef_percent", "op": "ge", "value": 50, "unit": "%"}, "lvef percent at least 50 %"),
        ({"fact": "her2", "op": "eq", "value": "positive"}, "her2 is positive"),
    ],
)
def test_a_predicate_is_told_in_words_and_never_as_true_or_false(requires, words):
    assert in_words(requires) == words


def test_saf_10_every_seeded_hazard_and_every_trap_of_sequencing_is_logged():
    assert {f"H{number:02}" for number in range(1, 15)} | {f"S{number:02}" for number in range(1, 16)} <= set(HAZARDS)
