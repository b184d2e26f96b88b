"""The log as lines of JSON, also where a library writes to it. Source: LOG-01 to LOG-03."""

from __future__ import annotations

import json
import logging
from datetime import UTC, datetime

_LONGEST = 500
_QUOTES_THE_CALLER = "Invalid request"


class JsonLines(logging.Formatter):
    """Our own events are JSON already; of a library's message only the words are kept, never an exception's text."""

    def format(self, record: logging.LogRecord) -> str:
        """One line."""
        if record.name == "cdshooks":
            return record.getMessage()
        message = record.getMessage()
        if message.startswith(_QUOTES_THE_CALLER):
            message = _QUOTES_THE_CALLER  # gunicorn goes on with what was sent
        line = {
            "event": "library",
            "logger": record.name,
            "level": record.levelname.lower(),
            "timestamp": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="microseconds"),
            "message": message[:_LONGEST],
        }
        if record.exc_info and record.exc_info[0] is not None:
            line["kind"] = record.exc_info[0].__name__
        return json.dumps(line, ensure_ascii=True)


LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "cdshooks.json_lines.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": "WARNING", "handlers": ["stderr"]},
    "loggers": {
        "cdshooks": {"level": "INFO"},
        "gunicorn.error": {"level": "WARNING", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}
"""Everything on stderr; what libraries say below a warning is left out, and gunicorn's access log, for a path may hold anything."""
