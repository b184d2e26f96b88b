"""What we ask of an EHR's authorization server: where it is, a code, a token for that code. Source: SMART App Launch 2.

It is found below the FHIR base that ``clients.toml`` names, never where a request says. Authlib makes and reads the messages.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import urlencode, urlsplit

import httpx
import msgspec
from authlib.common.errors import AuthlibBaseError
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.client import OAuth2Client

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.access_token import AccessToken
from cdshooks.hooks.clients import Client
from cdshooks.hooks.request import FHIR_ID
from cdshooks.hooks.services import PREFETCH
from cdshooks.web.bounded_http import UnreachableError, ask

_LARGEST = 256 * 1024
_FRESH_SECONDS = 3600.0
_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_TYPES = dict.fromkeys(it.partition("?")[0].partition("/")[0] for it in PREFETCH.values())
SCOPES = " ".join(("launch", *(f"patient/{it}.rs" for it in (*_TYPES, "Medication"))))
"""To read what the prefetch templates name, and the drugs that orders point at; nothing is written."""


class RefusedError(Exception):
    """A sign-in does not succeed; ``reason`` is our own word, for the log alone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


class Endpoints(msgspec.Struct, frozen=True, kw_only=True):
    """What a FHIR server says of its authorization server."""

    authorization_endpoint: str
    token_endpoint: str
    issuer: str | None = None
    code_challenge_methods_supported: tuple[str, ...] = ()


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A user's token for one patient."""

    access_token: str
    token_type: str
    patient: str
    expires_in: int | None = None
    appContext: Any = None  # noqa: N815 - the wire's word


class Authorization:
    """The authorization servers of all clients; what they say of themselves is kept for an hour."""

    def __init__(self, redirect_uri: str, secret_of: Callable[[str], str | None]) -> None:
        self._redirect_uri, self._secret_of = redirect_uri, secret_of
        self._lock = threading.Lock()
        self._known: dict[str, tuple[float, Endpoints]] = {}

    def url(self, client: Client, base: str, *, launch: str, state: str, verifier: str) -> str:
        """Where the browser goes to sign in.

        Raises:
            RefusedError: The server does not say where, or knows no PKCE with S256.
        """
        oauth = self._oauth(client)
        endpoint = self.endpoints(base).authorization_endpoint
        url, _ = oauth.create_authorization_url(endpoint, state=state, code_verifier=verifier, aud=base, launch=launch)
        return str(url)

    def token(self, client: Client, base: str, *, code: str, verifier: str) -> Token:
        """The token for a code.

        Raises:
            RefusedError: The server gives none, or none that is for one patient.
        """
        try:
            answer = self._oauth(client).fetch_token(
                self.endpoints(base).token_endpoint, code=code, code_verifier=verifier, grant_type="authorization_code"
            )
            token = msgspec.convert(dict(answer), Token)
            AccessToken(token.access_token)  # one that could stand in no header is refused here, not when it is used
        except (AuthlibBaseError, UnreachableError, BadHookRequestError, httpx.HTTPError, ValueError):
            raise RefusedError("the token endpoint gave no usable token") from None
        if token.token_type.casefold() != "bearer" or not FHIR_ID.match(token.patient):
            raise RefusedError("the token is no bearer token for one patient")
        return token

    def endpoints(self, base: str) -> Endpoints:
        """What the server below a configured FHIR base says of itself.

        Raises:
            RefusedError: Nothing usable.
        """
        with self._lock:
            until, known = self._known.get(base, (0.0, None))
        if known is not None and time.monotonic() < until:
            return known
        try:
            answer = ask("GET", f"{base}/.well-known/smart-configuration", headers={}, largest=_LARGEST)
            found = msgspec.json.decode(answer.content, type=Endpoints)
        except (UnreachableError, msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            raise RefusedError("the FHIR server has no usable smart-configuration") from None
        if answer.status_code != httpx.codes.OK or not all(
            map(_is_safe, (found.authorization_endpoint, found.token_endpoint))
        ):
            raise RefusedError("the FHIR server has no usable smart-configuration")
        if "S256" not in found.code_challenge_methods_supported:
            raise RefusedError("the authorization server knows no PKCE with S256")
        with self._lock:
            self._known[base] = (time.monotonic() + _FRESH_SECONDS, found)
        return found

    def _oauth(self, client: Client) -> OAuth2Client:
        return OAuth2Client(
            _Session(),
            client_id=client.smart_client_id,
            client_secret=self._secret_of(client.name),
            scope=client.smart_scopes or SCOPES,
            redirect_uri=self._redirect_uri,
            code_challenge_method="S256",
        )


class _Session:
    """What Authlib sends a token request with."""

    def post(
        self, url: str, data: Mapping[str, str], headers: Mapping[str, str], auth: ClientAuth, **_: object
    ) -> httpx.Response:
        """Send it, with the client's proof of who it is."""
        signed_url, signed, body = auth.prepare(  # type: ignore[no-untyped-call]  # its stubs lack this one
            "POST", url, dict(headers), urlencode(data)
        )
        return ask("POST", signed_url, headers=signed, content=body.encode(), largest=_LARGEST)


def _is_safe(url: str) -> bool:
    parts = urlsplit(url)
    is_private = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_private and bool(parts.hostname) and "@" not in parts.netloc and "#" not in url and url.isprintable()
