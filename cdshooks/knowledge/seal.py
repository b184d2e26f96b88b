"""A seal on the shipped files: they were checked against their schemas when the image was built, and no byte has changed since.

Checking them takes a fifth of a start. Without a seal, as in a checkout, or with one that does not fit, they are checked as ever;
what a hospital's overlay adds is always checked.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path

_HERE = Path(__file__).parent
DATA, SCHEMAS, PARSED = _HERE / "data", _HERE / "schemas", _HERE / "parsed.msgpack.z"
SEALED = (DATA, SCHEMAS, PARSED)
SEAL = _HERE / "sealed.sha256"


def write_seal(seal: Path = SEAL, roots: Iterable[Path] = SEALED) -> None:
    """Seal the files as they are now; for the build of an image, after they have been loaded without a fault."""
    seal.write_text(_digest(roots), encoding="utf-8")


def fits(seal: Path, roots: Iterable[Path]) -> bool:
    """Whether the files are those that were sealed."""
    try:
        told = seal.read_text(encoding="utf-8")
    except OSError:
        return False
    return told == _digest(roots)


@cache
def is_sealed() -> bool:
    """Whether the shipped files are those that were sealed."""
    return fits(SEAL, SEALED)


def _digest(roots: Iterable[Path]) -> str:
    digest = hashlib.sha256()
    for root in roots:
        for path in sorted(it for it in (root, *root.rglob("*")) if it.is_file()):
            content = path.read_bytes()
            digest.update(f"{root.name}/{path.relative_to(root)} {len(content)}\n".encode())
            digest.update(content)
    return digest.hexdigest()
