"""The audit events of pages that were shown, of hook calls, and of queries for them, as they lie in a store."""

from __future__ import annotations

import json

from cdshooks.store.audit_events import read_audit_events
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store


def events_of(folder):
    """(service, client, hash of the patient) of each event."""
    store = Store(open_engine(f"sqlite:///{folder}/store.db"))
    found = [json.loads(it) for it in read_audit_events(store, since=None, before=None)]
    store.engine.dispose()
    return [
        (it["entity"][0]["name"], it["agent"][0]["who"]["identifier"]["value"], _patient(it))
        for it in found
        if not _asked_of(it)
    ]


def queries_of(folder):
    """(way, type asked for) of each query to a FHIR server."""
    store = Store(open_engine(f"sqlite:///{folder}/store.db"))
    found = [json.loads(it) for it in read_audit_events(store, since=None, before=None)]
    store.engine.dispose()
    return [(it["entity"][0]["name"], kind) for it in found for kind in _asked_of(it)]


def _asked_of(event):
    things = [it["what"]["identifier"] for it in event["entity"]]
    return [it["value"] for it in things if it.get("system") == "http://hl7.org/fhir/resource-types"]


def _patient(event):
    return next(
        it["what"]["identifier"]["value"]
        for it in event["entity"]
        if it["what"]["identifier"].get("system") == "urn:cdshooks:patient-hash"
    )
