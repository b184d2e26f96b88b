"""Ten thousand requests that deserve no card. Source: ALT-01."""

from collections import Counter

import pytest

from tests.negative_requests import cards_of, negative_requests

pytestmark = pytest.mark.drill
ALL = 10_000


def test_alt_01_none_of_ten_thousand_requests_that_deserve_no_card_gets_one(tell):
    """The ordinary tests ask 2,400 of them; here is the number that the requirement names."""
    asked: Counter[str] = Counter()
    spoken = []
    for kind, request in negative_requests(many=ALL):
        asked[kind] += 1
        if cards_of(request):
            spoken.append((kind, request["context"]["patientId"]))
    tell("requests that deserve no card", asked=asked.total(), kinds=len(asked), cards=len(spoken))
    assert asked.total() == ALL
    assert spoken == []
