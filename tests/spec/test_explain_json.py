"""What ``explain`` prints obeys the contract, for a rich record and for an empty one. Source: contracts/explain.schema.json."""

from __future__ import annotations

from datetime import date
from io import StringIO
from pathlib import Path

import jsonschema
import msgspec
import pytest
from rich.console import Console

from cdshooks.explain.as_json import explain_json
from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import explain_file
from cdshooks.explain.timeline import draw_timeline
from cdshooks.knowledge.load import load_knowledge

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
SCHEMA = msgspec.json.decode((Path(__file__).parents[2] / "cdshooks" / "explain" / "explain.schema.json").read_bytes())
AS_OF = date(2026, 11, 24)
VERDICTS = {"offer", "offer_with_warning", "hold", "exclude", "not_applicable"}
FINDING = {"criterion", "outcome", "because", "missing", "evidence"}
LINE = {"number", "setting", "agents", "start", "end", "end_reason", "opened_by", "closed_by", "confidence", "evidence"}


@pytest.fixture(scope="module")
def knowledge():
    return load_knowledge()


@pytest.fixture(scope="module")
def advice(knowledge):
    story = FIXTURES / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
    return explain_file(story.read_bytes(), knowledge, as_of=AS_OF, jurisdiction="US")


@pytest.fixture(scope="module")
def empty(knowledge):
    return explain_file(b'{"resourceType": "Bundle"}', knowledge, as_of=AS_OF, jurisdiction="US")


@pytest.fixture(params=["advice", "empty"])
def told(request, knowledge):
    found = request.getfixturevalue(request.param)
    return msgspec.json.decode(msgspec.json.encode(explain_json(found, knowledge)))


def test_a_record_with_and_without_content_obeys_the_contract(told):
    jsonschema.Draft202012Validator(SCHEMA).validate(told)


def test_every_regimen_has_one_verdict_and_a_rank_only_if_offered(told, knowledge):
    assert sorted(it["id"] for it in told["options"]) == sorted(knowledge.regimens)
    for option in told["options"]:
        assert option["verdict"] in VERDICTS
        assert (option["rank"] is not None) == option["verdict"].startswith("offer")


def test_every_finding_says_why(told):
    findings = [it for option in told["options"] for it in option["findings"]]
    assert findings
    assert all(set(it) >= FINDING and it["because"] for it in findings)


def test_ranks_count_from_one_without_a_hole(told):
    ranks = [it["rank"] for it in told["options"] if it["rank"] is not None]
    assert ranks == list(range(1, len(ranks) + 1))


def test_a_trial_of_a_drug_that_failed_says_so_in_json_and_on_the_page(advice, knowledge):
    weighed = {it["nct_id"]: it["to_weigh"] for it in explain_json(advice, knowledge)["trials"]}
    assert weighed["NCT05748834"] == ["progression on tucatinib (2026-11-02), one of the trial's drugs"]
    assert weighed["NCT07136428"] == []
    console = Console(width=200, color_system=None, file=StringIO())
    print_explanation(advice, knowledge, console)
    assert "to weigh" in console.file.getvalue()
    assert weighed["NCT05748834"][0] in console.file.getvalue()


def test_lines_name_drugs_dates_rules_and_evidence(advice, knowledge):
    lines = explain_json(advice, knowledge)["lines"]
    assert [it["number"] for it in lines["history"]] == [1, 2, 3]
    assert all(set(it) >= LINE and it["agents"] and it["evidence"] for it in lines["history"])


def test_an_empty_record_is_told_as_unknown_not_as_normal(empty, knowledge):
    told = explain_json(empty, knowledge)
    assert told["lines"]["history"] == []
    assert told["lines"]["metastatic_since"] is None
    assert told["facts"]["lvef_percent"]["value"] is None


def test_the_timeline_fits_100_columns_and_shows_each_drug_of_each_line(advice):
    rows = draw_timeline(advice, 100)
    assert max(map(len, rows)) <= 100
    for line in advice.lines.lines:
        for course in line.courses:
            assert any(row.strip().startswith(str(course.agent)[:20]) for row in rows)


def test_without_a_line_there_is_no_picture(empty):
    assert draw_timeline(empty, 100) == []


@pytest.mark.parametrize("which", ["advice", "empty"])
def test_the_page_begins_with_the_warning_and_has_no_control_sequence(which, request, knowledge):
    console = Console(width=100, color_system=None, record=True, file=Path("/dev/null").open("w"))  # noqa: SIM115 - closed below
    with console.file:
        print_explanation(request.getfixturevalue(which), knowledge, console)
    page = console.export_text(styles=False)
    assert page.startswith("NOT FOR CLINICAL USE")
    assert "\x1b" not in page


@pytest.mark.parametrize("fact", ["nrh", "pregnancy_concern", "symptomatic_hf", "diabetes", "chronic_lung_disease"])
def test_silence_is_told_as_unknown_and_as_what_decisions_take_it_for(fact, empty, knowledge):
    told = explain_json(empty, knowledge)["facts"][fact]
    assert told["value"] is None
    assert told["taken_as"] in (False, "none")
    assert told["note"] == "nothing on record, taken as no"


def test_counts_and_lists_from_the_lines_stay_values(empty, knowledge):
    told = explain_json(empty, knowledge)["facts"]
    assert (told["metastatic_lines"]["value"], told["agents"]["value"], told["had_tdxd"]["value"]) == (0, [], False)


def test_the_page_names_what_nothing_on_record_tells(empty, knowledge):
    page = StringIO()
    print_explanation(empty, knowledge, Console(width=2000, file=page))
    line = next(it for it in page.getvalue().splitlines() if it.startswith("nothing on record, taken as no: "))
    assert "nodular regenerative hyperplasia" in line
    assert "lines for metastatic disease" not in line
