"""One FHIR server as one client of ours uses it: its connections, its threads, its circuit. Source: OUT-01 to OUT-10, REL-02."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor, wait
from typing import Protocol

import httpcore
import msgspec

from cdshooks.ehr.source import Completeness, Fetched, Query
from cdshooks.fetching.addresses import AddressPolicy, Base, Resolver
from cdshooks.fetching.asked import AskedQueries, AskedQuery
from cdshooks.fetching.circuit import Circuit
from cdshooks.fetching.connections import open_pool
from cdshooks.fetching.limits import Budget, Limits
from cdshooks.fetching.query import Asking
from cdshooks.hooks.access_token import AccessToken

_MOST_THREADS = 64
_ENDING_SECONDS = 0.05
"""What a query needs to notice that its time is over."""
_RESTS = "the FHIR server is not asked for a moment, for it has failed"
_TOO_LATE = "the FHIR server did not answer in time"


class Watcher(Protocol):
    """Hears what happens with a server; nothing that it hears is of a patient."""

    def asked(self, key: str, status: str, seconds: float) -> None:
        """One request of a query was answered with this HTTP status, or came to this other end."""
        ...

    def lacking(self, keys: tuple[str, ...], because: str) -> None:
        """These queries were not answered whole, for one reason."""
        ...

    def rests(self, base: str, *, is_resting: bool) -> None:
        """The server is left alone from now on, or is asked again."""
        ...


class FhirServer:
    """Threads and connections are made with the first question: a process that was forked before has its own."""

    def __init__(
        self, base: Base, policy: AddressPolicy, watcher: Watcher, *, resolver: Resolver | None = None
    ) -> None:
        self.base, self.watcher = base, watcher
        self._policy, self._resolver = policy, resolver or Resolver()
        self._lock = threading.Lock()
        self._pool: httpcore.ConnectionPool | None = None
        self._threads: ThreadPoolExecutor | None = None
        self.circuit = Circuit(lambda is_resting: watcher.rests(base.url, is_resting=is_resting))

    @property
    def pool(self) -> httpcore.ConnectionPool:
        """The kept-alive connections."""
        with self._lock:
            if self._pool is None:
                self._pool = open_pool(self._policy, self._resolver)
            return self._pool

    def submit_all(
        self, work: Callable[[Query], Fetched], queries: Sequence[Query], seconds: float
    ) -> tuple[Fetched, ...]:
        """Run a query each in a thread; what has not begun by then never will, and what runs meets its own deadline."""
        with self._lock:
            if self._threads is None:
                self._threads = ThreadPoolExecutor(_MOST_THREADS, thread_name_prefix="fhir")
            running = [self._threads.submit(work, it) for it in queries]
        done, late = wait(running, max(0.0, seconds) + _ENDING_SECONDS)
        for it in late:
            it.cancel()
        return tuple(
            it.result() if it in done else Fetched(completeness=Completeness.FAILED, because=_TOO_LATE)
            for it in running
        )

    def close(self) -> None:
        """End its connections and threads."""
        with self._lock:
            pool, self._pool = self._pool, None
            threads, self._threads = self._threads, None
        if threads is not None:
            threads.shutdown(cancel_futures=True)
        if pool is not None:
            pool.close()


class FhirSession(msgspec.Struct, frozen=True, kw_only=True):
    """What one call may ask of one server. ``until`` is a moment of the monotonic clock after which nothing is asked any more."""

    server: FhirServer
    token: AccessToken | None
    until: float
    traceparent: str | None = None
    budget: Budget = msgspec.field(default_factory=lambda: Budget(Limits()))
    made: AskedQueries = msgspec.field(default_factory=AskedQueries)

    def asked(self) -> tuple[AskedQuery, ...]:
        """What this call has asked so far. Source: OBS-01."""
        return self.made.all()

    def fetch(self, queries: Sequence[Query]) -> tuple[Fetched, ...]:
        """Ask all queries side by side; the answers are in their order."""
        if not queries:
            return ()
        server = self.server
        if server.circuit.admits():
            asking = Asking(
                base=server.base,
                pool=server.pool,
                circuit=server.circuit,
                token=self.token,
                until=self.until,
                traceparent=self.traceparent,
                budget=self.budget,
                made=self.made,
                asked=server.watcher.asked,
            )
            answers = server.submit_all(asking.answer, queries, asking.seconds_left)
        else:
            answers = tuple(Fetched(completeness=Completeness.FAILED, because=_RESTS) for _ in queries)
        lacking: dict[str, list[str]] = {}
        for query, answer in zip(queries, answers, strict=True):
            if answer.completeness is not Completeness.WHOLE:
                lacking.setdefault(answer.because, []).append(query.key)
        for because, keys in lacking.items():
            server.watcher.lacking(tuple(dict.fromkeys(keys)), because)
        return answers
