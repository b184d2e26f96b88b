"""What each prefetch key says: unknown, nothing there, failed, data. Source: section 3.2, P-1 to P-12, PID-04."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cdshooks.hooks.services import PREFETCH, REQUIRED_ONE_OF

TYPE_OF = {key: query.partition("?")[0].partition("/")[0] for key, query in PREFETCH.items()}
KEY_OF = {resource_type: key for key, resource_type in TYPE_OF.items()}
_OTHER_KEY = "other"
"""How a key that is not ours is named in answers: its own name is the sender's word, not ours to repeat."""
_WRAPPERS = frozenset({"Bundle", "Parameters", "OperationOutcome"})


class KeyState(StrEnum):
    """What a prefetch key says; only ``unknown`` leaves open whether there is data. Source: P-1 to P-9."""

    UNKNOWN = "unknown"
    NOTHING = "nothing"
    FAILED = "failed"
    DATA = "data"


class _Named(msgspec.Struct, rename="camel"):
    resource_type: str | None = None


class _Entry(msgspec.Struct):
    resource: _Named | None = None


class _Shape(msgspec.Struct, rename="camel"):
    resource_type: str
    entry: list[_Entry | None] | None = None


class _Link(msgspec.Struct):
    relation: str | None = None
    url: str | None = None


class _Linked(msgspec.Struct):
    link: tuple[_Link, ...] = ()


_shape = msgspec.json.Decoder(_Shape)
_linked = msgspec.json.Decoder(_Linked)


def types_in(raw: msgspec.Raw) -> frozenset[str] | None:
    """The resource types directly inside; empty for an empty Bundle, None for what is no resource."""
    try:
        shape = _shape.decode(raw)
    except msgspec.MsgspecError:
        return None
    if shape.resource_type != "Bundle":
        return frozenset({shape.resource_type})
    inside = (it.resource for it in shape.entry or () if it is not None)
    return frozenset(it.resource_type for it in inside if it is not None and it.resource_type)


def key_for(types: frozenset[str] | None) -> str:
    """The key of ours that asks for what is there; drugs first, since their absence weighs most."""
    keys = {KEY_OF[it] for it in types or () if it in KEY_OF}
    return min(keys, key=lambda it: (it not in REQUIRED_ONE_OF, it), default=_OTHER_KEY)


def state_of(key: str, raw: msgspec.Raw, types: frozenset[str] | None) -> KeyState:
    """What is said by a value in which these types were found."""
    if types is None:
        return KeyState.NOTHING if bytes(raw) == b"null" else KeyState.UNKNOWN
    if not types:
        return KeyState.NOTHING
    return KeyState.DATA if types & {TYPE_OF.get(key, ""), *_WRAPPERS} else KeyState.UNKNOWN


def next_page_of(raw: msgspec.Raw | None) -> str | None:
    """The link at which a Bundle goes on, if it names one."""
    try:
        links = _linked.decode(raw).link if raw is not None else ()
    except msgspec.MsgspecError:
        return None
    return next((it.url for it in links if it.relation == "next" and it.url), None)
