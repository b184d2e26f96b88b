"""When a drug was taken, as each kind of record says it. Source: terminology 10.2."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.resources import (
    Drug,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Procedure,
)
from cdshooks.partial_date import PartialDate, latest
from cdshooks.record.dates import DatesInWords, bounds_of, end_of, events_of, read_date, start_of

OVER = frozenset({"stopped", "completed"})
"""Statuses of a drug that is taken no longer."""


class DrugDates(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """From when to when; one dose, or a course that may go on. ``is_certain``: by members for dates, not by words."""

    start: PartialDate | None
    end: PartialDate | None
    is_open: bool = False
    is_single_dose: bool = False
    is_certain: bool = True
    supply_days: int | None = None


def is_reported(resource: Drug | Procedure) -> bool:
    """Whether an order is someone's report of earlier medication."""
    return isinstance(resource, MedicationRequest) and bool(
        resource.reported_boolean or resource.reported_reference is not None
    )


def administration_dates(administration: MedicationAdministration, _words: DatesInWords) -> DrugDates:
    """A day, or a period: one of hours is the infusion, not the course."""
    period = administration.effective_period
    start = read_date(administration.effective_date_time, start_of(period))
    end = read_date(period.end) if period is not None and period.end else None
    is_course = start is not None and end is not None and end.first_day - start.last_day > 1
    return DrugDates(start=start, end=end if is_course else start, is_single_dose=not is_course)


def dispense_dates(dispense: MedicationDispense, _words: DatesInWords) -> DrugDates:
    """The day it was handed over, and for how many days it lasts."""
    supply = dispense.days_supply.value if dispense.days_supply is not None else None
    days = int(supply) if isinstance(supply, (int, float)) and supply > 0 else None
    start = read_date(dispense.when_handed_over, dispense.when_prepared)
    return DrugDates(start=start, end=start, is_single_dose=True, supply_days=days)


def procedure_dates(procedure: Procedure, _words: DatesInWords) -> DrugDates:
    """The period, or one day; a procedure under way is open."""
    start = read_date(procedure.performed_date_time, start_of(procedure.performed_period))
    end = read_date(end_of(procedure.performed_period))
    is_single = (end is None and procedure.status != "in-progress") or _is_one_day(start, end)
    return DrugDates(
        start=start,
        end=start if is_single else end,
        is_single_dose=is_single,
        is_open=procedure.status == "in-progress",
    )


def statement_dates(statement: MedicationStatement, words: DatesInWords) -> DrugDates:
    """The period or day, then what its words say; the day of the interview is none of an earlier drug."""
    is_current = statement.status == "active"
    start = read_date(start_of(statement.effective_period))
    written_end = read_date(end_of(statement.effective_period))
    end = written_end or words.end(statement.dosage)
    if start is not None or end is not None:
        return DrugDates(
            start=start,
            end=end,
            is_open=is_current and end is None,
            is_single_dose=_is_one_day(start, end),
            is_certain=end is written_end,
        )
    day = read_date(statement.effective_date_time)
    if day is not None:
        return DrugDates(start=day, end=None if is_current else day, is_open=is_current, is_single_dose=not is_current)
    named = words.year(_words_of(statement))
    if named is not None:
        return DrugDates(start=named, end=None, is_open=is_current, is_certain=False)
    asserted = read_date(statement.date_asserted)
    # The day of the interview proves that a current drug was taken then, and nothing of an earlier one.
    return DrugDates(start=asserted if is_current else None, end=None, is_open=is_current, is_certain=False)


def request_dates(request: MedicationRequest, words: DatesInWords) -> DrugDates:
    """The bounds of its instructions, then what these say in words, then the day it was written."""
    bounds, days = bounds_of(request.dosage_instruction), events_of(request.dosage_instruction)
    start = read_date(bounds.start) if bounds is not None else None
    is_certain = True
    if start is None and days:
        start = days[0]
    elif start is None:
        start = words.start(request.dosage_instruction)
        if start is not None:
            is_certain = False
        elif is_reported(request):
            start, is_certain = words.year(_words_of(request)), False
        else:
            start = read_date(request.authored_on)
    supplied = request.dispense_request
    end = read_date(end_of(bounds), end_of(supplied.validity_period) if supplied is not None else None)
    if end is None and bounds is None and days:
        end = latest(days)
    elif end is None:
        end = words.end(request.dosage_instruction)
        is_certain = is_certain and end is None
    duration = supplied.expected_supply_duration if supplied is not None else None
    supply = duration.value if duration is not None else None
    return DrugDates(
        start=start,
        end=end,
        is_open=request.status == "active" and end is None,
        is_single_dose=_is_one_day(start, end),
        is_certain=is_certain,
        supply_days=int(supply) if isinstance(supply, (int, float)) and supply > 0 else None,
    )


def _is_one_day(start: PartialDate | None, end: PartialDate | None) -> bool:
    """Whether a period is one day: a dose, however its record is meant for a course. Source: terminology 10.2, 13."""
    return start is not None and start == end and start.is_exact


def _words_of(resource: Drug) -> str:
    concept = resource.medication_codeable_concept
    parts = [concept.text if concept is not None else None, *(note.text for note in resource.note)]
    if resource.medication_reference is not None:
        parts.append(resource.medication_reference.display)
    return " ".join(part for part in parts if part)
