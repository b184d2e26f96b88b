"""A patient is known again, and nobody without the key can tell who it is."""

import threading

import pytest

from cdshooks.store.patient_hash import hash_patient, keyed_hash, read_or_make_key

SAME = {"client": "main-hospital", "fhir_server": "https://ehr.example.org/fhir", "patient_id": "p1"}


def test_log_01_the_same_patient_has_the_same_hash_and_the_id_is_not_in_it():
    assert hash_patient(b"key", **SAME) == hash_patient(b"key", **SAME)
    assert "p1" not in hash_patient(b"key", **SAME)


@pytest.mark.parametrize(
    "other",
    [{"client": "other"}, {"fhir_server": "https://other.example.org"}, {"fhir_server": None}, {"patient_id": "P1"}],
)
def test_pid_02_the_same_id_elsewhere_is_another_patient(other):
    assert hash_patient(b"key", **SAME) != hash_patient(b"key", **SAME | other)


def test_log_01_another_key_gives_another_hash():
    assert hash_patient(b"key", **SAME) != hash_patient(b"other", **SAME)


def test_the_parts_of_a_hash_cannot_flow_into_each_other():
    assert keyed_hash(b"key", "ab", "c") != keyed_hash(b"key", "a", "bc")


def test_log_01_the_key_is_made_once_and_is_its_owners_alone(tmp_path):
    path, keys = tmp_path / "state" / "hash.key", []
    threads = [threading.Thread(target=lambda: keys.append(read_or_make_key(path))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set(keys)) == 1
    assert len(keys) == 8
    assert len(keys[0]) >= 32
    assert path.stat().st_mode & 0o777 == 0o600
    assert [it.name for it in path.parent.iterdir()] == ["hash.key"]
