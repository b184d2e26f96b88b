"""Reads one patient from a file: a Bundle, an NDJSON of resources, or a CDS Hooks request."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.decode import ResourceCollector, decode_ndjson
from cdshooks.ehr.resources import Held, Resources
from cdshooks.ehr.searches import unnamed_drugs
from cdshooks.errors import UnreadablePatientFileError


class _Shape(msgspec.Struct, rename="camel"):
    resource_type: str | None = None
    hook: str | None = None
    prefetch: dict[str, msgspec.Raw] | None = None
    context: msgspec.Raw = msgspec.Raw()


class _Context(msgspec.Struct, rename="camel"):
    draft_orders: msgspec.Raw = msgspec.Raw()


_shape = msgspec.json.Decoder(_Shape)
_context = msgspec.json.Decoder(_Context)


def read_patient_file(data: bytes) -> Resources:
    """Decode everything that a patient file holds; each resource under ``prefetch`` is read, whatever its key.

    Raises:
        UnreadablePatientFileError: The file is none of the three forms.
    """
    found = _collect(data).finish()
    return msgspec.structs.replace(found, incomplete=(*found.incomplete, *unnamed_drugs(found)))


def read_draft_orders(data: bytes) -> tuple[Held, ...]:
    """The orders being placed, where the file is a hook request that has any; they are no part of the record."""
    collector = ResourceCollector()
    try:
        drafts = _context.decode(_shape.decode(_text(data)).context).draft_orders
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return ()
    if bytes(drafts):
        collector.add_json(drafts, query="draftOrders")
    return tuple(held for of_type in collector.finish().by_type.values() for held in of_type)


def _text(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf").strip()


def _collect(data: bytes) -> ResourceCollector:
    text = _text(data)
    collector = ResourceCollector()
    try:
        shape = _shape.decode(text)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        decode_ndjson(text, collector)
        return collector
    if shape.hook is not None:
        for key, value in (shape.prefetch or {}).items():
            collector.add_json(value, query=key)
    elif shape.resource_type is not None:
        collector.add_json(text, query="file")
    else:
        raise UnreadablePatientFileError("it is neither a Bundle, nor NDJSON of resources, nor a hook request")
    return collector
