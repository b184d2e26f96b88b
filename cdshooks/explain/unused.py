"""What was received and left no trace in the conclusions, so that nothing is silently missing."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec

from cdshooks.ehr.resources import CodeableConcept, Held, Resources
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.record.model import PatientRecord

_LOOKED_UP = frozenset({"Patient", "Medication", "Specimen", "BodyStructure"})
"""Read only where another resource refers to them."""
_WITHDRAWN = frozenset({"entered-in-error", "cancelled", "not-done", "not-taken", "declined", "refuted"})
_LONGEST_NAME = 60


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """A resource from which nothing was concluded: its reference, what it is called, and its status where it was withdrawn."""

    resource: ResourceRef
    what: str
    withdrawn: str | None


def unused_resources(resources: Resources, record: PatientRecord) -> tuple[Unused, ...]:
    """Every readable resource that no value of the record rests on, sorted by type, name and reference."""
    used = set(_evidence(record))
    found = [
        Unused(resource=held.ref, what=_name(held), withdrawn=_withdrawn(held))
        for kind, of_type in resources.by_type.items()
        if kind not in _LOOKED_UP
        for held in of_type
        if held.ref not in used
    ]
    return tuple(sorted(set(found), key=lambda it: (it.resource.partition("/")[0], it.what, it.resource)))


def _evidence(value: Any) -> Iterator[ResourceRef]:
    if isinstance(value, tuple):
        for it in value:
            yield from _evidence(it)
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            member = getattr(value, name)
            if name == "evidence":
                yield from member
            elif name == "resource":
                yield member
            else:
                yield from _evidence(member)


def _name(held: Held) -> str:
    concept = getattr(held.resource, "code", None) or getattr(held.resource, "medication_codeable_concept", None)
    concept = concept or getattr(held.resource, "event", None) or _referred_medication(held)
    if not isinstance(concept, CodeableConcept):
        return "without a code"
    names = [concept.text, *(it.display for it in concept.coding)]
    codes = (f"code {it.code}" for it in concept.coding if it.code)
    return " ".join((next((it for it in names if it), None) or next(codes, "without a code")).split())[:_LONGEST_NAME]


def _referred_medication(held: Held) -> CodeableConcept | None:
    """What the Medication inside the resource says, or else the words beside the reference to one."""
    contained = getattr(held.resource, "contained", ())
    named = next((it.code for it in contained if it.code is not None), None)
    reference = getattr(held.resource, "medication_reference", None)
    if named is None and reference is not None and reference.display:
        return CodeableConcept(text=reference.display)
    return named


def _withdrawn(held: Held) -> str | None:
    concept = getattr(held.resource, "verification_status", None)
    codes = [it.code for it in concept.coding] if isinstance(concept, CodeableConcept) else []
    if getattr(held.resource, "do_not_perform", None) is True:
        return "not to be performed"
    status = getattr(held.resource, "status", None)
    return next((it for it in (status, *codes) if it in _WITHDRAWN), None)
