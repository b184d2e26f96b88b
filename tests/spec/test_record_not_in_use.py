"""A patient who has died, or whose record is inactive or replaced: explain says so and ranks nothing. Source: safety PID-03."""

from __future__ import annotations

import json
from io import StringIO
from pathlib import Path

import pytest
from rich.console import Console

from cdshooks.explain.as_json import explain_json
from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import explain_patient
from tests.option_cases import TODAY, shipped

STORY = Path(__file__).parents[2] / "fhir_fixtures" / "after-thp-tdm1-tucatinib-never-had-tdxd" / "request.json"


def explained(**members):
    request = json.loads(STORY.read_text(encoding="utf-8"))
    patient = next(it for it in request["prefetch"].values() if it and it.get("resourceType") == "Patient")
    patient.update(members)
    return explain_patient(json.dumps(request).encode(), shipped(), as_of=TODAY, jurisdiction="US")


@pytest.mark.parametrize(
    ("members", "is_offered"),
    [
        ({}, True),
        ({"active": True, "deceasedBoolean": False}, True),
        ({"link": [{"type": "seealso", "other": {"reference": "Patient/other"}}]}, True),
        ({"link": [{"type": "replaces", "other": {"reference": "Patient/old"}}]}, True),
        ({"link": [{"type": "replaced-by", "other": {"reference": "Patient/new"}}]}, False),
        ({"active": False}, False),
        ({"deceasedBoolean": True}, False),
        ({"deceasedDateTime": "2026-10-02"}, False),
    ],
)
def test_only_a_living_patient_with_a_record_in_use_gets_options(members, is_offered):
    advice, unused = explained(**members)
    content = explain_json(advice, shipped(), unused)
    ranked = [it["id"] for it in content["options"] if it["rank"] is not None]
    open_trials = [it["nct_id"] for it in content["trials"] if it["verdict"] != "ineligible"]
    assert bool(ranked) is is_offered
    assert bool(open_trials) is is_offered
    assert content["lines"]["history"]


@pytest.mark.parametrize(
    ("members", "sentence"),
    [
        ({"deceasedBoolean": True}, "The record says that the patient has died, so nothing is offered."),
        ({"active": False}, "The record is inactive or replaced by another, so nothing is offered."),
    ],
)
def test_the_reason_stands_at_the_top_of_the_page_on_each_option_and_as_the_one_gap(members, sentence):
    advice, unused = explained(**members)
    page = StringIO()
    print_explanation(advice, shipped(), Console(file=page, width=200), unused)
    assert sentence in page.getvalue().partition("Lines of therapy")[0]
    assert all(it.findings[0].because.startswith(sentence) for it in (*advice.options, *advice.trials))
    assert [it.ask.startswith(sentence) for it in advice.gaps] == [True]
