"""Reads one patient from a file: a Bundle, an NDJSON of resources, or a CDS Hooks request."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.decode import ResourceCollector, decode_ndjson
from cdshooks.ehr.resources import Resources
from cdshooks.ehr.searches import unnamed_drugs
from cdshooks.errors import UnreadablePatientFileError


class _Shape(msgspec.Struct, rename="camel"):
    resource_type: str | None = None
    hook: str | None = None
    prefetch: dict[str, msgspec.Raw] | None = None


_shape = msgspec.json.Decoder(_Shape)


def read_patient_file(data: bytes) -> Resources:
    """Decode everything that a patient file holds; each resource under ``prefetch`` is read, whatever its key.

    Raises:
        UnreadablePatientFileError: The file is none of the three forms.
    """
    found = _collect(data).finish()
    return msgspec.structs.replace(found, incomplete=(*found.incomplete, *unnamed_drugs(found)))


def _collect(data: bytes) -> ResourceCollector:
    text = data.removeprefix(b"\xef\xbb\xbf").strip()
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
