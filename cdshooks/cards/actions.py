"""Draft orders as FHIR R4 resources, built and checked by the full models once per regimen. Source: R-22 to R-28, CARD-03."""

from __future__ import annotations

import copy
from functools import lru_cache
from typing import Any

from fhir.resources.R4B.medicationrequest import MedicationRequest
from fhir.resources.R4B.requestgroup import RequestGroup
from fhir.resources.R4B.servicerequest import ServiceRequest

from cdshooks.cards import wording
from cdshooks.cards.model import Action
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.regimens import DosedAgent, Regimen

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_SNOMED = "http://snomed.info/sct"
_REFERRAL = (("3457005", "Patient referral"), ("110465008", "Clinical trial"))
_TRIAL_REFERRAL = ("702475000", "Referral to clinical trial")


def draft_actions(
    regimen: Regimen,
    agents: tuple[AgentId, ...],
    codes: dict[AgentId, str | None],
    subject: str,
    encounter: str | None,
    *,
    is_single: bool,
) -> tuple[Action, ...]:
    """The draft orders of a regimen: one MedicationRequest for each drug, and a RequestGroup that holds several together.

    ``is_single``: the client takes one action in a suggestion, so only the first drug's order is drafted.
    """
    dosed = tuple(dose for component in regimen.components for dose in component.one_of if dose.agent in agents)
    chosen = tuple(
        next(it for it in dosed if it.agent == agent) for agent in agents if any(it.agent == agent for it in dosed)
    )
    if is_single:
        chosen = chosen[:1]
    actions = [
        Action(
            description=wording.ACTION.format(agent=it.agent, dose=it.dose.text, schedule=it.schedule.text),
            resource=_placed(
                _medication_request(regimen.id, it, codes.get(it.agent), "; ".join(regimen.monitoring)),
                subject,
                encounter,
            ),
        )
        for it in chosen
    ]
    if len(actions) > 1:
        group = _placed(_request_group(regimen.id, regimen.label, len(actions)), subject, encounter)
        actions.append(Action(description=wording.GROUP_ACTION.format(label=regimen.label), resource=group))
    return tuple(actions)


def trial_action(subject: str, encounter: str | None) -> Action:
    """A draft referral to the clinical trials office. Source: trials 2."""
    return Action(description=wording.TRIAL_ACTION, resource=_placed(_trial_referral(), subject, encounter))


def _placed(template: dict[str, Any], subject: str, encounter: str | None) -> dict[str, Any]:
    resource = copy.deepcopy(template)
    resource["subject"] = {"reference": f"Patient/{subject}"}
    if encounter:
        resource["encounter"] = {"reference": f"Encounter/{encounter}"}
    return resource


@lru_cache(maxsize=512)
def _medication_request(regimen_id: str, dosed: DosedAgent, rxnorm: str | None, monitoring: str) -> dict[str, Any]:
    concept: dict[str, Any] = {"text": str(dosed.agent)}
    if rxnorm:
        concept["coding"] = [{"system": _RXNORM, "code": rxnorm, "display": str(dosed.agent)}]
    dosage: dict[str, Any] = {"text": f"{dosed.dose.text}, {dosed.schedule.text}", "route": {"text": dosed.route}}
    if dosed.dose.amount is not None and dosed.dose.unit:
        dosage["doseAndRate"] = [{"doseQuantity": {"value": dosed.dose.amount, "unit": dosed.dose.unit}}]
    if dosed.schedule.cycle_days:
        repeat: dict[str, Any] = {"frequency": 1, "period": dosed.schedule.cycle_days, "periodUnit": "d"}
        if dosed.schedule.times_per_day:
            repeat = {"frequency": dosed.schedule.times_per_day, "period": 1, "periodUnit": "d"}
        dosage["timing"] = {"repeat": repeat, "code": {"text": dosed.schedule.text}}
    notes = [
        note
        for note in (dosed.note, f"Loading dose: {dosed.loading_dose.text}" if dosed.loading_dose else None, monitoring)
        if note
    ]
    content: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": f"draft-{regimen_id.replace('_', '-')}-{str(dosed.agent).replace(' ', '-')}"[:64],
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": concept,
        "subject": {"reference": "Patient/placeholder"},
        "dosageInstruction": [dosage],
    }
    if notes:
        content["note"] = [{"text": note} for note in notes]
    MedicationRequest.model_validate(content)
    return content


@lru_cache(maxsize=128)
def _request_group(regimen_id: str, label: str, drugs: int) -> dict[str, Any]:
    content: dict[str, Any] = {
        "resourceType": "RequestGroup",
        "id": f"draft-{regimen_id.replace('_', '-')}"[:64],
        "status": "draft",
        "intent": "proposal",
        "subject": {"reference": "Patient/placeholder"},
        "action": [{"title": f"{label} ({drugs} drugs, ordered together)"}],
    }
    RequestGroup.model_validate(content)
    return content


@lru_cache(maxsize=1)
def _trial_referral() -> dict[str, Any]:
    content: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": "draft-trial-referral",
        "status": "draft",
        "intent": "proposal",
        "category": [
            {"coding": [{"system": _SNOMED, "code": code, "display": display}]} for code, display in _REFERRAL
        ],
        "code": {
            "coding": [{"system": _SNOMED, "code": _TRIAL_REFERRAL[0], "display": _TRIAL_REFERRAL[1]}],
            "text": wording.TRIAL_LABEL,
        },
        "subject": {"reference": "Patient/placeholder"},
    }
    ServiceRequest.model_validate(content)
    return content
