"""Everything that one call may use: what was prefetched, checked to belong to the patient. Source: section 3.2, PID-01, PID-04."""

from __future__ import annotations

from cdshooks.ehr.decode import ResourceCollector, resolve
from cdshooks.ehr.model import Unreadable
from cdshooks.ehr.resources import Base, Held, Medication, Patient, Resources, Specimen
from cdshooks.errors import MissingPatientDataError, OtherPatientError
from cdshooks.hooks.request import HookRequest
from cdshooks.hooks.services import PREFETCH, REQUIRED, REQUIRED_ONE_OF

_SHARED = (Medication, Specimen)
"""Resources that may come without a subject: they are looked up, never evidence by themselves."""


def gather_resources(request: HookRequest) -> Resources:
    """Decode the prefetched resources of the context patient.

    A key that is absent was not asked or not sent; ``null`` and an empty Bundle mean "looked, found nothing"; an
    OperationOutcome means that the EHR failed. The first and the last are told apart from the second.

    Raises:
        MissingPatientDataError: What is required was neither sent nor can be fetched.
        OtherPatientError: A resource belongs to another patient.
    """
    collector = ResourceCollector()
    missing = [key for key in REQUIRED if key not in request.prefetch]
    if not any(key in request.prefetch for key in REQUIRED_ONE_OF):
        missing.extend(REQUIRED_ONE_OF)
    if missing:
        raise MissingPatientDataError(tuple(missing), "not prefetched, and no FHIR server may be asked")
    for key in sorted(request.prefetch):
        if key in PREFETCH:
            collector.add_json(request.prefetch[key], query=key)
    for key in PREFETCH:
        if key not in request.prefetch and key not in REQUIRED_ONE_OF:
            collector.mark_incomplete(key, "it was not sent")
    resources = collector.finish()
    failed = tuple(
        it.query
        for it in resources.incomplete
        if it.query in REQUIRED and it.because == "the EHR could not retrieve all of it"
    )
    if failed:
        raise MissingPatientDataError(failed, "the EHR could not retrieve it")
    return of_patient(resources, request.patient_id)


def of_patient(resources: Resources, patient_id: str) -> Resources:
    """Keep what belongs to the patient; what names no subject is set aside and listed.

    Raises:
        OtherPatientError: A resource names another patient.
    """
    kept: dict[str, tuple[Held, ...]] = {}
    set_aside: list[Unreadable] = []
    for kind, held in resources.by_type.items():
        mine: list[Held] = []
        for it in held:
            owner = _owner(it, resources)
            if owner is None and not isinstance(it.resource, _SHARED):
                set_aside.append(Unreadable(resource=it.ref, reason="it names no patient, so it was not used"))
            elif owner is not None and owner != patient_id:
                raise OtherPatientError(
                    f"$.prefetch.{it.query}", "a resource belongs to another patient than context.patientId"
                )
            else:
                mine.append(it)
        kept[kind] = tuple(mine)
    return Resources(
        by_type=kept,
        by_name=resources.by_name,
        unreadable=(*resources.unreadable, *set_aside),
        unsupported=resources.unsupported,
        incomplete=resources.incomplete,
    )


def _owner(held: Held, resources: Resources) -> str | None:
    """The id of the patient that a resource names, "" for one that cannot be resolved."""
    resource: Base = held.resource
    if isinstance(resource, Patient):
        return resource.id
    named = resource.subject or resource.patient
    if named is None and hasattr(resource, "individual"):
        named = resource.individual
    if named is None or not named.reference:
        return None
    target = resolve(resources, named.reference)
    if target is not None:
        return target.resource.id if isinstance(target.resource, Patient) else ""
    kind, _, identifier = named.reference.partition("/_history/")[0].rpartition("/")
    return identifier if kind == "Patient" or kind.endswith("/Patient") else ""
