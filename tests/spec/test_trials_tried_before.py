"""A card tells that the disease progressed on a drug of the trial, or on one of its kind, and only where the record says so."""

from __future__ import annotations

import msgspec
import pytest

from cdshooks.options.trials.again import tried_before
from tests.option_cases import history, shipped

HEAD = "line | agents | start | end | ended\n"
THP = "1 | docetaxel, pertuzumab, trastuzumab | 2023-02-01 | 2024-02-01 | progression\n"


def told(drugs, *rows):
    """``tucatinib``: progression on the drug itself; ``tucatinib ~ lapatinib``: on another of its kind."""
    trial = msgspec.structs.replace(shipped().trials.by_id["NCT05748834"], drugs=tuple(drugs))
    found = tried_before(trial, history(HEAD + "".join(rows)), shipped())
    return [f"{it.drug} ~ {it.use.agent}" if it.kind else it.drug for it in found]


@pytest.mark.parametrize(
    ("ended", "expected"),
    [("progression", ["tucatinib"]), ("toxicity", []), ("completed", []), ("unknown", []), ("", [])],
)
def test_only_progression_on_record_is_told(ended, expected):
    end = "2025-08-01" if ended else ""
    assert told(["tucatinib"], THP, f"2 | tucatinib, trastuzumab | 2024-02-15 | {end} | {ended}\n") == expected


@pytest.mark.parametrize(
    ("drugs", "had", "expected"),
    [
        (["tucatinib", "pegylated liposomal doxorubicin"], "tucatinib", ["tucatinib"]),
        (["tucatinib"], "lapatinib", ["tucatinib ~ lapatinib"]),
        (["patritumab deruxtecan"], "trastuzumab deruxtecan", ["patritumab deruxtecan ~ trastuzumab deruxtecan"]),
        # another payload on the same antibody is no repetition
        (["trastuzumab deruxtecan"], "trastuzumab emtansine", []),
        (["trastuzumab emtansine"], "trastuzumab emtansine", ["trastuzumab emtansine"]),
        # the antibody goes on through every line, and short chemotherapy makes room for cells
        (["trastuzumab", "pertuzumab", "docetaxel"], "vinorelbine", []),
        (["a drug without a class"], "tucatinib", []),
    ],
)
def test_the_drug_itself_or_one_of_its_kind(drugs, had, expected):
    assert told(drugs, THP, f"2 | {had} | 2024-02-15 | 2025-08-01 | progression\n") == expected


def test_the_drug_itself_is_told_before_another_of_its_kind_and_of_two_uses_the_latest():
    rows = (
        THP,
        "2 | tucatinib | 2024-02-15 | 2024-08-01 | progression\n",
        "3 | lapatinib | 2024-09-01 | 2025-01-01 | progression\n",
        "4 | tucatinib | 2025-02-01 | 2025-08-01 | progression\n",
        "5 | neratinib | 2025-09-01 | 2026-01-01 | progression\n",
    )
    assert told(["tucatinib"], *rows) == ["tucatinib"]
    assert told(["pyrotinib"], *rows) == ["pyrotinib ~ neratinib"]
    trial = shipped().trials.by_id["NCT05748834"]
    assert str(tried_before(trial, history(HEAD + "".join(rows)), shipped())[0].use.end) == "2025-08-01"
