"""An address of its own for who reads the metrics: there is nothing else of the service, and the metrics are nowhere else.

The network can then let Prometheus in without letting it call, and callers without letting them read. All workers listen on both
addresses, so a scrape sums over workers as ever. Source: OBS-02.
"""

from __future__ import annotations

from typing import Any

from flask import Flask, abort, request

_METRICS = "/metrics"
_FOR_OPERATORS = frozenset({_METRICS, "/healthz", "/readyz", "/version"})


def install_metrics_address(app: Flask, port: int | None) -> None:
    """Keep the two addresses apart by the port that a connection came to; without a port there is one address for all."""
    if port is None:
        return

    @app.before_request
    def stay_apart() -> None:
        rule = request.url_rule.rule if request.url_rule is not None else None
        is_there = _port_of(request.environ) == port
        if (is_there and rule not in _FOR_OPERATORS) or (not is_there and rule == _METRICS):
            abort(404)


def _port_of(environ: dict[str, Any]) -> int | None:
    """By the connection itself: what WSGI calls the server's port may be made of the caller's Host header."""
    connection = environ.get("gunicorn.socket")
    address = connection.getsockname() if connection is not None else None
    return address[1] if isinstance(address, tuple) else None
