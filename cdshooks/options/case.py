"""One patient on one day in one jurisdiction: all that a criterion may look at, and what it answers."""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Iterator, Mapping
from datetime import date
from typing import Any, Protocol, TypeAlias

import msgspec

from cdshooks.knowledge.ids import AgentId, FactId, ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.model import LineHistory
from cdshooks.options.model import Fact, Outcome
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import PatientRecord


class Case(msgspec.Struct, frozen=True, kw_only=True):
    """The patient's record, lines and facts, with the knowledge, the day and the place."""

    record: PatientRecord
    lines: LineHistory
    facts: Mapping[FactId, Fact]
    knowledge: Knowledge
    as_of: date
    jurisdiction: str
    shared: dict[tuple[str, Hashable], Any] = {}
    """What several criteria need to know alike, worked out once for this patient."""

    def fact(self, fact_id: FactId) -> Fact:
        """The fact of this id; an unknown one when nothing derives it."""
        return self.facts.get(fact_id) or Fact(id=fact_id, value=None)


class Told(Protocol):
    """What was observed: a text, or what is put into words when someone reads it."""

    def __str__(self) -> str: ...


Ground: TypeAlias = "ResourceRef | tuple[Ground, ...]"
"""A resource that an answer rests on; those of several answers together stay as they are until someone reads them."""


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The answer to a predicate: what was observed (for the reader), which fact is missing, and on what it rests."""

    outcome: Outcome
    told: tuple[Told | tuple[Told, ...], ...] = ()
    missing: FactId | None = None
    grounds: tuple[Ground, ...] = ()
    recovers_on: PartialDate | None = None
    """The day from which a failure that time heals is over."""

    @property
    def observed(self) -> tuple[str, ...]:
        """What was observed, in words."""
        return in_words(self.told)

    @property
    def each(self) -> Iterator[Told]:
        """What was observed, each by itself."""
        return _flat(self.told)

    @property
    def evidence(self) -> tuple[ResourceRef, ...]:
        """The resources that it rests on."""
        return evidence_of(self.grounds)


def in_words(told: tuple[Told | tuple[Told, ...], ...]) -> tuple[str, ...]:
    """What was observed, as text; what several answers tell alike is told once."""
    if any(type(it) is tuple for it in told):
        return tuple(dict.fromkeys(map(str, _flat(told))))
    return tuple(map(str, told))


def evidence_of(grounds: tuple[Ground, ...]) -> tuple[ResourceRef, ...]:
    """The resources that answers rest on; one that several name is named once."""
    if any(type(it) is tuple for it in grounds):
        return tuple(dict.fromkeys(_flat(grounds)))
    return grounds  # type: ignore[return-value]  # none of them is a tuple


def _flat(parts: Iterable[Any]) -> Iterator[Any]:
    for part in parts:
        if type(part) is tuple:
            yield from _flat(part)
        else:
            yield part


Bound = frozenset[AgentId]
"""The components of a regimen that a criterion is about."""
