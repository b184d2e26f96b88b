"""Everything that one call may use: what was prefetched, checked to belong to the patient. Source: section 3.2, PID-01, PID-04."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cdshooks.ehr.decode import RETRIEVAL_FAILED, ResourceCollector
from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.patient_identity import ContextPatient, Owner, OwnerReader
from cdshooks.ehr.resources import Held, Medication, Resources, Specimen
from cdshooks.errors import MissingPatientDataError, OtherPatientError
from cdshooks.hooks.request import HookRequest
from cdshooks.hooks.services import PREFETCH, REQUIRED, REQUIRED_ONE_OF

_SHARED = (Medication, Specimen)
"""Resources that may come without a subject: they are looked up, never evidence by themselves."""
_TYPE_OF = {key: query.partition("?")[0].partition("/")[0] for key, query in PREFETCH.items()}
_KEY_OF = {resource_type: key for key, resource_type in _TYPE_OF.items()}
_OTHER_KEY = "other"
"""How a key that is not ours is named in answers: its own name is the sender's word, not ours to repeat."""
_WRAPPERS = frozenset({"Bundle", "Parameters", "OperationOutcome"})


class KeyState(StrEnum):
    """What a prefetch key says; only ``unknown`` leaves open whether there is data. Source: P-1 to P-9."""

    UNKNOWN = "unknown"
    NOTHING = "nothing"
    FAILED = "failed"
    DATA = "data"


class _Named(msgspec.Struct, rename="camel"):
    resource_type: str | None = None


class _Entry(msgspec.Struct):
    resource: _Named | None = None


class _Shape(msgspec.Struct, rename="camel"):
    resource_type: str
    entry: list[_Entry | None] | None = None


_shape = msgspec.json.Decoder(_Shape)


def gather_resources(request: HookRequest) -> Resources:
    """Decode the prefetched resources of the context patient, whatever their key.

    Raises:
        MissingPatientDataError: What is required was neither sent nor can be fetched.
        OtherPatientError: A resource belongs to another patient.
    """
    collector = ResourceCollector()
    states: dict[str, KeyState] = {}
    for key in sorted(request.prefetch):
        raw = request.prefetch[key]
        query = key if key in PREFETCH else _query_of(_types_in(raw))
        types = collector.add_json(raw, query=query)
        state = _state(query, raw, _types_in(raw) if types is None else types)
        states[query] = max(state, states.get(query, KeyState.UNKNOWN), key=list(KeyState).index)
    found = collector.finish()
    states.update({_KEY_OF[kind]: KeyState.DATA for kind in found.by_type if kind in _KEY_OF})
    for it in found.incomplete:
        if it.because == RETRIEVAL_FAILED:
            states[it.query] = KeyState.FAILED
    _check_required(states, found.incomplete)
    never_sent = tuple(
        Incomplete(query=key, because="it was not sent", concerns_treatment=False)
        for key in PREFETCH
        if states.get(key, KeyState.UNKNOWN) is KeyState.UNKNOWN and key not in REQUIRED_ONE_OF
    )
    return of_patient(
        msgspec.structs.replace(found, incomplete=(*map(_with_concern, found.incomplete), *never_sent)),
        ContextPatient(id=request.patient_id, fhir_server=request.fhir_server),
    )


def of_patient(resources: Resources, patient: ContextPatient) -> Resources:
    """Keep what belongs to the patient; what names no patient is set aside and listed.

    Raises:
        OtherPatientError: A resource names another patient.
    """
    kept: dict[str, tuple[Held, ...]] = {}
    set_aside: list[Unreadable] = []
    reader = OwnerReader(patient, resources.by_name.get)
    for kind, held in resources.by_type.items():
        if reader.are_all_ours(kind, held):
            kept[kind] = held
            continue
        mine: list[Held] = []
        for it in held:
            owner = patient.owner_of(it.resource, resources.by_name.get)
            if owner is Owner.OTHER:
                path = f"$.prefetch.{it.query}" if it.query in PREFETCH else "$.prefetch"
                raise OtherPatientError(path, f"a resource ({kind}) belongs to another patient than context.patientId")
            if owner is Owner.UNSAID and not isinstance(it.resource, _SHARED):
                set_aside.append(Unreadable(resource=it.ref, reason="it names no patient, so it was not used"))
            else:
                mine.append(it)
        kept[kind] = tuple(mine)
    dropped = frozenset(it.resource for it in set_aside)
    by_name = resources.by_name
    return msgspec.structs.replace(
        resources,
        by_type=kept,
        by_name={name: held for name, held in by_name.items() if held.ref not in dropped} if dropped else by_name,
        unreadable=(*resources.unreadable, *set_aside),
    )


def _types_in(raw: msgspec.Raw) -> frozenset[str] | None:
    """The resource types directly inside; empty for an empty Bundle, None for what is no resource."""
    try:
        shape = _shape.decode(raw)
    except msgspec.MsgspecError:
        return None
    if shape.resource_type != "Bundle":
        return frozenset({shape.resource_type})
    inside = (it.resource for it in shape.entry or () if it is not None)
    return frozenset(it.resource_type for it in inside if it is not None and it.resource_type)


def _query_of(types: frozenset[str] | None) -> str:
    """The key of ours that asks for what is there; drugs first, since their absence weighs most."""
    keys = {_KEY_OF[it] for it in types or () if it in _KEY_OF}
    return min(keys, key=lambda it: (it not in REQUIRED_ONE_OF, it), default=_OTHER_KEY)


def _state(query: str, raw: msgspec.Raw, types: frozenset[str] | None) -> KeyState:
    if types is None:
        return KeyState.NOTHING if bytes(raw) == b"null" else KeyState.UNKNOWN
    if not types:
        return KeyState.NOTHING
    return KeyState.DATA if types & {_TYPE_OF.get(query, ""), *_WRAPPERS} else KeyState.UNKNOWN


def _check_required(states: dict[str, KeyState], incomplete: tuple[Incomplete, ...]) -> None:
    """Refuse to conclude from less than what is required.

    Treatment that is partly missing is told on a card, since its lines can still be named; a partial answer to the other
    required queries could hide that this is HER2-positive breast cancer at all, and then nothing would be said.
    """
    unknown = [key for key in REQUIRED if states.get(key, KeyState.UNKNOWN) is KeyState.UNKNOWN]
    if all(states.get(key, KeyState.UNKNOWN) is KeyState.UNKNOWN for key in REQUIRED_ONE_OF):
        unknown.extend(REQUIRED_ONE_OF)
    if unknown:
        raise MissingPatientDataError(tuple(unknown), "not prefetched, and no FHIR server may be asked")
    failed = [key for key in REQUIRED if states[key] is KeyState.FAILED]
    if not any(states.get(key) in {KeyState.NOTHING, KeyState.DATA} for key in REQUIRED_ONE_OF):
        failed.extend(key for key in REQUIRED_ONE_OF if states.get(key) is KeyState.FAILED)
    if failed:
        raise MissingPatientDataError(tuple(failed), "the EHR could not retrieve it")
    partial = sorted({it.query for it in incomplete if it.query in REQUIRED})
    if partial:
        raise MissingPatientDataError(
            tuple(partial), "only a part was sent, and no FHIR server may be asked for the rest"
        )


def _with_concern(incomplete: Incomplete) -> Incomplete:
    return msgspec.structs.replace(incomplete, concerns_treatment=incomplete.query in REQUIRED_ONE_OF)
