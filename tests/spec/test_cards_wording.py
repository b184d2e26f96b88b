"""What a clinician reads offers and never orders. Source: SAF-01."""

from __future__ import annotations

import re

import pytest

from cdshooks.cards import wording

SENTENCES = {
    f"{name}{'' if key is None else f'[{key}]'}": text
    for name, member in vars(wording).items()
    if name.isupper()
    for key, text in (member.items() if isinstance(member, dict) else ((None, member),))
    if isinstance(text, str)
}
ORDERS = re.compile(
    r"\b(must|should|shall|recommend(ed|s)?|preferred|give|start|switch|stop|avoid|prescribe|best)\b", re.IGNORECASE
)


@pytest.mark.parametrize("name", SENTENCES)
def test_no_sentence_gives_an_order(name):
    assert not ORDERS.search(re.sub(r"\{\w+\}", "", SENTENCES[name]))  # names in braces are not words


@pytest.mark.parametrize("text", ["You should stop the drug", "Recommended: tucatinib"])
def test_the_lint_finds_an_order(text):
    assert ORDERS.search(text)


def test_override_reasons_have_a_code_and_a_display():
    assert len({code for code, _ in wording.OVERRIDES}) == len(wording.OVERRIDES)
    assert all(code and display for code, display in wording.OVERRIDES)
