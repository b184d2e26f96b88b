"""One patient on one day in one jurisdiction: all that a criterion may look at."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from datetime import date
from typing import Any

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


class Answer(msgspec.Struct, frozen=True, gc=False):
    """The answer to a predicate: what was observed (for the reader), which fact is missing, and on what it rests."""

    outcome: Outcome
    observed: tuple[str, ...] = ()
    missing: FactId | None = None
    evidence: tuple[ResourceRef, ...] = ()
    recovers_on: PartialDate | None = None
    """The day from which a failure that time heals is over."""


Bound = frozenset[AgentId]
"""The components of a regimen that a criterion is about."""
