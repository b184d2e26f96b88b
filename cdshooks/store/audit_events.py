"""Audit events: written once, never changed, read in the order of their writing. Source: OBS-01."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

import sqlalchemy as sa

from cdshooks.store.store import Store
from cdshooks.store.tables import audit_events

_EVENT = sa.insert(audit_events).inline()  # nobody asks for the number that it gets


def add_audit_event(connection: sa.Connection, *, kind: str, resource: bytes, recorded_at: datetime) -> None:
    """Append one FHIR AuditEvent within the transaction of what it tells of."""
    connection.execute(_EVENT, {"kind": kind, "resource": resource.decode(), "recorded_at": recorded_at})


def read_audit_events(store: Store, *, since: datetime | None = None, before: datetime | None = None) -> Iterator[str]:
    """The events of a span of time, oldest first, one FHIR resource each.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    wanted = sa.select(audit_events.c.resource).order_by(audit_events.c.id)
    if since is not None:
        wanted = wanted.where(audit_events.c.recorded_at >= since)
    if before is not None:
        wanted = wanted.where(audit_events.c.recorded_at < before)
    with store.reading() as connection:
        yield from connection.execution_options(yield_per=1000).execute(wanted).scalars()
