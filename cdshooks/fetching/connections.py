"""Connections to checked addresses, none of whose steps lasts beyond the call. Source: OUT-01, OUT-04, OUT-05; REL-02.

httpcore is used by itself: it follows no redirect, reads no environment, keeps no cookie and unpacks nothing. A time-out in it is
handed to each read and write by itself, so a server that drips would never meet one. All time-outs that are given to it here are
therefore moments of the monotonic clock by which everything must be over; the streams below turn them into what is left.
"""

from __future__ import annotations

import ssl
import time
from collections.abc import Iterable
from typing import Any

import httpcore

from cdshooks.fetching.addresses import AddressPolicy, ForbiddenAddressError, Resolver

_LONGEST_CONNECT_SECONDS = 0.3
_MOST_CONNECTIONS, _IDLE_CONNECTIONS, _IDLE_SECONDS = 64, 32, 30.0


class ForbiddenConnectionError(httpcore.ConnectError):
    """The name of the server leads to no address that may be connected to."""


def open_pool(policy: AddressPolicy, resolver: Resolver) -> httpcore.ConnectionPool:
    """The kept-alive connections to one server."""
    return httpcore.ConnectionPool(
        ssl_context=ssl.create_default_context(),
        max_connections=_MOST_CONNECTIONS,
        max_keepalive_connections=_IDLE_CONNECTIONS,
        keepalive_expiry=_IDLE_SECONDS,
        network_backend=_CheckedBackend(policy, resolver),
    )


def _left(until: float | None) -> float:
    left = (until or 0.0) - time.monotonic()
    if left <= 0:
        raise httpcore.ReadTimeout
    return left


class _CheckedBackend(httpcore.NetworkBackend):
    """Connects to the very address that was checked: between a check by name and a connection by name, names may change."""

    def __init__(self, policy: AddressPolicy, resolver: Resolver) -> None:
        self._policy, self._resolver = policy, resolver
        self._sockets = httpcore.SyncBackend()

    def connect_tcp(
        self,
        host: str,
        port: int,
        timeout: float | None = None,
        local_address: str | None = None,
        socket_options: Iterable[Any] | None = None,
    ) -> httpcore.NetworkStream:
        del local_address
        _left(timeout)
        try:
            addresses = self._resolver.addresses(host, port, self._policy, timeout or 0.0)
        except ForbiddenAddressError:
            raise ForbiddenConnectionError from None
        except TimeoutError:
            raise httpcore.ConnectTimeout from None
        except OSError:
            raise httpcore.ConnectError from None
        fault: Exception = httpcore.ConnectError()
        for address in addresses:
            seconds = min(_LONGEST_CONNECT_SECONDS, _left(timeout))
            try:
                stream = self._sockets.connect_tcp(address, port, seconds, socket_options=socket_options)
            except (httpcore.ConnectError, httpcore.ConnectTimeout) as error:
                fault = error
                continue
            return _TimedStream(stream)
        raise fault


class _TimedStream(httpcore.NetworkStream):
    """A stream whose time-outs are moments."""

    def __init__(self, stream: httpcore.NetworkStream) -> None:
        self._stream = stream

    def read(self, max_bytes: int, timeout: float | None = None) -> bytes:
        return self._stream.read(max_bytes, _left(timeout))

    def write(self, buffer: bytes, timeout: float | None = None) -> None:
        self._stream.write(buffer, _left(timeout))

    def close(self) -> None:
        self._stream.close()

    def start_tls(
        self, ssl_context: ssl.SSLContext, server_hostname: str | None = None, timeout: float | None = None
    ) -> httpcore.NetworkStream:
        return _TimedStream(self._stream.start_tls(ssl_context, server_hostname, _left(timeout)))

    def get_extra_info(self, info: str) -> Any:
        return self._stream.get_extra_info(info)
