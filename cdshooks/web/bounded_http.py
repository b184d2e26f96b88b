"""One request to a configured server: no redirect, no proxy or .netrc of the environment, bounded in size and time."""

from __future__ import annotations

import ssl
import threading
from collections.abc import Mapping
from typing import Any

import httpx

_WAIT, _LONGEST = 1.0, 5.0


class UnreachableError(Exception):
    """Nothing usable was answered."""


def ask(
    method: str, url: str, *, headers: Mapping[str, str], content: bytes | None = None, largest: int
) -> httpx.Response:
    """The whole answer, of whatever status.

    Raises:
        UnreachableError: Nothing answers in time, or too much of it, or packed.
    """
    client = httpx.Client(trust_env=False, follow_redirects=False, timeout=_WAIT, verify=ssl.create_default_context())
    # Time-outs of the library are per read: a dripping server is cut off by closing its connection.
    cut = threading.Timer(_LONGEST, client.close)
    cut.daemon = True
    cut.start()
    sent = {"Accept": "application/json", "Accept-Encoding": "identity", **headers}
    more: dict[str, Any] = {} if content is None else {"content": content}
    try:
        with client, client.stream(method, url, headers=sent, **more) as answer:
            if answer.headers.get("Content-Encoding") is not None:
                raise UnreachableError
            document = b""
            for piece in answer.iter_raw():
                document += piece
                if len(document) > largest:
                    raise UnreachableError
            return httpx.Response(answer.status_code, headers=answer.headers, content=document, request=answer.request)
    except (httpx.HTTPError, httpx.InvalidURL, RuntimeError, OSError):
        raise UnreachableError from None
    finally:
        cut.cancel()
