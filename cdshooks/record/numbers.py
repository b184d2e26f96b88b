"""Numbers as records write them: 1.5, "1,5", "> 60", "45-50 %"."""

from __future__ import annotations

import re

_NUMBER = re.compile(r"\d+(?:[.,]\d+)*")
_RANGE = r"\d\s*%?\s*(?:-|\u2013|{to})\s*\d"
_EITHER = re.compile(r"[1-9]\d{0,2},\d{3}")
"""One and a half, or one thousand five hundred ("1,500"): not ours to decide."""

_BEFORE = 40
"""Characters in which a sign stands: all that is before it would be read again for each number of a text."""


def number_of(value: float | str | None) -> float | None:
    """A number sent as a number or as text; None when it is neither."""
    if value is None or isinstance(value, (int, float)):
        return value
    return number_in(value)


def number_in(text: str | None) -> float | None:
    """The first number of a text, decimal comma or point; None for none, and for one that may be two numbers."""
    found = _spans(text or "")
    return found[0][0] if found else None


def numbers_in(text: str) -> tuple[float, ...]:
    """All numbers of a text; a hyphen between two of them is a range, not a sign. Empty when one may be two numbers."""
    return tuple(number for number, _ in _spans(text))


class Ranges:
    """Recognises two numbers as the ends of a range by a dash, or by the words for "to" of the table of meanings."""

    def __init__(self, to: str) -> None:
        self._pattern = re.compile(_RANGE.replace("{to}", to), re.IGNORECASE)

    def is_range(self, text: str) -> bool:
        """Whether a text gives two numbers as the ends of a range."""
        return self._pattern.search(text) is not None

    def unit_after(self, text: str) -> str:
        """What follows the number, or the range, that a text begins with."""
        found = _spans(text)
        if not found:
            return ""
        last = found[1] if self.is_range(text) and len(found) > 1 else found[0]
        return text[last[1] :].strip(" .;,")


def _spans(text: str) -> list[tuple[float, int]]:
    found: list[tuple[float, int]] = []
    for match in _NUMBER.finditer(text):
        written = match.group(0)
        if _EITHER.fullmatch(written):
            return []
        plain = written if written.count(".") == 1 and "," not in written else written.replace(",", ".", 1)
        try:
            number = float(plain)
        except ValueError:  # "1.2.3" is a version or a date
            return []
        before = text[max(0, match.start() - _BEFORE) : match.start()]
        is_negative = before.rstrip().endswith(("-", "\u2212")) and not re.search(r"[\d%]\s*[-\u2212]\s*$", before)
        is_sign = is_negative and not re.search(r"\w[-\u2212]\s*$", before)
        found.append((-number if is_sign else number, match.end()))
    return found
