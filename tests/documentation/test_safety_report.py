"""The safety case report tells what is proven, and says loudly what is not. Source: SAF-11, SAF-12, SAF-14."""

from __future__ import annotations

import os
import re
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from cdshooks.cli.main import main
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.load import load_knowledge
from scripts.safety_report import CLINICAL, outcome_of, read_results, requirement_matrix, safety_report

ROOT = Path(__file__).parents[2]
TODAY = date(2026, 11, 24)
REQUIREMENTS = Path(os.environ.get("CDSHOOKS_SHARED", ROOT.parent / "shared")) / "specs" / "safety.md"
MATRIX = requirement_matrix(ROOT / "tests")
HAZARDS = [it.content for it in read_entries("hazards").by_id.values()]


def all_passed() -> dict[str, str]:
    named = {it for tests in MATRIX.values() for it in tests} | {it for hazard in HAZARDS for it in hazard["tests"]}
    return dict.fromkeys(named, "passed")


def test_saf_11_a_release_with_nothing_open_has_no_anomaly_and_names_its_knowledge():
    report = safety_report(all_passed(), as_of=TODAY)
    assert report.anomalies == ()
    manifest = load_knowledge().manifest
    for told in (manifest.version, manifest.content_hash[:12], str(manifest.reviewed), "Signed by no clinician"):
        assert told in report.text
    for hazard in HAZARDS:
        assert f"| {hazard['id']} | {hazard['hazard']} |" in report.text
    assert "## Release note" in report.text


def test_saf_11_a_control_whose_test_failed_or_did_not_run_is_an_anomaly():
    first, second = HAZARDS[0]["tests"][0], HAZARDS[1]["tests"][0]
    results = all_passed() | {first: "failed"}
    del results[second]
    report = safety_report(results, as_of=TODAY)
    assert any(it.startswith(f"{HAZARDS[0]['id']}:") and "(failed)" in it for it in report.anomalies)
    assert any(it.startswith(f"{HAZARDS[1]['id']}:") and "(not run)" in it for it in report.anomalies)
    assert all(it in report.text for it in report.anomalies)


def test_saf_11_of_several_cases_of_a_test_the_worst_counts(tmp_path):
    file = tmp_path / "results.xml"
    file.write_text(
        """<testsuites><testsuite>
        <testcase classname="tests.spec.test_x" name="test_y[a]"/>
        <testcase classname="tests.spec.test_x" name="test_y[b]"><failure/></testcase>
        <testcase classname="tests.spec.test_x" name="test_z"><skipped/></testcase>
        <testcase classname="tests.spec.test_w" name="test_v"/>
        </testsuite></testsuites>""",
        encoding="utf-8",
    )
    results = read_results(file)
    assert results == {
        "tests/spec/test_x.py::test_y": "failed",
        "tests/spec/test_x.py::test_z": "skipped",
        "tests/spec/test_w.py::test_v": "passed",
    }
    assert outcome_of("tests/spec/test_x.py", results) == "failed"
    assert outcome_of("tests/spec/test_w.py", results) == "passed"
    assert outcome_of("tests/spec/test_gone.py", results) == "not run"


@pytest.mark.parametrize("requirement", CLINICAL)
def test_saf_12_each_clinical_requirement_has_tests_that_bear_its_id(requirement):
    assert MATRIX.get(requirement)
    results = {it: outcome for it, outcome in all_passed().items() if it not in MATRIX[requirement]}
    assert f"{requirement}: not proven by a test that passed" in safety_report(results, as_of=TODAY).anomalies


@pytest.mark.skipif(not REQUIREMENTS.is_file(), reason="the requirements lie beside the clone")
def test_saf_12_no_requirement_and_no_test_is_an_orphan():
    known = set(re.findall(r"\*\*((?:SAF|DSI|ALT|CARD)-\d\d) [MS]\*\*", REQUIREMENTS.read_text(encoding="utf-8")))
    assert set(CLINICAL) == {it for it in known if it.startswith("SAF")}
    claimed = {it for it in MATRIX if it.startswith(("SAF", "DSI", "ALT", "CARD"))}
    assert claimed - known == set()
    assert {it for hazard in HAZARDS for it in hazard["requirements"] if it.startswith(("SAF", "ALT"))} - known == set()


def test_saf_14_the_incident_path_says_whom_to_tell_how_to_withdraw_and_what_a_notice_holds():
    safety = (ROOT / "SAFETY.md").read_text(encoding="utf-8")
    assert "Report a vulnerability" in (ROOT / "SECURITY.md").read_text(encoding="utf-8")
    for heading in ("## Whom to tell", "## To withdraw an edition of the knowledge", "## Field safety notice"):
        assert heading in safety
    notice = safety.split("## Field safety notice", 1)[1]
    for field in (
        "Product",
        "What is wrong",
        "Since",
        "Content hash",
        "Who may be concerned",
        "What to do now",
        "Contact",
    ):
        assert re.search(rf"^\| {field}", notice, re.MULTILINE), field


def test_saf_14_each_command_of_the_incident_path_exists():
    commands = re.findall(r"`cdshooks ([a-z-]+(?: [a-z-]+)?)", (ROOT / "SAFETY.md").read_text(encoding="utf-8"))
    assert {"audit export", "knowledge sign"} <= set(commands)
    for command in commands:
        assert CliRunner().invoke(main, [*command.split(), "--help"]).exit_code == 0, command
