"""Resources as bytes and back: just the members that we read, so that a page drawn later rests on what its card rested on."""

from __future__ import annotations

import zlib
from functools import reduce
from operator import or_
from typing import Any

import msgspec

from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.resources import TYPES, Held, Resources, Unsupported
from cdshooks.knowledge.ids import ResourceRef

_ANY_RESOURCE: Any = reduce(or_, TYPES.values())
_FAST = 1


class _Packed(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    held: tuple[tuple[str, str, msgspec.Raw], ...]
    by_type: dict[str, tuple[int, ...]]
    by_name: dict[str, int]
    unreadable: tuple[Unreadable, ...]
    unsupported: tuple[Unsupported, ...]
    incomplete: tuple[Incomplete, ...]


_packed = msgspec.json.Decoder(_Packed)
_resource = msgspec.json.Decoder(_ANY_RESOURCE)


def pack(resources: Resources) -> bytes:
    """All of it, compressed."""
    places: dict[int, int] = {}
    held: list[tuple[str, str, msgspec.Raw]] = []

    def place(it: Held) -> int:
        if id(it) not in places:
            places[id(it)] = len(held)
            held.append((it.ref, it.query, msgspec.Raw(msgspec.json.encode(it.resource))))
        return places[id(it)]

    by_type = {kind: tuple(place(it) for it in of_kind) for kind, of_kind in resources.by_type.items()}
    by_name = {name: place(it) for name, it in resources.by_name.items()}
    packed = _Packed(
        held=tuple(held),
        by_type=by_type,
        by_name=by_name,
        unreadable=resources.unreadable,
        unsupported=resources.unsupported,
        incomplete=resources.incomplete,
    )
    return zlib.compress(msgspec.json.encode(packed), _FAST)


def unpack(data: bytes) -> Resources:
    """What ``pack`` was given; for bytes that ``pack`` has made and that nobody could change meanwhile."""
    packed = _packed.decode(zlib.decompress(data))
    held = tuple(
        Held(ref=ResourceRef(ref), query=query, resource=_resource.decode(raw)) for ref, query, raw in packed.held
    )
    return Resources(
        by_type={kind: tuple(held[it] for it in of_kind) for kind, of_kind in packed.by_type.items()},
        by_name={name: held[it] for name, it in packed.by_name.items()},
        unreadable=packed.unreadable,
        unsupported=packed.unsupported,
        incomplete=packed.incomplete,
    )
