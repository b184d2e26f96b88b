"""What the draft orders of a call order: unsigned orders are never history. Source: H-4 to H-10."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.draft_bundle import DraftBundle
from cdshooks.ehr.resources import CodeableConcept, Medication, MedicationRequest, Resources
from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.record.read import vocabulary_of

_WITHDRAWN = frozenset({"cancelled", "completed", "entered-in-error", "stopped"})
"""Re-signing may show orders that end a treatment; they are not about to be given. Source: H-10."""


class DraftOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One unsigned order: what it orders, whether the clinician has just selected it, and what it could not be read as."""

    ref: ResourceRef
    agents: tuple[AgentId, ...]
    is_selected: bool
    is_medication: bool
    is_cancer_treatment: bool
    is_unsupported: bool = False


def read_draft_orders(drafts: DraftBundle, prefetched: Resources, knowledge: Knowledge) -> tuple[DraftOrder, ...]:
    """The orders of a draft Bundle; Medication entries are looked up, they are no orders."""
    names = vocabulary_of(knowledge).names
    found: list[DraftOrder] = []
    for held in drafts.resources.each("MedicationRequest"):
        request = held.resource
        if not isinstance(request, MedicationRequest) or request.do_not_perform or request.status in _WITHDRAWN:
            continue
        concepts = _concepts(request, drafts.resources, prefetched)
        agents = sorted({agent for it in concepts for agent in names.identify_concept(it).agents})
        anticancer = tuple(agent for agent in agents if names.is_anticancer(agent))
        found.append(
            DraftOrder(
                ref=held.ref,
                agents=anticancer,
                is_selected=held.ref in drafts.selected,
                is_medication=True,
                is_cancer_treatment=bool(anticancer),
            )
        )
    found.extend(
        DraftOrder(
            ref=it.resource,
            agents=(),
            is_selected=it.resource in drafts.selected,
            is_medication=True,
            is_cancer_treatment=False,
            is_unsupported=True,
        )
        for it in drafts.resources.unsupported
    )
    return tuple(found)


def may_order_cancer_treatment(drafts: DraftBundle, prefetched: Resources, knowledge: Knowledge) -> bool:
    """Whether a selected order is one, or says of its drug only where it can be looked up."""
    if any(it.is_selected and it.is_cancer_treatment for it in read_draft_orders(drafts, prefetched, knowledge)):
        return True
    return any(
        held.ref in drafts.selected and _is_to_look_up(held.resource, drafts.resources, prefetched)
        for held in drafts.resources.each("MedicationRequest")
    )


def _is_to_look_up(order: object, drafts: Resources, prefetched: Resources) -> bool:
    if not isinstance(order, MedicationRequest) or order.medication_codeable_concept is not None:
        return False
    name = order.medication_reference.name if order.medication_reference is not None else ""
    is_inside = name.startswith("#")
    return bool(name) and not is_inside and not resolve(drafts, name) and not resolve(prefetched, name)


def _concepts(request: MedicationRequest, drafts: Resources, prefetched: Resources) -> tuple[CodeableConcept, ...]:
    if request.medication_codeable_concept is not None:
        return (request.medication_codeable_concept,)
    reference = request.medication_reference
    if reference is None:
        return ()
    if reference.reference and reference.reference.startswith("#"):
        contained = next((it for it in request.contained if it.id == reference.reference[1:]), None)
        code = contained.code if contained is not None else None
        inside = contained.ingredient if contained is not None else ()
    else:
        held = resolve(drafts, reference.name) or resolve(prefetched, reference.name)
        medication = held.resource if held is not None and isinstance(held.resource, Medication) else None
        code, inside = (medication.code, medication.ingredient) if medication is not None else (None, ())
    concepts = [code] if code is not None else []
    concepts.extend(it.item_codeable_concept for it in inside if it.item_codeable_concept is not None)
    if not concepts and reference.display:
        concepts.append(CodeableConcept(text=reference.display))
    return tuple(concepts)
