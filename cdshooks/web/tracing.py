"""OpenTelemetry spans, when an OTLP endpoint is configured; else nothing of it is even loaded. Source: OBS-03."""

from __future__ import annotations

import importlib.util
import os
import threading
from typing import Any

import msgspec

from cdshooks.trace import Trace

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_SERVER_FAULT = 500
_lock = threading.Lock()
_tracer: Any = None


class ServerSpan(msgspec.Struct, kw_only=True):
    """Our part of a trace, from request to answer; it says how and how long, never of whom."""

    span: Any

    def end(self, status: int) -> None:
        """Close the span with the status of the answer."""
        self.span.set_attribute("http.response.status_code", status)
        if status >= _SERVER_FAULT:
            self.span.set_attribute("error.type", str(status))
        self.span.end()


def is_tracing() -> bool:
    """Whether spans are to be sent anywhere."""
    return any(os.environ.get(it, "").strip() for it in _ENDPOINTS)


def tracing_faults() -> tuple[str, ...]:
    """What stands in the way of tracing, in plain words."""
    if is_tracing() and importlib.util.find_spec("opentelemetry.exporter") is None:
        return (f"{_ENDPOINTS[0]}: traces need OpenTelemetry; install cdshooks[otel], or unset the variable.",)
    return ()


def server_span(trace: Trace, method: str, route: str) -> ServerSpan | None:
    """Begin our span of this trace; None when nobody collects spans."""
    if not is_tracing():
        return None
    from opentelemetry import trace as api  # noqa: PLC0415 - loaded only when configured

    attributes = {"http.request.method": method, "http.route": route}
    span = _the_tracer().start_span(f"{method} {route}", _context(trace), api.SpanKind.SERVER, attributes)
    return ServerSpan(span=span)


def _context(trace: Trace) -> Any:
    """The caller's span as the parent, if there is one."""
    from opentelemetry import trace as api  # noqa: PLC0415

    parent = api.SpanContext(
        trace_id=int(trace.trace_id, 16),
        span_id=int(trace.parent_id or trace.span_id, 16),
        is_remote=True,
        trace_flags=api.TraceFlags(int(trace.flags, 16)),
    )
    return api.set_span_in_context(api.NonRecordingSpan(parent))


def _the_tracer() -> Any:
    """One exporter for each worker process, begun with its first request: its thread would not survive a fork."""
    global _tracer  # noqa: PLW0603 - one for the process
    with _lock:
        if _tracer is None:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter  # noqa: PLC0415
            from opentelemetry.sdk.resources import Resource  # noqa: PLC0415
            from opentelemetry.sdk.trace import TracerProvider  # noqa: PLC0415
            from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415

            provider = TracerProvider(resource=Resource.create({"service.name": "cdshooks"}))
            provider.add_span_processor(BatchSpanProcessor(OTLPSpanExporter()))
            _tracer = provider.get_tracer("cdshooks")
        return _tracer
