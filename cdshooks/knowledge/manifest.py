"""The version of the knowledge, when it was reviewed, until when it may be used, and who signed it."""

from __future__ import annotations

import hashlib
from datetime import date
from enum import StrEnum
from pathlib import Path

import msgspec

from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.files import files_under
from cdshooks.knowledge.seal import DATA
from cdshooks.knowledge.sign import Signature, load_signatures, signature_in_force

_NO_CONTENT = frozenset({"signatures", "switches", "hazards", "attributes"})
"""Files that conclude nothing for a patient: signatures, what is turned off for the moment, and what is said about the service."""


class Freshness(StrEnum):
    """How old the knowledge is on a day. Source: SAF-05."""

    CURRENT = "current"
    DUE = "due"
    """A review is overdue, and each card says so."""
    EXPIRED = "expired"
    """Nothing is suggested any more, and the service is not ready."""


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """What identifies the knowledge in force; ``content_hash`` covers shipped files and overlay."""

    version: str
    reviewed: date
    due: date
    expires: date
    content_hash: str
    signatures: tuple[Signature, ...] = ()
    """Reviews by clinicians, of this and of earlier content; see ``signature``."""

    def signature(self, as_of: date) -> Signature | None:
        """The review that covers this very content on this day; None: no clinician has signed it."""
        return signature_in_force(self.signatures, self.content_hash, as_of)

    def freshness(self, as_of: date) -> Freshness:
        """Whether the knowledge is current, due for review, or expired on this day."""
        if as_of >= self.expires:
            return Freshness.EXPIRED
        return Freshness.DUE if as_of >= self.due else Freshness.CURRENT


def load_manifest(overlay: Path | None) -> Manifest:
    """Read the manifest and hash every knowledge file in force."""
    content = read_entries("manifest").by_id["cdshooks"].content
    return Manifest(
        version=content["version"],
        reviewed=date.fromisoformat(content["reviewed"]),
        due=date.fromisoformat(content["due"]),
        expires=date.fromisoformat(content["expires"]),
        content_hash=_content_hash(overlay),
        signatures=load_signatures(overlay),
    )


def _content_hash(overlay: Path | None) -> str:
    digest = hashlib.sha256()
    for root in (DATA,) if overlay is None else (DATA, overlay):
        for path in files_under(root, ".yaml", ".csv", ".json"):
            if path.stem not in _NO_CONTENT:
                digest.update(str(path.relative_to(root)).encode())
                digest.update(path.read_bytes())
    return digest.hexdigest()
