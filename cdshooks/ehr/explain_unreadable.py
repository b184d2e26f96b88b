"""Says in FHIR's own terms why a resource could not be read, without showing any of its values."""

from __future__ import annotations

import importlib

import msgspec

_MOST_FAULTS = 3
_LARGEST = 64 * 1024
"""In bytes: the full model lists every fault of a resource, however many there are."""


def explain_unreadable(resource_type: str, raw: bytes, fallback: str) -> str:
    """Word the faults of one resource as the full R4 model finds them: element path and kind of fault.

    The model is imported here because it is slow to load and never needed on the healthy path.
    """
    if len(raw) > _LARGEST:
        return fallback
    try:
        content = msgspec.json.decode(raw)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
        return "it is not valid JSON"
    from pydantic import ValidationError  # noqa: PLC0415 - only for an unreadable resource

    try:
        module = importlib.import_module(f"fhir.resources.R4B.{resource_type.lower()}")
        getattr(module, resource_type).model_validate(content)
    except ValidationError as error:
        faults = error.errors(include_input=False, include_url=False, include_context=False)
        named = [
            f"{'.'.join(str(step) for step in fault['loc']) or resource_type}: {_kind(fault['type'])}"
            for fault in faults
        ]
        return "; ".join(dict.fromkeys(named[:_MOST_FAULTS]))
    except (ImportError, AttributeError, LookupError, TypeError, ValueError):  # the model looks up types that are none
        return fallback
    return fallback


def _kind(code: str) -> str:
    return code.replace("_", " ")
