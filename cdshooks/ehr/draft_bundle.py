"""The draft orders of a call and which of them the clinician has just selected. Source: H-4 to H-10, PID-06."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.decode import ResourceCollector, resolve
from cdshooks.ehr.patient_identity import ContextPatient, Owner
from cdshooks.ehr.resources import Held, Reference, Resources
from cdshooks.errors import BadHookRequestError, OtherPatientError
from cdshooks.hooks.request import HookRequest
from cdshooks.knowledge.ids import ResourceRef

_PATH = "$.context.draftOrders"


class DraftBundle(msgspec.Struct, frozen=True, kw_only=True):
    """All unsigned orders of the session, and the names of those that this call is about."""

    resources: Resources
    selected: frozenset[ResourceRef]


class _Action(msgspec.Struct):
    resource: Reference | None = None
    action: tuple[_Action, ...] = ()


class _Draft(msgspec.Struct, rename="camel"):
    """Any order, read only for whose it is, how it is called and what it groups."""

    resource_type: str
    id: str | None = None
    subject: Reference | None = None
    patient: Reference | None = None
    action: tuple[_Action, ...] = ()


class _Entry(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()


class _Bundle(msgspec.Struct):
    entry: tuple[_Entry | None, ...] | None = None


_bundle = msgspec.json.Decoder(_Bundle)
_draft = msgspec.json.Decoder(_Draft)


def read_draft_bundle(request: HookRequest, prefetched: Resources) -> DraftBundle:
    """Decode the drafts. With order-sign every order is selected; a selected RequestGroup selects what it groups.

    An order that names no patient counts as the context patient's, for it is unsigned work of this very session.

    Raises:
        OtherPatientError: An order belongs to another patient.
        BadHookRequestError: A selected order cannot be read, so nothing true could be said about it.
    """
    if not request.draft_orders:
        return DraftBundle(resources=Resources(by_type={}, by_name={}), selected=frozenset())
    collector = ResourceCollector(prefetched.deadline)
    collector.add_json(request.draft_orders, query="draftOrders")
    found = collector.finish()
    drafts = _read_drafts(request.draft_orders)
    _check_owner(drafts, found, prefetched, ContextPatient(id=request.patient_id, fhir_server=request.fhir_server))
    if request.service.hook == "order-sign":
        everything = (
            *(it.ref for held in found.by_type.values() for it in held),
            *(it.resource for it in found.unsupported),
        )
        selected = frozenset((*everything, *(it.resource for it in found.unreadable)))
    else:
        selected = frozenset(_selected(request.selections, drafts, found))
    if any(it.resource in selected and it.resource.startswith("MedicationRequest") for it in found.unreadable):
        raise BadHookRequestError(_PATH, "a selected order cannot be read as a FHIR R4 resource")
    return DraftBundle(resources=found, selected=selected)


def _read_drafts(bundle: bytes) -> dict[str, _Draft]:
    drafts: dict[str, _Draft] = {}
    for number, entry in enumerate(_bundle.decode(bundle).entry or ()):
        if entry is None or not bytes(entry.resource):
            continue
        try:
            draft = _draft.decode(entry.resource)
        except msgspec.MsgspecError:
            continue  # the collector lists it as unreadable
        drafts[f"{draft.resource_type}/{draft.id or f'#{number}'}"] = draft
    return drafts


def _check_owner(drafts: dict[str, _Draft], found: Resources, prefetched: Resources, patient: ContextPatient) -> None:
    def look_up(reference: str) -> Held | None:
        return found.by_name.get(reference) or prefetched.by_name.get(reference)

    for draft in drafts.values():
        if patient.owner_by((draft.subject, draft.patient), look_up) is Owner.OTHER:
            raise OtherPatientError(_PATH, "a draft order belongs to another patient than context.patientId")
    if any(patient.owner_of(it.resource, look_up) is Owner.OTHER for it in found.of("Patient")):
        raise OtherPatientError(_PATH, "a Patient is another one than context.patientId")


def _selected(selections: tuple[str, ...], drafts: dict[str, _Draft], found: Resources) -> set[ResourceRef]:
    """What the selections name; those that name nothing in the Bundle select nothing."""
    chosen: set[ResourceRef] = set()
    waiting = list(selections)
    while waiting:
        reference = waiting.pop()
        held = resolve(found, reference)
        name = (
            held.ref
            if held is not None
            else ResourceRef("/".join(reference.partition("/_history/")[0].rsplit("/", 2)[-2:]))
        )
        if name in chosen:
            continue
        chosen.add(name)
        if (draft := drafts.get(name)) is not None:
            waiting.extend(_grouped(draft.action))
    return chosen


def _grouped(actions: tuple[_Action, ...]) -> list[str]:
    inside = [reference for it in actions for reference in _grouped(it.action)]
    return [*(it.resource.reference for it in actions if it.resource is not None and it.resource.reference), *inside]
