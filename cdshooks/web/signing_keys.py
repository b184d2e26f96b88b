"""The keys with which a client signs its tokens: kept, and fetched anew when the client rotates them. Source: AUT-03, AUT-08.

Nothing in a token decides what is fetched. A fetch runs beside the calls: a call whose key is known never waits for one, and a call
with an unknown key waits for one at most, so an endpoint that hangs costs nobody more than that moment.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import jwt
import msgspec
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey

from cdshooks.web.bounded_http import UnreachableError, ask

_LARGEST, _MOST_KEYS = 256 * 1024, 50
_SHORTEST_RSA_BITS = 2048
_FRESH_AT_LEAST, _FRESH_AT_MOST = 300.0, 86_400.0
_STALE_AT_MOST = 86_400.0
_BETWEEN_FETCHES = 60.0
_WAIT = 1.0
_MAX_AGE = re.compile(r"(?:^|[\s,])max-age=(\d{1,9})(?:$|[\s,])", re.IGNORECASE)
_CURVES = {"ES256": "P-256", "ES384": "P-384", "ES512": "P-521"}


class UnusableKeysError(Exception):
    """The key set cannot be had or is none."""


class _Jwk(msgspec.Struct, frozen=True):
    kty: str
    kid: str | None = None
    use: str | None = None
    key_ops: tuple[str, ...] | None = None
    alg: str | None = None
    crv: str | None = None
    x: str | None = None
    y: str | None = None
    n: str | None = None
    e: str | None = None


class _Jwks(msgspec.Struct, frozen=True):
    keys: tuple[msgspec.Raw, ...]


class SigningKey(msgspec.Struct, frozen=True):
    """A public key and the algorithms it may be used with."""

    algorithms: frozenset[str]
    key: jwt.PyJWK


class SigningKeys:
    """The keys of one client; ``fetch`` hands back a key set and for how many seconds it is fresh."""

    def __init__(self, fetch: Callable[[], tuple[bytes, float]], clock: Callable[[], float] = time.monotonic) -> None:
        self._fetch, self._clock = fetch, clock
        self._lock = threading.Lock()
        self._keys: dict[str, SigningKey] = {}
        self._fresh_until = self._usable_until = self._next_fetch = float("-inf")
        self._running: threading.Event | None = None

    def find(self, kid: str) -> SigningKey | None:
        """The key of this id; an unknown one is looked for at its source, at most once a minute for all calls together."""
        with self._lock:
            key = self._usable(kid)
            is_fresh = self._clock() < self._fresh_until
        if key is not None and is_fresh:
            return key
        fetched = self._begin_fetch()
        if key is not None or fetched is None:
            return key
        fetched.wait(_WAIT)
        with self._lock:
            return self._usable(kid)

    def _usable(self, kid: str) -> SigningKey | None:
        return self._keys.get(kid) if self._clock() < self._usable_until else None

    def _begin_fetch(self) -> threading.Event | None:
        """The end of the fetch that runs now, if one does or may."""
        with self._lock:
            if self._running is not None:
                return self._running
            if self._clock() < self._next_fetch:
                return None
            self._next_fetch = self._clock() + _BETWEEN_FETCHES
            self._running = ended = threading.Event()
        threading.Thread(target=self._run_fetch, args=(ended,), name="signing-keys", daemon=True).start()
        return ended

    def _run_fetch(self, ended: threading.Event) -> None:
        try:
            document, fresh_for = self._fetch()
            keys = read_key_set(document)
        except UnusableKeysError:
            keys = None
        finally:
            with self._lock:
                self._running = None
        if keys is not None:
            now = self._clock()
            with self._lock:
                self._keys = keys
                self._fresh_until = now + min(max(fresh_for, _FRESH_AT_LEAST), _FRESH_AT_MOST)
                self._usable_until = self._fresh_until + _STALE_AT_MOST
        ended.set()


def read_key_set(document: bytes) -> dict[str, SigningKey]:
    """The usable keys of a JSON Web Key Set by their ids; keys of other uses and kinds are passed over.

    Raises:
        UnusableKeysError: It is no key set, or a larger one than any client needs.
    """
    try:
        listed = msgspec.json.decode(document, type=_Jwks).keys
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        raise UnusableKeysError from None
    if len(listed) > _MOST_KEYS:
        raise UnusableKeysError
    keys: dict[str, SigningKey] = {}
    for raw in listed:
        try:
            jwk = msgspec.json.decode(raw, type=_Jwk)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
            continue
        algorithms = _algorithms(jwk)
        if jwk.kid is None or not algorithms:
            continue
        try:
            key = jwt.PyJWK(msgspec.to_builtins(jwk), algorithm=min(algorithms))
        except (jwt.PyJWTError, ValueError, TypeError, KeyError):
            continue
        if isinstance(key.key, RSAPublicKey) and key.key.key_size < _SHORTEST_RSA_BITS:
            continue
        keys[jwk.kid] = SigningKey(algorithms=algorithms, key=key)
    return keys


def _algorithms(jwk: _Jwk) -> frozenset[str]:
    """What the key's own type, curve, use and algorithm allow. Source: AUT-02."""
    if jwk.use not in {None, "sig"} or (jwk.key_ops is not None and "verify" not in jwk.key_ops):
        return frozenset()
    if jwk.kty == "RSA":
        possible = frozenset(f"{family}{bits}" for family in ("RS", "PS") for bits in (256, 384, 512))
    else:
        possible = frozenset(it for it, curve in _CURVES.items() if jwk.kty == "EC" and jwk.crv == curve)
    return possible if jwk.alg is None else possible & {jwk.alg}


def keys_of_file(path: Path) -> Callable[[], tuple[bytes, float]]:
    """Reads a key set from a file, which may be replaced while the service runs."""

    def read() -> tuple[bytes, float]:
        try:
            with path.open("rb") as file:
                document = file.read(_LARGEST + 1)
        except OSError:
            raise UnusableKeysError from None
        if len(document) > _LARGEST:
            raise UnusableKeysError
        return document, _FRESH_AT_LEAST

    return read


def keys_of_url(url: str) -> Callable[[], tuple[bytes, float]]:
    """Fetches a key set from the configured URL: no redirect, no proxy or .netrc of the environment, bounded size and time."""

    def fetch() -> tuple[bytes, float]:
        try:
            answer = ask("GET", url, headers={}, largest=_LARGEST)
        except UnreachableError:
            raise UnusableKeysError from None
        if answer.status_code != httpx.codes.OK:
            raise UnusableKeysError
        age = _MAX_AGE.search(answer.headers.get("Cache-Control", ""))
        return answer.content, float(age[1]) if age else _FRESH_AT_LEAST

    return fetch
