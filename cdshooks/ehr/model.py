"""What reading FHIR may leave behind beside resources: the unreadable and the incomplete."""

from __future__ import annotations

import msgspec

from cdshooks.knowledge.ids import ResourceRef


class Unreadable(msgspec.Struct, frozen=True, kw_only=True):
    """A resource that could not be decoded; it costs itself only. ``reason`` holds no value of the record."""

    resource: ResourceRef
    reason: str


class Incomplete(msgspec.Struct, frozen=True, kw_only=True):
    """A query whose answer is partial or failed: further pages, an OperationOutcome, a page not followed.

    ``concerns_treatment`` says whether drugs may be missing, so that lines of therapy cannot be counted; ``may_add_lines`` that
    another query told of drugs, so that the lines known are a least.
    """

    query: str
    because: str
    concerns_treatment: bool = True
    may_add_lines: bool = False
