"""The shipped YAML as it was parsed when the image was built, for parsing it takes a fifteenth of a start.

The seal covers the parsed form and the files alike: without it, or when one byte of either has changed, the files are parsed. It is
no lock: who may write here may write the code too.
"""

from __future__ import annotations

import zlib
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.knowledge.files import files_under
from cdshooks.knowledge.seal import DATA, PARSED, is_sealed
from cdshooks.knowledge.strict_yaml import LineMap, read_yaml

_Kept = dict[str, tuple[Any, list[tuple[tuple[str | int, ...], int]]]]
"""Path below the data -> the document, and the line of each of its values."""


def read_document(path: Path) -> tuple[Any, LineMap]:
    """One YAML document and the line of each of its values.

    Raises:
        KnowledgeError: As ``read_yaml``.
    """
    return _parsed().get(path) or read_yaml(path)


def write_parsed(data: Path = DATA, to: Path = PARSED) -> None:
    """Keep the parsed form; for the build of an image, before the seal is set."""
    read = {str(path.relative_to(data)): read_yaml(path) for path in files_under(data, ".yaml")}
    kept: _Kept = {name: (document, list(lines.items())) for name, (document, lines) in read.items()}
    to.write_bytes(zlib.compress(msgspec.msgpack.encode(kept), 9))


@cache
def _parsed() -> dict[Path, tuple[Any, LineMap]]:
    if not is_sealed() or not PARSED.is_file():
        return {}
    kept = msgspec.msgpack.decode(zlib.decompress(PARSED.read_bytes()), type=_Kept)
    return {DATA / name: (document, dict(lines)) for name, (document, lines) in kept.items()}
