"""Study records come back as they were imported; a person's suspension outlives every import."""

from cdshooks.store.trial_records import (
    TrialRecord,
    all_trial_records,
    put_trial_records,
    suspend_trial,
    trial_record,
)
from tests.store_samples import NOW

RECORD = TrialRecord(
    nct_id="NCT00000001",
    status="RECRUITING",
    status_date="2026-11",
    last_update="2026-11-03",
    content_hash="c" * 64,
    eligibility_hash="e" * 64,
    record='{"title": "Größe"}',
    source="file: studies.json",
    imported_at=NOW,
)


def test_a_record_comes_back_as_it_was_imported(store):
    put_trial_records(store, [RECORD])
    assert trial_record(store, "NCT00000001") == RECORD
    assert trial_record(store, "NCT00000002") is None


def test_a_newer_import_replaces_the_record(store):
    other = TrialRecord(**{it: getattr(RECORD, it) for it in RECORD.__struct_fields__} | {"nct_id": "NCT00000002"})
    put_trial_records(store, [other, RECORD])
    closed = TrialRecord(**{it: getattr(RECORD, it) for it in RECORD.__struct_fields__} | {"status": "COMPLETED"})
    put_trial_records(store, [closed])
    assert all_trial_records(store) == (closed, other)


def test_a_suspension_outlives_an_import_and_is_lifted_by_a_person(store):
    put_trial_records(store, [RECORD])
    assert suspend_trial(store, "NCT00000001", because="eligibility text has changed")
    put_trial_records(store, [RECORD])
    kept = trial_record(store, "NCT00000001")
    assert (kept.is_suspended, kept.suspended_because) == (True, "eligibility text has changed")
    assert suspend_trial(store, "NCT00000001", because=None)
    assert trial_record(store, "NCT00000001") == RECORD


def test_suspending_a_trial_that_was_never_imported_says_so(store):
    assert not suspend_trial(store, "NCT00000009", because="unknown")
