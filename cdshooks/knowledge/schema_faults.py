"""Faults that a JSON Schema finds, as sentences that a clinical informatician can act on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import jsonschema
from jsonschema.exceptions import best_match

_KINDS = {
    "string": "text",
    "integer": "a whole number",
    "number": "a number",
    "boolean": "true or false",
    "array": "a list",
    "object": "a mapping",
    "null": "nothing",
}
_LONGEST = 60


def plain_fault(error: jsonschema.ValidationError) -> str:
    """One sentence: which member, and what it must be."""
    if error.validator in {"anyOf", "oneOf"} and error.context:
        closest = best_match(iter(error.context))
        if closest is not None and closest.absolute_path != error.absolute_path:
            return plain_fault(closest)
    member = ".".join(str(step) for step in error.absolute_path) or "the entry"
    return f"{member}: {_reason(error)}"


def _reason(error: jsonschema.ValidationError) -> str:
    must: Any = error.validator_value
    found: Any = error.instance
    schema: Any = error.schema
    match error.validator:
        case "required":
            missing = [it for it in must if it not in found]
            return f"{_listed(missing)} {'is' if len(missing) == 1 else 'are'} missing"
        case "additionalProperties":
            known = schema.get("properties", {})
            extra = [it for it in found if it not in known]
            return f"there is no member {_listed(extra)} here; it has {_listed(known, quoted=False)}"
        case "enum":
            return f"{_shown(found)} is none of {_listed(must, quoted=False)}"
        case "const":
            return f"{_shown(found)} must be {_shown(must)}"
        case "type":
            kinds = [must] if isinstance(must, str) else must
            return f"{_shown(found)} must be {' or '.join(_KINDS[it] for it in kinds)}"
        case "pattern":
            return f"{_shown(found)} has not the form {must}"
        case "minimum" | "maximum":
            return f"{_shown(found)} must be at {'least' if error.validator == 'minimum' else 'most'} {must}"
        case "minItems" | "minLength" | "minProperties":
            return f"{_shown(found)} is too short"
    return str(error.message)


def _listed(names: Iterable[Any], *, quoted: bool = True) -> str:
    return ", ".join(repr(it) if quoted else str(it) for it in names)


def _shown(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…"
