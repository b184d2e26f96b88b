"""The cards that were shown, by what they say and rest on; never their text. Source: ALT-05, AUT-09, SAF-04."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import sqlalchemy as sa

from cdshooks.store.tables import issued_cards, issued_suggestions


class IssuedSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion by its uuid, and the id of the option or the registry number of the trial it stands for."""

    suggestion: str
    option: str


class IssuedCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card by its uuid: to whom, about what, on which knowledge. ``patient_hash`` cannot be turned back into an id."""

    card: str
    client: str
    service: str
    topic: str
    fingerprint: str
    patient_hash: str
    knowledge_version: str
    knowledge_hash: str
    issued_at: datetime
    suggestions: tuple[IssuedSuggestion, ...] = ()


_CARD, _SUGGESTION = sa.insert(issued_cards), sa.insert(issued_suggestions)


def remember_cards(connection: sa.Connection, cards: Iterable[IssuedCard]) -> None:
    """Keep what was shown, within one transaction."""
    kept = tuple(cards)
    rows = [{it: getattr(card, it) for it in IssuedCard.__struct_fields__ if it != "suggestions"} for card in kept]
    inner = [
        {"suggestion": it.suggestion, "card": card.card, "option": it.option}
        for card in kept
        for it in card.suggestions
    ]
    if rows:
        connection.execute(_CARD, rows)
    if inner:
        connection.execute(_SUGGESTION, inner)
