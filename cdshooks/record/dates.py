"""Dates as records write them: FHIR members first, then dates inside instructions, which are less certain."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from functools import cache, lru_cache

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import Condition, DiagnosticReport, Dosage, Observation, Period
from cdshooks.knowledge.drugs import rows_of
from cdshooks.partial_date import PartialDate, read_fhir_date, without_time
from cdshooks.record.remembered_meanings import RememberedMeanings

_ASSERTED = "/condition-assertedDate"
_SOON_A_DAY = r"\b([^0-9]{0,12})(\d{1,4}[/-]\d{1,2}[/-]\d{1,4}|\d{1,2}\.\d{1,2}\.\d{4})"
_END_OF_CLAUSE = re.compile(r"[;,\n]|\.(?=\s)")
"""An end stands behind a comma too: "do not crush, until 2/28/2025"."""
_FULL_YEAR = 1000
"""A year of two figures does not tell its century."""
_YEAR = r"(?<![\d.,])((?:19|20)\d{2})(?:-(\d{2}))?\b(?![.,]?\d)(?!\s*{unit})"


def read_date(*written: str | None) -> PartialDate | None:
    """The first of several members that holds a date; one that cannot be read, or that stands for none, counts as absent."""
    for text in written:
        if text:
            found = _day(without_time(text))
            if found is not None:
                return found
    return None


@lru_cache(maxsize=16_384)
def _day(text: str) -> PartialDate | None:
    found = read_fhir_date(text)
    first, last = _days_that_can_be()
    return found if found is not None and first <= found.first_day and found.last_day <= last else None


@cache
def _days_that_can_be() -> tuple[int, int]:
    """The first and last day that a date of a patient can be; systems that cannot leave a date empty write one outside.

    "0001-01-01", "1900-01-01", "9999-12-31": they are marks and no days, so a hospital changes nothing here.
    """
    years = {row["id"]: int(row["value"]) for _, row in rows_of("reading_limits", None) if row["unit"] == "a"}
    first, last = years["earliest-year-of-a-date"], years["latest-year-of-a-date"]
    return date(first, 1, 1).toordinal(), date(last, 12, 31).toordinal()


def start_of(period: Period | None) -> str | None:
    """The start of a period that may be missing."""
    return period.start if period is not None else None


def end_of(period: Period | None) -> str | None:
    """The end of a period that may be missing."""
    return period.end if period is not None else None


def bounds_of(dosages: tuple[Dosage, ...]) -> Period | None:
    """The first bounds period among dosage instructions."""
    for dosage in dosages:
        if (
            dosage.timing is not None
            and dosage.timing.repeat is not None
            and dosage.timing.repeat.bounds_period is not None
        ):
            return dosage.timing.repeat.bounds_period
    return None


def events_of(dosages: tuple[Dosage, ...]) -> tuple[PartialDate, ...]:
    """The single days on which dosage instructions say that a dose is due, in their order. Source: FHIR R4 Timing.event."""
    written = [day for it in dosages if it.timing is not None and it.timing.event for day in it.timing.event]
    return tuple(sorted(filter(None, map(read_date, written)), key=lambda it: it.first_day)) if written else ()


def observed_on(observation: Observation) -> PartialDate | None:
    """The day of an observation."""
    day = read_date(observation.effective_date_time)  # nearly every one says it so
    if day is not None:
        return day
    return read_date(start_of(observation.effective_period), observation.effective_instant, observation.issued)


def reported_on(report: DiagnosticReport | Observation) -> PartialDate | None:
    """The day of a report, or of an observation that is read as one."""
    return read_date(report.effective_date_time, start_of(report.effective_period), report.issued)


def onset_of(condition: Condition) -> PartialDate | None:
    """When a diagnosis began, where the record says it."""
    return read_date(condition.onset_date_time, start_of(condition.onset_period), condition.onset_string)


def recorded_on(condition: Condition) -> PartialDate | None:
    """The day on which a diagnosis was first asserted, else recorded. Source: FHIR R4 extension condition-assertedDate."""
    asserted = (it.value_date_time for it in condition.extension if (it.url or "").endswith(_ASSERTED))
    return read_date(*asserted, condition.recorded_date)


class DatesInWords:
    """Reads the dates that instructions hold; which words announce them stands in the table of meanings.

    ``earliest_year``: a year before it is none of a treatment.
    """

    def __init__(
        self,
        words: RememberedMeanings,
        dose_units: RememberedMeanings,
        weekdays: RememberedMeanings,
        earliest_year: float,
    ) -> None:
        self._year = re.compile(_YEAR.replace("{unit}", dose_units.whole("unit").pattern), re.IGNORECASE)
        self._before = re.compile(words.pattern("before") + r"\W*\Z", re.IGNORECASE)
        self._earliest_year = earliest_year
        self._end = _finder(words, "end", weekdays)
        self._start = _finder(words, "start", weekdays)

    def end(self, dosages: tuple[Dosage, ...]) -> PartialDate | None:
        """An end written into an instruction: "Until Fri 2/28/2025"."""
        return _in_words(self._end, dosages)

    def start(self, dosages: tuple[Dosage, ...]) -> PartialDate | None:
        """A start written into an instruction: "Starting Mon 11/4/2024"."""
        return _in_words(self._start, dosages)

    def year(self, text: str | None) -> PartialDate | None:
        """A year or month that stands alone in a text ("outside hospital, 2021"); None when there are several.

        A dose is none, nor a year before which the drug was taken.
        """
        found = {
            it.group(0)
            for it in self._year.finditer(text or "")
            if int(it.group(1)) >= self._earliest_year and not self._before.search(it.string[: it.start()])
        }
        return read_date(found.pop()) if len(found) == 1 else None


def _finder(words: RememberedMeanings, told: str, weekdays: RememberedMeanings) -> Callable[[str], PartialDate | None]:
    """Finds the date behind the words that announce it: the same instruction comes with every order of a course.

    A day behind both kinds of words belongs to the nearer ones ("until PD, from 2/3/2024"). In a clause that speaks of a pause a
    day is none of an end, for the drug goes on after it ("hold until 2/3/2024"), or begins then ("do not start until 2/3/2024").
    """
    pattern = re.compile(words.pattern(told) + _SOON_A_DAY, re.IGNORECASE)
    other = "start" if told == "end" else "end"

    def find(text: str) -> PartialDate | None:
        for match in pattern.finditer(text):
            is_paused = words.has("pause", _END_OF_CLAUSE.split(text[: match.start()])[-1])
            is_of_other = words.has(other, match.group(1))
            if (not is_paused and not is_of_other) or (is_paused and told == "start"):
                return _read_written(match.group(2), weekdays.first(match.group(1)))
        return None

    return remembered(find)


def _in_words(find: Callable[[str], PartialDate | None], dosages: tuple[Dosage, ...]) -> PartialDate | None:
    return next((found for it in dosages if it.text and (found := find(it.text)) is not None), None)


def _read_written(text: str, weekday: str | None) -> PartialDate | None:
    """A date in figures. Which of two is the month, the weekday before it tells; else it is one of the days between both.

    What stands for no date ("12/31/9999") is none here either.
    """
    parts = [int(it) for it in re.split(r"[/.-]", text)]
    if "." in text:  # with dots the day stands first wherever dates are written so
        orders = [(parts[2], parts[1], parts[0])]
    elif parts[0] >= _FULL_YEAR:
        orders = [(parts[0], parts[1], parts[2])]
    else:
        orders = [(parts[2], parts[0], parts[1]), (parts[2], parts[1], parts[0])]
    days = sorted({day for it in orders if (day := _calendar_day(*it)) is not None})
    told = [it for it in days if weekday is not None and str(it.weekday()) == weekday]
    days = told or days
    return PartialDate.between(days[0], days[-1]) if days else None


def _calendar_day(year: int, month: int, day: int) -> date | None:
    try:
        found = date(year, month, day)
    except ValueError:
        return None
    first, last = _days_that_can_be()
    return found if first <= found.toordinal() <= last else None
