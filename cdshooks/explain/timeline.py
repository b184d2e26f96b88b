"""The line history drawn in characters: years across, one row per agent, lines banded. Readable without colour."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date

from cdshooks.lines.model import Confidence, Course, EndReason, LineOfTherapy
from cdshooks.options.model import Advice
from cdshooks.partial_date import PartialDate

_NAME_WIDTH = 27
END_MARKS = {
    "progression": "P",
    "toxicity": "T",
    "completed": "C",
    "patient_choice": "W",
    "other": "O",
    "unknown": "?",
    "ongoing": ">",
}
_RECEPTORS = {"positive": "+", "negative": "-", "low": "l", "equivocal": "e"}
_NERVOUS_SYSTEM = frozenset({"brain", "meninges", "cns-other", "spinal-cord"})
_SURGERY = frozenset({"surgery", "mastectomy", "breast-conserving-surgery", "resection"})
LEGEND = (
    "━ given  ┄ day or end not sure  > ongoing  M metastatic since  * progression (b: brain)\n"
    "a drug ended for: P progression, T toxicity, C completed, W patient's wish, O other, ? no record\n"
    "S surgery  R radiotherapy  receptors: + positive  - negative  l low  e equivocal  ! unclear"
)


class _Scale:
    """Days to columns: from the first of January of the first year to the day of the advice."""

    def __init__(self, first: date, last: date, room: int) -> None:
        self.first, self.last, self.room = first, last, room
        self.distant = last
        """The day from which the disease is distant: early treatment whose end nobody recorded is drawn to it, dotted."""
        self._span = max((last - first).days, 1)

    def column(self, day: date) -> int:
        return min(max((day - self.first).days * (self.room - 1) // self._span, 0), self.room - 1)

    def shows(self, day: PartialDate) -> bool:
        return self.first <= day.last and day.first <= self.last


def draw_timeline(advice: Advice, width: int = 100) -> list[str]:
    """The rows of the picture, at most ``width`` characters wide; empty without a line."""
    lines = (*advice.lines.early, *advice.lines.lines)
    if not lines:
        return []
    since = advice.lines.metastatic_since
    begins = [line.start.first for line in lines] + ([since.date.first] if since is not None else [])
    scale = _Scale(date(min(begins).year, 1, 1), advice.as_of, width - _NAME_WIDTH - 1)
    if since is not None:
        scale.distant = since.date.first
    rows = [_named("", _years(scale))]
    early = [line for line in lines if line.number is None]
    for line in early:
        rows += _line_rows(line, scale)
    rows += _state_rows(advice, scale)
    for line in advice.lines.lines:
        rows += _line_rows(line, scale)
    rows += _receptor_rows(advice, scale)
    return rows


def _named(name: str, drawn: str) -> str:
    return f"{name[:_NAME_WIDTH]:<{_NAME_WIDTH}} {drawn}".rstrip()


def _line_rows(line: LineOfTherapy, scale: _Scale) -> Iterator[str]:
    name = f"line {line.number}" if line.number is not None else line.setting.value
    doubted = "" if line.confidence is Confidence.HIGH else " (open question)"
    yield _named(f"{name}{doubted} ".ljust(_NAME_WIDTH, "·"), _band(line, scale))
    for agent in dict.fromkeys(course.agent for course in line.courses):
        courses = [course for course in line.courses if course.agent == agent]
        yield _named(f"  {agent}", _bars(courses, scale, _open_until(line, scale)))


def _years(scale: _Scale) -> str:
    axis = [" "] * scale.room
    years = range(scale.first.year, scale.last.year + 1)
    each = scale.room // len(years)
    step = next((it for it in (1, 2, 5, 10) if it * each >= len("|21 ")), 10)
    for year in years:
        if (year - scale.first.year) % step == 0:
            label = f"|{year}" if step * each >= len("|2021 ") else f"|{year % 100:02d}"
            at = scale.column(date(year, 1, 1))
            axis[at : at + len(label)] = label[: scale.room - at]
    return "".join(axis)


def _band(line: LineOfTherapy, scale: _Scale) -> str:
    """The whole line as a bracket with its number in the middle; an open bracket goes on, a dotted one ended nobody knows when."""
    start = scale.column(line.start.first)
    end = scale.column(line.end.last) if line.end is not None else max(_open_until(line, scale), start)
    is_told = line.end is not None or line.end_reason is EndReason.ONGOING
    close = "┤" if line.end is not None else ">" if is_told else "?"
    drawn = list("├" + ("─" if is_told else "┄") * (end - start - 1) + close) if end > start else ["│"]
    label = f" {line.number} " if line.number is not None else ""
    if len(drawn) < len(label) + len("├┤"):
        label = label.strip()
    if label and len(drawn) >= len(label) + len("├┤"):
        at = (len(drawn) - len(label)) // 2
        drawn[at : at + len(label)] = label
    return " " * start + "".join(drawn)


def _open_until(line: LineOfTherapy, scale: _Scale) -> int:
    """The column to which what has no end on record is drawn."""
    is_early = line.number is None and line.end_reason is not EndReason.ONGOING
    return scale.column(scale.distant) if is_early else scale.room - 1


def _bars(courses: list[Course], scale: _Scale, open_until: int) -> str:
    row = [" "] * scale.room
    for course in courses:
        _draw_course(course, scale, row, open_until)
    return "".join(row)


def _draw_course(course: Course, scale: _Scale, row: list[str], open_until: int) -> None:
    """Solid where the drug is known to have run, dotted where the day is vague or nobody recorded the end."""
    start = scale.column(course.start.first)
    sure_from = scale.column(course.start.last) if not course.start.is_exact else start
    if course.end is None and course.end_reason is EndReason.ONGOING:
        sure_until = end = scale.room - 1
    elif course.end is None:
        end, sure_until = max(open_until, start), sure_from
    else:
        end = scale.column(course.end.last)
        sure_until = scale.column(course.end.first)
        if not course.is_end_certain:
            sure_until = sure_from + 1
    for at in range(start, end):
        row[at] = "━" if sure_from <= at < sure_until or (at == start == sure_from) else "┄"
    row[end] = END_MARKS[course.end_reason.value]


def _state_rows(advice: Advice, scale: _Scale) -> Iterator[str]:
    """When the disease became metastatic and progressed, and what was done about it locally."""
    record, since = advice.record, advice.lines.metastatic_since
    marks = [("M", since.date)] if since is not None else []
    marks += [
        ("b" if it.focus in _NERVOUS_SYSTEM else "*", it.date)
        for it in record.statuses
        if it.trend == "progression" and it.date is not None
    ]
    if any(scale.shows(day) for _, day in marks):
        yield _named("disease", _marked(marks, scale))
    local = [
        ("S" if it.kind in _SURGERY else "R", it.date)
        for it in record.local_therapies
        if it.date is not None and not it.is_planned
    ]
    if any(scale.shows(day) for _, day in local):
        yield _named("surgery, radiotherapy", _marked(local, scale))


def _receptor_rows(advice: Advice, scale: _Scale) -> Iterator[str]:
    for marker in ("her2", "er", "pr"):
        results = [
            (_RECEPTORS.get(it.status, "!"), it.date)
            for it in advice.record.receptors
            if it.marker == marker and it.date is not None
        ]
        if any(scale.shows(day) for _, day in results):
            yield _named(marker.upper(), _marked(results, scale))


def _marked(marks: Iterable[tuple[str, PartialDate]], scale: _Scale) -> str:
    """Marks in their columns; two different ones of one column stand side by side."""
    row = [" "] * scale.room
    for mark, day in sorted(marks, key=lambda it: (it[1].first, it[1].last, it[0])):
        if not scale.shows(day):
            continue
        at = scale.column(max(day.first, scale.first))
        while at < scale.room - 1 and row[at] not in {" ", mark}:
            at += 1
        row[at] = mark
    return "".join(row)
