"""Drawn tables in, drawn tables out: the form of most line specs."""

from __future__ import annotations

import pytest

from tests.histories.drawn import TODAY, drawn, history_of, record_of, rows


@pytest.fixture
def line_spec():
    """Compare the lines of a drawn treatment with a drawn expectation; only the columns drawn are compared."""

    def check(treatment, expected, *, as_of=TODAY, count=None, codes=None, **more):
        history = history_of(record_of(treatment, **more), as_of=as_of)
        wanted = rows(expected)
        columns = tuple(cell.strip() for cell in expected.strip().splitlines()[0].split("|"))
        assert drawn(history, columns) == wanted
        if count is not None:
            counts = history.counts
            assert (counts.min, counts.metastatic_lines, counts.max) == count
        if codes is not None:
            assert {it.code for it in history.alternatives} == codes
        return history

    return check
