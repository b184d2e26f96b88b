"""Whole patients: what the service concludes and which cards it answers with.

Each folder of `fhir_fixtures/` is one story. In the front matter of its `story.md`, `expects` was written before any output
was seen; `added_on_review` was added after verdicts had been read and found wrong, so it is a regression check and no
independent proof. Both are checked alike. `cards.json` is the pinned answer to its `request.json`, with every uuid replaced by a stable name.

After a change that is meant to alter cards: `UPDATE_GOLDEN=1 pytest tests/golden`, then read the difference of each
`cards.json` as a clinician would before it is committed. A card that contradicts its story.md is a fault of the service,
never a reason to change the front matter.

Members of `expects`: metastatic_lines, counts, line_agents (each line in order), first (the first drug options, in order),
first_one_of, not_first, offered, offered_one_of, none_offered, excluded and held (verdicts), not_offered, not_verdict,
after ([earlier, later]), warns, warns_or_dose_notes, asks (facts, by the beginning of their id), facts, facts_has (members of
a set), early_agents, never_agents, conflicts, counts_alternatives; and of the cards: cards (none), max_cards, indicator (the gravest).
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
import yaml
from click.testing import CliRunner

from cdshooks.cli.main import main

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
SERVICES = {
    "order-select": "her2-later-line",
    "order-sign": "her2-later-line-sign",
    "patient-view": "her2-later-line-view",
}
UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
NO_DRUG = {"trial_referral", "best_supportive_care", "local_therapy_plus_continue"}
GRAVITY = ("info", "warning", "critical")
OFFERED = {"offer", "offer_with_warning"}
UPDATE = os.environ.get("UPDATE_GOLDEN") == "1"


class Story(msgspec.Struct, frozen=True):
    folder: Path
    as_of: str
    hook: str
    jurisdiction: str
    expects: dict[str, Any]
    added_on_review: dict[str, Any] = {}

    @property
    def request(self) -> bytes:
        return (self.folder / "request.json").read_bytes()


def read_story(folder: Path) -> Story:
    head = (folder / "story.md").read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")[0]
    front = yaml.safe_load(head)
    for member, more in front.get("added_on_review", {}).items():
        before = front["expects"].get(member, type(more)())
        front["expects"][member] = {**before, **more} if isinstance(more, dict) else [*before, *more]
    return msgspec.convert({**front, "folder": folder}, Story, dec_hook=lambda _, value: value)


STORIES = [read_story(folder) for folder in sorted(FIXTURES.iterdir()) if (folder / "story.md").exists()]
each_story = pytest.mark.parametrize("story", STORIES, ids=lambda story: story.folder.name)


@cache
def explained(as_of: str, jurisdiction: str) -> dict[str, dict[str, Any]]:
    """Everything concluded about each story of one date and jurisdiction, from one run of `cdshooks explain`."""
    files = {
        str(s.folder / "request.json"): s.folder.name
        for s in STORIES
        if (s.as_of, s.jurisdiction) == (as_of, jurisdiction)
    }
    args = ["explain", *files, "--as-of", as_of, "--jurisdiction", jurisdiction, "--format", "json"]
    result = CliRunner().invoke(main, args, catch_exceptions=False)
    assert result.exit_code == 0, result.output
    answers = (
        [json.loads(line) for line in result.stdout.splitlines()] if len(files) > 1 else [json.loads(result.stdout)]
    )
    return dict(zip(files.values(), answers, strict=True))


@cache
def client(as_of: str, jurisdiction: str) -> Any:
    from cdshooks.app import build_app
    from cdshooks.settings import read_settings

    settings = read_settings(
        {
            "CDSHOOKS_TODAY": as_of,
            "CDSHOOKS_JURISDICTION": jurisdiction,
            "CDSHOOKS_EVALUATION": "1",
            "CDSHOOKS_DEV": "1",
        }
    )
    return build_app(settings).test_client()


def answer(story: Story) -> dict[str, Any]:
    response = client(story.as_of, story.jurisdiction).post(
        f"/cds-services/{SERVICES[story.hook]}", data=story.request, content_type="application/json"
    )
    assert response.status_code == 200, response.get_data(as_text=True)
    return response.get_json()


def with_stable_names(value: dict[str, Any]) -> str:
    """The cards as readable JSON, each uuid replaced by `uuid-N` in order of appearance."""
    text = json.dumps(value, indent=1, ensure_ascii=False)
    names = {uuid: f"uuid-{number}" for number, uuid in enumerate(dict.fromkeys(UUID.findall(text)), start=1)}
    return UUID.sub(lambda found: names[found[0]], text) + "\n"


def test_every_story_has_pinned_cards():
    """A story whose cards nobody has found right yet has no `cards.json`; writing one is saying that they were read."""
    assert [story.folder.name for story in STORIES if not (story.folder / "cards.json").exists() and not UPDATE] == []


@pytest.mark.parametrize(
    "story",
    [story for story in STORIES if UPDATE or (story.folder / "cards.json").exists()],
    ids=lambda story: story.folder.name,
)
def test_the_cards_are_the_pinned_ones(story):
    got = with_stable_names(answer(story))
    golden = story.folder / "cards.json"
    if UPDATE:
        golden.write_text(got, encoding="utf-8")
    assert got == golden.read_text(encoding="utf-8")


@each_story
def test_the_cards_are_as_loud_as_the_story_expects(story):
    cards = answer(story)["cards"]
    expects = story.expects
    if expects.get("cards") == "none":
        assert cards == []
    if "max_cards" in expects:
        assert 1 <= len(cards) <= expects["max_cards"]
    if "indicator" in expects:
        assert max((card["indicator"] for card in cards), key=GRAVITY.index, default=None) == expects["indicator"]


@each_story
def test_the_history_is_what_the_story_expects(story):
    told, expects = explained(story.as_of, story.jurisdiction)[story.folder.name], story.expects
    lines = told["lines"]
    if "metastatic_lines" in expects:
        assert lines["counts"]["metastatic_lines"] == expects["metastatic_lines"]
    for name, value in expects.get("counts", {}).items():
        assert lines["counts"][name] == value, name
    if expects.get("counts_alternatives"):
        assert lines["alternatives"]
        assert lines["counts"]["min"] < lines["counts"]["max"]
    if "line_agents" in expects:
        assert [line["agents"] for line in lines["history"]] == expects["line_agents"]
    early = {agent for line in lines["early"] for agent in line["agents"]}
    assert set(expects.get("early_agents", [])) <= early
    known = early | {agent for line in lines["history"] for agent in line["agents"]}
    assert not known & set(expects.get("never_agents", []))


@each_story
def test_the_facts_are_what_the_story_expects(story):
    told, expects = explained(story.as_of, story.jurisdiction)[story.folder.name], story.expects
    facts = {fact: told["facts"].get(fact, {"value": None})["value"] for fact in expects.get("facts", {})}
    assert facts == expects.get("facts", {})
    for fact, members in expects.get("facts_has", {}).items():
        assert set(members) <= set(told["facts"][fact]["value"] or ()), fact
    for about in expects.get("conflicts", []):
        assert any(conflict["about"].startswith(about) for conflict in told["conflicts"])


@each_story
def test_what_opens_a_line_cites_each_drug_that_it_names(story):
    lines = explained(story.as_of, story.jurisdiction)[story.folder.name]["lines"]
    for line in lines["history"]:
        opened = next(
            it for it in lines["rules_fired"] if it["line"] == line["number"] and it["rule"] == line["opened_by"]
        )
        named = opened["because"].rstrip(".").rpartition(": ")[2].split(", ")
        for course in line["courses"]:
            cites = not set(course["evidence"]).isdisjoint(opened["evidence"])
            assert cites or course["agent"] not in named, (line["number"], course["agent"])


@each_story
def test_what_is_known_is_told_with_its_source(story):
    """A plain no or nought that rests on the absence of a record has none."""
    told = explained(story.as_of, story.jurisdiction)[story.folder.name]["facts"]
    known = {it: fact for it, fact in told.items() if fact["value"] and fact["value"] != "none"}
    counts = {it for it in known if "lines" in it or "regimens" in it or it == "next_line"}
    assert {it for it, fact in known.items() if not fact["evidence"]} <= counts


@each_story
def test_the_options_are_what_the_story_expects(story):
    told, expects = explained(story.as_of, story.jurisdiction)[story.folder.name], story.expects
    verdicts = {option["id"]: option["verdict"] for option in told["options"]}
    offered = [
        option["id"] for option in sorted(told["options"], key=lambda o: o["rank"] or 0) if option["verdict"] in OFFERED
    ]
    wanted = {*expects.get("first", []), *expects.get("first_one_of", [])}
    drugs = [option for option in offered if option in wanted or option not in NO_DRUG]
    assert drugs[: len(expects.get("first", []))] == expects.get("first", [])
    if "first_one_of" in expects:
        assert drugs[0] in expects["first_one_of"]
    assert not set(drugs[:1]) & set(expects.get("not_first", []))
    assert set(expects.get("offered", [])) <= set(offered)
    if "offered_one_of" in expects:
        assert set(expects["offered_one_of"]) & set(offered)
    if expects.get("none_offered"):
        assert [option for option in offered if option not in NO_DRUG] == []
    assert {o: verdicts[o] for o in expects.get("excluded", []) if verdicts[o] != "exclude"} == {}
    assert {o: verdicts[o] for o in expects.get("held", []) if verdicts[o] != "hold"} == {}
    assert {o: verdicts[o] for o in expects.get("not_offered", []) if verdicts[o] in OFFERED} == {}
    for option, forbidden in expects.get("not_verdict", {}).items():
        assert verdicts[option] not in forbidden, option
    for earlier, later in expects.get("after", []):
        assert offered.index(earlier) < offered.index(later)


@each_story
def test_warnings_and_questions_are_what_the_story_expects(story):
    told, expects = explained(story.as_of, story.jurisdiction)[story.folder.name], story.expects
    options = {option["id"]: option for option in told["options"]}
    for option in expects.get("warns", []):
        assert options[option]["warnings"], option
    for option in expects.get("warns_or_dose_notes", []):
        assert options[option]["warnings"] or options[option].get("dose_notes"), option
    asked = {gap["fact"] for gap in told["gaps"]} | {
        ask["fact"] for o in told["options"] if o["verdict"] in OFFERED for ask in o["asks"]
    }
    for fact in expects.get("asks", []):
        assert any(name.startswith(fact) for name in asked), fact
