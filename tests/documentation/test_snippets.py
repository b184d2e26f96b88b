"""Every command and snippet of the documentation is run: pages are scripts, from the first block to the last, in an empty folder.

A block with a title is a file that the following commands use. A ``text`` block below commands is what they print. A block that
cannot be run says why, in one of the reasons known here.
"""

from __future__ import annotations

import contextlib
import functools
import json
import os
import re
import shlex
import socket
import subprocess
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path

import click
import jsonschema
import pytest

from cdshooks.cli.main import main
from cdshooks.hooks.clients import read_clients
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.switches import read_switches
from scripts.fhir_server import FhirServer, Store, read_files, serving
from tests.registry_samples import study

ROOT = Path(__file__).parents[2]
PAGES = sorted(
    [
        *(ROOT / "docs").rglob("*.md"),
        *(ROOT / it for it in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "SAFETY.md")),
    ]
)
NAMES = [str(it.relative_to(ROOT)) for it in PAGES]
REASONS = {
    "needs a Kubernetes cluster",
    "needs a container engine",
    "needs root on a machine of its own",
    "it builds or tests all of this",
    "it takes the reviewed pictures anew",
    "tests/registry/test_readme_loop.py runs it with an editor that completes each TODO",
}
STORY = ROOT / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
BLOCK = re.compile(
    r"^(?:<!-- not run: (?P<reason>[^>]+) -->\n)?^```(?P<kind>\w*)(?: title=\"(?P<title>[^\"]+)\")?\n(?P<text>.*?)^```$",
    re.MULTILINE | re.DOTALL,
)
RUN = {"bash"}
FILES = {"csv", "json", "python", "toml", "yaml"}


@dataclass
class Block:
    kind: str
    title: str | None
    text: str
    reason: str | None


def blocks_of(name):
    text = (ROOT / name).read_text("utf-8")
    found = [Block(it["kind"], it["title"], it["text"], it["reason"]) for it in BLOCK.finditer(text)]
    assert text.count("\n```") + text.startswith("```") == 2 * len(found), (
        "a fence that is not at the margin or not closed"
    )
    return found


def told(output):
    """Printed words without the frames that the terminal draws around them."""
    return " ".join(re.sub(r"[─-╿▸•]", " ", output).split())


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextlib.contextmanager
def sandbox():
    """The reader's own FHIR server: small pages, so that whoever forgets to turn them misses treatment."""
    with serving(FhirServer(Store(read_files([STORY]), page_size=3))) as server:
        yield server.base


def script_of(blocks, port, folder):
    """The page as one shell script; the output of block N goes to N.out."""
    steps = ["set -euo pipefail", "trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT"]
    for number, block in enumerate(blocks):
        text = block.text.replace("8080", str(port))
        if block.kind in FILES:
            (folder / f"{number}.file").write_text(text, encoding="utf-8")
            steps.append(f'mkdir -p "$(dirname {shlex.quote(block.title)})"')
            steps.append(f"cp {number}.file {shlex.quote(block.title)}")
        elif block.kind in RUN:
            steps.append(f"{{\n{text}}} > {number}.out 2>&1")
            if re.search(r"serve .*&$", text, re.MULTILINE):  # a reader would wait, too
                ready = f"curl -sf http://127.0.0.1:{port}/readyz >/dev/null"
                steps.append(f"for _ in $(seq 600); do {ready} && break; sleep 0.1; done; {ready}")
    return "\n".join(steps) + "\n"


@functools.cache
def knowledge():
    return load_knowledge()


def check_file(block, folder):
    """What is a contract is held against it."""
    path = folder / block.title
    if block.title == "clients.toml":
        assert read_clients(path, knowledge().profiles)
    elif block.title == "switches.yaml":
        assert read_switches(path, knowledge().regimens).told
    elif block.kind == "json" and "hook" in json.loads(block.text):
        schema = json.loads((ROOT / "cdshooks" / "hooks" / "schemas" / "hook-request.json").read_text("utf-8"))
        jsonschema.validate(json.loads(block.text), schema)
    elif block.kind == "toml":
        tomllib.loads(block.text)
    else:
        # An overlay's file is judged by `knowledge check`, and any other by the command that is given it.
        assert block.title.startswith("overlay/") or block.title in {"study.json", "patient.json", "make_request.py"}


def give_own_data(folder):
    """What a reader brings along: a patient, and a record of a trial."""
    entries = [{"resource": it} for it in read_files([STORY])]
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": entries}
    (folder / "patient-bundle.json").write_text(json.dumps(bundle), encoding="utf-8")
    (folder / "studies").mkdir()
    (folder / "studies" / "one.json").write_text(json.dumps(study()), encoding="utf-8")


@pytest.mark.parametrize("name", NAMES)
def test_each_page_does_what_it_says(name, tmp_path):
    blocks = [it for it in blocks_of(name) if it.reason is None]
    if not blocks:
        return
    environment = {it: value for it, value in os.environ.items() if not it.startswith("CDSHOOKS_")}
    environment |= {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "COLUMNS": "140",
    }
    for folder in ("fhir_fixtures", "docs"):
        (tmp_path / folder).symlink_to(ROOT / folder)
    give_own_data(tmp_path)
    script = script_of(blocks, free_port(), tmp_path)
    if any(it.title and it.title.startswith("overlay/") for it in blocks):
        script += "cdshooks knowledge check overlay > check.out 2>&1\n"
    with sandbox() as base:
        environment |= {"FHIR": base, "PATIENT": "p-brain"}
        done = subprocess.run(
            ["bash", "-c", script],
            cwd=tmp_path,
            env=environment,
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )
    outputs = {int(it.stem): it.read_text("utf-8") for it in tmp_path.glob("[0-9]*.out")}
    last = outputs[max(outputs)] if outputs else ""
    assert done.returncode == 0, f"{name}: {last}{done.stdout}{done.stderr}"
    for number, block in enumerate(blocks):
        if block.kind == "text":
            rest = told(outputs[number - 1])
            for line in block.text.strip().splitlines():
                assert told(line) in rest, f"{name}: {line!r} is not printed, or not in this order"
                rest = rest.partition(told(line))[2]
        elif block.kind in FILES:
            check_file(block, tmp_path)


@pytest.mark.parametrize("name", NAMES)
def test_each_block_is_run_or_says_why_not(name):
    blocks = blocks_of(name)
    for before, block in zip([None, *blocks], blocks, strict=False):
        if block.reason is not None:
            assert block.reason in REASONS
        elif block.kind == "text":
            assert before is not None, "text stands below the commands that print it"
            assert before.kind in RUN
            assert before.reason is None
        else:
            assert block.kind in RUN or (block.kind in FILES and block.title), block


def test_every_reason_is_used():
    assert {it.reason for name in NAMES for it in blocks_of(name)} - {None} == REASONS


def test_each_make_target_that_is_named_exists_and_says_what_it_does():
    described = set(re.findall(r"^([a-z-]+):.*## ", (ROOT / "Makefile").read_text("utf-8"), re.MULTILINE))
    for name in NAMES:
        text = (ROOT / name).read_text("utf-8")
        named = re.findall(r"`make ([a-z-]+)", text) + re.findall(r"^make ([a-z-]+)", text, re.MULTILINE)
        assert set(named) <= described, name


INLINE = [(name, it) for name in NAMES for it in re.findall(r"`(cdshooks [^`\n]+)`", (ROOT / name).read_text("utf-8"))]


@pytest.mark.parametrize(("name", "words"), INLINE)
def test_each_command_named_in_a_sentence_exists(name, words):
    command = main
    _, *rest = shlex.split(words)
    while rest and isinstance(command, click.Group):
        context = click.Context(command)
        assert rest[0] in command.list_commands(context) or rest[0].startswith("--"), words
        if rest[0].startswith("--"):
            break
        command = command.get_command(context, rest.pop(0))
    known = {it for one in command.params for it in one.opts} | {"--help"}
    assert {it for it in rest if it.startswith("--")} <= known
