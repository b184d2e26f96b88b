"""The link from a card to the patient page. Source: R-30, R-31.

A SMART client gets a link that launches the page with its own sign-in. For any other, a call that only sends data has nothing
behind it that could be asked again, so what the card rested on is sealed: the store holds what it cannot read, and the link, which
is kept nowhere and good once, holds the key. Without a store, or for a record too large, a card simply has no link.
"""

from __future__ import annotations

import json

import msgspec

from cdshooks.cards.model import Card, Link
from cdshooks.cards.quiet import CardSet
from cdshooks.cards.wording import PAGE_LINK
from cdshooks.ehr.packed import pack, unpack
from cdshooks.ehr.resources import Resources
from cdshooks.errors import StoreUnavailableError
from cdshooks.hooks.clients import Client
from cdshooks.web import metrics
from cdshooks.web.sealed_contents import SealedContents

_LARGEST = 4 * 1024 * 1024


class Opened(msgspec.Struct, frozen=True, kw_only=True):
    """What a link leads to: what its card rested on, for whom it was shown, and the hash of the patient."""

    client: str
    patient_hash: str
    packed: bytes

    @property
    def resources(self) -> Resources:
        """What the card rested on."""
        return unpack(self.packed)


class CardLinks:
    """Makes links below a public URL and opens them."""

    def __init__(self, public_url: str, contents: SealedContents) -> None:
        self._public_url, self._contents = public_url, contents

    def added(self, answer: CardSet, caller: Client | None, *, client: str, patient_hash: str) -> CardSet:
        """The cards, each with a link; without one when it cannot be kept."""
        if not answer.cards or answer.resources is None:
            return answer
        if caller is not None and caller.smart_client_id is not None:
            return _with_links(answer, [self._smart(card) for card in answer.cards])
        opened = Opened(client=client, patient_hash=patient_hash, packed=pack(answer.resources))
        sealed = self._contents.sealed(msgspec.msgpack.encode(opened))
        if len(sealed.box) > _LARGEST:
            return answer
        try:
            reference = self._contents.keep(sealed)
        except StoreUnavailableError:
            metrics.count(metrics.store_failures, "link")
            return answer
        link = Link(label=PAGE_LINK, url=f"{self._public_url}/app/opened/{reference}")
        return _with_links(answer, [link] * len(answer.cards))

    def opened(self, reference: str) -> Opened | None:
        """What it leads to; None, whatever the reason, for a link that was never made, was opened before or is too old.

        Raises:
            StoreUnavailableError: It cannot be known now; the link is still good.
        """
        content = self._contents.take(reference)
        return msgspec.msgpack.decode(content, type=Opened) if content is not None else None

    def _smart(self, card: Card) -> Link:
        """What the app finds in its launch says which card was followed, and nothing of the patient."""
        context = json.dumps({"topic": card.source.topic.code}, separators=(",", ":"))
        return Link(label=PAGE_LINK, url=f"{self._public_url}/launch", type="smart", app_context=context)


def _with_links(answer: CardSet, links: list[Link]) -> CardSet:
    cards = tuple(
        msgspec.structs.replace(card, links=(*card.links, link)) for card, link in zip(answer.cards, links, strict=True)
    )
    return msgspec.structs.replace(answer, cards=cards)
