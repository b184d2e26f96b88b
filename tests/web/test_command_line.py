"""The commands that others rely on: their output, their exit codes, and where each goes."""

import json
import os
import socket
import stat
import subprocess
import sys
from pathlib import Path

import jsonschema
import pytest
from click.testing import CliRunner

from cdshooks.cli.main import main

ROOT = Path(__file__).parents[2]
STORIES = sorted((ROOT / "fhir_fixtures").glob("*/request.json"))
SCHEMA = json.loads((ROOT / "cdshooks" / "explain" / "explain.schema.json").read_text(encoding="utf-8"))
STORY = str(ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json")


def run(*arguments, text=None):
    return CliRunner().invoke(main, list(arguments), input=text, catch_exceptions=False)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def test_the_json_of_explain_obeys_the_contract_for_every_story():
    result = run("explain", "--format", "json", "--as-of", "2026-11-24", *map(str, STORIES))
    assert result.exit_code == 0
    validator = jsonschema.Draft202012Validator(SCHEMA)
    answers = [json.loads(line) for line in result.stdout.splitlines()]
    assert [it["file"] for it in answers] == [str(it) for it in STORIES]
    for answer in answers:
        validator.validate(answer)
        counts = answer["lines"]["counts"]
        assert counts["min"] <= counts["metastatic_lines"] <= counts["max"]
        assert len(answer["options"]) == 46


def test_explain_reads_a_bundle_ndjson_and_stdin_alike(tmp_path):
    request = json.loads(Path(STORY).read_text(encoding="utf-8"))
    entries = [
        entry["resource"] for it in request["prefetch"].values() if it for entry in it.get("entry", [{"resource": it}])
    ]
    bundle, ndjson = tmp_path / "bundle.json", tmp_path / "patient.ndjson"
    bundle.write_text(
        json.dumps({"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in entries]})
    )
    ndjson.write_text("\n".join(json.dumps(it) for it in entries))
    answers = [
        json.loads(run("explain", "--format", "json", "--as-of", "2026-11-24", source, text=text).stdout)["lines"][
            "history"
        ]
        for source, text in ((STORY, None), (str(bundle), None), (str(ndjson), None), ("-", Path(STORY).read_text()))
    ]
    assert answers[0] == answers[1] == answers[2] == answers[3]
    assert len(answers[0]) == 3


def test_a_file_that_is_none_of_the_three_forms_is_one_line_on_stderr(tmp_path):
    odd = tmp_path / "odd.txt"
    odd.write_text("hello")
    result = run("explain", str(odd))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert len(result.stderr.strip().splitlines()) == 1
    both = run("explain", "--format", "json", STORY, str(odd))
    assert both.exit_code == 1
    assert set(json.loads(both.stdout.splitlines()[1])) == {"file", "error"}


def test_the_page_for_people_shows_lines_timeline_options_and_gaps():
    page = run("explain", STORY, "--as-of", "2026-11-24").stdout
    for part in (
        "NOT FOR CLINICAL USE",
        "Lines of therapy",
        "line 3",
        "Options",
        "Missing, conflicting, unreadable",
        "R9-new-agent"[:4],
    ):
        assert part in page


def test_wrong_usage_is_exit_code_2():
    assert run("explain").exit_code == 2
    assert run("explain", "--as-of", "yesterday", STORY).exit_code == 2
    assert run("explain", "--jurisdiction", "XX", STORY).exit_code == 2


@pytest.mark.parametrize("command", [["explain"], ["serve"], ["demo"], ["fire"], ["caller"], ["knowledge", "check"]])
def test_every_command_has_help_with_an_example(command):
    result = run(*command, "--help")
    assert result.exit_code == 0
    assert "Example: cdshooks" in result.output


def test_knowledge_check_passes_as_shipped_and_names_a_fault_of_an_overlay(tmp_path):
    assert run("knowledge", "check").exit_code == 0
    (tmp_path / "line_rules.yaml").write_text("line_rules:\n- {id: combo, value: soon}\n")
    result = run("knowledge", "check", str(tmp_path))
    assert result.exit_code == 1
    assert "line_rules.yaml:2" in result.output


def test_the_demo_starts_a_service_shows_cards_and_stops():
    command = [sys.executable, "-m", "cdshooks", "demo", "--once", "--port", str(free_port())]
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=90, env={**os.environ, "PYTHONPATH": str(ROOT)}, check=False
    )
    assert done.returncode == 0, done.stderr
    for part in ("HTTP 200", "NOT FOR CLINICAL USE", "Suggestions", "line 3", "What to try next"):
        assert part in done.stdout


def test_the_demo_says_in_one_sentence_that_the_port_is_taken():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        result = run("demo", "--once", "--port", str(taken.getsockname()[1]))
    assert result.exit_code == 1
    assert "is taken" in result.stderr


def test_fire_says_when_nothing_answers():
    result = run("fire", STORY, "--url", f"http://127.0.0.1:{free_port()}")
    assert result.exit_code == 1
    assert "start the service" in result.stderr


@pytest.fixture
def asks_for_tokens(tmp_path):
    """A service as in production, whose only client is the caller of the trial."""
    entry = run("caller", str(tmp_path / "trial"))
    assert entry.exit_code == 0
    (tmp_path / "trial" / "clients.toml").write_text(entry.stdout)
    url = f"http://127.0.0.1:{free_port()}"
    told = {
        "CDSHOOKS_BASE_URL": url,
        "CDSHOOKS_CLIENTS": str(tmp_path / "trial" / "clients.toml"),
        "CDSHOOKS_EVALUATION": "1",
        "CDSHOOKS_TODAY": "2026-11-24",
        "CDSHOOKS_DRAIN_SECONDS": "0",
        "XDG_STATE_HOME": str(tmp_path),
        "PYTHONPATH": str(ROOT),
    }
    words = [sys.executable, "-m", "cdshooks", "serve", "--workers", "1", "--port", url.rpartition(":")[2]]
    with subprocess.Popen(words, env={**os.environ, **told}, stderr=subprocess.DEVNULL) as service:
        yield url
        service.terminate()


def test_before_the_ehr_is_there_a_caller_with_a_key_of_its_own_gets_cards_and_answers_one(asks_for_tokens, tmp_path):
    words = ["fire", STORY, "--url", asks_for_tokens, "--wait", "60"]
    refused = run(*words)
    assert refused.exit_code == 1
    assert "HTTP 401" in refused.stderr
    assert run(*words, "--caller", str(tmp_path)).exit_code == 2  # no key lies there
    for _ in range(2):  # each call has a token of its own
        accepted = run(*words, "--caller", str(tmp_path / "trial"), "--accept", "")
        assert accepted.exit_code == 0, accepted.stderr
    assert "The feedback is kept" in accepted.stdout


def test_a_caller_is_made_once_and_its_key_is_read_by_nobody_else(tmp_path):
    assert run("caller", str(tmp_path)).exit_code == 0
    key = tmp_path / "caller.pem"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    before = key.read_bytes()
    again = run("caller", str(tmp_path))
    assert again.exit_code == 1
    assert "already" in again.stderr
    assert key.read_bytes() == before
