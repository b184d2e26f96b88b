"""One hook request: the envelope is read strictly, the FHIR content leniently. Source: C-1 to C-17, H-1 to H-11."""

from __future__ import annotations

import re

import msgspec

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.access_token import AccessToken
from cdshooks.hooks.services import Service
from cdshooks.hooks.strict_json import check_json
from cdshooks.hooks.wire_fault import wire_fault

FHIR_ID = re.compile(r"(?!\.{1,2}\Z)[^\s/?#&]{1,256}\Z")
"""Ids of real EHRs are longer than FHIR allows (C-17); what could change the path or query of a URL is refused (OUT-02)."""
_UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}\Z", re.IGNORECASE)
_LONGEST_NAME, _LONGEST_URL, _MOST_SELECTIONS = 512, 2048, 1000
"""In characters; what is kept or searched for is bounded (INP-02)."""
_EXPIRED = re.compile(rb'"?(?:-\d|0+(?:\.0*)?"?\Z)')
"""``expires_in`` as a number or a string, zero or below."""
_SELECTION = re.compile(r"(?:.*/)?([A-Za-z]+/[^/\s]+?)(?:/_history/[^/]+)?\Z")


class _Wire(msgspec.Struct, rename="camel"):
    """Base of what stands on the wire."""


class _Context(_Wire, rename="camel"):
    patient_id: str
    user_id: str | None = None
    encounter_id: str | None = None
    selections: list[str] | None = None
    draft_orders: msgspec.Raw = msgspec.Raw()


class _DraftEntry(_Wire):
    resource: dict[str, msgspec.Raw] | None = None


class _Drafts(_Wire, rename="camel"):
    resource_type: str
    entry: list[_DraftEntry] | None = None


class _Authorization(_Wire, rename=None):
    access_token: str | None = None
    token_type: str | None = None
    expires_in: msgspec.Raw = msgspec.Raw()
    patient: str | None = None


class _Request(_Wire, rename="camel"):
    hook: str
    hook_instance: str
    context: _Context
    fhir_server: str | None = None
    fhir_authorization: _Authorization | None = None
    prefetch: dict[str, msgspec.Raw] | None = None
    extension: dict[str, msgspec.Raw] | None = None


class HookRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A validated call of one service. ``draft_orders`` is the Bundle as sent; ``selections`` are ``Type/id``."""

    service: Service
    hook_instance: str
    patient_id: str
    encounter_id: str | None
    user_id: str | None
    selections: tuple[str, ...]
    draft_orders: bytes
    prefetch: dict[str, msgspec.Raw]
    fhir_server: str | None
    access_token: AccessToken | None = None
    asks_for_answered: bool = False
    """Whether the client asks to see again what was answered and would be held back. Source: ALT-03."""
    is_token_usable: bool = True
    """False: a token came that is of another type or has expired, so the FHIR server is not asked at all. Source: OUT-08."""


SHOW_ANSWERED = "cdshooks.show-answered"
"""A member of the request's ``extension``; true asks for cards that were answered already."""
_decoder = msgspec.json.Decoder(_Request)
_drafts_decoder = msgspec.json.Decoder(_Drafts)


def read_hook_request(service: Service, body: bytes) -> HookRequest:
    """Read and check the body of a call.

    Raises:
        BadHookRequestError: The body is not JSON, not an object, not this service's hook, or lacks a required member.
    """
    check_json(body)
    try:
        wire = _decoder.decode(body)
    except msgspec.ValidationError as error:
        raise wire_fault(str(error)) from None
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        raise BadHookRequestError("$", "the body is not valid JSON") from None
    if wire.hook != service.hook:
        raise BadHookRequestError("$.hook", f"this service answers the hook {service.hook}")
    _check_envelope(wire)
    context = wire.context
    if service.hook != "patient-view":
        _check_drafts(context)
    if service.hook == "order-select" and context.selections is None:
        raise BadHookRequestError("$.context.selections", "this member is required")
    return HookRequest(
        service=service,
        hook_instance=wire.hook_instance,
        patient_id=context.patient_id,
        encounter_id=context.encounter_id,
        user_id=context.user_id,
        selections=tuple(_reference(it) for it in context.selections or ()),
        draft_orders=bytes(context.draft_orders),
        prefetch=wire.prefetch or {},
        fhir_server=wire.fhir_server,
        access_token=_access_token(wire.fhir_authorization),
        asks_for_answered=bytes((wire.extension or {}).get(SHOW_ANSWERED, b"")) == b"true",
        is_token_usable=_is_usable(wire.fhir_authorization),
    )


def _check_envelope(wire: _Request) -> None:
    if not _UUID.match(wire.hook_instance):
        raise BadHookRequestError("$.hookInstance", "this is not a UUID")
    if not FHIR_ID.match(wire.context.patient_id):
        raise BadHookRequestError("$.context.patientId", "this is not the id of a resource")
    if not wire.context.user_id:
        raise BadHookRequestError("$.context.userId", "this member is required")
    _check_lengths(wire)
    if wire.fhir_server is not None and not wire.fhir_server.lower().startswith(("https://", "http://")):
        raise BadHookRequestError("$.fhirServer", "this is not a URL of a FHIR server")
    if wire.fhir_authorization is not None and not wire.fhir_server:
        raise BadHookRequestError("$.fhirServer", "this member is required beside fhirAuthorization")
    granted = wire.fhir_authorization.patient if wire.fhir_authorization is not None else None
    if granted and granted != wire.context.patient_id:
        raise BadHookRequestError("$.fhirAuthorization.patient", "this is another patient than context.patientId")


def _check_lengths(wire: _Request) -> None:
    context = wire.context
    for path, text, longest in (
        ("$.context.userId", context.user_id, _LONGEST_NAME),
        ("$.context.encounterId", context.encounter_id, _LONGEST_NAME),
        ("$.fhirServer", wire.fhir_server, _LONGEST_URL),
    ):
        if text is not None and (len(text) > longest or not text.isprintable()):
            raise BadHookRequestError(path, f"this must be a text of at most {longest} printable characters")
    selections = context.selections or ()
    if len(selections) > _MOST_SELECTIONS or any(len(it) > _LONGEST_URL for it in selections):
        raise BadHookRequestError(
            "$.context.selections",
            f"these must be at most {_MOST_SELECTIONS}, each of at most {_LONGEST_URL} characters",
        )


def _access_token(granted: _Authorization | None) -> AccessToken | None:
    return AccessToken(granted.access_token) if granted is not None and granted.access_token else None


def _is_usable(granted: _Authorization | None) -> bool:
    """Whether the token, if there is one, is a bearer token that lives; a life told oddly or not at all is no fault (S-20)."""
    if granted is None or not granted.access_token:
        return True
    if granted.token_type is not None and granted.token_type.lower() != "bearer":
        return False
    return _EXPIRED.match(bytes(granted.expires_in)) is None


def _check_drafts(context: _Context) -> None:
    """Only what tells a Bundle from something else is asked for: real drafts lack ``type``, ``fullUrl``, ``intent`` (C-17)."""
    if not bytes(context.draft_orders):
        raise BadHookRequestError("$.context.draftOrders", "this member is required")
    try:
        shape = _drafts_decoder.decode(context.draft_orders)
    except msgspec.ValidationError as error:
        raise wire_fault(str(error), below="$.context.draftOrders") from None
    if shape.resource_type != "Bundle":
        raise BadHookRequestError("$.context.draftOrders.resourceType", "this must be a Bundle")


def _reference(written: str) -> str:
    match = _SELECTION.match(written)
    return match.group(1) if match else written
