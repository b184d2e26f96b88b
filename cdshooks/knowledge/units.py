"""What one unit is worth in another, as a library of UCUM units says; asked only while knowledge is loaded."""

from __future__ import annotations

import re
from functools import cache, lru_cache
from typing import Any

from cdshooks.errors import KnowledgeError

_POWER = re.compile(r"^(?:x\s*)?10\s*(?:\^|\*\*|\*|e)?\s*([0-9]+)\s*(?=/)")
_SUPERSCRIPTS = str.maketrans(
    "\u2070\u00b9\u00b2\u00b3\u2074\u2075\u2076\u2077\u2078\u2079\u00b5\u03bc\u00d7", "0123456789uux"
)
_ANNOTATED_ONLY = re.compile(r"^(?:\{[^}]*\}/?)+$")
_EQUIVALENTS = re.compile(r"\bm?eq\b")
_LONGEST_UNIT = 40


@lru_cache(maxsize=2048)
def plain_unit(written: str) -> str:
    """A unit as it is compared: lower case, powers of ten written ``10*9``, no superscripts or Greek letters."""
    text = written[:_LONGEST_UNIT].strip().casefold().translate(_SUPERSCRIPTS)
    power = _POWER.match(text)
    return f"10*{power[1]}{text[power.end() :]}" if power else text


def factor_between(unit: str, into: str, *, molar_mass: float | None, valence: int | None) -> float:
    """What one ``unit`` is worth in ``into`` (both UCUM); ``molar_mass`` in g/mol joins mass and amount of substance.

    Raises:
        KnowledgeError: The library does not know a unit, or nothing leads from one to the other.
    """
    if unit == into:
        return 1.0
    if _ANNOTATED_ONLY.match(unit) or _ANNOTATED_ONLY.match(into):
        raise KnowledgeError((f"measures.csv:1: no factor leads from {unit!r} to {into!r}",))
    if _EQUIVALENTS.search(unit) and valence is None:
        raise KnowledgeError((f"measures.csv:1: {unit!r} needs the valence of what is measured",))
    import pint  # noqa: PLC0415 - slow to load, and never needed once knowledge is in force
    from ucumvert.parser import InvalidUcumError  # type: ignore[import-untyped]  # noqa: PLC0415 - as above

    registry = _registry()
    try:
        quantity, target = registry.from_ucum(unit) * 1.0, registry.from_ucum(into).units
        if _EQUIVALENTS.search(unit):
            quantity = quantity / valence
        if not quantity.is_compatible_with(target) and molar_mass is not None:
            mass = registry.from_ucum("g/mol") * molar_mass
            quantity = quantity * mass if (quantity * mass).is_compatible_with(target) else quantity / mass
        return float(f"{quantity.to(target).magnitude:.10g}")
    except (InvalidUcumError, pint.errors.PintError, ValueError, TypeError, AttributeError) as error:
        raise KnowledgeError((f"measures.csv:1: no factor leads from {unit!r} to {into!r}",)) from error


@cache
def _registry() -> Any:
    from ucumvert import PintUcumRegistry  # type: ignore[import-untyped]  # noqa: PLC0415 - no types; slow, as above

    return PintUcumRegistry()
