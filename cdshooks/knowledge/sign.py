"""Who has reviewed the knowledge in force: signatures that a hospital keeps in its overlay, each bound to a content hash.

A signature counts for exactly the knowledge that was signed: one changed character in a shipped file or in the overlay, and the
knowledge is unsigned again. The file of signatures is itself no part of the hash.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries

_SHOWN_HASH = 12


class Signature(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One review: who, on which day, until when it holds, and of which content."""

    id: str
    reviewer: str
    signed: date
    until: date
    version: str
    content_hash: str

    def holds(self, content_hash: str, as_of: date) -> bool:
        """Whether it covers this content on this day."""
        return self.content_hash == content_hash and self.signed <= as_of <= self.until


def load_signatures(overlay: Path | None = None) -> tuple[Signature, ...]:
    """Read the signatures of an overlay; shipped knowledge has none.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    signatures: list[Signature] = []
    faults: list[str] = []
    for entry in read_entries("signatures", overlay).by_id.values():
        where = f"{entry.file}:{entry.line}: signatures {entry.id!r}"
        if not entry.is_overlay:
            faults.append(f"{where} is shipped; only a hospital signs")
            continue
        try:
            signature = msgspec.convert(entry.content, Signature)
        except msgspec.ValidationError as error:
            faults.append(f"{where}: {error}")
            continue
        if signature.until < signature.signed:
            faults.append(f"{where} ends before it begins")
        signatures.append(signature)
    if faults:
        raise KnowledgeError(tuple(faults))
    return tuple(signatures)


def signature_in_force(signatures: Iterable[Signature], content_hash: str, as_of: date) -> Signature | None:
    """The newest signature that covers this content on this day; None: the knowledge is unsigned."""
    holding = [it for it in signatures if it.holds(content_hash, as_of)]
    return max(holding, key=lambda it: (it.signed, it.until, it.id), default=None)


def add_signature(
    overlay: Path, *, reviewer: str, signed: date, until: date, version: str, content_hash: str
) -> Signature:
    """Add a signature to ``signatures.yaml`` of an overlay; the one who calls has loaded that knowledge without a fault.

    Raises:
        KnowledgeError: The reviewer has no name, the time is empty, or the file of signatures is faulty.
    """
    name = " ".join(reviewer.split())
    if not name:
        raise KnowledgeError(("signatures.yaml:1: a signature needs the name of its reviewer",))
    if until < signed:
        raise KnowledgeError((f"signatures.yaml:1: the signature would end on {until} before it begins on {signed}",))
    taken = {it.id for it in load_signatures(overlay)}
    stem = f"{signed.isoformat()}-{content_hash[:_SHOWN_HASH]}"
    number = next(it for it in range(1, len(taken) + 2) if f"{stem}-{it}" not in taken)
    signature = Signature(
        id=f"{stem}-{number}", reviewer=name, signed=signed, until=until, version=version, content_hash=content_hash
    )
    path = overlay / "signatures.yaml"
    written = path.read_text(encoding="utf-8") if path.is_file() else "signatures:\n"
    row = ", ".join(f"{key}: {json.dumps(str(value))}" for key, value in msgspec.to_builtins(signature).items())
    path.write_text(f"{written.rstrip()}\n- {{{row}}}\n", encoding="utf-8")
    return signature
