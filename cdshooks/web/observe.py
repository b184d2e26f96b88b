"""Every request: its trace, its time, its line of life in the log. Source: OBS-03, OBS-04, LOG-01."""

from __future__ import annotations

import re
import time
from hashlib import sha256

from flask import Flask, Response, g, request

from cdshooks.trace import current_trace, read_trace
from cdshooks.web import metrics
from cdshooks.web.events import bind_hook, bind_request
from cdshooks.web.tracing import server_span

_REQUEST_ID = re.compile(r"[\w\-.]{1,64}\Z", re.ASCII)
_OUTCOMES = {412: "precondition", 503: "overload"}


def install_observation(app: Flask) -> None:
    """Begin a trace for each request and count it when it is answered, whatever the answer."""

    @app.before_request
    def begin() -> None:
        g.started = time.perf_counter()
        trace = read_trace(request.headers.get("traceparent"))
        current_trace.set(trace)
        bind_request(trace.trace_id)
        g.span = server_span(trace, request.method, _route())

    @app.after_request
    def end(answer: Response) -> Response:
        started = getattr(g, "started", None)
        if started is not None:
            seconds = time.perf_counter() - started
            metrics.observe(metrics.request_seconds, seconds, _route(), _method(), str(answer.status_code))
        if getattr(g, "service", None) is not None:
            metrics.count(metrics.calls, g.service, _outcome(answer.status_code))
        span = getattr(g, "span", None)
        if span is not None:
            span.end(answer.status_code)
        asked = request.headers.get("X-Request-Id", "")
        if _REQUEST_ID.match(asked):
            answer.headers["X-Request-Id"] = asked
        return answer


def observe_hook(service: str, hook_instance: str | None = None) -> None:
    """Count this request as a hook call of a service, and name it in the log by a hash of its hookInstance."""
    g.service = service
    if hook_instance is not None:
        bind_hook(sha256(hook_instance.lower().encode()).hexdigest()[:16])


def observe_outcome(outcome: str) -> None:
    """What came of the hook call: cards, none or suppressed."""
    g.outcome = outcome


def _outcome(status: int) -> str:
    if status in _OUTCOMES:
        return _OUTCOMES[status]
    if status >= 500:  # noqa: PLR2004 - HTTP
        return "error"
    return "refused" if status >= 400 else str(g.get("outcome", "none"))  # noqa: PLR2004 - HTTP


def _route() -> str:
    """The rule, never the path: a path is the caller's word and may be any."""
    return str(request.url_rule.rule) if request.url_rule is not None else "none"


def _method() -> str:
    return request.method if request.method in {"GET", "HEAD", "POST", "OPTIONS"} else "other"
