"""Which token ids were used already, over all workers and replicas. Source: AUT-07, D3."""

from __future__ import annotations

from datetime import datetime
from functools import cache

import sqlalchemy as sa

from cdshooks.store.store import Store, insert_of
from cdshooks.store.tables import seen_tokens


@cache
def _first_use(dialect: str) -> sa.Executable:
    """Built once, for it stands in the path of every call."""
    return insert_of(dialect, seen_tokens).on_conflict_do_nothing().returning(seen_tokens.c.jti)


def use_once(store: Store, *, issuer: str, jti: str, expires_at: datetime) -> bool:
    """Whether this token id was not used before; of any number of calls at once, one hears yes.

    A call waits for this, so it waits for no disk: every other worker and replica sees the id at once, and a killed process
    forgets none. A machine that loses power forgets at most those of its last moment, which expire within minutes.
    ``expires_at`` is when the token expires, with the allowed clock skew: until then the id is kept.

    Raises:
        StoreUnavailableError: It cannot be known; the token must not be accepted.
    """
    with store.writing(is_relaxed=True) as connection:
        row = {"issuer": issuer, "jti": jti, "expires_at": expires_at}
        return connection.execute(_first_use(connection.dialect.name), row).first() is not None


def forget_expired(store: Store, *, now: datetime) -> int:
    """Delete the ids of tokens that have expired; how many.

    Raises:
        StoreUnavailableError: Nothing is deleted.
    """
    with store.writing() as connection:
        return connection.execute(sa.delete(seen_tokens).where(seen_tokens.c.expires_at < now)).rowcount
