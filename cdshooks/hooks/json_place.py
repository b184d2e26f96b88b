"""Where a text stops being JSON: as the path that leads there, and as line and column for an editor."""

from __future__ import annotations

import json
import re
from typing import Any

import msgspec

from cdshooks.errors import BadHookRequestError

_EXTRA = "Extra data"
_IN_WORDS = {
    "Expecting value": "a value is expected here",
    "Expecting ',' delimiter": "a comma or a closing bracket is expected here",
    "Expecting ':' delimiter": "a colon is expected here",
    "Expecting property name enclosed in double quotes": "a name in double quotes is expected here",
    "Illegal trailing comma before end of object": "nothing follows this comma",
    "Illegal trailing comma before end of array": "nothing follows this comma",
    "Unterminated string starting at": "this text has no closing quote",
    _EXTRA: "the value has ended before this",
}
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*"|[{}\[\],:]', re.DOTALL)


class NotJsonError(BadHookRequestError):
    """The text is no JSON; the path leads to the value that was being read. ``has_more``: a whole value stands before the fault."""

    def __init__(self, path: str, reason: str, *, line: int, column: int, has_more: bool) -> None:
        super().__init__(path, f"{reason} (line {line}, column {column})")
        self.line, self.column, self.has_more = line, column, has_more


class _Level(msgspec.Struct):
    """One open bracket: ``step`` is the name or the index of the value being read."""

    is_list: bool
    step: str
    is_name: bool


def read_json_text(text: str) -> Any:
    """The value of a JSON text.

    Raises:
        NotJsonError: With the place of the first fault.
    """
    try:
        return json.loads(text, parse_constant=_no_number)
    except json.JSONDecodeError as error:
        path, reason = _path_to(text, error.pos), _IN_WORDS.get(error.msg, error.msg.lower())
        place = {"line": error.lineno, "column": error.colno}
        raise NotJsonError(path, reason, **place, has_more=error.msg == _EXTRA) from None
    except (ValueError, RecursionError) as error:
        raise BadHookRequestError("$", str(error) if isinstance(error, ValueError) else "nested too deeply") from None


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no number of JSON")


def _path_to(text: str, position: int) -> str:
    levels: list[_Level] = []
    for match in _TOKEN.finditer(text, 0, position):
        sign = match[0]
        if sign in "{[":
            levels.append(_Level(is_list=sign == "[", step="[0]" if sign == "[" else "", is_name=sign == "{"))
        elif not levels:
            continue
        elif sign in "}]":
            levels.pop()
        elif sign == ",":
            here = levels[-1]
            here.is_name = not here.is_list
            here.step = f"[{int(here.step[1:-1]) + 1}]" if here.is_list else ""
        elif sign == ":":
            levels[-1].is_name = False
        elif levels[-1].is_name:
            levels[-1].step = f".{sign[1:-1]}"
    return "$" + "".join(it.step for it in levels)
