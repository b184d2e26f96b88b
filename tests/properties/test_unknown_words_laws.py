"""What nobody knows costs little: the work for unknown strings, counted in calls, grows with their number and with nothing else."""

from __future__ import annotations

import json
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record import drug_names
from cdshooks.record.drug_names import DrugNames
from cdshooks.record.read import read_patient_record

KNOWLEDGE = load_knowledge()
WORD = st.text("bcdfghjklmnpqrstvwxz", min_size=7, max_size=14)
SEARCHED = 400
"""Characters of a text in which a drug is looked for."""


class Counted:
    """Counts how often a function is called."""

    def __init__(self, of):
        self.of, self.times = of, 0

    def __call__(self, *args, **kwargs):
        self.times += 1
        return self.of(*args, **kwargs)


def calls_of(work):
    """How many functions, ours and built in, a piece of work calls."""
    times = 0

    def count(_frame, event, _argument):
        nonlocal times
        times += event in {"call", "c_call"}

    sys.setprofile(count)
    try:
        work()
    finally:
        sys.setprofile(None)
    return times


def searches_of(names, texts, monkeypatch):
    """How often the nearest word of all names is searched while these texts are read."""
    counted = Counted(drug_names.process.extract)
    with monkeypatch.context() as patch:
        patch.setattr(drug_names.process, "extract", counted)
        for text in texts:
            names.agents_in_text(text)
    return counted.times


@settings(max_examples=25, deadline=None)
@given(st.lists(WORD, min_size=1, max_size=20, unique=True), st.integers(1, 5))
def test_a_word_is_searched_once_however_often_it_comes(written, times):

    names = DrugNames(KNOWLEDGE.drugs)
    texts = [f"{it} {number} mg" for number in range(times) for it in written]
    with pytest.MonkeyPatch.context() as patch:
        assert searches_of(names, texts, patch) <= len(written)
        assert searches_of(names, texts, patch) == 0


@settings(max_examples=10, deadline=None)
@given(st.lists(WORD, min_size=100, max_size=200, unique=True))
def test_a_text_is_searched_no_further_than_its_beginning(written):

    text = " ".join(written)
    with pytest.MonkeyPatch.context() as patch:
        whole = searches_of(DrugNames(KNOWLEDGE.drugs), [text], patch)
        assert whole == searches_of(DrugNames(KNOWLEDGE.drugs), [text[:SEARCHED]], patch)
    assert whole <= SEARCHED / 7


def statements(many, seed):
    return read_patient_file(
        json.dumps(
            {
                "resourceType": "Bundle",
                "entry": [
                    {
                        "resource": {
                            "resourceType": "MedicationStatement",
                            "id": f"s{number}",
                            "status": "completed",
                            "medicationCodeableConcept": {"text": f"wonderdrug{seed}x{number}"},
                            "note": [{"text": f"note {seed} {number}: well tolerated"}],
                            "effectiveDateTime": "2024-03-04",
                        }
                    }
                    for number in range(many)
                ],
            }
        ).encode()
    )


def test_the_work_for_unknown_drugs_grows_with_their_number_alone():
    read_patient_record(statements(10, "first"), KNOWLEDGE)
    few, many = (statements(it, f"of{it}") for it in (1_000, 10_000))
    of_few = calls_of(lambda: read_patient_record(few, KNOWLEDGE))
    of_many = calls_of(lambda: read_patient_record(many, KNOWLEDGE))
    # Two readers ask for the drug of a record; beyond the bound of the memory each of them reads it anew, and no more often.
    assert of_many <= 2 * 10 * of_few


def test_unknown_drugs_make_what_is_known_no_dearer():
    known = statements(0, "none")
    before = calls_of(lambda: read_patient_record(known, KNOWLEDGE))
    read_patient_record(statements(10_000, "between"), KNOWLEDGE)
    assert calls_of(lambda: read_patient_record(known, KNOWLEDGE)) <= before
