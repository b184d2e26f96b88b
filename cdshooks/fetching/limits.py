"""How much one call may fetch, whatever a server offers. Source: OUT-06."""

from __future__ import annotations

import threading

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """The most that is read. Pages and entries are more than OUT-06 proposes: twenty years of results are 5,000 resources."""

    bytes_of_an_answer: int = 10 * 1024 * 1024
    bytes_of_a_call: int = 20 * 1024 * 1024
    pages_of_a_query: int = 50
    entries_of_a_call: int = 10_000
    requests_of_a_call: int = 150


class Budget:
    """What is left of the limits for one call, shared by its queries."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._lock = threading.Lock()
        self._bytes, self._entries, self._requests = (
            limits.bytes_of_a_call,
            limits.entries_of_a_call,
            limits.requests_of_a_call,
        )

    def spend(self, *, size: int = 0, entries: int = 0, requests: int = 0) -> bool:
        """Take from what is left; False when it does not suffice."""
        with self._lock:
            self._bytes -= size
            self._entries -= entries
            self._requests -= requests
            return min(self._bytes, self._entries, self._requests) >= 0
