"""Numbers as records write them: 1.5, "1,5", "> 60", "45-50 %"."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"-?\d+(?:[.,]\d+)?")


def number_of(value: float | str | None) -> float | None:
    """A number sent as a number or as text; None when it is neither."""
    if value is None or isinstance(value, (int, float)):
        return value
    return number_in(value)


def number_in(text: str | None) -> float | None:
    """The first number of a text, decimal comma or point."""
    match = _NUMBER.search(text or "")
    return float(match.group(0).replace(",", ".")) if match else None


def numbers_in(text: str) -> tuple[float, ...]:
    """All numbers of a text; a hyphen between two of them is a range, not a sign."""
    return tuple(float(it.replace(",", ".")) for it in re.findall(r"\d+(?:[.,]\d+)?", text))
