"""The line history drawn in characters: years across, one row per agent, lines banded. Readable without colour."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from cdshooks.lines.model import Course, LineOfTherapy
from cdshooks.options.model import Advice

_NAME_WIDTH = 26
_MARKS = {
    "progression": "P",
    "toxicity": "T",
    "completed": "C",
    "patient_choice": "W",
    "other": "O",
    "unknown": "?",
    "ongoing": ">",
}
LEGEND = (
    "━ given  ┄ uncertain  > ongoing  * progression stated\n"
    "how a drug ended: P progression, T toxicity, C completed, W patient's choice, ? not on record"
)


def draw_timeline(advice: Advice, width: int = 100) -> list[str]:
    """The rows of the picture, at most ``width`` characters wide; empty without a line."""
    lines = (*advice.lines.early, *advice.lines.lines)
    if not lines:
        return []
    first = date(min(line.start.first for line in lines).year, 1, 1)
    last = advice.as_of
    room = width - _NAME_WIDTH - 1
    span = max((last - first).days, 1)

    def column(day: date) -> int:
        return min(max((day - first).days * (room - 1) // span, 0), room - 1)

    rows = [" " * _NAME_WIDTH + " " + "".join(_years(first.year, last.year, room, column))]
    for line in lines:
        name = f"line {line.number}" if line.number is not None else line.setting.value
        rows.append(f"{name:─<{_NAME_WIDTH}} " + _band(line, room, column, last))
        rows.extend(
            f"  {course.agent[: _NAME_WIDTH - 3]:<{_NAME_WIDTH - 2}} " + _bar(course, room, column, last)
            for course in line.courses
        )
    marks = [" "] * room
    for status in advice.record.statuses:
        if status.trend == "progression" and status.date is not None and first <= status.date.first <= last:
            marks[column(status.date.first)] = "*"
    if "*" in marks:
        rows.append(f"{'progression stated':<{_NAME_WIDTH}} " + "".join(marks).rstrip())
    for marker in ("her2", "er"):
        row = [" "] * room
        for result in advice.record.receptors:
            if (
                result.marker == marker
                and result.date is not None
                and first <= result.date.last
                and result.date.first <= last
            ):
                row[column(max(result.date.first, first))] = {
                    "positive": "+",
                    "negative": "-",
                    "low": "l",
                    "equivocal": "e",
                }.get(result.status, "!")
        if any(it != " " for it in row):
            rows.append(f"{marker.upper() + ' (+ - l=low e=equivocal)':<{_NAME_WIDTH}} " + "".join(row).rstrip())
    return rows


def _years(first: int, last: int, room: int, column: Callable[[date], int]) -> list[str]:
    axis = [" "] * room
    for year in range(first, last + 1):
        at = column(date(year, 1, 1))
        label = f"|{year}" if room // (last - first + 1) >= len("|2021 ") else f"|{year % 100:02d}"
        axis[at : at + len(label)] = label[: room - at]
    return axis


def _band(line: LineOfTherapy, room: int, column: Callable[[date], int], last: date) -> str:
    start, end = column(line.start.first), column(line.end.last if line.end is not None else last)
    return (" " * start + "┌" + "─" * max(end - start - 1, 0) + ("┐" if end > start else ""))[:room]


def _bar(course: Course, room: int, column: Callable[[date], int], last: date) -> str:
    start = column(course.start.first)
    end = column(course.end.last if course.end is not None else last)
    fill = "━" if course.is_end_certain and course.start.is_exact else "┄"
    mark = _MARKS[course.end_reason.value]
    return (" " * start + fill * max(end - start, 0) + mark)[:room]
