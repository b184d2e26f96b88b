"""ER and PR in percent: what lies below the limit is negative in every way of writing it, and a score is no share.

Source: terminology 10.4; ASCO/CAP 2020 (below 1 % negative, from 1 % positive).
"""

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record
from tests.fhir import observation, resources_of

KNOWLEDGE = load_knowledge()
ER, PR_PERCENT = "16112-5", "85325-9"


def told(*resources):
    record = read_patient_record(resources_of(*resources), KNOWLEDGE)
    read = [f"{it.status}, {it.detail}" for it in record.receptors]
    return read or [f"unread {it.about}" for it in record.doubts if it.code == "found-in-text"]


def pathology(text):
    name = {"text": "Surgical pathology report"}
    made = {"resourceType": "DiagnosticReport", "id": "r", "status": "final", "code": name, "conclusion": text}
    return {**made, "effectiveDateTime": "2024-06-01"}


@pytest.mark.parametrize(
    ("share", "expected"),
    [
        ("<1 %", "negative, <1 %"),
        ("less than 1 %", "negative, <1 %"),
        ("unter 1 %", "negative, <1 %"),
        ("weniger als 1 Prozent", "negative, <1 %"),
        ("moins de 1 %", "negative, <1 %"),
        ("menos de 1 %", "negative, <1 %"),
        ("menos del 1 %", "negative, <1 %"),
        ("meno dell'1 %", "negative, <1 %"),
        ("inferiore all\u20191 %", "negative, <1 %"),
        ("0,5 %", "negative, 0.5 %"),
        ("0.5 %", "negative, 0.5 %"),
        ("1 %", "positive, 1 %, low positive"),
        ("1-10 %", "positive, 10 %, low positive"),
        ("más de 90 %", "positive, 90 %"),
    ],
)
def test_a_share_of_cells_in_words(share, expected):
    assert told(pathology(f"ER {share}")) == [expected]
    assert told(observation(ER, valueString=share)) == [expected]
    as_pr = expected.removesuffix(", low positive")
    assert told(observation(PR_PERCENT, valueString=share)) == [as_pr]


@pytest.mark.parametrize("share", ["0-1 %", "\u22641 %", "<= 1 %"])
def test_a_share_on_both_sides_of_the_limit_is_not_read(share):
    assert told(observation(ER, valueString=share)) == ["unread er"]
    assert told(observation(PR_PERCENT, valueString=share)) == ["unread pr"]


@pytest.mark.parametrize("score", ["Allred 7", "Allred 2/8", "IRS 12", "H-score 180", "7/8", "3+", "score 8 of 8"])
def test_a_score_in_words_is_no_share(score):
    assert told(observation(ER, valueString=score)) == ["unread er"]
    assert told(observation(PR_PERCENT, valueString=score)) == ["unread pr"]


def test_the_word_beside_a_score_counts():
    assert told(observation(PR_PERCENT, valueString="IRS 1 negative")) == ["negative, as reported"]


@pytest.mark.parametrize(
    ("code", "number", "unit", "expected"),
    [
        (ER, 90, "%", "positive, 90 %"),
        (ER, 90, "% of cells", "positive, 90 %"),
        (ER, 2, "{score}", "unread er"),  # Allred 2 is negative, 2 % is positive
        (ER, 2, None, "unread er"),
        (ER, 0.9, "1", "unread er"),  # 90 % or 0.9 %
        (PR_PERCENT, 90, None, "positive, 90 %"),  # the code itself says percent
        (PR_PERCENT, 180, "{score}", "unread pr"),
    ],
)
def test_a_number_is_a_share_only_in_percent(code, number, unit, expected):
    quantity = {"value": number, **({"unit": unit} if unit else {})}
    assert told(observation(code, valueQuantity=quantity)) == [expected]
