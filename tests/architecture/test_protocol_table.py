"""The table of docs/protocol.md is true: each statement of the standard stands in it, with modules and tests that exist, or a reason."""

import os
import re
from fnmatch import fnmatchcase
from pathlib import Path

import pytest

from tests.architecture.test_security_table import ROOT, TESTS, quoted

PAGE = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
ROW = re.compile(
    r"^\| (?P<id>[A-Z]-\d+) \| (?P<asked>[^|]+) \| (?P<modules>[^|]*)\| (?P<tests>[^|]+) \|$", re.MULTILINE
)
ROWS = [it.groupdict() for it in ROW.finditer(PAGE)]
STANDARD = Path(os.environ.get("CDSHOOKS_SHARED", ROOT.parent / "shared")) / "specs" / "cds-hooks.md"
SECTIONS = {2: "C", 3: "P", 5: "F", 6: "S", 9: "T", 11: "V"}
"""Of what an EHR and this service say to each other; cards, hooks and the sandbox have their own tests."""


@pytest.mark.parametrize("row", ROWS, ids=[it["id"] for it in ROWS])
def test_saf_12_each_statement_names_modules_and_tests_that_exist_or_says_why_none_does(row):
    named = [it for it in quoted(row["tests"]) if it.startswith("test_")]
    assert [it for it in quoted(row["modules"]) if not (ROOT / "cdshooks" / it).is_file()] == []
    assert [it for it in named if not any(fnmatchcase(name, it) for name in TESTS)] == []
    if row["tests"].startswith("none: "):
        assert len(row["tests"]) > len("none: the client")
    else:
        assert named
        assert quoted(row["modules"])


@pytest.mark.skipif(not STANDARD.is_file(), reason="the reading of the standard lies beside the clone")
@pytest.mark.parametrize(("number", "letter"), SECTIONS.items())
def test_saf_12_each_statement_of_the_section_stands_in_the_table_once(number, letter):
    text = STANDARD.read_text(encoding="utf-8")
    section = text[text.index(f"\n## {number}. ") :].partition("\n---\n")[0]
    stated = re.findall(rf"(?:^\*\*|^\| )({letter}-\d+)\b", section, re.MULTILINE)
    assert len(stated) > 5
    assert sorted(it["id"] for it in ROWS if it["id"].startswith(f"{letter}-")) == sorted(set(stated))


def test_saf_12_a_test_that_cites_a_statement_stands_beside_it():
    patterns = {it["id"]: quoted(it["tests"]) for it in ROWS}
    missing = [
        (name, f"{letter}-{number}")
        for name in sorted(TESTS)
        for letter, number in re.findall(r"_([cpfstv])_(\d+)(?=_)", name)
        if not any(fnmatchcase(name, it) for it in patterns.get(f"{letter.upper()}-{number}", ()))
    ]
    assert missing == []
