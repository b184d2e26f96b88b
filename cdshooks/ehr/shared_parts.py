"""Parts that the resources of a record repeat, such as the code of a test: the same bytes are decoded once, to one object.

A member that holds such a part arrives as the bytes that were sent (``msgspec.Raw``). The ``__post_init__`` of its resource puts
the part in their place, so nobody else sees the bytes; it is written out member by member, for it runs for each resource.
Equal parts being one object, whatever is remembered of a part is found at once.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.repair import decode_repaired

put = msgspec.structs.force_setattr
"""Puts a part in the place of its bytes, in a resource that is just being made."""


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
