"""JSON that two readers could understand differently is refused before anything is used of it. Source: INP-02, INP-03."""

from __future__ import annotations

import json
import re

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
_ESCAPE = re.compile(rb"\\.", re.DOTALL)
_NEITHER_QUOTE_NOR_BRACKET = bytes(set(range(256)) - set(b'"[]{}'))
_ONE_KIND = bytes.maketrans(b"[]", b"{}")
_ONE_DIGIT = bytes.maketrans(b"123456789", b"000000000")
_MANY_DIGITS = b"0" * (_MOST_DIGITS // 3)
"""A longer number has a run of so many digits before its point, after it, or in its exponent."""


class _RepeatedMemberError(Exception):
    """An object names a member twice."""


def check_json(body: bytes) -> None:
    """Refuse JSON that is not UTF-8, is nested too deeply, names a member twice, or holds an absurd number.

    Syntax, NaN, control characters and lone surrogates are refused by the decoder of the request; two members of one
    name are not, and the last ``patientId`` of two would win.

    Raises:
        BadHookRequestError: With the path of the fault as far as it consists of members of the envelope.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadHookRequestError("$", "the body is not UTF-8") from None
    try:
        msgspec.json.decode(body, type=msgspec.Raw)
    except (msgspec.DecodeError, RecursionError):
        raise BadHookRequestError("$", "the body is not valid JSON, or it is nested too deeply") from None
    # From here on the text is well-formed, so strings end.
    _check_depth(body)
    has_long_number = _MANY_DIGITS in body.translate(_ONE_DIGIT)
    check_number = _check_number if has_long_number else None
    try:
        json.loads(body, object_pairs_hook=_check_object, parse_int=check_number, parse_float=check_number)
    except _RepeatedMemberError:
        raise BadHookRequestError(_path_of_repeated_member(body), "this member is there twice") from None


def _check_depth(body: bytes) -> None:
    """Count brackets outside strings by operations on the whole text, each of which takes one pass at the speed of memory."""
    marks = _ESCAPE.sub(b"", body).translate(_ONE_KIND, _NEITHER_QUOTE_NOR_BRACKET)
    # Two quotes side by side can be dropped wherever they stand: what lies inside and outside of strings stays so.
    brackets = b"".join(marks.replace(b'""', b"").split(b'"')[::2])
    for _ in range(_DEEPEST):
        brackets = brackets.replace(b"{}", b"")  # one round takes off the innermost level everywhere
        if not brackets:
            return
    raise BadHookRequestError("$", f"the body is nested deeper than {_DEEPEST} levels")


def _check_object(members: list[tuple[str, object]]) -> None:
    if len(dict(members)) != len(members):
        raise _RepeatedMemberError


def _check_number(text: str) -> None:
    if len(text) > _MOST_DIGITS:
        raise BadHookRequestError("$", f"a number has more than {_MOST_DIGITS} digits")


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
    raise AssertionError("the fast check found a repeated member")


def _written(path: list[str]) -> str:
    known = "$"
    for name in path:
        if name and name not in _ENVELOPE:
            break
        known += f".{name}" if name else "[...]"
    return known
