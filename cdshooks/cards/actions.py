"""Draft orders as FHIR R4 resources, built and checked by the full models once per regimen. Source: R-22 to R-28, CARD-03."""

from __future__ import annotations

import copy
from collections.abc import Iterable, Iterator
from functools import lru_cache
from itertools import product
from typing import Any

from cdshooks.cards import wording
from cdshooks.cards.detail import note_of_dose
from cdshooks.cards.dosage import dosage_of, dosage_text
from cdshooks.cards.model import Action
from cdshooks.ehr.proved import prove
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.orderable import OrderableTest
from cdshooks.knowledge.regimens import DosedAgent, Regimen
from cdshooks.knowledge.trial_registry import REGISTRY_SYSTEM, TrialState
from cdshooks.options.model import Option, TrialMatch

_RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
_SNOMED = "http://snomed.info/sct"
_REFERRAL = (("3457005", "Patient referral"), ("110465008", "Clinical trial"))
_TRIAL_REFERRAL = ("702475000", "Referral to clinical trial")
_PLACEHOLDER = {"reference": "Patient/placeholder"}


def draft_actions(option: Option, knowledge: Knowledge, subject: str, encounter: str | None) -> tuple[Action, ...]:
    """The draft orders of an option: one MedicationRequest for each drug, and a RequestGroup that holds several together."""
    regimen = knowledge.regimens[option.id]
    by_agent = {dosed.agent: dosed for component in regimen.components for dosed in component.one_of}
    chosen = [by_agent[agent] for agent in option.agents if agent in by_agent]
    actions = [
        Action(
            description=wording.ACTION.format(agent=it.agent, dosage=dosage_text(it, is_open=is_open)),
            resource=_placed(
                _drug_order(regimen, it, knowledge, is_open=is_open), subject, encounter, _notes(option, it, knowledge)
            ),
        )
        for it in chosen
        for is_open in (it.agent in option.open_doses,)
    ]
    if len(actions) > 1:
        group = _placed(_group_of(regimen, chosen), subject, encounter)
        actions.append(Action(description=wording.GROUP_ACTION.format(label=regimen.label), resource=group))
    return tuple(actions)


def trial_action(subject: str, encounter: str | None) -> Action:
    """A draft referral to the clinical trials office. Source: trials 2."""
    return Action(description=wording.TRIAL_ACTION, resource=_placed(_trial_referral(), subject, encounter))


def refer_action(
    match: TrialMatch, state: TrialState, reason: str | None, subject: str, encounter: str | None
) -> Action:
    """A draft referral for one trial; its number stands in the text as well, for profiles that drop details. Source: trials 2."""
    draft = _placed(_referral_for(match.nct_id), subject, encounter)
    told = wording.TRIAL_DATA_OF.format(nct_id=match.nct_id, date=state.status_date)
    draft["supportingInfo"] = [{**it, "display": told} for it in draft["supportingInfo"]]
    if reason is not None:
        draft["reasonReference"] = [{"reference": reason}]
    count = len(match.missing) + len(match.failing)
    still = wording.TRIAL_STILL_OPEN.format(count=f"{count} point{'s' if count != 1 else ''}") if count else ""
    text = wording.TRIAL_REFERRAL_ACTION.format(nct_id=match.nct_id, title=match.title, missing=still)
    return Action(description=text.strip(), resource=draft)


def request_action(test: OrderableTest, subject: str, encounter: str | None) -> Action:
    """A draft request of a test that fills a gap."""
    return Action(
        description=wording.TEST_ACTION.format(text=test.text),
        resource=_placed(_test_request(test), subject, encounter),
    )


def prepare_drafts(knowledge: Knowledge) -> tuple[dict[str, Any], ...]:
    """Every draft that an answer may hold, built and checked once, so that no call waits for the full models."""
    return (*_drafts_of_regimens(knowledge), *_drafts_of_requests(knowledge))


def _drafts_of_regimens(knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    for regimen in knowledge.regimens.values():
        for dosed in (it for component in regimen.components for it in component.one_of):
            for is_open in (False, True):
                yield _drug_order(regimen, dosed, knowledge, is_open=is_open)
        choices = ((*it.one_of, None) if it.optional else it.one_of for it in regimen.components)
        for choice in product(*choices):
            chosen = [it for it in choice if it is not None]
            if len(chosen) > 1:
                yield _group_of(regimen, chosen)


def _drafts_of_requests(knowledge: Knowledge) -> Iterator[dict[str, Any]]:
    yield from map(_test_request, knowledge.tests)
    yield _trial_referral()
    yield from map(_referral_for, knowledge.trials.by_id)


def _notes(option: Option, dosed: DosedAgent, knowledge: Knowledge) -> list[str]:
    """The dose notes of this patient about a drug; they stand before what is always said of it."""
    return [note_of_dose(note, knowledge) for agent, note in option.notes_of if agent == dosed.agent]


def _placed(
    template: dict[str, Any], subject: str, encounter: str | None, notes: list[str] | None = None
) -> dict[str, Any]:
    """The template for one patient; what lies deeper is shared and never changed."""
    resource = {**template, "subject": {"reference": f"Patient/{subject}"}}
    if encounter:
        resource["encounter"] = {"reference": f"Encounter/{encounter}"}
    if notes:
        resource["note"] = [*({"text": it} for it in notes), *template.get("note", [])]
    return resource


def _drug_order(regimen: Regimen, dosed: DosedAgent, knowledge: Knowledge, *, is_open: bool) -> dict[str, Any]:
    drug = knowledge.drugs.by_agent.get(dosed.agent)
    rxnorm = drug.rxnorm if drug is not None else None
    return _medication_request(regimen.id, dosed, rxnorm, regimen.monitoring, is_open=is_open)


@lru_cache(maxsize=1024)
def _medication_request(
    regimen_id: str, dosed: DosedAgent, rxnorm: str | None, monitoring: tuple[str, ...], *, is_open: bool
) -> dict[str, Any]:
    concept: dict[str, Any] = {"text": str(dosed.agent)}
    if rxnorm:
        concept["coding"] = [{"system": _RXNORM, "code": rxnorm, "display": str(dosed.agent)}]
    loading = dosed.loading_dose
    notes = [
        note
        for note in (
            wording.LOADING.format(dose=loading.text) if loading is not None and dosed.verified else None,
            dosed.note,
            wording.MONITORING.format(items="; ".join(monitoring)) if monitoring else None,
        )
        if note
    ]
    content: dict[str, Any] = {
        "resourceType": "MedicationRequest",
        "id": _draft_id(regimen_id, dosed.agent),
        "status": "draft",
        "intent": "proposal",
        "medicationCodeableConcept": concept,
        "subject": _PLACEHOLDER,
        "dosageInstruction": [dosage_of(dosed, is_open=is_open)],
    }
    if notes:
        content["note"] = [{"text": note} for note in notes]
    return prove(content)


def _draft_id(regimen_id: str, agent: AgentId) -> str:
    return f"draft-{regimen_id.replace('_', '-')}-{str(agent).replace(' ', '-')}"[:64]


def _group_of(regimen: Regimen, chosen: Iterable[DosedAgent]) -> dict[str, Any]:
    return _request_group(regimen.id, regimen.label, tuple(_draft_id(regimen.id, it.agent) for it in chosen))


@lru_cache(maxsize=1024)
def _request_group(regimen_id: str, label: str, orders: tuple[str, ...]) -> dict[str, Any]:
    content: dict[str, Any] = {
        "resourceType": "RequestGroup",
        "id": f"draft-{regimen_id.replace('_', '-')}"[:64],
        "status": "draft",
        "intent": "proposal",
        "subject": _PLACEHOLDER,
        "action": [
            {
                "title": label,
                "groupingBehavior": "logical-group",
                "selectionBehavior": "all",
                "action": [{"resource": {"reference": f"MedicationRequest/{order}"}} for order in orders],
            }
        ],
    }
    return prove(content)


@lru_cache(maxsize=64)
def _test_request(test: OrderableTest) -> dict[str, Any]:
    code: dict[str, Any] = {"text": test.text}
    if test.code is not None:
        code["coding"] = [{"system": test.code.system, "code": test.code.code, "display": test.code.display}]
    content: dict[str, Any] = {
        "resourceType": "ServiceRequest",
        "id": f"draft-{test.id}"[:64],
        "status": "draft",
        "intent": "proposal",
        "code": code,
        "subject": _PLACEHOLDER,
    }
    return prove(content)


@lru_cache(maxsize=2_048)
def _referral_for(nct_id: str) -> dict[str, Any]:
    content = copy.deepcopy(_trial_referral())
    content["id"] = f"draft-referral-{nct_id.lower()}"
    content["priority"] = "routine"
    content["code"]["text"] = wording.TRIAL_REFERRAL.format(nct_id=nct_id)
    content["supportingInfo"] = [
        {
            "type": "ResearchStudy",
            "identifier": {"system": REGISTRY_SYSTEM, "value": nct_id},
            "display": nct_id,
        }
    ]
    return prove(content)


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
        "subject": _PLACEHOLDER,
    }
    return prove(content)
