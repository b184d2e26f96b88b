"""Whose a resource is: another patient's must never influence an answer. Source: PID-01, PID-02, PID-06."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

import msgspec

from cdshooks.ehr.resources import Base, Held, Patient, PatientReference, Reference, ResearchSubject

Resolver = Callable[[str], Held | None]
"""Leads from a reference to a resource of the same call."""

_NAMED_OTHERWISE = frozenset({"Patient", "ResearchSubject"})
"""Types whose patient is not, or not only, their ``subject``."""


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

    def owner_by(self, named: tuple[PatientReference | Reference | None, ...], resolve: Resolver) -> Owner:
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


class OwnerReader:
    """Tells whose many resources are; nearly all name the patient by the same words, which are judged once."""

    def __init__(self, patient: ContextPatient, resolve: Resolver) -> None:
        self._patient = patient
        self._resolve = resolve
        self._by_reference: dict[str, Owner] = {}

    def are_all_ours(self, kind: str, held: tuple[Held, ...]) -> bool:
        """Whether all resources of one type are plainly the patient's; False when each must be looked at by itself."""
        if kind in _NAMED_OTHERWISE:
            return False
        named = {
            it.resource.subject.reference if it.resource.patient is None and it.resource.subject is not None else None
            for it in held
        }
        return all(it is not None and self._owner(it) is Owner.OURS for it in named)

    def _owner(self, reference: str) -> Owner:
        found = self._by_reference.get(reference)
        if found is None:
            named = (PatientReference(reference=reference),)
            found = self._by_reference[reference] = self._patient.owner_by(named, self._resolve)
        return found


def _same_base(base: str) -> str:
    return base.rstrip("/").lower()
