"""A FHIR date is a range of days; the record is never made to say more than it does."""

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.errors import MalformedDateError
from cdshooks.partial_date import PartialDate, earliest, latest

days = st.dates(min_value=date(1950, 1, 1), max_value=date(2050, 12, 31))


@pytest.mark.parametrize(
    ("written", "first", "last"),
    [
        ("2021", "2021-01-01", "2021-12-31"),
        ("2021-02", "2021-02-01", "2021-02-28"),
        ("2024-02", "2024-02-01", "2024-02-29"),
        ("2021-03-04", "2021-03-04", "2021-03-04"),
        ("2021-03-04T23:59:00-05:00", "2021-03-04", "2021-03-04"),
        ("2021-03-04T23:59", "2021-03-04", "2021-03-04"),
        ("2021-03-04T23:59:59.999Z", "2021-03-04", "2021-03-04"),
        (" 2021-03-04 ", "2021-03-04", "2021-03-04"),
    ],
)
def test_a_date_covers_the_days_that_it_may_mean(written, first, last):
    assert PartialDate.from_fhir(written) == PartialDate.between(date.fromisoformat(first), date.fromisoformat(last))


@pytest.mark.parametrize(
    "written",
    [
        "",
        "YYYY-MM-DD",
        "2021-13",
        "2021-02-30",
        "21-03-04",
        "2021-3-4",
        "04.03.2021",
        "2021-03-04 or so",
        "0000",
        "2021-03-04T or so",
        "2021-03-04Tx23:59",
        "2021-03-04Tx",
        "2021-03-04x23:59",
    ],
)
def test_what_is_no_fhir_date_is_refused(written):
    with pytest.raises(MalformedDateError):
        PartialDate.from_fhir(written)


@pytest.mark.parametrize(
    ("one", "other", "is_before"),
    [
        ("2021-03", "2021-04", True),
        ("2021-03", "2021-03-15", None),
        ("2021-03-31", "2021-03", False),
        ("2021-03-15", "2021-03-15", False),
        ("2021-04-01", "2021-03", False),
        ("2021", "2021-12-31", None),
        ("2020", "2021", True),
    ],
)
def test_comparison_answers_none_when_the_record_does_not_say(one, other, is_before):
    assert PartialDate.from_fhir(one).is_before(PartialDate.from_fhir(other)) is is_before


def test_a_gap_between_partial_dates_is_a_range_of_days():
    gap = PartialDate.from_fhir("2021-03").days_until(PartialDate.from_fhir("2021-04-14"))
    assert (gap.least, gap.most) == (14, 44)


@pytest.mark.parametrize("written", ["2021", "2021-03", "2021-03-04"])
def test_writing_a_date_keeps_its_precision(written):
    assert PartialDate.from_fhir(written).as_fhir() == written


@pytest.mark.parametrize(
    ("first", "last", "written"),
    [
        ("2021-03-04", "2021-03-05", "2021-03"),
        ("2021-03-31", "2021-04-01", "2021"),
        ("2020-03-15", "2021-03-10", "2020"),
        ("2020-12-31", "2021-01-01", "2020"),
    ],
)
def test_a_range_is_written_as_the_finest_date_that_covers_it_or_the_year_of_its_first_day(first, last, written):
    assert PartialDate.between(date.fromisoformat(first), date.fromisoformat(last)).as_fhir() == written


@pytest.mark.parametrize(
    ("written", "days", "moved"),
    [("0001-01-01", -30, "0001-01-01"), ("0001", -30, "0001"), ("9999-12-31", 21, "9999-12-31")],
)
def test_moving_a_date_stops_where_the_calendar_does(written, days, moved):
    assert PartialDate.from_fhir(written).plus_days(days).as_fhir() == moved


def test_earliest_prefers_the_more_precise_of_two_equal_starts():
    month, day = PartialDate.from_fhir("2021-03"), PartialDate.from_fhir("2021-03-01")
    assert earliest((month, day)) == day
    assert latest((month, day)) == month
    assert earliest(()) is None


@settings(max_examples=60, deadline=None)
@given(days, days)
def test_known_days_are_always_ordered(one, other):
    first, second = PartialDate.from_day(one), PartialDate.from_day(other)
    assert first.is_before(second) is (one < other)
    assert first.is_after(second) is (one > other)
    assert first.least_days_until(second) == (other - one).days


@settings(max_examples=60, deadline=None)
@given(days, st.integers(-400, 400))
def test_moving_a_month_never_makes_it_more_precise(day, step):
    month = PartialDate.from_fhir(f"{day.year:04d}-{day.month:02d}")
    moved = month.plus_days(step)
    assert moved.last - moved.first == month.last - month.first
