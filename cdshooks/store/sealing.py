"""Seals what is kept for minutes, so that only who holds the reference to it can read it; the store by itself cannot.

A reference is 32 random bytes. The name of its row and the key of its content are derived from it and from the service's own key
(HKDF, RFC 5869), so neither a copy of the store nor the service's key nor both open anything.
"""

from __future__ import annotations

import re
import secrets

import msgspec
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

_BYTES = 32
_REFERENCE = re.compile(rf"[0-9a-f]{{{2 * _BYTES}}}\Z")
_NONCE = bytes(12)
"""One key seals one content, so the nonce may be the same for all."""


class Sealed(msgspec.Struct, frozen=True, kw_only=True):
    """A sealed content with the name of its row; ``reference`` is handed out and kept nowhere."""

    reference: str
    row: str
    box: bytes


def seal(service_key: bytes, purpose: str, content: bytes) -> Sealed:
    """Seal a content for one purpose; what is sealed for one opens for no other."""
    reference = secrets.token_hex(_BYTES)
    row, key = _derive(service_key, purpose, reference)
    return Sealed(reference=reference, row=row, box=AESGCM(key).encrypt(_NONCE, content, row.encode()))


def row_of(service_key: bytes, purpose: str, reference: str) -> str | None:
    """The name of the row that a reference leads to; None for what is no reference."""
    return _derive(service_key, purpose, reference)[0] if _REFERENCE.match(reference) else None


def unseal(service_key: bytes, purpose: str, reference: str, box: bytes) -> bytes | None:
    """The content; None when it is not the one of this reference."""
    row, key = _derive(service_key, purpose, reference)
    try:
        return AESGCM(key).decrypt(_NONCE, box, row.encode())
    except InvalidTag:
        return None


def _derive(service_key: bytes, purpose: str, reference: str) -> tuple[str, bytes]:
    derived = HKDF(algorithm=SHA256(), length=2 * _BYTES, salt=service_key, info=f"cdshooks {purpose}".encode()).derive(
        bytes.fromhex(reference)
    )
    return derived[:_BYTES].hex(), derived[_BYTES:]
