"""The file of line rules: each rule defended by tests that exist, each parameter used, each overlaid or switched off as a whole."""

from __future__ import annotations

import re
from pathlib import Path

import msgspec
import pytest

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.line_rules import load_line_rules
from cdshooks.lines.history import build_line_history
from tests.histories.drawn import TODAY, history_of, record_of, shipped

ROOT = Path(__file__).parents[2]
RULES = load_line_rules()
SWAP = record_of(
    """
    agent       | start      | end
    trastuzumab | 2021-01-04 |
    docetaxel   | 2021-01-04 | 2021-03-01
    paclitaxel  | 2021-04-10 | 2021-08-01
    """
)


@pytest.mark.parametrize("rule", RULES.rules.values(), ids=lambda it: it.id)
def test_every_rule_is_defended_by_a_test_that_exists(rule):
    assert rule.defended_by
    for name in rule.defended_by:
        file, _, test = name.partition("::")
        text = (ROOT / "tests" / "spec" / f"test_{file}.py").read_text(encoding="utf-8")
        assert re.search(rf"^def {re.escape(test)}", text, re.MULTILINE), name


def test_every_rule_that_fires_is_in_the_file_and_every_parameter_is_used():
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "cdshooks" / "lines").glob("*.py"))
    assert set(re.findall(r'"(R\d+-[a-z0-9-]+)"', code)) <= set(RULES.rules)
    assert [name for name in RULES.parameters if f'"{name}"' not in code] == []


def with_overlay(path, text):
    (path / "line_rules.yaml").write_text("line_rules:\n" + text, encoding="utf-8")
    rules = load_line_rules(path)
    return rules, build_line_history(SWAP, msgspec.structs.replace(shipped(), line_rules=rules), as_of=TODAY)


def test_a_hospital_may_put_its_own_number_in_place_of_ours(tmp_path):
    entry = """- id: R10-swap
  says: "Our swap rule."
  parameters: {swap: {value: 10, unit: days, meaning: "a drug of the same group may replace one this late"}}
  sources: [{source: LINES, at: "section 4, R10 b"}]
  defended_by: []
"""
    rules, history = with_overlay(tmp_path, entry)
    assert rules.rules["R10-swap"].is_overlaid
    assert (len(history_of(SWAP).lines), len(history.lines)) == (1, 2)


def test_an_optional_rule_may_be_switched_off(tmp_path):
    rules, history = with_overlay(tmp_path, '- {id: R10-swap, switched_off: "a changed taxane is a new line here"}\n')
    assert not rules.is_on("R10-swap")
    assert [it.number for it in history.lines] == [1, 2]


def test_a_rule_that_every_count_needs_may_not_be_switched_off(tmp_path):
    with pytest.raises(KnowledgeError) as refused:
        with_overlay(tmp_path, '- {id: R8-regimen, switched_off: "no"}\n')
    assert any("R8-regimen" in it for it in refused.value.faults)


def test_an_entry_that_leaves_out_a_number_is_refused(tmp_path):
    entry = """- id: R10-swap
  says: "Our swap rule."
  parameters: {}
  sources: [{source: LINES}]
  defended_by: []
"""
    with pytest.raises(KnowledgeError) as refused:
        with_overlay(tmp_path, entry)
    assert any("line_rules.yaml:2" in it and "'swap' is missing" in it for it in refused.value.faults)
