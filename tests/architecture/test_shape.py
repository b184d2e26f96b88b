"""The shape is kept: one place turns errors into answers, no event can hold a patient, the path of a call stays short."""

import ast
import inspect
import json
import logging
import re
from pathlib import Path

import pytest

from cdshooks import errors, order_select
from cdshooks.json_lines import JsonLines
from cdshooks.settings import SETTINGS, SettingsError, read_settings
from cdshooks.web.events import EVENTS, log_event

CODE = Path(__file__).parents[2] / "cdshooks"
WEB = sorted((CODE / "web").glob("*.py"))
ALLOWED = {
    "version", "knowledge", "jurisdiction", "dev", "service", "client", "answers", "repeated", "operation", "seconds", "cards", "silenced", "milliseconds", "error_id", "path", "keys",
    "reason", "kind", "at", "server",
}  # fmt: skip


def test_every_error_is_in_the_tree_that_the_module_shows():
    shown = set(re.findall(r"x (\w+Error)", errors.__doc__ or ""))
    defined = {name for name, it in vars(errors).items() if inspect.isclass(it) and it.__module__ == errors.__name__}
    assert shown == defined - {"CdsHooksError"}


def test_only_problems_catches_everything():
    for file in CODE.rglob("*.py"):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ExceptHandler):
                caught = ast.unparse(node.type) if node.type is not None else "everything"
                assert caught not in {"everything", "Exception", "BaseException"}, file


def test_no_log_event_has_a_field_for_a_patient():
    assert {field for _, _, fields in EVENTS.values() for field in fields} <= ALLOWED


def test_an_event_outside_the_catalogue_is_a_fault():
    with pytest.raises(KeyError):
        log_event("answered", patient="x")


def test_only_the_catalogue_writes_to_the_log():
    for file in CODE.rglob("*.py"):
        imported = re.search(r"^(import|from) logging", file.read_text(encoding="utf-8"), re.MULTILINE)
        assert not imported or file.relative_to(CODE).as_posix() in {"json_lines.py", "web/events.py", "wsgi.py"}, file


def test_the_path_of_a_call_fits_on_a_screen():
    source = inspect.getsource(order_select.answer_hook) + inspect.getsource(order_select.conclude)
    stages = ["gather_resources", "read_patient_record", "build_line_history", "assess_options", "render_cards"]
    assert [source.index(it + "(") for it in stages] == sorted(source.index(it + "(") for it in stages)
    assert all(len(it.read_text(encoding="utf-8").splitlines()) < 300 for it in WEB)


def test_every_variable_of_the_contract_is_read():
    names = (
        "BASE_URL",
        "CLIENTS",
        "DATABASE_URL",
        "JURISDICTION",
        "KNOWLEDGE_OVERLAY",
        "EVALUATION",
        "DEADLINE_MS",
        "MAX_BODY_MB",
        "TODAY",
    )
    for name in names:
        with pytest.raises(SettingsError, match=f"CDSHOOKS_{name} "):
            read_settings({f"CDSHOOKS_{name}": "?"})


def test_the_log_of_a_whole_call_holds_nothing_of_the_patient(caplog):
    from cdshooks.app import build_app

    marker = "CANARY-7731"
    body = {"hook": "order-sign", "hookInstance": "7c0b6c2e-0f39-4a0f-9c55-3a1f3f6f3d11", marker: 1}
    body["context"] = {
        "userId": f"Practitioner/{marker}",
        "patientId": marker,
        "draftOrders": {"resourceType": "Bundle"},
    }
    body["prefetch"] = {
        marker: {"resourceType": "Basic", "id": marker},
        "patient": {"resourceType": "Patient", "id": marker},
    }
    client = build_app(read_settings({"CDSHOOKS_DEV": "1"})).test_client()
    with caplog.at_level("DEBUG"):
        missing = client.post("/cds-services/her2-later-line-sign", json=body)
        body["context"]["draftOrders"] = [marker]
        refused = client.post("/cds-services/her2-later-line-sign", json=body)
    assert (missing.status_code, refused.status_code) == (412, 400)
    assert missing.get_json()["id"] in caplog.text
    assert marker not in caplog.text + missing.get_data(as_text=True) + refused.get_data(as_text=True)


def test_con_04_the_table_of_settings_is_the_code():
    readme = (CODE.parent / "README.md").read_text(encoding="utf-8")
    documented = re.findall(r"^\| `CDSHOOKS_([A-Z_]+)`", readme, re.MULTILINE)
    assert sorted(documented) == sorted(SETTINGS)
    source = (CODE / "settings.py").read_text(encoding="utf-8")
    read_in_code = set(re.findall(r'(?:[=( ]get|number)\("([A-Z_]+)"|get\("CDSHOOKS_([A-Z_]+)"', source))
    read_in_code = {one or other for one, other in read_in_code}
    assert read_in_code == SETTINGS


def test_con_04_a_misspelt_setting_stops_the_start_and_is_named():
    with pytest.raises(SettingsError, match="CDSHOOKS_JURISDICTON is no setting"):
        read_settings({"CDSHOOKS_JURISDICTON": "EU"})
    read_settings({"OTHER": "x", "CDSHOOKS_JURISDICTION": "EU"})


@pytest.mark.parametrize(
    ("logger", "message"),
    [
        ("cdshooks", '{"event": "x"}'),
        ("gunicorn.error", "Invalid request from ip=127.0.0.1: 'CANARY\r\n'"),
        ("library", "two\nlines\u2028and \x1b[31m"),
    ],
)
def test_log_02_every_line_is_json_whoever_writes_it_and_quotes_no_caller(logger, message):
    fault = ValueError("CANARY")
    record = logging.LogRecord(logger, logging.ERROR, "", 0, message, (), (ValueError, fault, None))
    line = JsonLines().format(record)
    assert len(line.splitlines()) == 1
    assert json.loads(line)["event"] in {"x", "library"}
    assert "CANARY" not in line
