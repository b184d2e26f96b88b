"""An invalid card cannot be built. Source: R-1 to R-36, CARD-01."""

from __future__ import annotations

import pytest

from cdshooks.cards.client_shape import as_sent
from cdshooks.cards.model import Action, Card, Coding, Indicator, Source, Suggestion
from tests.option_cases import shipped

SOURCE = Source(label="cdshooks", topic=Coding(code="topic", system="urn:test", display="A topic"))
ACTION = Action(description="Draft order", resource={"resourceType": "MedicationRequest"})
SUGGESTION = Suggestion(label="Draft", uuid="2", option="a", actions=(ACTION,))


def card(**changes):
    members = {
        "uuid": "1",
        "summary": "Options to consider",
        "indicator": Indicator.INFO,
        "detail": "Detail",
        "source": SOURCE,
        "fingerprint": "f",
    }
    return Card(**{**members, **changes})


@pytest.mark.parametrize(
    "summary",
    ["a", "a" * 139, "\N{MICROSCOPE}" * 69],
)
def test_a_summary_of_up_to_139_units_is_taken(summary):
    assert card(summary=summary).as_json()["summary"] == summary


@pytest.mark.parametrize(
    "summary",
    ["", "a" * 140, "\N{MICROSCOPE}" * 70, "two\nlines"],
)
def test_a_summary_that_a_client_may_refuse_is_not_built(summary):
    with pytest.raises(ValueError, match="summary"):
        card(summary=summary)


@pytest.mark.parametrize("changes", [{"uuid": ""}, {"detail": ""}, {"fingerprint": ""}])
def test_a_card_without_its_members_is_not_built(changes):
    with pytest.raises(ValueError, match="card needs"):
        card(**changes)


@pytest.mark.parametrize("changes", [{"label": ""}, {"uuid": ""}, {"actions": ()}])
def test_a_suggestion_without_its_members_is_not_built(changes):
    with pytest.raises(ValueError, match="suggestion needs"):
        Suggestion(**{"label": "Draft", "uuid": "2", "option": "a", "actions": (ACTION,), **changes})


def test_only_an_overlay_makes_a_card_critical():
    assert {it.value for it in Indicator} == {"info", "warning", "critical"}
    assert shipped().presentation.critical_for == frozenset()


def test_selection_behaviour_stands_with_suggestions_only():
    profile = shipped().profiles["standard"]
    assert "selectionBehavior" not in as_sent(card(), profile)
    assert as_sent(card(suggestions=(SUGGESTION,)), profile)["selectionBehavior"] == "at-most-one"


def test_members_without_a_value_are_absent_not_null():
    assert set(card().as_json()) == {"uuid", "summary", "indicator", "detail", "source"}


def test_an_action_creates_and_says_what():
    sent = card(suggestions=(SUGGESTION,)).as_json()["suggestions"][0]["actions"][0]
    assert sent["type"] == "create"
    assert sent["description"]
