"""What must hold of the process itself: no door for commands, no debugger, no pattern whose time explodes."""

import ast
import json
import re
import subprocess
import sys
import warnings
from pathlib import Path

import pytest

from cdshooks.settings import SettingsError, read_settings

ROOT = Path(__file__).parents[2]

with warnings.catch_warnings():
    warnings.simplefilter("ignore")
    from re import _constants as kinds
    from re import _parser as patterns


def test_rel_08_no_socket_takes_commands_and_the_heartbeat_of_workers_is_in_memory():
    code = "import json, cdshooks.gunicorn_settings as it; print(json.dumps([it.control_socket_disable, it.worker_tmp_dir]))"
    is_off, directory = json.loads(subprocess.check_output([sys.executable, "-c", code], text=True, cwd=ROOT))
    assert is_off is True
    assert directory == "/dev/shm" or not Path("/dev/shm").is_dir()


def test_each_drill_that_starts_a_service_tells_its_figures():
    """``make drill`` prints one line for each; one that only passes would say nothing of what was held."""
    drills = [
        it
        for file in sorted((ROOT / "tests" / "drills").glob("test_*.py"))
        for it in ast.parse(file.read_text(encoding="utf-8")).body
        if isinstance(it, ast.FunctionDef) and it.name.startswith("test_") and "start" in {a.arg for a in it.args.args}
    ]
    told = [
        it.name
        for it in drills
        if any(ast.unparse(node.func) == "tell" for node in ast.walk(it) if isinstance(node, ast.Call))
    ]
    assert len(drills) > 20
    assert [it.name for it in drills if it.name not in told] == []


def test_log_03_a_debugger_stops_the_start_except_in_dev():
    with pytest.raises(SettingsError, match="FLASK_DEBUG"):
        read_settings({"FLASK_DEBUG": "1"})
    read_settings({"FLASK_DEBUG": "1", "CDSHOOKS_DEV": "1"})
    read_settings({"FLASK_DEBUG": "0"})


def _is_separator(part):
    """Whether a part is punctuation, which the rest of a repeat does not produce: then each repeat is told from the next."""
    kind, value = part
    members = [part] if kind is kinds.LITERAL else value if kind is kinds.IN else []
    return bool(members) and all(it is kinds.LITERAL and not chr(code).isalnum() for it, code in members)


def _is_explosive(pattern):
    """Whether an unbounded repeat stands inside another: then time may double with each character."""

    def walk(part, is_inside):
        for kind, value in part:
            if kind in {kinds.MAX_REPEAT, kinds.MIN_REPEAT}:
                _, most, inner = value
                is_unbounded = most is kinds.MAXREPEAT
                opens_plainly = len(inner) > 0 and _is_separator(inner[0])
                if is_inside and is_unbounded:
                    return True
                if walk(inner, is_inside or (is_unbounded and not opens_plainly)):
                    return True
            elif (kind is kinds.SUBPATTERN and walk(value[3], is_inside)) or (
                kind is kinds.BRANCH and any(walk(it, is_inside) for it in value[1])
            ):
                return True
        return False

    return walk(patterns.parse(pattern), is_inside=False)


def _patterns_of(file):
    for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
        is_call = isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.args
        if is_call and node.func.attr == "compile" and isinstance(node.args[0], ast.Constant):
            yield node.args[0].value


def test_inp_09_no_pattern_repeats_what_repeats():
    assert _is_explosive(r"(\w+)+x")
    assert _is_explosive(r"(a|\s*)*b")
    assert not _is_explosive(r"(?:-[0-9a-f]{4}){3}\w+")
    found = [it for file in (ROOT / "cdshooks").rglob("*.py") for it in _patterns_of(file)]
    assert len(found) > 20
    assert [it for it in found if _is_explosive(it)] == []


def test_inp_09_every_literal_pattern_is_a_pattern():
    for file in (ROOT / "cdshooks").rglob("*.py"):
        for it in _patterns_of(file):
            re.compile(it)
