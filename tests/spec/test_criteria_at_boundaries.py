"""Each criterion at its boundary, and proof that no criterion, step or threshold can change without a row that notices."""

from __future__ import annotations

import pytest

from cdshooks.knowledge.criteria import Criterion
from tests.criteria_mutants import binding_of, judged, mutants, noticed, read_table
from tests.option_cases import shipped

ROWS = read_table()
CRITERIA = list(shipped().criteria.values())
by_id = pytest.mark.parametrize("criterion", CRITERIA, ids=lambda it: str(it.id))


@pytest.mark.parametrize("row", ROWS, ids=lambda row: f"{row.criterion}: {row.given}")
def test_a_criterion_at_its_boundary(row):
    binding = binding_of(row)
    assert binding is not None, f"{row.regimen} no longer carries {row.criterion}"
    assert judged(binding.criterion, binding.bound, row.given) == (row.outcome, row.effect)


@by_id
def test_no_criterion_can_be_removed_unnoticed(criterion: Criterion):
    """A row fails when the criterion is gone; and at least one row shows that something follows from it."""
    assert any(row.effect != "-" for row in ROWS if row.criterion == criterion.id)


@by_id
def test_no_step_threshold_or_word_can_change_unnoticed(criterion: Criterion):
    """Nor is there a part that decides nothing: a change without any effect would show here, too."""
    rows = [row for row in ROWS if row.criterion == criterion.id]
    assert [what for what, changed in mutants(criterion) if not noticed(criterion, changed, rows)] == []
