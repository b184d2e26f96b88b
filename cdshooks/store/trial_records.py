"""Study records of a trial registry, as they were imported."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime

import msgspec
import sqlalchemy as sa

from cdshooks.store.store import Store, insert
from cdshooks.store.tables import trial_records

_SIGNATURE = frozenset({"signed_hash", "signed_by", "reviewed_by", "signed_at"})
_SET_BY_PEOPLE = frozenset({"nct_id", "is_suspended", "suspended_because"}) | _SIGNATURE


class TrialRecord(msgspec.Struct, frozen=True, kw_only=True):
    """One study. ``record`` is the registry's JSON; dates are as precise as the registry wrote them.

    A suspended trial is offered to nobody until a person lifts the suspension, whatever the registry says.
    """

    nct_id: str
    status: str
    status_date: str | None
    last_update: str | None
    content_hash: str
    eligibility_hash: str
    record: str
    source: str
    imported_at: datetime
    is_suspended: bool = False
    suspended_because: str | None = None
    signed_hash: str | None = None
    """The eligibility text that people have looked at last and found coded rightly."""
    signed_by: str | None = None
    reviewed_by: str | None = None
    signed_at: datetime | None = None


def put_trial_records(store: Store, records: Iterable[TrialRecord]) -> None:
    """Add records or replace older imports of the same studies, all or none; a suspension that stands is not lifted.

    Raises:
        StoreUnavailableError: Nothing is kept.
    """
    with store.writing() as connection:
        for record in records:
            row = insert(connection, trial_records).values(**msgspec.structs.asdict(record))
            replaced = {it.name: row.excluded[it.name] for it in trial_records.c if it.name not in _SET_BY_PEOPLE}
            connection.execute(row.on_conflict_do_update(index_elements=["nct_id"], set_=replaced))


def all_trial_records(store: Store, numbers: Collection[str] | None = None) -> tuple[TrialRecord, ...]:
    """Every record, or those of these numbers, by registry number.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    with store.reading() as connection:
        asked = sa.select(trial_records).order_by(trial_records.c.nct_id)
        if numbers is not None:
            asked = asked.where(trial_records.c.nct_id.in_(sorted(numbers)))
        rows = connection.execute(asked).mappings()
        return tuple(TrialRecord(**row) for row in rows)


def trial_record(store: Store, nct_id: str) -> TrialRecord | None:
    """One record.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    with store.reading() as connection:
        row = connection.execute(sa.select(trial_records).where(trial_records.c.nct_id == nct_id)).mappings().first()
        return TrialRecord(**row) if row is not None else None


def suspend_trial(store: Store, nct_id: str, *, because: str | None) -> bool:
    """Suspend a trial for a reason, or lift the suspension with None; whether the trial is known.

    Raises:
        StoreUnavailableError: Nothing is changed.
    """
    change = (
        sa.update(trial_records)
        .where(trial_records.c.nct_id == nct_id)
        .values(is_suspended=because is not None, suspended_because=because)
    )
    with store.writing() as connection:
        return connection.execute(change).rowcount == 1


def sign_trial(
    store: Store, nct_id: str, *, eligibility_hash: str, signed_by: str, reviewed_by: str, at: datetime
) -> bool:
    """Keep who has held the coding against this text, and lift the suspension; False when the text has changed meanwhile.

    Raises:
        StoreUnavailableError: Nothing is changed.
    """
    change = (
        sa.update(trial_records)
        .where(trial_records.c.nct_id == nct_id, trial_records.c.eligibility_hash == eligibility_hash)
        .values(
            is_suspended=False,
            suspended_because=None,
            signed_hash=eligibility_hash,
            signed_by=signed_by,
            reviewed_by=reviewed_by,
            signed_at=at,
        )
    )
    with store.writing() as connection:
        return connection.execute(change).rowcount == 1


def trial_records_stamp(store: Store) -> str:
    """What changes whenever any record, suspension or signature does; cheap to ask.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    asked = sa.select(
        sa.func.count(),
        sa.func.max(trial_records.c.imported_at),
        sa.func.max(trial_records.c.signed_at),
        sa.func.sum(sa.cast(trial_records.c.is_suspended, sa.Integer)),
    )
    with store.reading() as connection:
        return str(tuple(connection.execute(asked).one()))
