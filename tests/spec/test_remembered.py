"""What was read once is remembered, within a bound: no number of unknown strings makes the service grow or do more."""

from __future__ import annotations

import json
from pathlib import Path

from cdshooks.ehr.decode import ResourceCollector
from cdshooks.ehr.remembered import MOST_REMEMBERED, Memory, remembered
from cdshooks.ehr.resources import TYPES, CodeableConcept, Coding
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.meanings import Meanings
from cdshooks.record.drug_names import DrugNames
from cdshooks.record.read import read_patient_record, vocabulary_of

STORIES = Path(__file__).parents[2] / "fhir_fixtures"
TRASTUZUMAB = CodeableConcept(text="trastuzumab 440 mg i.v.")


def memory_of(look_up):
    memory = getattr(look_up, "__self__", None)
    return memory if isinstance(memory, Memory) else None


class Counted:
    """A reading that counts how often it was done."""

    def __init__(self):
        self.done = []

    def __call__(self, key):
        self.done.append(key)


def test_each_value_is_read_once_and_one_in_use_is_never_read_again():
    read = Counted()
    look_up = remembered(read, most=100)
    for number in range(10_000):
        look_up(f"unknown drug {number}")
        look_up("trastuzumab")
    assert len(read.done) == 10_001
    assert memory_of(look_up).size <= 200


def test_no_answer_is_an_answer():
    read = Counted()
    look_up = remembered(read, most=2)
    for key in ("a", "a", "b", "c", "a", "a"):
        assert look_up(key) is None
    assert read.done == ["a", "b", "c"]


def test_a_long_text_is_read_but_not_kept():
    length = remembered(len)
    assert length("x" * 5_000) == 5_000
    concept = CodeableConcept(coding=(Coding(display="x" * 5_000),))
    names = DrugNames(load_knowledge().drugs)
    names.identify_concept(concept)
    assert (memory_of(length).size, memory_of(names.identify_concept).size) == (0, 0)


def test_ten_thousand_unknown_drugs_leave_every_memory_within_its_bound():
    knowledge = load_knowledge()
    vocabulary = vocabulary_of(knowledge)

    def statement(number, name):
        return {
            "resourceType": "MedicationStatement",
            "id": f"s{number}",
            "status": "completed",
            "medicationCodeableConcept": {"text": name},
            "effectiveDateTime": "2024-03-04",
            "reasonCode": [{"text": f"reason {number}"}],
            "note": [{"text": f"note {number}"}],
            "dosage": [{"route": {"text": f"route {number}"}}],
        }

    resources = [statement(number, f"wonderdrug{number} {number} mg") for number in range(10_000)]
    resources.append(statement(10_000, "trastuzumab 440 mg"))
    entries = [{"resource": it} for it in resources]
    collector = ResourceCollector()
    collector.add_json(json.dumps({"resourceType": "Bundle", "entry": entries}).encode(), query="medicationStatements")
    record = read_patient_record(collector.finish(), knowledge)

    assert len(record.unmapped) == 10_000
    assert [it.agent for it in record.exposures] == ["trastuzumab"]
    owners = [vocabulary.names, vocabulary.terms, vocabulary.observations, vocabulary.receptors]
    owners += [vocabulary.toxicities, vocabulary.measurements]
    owners += [vocabulary.terms.meanings(it) for it in knowledge.codes.meanings]
    look_ups = [it for owner in owners for it in vars(owner).values()]
    look_ups += [read for kind in TYPES.values() for _, read in getattr(kind, "shared", ())]
    memories = [memory_of(it) for it in look_ups if memory_of(it) is not None]
    assert len(memories) >= 80
    assert [it.size for it in memories if it.size > 2 * MOST_REMEMBERED] == []


def test_a_record_read_again_searches_no_words_again(monkeypatch):
    """What a drug's words said behind "stopped" was searched for at each dose, and reading a large record took twice as long."""
    knowledge, searched = load_knowledge(), []
    for name in ("of", "first", "after"):
        search = getattr(Meanings, name)
        monkeypatch.setattr(Meanings, name, lambda *asked, search=search: searched.append(asked[1:]) or search(*asked))
    known = 0
    for path in sorted(STORIES.glob("*/request.json")):
        collector = ResourceCollector()
        for key, sent in json.loads(path.read_bytes())["prefetch"].items():
            collector.add_json(json.dumps(sent).encode(), query=key)
        resources = collector.finish()
        read_patient_record(resources, knowledge)
        known += len(searched)
        searched.clear()
        read_patient_record(resources, knowledge)
        assert searched == [], path.parent.name
    assert known > 100
