"""Which FHIR server a hook call may ask, and until when; what is counted and logged of it. Source: OUT-01, OUT-05."""

from __future__ import annotations

import threading

from cdshooks.errors import BadHookRequestError
from cdshooks.fetching.addresses import Base, Resolver, policy_for, read_base
from cdshooks.fetching.server import FhirServer, FhirSession
from cdshooks.hooks.access_token import AccessToken
from cdshooks.hooks.clients import Client
from cdshooks.hooks.request import HookRequest
from cdshooks.settings import Settings
from cdshooks.trace import current_trace
from cdshooks.web import metrics
from cdshooks.web.events import log_event

_PATH = "$.fhirServer"
_ANSWERING_SHARE, _ANSWERING_SECONDS = 0.25, 0.5
"""What of the deadline is kept for what comes after fetching: a quarter, and no more than half a second."""
_MOST_DEV_SERVERS = 256


class Fetching:
    """The FHIR servers that this process has asked."""

    def __init__(self, settings: Settings, resolver: Resolver | None = None) -> None:
        self._is_dev = settings.is_dev
        seconds = settings.deadline_ms / 1000
        self._seconds = seconds - min(_ANSWERING_SECONDS, seconds * _ANSWERING_SHARE)
        self._resolver = resolver or Resolver()
        self._lock = threading.Lock()
        self._servers: dict[tuple[str, Base], FhirServer] = {}

    def source_for(self, caller: Client | None, request: HookRequest, *, began: float) -> FhirSession | None:
        """The server that may be asked for this call, which came at a moment of the monotonic clock; None: none may.

        Raises:
            BadHookRequestError: The call names a server that is not configured for its client.
        """
        if request.fhir_server is None:
            return None
        server = self._dev_server(request.fhir_server) if caller is None else self._server(caller, request.fhir_server)
        if server is None or not request.is_token_usable:
            return None
        return self._session(server, request.access_token, began)

    def source_of(self, client: Client, base: str, token: AccessToken, *, began: float) -> FhirSession | None:
        """The server of a client that one of its users has signed in to; None: it may not be asked.

        Raises:
            BadHookRequestError: The server is not configured for this client.
        """
        server = self._server(client, base)
        return None if server is None else self._session(server, token, began)

    def _session(self, server: FhirServer, token: AccessToken | None, began: float) -> FhirSession:
        trace = current_trace.get()
        return FhirSession(
            server=server,
            token=token,
            until=began + self._seconds,
            traceparent=trace.traceparent if trace is not None else None,
        )

    def close(self) -> None:
        """End all connections; a process that ends need not ask for it."""
        with self._lock:
            servers, self._servers = self._servers, {}
        for it in servers.values():
            it.close()

    def _server(self, client: Client, named: str) -> FhirServer | None:
        """A client may speak of its own FHIR servers only. Source: AUT-09, OUT-01."""
        if not client.fhir_servers:
            return None
        base = read_base(named)
        if base is None or base not in {read_base(it) for it in client.fhir_servers}:
            raise BadHookRequestError(_PATH, "this server is not configured for this client")
        return self._kept(client.name, base, client.fhir_networks)

    def _dev_server(self, named: str) -> FhirServer | None:
        """In dev mode the only servers asked are on this machine, and written so."""
        base = read_base(named)
        if not self._is_dev or base is None or not base.is_loopback or len(self._servers) >= _MOST_DEV_SERVERS:
            return None
        return self._kept("dev", base, ())

    def _kept(self, client: str, base: Base, networks: tuple[str, ...]) -> FhirServer:
        """One for each client and base: nothing of one client's connections is another's."""
        with self._lock:
            server = self._servers.get((client, base))
            if server is None:
                server = FhirServer(base, policy_for(base, networks), _Seen(), resolver=self._resolver)
                self._servers[client, base] = server
            return server


class _Seen:
    """Counts and logs; keys of queries, statuses and bases are configured or our own words."""

    def asked(self, key: str, status: str, seconds: float) -> None:
        metrics.fhir_seconds.labels(key, status).observe(seconds)

    def lacking(self, keys: tuple[str, ...], because: str) -> None:
        log_event("fhir-lacking", keys=",".join(keys), reason=because)

    def rests(self, base: str, *, is_resting: bool) -> None:
        metrics.fhir_circuit.labels(base).set(1 if is_resting else 0)
        log_event("fhir-rests" if is_resting else "fhir-back", server=base)
