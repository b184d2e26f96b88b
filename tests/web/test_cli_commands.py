"""The command line: results on stdout, messages on stderr, exit 0, 1 or 2. Source: contracts, Commands."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from cdshooks.cli.main import main

STORY = (
    Path(__file__).parents[2] / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
)


@pytest.fixture
def run():
    runner = CliRunner()
    return lambda *words, **more: runner.invoke(main, [str(it) for it in words], **more)


@pytest.mark.parametrize(
    "words", [["nothing"], ["explain"], ["explain", "--format", "xml", "-"], ["serve", "--port", "x"], ["fire"]]
)
def test_wrong_usage_exits_2_and_says_so_on_stderr(run, words):
    result = run(*words)
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr


def test_one_file_gives_one_json_object(run):
    result = run("explain", "--format", "json", "--as-of", "2026-11-24", STORY)
    assert result.exit_code == 0
    assert json.loads(result.stdout)["as_of"] == "2026-11-24"


def test_standard_input_is_a_file_too(run):
    result = run("explain", "--format", "json", "--as-of", "2026-11-24", "-", input=STORY.read_bytes())
    assert result.exit_code == 0
    assert json.loads(result.stdout)["lines"]["counts"]["metastatic_lines"] == 3


def test_several_files_give_a_line_each_in_order_and_a_bad_one_costs_itself(run, tmp_path):
    bad, empty = tmp_path / "bad.json", tmp_path / "empty.json"
    bad.write_text("this is no patient", encoding="utf-8")
    empty.write_text('{"resourceType": "Bundle"}', encoding="utf-8")
    result = run("explain", "--format", "json", "--as-of", "2026-11-24", bad, STORY, empty)
    told = [json.loads(it) for it in result.stdout.splitlines()]
    assert result.exit_code == 1
    assert [it["file"] for it in told] == [str(bad), str(STORY), str(empty)]
    assert set(told[0]) == {"file", "error"}


@pytest.mark.parametrize("content", ["", "this is no patient", "[1, 2]", '{"a": 1}'])
def test_a_file_of_none_of_the_three_forms_is_one_plain_line_on_stderr(run, tmp_path, content):
    file = tmp_path / "patient"
    file.write_text(content, encoding="utf-8")
    result = run("explain", file)
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1


def test_a_missing_file_is_one_plain_line_too(run, tmp_path):
    result = run("explain", tmp_path / "absent.json")
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_jurisdiction_is_the_one_asked_for(run):
    result = run("explain", "--format", "json", "--as-of", "2026-11-24", "--jurisdiction", "CN", STORY)
    assert json.loads(result.stdout)["jurisdiction"] == "CN"


@pytest.mark.parametrize("content", ["not json", "[]", '{"hook": "appointment-book"}'])
def test_fire_refuses_what_is_no_request_of_ours(run, tmp_path, content):
    file = tmp_path / "request.json"
    file.write_text(content, encoding="utf-8")
    result = run("fire", file)
    assert result.exit_code == 1
    assert len(result.stderr.splitlines()) == 1


def test_signing_records_who_reviewed_which_content(run, tmp_path):
    result = run("knowledge", "sign", tmp_path, "--reviewer", "Dr A. Example")
    assert result.exit_code == 0
    assert "Dr A. Example" in (tmp_path / "signatures.yaml").read_text(encoding="utf-8")
    assert run("knowledge", "check", tmp_path).exit_code == 0


def test_a_signature_without_a_name_is_refused(run, tmp_path):
    result = run("knowledge", "sign", tmp_path, "--reviewer", "  ")
    assert result.exit_code == 1
    assert not (tmp_path / "signatures.yaml").exists()
