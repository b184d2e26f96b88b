"""Loads all clinical knowledge once, checks it, and hands it out frozen; start-up stops on any fault."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cdshooks.knowledge.manifest import Manifest, load_manifest


class Knowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Everything clinical that the service knows, shipped files and overlay taken together."""

    manifest: Manifest


def load_knowledge(overlay: Path | None = None) -> Knowledge:
    """Load the shipped knowledge with an optional hospital overlay.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    return Knowledge(manifest=load_manifest(overlay))
