"""How one condition is answered: met, not met, unknown, or for a person to judge."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from cdshooks.knowledge.criteria import Predicate, predicate_from
from cdshooks.knowledge.ids import AgentId, FactId
from cdshooks.options.case import Answer, Bound, Case
from cdshooks.options.model import Fact
from cdshooks.options.predicates import FactTold, is_too_old, question
from cdshooks.partial_date import PartialDate
from tests.option_cases import (
    THREE_LINES,
    TODAY,
    but,
    case_of,
    comed,
    history,
    measured,
    patient,
    shipped,
    toxicity,
)

LVEF_50 = {"fact": "lvef_percent", "op": "ge", "value": 50}


def evaluate(predicate: Predicate, case: Case, bound: Bound = frozenset()) -> Answer:
    return question(predicate, case.knowledge, bound)(case)


@pytest.mark.parametrize(
    ("fact", "value", "sentence", "added"),
    [
        ("symptomatic_hf", True, "Symptomatic heart failure rules out this drug.", ""),
        ("symptomatic_hf", True, "Heart failure rules out this drug.", "symptomatic heart failure"),
        # that something is absent is never left out, whatever words stand beside it
        ("symptomatic_hf", False, "Without symptomatic heart failure it fits.", "no symptomatic heart failure"),
        ("her2", "conflict", "HER2 is not settled.", "HER2 results contradict each other"),
        ("her2", "positive", "HER2 is settled.", "HER2 status in force positive"),
        ("cns", "needs_local_therapy", "Local therapy comes first.", "brain metastases that need local therapy first"),
    ],
)
@pytest.mark.parametrize("day", [None, "2026-11-16"])
def test_what_the_sentence_says_already_is_not_said_again(
    fact: str, value: Any, sentence: str, added: str, day: str | None
) -> None:
    when = PartialDate.from_fhir(day) if day else None
    told = FactTold(Fact(id=FactId(fact), value=value, date=when), shipped().facts[FactId(fact)])
    dated = f"{added} ({day})" if added else f"on record: {day}"
    assert told.beside(sentence) == (dated if day else added)


def test_every_value_that_has_words_is_a_value_of_its_fact() -> None:
    for definition in shipped().facts.values():
        assert set(definition.said) <= set(definition.values)


@pytest.mark.parametrize(
    ("value", "when", "more", "outcome"),
    [
        (50.0, "2026-11-10", {}, "met"),
        (49.9, "2026-11-10", {}, "not_met"),
        (None, "2026-11-10", {}, "unknown"),
        (60.0, "2026-08-24", {}, "met"),  # 90 days old
        (60.0, "2026-08-23", {}, "unknown"),  # 91 days old
        (60.0, "2026-08", {}, "met"),  # the month may reach into the 90 days
        (60.0, "2026-12-01", {}, "unknown"),  # a date in the future tells nothing of today
        (50.0, "2026-11-10", {"comparator": "<"}, "not_met"),
        (50.0, "2026-11-10", {"comparator": ">="}, "met"),
        (None, "2026-11-10", {"low": 45.0, "high": 55.0}, "not_met"),  # of a range the worse end counts
        (None, "2026-11-10", {"low": 50.0, "high": 55.0}, "met"),
    ],
)
def test_a_measurement_is_compared_only_while_it_is_recent(
    value: float | None, when: str, more: dict[str, Any], outcome: str
) -> None:
    case = case_of(patient(measurements=but(measured("lvef_percent", value, when, **more))))
    answer = evaluate(predicate_from(LVEF_50), case)
    assert answer.outcome.value == outcome
    assert (answer.missing == "lvef_percent") == (outcome == "unknown")


def test_within_days_is_stricter_than_the_fact_itself() -> None:
    case = case_of(patient(measurements=but(measured("lvef_percent", 60.0, "2026-10-01"))))
    assert evaluate(predicate_from(LVEF_50), case).outcome.value == "met"
    assert evaluate(predicate_from(LVEF_50 | {"within_days": 28}), case).outcome.value == "unknown"


def test_what_was_observed_is_said_with_unit_and_date() -> None:
    answer = evaluate(predicate_from(LVEF_50), case_of())
    assert answer.observed == ("left ventricular ejection fraction 62 % (2026-11-10)",)
    assert answer.evidence == ("Observation/lvef_percent",)


MET, NOT_MET, UNKNOWN = (
    {"fact": "ecog", "op": "le", "value": 2},
    {"fact": "ecog", "op": "gt", "value": 2},
    {"fact": "inr", "op": "le", "value": 2},
)
REVIEW = {"review": "a person has to look"}


@pytest.mark.parametrize(
    ("tree", "outcome"),
    [
        ({"all": [MET, UNKNOWN]}, "unknown"),
        ({"all": [NOT_MET, UNKNOWN]}, "not_met"),
        ({"all": [MET, REVIEW]}, "review"),
        ({"all": [UNKNOWN, REVIEW]}, "unknown"),
        ({"any": [MET, UNKNOWN]}, "met"),
        ({"any": [NOT_MET, UNKNOWN]}, "unknown"),
        ({"any": [REVIEW, UNKNOWN]}, "review"),
        ({"not": UNKNOWN}, "unknown"),
        ({"not": MET}, "not_met"),
        ({"not": {"not": MET}}, "met"),
    ],
)
def test_conditions_combine_by_kleene(tree: dict[str, Any], outcome: str) -> None:
    assert evaluate(predicate_from(tree), case_of()).outcome.value == outcome


@pytest.mark.parametrize(
    ("op", "value", "outcome"),
    [
        ("has_any", ["ppi", "coumarin"], "met"),
        ("has_any", ["phenytoin"], "not_met"),
        ("has_all", ["ppi", "coumarin"], "not_met"),
        ("has_none", ["phenytoin"], "met"),
        ("has_none", ["ppi"], "not_met"),
    ],
)
def test_sets_are_compared_as_sets(op: str, value: list[str], outcome: str) -> None:
    case = case_of(patient(comedications=(comed("ppi"),)))
    assert evaluate(predicate_from({"fact": "comeds", "op": op, "value": value}), case).outcome.value == outcome


CAPE = """
line | agents                               | start      | end        | ended
1    | capecitabine, trastuzumab            | 2024-02-01 | 2025-11-22 | {ended}
"""


@pytest.mark.parametrize(
    ("use", "ended", "outcome"),
    [
        ({"outcome": "any"}, "completed", "met"),
        ({"outcome": "progression"}, "completed", "not_met"),
        ({"outcome": "progression"}, "progression", "met"),
        ({"outcome": "progression"}, "unknown", "unknown"),
        ({"outcome": "toxicity"}, "toxicity", "met"),
        ({"outcome": "not_progression"}, "progression", "not_met"),
        ({"outcome": "any", "setting": "early"}, "completed", "not_met"),
        ({"outcome": "any", "min_months_since": 11}, "completed", "met"),
        ({"outcome": "any", "min_months_since": 13}, "completed", "not_met"),
        ({"outcome": "any", "max_months_since": 13}, "completed", "met"),
        ({"outcome": "any", "max_months_since": 11}, "completed", "not_met"),
    ],
)
def test_exposure_progression_and_toxicity_are_told_apart(use: dict[str, Any], ended: str, outcome: str) -> None:
    case = case_of(lines=history(CAPE.format(ended=ended)))
    tree = {"prior_therapy": {"agents": ["capecitabine"], **use}}
    assert evaluate(predicate_from(tree), case).outcome.value == outcome


def test_an_interval_that_the_month_leaves_open_is_unknown() -> None:
    table = CAPE.format(ended="completed").replace("2025-11-22", "2025-11   ")
    case = case_of(lines=history(table))
    tree = {"prior_therapy": {"agents": ["capecitabine"], "min_months_since": 12}}
    assert evaluate(predicate_from(tree), case).outcome.value == "unknown"


# 48 months are 1461 days to the day, so that the last day that counts can be drawn
@pytest.mark.parametrize(
    ("end", "ended", "use", "outcome"),
    [
        ("2022-11-22", "completed", {"min_months_since": 48}, "met"),
        ("2022-11-23", "completed", {"min_months_since": 48}, "not_met"),
        ("2022-11-22", "completed", {"max_months_since": 48}, "met"),
        ("2022-11-21", "completed", {"max_months_since": 48}, "not_met"),
        ("2022-11", "completed", {"max_months_since": 48}, "unknown"),
        ("2022-10", "completed", {"max_months_since": 48}, "not_met"),
        ("2022-12", "completed", {"max_months_since": 48}, "met"),
        ("2022-11", "completed", {"min_months_since": 48}, "unknown"),
        ("2022-11-22", "completed", {"min_months_since": 12, "max_months_since": 60}, "met"),
        ("2022-11-22", "completed", {"min_months_since": 60, "max_months_since": 72}, "not_met"),
        ("2022-11-22", "completed", {"min_months_since": 12, "max_months_since": 24}, "not_met"),
        # taken now: not so long ago, and within any time
        ("", "", {"min_months_since": 1}, "not_met"),
        ("", "", {"max_months_since": 1}, "met"),
        # over, and nobody recorded since when
        ("", "unknown", {"min_months_since": 1}, "unknown"),
        ("", "unknown", {"max_months_since": 1}, "unknown"),
        ("", "unknown", {}, "met"),
    ],
)
def test_how_long_ago_an_earlier_treatment_ended(end: str, ended: str, use: dict[str, Any], outcome: str) -> None:
    table = f"line | agents | start | end | ended\n1 | capecitabine | 2020-02-01 | {end} | {ended}"
    tree = {"prior_therapy": {"agents": ["capecitabine"], "outcome": "any", **use}}
    assert evaluate(predicate_from(tree), case_of(lines=history(table))).outcome.value == outcome


@pytest.mark.parametrize(
    ("day", "within", "is_old"),
    [
        ("2026-11-12", 10, False),
        ("2026-11-11", 10, True),
        ("2026-10", 22, False),  # the last day of the month may have been the day
        ("2026-10", 21, True),
        (None, 10, False),
    ],
)
def test_a_value_is_too_old_only_where_that_is_certain(day: str | None, within: int, is_old: object) -> None:
    when = PartialDate.from_fhir(day) if day else None
    fact = Fact(id=FactId("ecog"), value=1.0, date=when)
    assert is_too_old(fact, shipped().facts[FactId("ecog")], TODAY, within) is is_old


@pytest.mark.parametrize(("limit", "is_old"), [(22, False), (21, True), (None, False)])
def test_a_value_is_too_old_by_the_limit_of_its_fact_where_none_is_given(limit: int | None, is_old: object) -> None:
    definition = msgspec.structs.replace(shipped().facts[FactId("ecog")], valid_for_days=limit)
    fact = Fact(id=FactId("ecog"), value=1.0, date=PartialDate.from_fhir("2026-10-31"))
    assert is_too_old(fact, definition, TODAY) is is_old


@pytest.mark.parametrize(("ended", "outcome"), [("", "not_met"), ("completed", "met")])
def test_what_is_taken_now_is_no_earlier_use_of_the_drug_itself(ended: str, outcome: str) -> None:
    end = "2026-01-05" if ended else ""
    table = f"line | agents | start | end | ended\n1 | capecitabine | 2025-02-01 | {end} | {ended}"
    tree = predicate_from({"component": {"outcome": "any"}})
    found = evaluate(tree, case_of(lines=history(table)), frozenset((AgentId("capecitabine"),)))
    assert found.outcome.value == outcome


def test_the_last_use_counts_for_an_interval() -> None:
    two = """
    line | agents       | start      | end        | ended
    1    | capecitabine | 2023-02-01 | 2023-11-22 | completed
    2    | capecitabine | 2026-02-01 | 2026-10-22 | completed
    """
    tree = {"prior_therapy": {"agents": ["capecitabine"], "min_months_since": 12}}
    assert evaluate(predicate_from(tree), case_of(lines=history(two))).outcome.value == "not_met"


def test_a_class_covers_its_drugs() -> None:
    case = case_of(lines=history(THREE_LINES))
    taxane = {"prior_therapy": {"classes": ["taxane"], "outcome": "progression"}}
    vinca = {"prior_therapy": {"classes": ["vinca"], "outcome": "any"}}
    assert evaluate(predicate_from(taxane), case).outcome.value == "met"
    assert evaluate(predicate_from(vinca), case).outcome.value == "not_met"


def test_a_criterion_looks_at_the_component_it_binds() -> None:
    case = case_of(lines=history(THREE_LINES))
    tree = predicate_from({"component": {"outcome": "progression"}})
    assert evaluate(tree, case, frozenset((AgentId("docetaxel"),))).outcome.value == "met"
    assert evaluate(tree, case, frozenset((AgentId("tucatinib"),))).outcome.value == "not_met"


def test_a_component_is_found_in_a_set_of_drugs() -> None:
    case = case_of(patient(toxicities=(toxicity("hypersensitivity", 4, "docetaxel"),)))
    tree = predicate_from({"component_in_fact": "hypersensitivity_agents"})
    assert evaluate(tree, case, frozenset((AgentId("docetaxel"),))).outcome.value == "met"
    assert evaluate(tree, case, frozenset((AgentId("eribulin"),))).outcome.value == "not_met"
