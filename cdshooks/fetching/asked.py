"""What one call has asked of a FHIR server, query by query, for the record of who looked at what. Source: OBS-01."""

from __future__ import annotations

import threading

import msgspec

from cdshooks.ehr.source import Query


class AskedQuery(msgspec.Struct, frozen=True, kw_only=True):
    """What was asked for under one key: its type, in how many requests, and how the last was answered (0: it was not).

    Of several reads under one key, that which ended worst.
    """

    key: str
    kind: str
    requests: int
    status: int


class AskedQueries:
    """Written by the threads that ask; a request whose answer never came counts from its beginning."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._statuses: dict[Query, list[int]] = {}

    def begin(self, query: Query) -> int:
        """Note that a request is being sent; the number by which its answer is told."""
        with self._lock:
            statuses = self._statuses.setdefault(query, [])
            statuses.append(0)
            return len(statuses) - 1

    def end(self, query: Query, number: int, status: int) -> None:
        """Note the HTTP status of its answer."""
        with self._lock:
            self._statuses[query][number] = status

    def all(self) -> tuple[AskedQuery, ...]:
        """Each key once, in the order of their beginning."""
        with self._lock:
            sent = [(query, tuple(statuses)) for query, statuses in self._statuses.items()]
        found: dict[str, AskedQuery] = {}
        for query, statuses in sent:
            before = found.get(query.key)
            requests, last = len(statuses), statuses[-1]
            if before is not None:
                requests, last = requests + before.requests, max(last, before.status, key=_badness)
            found[query.key] = AskedQuery(key=query.key, kind=query.kind, requests=requests, status=last)
        return tuple(found.values())


def _badness(status: int) -> int:
    return status or 1000
