"""The audit events of pages that were shown, and of hook calls, as they lie in a store."""

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
    return [(it["entity"][0]["name"], it["agent"][0]["who"]["identifier"]["value"], _patient(it)) for it in found]


def _patient(event):
    return next(
        it["what"]["identifier"]["value"]
        for it in event["entity"]
        if it["what"]["identifier"].get("system") == "urn:cdshooks:patient-hash"
    )
