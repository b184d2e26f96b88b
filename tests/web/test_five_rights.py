"""The right information for the right person in the right form, channel and moment. Source: SAF-13."""

from __future__ import annotations

import json

import pytest

from cdshooks.hooks.clients import PRESCRIBERS, is_for
from cdshooks.hooks.services import SERVICES, discovery
from tests.golden.test_stories import STORIES, answer
from tests.option_cases import shipped

CITED = " ["


@pytest.mark.parametrize(
    ("users", "user", "is_shown"),
    [
        (PRESCRIBERS, "Practitioner/a", True),
        (PRESCRIBERS, "PractitionerRole/a", True),
        (PRESCRIBERS, "https://ehr.example.org/fhir/Practitioner/a", True),
        (PRESCRIBERS, "Patient/a", False),
        (PRESCRIBERS, "RelatedPerson/a", False),
        (PRESCRIBERS, "https://ehr.example.org/Practitioner/Patient/a", False),
        (PRESCRIBERS, "Practitioner", False),
        (PRESCRIBERS, None, False),
        (("PractitionerRole",), "Practitioner/a", False),
        (("PractitionerRole/oncology",), "PractitionerRole/oncology", True),
        (("PractitionerRole/oncology",), "PractitionerRole/ward", False),
    ],
)
def test_saf_13_the_right_person(users, user, is_shown):
    assert is_for(users, user) is is_shown


@pytest.mark.parametrize("user", ["Patient/the-patient", "RelatedPerson/a-daughter"])
def test_saf_13_a_patient_or_a_relative_is_refused_in_words_and_never_answered_with_silence(fire, story_request, user):
    story_request["context"]["userId"] = user
    refused = fire(story_request)
    assert refused.status_code == 400
    (issue,) = refused.get_json(force=True)["issue"]
    assert issue["expression"] == ["$.context.userId"]
    assert user not in json.dumps(issue)


@pytest.mark.parametrize("story", STORIES, ids=lambda it: it.folder.name)
def test_saf_13_the_right_form_and_information_in_every_story(story):
    for card in answer(story)["cards"]:
        assert card["indicator"] in {"info", "warning"}  # never a dialogue that has to be closed first
        assert "systemActions" not in card
        assert f"Knowledge {shipped().manifest.version}, reviewed" in card["detail"]  # dated: edition and day of review
        if card["source"]["topic"]["code"].endswith("-options"):
            assert CITED in card["detail"]


def test_saf_13_the_right_channel_and_time():
    """Beside the order in the EHR, and at the opening of the chart; nothing is sent anywhere by itself."""
    assert {it.hook for it in SERVICES} == {"order-select", "order-sign", "patient-view"}
    assert {it["hook"] for it in discovery()["services"]} == {it.hook for it in SERVICES}
