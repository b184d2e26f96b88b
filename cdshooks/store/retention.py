"""Forgets what need not be kept any longer. Source: LOG-04."""

from __future__ import annotations

from datetime import datetime

import msgspec
import sqlalchemy as sa

from cdshooks.store.store import Store
from cdshooks.store.tables import audit_events, issued_cards, sealed_rows, seen_tokens


class Purged(msgspec.Struct, frozen=True, kw_only=True):
    """How much was deleted; with a card go its suggestions and the answers to it."""

    cards: int
    audit_events: int
    token_ids: int


def purge(
    store: Store, *, cards_before: datetime, audit_before: datetime, now: datetime, client: str | None = None
) -> Purged:
    """Delete cards, audit events and expired token ids of before these moments, all or none.

    With ``client``, only the cards of that client, of whatever age, for a client whose contract has ended.

    Raises:
        StoreUnavailableError: Nothing is deleted.
    """
    with store.writing() as connection:
        if client is not None:
            gone = connection.execute(sa.delete(issued_cards).where(issued_cards.c.client == client)).rowcount
            return Purged(cards=gone, audit_events=0, token_ids=0)
        connection.execute(sa.delete(sealed_rows).where(sealed_rows.c.expires_at <= now))
        return Purged(
            cards=connection.execute(sa.delete(issued_cards).where(issued_cards.c.issued_at < cards_before)).rowcount,
            audit_events=connection.execute(
                sa.delete(audit_events).where(audit_events.c.recorded_at < audit_before)
            ).rowcount,
            token_ids=connection.execute(sa.delete(seen_tokens).where(seen_tokens.c.expires_at < now)).rowcount,
        )
