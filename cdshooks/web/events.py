"""The catalogue of log events: id, level, sentence, allowed fields. No event has a field that could hold patient data."""

from __future__ import annotations

import json
import logging

_LOG = logging.getLogger("cdshooks")

EVENTS: dict[str, tuple[int, str, frozenset[str]]] = {
    "started": (logging.INFO, "The service is ready.", frozenset({"version", "knowledge", "jurisdiction", "dev"})),
    "dev-mode": (
        logging.WARNING,
        "DEV MODE: no client has to prove who it is. Never use this with real patients.",
        frozenset(),
    ),
    "answered": (
        logging.INFO,
        "A hook call was answered.",
        frozenset({"service", "hook_instance", "cards", "silenced", "milliseconds"}),
    ),
    "request-refused": (logging.INFO, "A request is not valid.", frozenset({"error_id", "path"})),
    "data-missing": (logging.INFO, "Required data was not sent.", frozenset({"error_id", "keys"})),
    "client-refused": (logging.WARNING, "A client did not prove who it is.", frozenset({"reason"})),
    "overloaded": (logging.WARNING, "A call could not be answered now.", frozenset({"error_id"})),
    "defect": (logging.ERROR, "An internal fault.", frozenset({"error_id", "kind", "at"})),
}


def log_event(event: str, **fields: str | float | bool) -> None:
    """Write one event of the catalogue as a line of JSON.

    Raises:
        KeyError: The event or a field is not in the catalogue.
    """
    level, sentence, allowed = EVENTS[event]
    unknown = set(fields) - allowed
    if unknown:
        raise KeyError(f"event {event!r} has no field {sorted(unknown)}")
    _LOG.log(level, "%s", json.dumps({"event": event, "message": sentence, **fields}, ensure_ascii=True))
