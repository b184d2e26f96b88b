"""What is said of the order being placed."""

from __future__ import annotations

from typing import Any

import pytest

from cdshooks.options.model import OrderReview
from tests.option_cases import NAIVE_TO_TDXD, THREE_LINES, advice_of, history, order, patient, receptor, toxicity
from tests.option_samples import SAMPLES, criterion, knowledge_of, sample_knowledge

RUNNING = THREE_LINES + "4 | trastuzumab | 2026-11-01 | | \n"


def reviewed(*orders: Any, lines: str = THREE_LINES, knowledge: Any = None, **members: Any) -> tuple[OrderReview, ...]:
    return advice_of(
        patient(**members), history(lines), orders=orders, knowledge=knowledge or sample_knowledge()
    ).orders


@pytest.mark.parametrize(
    ("agents", "lines", "judgement"),
    [
        (("tucatinib", "trastuzumab", "capecitabine"), THREE_LINES, "fitting"),
        (("trastuzumab deruxtecan",), NAIVE_TO_TDXD, "fitting"),
        (("trastuzumab deruxtecan",), THREE_LINES, "repeated_after_progression"),
        (("trastuzumab emtansine",), THREE_LINES, "repeated_after_progression"),
        (("gemcitabine",), THREE_LINES, "not_recognised"),
        ((), THREE_LINES, "not_recognised"),
    ],
)
def test_one_order_for_a_whole_regimen(agents: tuple[str, ...], lines: str, judgement: str) -> None:
    (review,) = reviewed(order(*agents), lines=lines)
    assert review.judgement == judgement
    if judgement == "repeated_after_progression":
        assert "progressed" in review.reasons[0].because


def test_orders_placed_together_make_one_regimen() -> None:
    found = reviewed(order("tucatinib"), order("trastuzumab"), order("capecitabine"))
    assert {it.judgement for it in found} == {"fitting"}
    assert {it.regimens[0] for it in found} == {"tucatinib_trastuzumab_capecitabine"}


def test_drugs_that_run_already_complete_the_regimen() -> None:
    found = reviewed(order("tucatinib"), order("capecitabine"), lines=RUNNING)
    assert {it.regimens[0] for it in found} == {"tucatinib_trastuzumab_capecitabine"}


def test_a_first_part_of_a_regimen_is_recognised() -> None:
    (review,) = reviewed(order("tucatinib"))
    assert review.regimens[0] == "tucatinib_trastuzumab_capecitabine"


def test_trastuzumab_beyond_progression_is_no_repetition() -> None:
    found = reviewed(order("trastuzumab"), order("tucatinib"), order("capecitabine"))
    assert all(it.judgement == "fitting" for it in found)


def test_a_contraindicated_order() -> None:
    no = criterion(
        "ILD", {"fact": "ild_grade", "op": "lt", "value": 2}, applies_to={"agents": ["trastuzumab deruxtecan"]}
    )
    (review,) = reviewed(
        order("trastuzumab deruxtecan"),
        lines=NAIVE_TO_TDXD,
        knowledge=knowledge_of(SAMPLES, [no]),
        toxicities=(toxicity("ild", 3, "trastuzumab deruxtecan"),),
    )
    assert review.judgement == "contraindicated"
    assert [it.criterion for it in review.reasons if it.criterion == "ILD"] == ["ILD"]


def test_an_order_that_her2_in_force_does_not_carry() -> None:
    (review,) = reviewed(
        order("trastuzumab deruxtecan"), lines=NAIVE_TO_TDXD, receptors=(receptor("her2", "negative"),)
    )
    assert review.judgement == "warning"
    assert "HER2_IN_FORCE" in {it.criterion for it in review.reasons}


def test_an_order_of_something_else() -> None:
    (review,) = reviewed(order(is_medication=False))
    assert review.judgement == "not_cancer_treatment"


def test_the_next_dose_of_what_runs_is_no_repetition() -> None:
    running = THREE_LINES.replace("2026-10-20 | progression", "           |            ")
    (review,) = reviewed(order("trastuzumab emtansine"), lines=running)
    assert review.judgement == "fitting"
