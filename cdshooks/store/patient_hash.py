"""A patient as a keyed hash: equal patients have equal hashes, and without the key none can be guessed. Source: LOG-01."""

from __future__ import annotations

import contextlib
import hmac
import os
import secrets
import tempfile
from hashlib import sha256
from pathlib import Path

_KEY_BYTES = 32


def hash_patient(key: bytes, *, client: str, fhir_server: str | None, patient_id: str) -> str:
    """32 hexadecimal digits; the same id at another client or FHIR server is another patient (PID-02)."""
    return keyed_hash(key, client, fhir_server or "", patient_id)


def keyed_hash(key: bytes, *parts: str) -> str:
    """32 hexadecimal digits of these strings in this order."""
    message = b"".join(len(it).to_bytes(4, "big") + it for it in (part.encode("utf-8", "replace") for part in parts))
    return hmac.new(key, message, sha256).hexdigest()[:32]


def read_or_make_key(path: Path) -> bytes:
    """The key in this file; made once, readable by its owner alone, however many processes ask for it first.

    Raises:
        OSError: The file can be neither read nor written.
    """
    path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    if not path.exists():
        descriptor, draft = tempfile.mkstemp(dir=path.parent)  # readable by its owner alone
        with os.fdopen(descriptor, "w") as file:
            file.write(secrets.token_hex(_KEY_BYTES))
        with contextlib.suppress(FileExistsError):
            os.link(draft, path)  # whoever is first wins, and nobody reads half a key
        Path(draft).unlink()
    return path.read_text(encoding="ascii").strip().encode()
