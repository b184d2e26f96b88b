"""The tables of docs/security.md are true: their modules and tests exist, and each requirement stands in them, the wanted ones too."""

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
WHOLE = (ROOT / "docs" / "security.md").read_text(encoding="utf-8")
PAGE = re.sub(r"^```.*?^```$", "", WHOLE, flags=re.MULTILINE | re.DOTALL)
"""Without its example: a fence would pair each of the other quotes with the one after it, and nothing quoted would be found."""
ROW = re.compile(
    r"^\| (?P<id>[A-Z]{3}-\d\d) \| (?P<property>[^|]+) \| (?P<modules>[^|]+) \| (?P<tests>[^|]+) \|$", re.MULTILINE
)
ROWS = [it.groupdict() for it in ROW.finditer(PAGE)]
TESTS = {
    name
    for file in (ROOT / "tests").rglob("test_*.py")
    for name in re.findall(r"^def (test_\w+)", file.read_text(encoding="utf-8"), re.MULTILINE)
}
REQUIREMENTS = Path(os.environ.get("CDSHOOKS_SHARED", ROOT.parent / "shared")) / "specs" / "safety.md"
KINDS = ("AUT", "OUT", "INP", "LOG", "REL", "FBK", "OBS", "COR", "PID")
EXAMPLES = {"clients.toml"}
"""Files of a hospital."""
OPEN: frozenset[str] = frozenset()
"""What no test proves yet; the page says so."""


def quoted(cell):
    return re.findall(r"`([^`]+)`", cell)


@pytest.mark.parametrize("row", ROWS, ids=[it["id"] for it in ROWS])
def test_saf_12_each_requirement_names_modules_and_tests_that_exist(row):
    assert [it for it in quoted(row["modules"]) if not (ROOT / "cdshooks" / it).is_file()] == []
    assert quoted(row["modules"])
    named = [it for it in quoted(row["tests"]) if it.startswith("test_")]
    assert [it for it in named if not any(fnmatchcase(name, it) for name in TESTS)] == []
    assert bool(named) is (row["id"] not in OPEN)
    assert row["tests"].startswith("open: ") is (row["id"] in OPEN)


def test_saf_12_every_other_test_that_the_page_names_exists():
    named = {it for it in quoted(PAGE) if re.fullmatch(r"test_[a-z0-9_]+\*?", it)}
    assert len(named) > 60
    assert [it for it in sorted(named) if not any(fnmatchcase(name, it) for name in TESTS)] == []


FILES = {it.name for folder in ("cdshooks", "tests", "scripts") for it in (ROOT / folder).rglob("*.py")}


def test_saf_12_every_file_and_drill_that_the_page_names_exists():
    """In the prose too: a path from the root or from ``cdshooks``, or the bare name of a file."""
    named = {it for it in quoted(PAGE) if re.fullmatch(r"[\w/.-]+(\.py|\.conf|\.toml|/)", it) and it not in EXAMPLES}
    assert len(named) > 50
    missing = {it for it in named if not (ROOT / it).exists() and not (ROOT / "cdshooks" / it).exists()}
    assert sorted(it for it in missing if it not in FILES) == []
    drills = "".join(it.read_text(encoding="utf-8") for it in (ROOT / "tests" / "drills").glob("test_*.py"))
    told = [
        name for names in re.findall(r'drills? ("[^"]+"(?: and "[^"]+")*)', PAGE) for name in names.split('"')[1::2]
    ]
    assert told
    assert [it for it in told if f'"{it}' not in drills] == []


def test_saf_12_each_id_is_there_once():
    ids = [it["id"] for it in ROWS]
    assert sorted(set(ids)) == sorted(ids)
    assert len(ids) > 50


@pytest.mark.skipif(not REQUIREMENTS.is_file(), reason="the requirements lie beside the clone")
def test_saf_12_each_requirement_stands_in_a_table():
    text = REQUIREMENTS.read_text(encoding="utf-8")
    asked_for = {it for it in re.findall(r"\*\*([A-Z]{3}-\d\d) [MS]\*\*", text) if it.startswith(KINDS)}
    assert len(asked_for) > 60
    of_fetching = set(re.findall(r"^\| (OUT-\d\d)", PAGE, re.MULTILINE))
    assert asked_for - {it["id"] for it in ROWS} - of_fetching == set()


FETCHING = re.findall(r"^\| (OUT-\d\d)[^|]*\|([^|]+)\|([^|]+)\|$", PAGE, re.MULTILINE)


@pytest.mark.parametrize(("requirement", "modules", "tests"), FETCHING, ids=[it[0] for it in FETCHING])
def test_saf_12_what_is_said_of_fetching_names_modules_and_tests_that_exist(requirement, modules, tests):
    """A name without a folder lies beside the one before it."""
    folder, files = "", []
    for it in quoted(modules):
        folder = it.rpartition("/")[0] or folder
        files.append(f"{folder}/{it.rpartition('/')[2]}")
    assert [it for it in files if not (ROOT / "cdshooks" / it).is_file()] == []
    assert files
    number = requirement.replace("-", "_").lower()
    named = [it.partition("[")[0] for it in quoted(tests)]
    assert any(it.startswith(f"test_{number}") for it in named)
    assert [it for it in named if not any(fnmatchcase(name, it) for name in TESTS)] == []


def test_saf_12_a_test_that_claims_a_requirement_is_counted_for_one_that_there_is():
    known = {it["id"] for it in ROWS}
    claimed = {
        f"{kind.upper()}-{number}" for name in TESTS for kind, number in re.findall(r"_(aut|inp|cor)_(\d\d)(?=_)", name)
    }
    assert claimed - known == set()
