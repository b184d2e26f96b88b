"""Parts that the resources of a record repeat, such as the code of a test: the same bytes are decoded once, to one object.

A member that holds such a part arrives as the bytes that were sent (``msgspec.Raw``) and is replaced as soon as its resource is
decoded, so nobody else sees the bytes. Equal parts being one object, whatever is remembered of a part is found at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.repair import decode_repaired

Shared = tuple[tuple[str, Callable[[bytes], Any]], ...]
"""The members of a type that hold shared parts, and how the bytes of each are read."""


def shared(part: Any, absent: Any = None) -> Callable[[bytes], Any]:
    """Reads the bytes of a part and remembers it; ``absent`` is what ``null`` stands for.

    Raises (when reading):
        msgspec.MsgspecError: The bytes have no form that can be understood.
    """
    decoder = msgspec.json.Decoder(part)

    def read(sent: bytes) -> Any:
        if sent == b"null":
            return absent
        try:
            return decoder.decode(sent)
        except msgspec.ValidationError:
            pass
        try:
            return decode_repaired(sent, part)
        except msgspec.ValidationError as error:
            # without the path, which would name a place in the part as one in its resource
            raise msgspec.ValidationError("a part has no form that can be understood") from error

    return remembered(read)


def put_shared_parts(owner: msgspec.Struct, members: Shared) -> None:
    """Replace the bytes in these members by the parts that they are."""
    for name, read in members:
        sent = getattr(owner, name)
        if type(sent) is msgspec.Raw:
            msgspec.structs.force_setattr(owner, name, read(bytes(sent)))
