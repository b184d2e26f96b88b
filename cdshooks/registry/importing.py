"""Takes study records into the store, and suspends a structured trial whose eligibility text has changed."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import datetime

import msgspec

from cdshooks.knowledge.trials import Trial
from cdshooks.registry.states import CHANGED, suspended_because
from cdshooks.registry.study import Study
from cdshooks.store.store import Store
from cdshooks.store.trial_records import TrialRecord, put_trial_records, suspend_trial, trial_record


class Imported(msgspec.Struct, frozen=True, kw_only=True):
    """What became of the studies, by their numbers."""

    new: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    older: tuple[str, ...] = ()
    """Older than what is kept: not taken."""
    suspended: tuple[str, ...] = ()
    """Structured trials that now wait to be signed again."""

    def plus(self, other: Imported) -> Imported:
        """Both together."""
        return Imported(**{it: getattr(self, it) + getattr(other, it) for it in self.__struct_fields__})


def import_studies(
    store: Store, studies: Iterable[tuple[Study, str]], trials: Mapping[str, Trial], *, now: datetime, keep: bool = True
) -> Imported:
    """Keep studies, each with where it came from; without ``keep`` only say what would become of them.

    Raises:
        StoreUnavailableError: Nothing of this batch is kept.
    """
    became: dict[str, list[str]] = {it: [] for it in Imported.__struct_fields__}
    records: dict[str, TrialRecord] = {}
    suspensions: dict[str, str] = {}
    for study, source in studies:
        known = records.get(study.nct_id) or trial_record(store, study.nct_id)
        kind = _compared(study, known)
        became[kind].append(study.nct_id)
        if kind == "older" or (known is not None and kind == "same" and study.status_date <= (known.status_date or "")):
            continue
        record = _record(study, source, now, known)
        records[study.nct_id] = record
        reason = _reason(record, known, trials.get(study.nct_id))
        if reason is not None:
            suspensions[study.nct_id] = reason
            if not record.is_suspended:
                became["suspended"].append(study.nct_id)
    if keep:
        put_trial_records(store, records.values())
        for number, reason in suspensions.items():
            suspend_trial(store, number, because=reason)
    return Imported(**{kind: tuple(numbers) for kind, numbers in became.items()})


def _compared(study: Study, known: TrialRecord | None) -> str:
    if known is None:
        return "new"
    if known.content_hash == study.content_hash:
        return "same"
    if study.last_update is not None and known.last_update is not None:
        return "older" if study.last_update < known.last_update else "changed"
    is_older = known.status_date is not None and study.status_date < known.status_date[: len(study.status_date)]
    return "older" if is_older else "changed"


def _record(study: Study, source: str, now: datetime, known: TrialRecord | None) -> TrialRecord:
    people = (
        {}
        if known is None
        else {
            it: getattr(known, it)
            for it in ("is_suspended", "suspended_because", "signed_hash", "signed_by", "reviewed_by", "signed_at")
        }
    )
    return TrialRecord(
        nct_id=study.nct_id,
        status=study.status,
        status_date=study.status_date,
        last_update=study.last_update,
        content_hash=study.content_hash,
        eligibility_hash=study.eligibility_hash,
        record=study.record,
        source=source,
        imported_at=now,
        **people,
    )


def _reason(record: TrialRecord, known: TrialRecord | None, trial: Trial | None) -> str | None:
    if trial is None:
        return None
    if known is not None and known.eligibility_hash != record.eligibility_hash != record.signed_hash:
        return f"{CHANGED}: it changed with the record of {record.status_date}"
    return suspended_because(record, trial)
