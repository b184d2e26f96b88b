"""The link from a card to the patient page: good once, for ten minutes, and with nothing of the patient in it. Source: issue 8 (1).

A card of a call that only sends data has nothing behind it that could be asked again, so what the card rested on is sealed: the
store holds what it cannot read, and the link, which is kept nowhere, holds the key. Without a store, or for a record too large, a
card simply has no link.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Protocol, TypeVar

import msgspec

from cdshooks.cards.model import Link
from cdshooks.cards.quiet import CardSet
from cdshooks.cards.wording import PAGE_LINK
from cdshooks.ehr.packed import pack, unpack
from cdshooks.ehr.resources import Resources
from cdshooks.errors import StoreUnavailableError
from cdshooks.store.sealed_rows import keep_row, take_row
from cdshooks.store.sealing import row_of, seal, unseal
from cdshooks.store.store import Store
from cdshooks.web import metrics

_T = TypeVar("_T")
_PURPOSE = "card link"
_LASTS = timedelta(minutes=10)
_LARGEST = 4 * 1024 * 1024


class Attempt(Protocol):
    """Work on the store within the time that a call may wait."""

    def __call__(self, work: Callable[[Store], _T], /) -> _T:
        """Do it."""
        ...


class CardLinks:
    """Makes links below a public URL and opens them; ``key`` is the service's own."""

    def __init__(self, public_url: str, key: bytes, attempt: Attempt, now: Callable[[], datetime]) -> None:
        self._public_url, self._key, self._attempt, self._now = public_url, key, attempt, now

    def added(self, answer: CardSet) -> CardSet:
        """The cards, each with one and the same link; without it when it cannot be kept."""
        if not answer.cards or answer.resources is None:
            return answer
        sealed = seal(self._key, _PURPOSE, pack(answer.resources))
        if len(sealed.box) > _LARGEST:
            return answer
        now = self._now()

        def keep(store: Store) -> None:
            keep_row(store, row=sealed.row, box=sealed.box, expires_at=now + _LASTS, now=now)

        try:
            self._attempt(keep)
        except StoreUnavailableError:
            metrics.count(metrics.store_failures, "link")
            return answer
        link = Link(label=PAGE_LINK, url=f"{self._public_url}/app/opened/{sealed.reference}")
        return with_link(answer, link)

    def opened(self, reference: str) -> Resources | None:
        """What the card rested on; None, whatever the reason, for a link that was never made, was opened before or is too old.

        Raises:
            StoreUnavailableError: It cannot be known now; the link is still good.
        """
        row = row_of(self._key, _PURPOSE, reference)
        if row is None:
            return None
        now = self._now()
        box = self._attempt(lambda store: take_row(store, row=row, now=now))
        content = unseal(self._key, _PURPOSE, reference, box) if box is not None else None
        return unpack(content) if content is not None else None


def with_link(answer: CardSet, link: Link) -> CardSet:
    """The cards, each with a further link."""
    cards = tuple(msgspec.structs.replace(it, links=(*it.links, link)) for it in answer.cards)
    return msgspec.structs.replace(answer, cards=cards)
