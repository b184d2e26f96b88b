"""Study records of a trial registry, as they were imported."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

import msgspec
import sqlalchemy as sa

from cdshooks.store.store import Store, insert
from cdshooks.store.tables import trial_records

_SET_BY_PEOPLE = frozenset({"nct_id", "is_suspended", "suspended_because"})


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


def all_trial_records(store: Store) -> tuple[TrialRecord, ...]:
    """Every record, by its registry number.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    with store.reading() as connection:
        rows = connection.execute(sa.select(trial_records).order_by(trial_records.c.nct_id)).mappings()
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
