"""A hospital's overlay: what it may change, how each fault is told, and that every change is seen. Source: contracts, "Overlay"."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from cdshooks.app import build_app
from cdshooks.cli.main import main
from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.check import check_knowledge
from cdshooks.knowledge.load import load_knowledge
from cdshooks.settings import Settings

ROOT = Path(__file__).parents[2]
EXAMPLE = ROOT / "docs" / "example-overlay"
STORIES = ROOT / "fhir_fixtures"
EXPLAIN = json.loads((ROOT / "cdshooks" / "explain" / "explain.schema.json").read_text(encoding="utf-8"))
DAY = date(2026, 11, 24)


@pytest.fixture(scope="module")
def example():
    return load_knowledge(EXAMPLE)


def cards_of(knowledge, story, service="her2-later-line"):
    client = build_app(Settings(today=DAY, is_dev=True, is_evaluation=True), knowledge).test_client()
    body = (STORIES / story / "request.json").read_bytes()
    answer = client.post(f"/cds-services/{service}", data=body, content_type="application/json")
    assert answer.status_code == 200
    return answer.get_json()["cards"]


def explained(story, overlay=EXAMPLE):
    words = ["explain", "--format", "json", "--as-of", DAY.isoformat(), str(STORIES / story / "request.json")]
    result = CliRunner().invoke(main, words, env={"CDSHOOKS_KNOWLEDGE_OVERLAY": str(overlay)}, catch_exceptions=False)
    return json.loads(result.stdout)


def options_of(story):
    return {it["id"]: it for it in explained(story)["options"]}


def overlaid(tmp_path, **files):
    for name, text in files.items():
        (tmp_path / f"{name}.yaml").write_text(text, encoding="utf-8")
    return tmp_path


def test_the_example_has_no_fault_and_check_lists_what_it_changes():
    result = CliRunner().invoke(main, ["knowledge", "check", str(EXAMPLE)])
    assert result.exit_code == 0
    for told in (
        "regimens.yaml:3: regimens trastuzumab_vinorelbine changed (formulary_note, preference)",
        "regimens lapatinib_vinorelbine switched off: lapatinib is not on the formulary",
        "regimens example_trastuzumab_vinorelbine_oral added",
        "codes drug_names 1 row added",
    ):
        assert told in result.stdout


def test_every_file_of_the_example_is_described_in_its_readme():
    readme = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    files = [it.relative_to(EXAMPLE).as_posix() for it in EXAMPLE.rglob("*") if it.suffix in {".yaml", ".csv"}]
    assert files
    assert [it for it in files if f"`{it}`" not in readme] == []


def test_what_an_overlay_changed_is_in_explain_and_readyz(example):
    told = explained("everything-proven-has-been-used")
    jsonschema.validate(told, EXPLAIN)
    changed = {(it["kind"], it["id"]): it for it in told["knowledge"]["overlay"]}
    assert changed["regimens", "lapatinib_vinorelbine"]["reason"] == "lapatinib is not on the formulary"
    assert changed["line_rules", "R10-break"]["members"] == ["parameters", "sources"]
    words = ["explain", "--as-of", DAY.isoformat(), str(STORIES / "everything-proven-has-been-used" / "request.json")]
    page = CliRunner().invoke(main, words, env={"CDSHOOKS_KNOWLEDGE_OVERLAY": str(EXAMPLE), "COLUMNS": "200"}).stdout
    assert "overlay: wording trial changed (text)" in page
    client = build_app(Settings(today=DAY, is_dev=True, is_evaluation=True), example).test_client()
    assert client.get("/readyz").get_json()["overlay"] == [it.told for it in example.overlay]


def test_without_an_overlay_nothing_is_said_to_be_changed():
    assert load_knowledge().overlay == ()


def test_a_copy_of_a_shipped_entry_changes_nothing(tmp_path):
    shipped = (ROOT / "cdshooks" / "knowledge" / "data" / "quiet.yaml").read_text(encoding="utf-8")
    assert load_knowledge(overlaid(tmp_path, quiet=shipped)).overlay == ()


def test_a_regimen_that_is_switched_off_is_judged_and_never_offered():
    option = options_of("everything-proven-has-been-used")["lapatinib_vinorelbine"]
    assert option["verdict"] in {"not_applicable", "exclude"}
    reasons = {it["criterion"]: it["because"] for it in option["findings"]}
    assert reasons["SWITCHED_OFF"] == "Switched off by this hospital: lapatinib is not on the formulary."


def test_an_order_of_a_switched_off_regimen_is_still_checked(tmp_path):
    off = overlaid(tmp_path, regimens='regimens:\n- {id: tdm1, switched_off: "not bought"}\n')
    cards = cards_of(load_knowledge(off), "tdm1-ordered-again-after-progression-on-it")
    assert any("progressed" in it["summary"] for it in cards)


def test_cards_name_what_is_switched_off_and_show_notes_of_the_formulary(example):
    detail = "\n".join(it["detail"] for it in cards_of(example, "cerner-mixtures-and-doses-not-given"))
    assert "Switched off by this hospital and not offered here: " in detail
    assert "This hospital: vinorelbine capsules are kept in the day clinic" in detail
    assert "The trials office (extension 100)" in detail


def test_only_an_overlay_recommends_and_only_where_nothing_speaks_against_it(example):
    def recommended(knowledge):
        return [
            suggestion["label"]
            for story in STORIES.glob("*/request.json")
            if json.loads(story.read_bytes())["hook"] == "order-select"
            for card in cards_of(knowledge, story.parent.name)
            for suggestion in card.get("suggestions", [])
            if suggestion.get("isRecommended")
        ]

    assert recommended(load_knowledge()) == []
    labels = recommended(example)
    assert labels
    assert all("eribulin" in it for it in labels)


def test_only_an_overlay_makes_a_card_critical_and_only_for_what_it_names(example):
    story = "tdm1-ordered-again-after-progression-on-it"
    assert "critical" not in {it["indicator"] for it in cards_of(load_knowledge(), story)}
    assert [it["indicator"] for it in cards_of(example, story) if "progressed" in it["summary"]] == ["critical"]
    dpd = cards_of(example, "dpd-deficiency-and-capecitabine-ordered")
    assert "critical" not in {it["indicator"] for it in dpd}


def test_re_ranking_moves_a_regimen_among_its_equals():
    def places(overlay):
        ranked = [it for it in explained("after-thp-tdm1-tucatinib-never-had-tdxd", overlay)["options"] if it["rank"]]
        return [it["id"] for it in sorted(ranked, key=lambda it: it["rank"])]

    shipped, mine = places(""), places(EXAMPLE)
    assert mine.index("trastuzumab_vinorelbine") <= shipped.index("trastuzumab_vinorelbine")
    assert mine[0] == shipped[0]


def test_a_stricter_criterion_holds_what_was_only_warned_of():
    option = options_of("ejection-fraction-44-percent")["trastuzumab_vinorelbine"]
    assert option["verdict"] == "hold"


def test_an_own_regimen_is_judged_by_the_criteria_that_apply_by_drug(tmp_path):
    for story, verdict in (("pregnant-with-progressive-disease", "exclude"), ("ejection-fraction-44-percent", "hold")):
        assert options_of(story)["example_trastuzumab_vinorelbine_oral"]["verdict"] == verdict


def test_a_local_drug_name_is_read(tmp_path):
    patient = tmp_path / "p.json"
    drug = {
        "resourceType": "MedicationStatement",
        "id": "m",
        "status": "completed",
        "subject": {"reference": "Patient/p"},
    }
    drug |= {"medicationCodeableConcept": {"text": "Herbitinib Hausmarke"}, "effectivePeriod": {"start": "2024-01-01"}}
    entries = [{"resource": it} for it in ({"resourceType": "Patient", "id": "p"}, drug)]
    patient.write_text(json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}))
    words = ["explain", "--format", "json", "--as-of", DAY.isoformat(), str(patient)]
    told = [
        json.loads(CliRunner().invoke(main, words, env=environment).stdout)["facts"]["agents"]["value"]
        for environment in ({"CDSHOOKS_KNOWLEDGE_OVERLAY": str(EXAMPLE)}, {})
    ]
    assert told == [["tucatinib"], []]


def test_the_line_parameter_of_an_overlay_is_in_force(example):
    assert example.line_rules.days("gap_max") == 120
    assert load_knowledge().line_rules.days("gap_max") == 180


FAULTS = [
    ("regimens", "- {id: tdm2, changes: {preference: 1}}", ":2: there is no regimens 'tdm2' to change"),
    ("regimens", "- {id: tdm2, switched_off: gone}", ":2: there is no regimens 'tdm2' to switch off"),
    ("regimens", '- {id: tdm1, switched_off: ""}', ":2: regimens 'tdm1' is switched off without a reason"),
    ("regimens", "- {id: tdm1, switched_off: x, preference: 1}", ":2: an entry with 'switched_off' has only"),
    ("regimens", "- {id: tdm1, changes: {}}", "'changes' names the members that change"),
    ("regimens", "- id: tdm1\n  changes:\n    preference: soon", ":4: preference: 'soon' must be a whole number"),
    ("regimens", "- {id: tdm1, changes: {preference: 101}}", "preference: 101 must be at most 100"),
    ("regimens", "- {id: tdm1, changes: {prefrence: 1}}", "there is no member 'prefrence' here"),
    ("regimens", "- {id: tdm1, changes: {criteria: [NO_SUCH]}}", "names the unknown criterion 'NO_SUCH'"),
    ("regimens", "- {id: tdm1, changes: {brain_activity: huge}}", "'huge' is none of strong, some, little"),
    ("regimens", "- {id: own}", ":2: the entry: 'label', 'role', 'class'"),
    ("criteria", "- {id: DPYD_CAPE, switched_off: slow test}", "is a hard stop and cannot be switched off"),
    ("criteria", "- {id: DPYD_CAPE, changes: {hard_stop: false}}", "an overlay may make it stricter"),
    ("criteria", "- {id: DPYD_CAPE, changes: {if_unknown: pass}}", "must not become milder"),
    ("criteria", "- {id: HER2_IN_FORCE, switched_off: own rule}", "is a hard stop and cannot be switched off"),
    ("criteria", "- {id: NRH_TDM1, changes: {applies_to: {agents: [tucatinib]}}}", "it must reach every drug and regimen"),
    ("criteria", "- {id: RENAL_CARBO, changes: {steps: [{requires: {fact: crcl, op: ge, value: 10, unit: mL/min}, if_not_met: exclude, because: Our own limit for the kidney.}]}}", "step 1: a limit may be made stricter, never looser"),
    ("criteria", "- {id: RENAL_CARBO, changes: {steps: [{requires: {fact: crcl, op: ge, value: 15, unit: mL/min}, if_not_met: warn, because: Our own limit for the kidney.}]}}", "step 1: what follows when it fails must not become milder"),
    ("line_rules", "- {id: R10-swap, switched_off: no}", "put 'no' in quotes"),
    ("line_rules", "- {id: R8-regimen, switched_off: never}", "'R8-regimen' cannot be switched off"),
    ("line_rules", "- {id: R10-break, changes: {parameters: {gap_max: {value: -1}}}}", "gap_max.value: -1 must be at least 0"),
    ("ranking", "- {id: order, switched_off: never}", "ranking 'order' cannot be switched off, only changed"),
    ("wording", '- {id: trial, changes: {text: "You must refer her."}}', "gives an order ('must')"),
    ("wording", '- {id: others, changes: {text: "Others exist."}}', "must keep {names}"),
    ("wording", '- {id: trial, changes: {text: "See http://x.org"}}', "has a link, HTML or a table"),
    ("wording", '- {id: view_summary, changes: {text: "{lines} ' + "x" * 100 + '"}}', "at most 105 fit"),
    ("wording", '- {id: mine, text: "A sentence."}', "is no sentence of a card"),
    ("presentation", "- {id: cards, changes: {critical_for: [warning]}}", "'warning' is none of"),
    ("regimes", "- {id: tdm1}", "regimes.yaml:1: nothing reads this file"),
]  # fmt: skip


@pytest.mark.parametrize(("kind", "entry", "fault"), FAULTS, ids=[fault for _, _, fault in FAULTS])
def test_each_fault_is_told_with_file_line_and_a_plain_sentence(tmp_path, kind, entry, fault):
    directory = overlaid(tmp_path, **{kind: f"{kind}:\n{entry}\n"})
    told = [it for it in check_knowledge(directory) if f"{kind}.yaml:" in it]
    assert any(fault in it for it in told), told
    if kind != "regimes":
        with pytest.raises(KnowledgeError):
            load_knowledge(directory)


def test_all_faults_of_an_overlay_are_told_in_one_run(tmp_path):
    overlaid(tmp_path, regimens="regimens:\n- {id: tdm2, changes: {preference: 1}}\n")
    overlaid(tmp_path, line_rules="line_rules:\n- {id: R10-break, changes: {parameters: {gap_max: {value: soon}}}}\n")
    result = CliRunner().invoke(main, ["knowledge", "check", str(tmp_path)])
    assert result.exit_code == 1
    assert "tdm2" in result.stdout
    assert "line_rules.yaml:2: parameters.gap_max.value: 'soon' must be a whole number" in result.stdout


def test_a_hard_stop_may_be_made_stricter(tmp_path):
    entry = "- {id: DPYD_CAPE, changes: {if_unknown: hold}}"
    assert load_knowledge(overlaid(tmp_path, criteria=f"criteria:\n{entry}\n")).overlay[0].members == ("if_unknown",)


def test_a_criterion_that_is_no_hard_stop_may_be_switched_off(tmp_path):
    directory = overlaid(tmp_path, criteria='criteria:\n- {id: LVEF_AB_START, switched_off: "own rule elsewhere"}\n')
    assert "LVEF_AB_START" not in load_knowledge(directory).criteria
    assert [it for it in check_knowledge(directory) if not it.endswith(" has no source")] == []
