"""A JSON text read in one pass: a resource, or a Bundle with all its resources. It fails where one of them is none that we read.

A large Bundle is cut between its entries first, so that no resource is larger than the piece in which it lies, and need not be
weighed. A cut is guessed from what stands before an entry. Each piece is closed and read as a Bundle of its own; where a guess was
wrong, inside a resource or a text, that fails, for its brackets do not match. Then the Bundle is read whole.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Union

import msgspec

from cdshooks.deadline import Deadline
from cdshooks.ehr.resources import TYPES, Base

_FIRST_MEMBERS = (b'"fullUrl"', b'"resource"')
"""By what an entry may begin."""
_HEAD, _TAIL = b'{"resourceType":"Bundle","entry":[', b"]}"
_LONGEST_GAP = 200
"""Bytes between two entries: brackets, a comma, and perhaps line ends and indents."""


class Search(msgspec.Struct):
    """Why an entry is in the answer to a search."""

    mode: str | None = None


class Link(msgspec.Struct):
    """Where an answer goes on, among others."""

    relation: str | None = None
    url: str | None = None


class _Issue(msgspec.Struct):
    severity: str | None = None


class OperationOutcome(msgspec.Struct, tag_field="resourceType", tag=True):
    """What a server says of its own answer."""

    issue: tuple[_Issue, ...] = ()

    @property
    def is_failure(self) -> bool:
        """Whether it says that a part of the answer is missing."""
        return any(issue.severity in {"error", "fatal"} for issue in self.issue)


if TYPE_CHECKING:
    Sendable = Base | OperationOutcome
else:
    Sendable = Union[(*TYPES.values(), OperationOutcome)]


class Entry(msgspec.Struct, rename="camel", gc=False):
    """An entry of a Bundle; its resource may be missing."""

    full_url: str | None = None
    resource: Sendable | msgspec.UnsetType = msgspec.UNSET
    search: Search | None = None


class Bundle(msgspec.Struct, tag_field="resourceType", tag="Bundle"):
    """A Bundle, or a piece of one: some of its entries with what it says of itself before or behind them."""

    type: str | None = None
    total: int | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[Entry, ...] | None = None


_text: msgspec.json.Decoder[Bundle | Sendable] = msgspec.json.Decoder(Bundle | Sendable)


def read_at_once(text: bytes | msgspec.Raw, most: int, deadline: Deadline) -> Sendable | list[tuple[Bundle, bool]]:
    """A resource, or the pieces of a Bundle, each with whether it is longer than ``most`` bytes.

    Raises:
        msgspec.MsgspecError: It is no resource that we read, or holds one.
        OverdueError: There is no time left to read it.
    """
    if len(text) > most:
        try:
            return _read_in_pieces(bytes(text), most, deadline)
        except msgspec.MsgspecError:
            deadline.check()
    read = _text.decode(text)
    return [(read, len(text) > most)] if isinstance(read, Bundle) else read


def _read_in_pieces(bundle: bytes, most: int, deadline: Deadline) -> list[tuple[Bundle, bool]]:
    pieces: list[tuple[Bundle, bool]] = []
    for text in cut(bundle, most):
        deadline.check()
        piece = _text.decode(text)
        if not isinstance(piece, Bundle):
            raise msgspec.ValidationError("it is no Bundle")
        pieces.append((piece, len(text) > most))
    return pieces


def put_together(pieces: list[Bundle]) -> Bundle:
    """The Bundle that was read in pieces."""
    return Bundle(
        type=next((it.type for it in pieces if it.type is not None), None),
        total=next((it.total for it in pieces if it.total is not None), None),
        link=tuple(link for it in pieces for link in it.link),
        entry=tuple(entry for it in pieces for entry in it.entry or ()),
    )


def cut(bundle: bytes, most: int) -> list[bytes]:
    """The text of a Bundle in Bundles of at most so many bytes, more only where no entry seems to begin for as long."""
    pieces: list[bytes] = []
    start, most = 0, most - len(_HEAD) - len(_TAIL)
    while len(bundle) - start > most:
        found = _between(bundle, bundle.rfind, start + 1, start + most)
        found = found or _between(bundle, bundle.find, start + most, len(bundle))
        if found is None:
            break
        pieces.append((_HEAD if start else b"") + bundle[start : found[0]] + _TAIL)
        start = found[1]
    pieces.append((_HEAD if start else b"") + bundle[start:])
    return pieces


def _between(bundle: bytes, find: Callable[[bytes, int, int], int], start: int, end: int) -> tuple[int, int] | None:
    """Where the comma between two entries stands, and where the second begins, if that is found in a part of the text."""
    for member in _FIRST_MEMBERS:
        at = find(member, start, end)
        if at < 0:
            continue
        begin = max(start, at - _LONGEST_GAP)
        before = bundle[begin:at].rstrip()
        first = before[:-1].rstrip()
        if before.endswith(b"{") and first.endswith(b","):
            return begin + len(first) - 1, begin + len(before) - 1
    return None
