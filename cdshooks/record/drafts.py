"""The draft orders of a call: unsigned orders are never history. Source: H-4 to H-9."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.decode import ResourceCollector
from cdshooks.ehr.resources import CodeableConcept, Held, Medication, MedicationRequest, Resources
from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.record.read import vocabulary_of


class DraftOrder(msgspec.Struct, frozen=True, kw_only=True):
    """One unsigned order: what it orders, whether the clinician has just selected it, and what it could not be read as."""

    ref: ResourceRef
    agents: tuple[AgentId, ...]
    is_selected: bool
    is_medication: bool
    is_cancer_treatment: bool
    owner: str | None
    is_unsupported: bool = False


def read_draft_orders(
    bundle: bytes, selections: tuple[str, ...], prefetched: Resources, knowledge: Knowledge, *, all_selected: bool
) -> tuple[DraftOrder, ...]:
    """The orders of a draft Bundle; Medication entries are looked up, they are no orders."""
    if not bundle:
        return ()
    collector = ResourceCollector()
    collector.add_json(bundle, query="draftOrders")
    drafts = collector.finish()
    names = vocabulary_of(knowledge).names
    found: list[DraftOrder] = []
    for held in drafts.of("MedicationRequest"):
        request = held.resource
        if isinstance(request, MedicationRequest) and not request.do_not_perform:
            agents = tuple(
                sorted(
                    {
                        agent
                        for it in _concepts(request, drafts, prefetched)
                        for agent in names.identify_concept(it).agents
                    }
                )
            )
            anticancer = tuple(agent for agent in agents if names.is_anticancer(agent))
            subject = request.subject or request.patient
            found.append(
                DraftOrder(
                    ref=held.ref,
                    agents=anticancer,
                    is_selected=all_selected or held.ref in selections,
                    is_medication=True,
                    is_cancer_treatment=bool(anticancer),
                    owner=subject.reference if subject is not None else None,
                )
            )
    found.extend(
        DraftOrder(
            ref=it.resource,
            agents=(),
            is_selected=all_selected or it.resource in selections,
            is_medication=True,
            is_cancer_treatment=False,
            owner=None,
            is_unsupported=True,
        )
        for it in drafts.unsupported
    )
    return tuple(found)


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
        held = _look_up(reference.reference, drafts, prefetched)
        medication = held.resource if held is not None and isinstance(held.resource, Medication) else None
        code, inside = (medication.code, medication.ingredient) if medication is not None else (None, ())
    concepts = [code] if code is not None else []
    concepts.extend(it.item_codeable_concept for it in inside if it.item_codeable_concept is not None)
    if not concepts and reference.display:
        concepts.append(CodeableConcept(text=reference.display))
    return tuple(concepts)


def _look_up(reference: str | None, drafts: Resources, prefetched: Resources) -> Held | None:
    for resources in (drafts, prefetched):
        found = resources.by_name.get(reference or "") or resources.by_name.get(
            "/".join((reference or "").rsplit("/", 2)[-2:])
        )
        if found is not None:
            return found
    return None
