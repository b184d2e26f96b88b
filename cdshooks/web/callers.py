"""Who calls: the client's JSON Web Token, held to the standard and to what is configured for its issuer. Source: S-4 to S-12, AUT.

No algorithm, key or URL comes from the token: it may only name what the configuration of its issuer allows already.
"""

from __future__ import annotations

import base64
import ipaddress
import json
import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import jwt

from cdshooks.errors import BadHookRequestError, UnauthorizedClientError
from cdshooks.hooks.clients import Client
from cdshooks.hooks.strict_json import check_json
from cdshooks.web.signing_keys import SigningKeys, keys_of_file, keys_of_url

_LONGEST_TOKEN, _LONGEST_ID = 8192, 256
_LEEWAY_SECONDS = 60
_TOKEN = re.compile(r"[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\Z")
CERTIFICATE_HEADER = "X-Client-Certificate-Subject"
"""In which a proxy tells the subject of the certificate that the other side of its connection has shown."""
_KEYS_IN_A_TOKEN = frozenset({"jwk", "x5c", "x5u", "crit"})
"""Headers that bring a key of their own, or ask for an extension that we do not know."""


class Callers:
    """The configured clients; ``use_once`` says whether a token id (issuer, jti, kept until) is new, over all replicas."""

    def __init__(
        self,
        clients: Iterable[Client],
        folder: Path,
        *,
        use_once: Callable[[str, str, datetime], bool],
        now: Callable[[], datetime],
    ) -> None:
        self._by_issuer = {it.issuer: (it, _signing_keys(it, folder)) for it in clients}
        self._use_once, self._now = use_once, now

    def identify(
        self,
        authorization: str | None,
        *,
        service: str,
        audiences: frozenset[str],
        certificate: str | None = None,
        peer: str | None = None,
    ) -> Client:
        """The client that a call to a service comes from. ``peer`` is the address that says which certificate was shown.

        Raises:
            UnauthorizedClientError: It did not prove who it is, or may not call this service.
            StoreUnavailableError: Whether its token was used before cannot be known.
        """
        token = _bearer(authorization)
        header, claims = (_read_segment(it) for it in token.split(".")[:2])
        client, keys = self._by_issuer.get(_text(claims, "iss", "iss"), (None, None))
        if client is None or keys is None:
            raise UnauthorizedClientError("iss")
        _verify_signature(token, header, client, keys)
        expires = _check_times(claims, self._now().timestamp(), client.longest_lifetime_seconds)
        audience = claims.get("aud")
        named = {audience} if isinstance(audience, str) else {it for it in _listed(audience) if isinstance(it, str)}
        if not named & (audiences | frozenset(client.audiences)):
            raise UnauthorizedClientError("aud")
        if client.tenants and claims.get("tenant") not in client.tenants:
            raise UnauthorizedClientError("tenant")
        if client.services and service not in client.services:
            raise UnauthorizedClientError("service")
        if client.certificate is not None and not _has_shown(client, certificate, peer):
            raise UnauthorizedClientError("certificate")
        jti = _text(claims, "jti", "jti")
        kept_until = datetime.fromtimestamp(expires + _LEEWAY_SECONDS, UTC)
        if client.replay == "reject" and not self._use_once(client.issuer, jti, kept_until):
            raise UnauthorizedClientError("replay")
        return client


def _has_shown(client: Client, certificate: str | None, peer: str | None) -> bool:
    """Whether one of the client's proxies says that its certificate was shown. Source: AUT-10."""
    try:
        address = ipaddress.ip_address(peer or "")
    except ValueError:
        return False
    mapped = getattr(address, "ipv4_mapped", None)
    return certificate == client.certificate and any(
        (mapped or address) in ipaddress.ip_network(it) for it in client.proxies
    )


def _signing_keys(client: Client, folder: Path) -> SigningKeys:
    if client.jwks_url is not None:
        return SigningKeys(keys_of_url(client.jwks_url))
    return SigningKeys(keys_of_file(folder / (client.jwks_file or "")))


def _bearer(authorization: str | None) -> str:
    scheme, _, token = (authorization or "").partition(" ")
    if scheme.lower() != "bearer":
        raise UnauthorizedClientError("no-token")
    if len(token) > _LONGEST_TOKEN or not _TOKEN.match(token):
        raise UnauthorizedClientError("shape")
    return token


def _read_segment(segment: str) -> dict[str, Any]:
    """A segment as strict JSON: of two members of one name, another reader might take the other."""
    try:
        text = base64.urlsafe_b64decode(segment + "=" * (-len(segment) % 4))
        check_json(text)
        read = json.loads(text)
    except (ValueError, BadHookRequestError):
        raise UnauthorizedClientError("shape") from None
    if not isinstance(read, dict):
        raise UnauthorizedClientError("shape")
    return read


def _verify_signature(token: str, header: dict[str, Any], client: Client, keys: SigningKeys) -> None:
    """Everything about the header that costs no network call is checked before the key is looked for."""
    if header.get("typ") != "JWT":
        raise UnauthorizedClientError("typ")
    if _KEYS_IN_A_TOKEN & header.keys():
        raise UnauthorizedClientError("header")
    algorithm = header.get("alg")
    if algorithm not in client.algorithms:
        raise UnauthorizedClientError("alg")
    address = client.jwks_url or client.jku
    if "jku" in header and (address is None or header["jku"] != address):
        raise UnauthorizedClientError("jku")
    found = keys.find(_text(header, "kid", "kid"))
    if found is None:
        raise UnauthorizedClientError("kid")
    if algorithm not in found.algorithms:
        raise UnauthorizedClientError("key")
    try:
        jwt.PyJWS(algorithms=[algorithm]).decode(token, found.key.key, algorithms=[algorithm])
    except (jwt.PyJWTError, ValueError):
        raise UnauthorizedClientError("signature") from None


def _check_times(claims: dict[str, Any], now: float, longest_lifetime: int) -> int:
    """The moment at which the token expires, in seconds since 1970. Source: AUT-05."""
    expires, issued = _seconds(claims, "exp"), _seconds(claims, "iat")
    if expires <= now - _LEEWAY_SECONDS:
        raise UnauthorizedClientError("exp")
    if issued > now + _LEEWAY_SECONDS:
        raise UnauthorizedClientError("iat")
    if "nbf" in claims and _seconds(claims, "nbf") > now + _LEEWAY_SECONDS:
        raise UnauthorizedClientError("nbf")
    if not 0 < expires - issued <= longest_lifetime:
        raise UnauthorizedClientError("lifetime")
    return expires


def _seconds(claims: dict[str, Any], name: str) -> int:
    value = claims.get(name)
    if type(value) is not int:  # a bool is an int too, and a float may be infinite
        raise UnauthorizedClientError(name)
    return value


def _text(members: dict[str, Any], name: str, reason: str) -> str:
    value = members.get(name)
    longest = _LONGEST_ID if name != "iss" else _LONGEST_TOKEN
    if not isinstance(value, str) or not value or len(value) > longest or not value.isprintable():
        raise UnauthorizedClientError(reason)
    return value


def _listed(value: object) -> list[object]:
    return value if isinstance(value, list) else []
