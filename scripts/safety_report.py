"""The safety case report of a release: hazards and requirements with what became of their tests, the knowledge, the anomalies.

``python -m scripts.safety_report RESULTS.xml [REPORT.md]`` after ``pytest --junitxml=RESULTS.xml``; `make safety-report` does both.
Exit status 1: a control or a requirement is not proven by a test that passed. Source: SAF-11, SAF-12.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, NamedTuple
from xml.etree import ElementTree as ET

from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.manifest import Freshness

ROOT = Path(__file__).parents[1]
_NAMED = re.compile(r"test_([a-z]{3,4})_(\d\d)_")
_WORST = ("failed", "not run", "skipped", "passed")
CLINICAL = tuple(f"SAF-{number:02}" for number in range(1, 15))
"""The clinical safety requirements; each has to be proven."""

Results = Mapping[str, str]
"""``tests/spec/test_x.py::test_y`` -> passed, skipped or failed; of several cases the worst."""


class Report(NamedTuple):
    """The text, and what stands against a release."""

    text: str
    anomalies: tuple[str, ...]


def main(arguments: Sequence[str]) -> int:
    """Write the report; status 1 where something stands against a release."""
    report = safety_report(read_results(Path(arguments[0])), as_of=datetime.now(UTC).date())
    if len(arguments) > 1:
        Path(arguments[1]).write_text(report.text, encoding="utf-8")
    else:
        print(report.text)
    for anomaly in report.anomalies:
        print(anomaly, file=sys.stderr)
    return int(bool(report.anomalies))


def read_results(file: Path) -> Results:
    """What pytest wrote with ``--junitxml``."""
    found: dict[str, str] = {}
    for case in ET.parse(file).iter("testcase"):
        path = case.get("classname", "").replace(".", "/") + ".py"
        name = f"{path}::{case.get('name', '').split('[', 1)[0]}"
        kinds = {it.tag for it in case}
        outcome = "failed" if kinds & {"failure", "error"} else "skipped" if "skipped" in kinds else "passed"
        found[name] = min(outcome, found.get(name, outcome), key=_WORST.index)
    return found


def outcome_of(named: str, results: Results) -> str:
    """What became of a test, or of all tests of a file."""
    of_it = [outcome for name, outcome in results.items() if name == named or name.startswith(f"{named}::")]
    return min(of_it, key=_WORST.index, default="not run")


def requirement_matrix(tests: Path) -> dict[str, list[str]]:
    """Requirement -> the tests that bear its id in their name: the matrix, read from the tests themselves."""
    found: dict[str, list[str]] = {}
    for file in sorted(tests.rglob("test_*.py")):
        for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))):
            named = _NAMED.match(node.name) if isinstance(node, ast.FunctionDef) else None
            if named is not None and isinstance(node, ast.FunctionDef):
                path = file.relative_to(tests.parent).as_posix()
                found.setdefault(f"{named[1].upper()}-{named[2]}", []).append(f"{path}::{node.name}")
    return dict(sorted(found.items()))


def safety_report(results: Results, *, as_of: date) -> Report:
    """The report of this state of the code and the knowledge on a day."""
    matrix, hazards = requirement_matrix(ROOT / "tests"), [it.content for it in read_entries("hazards").by_id.values()]
    anomalies = tuple(_anomalies(matrix, hazards, results))
    parts = (
        "# Safety case report",
        _knowledge(as_of),
        "## Anomalies\n\n"
        + ("\n".join(f"* {it}" for it in anomalies) or "None: every control and requirement is proven."),
        _hazards(hazards, results),
        _requirements(matrix, hazards, results),
        "## Release note\n\n" + _unreleased(),
    )
    return Report("\n\n".join(parts) + "\n", anomalies)


def _anomalies(
    matrix: Mapping[str, list[str]], hazards: Iterable[Mapping[str, Any]], results: Results
) -> Iterator[str]:
    for hazard in hazards:
        for named in hazard["tests"]:
            if (outcome := outcome_of(named, results)) in {"failed", "not run"}:
                yield f"{hazard['id']}: a test of its control ({outcome}): {named}"
    for requirement in CLINICAL:
        outcomes = [outcome_of(it, results) for it in matrix.get(requirement, ())]
        if "passed" not in outcomes or "failed" in outcomes:
            yield f"{requirement}: not proven by a test that passed"


def _knowledge(as_of: date) -> str:
    known = load_knowledge()
    manifest = known.manifest
    signature = manifest.signature(as_of)
    unread = sorted(it.id for it in known.criteria.values() if not it.verified)
    state = {Freshness.CURRENT: "current", Freshness.DUE: "review overdue", Freshness.EXPIRED: "expired"}
    return (
        f"## Knowledge\n\nVersion {manifest.version}, content {manifest.content_hash[:12]}, reviewed {manifest.reviewed}, "
        f"due {manifest.due}, expires {manifest.expires}: {state[manifest.freshness(as_of)]} on {as_of}. "
        + ("Signed by a clinician." if signature is not None else "**Signed by no clinician: not for clinical use.**")
        + f"\n\nCriteria that nobody has read in a source ({len(unread)}), shown as our own: {', '.join(unread)}."
    )


def _hazards(hazards: Iterable[Mapping[str, Any]], results: Results) -> str:
    rows = [
        f"| {it['id']} | {it['hazard']} | {it['severity']} x {it['likelihood']} | {it['control']} | "
        f"{'; '.join(f'{named}: {outcome_of(named, results)}' for named in it['tests'])} | {it['residual']} | {it['status']} |"
        for it in hazards
    ]
    head = "| id | hazard | severity x likelihood | control | tests | residual risk | status |\n|---|---|---|---|---|---|---|"
    return "## Hazards\n\n" + "\n".join((head, *rows))


def _requirements(matrix: Mapping[str, list[str]], hazards: Iterable[Mapping[str, Any]], results: Results) -> str:
    cited: dict[str, list[str]] = {}
    for hazard in hazards:
        for requirement in hazard["requirements"]:
            cited.setdefault(requirement, []).append(hazard["id"])
    rows = [
        f"| {requirement} | {', '.join(cited.get(requirement, ()))} | "
        f"{'; '.join(f'{it}: {outcome_of(it, results)}' for it in matrix.get(requirement, ()))} |"
        for requirement in sorted({*matrix, *CLINICAL})
    ]
    return "## Requirements and their tests\n\n" + "\n".join(("| id | hazards | tests |\n|---|---|---|", *rows))


def _unreleased() -> str:
    text = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    found = re.search(r"^## .*?\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    return found[1].strip() if found is not None else "No entry in CHANGELOG.md."


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
