"""How each resource received calls itself, and what left no trace in the conclusions, so that nothing is silently missing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from cdshooks.ehr.resources import CodeableConcept, Held, Resources
from cdshooks.explain.own_words import day_of, is_measured, name_of, reason_of, says_of
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import PatientRecord

_LOOKED_UP = frozenset({"Patient", "Medication", "Specimen", "BodyStructure"})
"""Read only where another resource refers to them."""
_WITHDRAWN = frozenset({"entered-in-error", "cancelled", "not-done", "not-taken", "declined", "refuted"})


class Unused(msgspec.Struct, frozen=True, kw_only=True):
    """A resource from which nothing was concluded, with what it is called and says, and its status where it was withdrawn."""

    resource: ResourceRef
    what: str
    says: str
    is_measured: bool
    day: PartialDate | None
    withdrawn: str | None


class Received(msgspec.Struct, frozen=True, kw_only=True):
    """What a file held beside the conclusions."""

    unused: tuple[Unused, ...] = ()
    """Readable resources that no value of the record rests on."""
    unread: tuple[tuple[str, int], ...] = ()
    """Types that are not read here, and how many there were of each."""
    names: Mapping[ResourceRef, str] = {}
    """What the resources that conclusions rest on call themselves."""
    reasons: Mapping[ResourceRef, str] = {}
    """What drugs are for, where their record says it in words."""
    being_ordered: tuple[str, ...] = ()
    """The names of the orders being placed, which are no part of the record."""


NOTHING = Received()


def received(
    resources: Resources, record: PatientRecord, knowledge: Knowledge, drafts: tuple[Held, ...] = ()
) -> Received:
    """How each resource calls itself, and every readable one that no value of the record rests on, by type, name and reference."""
    used = set(_evidence(record))
    tests = knowledge.codes.tests
    unused: set[Unused] = set()
    names: dict[ResourceRef, str] = {}
    reasons: dict[ResourceRef, str] = {}
    for kind, of_type in resources.by_type.items():
        for held in of_type if kind not in _LOOKED_UP else ():
            if held.ref in used:
                names[held.ref] = name_of(held, tests)
                reasons[held.ref] = reason_of(held)
            else:
                unused.add(
                    Unused(
                        resource=held.ref,
                        what=name_of(held, tests),
                        says=says_of(held, tests),
                        is_measured=is_measured(held),
                        day=day_of(held),
                        withdrawn=_withdrawn(held),
                    )
                )
    return Received(
        unused=tuple(sorted(unused, key=lambda it: (it.resource.partition("/")[0], it.what, it.resource))),
        unread=resources.unread,
        names=names,
        reasons=reasons,
        being_ordered=tuple(name_of(it, tests) for it in drafts),
    )


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


def _withdrawn(held: Held) -> str | None:
    concept = getattr(held.resource, "verification_status", None)
    codes = [it.code for it in concept.coding] if isinstance(concept, CodeableConcept) else []
    if getattr(held.resource, "do_not_perform", None) is True:
        return "not to be performed"
    status = getattr(held.resource, "status", None)
    return next((it for it in (status, *codes) if it in _WITHDRAWN), None)
