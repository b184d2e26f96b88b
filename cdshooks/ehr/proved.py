"""Each draft order passes the full FHIR models once: when the image is built, or else before it is used. Source: R-22, CARD-03.

Loading the models takes a tenth of a start. So the build keeps the digest of each draft that has passed, and one that is the same
to the last byte is not asked again; any other, such as one that a hospital's overlay has changed, is.
"""

from __future__ import annotations

import hashlib
import importlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

PROVED = Path(__file__).parent / "proved_drafts.txt"


def prove(draft: dict[str, Any]) -> dict[str, Any]:
    """The draft itself, if it is what FHIR says of its type.

    Raises:
        ValueError: It is not.
    """
    if _digest(draft) not in _proved_before():
        kind = draft["resourceType"]
        model = getattr(importlib.import_module(f"fhir.resources.R4B.{kind.lower()}"), kind)
        model.model_validate(draft)
    return draft


def write_proved(drafts: Iterable[dict[str, Any]], path: Path = PROVED) -> None:
    """Keep which drafts have passed; for the build of an image."""
    path.write_text("\n".join(sorted({_digest(prove(it)) for it in drafts})), encoding="utf-8")


@cache
def _proved_before() -> frozenset[str]:
    try:
        return frozenset(PROVED.read_text(encoding="utf-8").split())
    except OSError:
        return frozenset()


def _digest(draft: dict[str, Any]) -> str:
    return hashlib.sha256(msgspec.json.encode(draft)).hexdigest()
