"""The catalogue of log events: id, level, sentence, allowed fields. No event has a field that could hold patient data.

Each line is one JSON object. ``request`` is the id of the trace that the call belongs to, ``hook`` a hash of its hookInstance.
Source: LOG-01 to LOG-03, OBS-03.
"""

from __future__ import annotations

import logging

import structlog

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
        frozenset({"service", "client", "cards", "silenced", "milliseconds"}),
    ),
    "feedback-kept": (
        logging.INFO,
        "Answers to cards were kept.",
        frozenset({"service", "client", "answers", "repeated"}),
    ),
    "request-refused": (logging.INFO, "A request is not valid.", frozenset({"error_id", "path"})),
    "data-missing": (logging.INFO, "Required data was neither sent nor to be had.", frozenset({"error_id", "keys"})),
    "fhir-lacking": (logging.WARNING, "A FHIR server did not answer a query whole.", frozenset({"keys", "reason"})),
    "fhir-rests": (
        logging.ERROR,
        "A FHIR server has failed repeatedly and is not asked for a moment.",
        frozenset({"server"}),
    ),
    "fhir-back": (logging.INFO, "A FHIR server is asked again.", frozenset({"server"})),
    "client-refused": (logging.WARNING, "A client did not prove who it is.", frozenset({"reason"})),
    "smart-signed-in": (logging.INFO, "A user of a client opened the page of a patient.", frozenset({"client"})),
    "smart-refused": (logging.WARNING, "A launch of the page was refused.", frozenset({"reason"})),
    "overloaded": (logging.WARNING, "A call could not be answered now.", frozenset({"error_id"})),
    "overdue": (logging.WARNING, "A record takes longer to read than a call may take.", frozenset({"error_id"})),
    "store-unavailable": (
        logging.ERROR,
        "The store cannot be read or written: hook calls are answered, but not remembered; feedback is refused.",
        frozenset({"kind", "operation"}),
    ),
    "store-back": (logging.INFO, "The store can be read and written again.", frozenset()),
    "hash-key-lost": (
        logging.WARNING,
        "No key of patient hashes can be kept: after a restart no earlier answer is known again.",
        frozenset({"kind"}),
    ),
    "hash-key-local": (
        logging.WARNING,
        "The key of patient hashes is this machine's alone; set CDSHOOKS_HASH_KEY so that replicas know a patient again.",
        frozenset(),
    ),
    "draining": (logging.INFO, "The service was told to stop and answers for a moment longer.", frozenset({"seconds"})),
    "canary-failed": (logging.ERROR, "A canary came out wrong: cards are withheld.", frozenset({"reason"})),
    "switches-faulty": (logging.ERROR, "The file of switches is faulty: cards are withheld.", frozenset({"reason"})),
    "switched-off": (logging.WARNING, "Something is switched off.", frozenset({"reason"})),
    "withheld": (logging.WARNING, "A call was not answered.", frozenset({"error_id", "reason"})),
    "shadow-mode": (logging.WARNING, "SHADOW MODE: cards are evaluated and recorded, none is shown.", frozenset()),
    "shadowed": (logging.INFO, "Cards were evaluated and not shown.", frozenset({"service", "cards"})),
    "defect": (logging.ERROR, "An internal fault.", frozenset({"error_id", "kind", "at"})),
}
_LONGEST_FIELD = 500

structlog.configure(
    processors=[
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.JSONRenderer(ensure_ascii=True),
    ],
    logger_factory=structlog.stdlib.LoggerFactory(),
    wrapper_class=structlog.stdlib.BoundLogger,
    cache_logger_on_first_use=True,
)
_log: structlog.stdlib.BoundLogger = structlog.get_logger("cdshooks")


def bind_request(request: str) -> None:
    """From here on, every event of this call carries the id of its trace."""
    structlog.contextvars.clear_contextvars()
    structlog.contextvars.bind_contextvars(request=request)


def bind_hook(hook: str) -> None:
    """From here on, every event of this call carries a hash of its hookInstance."""
    structlog.contextvars.bind_contextvars(hook=hook)


def log_event(event: str, **fields: str | float | bool) -> None:
    """Write one event of the catalogue as a line of JSON.

    Raises:
        KeyError: The event or a field is not in the catalogue.
    """
    level, sentence, allowed = EVENTS[event]
    unknown = set(fields) - allowed
    if unknown:
        raise KeyError(f"event {event!r} has no field {sorted(unknown)}")
    bounded = {name: it[:_LONGEST_FIELD] if isinstance(it, str) else it for name, it in fields.items()}
    _log.log(level, event, message=sentence, **bounded)
