"""Derives every fact of the vocabulary from a patient's record and lines."""

from __future__ import annotations

from datetime import date

import msgspec

from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import FactId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.model import LineHistory
from cdshooks.options.deriving.body import (
    derive_context_facts,
    derive_harm_facts,
    derive_organ_facts,
    derive_person_facts,
)
from cdshooks.options.deriving.disease import derive_disease_facts, derive_receptor_facts
from cdshooks.options.deriving.reader import Source, read_plain_facts
from cdshooks.options.deriving.treatment import derive_treatment_facts
from cdshooks.options.model import Fact
from cdshooks.record.model import PatientRecord

Facts = dict[FactId, Fact]


def derive_facts(record: PatientRecord, lines: LineHistory, knowledge: Knowledge, *, as_of: date) -> Facts:
    """Every fact of the vocabulary, in its order; None is unknown, and silence means no only where the vocabulary says so.

    A value too old to rely on keeps its date here; predicates treat it as unknown. What silence alone makes a no is marked so.
    """
    source = Source.of(record, lines, knowledge.facts, as_of)
    plain = read_plain_facts(source)
    derived = (
        *derive_person_facts(source),
        *derive_disease_facts(source),
        *derive_receptor_facts(source, knowledge.receptors),
        *derive_organ_facts(source),
        *derive_harm_facts(source),
        *derive_context_facts(source, plain),
        *derive_treatment_facts(source, knowledge.rules.classes),
    )
    found = plain | {fact.id: fact for fact in derived}
    return {
        fact_id: _marked(found.get(fact_id) or Fact(id=fact_id, value=None, unit=definition.unit), definition)
        for fact_id, definition in knowledge.facts.items()
    }


def _marked(fact: Fact, definition: FactDefinition) -> Fact:
    is_silence = definition.is_closed and definition.is_from_record and not fact.evidence
    return msgspec.structs.replace(fact, is_silence=True) if is_silence else fact
