"""JSON that two readers could understand differently is refused before anything is used of it. Source: INP-02, INP-03."""

from __future__ import annotations

import re
from itertools import count

import jiter
import msgspec

from cdshooks.errors import BadHookRequestError

_DEEPEST = 64
_MOST_DIGITS = 999
_ENVELOPE = frozenset(
    {"hook", "hookInstance", "fhirServer", "fhirAuthorization", "context", "prefetch", "extension", "userId"}
    | {"patientId", "encounterId", "selections", "draftOrders", "resourceType", "entry", "resource", "id", "subject"}
)
"""Only these names are repeated in an answer; any other could be a value in disguise."""
_TOKEN = re.compile(rb'"([^"\\]*(?:\\.[^"\\]*)*)"(\s*:)?|([{\[])|([}\]])', re.DOTALL)
_STRING_OR_NUMBER = re.compile(rb'"[^"\\]*(?:\\.[^"\\]*)*"|([-+.\deE]+)', re.DOTALL)
_STRIDE = 32
_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_DIGITS_IN_A_ROW = b"0" * (_MOST_DIGITS // 3 // _STRIDE)
"""A longer number has a run of a third of its digits before its point, after it, or in its exponent; every 32nd byte shows it."""


def _parse(body: bytes) -> None:
    jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True, cache_mode="keys")


def _deepest_of_parser() -> int:
    """How many levels the parser goes down before it refuses; it has no setting for it."""
    for depth in count(_DEEPEST):
        try:
            _parse(b"[" * (depth + 1) + b"0" + b"]" * (depth + 1))
        except ValueError:
            return depth
    raise AssertionError


_LEVELS_AROUND = _deepest_of_parser() - _DEEPEST
"""So many lists around a body leave the parser no more levels for the body itself than are allowed, and one for what is empty."""


def check_json(body: bytes) -> None:
    """Refuse JSON that is not UTF-8, is nested too deeply, names a member twice, or holds an absurd number.

    NaN, control characters and lone surrogates are no JSON either. What is JSON only inside the lists that are put around it, such
    as ``{}, {}``, is refused by whoever decodes the body afterwards.

    Raises:
        BadHookRequestError: With the path of the fault as far as it consists of members of the envelope.
    """
    try:
        _parse(b"[" * _LEVELS_AROUND + body + b"]" * _LEVELS_AROUND)
    except ValueError as error:
        raise _fault(body, str(error)) from None
    if _DIGITS_IN_A_ROW in body[::_STRIDE].translate(_ONE_DIGIT) and _holds_long_number(body):
        raise _number_too_long()


def _fault(body: bytes, reason: str) -> BadHookRequestError:
    """The parser's refusal in our words, for its own repeat what was sent."""
    if reason.startswith("Detected duplicate key"):
        return BadHookRequestError(_path_of_repeated_member(body), "this member is there twice")
    if reason.startswith("recursion limit"):
        return BadHookRequestError("$", f"the body is nested deeper than {_DEEPEST} levels")
    if reason.startswith("number out of range"):
        return _number_too_long()
    if reason.startswith("invalid unicode"):
        return BadHookRequestError("$", "the body is not UTF-8")
    return BadHookRequestError("$", "the body is not valid JSON")


def _number_too_long() -> BadHookRequestError:
    return BadHookRequestError("$", f"a number has more than {_MOST_DIGITS} digits")


def _holds_long_number(body: bytes) -> bool:
    return any(len(it[1] or b"") > _MOST_DIGITS for it in _STRING_OR_NUMBER.finditer(body))


def _path_of_repeated_member(body: bytes) -> str:
    """Walk the brackets and names again, slowly, only because there is a fault to name."""
    seen: list[set[str]] = []
    path: list[str] = []
    for match in _TOKEN.finditer(body):
        text, colon, opens, closes = match.groups()
        if colon:
            path[-1] = msgspec.json.decode(b'"' + text + b'"', type=str)
            if path[-1] in seen[-1]:
                return _written(path)
            seen[-1].add(path[-1])
        elif opens:
            seen.append(set())
            path.append("")
        elif closes:
            seen.pop()
            path.pop()
    return "$"


def _written(path: list[str]) -> str:
    known = "$"
    for name in path:
        if name and name not in _ENVELOPE:
            break
        known += f".{name}" if name else "[...]"
    return known
