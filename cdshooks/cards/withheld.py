"""A topic of cards that a hospital has switched off: its cards are held back, and one card says so. Source: SAF-08, D1."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import msgspec

from cdshooks.cards import wording
from cdshooks.cards.model import TOPIC_PREFIX, Card, Coding, Indicator
from cdshooks.cards.quiet import CardSet


def withhold_topics(answer: CardSet, off: Mapping[str, str], new_uuid: Callable[[], str]) -> CardSet:
    """The cards without those of topics that are off (topic -> reason); where some were, a short card in their place."""
    held = tuple(it for it in answer.cards if _topic(it) in off)
    if not held:
        return answer
    shown = tuple(it for it in answer.cards if it not in held)
    cards = (*shown, _notice(held, off, new_uuid))
    return msgspec.structs.replace(answer, cards=cards, silenced=(*answer.silenced, *held))


def _topic(card: Card) -> str:
    return card.source.topic.code.removeprefix(TOPIC_PREFIX)


def _notice(held: tuple[Card, ...], off: Mapping[str, str], new_uuid: Callable[[], str]) -> Card:
    topics = tuple(dict.fromkeys(_topic(it) for it in held))
    first = held[0]
    heading = f"{wording.UNSIGNED}: " if first.summary.startswith(wording.UNSIGNED) else ""
    opening = f"{wording.UNSIGNED_LONG}\n\n" if heading else ""
    names = ", ".join(wording.TOPICS[it] for it in topics)
    reasons = "\n".join(f"- {wording.TOPICS[it]}: {off[it]}" for it in topics)
    return Card(
        uuid=new_uuid(),
        summary=f"{heading}{wording.WITHHELD_SUMMARY.format(names=names)}",
        indicator=Indicator.INFO,
        detail=f"{opening}{wording.WITHHELD}\n\n{reasons}",
        source=msgspec.structs.replace(
            first.source,
            topic=Coding(
                code=f"{TOPIC_PREFIX}withheld", system=first.source.topic.system, display="What is switched off here"
            ),
        ),
        fingerprint=first.fingerprint,
    )
