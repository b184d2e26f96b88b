"""The trace that a call belongs to, by W3C Trace Context. Source: OBS-03; https://www.w3.org/TR/trace-context/."""

from __future__ import annotations

import re
import secrets
from contextvars import ContextVar

import msgspec

_TRACEPARENT = re.compile(r"00-(?!0{32})([0-9a-f]{32})-(?!0{16})([0-9a-f]{16})-([0-9a-f]{2})\Z")
"""Version 00 alone: what a later version means is not known yet."""
_VERSION = "00"


class Trace(msgspec.Struct, frozen=True, kw_only=True):
    """The id of the whole trace, of the caller's part in it if there is one, and of ours."""

    trace_id: str
    parent_id: str | None
    span_id: str
    flags: str

    @property
    def traceparent(self) -> str:
        """What goes out with every call that we make for this one."""
        return f"{_VERSION}-{self.trace_id}-{self.span_id}-{self.flags}"


def read_trace(traceparent: str | None) -> Trace:
    """Go on with the caller's trace, or begin one when there is none or its header is not valid."""
    match = _TRACEPARENT.match(traceparent or "")
    if match is None:
        return Trace(trace_id=secrets.token_hex(16), parent_id=None, span_id=secrets.token_hex(8), flags="01")
    return Trace(trace_id=match[1], parent_id=match[2], span_id=secrets.token_hex(8), flags=match[3])


current_trace: ContextVar[Trace | None] = ContextVar("current_trace", default=None)
"""The trace of the call at hand; what runs for it in another thread must be given the context."""


def current_trace_id() -> str:
    """The id of the trace of this call; empty outside a call."""
    trace = current_trace.get()
    return trace.trace_id if trace is not None else ""
