"""Reads a resource whose members have the wrong JSON form but only one meaning: ``null`` for absent, a number for a string.

Source: terminology 13. Nothing else is mended: what may mean two things stays unreadable and is reported.
"""

from __future__ import annotations

import re
from typing import Any, TypeVar

import msgspec

Read = TypeVar("Read")

_MOST_REPAIRS = 40
"""A resource with more wrong members than this is not worth trusting."""
_LARGEST = 256 * 1024
"""In bytes: each repair reads the whole again."""
_FAULT = re.compile(r"Expected `(?P<expected>[^`]+)`, got `(?P<got>[^`]+)`(?: - at `\$(?P<path>[^`]*)`)?")
_STEP = re.compile(r"\.([^.\[\]]+)|\[(\d+)\]")
_NUMBERS = frozenset({"int", "float"})


def decode_repaired(raw: bytes | msgspec.Raw, of_type: type[Read]) -> Read:
    """Decode a resource, or a part of one, whose members mean something in another JSON form than the standard's.

    Raises:
        msgspec.MsgspecError: A member has no form that can be understood.
    """
    if len(bytes(raw)) > _LARGEST:
        raise msgspec.ValidationError("it is too large to be mended")
    root = [_without_nulls(msgspec.json.decode(raw))]
    for _ in range(_MOST_REPAIRS):
        try:
            return _decoded(root[0], of_type)
        except msgspec.ValidationError as error:
            if not _repair(root, str(error)):
                raise
    return _decoded(root[0], of_type)


def _decoded(content: Any, of_type: type[Read]) -> Read:
    return msgspec.json.decode(msgspec.json.encode(content), type=of_type)


def _without_nulls(content: Any) -> Any:
    if isinstance(content, dict):
        return {key: _without_nulls(value) for key, value in content.items() if value is not None}
    if isinstance(content, list):
        return [_without_nulls(it) for it in content if it is not None]
    return content


def _repair(root: list[Any], fault: str) -> bool:
    """Give the member that a fault names, or the root, the form that is expected; whether that could be done."""
    match = _FAULT.search(fault)
    if match is None:
        return False
    *way, last = [0, *(name or int(index) for name, index in _STEP.findall(match["path"] or ""))]
    node: Any = root
    for step in way:
        node = node[_member(node, step)]
    key = _member(node, last)
    expected, got = set(match["expected"].split(" | ")), match["got"]
    value = node[key]
    if "str" in expected and got in _NUMBERS:
        node[key] = str(value)
    elif "array" in expected and got in {"object", "str"}:
        node[key] = [value]
    elif "object" in expected and got == "array" and len(value) == 1:
        node[key] = value[0]
    else:
        return False
    return True


def _member(node: Any, step: str | int) -> str | int:
    """A step of the path as the resource writes it: faults name members as our structs do on some paths."""
    if isinstance(step, int) or step in node:
        return step
    head, *rest = step.split("_")
    return head + "".join(part.capitalize() for part in rest)
