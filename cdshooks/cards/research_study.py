"""A structured trial as a FHIR R4 ResearchStudy. Source: shared specs/trials 2 (identifier system, status mapping)."""

from __future__ import annotations

from typing import Any

from fhir.resources.R4B.researchstudy import ResearchStudy

from cdshooks.knowledge.trial_registry import REGISTRY_SYSTEM, TrialSite, TrialState
from cdshooks.knowledge.trials import Trial

_PHASE_SYSTEM = "http://terminology.hl7.org/CodeSystem/research-study-phase"
_STATUS = {
    "RECRUITING": "active",
    "ENROLLING_BY_INVITATION": "active",
    "NOT_YET_RECRUITING": "approved",
    "ACTIVE_NOT_RECRUITING": "closed-to-accrual",
    "SUSPENDED": "temporarily-closed-to-accrual",
    "TERMINATED": "administratively-completed",
    "COMPLETED": "completed",
    "WITHDRAWN": "withdrawn",
}
"""Registry status -> R4 status; one that the registry does not know is told as in review, never as active."""
_PHASE = {
    ("NA",): "n-a",
    ("EARLY_PHASE1",): "early-phase-1",
    ("PHASE1",): "phase-1",
    ("PHASE1", "PHASE2"): "phase-1-phase-2",
    ("PHASE2",): "phase-2",
    ("PHASE2", "PHASE3"): "phase-2-phase-3",
    ("PHASE3",): "phase-3",
    ("PHASE4",): "phase-4",
}


def research_study(trial: Trial, state: TrialState | None = None) -> dict[str, Any]:
    """The trial as a resource: facts in our own words, the criteria as a contained Group of characteristics in words.

    ``state`` is what an imported record says of status and sites; without it the trial's own file speaks.
    """
    now = state or trial.state
    sites = now.sites or ()
    content: dict[str, Any] = {
        "resourceType": "ResearchStudy",
        "id": trial.nct_id.lower(),
        "contained": [_group(trial), *(_location(number, site) for number, site in enumerate(sites, 1))],
        "identifier": [{"system": REGISTRY_SYSTEM, "value": trial.nct_id}],
        "title": trial.title,
        "status": _STATUS.get(now.status, "in-review"),
        "relatedArtifact": [{"type": "documentation", "label": "Registry page", "url": trial.url}],
        "enrollment": [{"reference": "#criteria"}],
        "note": [{"text": f"Registry status {now.status} as of {now.status_date}."}],
    }
    phase = _PHASE.get(trial.phases)
    if phase is not None:
        content["phase"] = {"coding": [{"system": _PHASE_SYSTEM, "code": phase}]}
    if trial.tests:
        content["description"] = f"It tests {trial.tests}."
    if trial.sponsor:
        content["sponsor"] = {"display": trial.sponsor}
    if trial.drugs:
        content["focus"] = [{"text": it} for it in trial.drugs]
    if trial.countries:
        content["location"] = [{"text": it} for it in trial.countries]
    if sites:
        content["site"] = [{"reference": f"#site-{number}"} for number in range(1, len(sites) + 1)]
    if trial.cohorts:
        content["arm"] = [{"name": it.label} for it in trial.cohorts]
    ResearchStudy.model_validate(content)
    return content


def _group(trial: Trial) -> dict[str, Any]:
    """The criteria as characteristics that must hold, each in our own sentence."""
    scoped = [("", it) for it in trial.criteria]
    scoped += [(f"{cohort.id}:", it) for cohort in trial.cohorts for it in cohort.criteria]
    return {
        "resourceType": "Group",
        "id": "criteria",
        "type": "person",
        "actual": False,
        "characteristic": [
            {"code": {"text": f"{prefix}{it.id}"}, "valueCodeableConcept": {"text": it.sentence}, "exclude": False}
            for prefix, it in scoped
        ],
    }


def _location(number: int, site: TrialSite) -> dict[str, Any]:
    address = {"city": site.city, "country": site.country, **({"state": site.state} if site.state else {})}
    location: dict[str, Any] = {
        "resourceType": "Location",
        "id": f"site-{number}",
        "name": site.name,
        "address": address,
    }
    if site.latitude is not None and site.longitude is not None:
        location["position"] = {"latitude": site.latitude, "longitude": site.longitude}
    return location
