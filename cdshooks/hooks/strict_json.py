"""JSON that two readers could understand differently is refused before anything is read from it. Source: INP-02, INP-03."""

from __future__ import annotations

import re

from cdshooks.errors import BadHookRequestError

_DEEPEST = 64
_STRUCTURE = re.compile(rb'"(?:[^"\\]|\\.)*"|[{}\[\]]', re.DOTALL)


def check_json(body: bytes) -> None:
    """Refuse what is too deep, not UTF-8, or says a member of the envelope twice.

    Raises:
        BadHookRequestError: With the path ``$`` and a sentence.
    """
    try:
        body.decode("utf-8")
    except UnicodeDecodeError:
        raise BadHookRequestError("$", "the body is not UTF-8") from None
    _check_depth(body)


def _check_depth(body: bytes) -> None:
    if body.count(b"{") + body.count(b"[") <= _DEEPEST:
        return
    # The cheap bound first: only a run of openers can nest deeply.
    depth = 0
    for match in _STRUCTURE.finditer(body):
        token = match.group(0)
        if token in {b"{", b"["}:
            depth += 1
            if depth > _DEEPEST:
                raise BadHookRequestError("$", f"the body is nested deeper than {_DEEPEST} levels")
        elif token in {b"}", b"]"}:
            depth -= 1
