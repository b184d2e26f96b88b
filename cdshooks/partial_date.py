"""A FHIR date kept at the precision it was written with: a range of days."""

from __future__ import annotations

import calendar
import re
from datetime import date, timedelta
from functools import lru_cache

import msgspec

from cdshooks.errors import MalformedDateError

_WRITTEN = re.compile(r"(\d{4})(?:-(\d{2})(?:-(\d{2})(?:T[0-9:.+\-Z ]*)?)?)?\Z")

_DAY_LENGTH, _IN_TIMES = len("2021-03-04"), "0123456789:.+-Z "
"""Times differ from record to record and days do not, so what was read is remembered by the day."""


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

    @classmethod
    def from_fhir(cls, text: str) -> PartialDate:
        """Read a FHIR date, dateTime or instant.

        Raises:
            MalformedDateError: The text is not one of these.
        """
        has_time = text[_DAY_LENGTH : _DAY_LENGTH + 1] == "T" and not text[_DAY_LENGTH + 1 :].strip(_IN_TIMES)
        return _from_fhir(text[:_DAY_LENGTH] if has_time else text)

    @classmethod
    def from_day(cls, day: date) -> PartialDate:
        """The date known to the day."""
        return cls(day, day)

    @property
    def is_exact(self) -> bool:
        """Whether the day is known."""
        return self.first == self.last

    def is_before(self, other: PartialDate) -> bool | None:
        """Whether this day lies before the other one; None when the record does not say."""
        if self.last < other.first:
            return True
        if self.first >= other.last:
            return False
        return None

    def is_after(self, other: PartialDate) -> bool | None:
        """Whether this day lies after the other one; None when the record does not say."""
        return other.is_before(self)

    def days_until(self, other: PartialDate) -> DayRange:
        """How many days pass from this day to the other one; negative when the other is earlier."""
        return DayRange((other.first - self.last).days, (other.last - self.first).days)

    def plus_days(self, days: int) -> PartialDate:
        """The same range of days, moved; never invents precision."""
        step = timedelta(days=days)
        return PartialDate(self.first + step, self.last + step)

    def as_fhir(self) -> str:
        """The finest FHIR date (day, month or year) that still covers the whole range; the year of the first day if none does."""
        if self.first == self.last:
            return self.first.isoformat()
        if (self.first.year, self.first.month) == (self.last.year, self.last.month):
            return f"{self.first.year:04d}-{self.first.month:02d}"
        return f"{self.first.year:04d}"

    def __str__(self) -> str:
        return self.as_fhir()


def earliest(dates: tuple[PartialDate, ...]) -> PartialDate | None:
    """The date that starts first; ties go to the more precise one."""
    return min(dates, key=lambda it: (it.first, it.last), default=None)


def latest(dates: tuple[PartialDate, ...]) -> PartialDate | None:
    """The date that ends last; ties go to the more precise one."""
    return max(dates, key=lambda it: (it.last, it.first), default=None)


@lru_cache(maxsize=16_384)
def _from_fhir(text: str) -> PartialDate:
    match = _WRITTEN.match(text.strip())
    if match is None:
        raise MalformedDateError("not a FHIR date")
    year, month, day = match.groups()
    try:
        if day is not None:
            exact = date(int(year), int(month), int(day))
            return PartialDate(exact, exact)
        if month is not None:
            last_day = calendar.monthrange(int(year), int(month))[1]
            return PartialDate(date(int(year), int(month), 1), date(int(year), int(month), last_day))
        return PartialDate(date(int(year), 1, 1), date(int(year), 12, 31))
    except (ValueError, calendar.IllegalMonthError) as error:
        raise MalformedDateError("not a calendar date") from error
