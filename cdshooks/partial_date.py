"""A FHIR date kept at the precision it was written with: a range of days."""

from __future__ import annotations

import calendar
import re
from datetime import date
from functools import lru_cache
from operator import attrgetter

import msgspec

from cdshooks.errors import MalformedDateError

_WRITTEN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T[0-9:.+\-Z ]*)?)?)?\Z")

_DAY_LENGTH, _IN_TIMES = len("2021-03-04"), "0123456789:.+-Z "
"""Times differ from record to record and days do not, so what was read is remembered by the day."""

_FIRST_OF_ALL, _LAST_OF_ALL = date.min.toordinal(), date.max.toordinal()
"""Records hold 0001-01-01 for "no date", and supplies for more days than the calendar has."""


class DayRange(msgspec.Struct, frozen=True, gc=False):
    """A number of days known only to lie between two bounds, both included."""

    least: int
    most: int


class PartialDate(msgspec.Struct, frozen=True, gc=False):
    """The days that a written date may mean, first and last included.

    ``2021-03`` is 2021-03-01 .. 2021-03-31. A time and zone are dropped, for the calendar date is the one written.
    Comparison answers True, False, or None when the record does not say.
    """

    first: date
    last: date
    first_day: int
    last_day: int
    """Both as ordinals, for the days between two dates are asked hundreds of times for each patient."""

    @classmethod
    def between(cls, first: date, last: date) -> PartialDate:
        """Some day between two, both included."""
        return cls(first, last, first.toordinal(), last.toordinal())

    @classmethod
    def from_fhir(cls, text: str) -> PartialDate:
        """Read a FHIR date, dateTime or instant.

        Raises:
            MalformedDateError: The text is not one of these.
        """
        found = read_fhir_date(text)
        if found is None:
            raise MalformedDateError("not a FHIR date")
        return found

    @classmethod
    def from_day(cls, day: date) -> PartialDate:
        """The date known to the day."""
        return _exact(day.toordinal())

    @property
    def is_exact(self) -> bool:
        """Whether the day is known."""
        return self.first_day == self.last_day

    def is_before(self, other: PartialDate) -> bool | None:
        """Whether this day lies before the other one; None when the record does not say."""
        if self.last_day < other.first_day:
            return True
        if self.first_day >= other.last_day:
            return False
        return None

    def is_after(self, other: PartialDate) -> bool | None:
        """Whether this day lies after the other one; None when the record does not say."""
        return other.is_before(self)

    def days_until(self, other: PartialDate) -> DayRange:
        """How many days pass from this day to the other one; negative when the other is earlier."""
        return DayRange(other.first_day - self.last_day, other.last_day - self.first_day)

    def least_days_until(self, other: PartialDate) -> int:
        """How many days pass at least from this day to the other one."""
        return other.first_day - self.last_day

    def plus_days(self, days: int) -> PartialDate:
        """The same range of days, moved; never invents precision, and stops where the calendar does."""
        first = _exact(self.first_day + days)
        if self.first_day == self.last_day:
            return first
        return PartialDate.between(first.first, _exact(self.last_day + days).last)

    def as_fhir(self) -> str:
        """The finest FHIR date (day, month or year) that still covers the whole range; the year of the first day if none does."""
        if self.first == self.last:
            return self.first.isoformat()
        if (self.first.year, self.first.month) == (self.last.year, self.last.month):
            return f"{self.first.year:04d}-{self.first.month:02d}"
        return f"{self.first.year:04d}"

    def __str__(self) -> str:
        return self.as_fhir()


by_first, by_last = attrgetter("first_day", "last_day"), attrgetter("last_day", "first_day")
"""What dates are sorted by."""


def earliest(dates: tuple[PartialDate, ...]) -> PartialDate | None:
    """The date that starts first; ties go to the more precise one."""
    return min(dates, key=by_first, default=None)


def latest(dates: tuple[PartialDate, ...]) -> PartialDate | None:
    """The date that ends last; ties go to the more precise one."""
    return max(dates, key=by_last, default=None)


@lru_cache(maxsize=16_384)
def _exact(ordinal: int) -> PartialDate:
    day = date.fromordinal(min(max(ordinal, _FIRST_OF_ALL), _LAST_OF_ALL))
    return PartialDate.between(day, day)


def without_time(text: str) -> str:
    """A FHIR dateTime without its time and zone; any other text as it is."""
    has_time = len(text) > _DAY_LENGTH and text[_DAY_LENGTH] == "T" and not text[_DAY_LENGTH + 1 :].strip(_IN_TIMES)
    return text[:_DAY_LENGTH] if has_time else text


def read_fhir_date(text: str) -> PartialDate | None:
    """Read a FHIR date, dateTime or instant; None for what is none of these."""
    return _read(without_time(text))


@lru_cache(maxsize=16_384)
def _read(text: str) -> PartialDate | None:
    match = _WRITTEN.match(text.strip())
    if match is None:
        return None
    year, month, day = match.groups()
    try:
        if day is not None:
            return _exact(date(int(year), int(month), int(day)).toordinal())
        if month is not None:
            last_day = calendar.monthrange(int(year), int(month))[1]
            return PartialDate.between(date(int(year), int(month), 1), date(int(year), int(month), last_day))
        return PartialDate.between(date(int(year), 1, 1), date(int(year), 12, 31))
    except (ValueError, calendar.IllegalMonthError):
        return None
