"""The body of a call."""

from __future__ import annotations

from flask import Request

from cdshooks.errors import BodyTooLargeError, UnsupportedMediaError


def read_body(incoming: Request, most_bytes: int) -> bytes:
    """The body, counted while it is read: a chunked one is not cut but refused. Source: INP-01, INP-05.

    Raises:
        BodyTooLargeError: It has more bytes.
        UnsupportedMediaError: It is not sent as JSON, or it is encoded.
    """
    media = incoming.mimetype or ""
    is_json = media == "application/json" or media.endswith("+json")
    if not is_json or incoming.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaError
    if incoming.content_length is not None and incoming.content_length > most_bytes:
        raise BodyTooLargeError
    body = incoming.stream.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise BodyTooLargeError
    return body
