"""YAML without guesses: text stays text, and each value knows its line.

YAML 1.1 turns ``on:`` into true and ``2026-01-05`` into a date. Here only ``true``, ``false``, ``null`` (or nothing), plain
integers and plain decimals have a type; everything else is text, and the words that YAML 1.1 would change are refused bare.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import yaml

from cdshooks.errors import KnowledgeError

_INTEGER = re.compile(r"-?(?:0|[1-9][0-9]*)\Z")
_DECIMAL = re.compile(r"-?(?:0|[1-9][0-9]*)\.[0-9]+\Z")
_AMBIGUOUS = frozenset({"yes", "no", "on", "off", "y", "n"})
_WORDS: dict[str, bool | None] = {"true": True, "false": False, "null": None, "~": None, "": None}

LineMap = dict[tuple[str | int, ...], int]
"""JSON path of a value -> line in its file, from 1."""


def read_yaml(path: Path) -> tuple[Any, LineMap]:
    """Read one YAML document and the line of each of its values.

    Raises:
        KnowledgeError: The file is not YAML, repeats a key, or has a bare word that YAML readers disagree about.
    """
    try:
        loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
        node = yaml.compose(path.read_text(encoding="utf-8"), Loader=loader)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        mark = getattr(error, "problem_mark", None)
        line = mark.line + 1 if mark is not None else 1
        raise KnowledgeError(
            (f"{path.name}:{line}: this is not YAML ({getattr(error, 'problem', None) or 'unreadable'})",)
        ) from error
    lines: LineMap = {}
    if node is None:
        return None, lines
    return _build(node, (), lines, path), lines


def _build(node: yaml.Node, at: tuple[str | int, ...], lines: LineMap, path: Path) -> Any:
    lines[at] = node.start_mark.line + 1
    if isinstance(node, yaml.MappingNode):
        return _build_mapping(node, at, lines, path)
    if isinstance(node, yaml.SequenceNode):
        return [_build(child, (*at, index), lines, path) for index, child in enumerate(node.value)]
    if not isinstance(node, yaml.ScalarNode):
        raise KnowledgeError((f"{path.name}:{lines[at]}: this kind of YAML node is not used here",))
    return _scalar(node, path)


def _build_mapping(node: yaml.MappingNode, at: tuple[str | int, ...], lines: LineMap, path: Path) -> dict[str, Any]:
    built: dict[str, Any] = {}
    for key_node, value_node in node.value:
        key = str(key_node.value)
        line = key_node.start_mark.line + 1
        if key in built:
            raise KnowledgeError((f"{path.name}:{line}: the key {key!r} stands here twice",))
        if not key_node.style and key.lower() in _AMBIGUOUS:
            raise KnowledgeError(
                (f"{path.name}:{line}: put the key {key!r} in quotes, or YAML readers will take it for a truth value",)
            )
        built[key] = _build(value_node, (*at, key), lines, path)
    return built


def _scalar(node: yaml.ScalarNode, path: Path) -> Any:
    text = str(node.value)
    if node.style:  # quoted or block text is text
        return text
    if text.lower() in _WORDS and text in (text.lower(), ""):
        return _WORDS[text]
    if text.lower() in _AMBIGUOUS:
        line = node.start_mark.line + 1
        raise KnowledgeError(
            (f"{path.name}:{line}: put {text!r} in quotes, or YAML readers will take it for a truth value",)
        )
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return float(text)
    return text
