"""Finds the files of the knowledge and of an overlay, the same wherever the directory lies.

Kubernetes mounts a ConfigMap as links into a hidden directory that is named after the hour: what is linked to counts, what is
hidden does not. So an overlay is read there, and its hash is the one that was signed.
Source: https://github.com/kubernetes/kubernetes/issues/50345.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path


def files_under(root: Path, *endings: str) -> Iterator[Path]:
    """The files with one of these endings (".yaml") under a directory, in order."""
    found: list[Path] = []
    for folder, inner, names in os.walk(root, followlinks=True):
        inner[:] = [it for it in inner if not it.startswith(".")]
        found += [Path(folder, it) for it in names if not it.startswith(".") and it.endswith(endings)]
    yield from sorted(it for it in found if it.is_file())
