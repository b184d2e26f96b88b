"""The EHR's access token: it lives as long as the call and is written nowhere. Source: S-16, S-17, S-22, OUT-08."""

from __future__ import annotations

import re

from cdshooks.errors import BadHookRequestError

_TOKEN = re.compile(r"[\x21-\x7e]{1,16384}\Z")


class AccessToken:
    """Holds a token so that nothing prints, compares or serialises it by accident."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        """Keep the token.

        Raises:
            BadHookRequestError: It could not stand in a header.
        """
        if not _TOKEN.match(text):
            raise BadHookRequestError("$.fhirAuthorization.access_token", "this is not an access token")
        self._text = text

    def header(self) -> bytes:
        """The value of the Authorization header."""
        return b"Bearer " + self._text.encode("ascii")

    def __repr__(self) -> str:
        return "AccessToken(...)"

    def __reduce__(self) -> str | tuple[object, ...]:
        raise TypeError("an access token is not stored")
