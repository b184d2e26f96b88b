"""What the imported records say of the structured trials: status with its date, sites, and whether the coding still fits."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import msgspec

from cdshooks.knowledge.trial_registry import TrialState
from cdshooks.knowledge.trials import Trial
from cdshooks.partial_date import PartialDate
from cdshooks.registry.study import Refused, Study, read_study, sites_of
from cdshooks.store.trial_records import TrialRecord

CHANGED = "the eligibility text is another than the one that was coded"


def trial_states(records: Iterable[TrialRecord], trials: Mapping[str, Trial]) -> dict[str, TrialState]:
    """The state of each structured trial that has a record; the others speak from their own files."""
    found: dict[str, TrialState] = {}
    for record in records:
        trial = trials.get(record.nct_id)
        if trial is not None:
            found[record.nct_id] = trial_state(record, trial)
    return found


def trial_state(record: TrialRecord, trial: Trial) -> TrialState:
    """What a record says of a structured trial."""
    reason = suspended_because(record, trial)
    return TrialState(
        status=record.status,
        status_date=PartialDate.from_fhir(record.status_date) if record.status_date else trial.state.status_date,
        sites=sites_of(record.record),
        is_suspended=reason is not None,
        suspended_because=reason,
    )


def suspended_because(record: TrialRecord, trial: Trial) -> str | None:
    """Why the coding has to be signed again before anybody is matched; None when it still fits its text."""
    if record.is_suspended:
        return record.suspended_because or CHANGED
    fits = {it for it in (trial.eligibility_hash, record.signed_hash) if it is not None}
    return CHANGED if fits and record.eligibility_hash not in fits else None


def study_of(record: TrialRecord) -> Study | None:
    """The study of a kept record; None for one that this version cannot read."""
    read = read_study(msgspec.json.decode(record.record), record.nct_id, as_of=record.status_date)
    return None if isinstance(read, Refused) else read
