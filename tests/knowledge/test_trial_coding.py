"""Each coded trial against its registry text: every place is covered, no sentence is the registry's, every pointer exists."""

from __future__ import annotations

import json
import os
import re
from functools import cache
from pathlib import Path

import pytest

from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.trial_text import names_of, places_of
from cdshooks.knowledge.trials import Trial

SHARED = Path(os.environ.get("CDSHOOKS_SHARED", Path(__file__).parents[3] / "shared")) / "trials"
RECORDS = SHARED / "ctgov"
needs_records = pytest.mark.skipif(not RECORDS.is_dir(), reason="the registry records are not here")
LONGEST_SHARED_RUN = 7


@cache
def trials() -> dict[str, Trial]:
    return dict(load_knowledge().trials.by_id)


def record(number: str) -> dict:
    return json.loads((RECORDS / f"{number}.json").read_text(encoding="utf-8"))["protocolSection"]


def criteria(trial: Trial):
    yield from trial.criteria
    for cohort in trial.cohorts:
        yield from cohort.criteria


@needs_records
@pytest.mark.parametrize("number", sorted(trials()))
def test_every_place_of_the_registry_text_is_covered_and_no_pointer_leads_nowhere(number):
    places = {it.name for it in places_of(record(number)["eligibilityModule"]["eligibilityCriteria"])}
    pointed = {name for it in criteria(trials()[number]) for pointer in it.at for name in names_of(pointer)}
    assert pointed <= places, f"no such place: {sorted(pointed - places)}"
    left = {it for it in places - pointed if not it.startswith("preamble")}
    assert not left, f"not covered: {sorted(left)}"


@needs_records
@pytest.mark.parametrize("number", sorted(trials()))
def test_age_and_sex_fields_of_the_record_are_coded(number):
    eligibility = record(number)["eligibilityModule"]
    ages = [it for it in criteria(trials()[number]) if it.__class__.__name__ == "Age"]
    least = int(eligibility["minimumAge"].split()[0])
    assert [it.min for it in ages] == [least]
    most = eligibility.get("maximumAge")
    assert [it.max for it in ages] == [int(most.split()[0]) if most else None]
    sexes = [it.within for it in criteria(trials()[number]) if it.__class__.__name__ == "Sex"]
    assert sexes == ([("female",)] if eligibility["sex"] == "FEMALE" else [])


@needs_records
@pytest.mark.parametrize("number", sorted(trials()))
def test_status_phase_and_sponsor_are_those_of_the_record(number):
    trial, section = trials()[number], record(number)
    assert trial.state.status == section["statusModule"]["overallStatus"]
    assert list(trial.phases) == (section.get("designModule", {}).get("phases") or [])
    assert trial.sponsor == section["sponsorCollaboratorsModule"]["leadSponsor"]["name"]


@needs_records
@pytest.mark.parametrize("number", sorted(trials()))
def test_no_sentence_of_ours_is_the_registrys(number):
    section = record(number)
    prose = " ".join(
        (
            section["eligibilityModule"]["eligibilityCriteria"],
            section.get("descriptionModule", {}).get("briefSummary") or "",
            section.get("descriptionModule", {}).get("detailedDescription") or "",
        )
    )
    theirs = runs(prose)
    trial = trials()[number]
    ours = [trial.tests, *(it.says for it in criteria(trial)), *(it.review_if_not_met or "" for it in criteria(trial))]
    assert not [it for it in ours if runs(it) & theirs]
    assert not any(it.text for it in criteria(trial))


def runs(text: str) -> set[tuple[str, ...]]:
    words = re.findall(r"[a-z0-9.%/+-]+", text.lower())
    length = LONGEST_SHARED_RUN + 1
    return {tuple(words[at : at + length]) for at in range(len(words) - length + 1)}


@needs_records
def test_the_trials_that_the_list_calls_verified_are_all_coded():
    rows = (SHARED / "her2-trials.csv").read_text(encoding="utf-8").splitlines()[1:]
    verified = {row.split(",")[0] for row in rows if ",verified," in row}
    assert verified <= set(trials())


@needs_records
def test_the_examples_load_as_a_hospitals_own_files(tmp_path):
    (tmp_path / "trials").symlink_to(SHARED / "structured-examples")
    known = load_knowledge(tmp_path).trials.by_id
    assert known["NCT06435429"].criteria[0].text.startswith("Is 18 years of age")


def test_what_counts_as_approved_in_the_united_states_is_what_the_licences_of_our_regimens_say():
    knowledge = load_knowledge()
    terms = knowledge.trials.terms.by_id
    kinds = set(terms["anti_her2"].classes)
    licensed = {
        dosed.agent
        for regimen in knowledge.regimens.values()
        if (status := regimen.jurisdictions.get("US")) is not None
        and status.status in {"licensed", "standard_practice"}
        for component in regimen.components
        for dosed in component.one_of
        if knowledge.drugs.class_of(dosed.agent) in kinds
    }
    assert licensed == set(terms["anti_her2_fda"].agents)
