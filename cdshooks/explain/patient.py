"""One patient's file to advice, by the code that answers hook calls."""

from __future__ import annotations

from datetime import date

from cdshooks.ehr.patient_file import read_draft_orders, read_patient_file
from cdshooks.ehr.resources import Resources
from cdshooks.explain.unused import Received, received
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import Registry
from cdshooks.lines.history import build_line_history
from cdshooks.options.assess import assess_options
from cdshooks.options.model import Advice
from cdshooks.record.read import read_patient_record


def explain_file(data: bytes, knowledge: Knowledge, *, as_of: date, jurisdiction: str) -> Advice:
    """The advice for one patient file, by the code that answers hook calls.

    Raises:
        UnreadablePatientFileError: The file is none of the three forms.
    """
    return explain_patient(data, knowledge, as_of=as_of, jurisdiction=jurisdiction)[0]


def explain_patient(
    data: bytes,
    knowledge: Knowledge,
    *,
    as_of: date,
    jurisdiction: str,
    registry: Registry | None = None,
    hospital: Position | None = None,
) -> tuple[Advice, Received]:
    """The advice for one patient file, and what the file held beside: above all, from which resources nothing was concluded.

    Raises:
        UnreadablePatientFileError: The file is none of the three forms.
    """
    resources = read_patient_file(data)
    advice = advise(resources, knowledge, as_of=as_of, jurisdiction=jurisdiction, registry=registry, hospital=hospital)
    return advice, received(resources, advice.record, knowledge, read_draft_orders(data))


def advise(
    resources: Resources,
    knowledge: Knowledge,
    *,
    as_of: date,
    jurisdiction: str,
    registry: Registry | None = None,
    hospital: Position | None = None,
) -> Advice:
    """The advice for one patient's resources, with every option and trial judged in full."""
    record = read_patient_record(resources, knowledge, as_of=as_of)
    lines = build_line_history(record, knowledge, as_of=as_of)
    return assess_options(
        record, lines, knowledge, as_of=as_of, jurisdiction=jurisdiction, registry=registry, hospital=hospital
    )
