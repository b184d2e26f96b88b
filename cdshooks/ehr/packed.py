"""Resources as bytes and back: just the members that we read, so that a page drawn later rests on what its card rested on."""

from __future__ import annotations

import zlib
from functools import reduce
from operator import or_
from typing import Any

import msgspec

from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.resources import TYPES, Base, Held, Resources, Unsupported
from cdshooks.knowledge.ids import ResourceRef

_ANY_RESOURCE: Any = reduce(or_, TYPES.values())
_FAST = 1


class _Packed(msgspec.Struct, frozen=True, kw_only=True, array_like=True):
    """``by_type``: how many of ``held`` are of each type, in this order; the others only have a name. Each goes by its reference.

    Most go by their full URL too: ``below`` holds the bases to which the reference is added, ``named`` what it is called otherwise.
    """

    held: tuple[tuple[ResourceRef, str, _ANY_RESOURCE], ...]
    by_type: dict[str, int]
    below: dict[str, list[int]]
    named: dict[str, int]
    unreadable: tuple[Unreadable, ...]
    unsupported: tuple[Unsupported, ...]
    incomplete: tuple[Incomplete, ...]


_packed = msgspec.json.Decoder(_Packed)


def pack(resources: Resources) -> bytes:
    """All of it, compressed."""
    held: list[tuple[ResourceRef, str, Base]] = []
    places: dict[int, int] = {}

    def place(it: Held) -> int:
        if id(it) not in places:
            places[id(it)] = len(held)
            held.append((it.ref, it.query, it.resource))
        return places[id(it)]

    by_ref: dict[str, Held] = {}
    for of_kind in resources.by_type.values():
        for it in of_kind:
            place(it)
            by_ref[it.ref] = it
    below: dict[str, list[int]] = {}
    named: dict[str, int] = {}
    for name, it in resources.by_name.items():
        if by_ref.get(name) is it:
            continue
        if name.endswith(it.ref):
            below.setdefault(name.removesuffix(it.ref), []).append(place(it))
        else:
            named[name] = place(it)
    packed = _Packed(
        held=tuple(held),
        by_type={kind: len(of_kind) for kind, of_kind in resources.by_type.items()},
        below=below,
        named=named,
        unreadable=resources.unreadable,
        unsupported=resources.unsupported,
        incomplete=resources.incomplete,
    )
    return zlib.compress(msgspec.json.encode(packed), _FAST)


def unpack(data: bytes) -> Resources:
    """What ``pack`` was given; for bytes that ``pack`` has made and that nobody could change meanwhile."""
    packed = _packed.decode(zlib.decompress(data))
    held = tuple(Held(ref=ref, query=query, resource=resource) for ref, query, resource in packed.held)
    by_type: dict[str, tuple[Held, ...]] = {}
    taken = 0
    for kind, many in packed.by_type.items():
        by_type[kind] = held[taken : taken + many]
        taken += many
    by_name: dict[str, Held] = {it.ref: it for it in held[:taken]}
    by_name.update({f"{base}{held[it].ref}": held[it] for base, many in packed.below.items() for it in many})
    by_name.update({name: held[it] for name, it in packed.named.items()})
    return Resources(
        by_type=by_type,
        by_name=by_name,
        unreadable=packed.unreadable,
        unsupported=packed.unsupported,
        incomplete=packed.incomplete,
    )
