"""Each structured trial goes out as a FHIR R4 ResearchStudy that says what the registry says, and no more."""

from __future__ import annotations

import msgspec
import pytest
from fhir.resources.R4B.researchstudy import ResearchStudy

from cdshooks.cards.research_study import research_study
from cdshooks.knowledge.trial_registry import TrialSite
from tests.option_cases import shipped

TRIALS = shipped().trials.by_id


@pytest.mark.parametrize("number", sorted(TRIALS))
def test_every_trial_is_a_valid_study_with_its_number_and_all_criteria(number):
    content = research_study(TRIALS[number])
    study = ResearchStudy.model_validate(content)
    assert study.identifier[0].value == number
    trial = TRIALS[number]
    asked = len(trial.criteria) + sum(len(it.criteria) for it in trial.cohorts)
    assert len(content["contained"][0]["characteristic"]) == asked


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("RECRUITING", "active"),
        ("NOT_YET_RECRUITING", "approved"),
        ("ACTIVE_NOT_RECRUITING", "closed-to-accrual"),
        ("SUSPENDED", "temporarily-closed-to-accrual"),
        ("TERMINATED", "administratively-completed"),
        ("UNKNOWN", "in-review"),
    ],
)
def test_the_overall_status_decides_and_an_unknown_one_is_never_active(status, expected):
    trial = TRIALS["NCT06435429"]
    state = msgspec.structs.replace(trial.state, status=status)
    assert research_study(trial, state)["status"] == expected


def test_both_phases_and_the_loaded_sites_are_told():
    trial = TRIALS["NCT06686394"]
    site = TrialSite(name="Example Hospital", city="Boston", country="United States", latitude=42.4, longitude=-71.1)
    content = research_study(trial, msgspec.structs.replace(trial.state, sites=(site,)))
    assert content["phase"]["coding"][0]["code"] == "phase-1-phase-2"
    assert content["site"] == [{"reference": "#site-1"}]
    assert content["contained"][1]["position"] == {"latitude": 42.4, "longitude": -71.1}
