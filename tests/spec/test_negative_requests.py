"""No card where none is deserved. Source: ALT-01."""

from __future__ import annotations

import json
from collections import Counter

import pytest

from tests.negative_requests import MANY, at_the_fourth_line, cards_of, negative_requests

AT_ONCE = 200


@pytest.mark.parametrize("first", range(0, MANY, AT_ONCE))
def test_alt_01_no_card_for_a_request_that_deserves_none(first):
    some = negative_requests(first, AT_ONCE)
    spoken = [(kind, request["context"]["patientId"]) for kind, request in some if cards_of(request)]
    assert spoken == []


def test_there_are_at_least_2000_of_five_kinds():
    kinds = Counter(kind for kind, _ in negative_requests())
    assert kinds.total() >= 2000
    assert len(kinds) == 5


def test_the_same_patients_one_line_later_get_their_card():
    assert [it["context"]["patientId"] for it in at_the_fourth_line(40) if not cards_of(it)] == []


def test_a_patient_treated_as_her2_positive_without_a_result_is_not_met_with_silence_but_with_the_question():
    """What is unknown is asked for; her HER2-directed drugs show that a result must exist."""
    answers = []
    for request in at_the_fourth_line(20):
        observations = request["prefetch"]["observations"]
        observations["entry"] = [it for it in observations["entry"] if "48676-1" not in json.dumps(it)]
        observations["total"] = len(observations["entry"])
        answers.append("\n".join(it.detail or "" for it in cards_of(request)))
    assert [it for it in answers if "HER2 unknown" not in it or "Biopsy of an accessible lesion" not in it] == []
