"""What the record dates after the day of the answer and cannot have happened yet. Source: terminology 10.2."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date

from cdshooks.knowledge.ids import ResourceRef
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Doubt, PatientRecord, Proof

_HAS_HAPPENED = frozenset({Proof.GIVEN, Proof.DISPENSED, Proof.STATED, Proof.REPORTED})
"""An order may well be for a later day."""
Dated = tuple[str, str, PartialDate | None, tuple[ResourceRef, ...]]
"""What is dated, in the words of a doubt and of its sentence."""


def future_doubts(record: PatientRecord, as_of: date) -> Iterator[Doubt]:
    """One doubt for each result, diagnosis or given drug whose day is still to come."""
    for about, what, day, evidence in dated(record):
        if day is not None and day.first > as_of:
            because = (
                f"{what} is dated {day}, after the day of this answer ({as_of}), so it was not used; is the date right?"
            )
            yield Doubt(code="date", about=about, because=because, evidence=evidence)


def dated(record: PatientRecord) -> Iterator[Dated]:
    """All that has happened to the patient, with its day."""
    for drug in (*record.exposures, *record.other_cancer_drugs):
        if drug.proof in _HAS_HAPPENED:
            yield "medication", "A drug that was given", drug.start, drug.evidence
    for diagnosis in record.diagnoses:
        yield "diagnosis", "A diagnosis", diagnosis.start, diagnosis.evidence
    for metastasis in record.metastases:
        yield "metastatic", "A metastasis", metastasis.date, metastasis.evidence
    for status in record.statuses:
        yield "disease-status", "A statement on the disease", status.date, status.evidence
    for toxicity in record.toxicities:
        yield toxicity.kind, "An adverse effect", toxicity.start, toxicity.evidence
    for receptor in record.receptors:
        yield receptor.marker, f"A result for {receptor.marker.upper()}", receptor.date, receptor.evidence
    for marker in record.biomarkers:
        yield marker.marker, f"A result for {marker.marker.upper()}", marker.date, marker.evidence
    for measurement in record.measurements:
        yield measurement.fact, "A measurement", measurement.date, measurement.evidence
