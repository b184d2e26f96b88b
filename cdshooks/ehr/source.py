"""What a FHIR server is asked for and what came of it; who asks, and how, is not known here. Source: P-13, OUT-07, REL-03."""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec


class Completeness(StrEnum):
    """How much of what a query asks for is there. ``not-offered``: the server knows no such search, as many lack one."""

    WHOLE = "whole"
    PART = "part"
    FAILED = "failed"
    NOT_OFFERED = "not-offered"


class Query(msgspec.Struct, frozen=True, kw_only=True):
    """A read or search under the base of a FHIR server.

    ``key`` names it in metrics, logs and cards; ``plain_path`` is asked for when the server refuses the parameters by which
    ``path`` saves further queries; ``next_page`` is the link at which an answer that was begun elsewhere goes on.
    """

    key: str
    kind: str
    path: str
    plain_path: str | None = None
    next_page: str | None = None


class Fetched(msgspec.Struct, frozen=True, kw_only=True):
    """The pages of an answer, and in a few words why there are no more of them."""

    pages: tuple[bytes, ...] = ()
    completeness: Completeness = Completeness.WHOLE
    because: str = ""


class FhirSource(Protocol):
    """Where resources come from that were not prefetched."""

    def fetch(self, queries: Sequence[Query]) -> tuple[Fetched, ...]:
        """Ask all queries side by side; the answers are in their order. A query that fails is an answer, not an error."""
        ...
