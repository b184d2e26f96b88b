"""Whose a resource is: another patient's must never influence an answer. Source: PID-01, PID-02, PID-06."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from cdshooks.ehr.resources import Base, Held, Patient, Reference, ResearchSubject

Resolver = Callable[[str], Held | None]
"""Leads from a reference to a resource of the same call."""


class Owner(StrEnum):
    """Whose a resource is, as far as it says."""

    OURS = "ours"
    OTHER = "other"
    UNSAID = "unsaid"


class ContextPatient(msgspec.Struct, frozen=True, kw_only=True):
    """The patient of the call. ``fhir_server`` is the base under which an absolute reference may name her."""

    id: str
    fhir_server: str | None = None

    def owner_of(self, resource: Base, resolve: Resolver) -> Owner:
        """Whose a resource is; where two members name a patient, another one in either decides."""
        if isinstance(resource, Patient):
            return self._compare(resource.id)
        individual = resource.individual if isinstance(resource, ResearchSubject) else None
        return self.owner_by((resource.subject, resource.patient, individual), resolve)

    def owner_by(self, named: tuple[Reference | None, ...], resolve: Resolver) -> Owner:
        """Whose something is that names its patient by these references."""
        owners = {self._owner(it.reference, resolve) for it in named if it is not None and it.reference}
        return next((it for it in (Owner.OTHER, Owner.OURS) if it in owners), Owner.UNSAID)

    def _owner(self, reference: str, resolve: Resolver) -> Owner:
        target = resolve(reference)
        if target is not None and isinstance(target.resource, Patient):
            return self._compare(target.resource.id)
        base, kind, tail = reference.partition("/_history/")[0].rpartition("Patient/")
        if not kind or not tail or "/" in tail or (base and not base.endswith("/")):
            return Owner.UNSAID  # a Group, a device, a reference that leads nowhere
        if base and self.fhir_server is not None and _same_base(base) != _same_base(self.fhir_server):
            return Owner.OTHER  # the same id under another base is another patient
        return self._compare(tail)

    def _compare(self, patient_id: str | None) -> Owner:
        if not patient_id:
            return Owner.UNSAID
        return Owner.OURS if patient_id == self.id else Owner.OTHER


def _same_base(base: str) -> str:
    return base.rstrip("/").lower()
