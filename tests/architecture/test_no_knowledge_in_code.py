"""Clinical knowledge is data: no code of a terminology and no name of a drug stands in a Python file."""

from __future__ import annotations

import ast
import csv
import re
from pathlib import Path

import pytest

CODE = Path(__file__).parents[2] / "cdshooks"
DRUGS = CODE / "knowledge" / "data" / "codes" / "drugs.csv"
LOINC, NUMBER = re.compile(r"\b\d{3,5}-\d\b"), re.compile(r"\b\d{6,18}\b")
WIRE = {"cards/actions.py", "web/audit.py"}
"""Codes of the messages that we write (kinds of request, DICOM audit roles), which say nothing of a disease."""
NOT_A_DRUG = {"investigational"}


def literals(source: str) -> list[str]:
    """Every string of a module that is no docstring."""
    tree = ast.parse(source)
    told = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in told
    ]


def drug_names() -> re.Pattern[str]:
    with DRUGS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    names = {name for row in rows for name in (row["agent"], *row["brands"].split("|")) if len(name) > len("xxxx")}
    return re.compile("|".join(rf"\b{re.escape(it)}\b" for it in sorted(names - NOT_A_DRUG)), re.IGNORECASE)


def codes_in(source: str) -> list[str]:
    return [it for it in literals(source) if LOINC.search(it) or (NUMBER.search(it) and "." not in it)]


def drugs_in(source: str, names: re.Pattern[str]) -> list[str]:
    return [it for it in literals(source) if names.search(it)]


@pytest.mark.parametrize("line", ['CODE = "48676-1"', 'X = {"427685000"}', 'RXNORM = ("224905",)'])
def test_a_code_would_be_seen(line):
    assert codes_in(line)


def test_a_drug_would_be_seen_and_a_docstring_is_none():
    assert drugs_in('DRUG = "Trastuzumab"', drug_names())
    assert not drugs_in('"""Of trastuzumab."""', drug_names())


def test_no_code_of_a_terminology_stands_in_a_python_file():
    found = {
        where: codes
        for file in CODE.rglob("*.py")
        if (where := file.relative_to(CODE).as_posix()) not in WIRE
        and (codes := codes_in(file.read_text(encoding="utf-8")))
    }
    assert not found


def test_no_name_of_a_drug_stands_in_a_python_file():
    names = drug_names()
    found = {
        file.relative_to(CODE).as_posix(): drugs
        for file in CODE.rglob("*.py")
        if (drugs := drugs_in(file.read_text(encoding="utf-8"), names))
    }
    assert not found
