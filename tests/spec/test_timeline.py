"""The picture of a history in characters, and the page that tells why each line is one."""

from __future__ import annotations

import io
from datetime import date

import pytest
from rich.console import Console

from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.timeline import LEGEND, draw_timeline
from cdshooks.options.assess import assess_options
from tests.histories.drawn import TODAY, history_of, record_of, shipped

COURSES = """
agent                  | start      | end        | stopped for
trastuzumab            | 2021-01-04 | 2021-11-01 |
pertuzumab             | 2021-01-04 | 2021-11-01 |
docetaxel              | 2021-01-04 | 2021-05-10 | completed
trastuzumab emtansine  | 2022-01    | 2022-09    | toxicity
trastuzumab deruxtecan | 2023-01-09 |            |
"""


def advice_of(record, as_of=TODAY):
    return assess_options(record, history_of(record, as_of=as_of), shipped(), as_of=as_of, jurisdiction="US")


@pytest.fixture(scope="module")
def advice():
    return advice_of(
        record_of(COURSES, progression=("2021-11-10",), brain_progression=("2024-03-01",), surgery=("2020-11-02",))
    )


def row_of(rows, name):
    return next(row for row in rows if row.startswith(name))


def test_the_picture_reads_without_colour(advice):
    assert "\n".join(draw_timeline(advice, 70)) == (
        "                            |2021 |2022  |2023  |2024  |2025  |2026\n"
        "disease                     M    *                b\n"
        "line 1 ···················· ├ 1 ─┤\n"
        "  docetaxel                 ━━C\n"
        "  pertuzumab                ━━━━━P\n"
        "  trastuzumab               ━━━━━P\n"
        "line 2 ····················       ├─ 2 ─┤\n"
        "  trastuzumab emtansine           ┄━━━━┄T\n"
        "line 3 (open question) ····               ├─────────── 3 ────────────>\n"
        "  trastuzumab deruxtecan                  ━━━━━━━━━━━━━━━━━━━━━━━━━━━>"
    )


def test_a_vague_day_and_an_end_that_nobody_recorded_are_dotted():
    record = record_of(
        "agent | start | end\ntrastuzumab emtansine | 2022 | 2024\ntrastuzumab deruxtecan | 2025-01-06 |"
    )
    rows = draw_timeline(advice_of(record), 100)
    assert "┄━" in row_of(rows, "  trastuzumab emtansine")
    assert row_of(rows, "  trastuzumab emtansine").rstrip("?P").endswith("┄")
    assert row_of(rows, "  trastuzumab deruxtecan").endswith(">")


def test_early_treatment_never_closed_is_drawn_dotted_to_the_metastatic_day_and_its_end_is_not_told():
    record = record_of(
        "agent | start | end | for\ntrastuzumab | 2021-01-04 | | adjuvant\ntrastuzumab deruxtecan | 2024-01-08 | |",
        metastatic="2024-01-02",
    )
    told = advice_of(record)
    rows = draw_timeline(told, 70)
    assert row_of(rows, "adjuvant") == "adjuvant ·················· ├┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄?"
    assert row_of(rows, "  trastuzumab") == "  trastuzumab               ━┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄┄?"
    assert "adjuvant: 2021-01-04 to a day not on record; confidence" in page_of(told)


def test_an_adjuvant_order_still_open_goes_on_while_no_metastases_are_on_record():
    rows = draw_timeline(
        advice_of(record_of("agent | start | end | for\nletrozole | 2024-01-08 | | adjuvant", metastatic=None)), 70
    )
    assert row_of(rows, "  letrozole").endswith("━>")


def test_a_drug_that_came_back_within_a_line_has_one_row():
    record = record_of(
        "agent | start | end\ntrastuzumab | 2021-01-04 |\npaclitaxel | 2021-01-04 | 2021-05-10\npaclitaxel | 2022-01-10 | 2022-05-10"
    )
    rows = draw_timeline(advice_of(record), 100)
    assert sum(row.startswith("  paclitaxel") for row in rows) == 1
    assert "?  " in row_of(rows, "  paclitaxel")


@pytest.mark.parametrize("first", [1990, 2012, 2025])
def test_the_years_fit_whatever_the_span(first):
    record = record_of(
        f"agent | start | end\nletrozole | {first}-03-01 | {first}-09-01\ntrastuzumab deruxtecan | 2026-01-06 |"
    )
    rows = draw_timeline(advice_of(record), 100)
    assert max(map(len, rows)) <= 100
    assert str(first) in rows[0] or f"|{first % 100:02d}" in rows[0]
    assert max(map(len, LEGEND.splitlines())) <= 100


def test_a_day_before_the_first_drug_draws_nothing_outside_the_picture():
    rows = draw_timeline(advice_of(record_of(COURSES), as_of=date(2021, 3, 1)), 100)
    assert max(map(len, rows)) <= 100


def page_of(advice):
    out = io.StringIO()
    print_explanation(advice, shipped(), Console(file=out, width=100, color_system=None, highlight=False))
    return out.getvalue()


def test_the_page_tells_for_each_line_who_opened_and_closed_it_on_which_records_and_what_is_open(advice):
    page = page_of(advice)
    assert "opened by R9-new-agent" in page
    assert "closed by R9-new-agent, which opened line 2" in page
    assert "open (TOX_SWITCH, -1)" in page
    assert "[MedicationAdministration/3 .. Observation/pd-2021-11-10, 2 records]" in page
    assert "ended: toxicity" in page


def test_the_page_shows_the_numbers_of_the_rules_in_force(advice):
    assert "R8-regimen: combo 28 days, overlap 30 days" in page_of(advice)


def test_a_short_line_has_its_number_too(advice):
    short = "trastuzumab emtansine | 2021-01-04 | 2021-05-01 |\nvinorelbine | 2021-06-01 | 2026-11-01 |"
    rows = draw_timeline(advice_of(record_of(f"agent | start | end | stopped for\n{short}")), 100)
    assert row_of(rows, "line 1").endswith("├1─┤")
