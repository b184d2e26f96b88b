"""One HTTP/1 request as it arrives, byte by byte: whether it can be handed to a thread yet. Source: INP-01, INP-06, INP-08.

This only tells *when* a request is complete; gunicorn's parser alone decides what it says. Whatever is odd is handed on at once,
to be refused there.
"""

from __future__ import annotations

import re

LONGEST_HEAD = 64 * 1024
_LONGEST_CHUNK_LINE, _LONGEST_TRAILER = 8 * 1024, 16 * 1024
_SIZE = re.compile(rb"[0-9A-Fa-f]{1,12}(?=[ \t]*(?:;|\Z))")
_END = b"\r\n"


class Arrival:
    """The bytes of one request so far.

    ``is_ready``: no further byte is waited for. ``is_whole``: the request is complete, and another may follow on its connection.
    ``refusal``: the status with which it must be refused here, for a parser would go on reading. ``expects_continue``: the client
    waits for leave to send the body.
    """

    def __init__(self, most_body: int, begun: bytes = b"") -> None:
        self._most_body = most_body
        self._bytes = bytearray()
        self._at = 0
        self._body_seen = 0
        self._step = self._read_head
        self.is_ready = self.is_whole = self.expects_continue = self.has_head = False
        self.refusal: int | None = None
        if begun:
            self.add(begun)

    def __len__(self) -> int:
        return len(self._bytes)

    def add(self, piece: bytes) -> None:
        """Take in what was received; the work is in proportion to the piece."""
        self._bytes += piece
        while not self.is_ready and self._step():
            pass

    def split(self) -> tuple[bytes, bytes]:
        """The request, and what has arrived of the next one."""
        end = self._at if self.is_whole else len(self._bytes)
        with memoryview(self._bytes) as arrived:
            return bytes(arrived[:end]), bytes(arrived[end:])

    def _done(self, *, is_whole: bool) -> bool:
        self.is_ready, self.is_whole = True, is_whole
        return False

    def _refuse(self, status: int) -> bool:
        self.refusal = status
        return self._done(is_whole=False)

    def _read_head(self) -> bool:
        """Each step says whether it got on; False waits for more bytes."""
        end = self._bytes.find(_END * 2, self._at)
        if end < 0:
            self._at = max(0, len(self._bytes) - 3)
            return self._refuse(431) if len(self._bytes) > LONGEST_HEAD else False
        head = bytes(self._bytes[:end]).lower()
        self._at, self.has_head = end + 4, True
        fields = [it.partition(b":")[::2] for it in head.split(_END)[1:]]
        lengths = [value.strip() for name, value in fields if name == b"content-length"]
        codings = [value.strip() for name, value in fields if name == b"transfer-encoding"]
        self.expects_continue = any(name == b"expect" and value.strip() == b"100-continue" for name, value in fields)
        if codings:
            if codings != [b"chunked"] or lengths:
                return self._done(is_whole=False)
            self._step = self._read_chunk_line
            return True
        if not lengths:
            return self._done(is_whole=True)
        if len(lengths) > 1 or not lengths[0].isdigit() or len(lengths[0]) > 12:  # noqa: PLR2004 - no such body fits
            return self._done(is_whole=False)
        length = int(lengths[0])
        if length > self._most_body:
            return self._done(is_whole=False)
        self._at += length
        self._step = self._read_rest
        return True

    def _read_rest(self) -> bool:
        return self._done(is_whole=True) if len(self._bytes) >= self._at else False

    def _read_chunk_line(self) -> bool:
        end = self._bytes.find(_END, self._at, self._at + _LONGEST_CHUNK_LINE)
        if end < 0:
            return self._done(is_whole=False) if len(self._bytes) - self._at > _LONGEST_CHUNK_LINE else False
        size = _SIZE.match(self._bytes[self._at : end])
        if size is None:
            return self._done(is_whole=False)
        length = int(size[0], 16)
        self._body_seen += length
        # A body of tiny chunks costs as much to hold as a large one.
        if self._body_seen > self._most_body or end > 2 * self._most_body + LONGEST_HEAD:
            return self._refuse(413)
        self._at = end + 2
        if length == 0:
            self._step = self._read_trailer
            return True
        self._at += length + 2
        self._step = self._read_chunk
        return True

    def _read_chunk(self) -> bool:
        if len(self._bytes) < self._at:
            return False
        self._step = self._read_chunk_line
        return True

    def _read_trailer(self) -> bool:
        if self._bytes.startswith(_END, self._at):
            self._at += 2
            return self._done(is_whole=True)
        end = self._bytes.find(_END * 2, self._at)
        if end >= 0:
            self._at = end + 4
            return self._done(is_whole=True)
        return self._done(is_whole=False) if len(self._bytes) - self._at > _LONGEST_TRAILER else False
