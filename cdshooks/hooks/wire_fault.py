"""What is wrong with a body, without repeating anything of it."""

from __future__ import annotations

import re

from cdshooks.errors import BadHookRequestError


def wire_fault(message: str, *, below: str = "$") -> BadHookRequestError:
    """The fault in msgspec's message, which names the path and the types, never the value."""
    reason, _, path = message.partition(" - at `")
    path = below + path.rstrip("`").removeprefix("$")
    missing = re.search(r"missing required field `([^`]+)`", reason)
    if missing:
        return BadHookRequestError(f"{path}.{missing.group(1)}", "this member is required")
    return BadHookRequestError(path, reason[:1].lower() + reason[1:])
