"""gunicorn's threaded worker, save that a thread is given only what has arrived whole. Source: INP-01, INP-08, REL-04.

gunicorn's own reads requests in its threads, so as many clients as there are threads could stop a worker by sending slowly.
Here the loop that accepts connections also receives, and closes what takes too long; it also waits for the client to take note
of an answer to a request that was not read to its end. Over TLS, which belongs to the proxy, all is as gunicorn does it.
"""

from __future__ import annotations

import contextlib
import errno
import os
import selectors
import socket
import time
from functools import partial
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http import wsgi as gunicorn_wsgi
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from cdshooks.settings import read_server_settings
from cdshooks.web.arriving import Arrival

gunicorn_wsgi.SERVER = "cdshooks"  # what the service is made of is nobody's business (INP-07)
_PIECE = 1024 * 1024
_LINGER_SECONDS = 2.0
_STOPPING_SECONDS = 5.0
_ANSWER_SECONDS = 10.0
"""A client that does not take its answer within this time has gone away, or wants the thread that waits for it."""
_BETWEEN_LOOKS = 0.25
_REASONS = {
    408: "Request Timeout",
    413: "Content Too Large",
    431: "Request Header Fields Too Large",
    503: "Service Unavailable",
}
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


class _Arrived(SocketUnreader):  # type: ignore[misc]  # gunicorn has no types
    """What has arrived, then the end: a thread never waits for the network."""

    def __init__(self, arrived: bytes) -> None:
        super().__init__(None)
        self._arrived, self._at = arrived, 0

    def chunk(self, size_hint: int | None = None) -> bytes:
        """In pieces, for the parser's work on a piece grows with its length."""
        size = min(max(size_hint or 0, self.mxchunk), self.max_body_chunk)
        piece = self._arrived[self._at : self._at + size]
        self._at += len(piece)
        return piece


class _Connection(TConn):  # type: ignore[misc]  # gunicorn has no types
    """A connection and the request that arrives on it; ``deadline`` is when whatever is waited for takes too long."""

    arrival: Arrival
    rest: bytes = b""
    deadline: float
    counted: int = 0
    is_whole: bool = True
    to_discard: int = 0


class ReceivingWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn has no types
    """Receives requests on its loop and answers them in its threads."""

    def init_process(self) -> None:
        """Read the limits, then run."""
        self._limits = read_server_settings(os.environ, [])
        self._most_held = self._limits.most_body_bytes * (self._limits.most_in_flight + 4)
        self._held = 0
        self._receiving: dict[int, _Connection] = {}
        self._lingering: dict[int, _Connection] = {}
        self._looked = 0.0
        super().init_process()

    def accept(self, listener: socket.socket) -> None:
        """Take a connection; when there are too many, the one that has kept us waiting longest goes."""
        if self.cfg.is_ssl:
            super().accept(listener)
            return
        try:
            accepted, address = listener.accept()
        except OSError as error:
            if error.errno not in {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK}:
                raise
            return
        if self.nr_conns >= self.worker_connections - self.cfg.threads:
            self._evict()
        self.nr_conns += 1
        connection = _Connection(self.cfg, accepted, address, listener.getsockname())
        connection.parser = get_parser(self.cfg, accepted, address)
        connection.initialized = connection.data_ready = True
        self._receive(connection)

    def handle_request(self, req: Any, conn: Any) -> Any:
        """Answer in a thread, for as long as a client may take its answer."""
        conn.sock.settimeout(_ANSWER_SECONDS)
        if not getattr(conn, "is_whole", True):
            req.force_close()
        return super().handle_request(req, conn)

    def finish_request(self, conn: Any, fs: Any) -> None:
        """Back on the loop: receive the next request, or close."""
        if not isinstance(conn, _Connection):
            super().finish_request(conn, fs)
            return
        self._uncount(conn)
        is_kept = not fs.cancelled() and fs.exception() is None and fs.result()
        if is_kept and conn.is_whole:
            self._receive(conn)
        else:
            self._linger(conn)

    def murder_keepalived(self, force: bool = False) -> None:  # noqa: FBT001, FBT002 - gunicorn's own signature
        """Close what takes too long."""
        super().murder_keepalived(force)
        now = time.monotonic()
        if not force and now - self._looked < _BETWEEN_LOOKS:
            return
        self._looked = now
        for connection in [it for it in self._receiving.values() if force or it.deadline <= now]:
            self._give_up(connection, 408)
        for connection in [it for it in self._lingering.values() if force or it.deadline <= now]:
            self._close(connection)

    def _cap_keepalive(self, deadline: float) -> None:
        """A stopping worker waits for requests that have begun, and a moment for those that a client may be sending."""
        super()._cap_keepalive(deadline)
        for it in self._receiving.values():
            begun = deadline - STOP_KEEPALIVE_LINGER + _STOPPING_SECONDS
            it.deadline = min(it.deadline, begun if len(it.arrival) else deadline)

    def _receive(self, connection: _Connection) -> None:
        """Wait for a request, which may have begun to arrive behind the one before it."""
        begun, connection.rest = connection.rest, b""
        connection.arrival = Arrival(self._limits.most_body_bytes, begun)
        self._count(connection, len(begun))
        if connection.arrival.is_ready:
            self._hand_over(connection)
            return
        if begun:
            seconds: float = self._limits.header_seconds
        elif connection.parser.req_count:
            seconds = self.cfg.keepalive if self.alive else STOP_KEEPALIVE_LINGER
        else:
            seconds = self._limits.header_seconds
        connection.deadline = time.monotonic() + seconds
        connection.sock.settimeout(0)
        self._receiving[connection.sock.fileno()] = connection
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_receivable, connection))

    def _on_receivable(self, connection: _Connection, _: Any) -> None:
        try:
            piece = connection.sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        if not piece:
            self._forget(connection)
            self._close(connection)
            return
        arrival, now = connection.arrival, time.monotonic()
        if not len(arrival):
            connection.deadline = now + self._limits.header_seconds
        had_head = arrival.has_head
        arrival.add(piece)
        self._count(connection, len(piece))
        if arrival.refusal is not None:
            self._give_up(connection, arrival.refusal)
        elif arrival.is_ready:
            self._forget(connection)
            self._hand_over(connection)
        elif self._held > self._most_held:
            self._evict()
        elif arrival.has_head and not had_head:
            connection.deadline = now + self._limits.body_seconds
            if arrival.expects_continue:
                with contextlib.suppress(OSError):
                    connection.sock.send(_CONTINUE)

    def _hand_over(self, connection: _Connection) -> None:
        request, connection.rest = connection.arrival.split()
        connection.is_whole = connection.arrival.is_whole
        connection.parser.unreader = _Arrived(request)
        self.enqueue_req(connection)

    def _evict(self) -> None:
        """Refuse the request that has been arriving longest: an honest one takes milliseconds."""
        if self._receiving:
            self._give_up(next(iter(self._receiving.values())), 503)

    def _give_up(self, connection: _Connection, status: int) -> None:
        """Refuse a request that has not arrived; a connection on which none has begun is just closed."""
        self._forget(connection)
        self._uncount(connection)
        if not len(connection.arrival):
            self._close(connection)
            return
        with contextlib.suppress(OSError):
            connection.sock.send(_refusal(status))
        self._linger(connection)

    def _linger(self, connection: _Connection) -> None:
        """Let the client read the answer: closing while it still sends would take the answer from it (RFC 9112, 9.6)."""
        try:
            connection.sock.settimeout(0)
            connection.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._close(connection)
            return
        connection.deadline = time.monotonic() + _LINGER_SECONDS
        connection.to_discard = 2 * self._limits.most_body_bytes
        self._lingering[connection.sock.fileno()] = connection
        self.poller.register(connection.sock, selectors.EVENT_READ, partial(self._on_discardable, connection))

    def _on_discardable(self, connection: _Connection, _: Any) -> None:
        try:
            piece = connection.sock.recv(_PIECE)
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            piece = b""
        connection.to_discard -= len(piece)
        if not piece or connection.to_discard < 0:
            self._close(connection)

    def _forget(self, connection: _Connection) -> None:
        del self._receiving[connection.sock.fileno()]
        self.poller.unregister(connection.sock)

    def _close(self, connection: _Connection) -> None:
        if self._lingering.pop(connection.sock.fileno(), None) is not None:
            self.poller.unregister(connection.sock)
        self._uncount(connection)
        self.nr_conns -= 1
        connection.close()

    def _count(self, connection: _Connection, size: int) -> None:
        connection.counted += size
        self._held += size

    def _uncount(self, connection: _Connection) -> None:
        self._held -= connection.counted
        connection.counted = 0


def _refusal(status: int) -> bytes:
    """An answer to a request that no application has seen."""
    words = _REASONS[status]
    body = (
        '{"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"processing",'
        f'"diagnostics":"{words}."}}]}}'
    )
    retry = "Retry-After: 1\r\n" if status == 503 else ""  # noqa: PLR2004 - HTTP
    head = (
        f"HTTP/1.1 {status} {words}\r\nConnection: close\r\nContent-Type: application/fhir+json\r\n{retry}"
        f"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return (head + body).encode()
