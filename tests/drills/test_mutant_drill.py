"""The code that judges is changed in small ways, and the specs have to notice. Source: REL-13."""

import ast
import os
import re
import subprocess
import sys

import pytest

from tests.code_mutants import SPECS, is_enough, mutants_of
from tests.drills.conftest import ROOT

pytestmark = pytest.mark.drill
SECONDS = float(os.environ.get("MUTANT_MINUTES", "0")) * 60 or 45.0
SOURCE = """
LIMIT: int | None = 3
FLOOR = 2


def is_low(value: int | None, *, or_unknown: bool = False) -> bool:
    "Whether 1 < 2."
    if value is None:
        return or_unknown and True
    return value < FLOOR
"""


def test_rel_13_what_decides_is_changed_and_nothing_else():
    changed = {(it.what, ast.unparse(it.after)) for it in mutants_of("m", SOURCE)}
    assert sorted(it for it, _ in changed) == [
        "2 -> 3", "Is -> IsNot", "Lt -> LtE", "True -> False", "and -> or", "condition turned round", "without True", "without or_unknown"
    ]  # fmt: skip
    assert len({text for _, text in changed}) == len(changed)


@pytest.mark.parametrize(
    ("tried", "noticed", "is_right"), [(0, 0, False), (20, 20, True), (20, 17, True), (20, 9, False), (400, 300, False)]
)
def test_rel_13_too_few_noticed_is_a_failure_however_few_were_tried(tried, noticed, is_right):
    assert is_enough(tried, noticed) is is_right


def test_rel_13_small_changes_of_what_judges_are_noticed(tell):
    """A sample in the time there is; ``make drill MUTANT_MINUTES=60`` tries them all."""
    words = [sys.executable, "-m", "tests.code_mutants", "--seconds", str(SECONDS)]
    ran = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=False)
    possible, tried, noticed = map(int, re.findall(r"\d+", ran.stdout.partition("\n")[0]))
    tell("changes of what judges", modules=len(SPECS), possible=possible, tried=tried, noticed=noticed)
    assert ran.returncode == 0, ran.stdout
