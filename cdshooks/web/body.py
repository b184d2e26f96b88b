"""The body of a call, within bounds that are checked before anything is read of it. Source: INP-01, INP-02, INP-05."""

from __future__ import annotations

import re

import msgspec
from flask import Request
from gunicorn.http.errors import ParseException

from cdshooks.errors import BadHookRequestError, BodyTooLargeError, UnsupportedMediaError

LONGEST_TEXT = 64 * 1024
"""In characters. Narratives and attachments may be longer, for nobody reads them here; any other text is searched for words."""
_BLOCK = LONGEST_TEXT // 2
_BEFORE_NARRATIVE = re.compile(rb'"(?:div|data)"\s*:\s*\Z')
_SEPARATORS = (b",", b"{", b"[")
_LEAST_OF_RESOURCE, _LEAST_OF_VALUE = len(b'"resourceType":""'), len(b"0,")
"""In bytes: a shorter body cannot hold more than is allowed, and is not counted."""


class Bounds(msgspec.Struct, frozen=True, kw_only=True):
    """How much of each a body may hold."""

    most_bytes: int
    most_resources: int = 20_000
    most_values: int = 1_000_000
    """Each costs memory beyond its text: eight megabytes of empty lists would be two hundred."""


def read_body(incoming: Request, bounds: Bounds) -> bytes:
    """The body, counted while it is read: a chunked one is not cut but refused.

    Raises:
        BodyTooLargeError: It has more bytes, resources or values.
        UnsupportedMediaError: It is not sent as JSON, or it is encoded.
        BadHookRequestError: It was not sent to its end, or holds a text that no record needs.
    """
    media = incoming.mimetype or ""
    is_json = media == "application/json" or media.endswith("+json")
    if not is_json or incoming.headers.get("Content-Encoding", "identity") != "identity":
        raise UnsupportedMediaError
    if incoming.content_length is not None and incoming.content_length > bounds.most_bytes:
        raise BodyTooLargeError
    try:
        body = incoming.stream.read(bounds.most_bytes + 1)
    except (OSError, ParseException):
        raise BadHookRequestError("$", "the body was not sent as HTTP asks, or not to its end") from None
    if len(body) > bounds.most_bytes:
        raise BodyTooLargeError
    check_extent(body, bounds)
    return body


def check_extent(body: bytes, bounds: Bounds) -> None:
    """Refuse what would cost far more to read than to send, by counting in the text alone; a count may be a little too high.

    Raises:
        BodyTooLargeError: There are more resources or values.
        BadHookRequestError: A text is too long.
    """
    size = len(body)
    if size > bounds.most_resources * _LEAST_OF_RESOURCE and body.count(b'"resourceType"') > bounds.most_resources:
        raise BodyTooLargeError(f"more than {bounds.most_resources} resources")
    if size > bounds.most_values * _LEAST_OF_VALUE and sum(map(body.count, _SEPARATORS)) > bounds.most_values:
        raise BodyTooLargeError(f"more than {bounds.most_values} values")
    # A text of more than two blocks covers one of them wholly, so most blocks are passed over at the speed of memory.
    for start in range(0, len(body), _BLOCK):
        if body.find(b'"', start, start + _BLOCK) < 0:
            opens, closes = body.rfind(b'"', 0, start), body.find(b'"', start)
            text = body[opens + 1 : closes if closes >= 0 else len(body)]
            is_text = len(text) > LONGEST_TEXT and b" " in text.strip()
            if is_text and not _BEFORE_NARRATIVE.search(body[max(0, opens - 64) : max(0, opens)]):
                raise BadHookRequestError("$", f"a text has more than {LONGEST_TEXT} characters")
