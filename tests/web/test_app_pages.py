"""The patient page on the wire: what it answers, what it must never do."""

from __future__ import annotations

import json
import re
from datetime import date
from pathlib import Path

import msgspec
import pytest
from flask import Flask

from cdshooks.cards.options_text import had_tdxd, has_evidence
from cdshooks.explain.patient import explain_file
from cdshooks.knowledge.load import load_knowledge
from cdshooks.options.model import Verdict
from cdshooks.pages.view import view_patient
from cdshooks.settings import Settings
from cdshooks.web.app_pages import app_blueprint
from cdshooks.web.guard import Guard
from cdshooks.web.page_drawer import PageDrawer

ROOT = Path(__file__).parents[2]
STORIES, EXAMPLE_OVERLAY = ROOT / "fhir_fixtures", ROOT / "docs" / "example-overlay"
TODAY = date(2026, 11, 24)
BRAIN = "/app/stories/after-thp-tdxd-tucatinib-active-brain-metastases"


@pytest.fixture
def page_text(client):
    """What a reader sees of a story's page, without the tags."""

    def read(story):
        return re.sub(r"<[^>]+>", "", client.get(f"/app/stories/{story}").get_data(as_text=True))

    return read


def paste(client, data):
    return client.post("/app/patient", data={"patient": data}, content_type="multipart/form-data")


def test_the_page_answers_the_three_questions_before_anything_else(client):
    text = client.get(BRAIN).get_data(as_text=True)
    told = ["3 metastatic lines", "Line 3: progression", "Local therapy of the brain", "<svg", "Options, in order"]
    assert [text.index(it) for it in told] == sorted(text.index(it) for it in told)


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("creatinine-rise-on-tucatinib-is-not-renal-failure", "It is being given now: line 4 goes on with it."),
        ("isolated-brain-progression-treated-locally", "It is being given now: line 3 goes on with it."),
        (
            "her2-low-after-her2-positive-disease",
            "First among drugs: Chemotherapy without a HER2-directed drug. Evidence",
        ),
        (
            "her2-low-after-her2-positive-disease",
            "It stands before Chemotherapy without a HER2-directed drug: the evidence for it in this situation is stronger.",
        ),
        ("everything-proven-has-been-used", "No drug option rests on more than the opinion of experts"),
        ("pregnant-with-progressive-disease", "options are held back or refused: No cancer drug is offered"),
    ],
)
def test_what_is_first_is_told_with_its_reason(client, story, told):
    text = client.get(f"/app/stories/{story}").get_data(as_text=True)
    answer = text[text.index("First to consider now") : text.index("</section>")]
    assert told in answer


@pytest.mark.parametrize("path", [BRAIN, "/app", "/app/page.css", "/app/stories/none"])
def test_nothing_may_be_loaded_from_elsewhere_run_or_kept(client, path):
    headers = client.get(path).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "script-src" not in policy
    assert "unsafe" not in policy
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"


def test_the_page_needs_no_script_and_has_no_style_of_its_own(client):
    text = client.get(BRAIN).get_data(as_text=True)
    assert "<script" not in text
    assert " style=" not in text
    assert "<style" not in text


def test_what_a_record_says_is_written_as_text(client, story_request):
    story_request["prefetch"]["patient"]["id"] = story_request["context"]["patientId"] = '"><script>alert(1)</script>'
    text = paste(client, json.dumps(story_request)).get_data(as_text=True)
    assert "<script" not in text
    assert "&lt;script&gt;" in text


def test_a_patient_who_has_died_gets_no_suggestion(client, story_request):
    story_request["prefetch"]["patient"]["deceasedBoolean"] = True
    text = paste(client, json.dumps(story_request)).get_data(as_text=True)
    assert "The record says that the patient has died" in text
    assert "Nothing is suggested" in text
    assert 'class="option' not in text


def test_another_disease_gets_no_suggestion_and_is_told_so(client):
    text = paste(client, '{"resourceType": "Bundle", "type": "collection"}').get_data(as_text=True)
    assert "does not show metastatic breast cancer that is or was HER2-positive" in text
    assert 'class="option' not in text


def test_what_is_no_patient_is_refused_in_words(client):
    answer = paste(client, "{}")
    assert answer.status_code == 400
    assert "neither a Bundle" in answer.get_data(as_text=True)


def test_a_patient_larger_than_accepted_is_refused(client):
    body = b"patient=" + b"x" * 1_100_000
    answer = client.post("/app/patient", data=body, content_type="application/x-www-form-urlencoded")
    assert answer.status_code == 413


def test_an_unknown_story_is_named_nowhere(client):
    answer = client.get("/app/stories/<b>x")
    assert answer.status_code == 404
    assert "<b>" not in answer.get_data(as_text=True)


BROWSER = "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"


@pytest.mark.parametrize(
    ("path", "accept", "is_page"),
    [
        ("/app/nowhere", BROWSER, True),
        ("/app/stories/none/<b>deeper", BROWSER, True),
        ("/app/nowhere", "*/*", False),
        ("/app/nowhere", None, False),
        ("/app/nowhere", "application/json", False),
        ("/app/nowhere", "application/fhir+json, text/html", False),
        ("/app/nowhere", "application/json;q=0.5, text/html", True),
        ("/cds-services/no/such/path", BROWSER, False),
        ("/nowhere", BROWSER, False),
    ],
)
def test_an_unknown_path_is_a_page_for_a_reader_and_json_for_a_program(client, path, accept, is_page):
    answer = client.get(path, headers={"Accept": accept} if accept else {})
    assert answer.status_code == 404
    if not is_page:
        assert answer.get_json(force=True)["resourceType"] == "OperationOutcome"
        return
    assert answer.content_type == "text/html; charset=utf-8"
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]
    text = answer.get_data(as_text=True)
    assert "<h1>No such page</h1>" in text
    assert "page.css" in text
    assert "<b>" not in text


def test_a_page_asked_for_in_the_wrong_way_says_so_on_a_page(client):
    answer = client.get("/app/patient", headers={"Accept": BROWSER})
    assert (answer.status_code, answer.headers["Allow"]) == (405, "OPTIONS, POST")
    assert "This page cannot be shown" in answer.get_data(as_text=True)


def test_in_production_there_are_no_stories_and_nothing_can_be_pasted(loaded_knowledge):
    today = lambda: date(2026, 11, 24)  # noqa: E731 - the clock of this test
    guard = Guard(loaded_knowledge, Settings(), today)
    app = Flask("production")
    app.register_blueprint(app_blueprint(PageDrawer(guard, Settings(), None), Settings(), today, lambda: None))
    client = app.test_client()
    assert client.get("/app").status_code == 401
    assert client.get(BRAIN).status_code == 404
    assert paste(client, "{}").status_code in {404, 405}


@pytest.mark.parametrize(
    ("story", "told"),
    [
        (
            "after-thp-tdm1-tucatinib-never-had-tdxd",
            "It stands before Margetuximab + chemotherapy: the level of evidence",
        ),
        ("two-lines-only-and-a-fitting-third", "It stands before Trastuzumab emtansine (T-DM1): the knowledge base or"),
        (
            "wishes-to-keep-her-hair-and-take-tablets",
            "It stands before Referral to a clinical trial: the evidence for it",
        ),
    ],
)
def test_the_first_drug_is_told_beside_the_next(page_text, story, told):
    answer = page_text(story).split("First to consider now")[1].split("Course")[0]
    assert told in answer


def test_a_page_that_suggests_nothing_says_of_no_option_or_trial_that_it_was_weighed(page_text):
    text = page_text("luminal-her2-negative-after-four-lines")
    assert "No option and no trial was weighed" in text
    assert "No trial that this service knows" not in text
    assert "Options, in order" not in text


@pytest.mark.parametrize(
    ("story", "told"),
    [
        ("everything-proven-has-been-used", "No drug option rests on more than the opinion of experts"),
        ("her2-low-after-her2-positive-disease", "It stands before Chemotherapy without a HER2-directed drug"),
    ],
)
def test_a_referral_that_comes_first_says_why_where_it_stands(page_text, story, told):
    text = page_text(story)
    first = text[text.index("Options, in order") : text.index("Why here")]
    assert "Referral to a clinical trial" in first
    assert told in first


@pytest.mark.parametrize(("verdict", "is_unproven"), [(Verdict.EXCLUDE, True), (Verdict.HOLD, False)])
def test_a_drug_with_evidence_that_is_only_held_back_is_not_passed_over(loaded_knowledge, verdict, is_unproven):
    """The page said "no drug option rests on more than the opinion of experts" where the card did not."""
    story = STORIES / "everything-proven-has-been-used" / "request.json"
    advice = explain_file(story.read_bytes(), loaded_knowledge, as_of=TODAY, jurisdiction="US")
    options = [
        msgspec.structs.replace(it, verdict=verdict)
        if it.verdict in {Verdict.EXCLUDE, Verdict.HOLD}
        and has_evidence(it, loaded_knowledge, after_tdxd=had_tdxd(advice))
        else it
        for it in advice.options
    ]
    page = view_patient(msgspec.structs.replace(advice, options=tuple(options)), loaded_knowledge)
    assert any("No drug option rests on more than" in it.note for it in page.answers) is is_unproven


def test_a_drug_of_a_trial_that_failed_before_is_told_beside_the_trial(page_text):
    text = page_text("after-thp-tdxd-tucatinib-active-brain-metastases")
    trial = text[text.index("NCT05748834") : text.index("NCT05230810")]
    assert "To weigh: progression on tucatinib (2026-11-02), one of" in trial


def test_what_the_hospital_notes_of_an_option_is_told_on_its_page():
    noted = load_knowledge(EXAMPLE_OVERLAY)
    told = {it.label: it.local for it in _options_of(noted)}
    assert told["Trastuzumab + vinorelbine"] == "vinorelbine capsules are kept in the day clinic"
    assert set(told.values()) == {"", told["Trastuzumab + vinorelbine"]}


def _options_of(knowledge):
    story = STORIES / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
    page = view_patient(explain_file(story.read_bytes(), knowledge, as_of=TODAY, jurisdiction="US"), knowledge)
    return (*page.options, *page.more_options)


def test_a_trial_that_is_closed_now_is_not_told_as_open(page_text):
    text = page_text("signing-tdxd-with-ejection-fraction-36-percent")
    told = text.split("NCT05748834", 1)[1]
    assert told.split("Each criterion")[0].count("Not now, may fit after a re-check: LVEF of 50 % or more") == 1
