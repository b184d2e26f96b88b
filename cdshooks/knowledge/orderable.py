"""Tests and procedures that can be ordered to fill a gap."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import FactId


class Code(msgspec.Struct, frozen=True, kw_only=True):
    """The code of a test, of our own code tables."""

    system: str
    code: str
    display: str


class OrderableTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test: the facts that it makes known, a short label, and the words of the request."""

    id: str
    fills: tuple[FactId, ...]
    label: str
    text: str
    code: Code | None = None


def load_tests(facts: Collection[FactId], overlay: Path | None = None) -> tuple[OrderableTest, ...]:
    """Read the tests in their order.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    tests: list[OrderableTest] = []
    faults: list[str] = []
    for key, entry in read_entries("tests", overlay).by_id.items():
        test = msgspec.convert(entry.content, OrderableTest)
        faults += [
            f"{entry.file}:{entry.line}: tests {key!r} fills the unknown fact {fact!r}"
            for fact in test.fills
            if fact not in facts
        ]
        tests.append(test)
    if faults:
        raise KnowledgeError(tuple(faults))
    return tuple(tests)
