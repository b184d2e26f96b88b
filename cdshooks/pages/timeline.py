"""The course of the disease as a picture: years across, a row for each drug, lines banded, results and measurements below.

What the record does not know is drawn as unknown: a start or end that is not known to the day fades in or out over the days
that it may mean, and an end that nobody recorded carries a question mark. No shade alone says anything; each has a letter or word.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date, timedelta

from cdshooks.cards.wording import REASONS
from cdshooks.explain.timeline import END_MARKS
from cdshooks.lines.model import Course, EndReason, LineOfTherapy
from cdshooks.options.model import Advice
from cdshooks.pages.drawing import Drawing, Shape, box, line, place_labels, shape, width_of, words
from cdshooks.partial_date import PartialDate

_ROW, _BAR, _LANE, _CURVE, _SWING = 24, 12, 17, 44, 16
_GUTTER, _NARROW_BELOW = 178, 600
_BADGE, _BOLD, _APART = 20, 1.1, 6
"""How wide the number of a line is with the room around it, how much wider bold words are, how far they keep from the next."""
_END_MARKS = END_MARKS | {"ongoing": "\u25b8"}
LEGEND = (
    "How a drug ended: P progression, T toxicity, C completed, W patient's choice, O other, ? not on record, "
    "P? not certain, \u25b8 goes on. A pale piece: the day of the start or end is not known."
)
_RESULTS = {
    "positive": "+",
    "negative": "\u2212",
    "low": "low",
    "equivocal": "equivocal",
    "indeterminate": "indeterminate",
    "conflict": "contradictory",
}
_CURVES = (("lvef_percent", "LVEF", "%"), ("weight_kg", "Weight", "kg"))


def draw_timeline(advice: Advice, width: int) -> Drawing | None:
    """The picture, ``width`` units wide; None when no drug with a date is on record."""
    history = (*advice.lines.early, *advice.lines.lines)
    if not history:
        return None
    return _Timeline(advice, history, width).draw()


class _Timeline:
    def __init__(self, advice: Advice, history: Sequence[LineOfTherapy], width: int) -> None:
        self._advice, self._history, self._width = advice, history, width
        self._is_narrow = width < _NARROW_BELOW
        self._left = 8 if self._is_narrow else _GUTTER
        self._right = width - 18
        self._last = advice.as_of
        dated = [it.start.first for it in history] + [
            it.date.first for it in advice.record.receptors if it.date is not None
        ]
        self._first = min(*dated, self._last - timedelta(days=365)).replace(month=1, day=1)
        self._y = 0.0
        self._back: list[Shape] = []
        self._front: list[Shape] = []

    def draw(self) -> Drawing:
        years = self._years()
        self._heads()
        top = self._y
        for agent in dict.fromkeys(course.agent for it in self._history for course in it.courses):
            self._drug(agent)
        bottom = self._y
        self._results()
        self._events()
        for fact, name, unit in _CURVES:
            self._curve(fact, name, unit)
        height = int(self._y + 8)
        back = [*self._bands(top, bottom), *(line("grid", it, 18, it, height - 4) for it in years)]
        today = line("today", self._at(self._last), 18, self._at(self._last), height - 4)
        return Drawing(
            width=self._width,
            height=height,
            says=_in_words(self._advice),
            shapes=(*back, today, *self._back, *self._front),
        )

    def _at(self, day: date) -> float:
        span = max((self._last - self._first).days, 1)
        share = min(max((day - self._first).days / span, 0), 1)
        return self._left + share * (self._right - self._left)

    def _years(self) -> list[float]:
        """Year labels, as many as have room; returns where years begin."""
        years = range(self._first.year, self._last.year + 1)
        room = (self._right - self._left) / len(years)
        every = next(it for it in (1, 2, 5, 10, 20, 50) if room * it >= 34 or it == 50)  # noqa: PLR2004 - steps that people count in
        starts = [(year, self._at(date(year, 1, 1))) for year in years]
        self._front += [words("year", x + 3, 13, str(year)) for year, x in starts if (year - years[0]) % every == 0]
        self._y = 20
        return [x for _, x in starts]

    def _span(self, it: LineOfTherapy) -> tuple[float, float]:
        until = it.end.last if it.end is not None else self._open_until(it.end_reason, it.number is None)
        return self._at(it.start.first), self._at(max(until, it.start.first))

    def _open_until(self, reason: EndReason, is_early: bool) -> date:  # noqa: FBT001 - two plain facts
        """The day to which a treatment without an end is drawn; early treatment ended before the disease was distant."""
        since = self._advice.lines.metastatic_since
        has_ended = is_early and reason is not EndReason.ONGOING and since is not None
        return since.date.last if has_ended and since is not None else self._last

    def _heads(self) -> None:
        """The number of each line with the reason why it ended, where the words have room; the table has them all."""
        y, until = self._y, -1.0
        starts = sorted(self._span(it)[0] for it in self._history if it.number is not None)
        for it in self._history:
            start, end = self._span(it)
            end = max(end, next((other for other in starts if other > start), end))
            name = str(it.number) if it.number is not None else "early"
            reason = REASONS[it.end_reason.value]
            if width_of(reason) * _BOLD + _BADGE + _APART > end - start:
                reason = _END_MARKS[it.end_reason.value]
            if it.number is None:
                if start >= until:
                    self._front.append(words("early-head", start + 2, y + 14, name))
                    until = start + width_of(name) + 4
                continue
            self._front.append(shape("circle", "badge", cx=start + 9, cy=y + 10, r=9))
            self._front.append(words("badge-number", start + 9, y + 14, name, "middle"))
            if width_of(reason) * _BOLD + _BADGE <= end - start:
                self._front.append(words("reason", start + _BADGE, y + 14, reason))
            until = start + 20
        self._y += 26

    def _bands(self, top: float, bottom: float) -> list[Shape]:
        bands = []
        for it in self._history:
            if it.number is not None:
                start, end = self._span(it)
                bands.append(
                    box("band odd" if it.number % 2 else "band even", start, top - 26, end - start, bottom - top + 26)
                )
                bands.append(line("band-edge", start, top - 26, start, bottom))
        return bands

    def _name(self, text: str, height: float) -> float:
        """The name of a row, beside it where there is room and above it on a narrow page; returns where the row begins."""
        if self._is_narrow:
            self._front.append(words("name", self._left, self._y + 12, text))
            return self._y + 16
        self._front.append(words("name", self._left - 10, self._y + height / 2 + 4, text, "end"))
        return self._y

    def _drug(self, agent: str) -> None:
        y = self._name(_short(agent), _ROW)
        middle = y + (_ROW - _BAR) / 2
        for it in self._history:
            for course in it.courses:
                if course.agent == agent:
                    self._bar(course, middle, is_early=it.number is None)
        self._y = y + _ROW

    def _bar(self, course: Course, y: float, *, is_early: bool) -> None:
        kind = "bar early" if is_early else "bar"
        end = course.end
        if end is None:
            until = max(self._open_until(course.end_reason, is_early), course.start.last)
            # Where nobody recorded the end, only the start is sure.
            sure = until if course.end_reason is EndReason.ONGOING else course.start.last
            end = PartialDate.between(sure, until)
        sure_from, sure_to = course.start.last, end.first
        if sure_from < sure_to:
            self._back.append(box(kind, self._at(sure_from), y, self._at(sure_to) - self._at(sure_from), _BAR))
        pale = [(course.start.first, min(sure_from, end.last)), (max(sure_to, course.start.first), end.last)]
        for first, last in pale if sure_from < sure_to else [(course.start.first, end.last)]:
            if first < last or sure_from >= sure_to:
                self._back.append(box(f"{kind} pale", self._at(first), y, self._at(last) - self._at(first), _BAR))
        mark = _END_MARKS[course.end_reason.value]
        if not course.is_end_certain and mark not in {"?", _END_MARKS["ongoing"]}:
            mark += "?"
        self._front.append(words("end", self._at(end.last) + 3, y + _BAR - 2, mark))

    def _results(self) -> None:
        for marker in ("her2", "er"):
            found = [
                (it.date, _RESULTS.get(it.status, it.status) + (" (preliminary)" if it.is_preliminary else ""))
                for it in self._advice.record.receptors
                if it.marker == marker and it.date is not None
            ]
            self._marks(f"{marker.upper()} results", found, "result")

    def _events(self) -> None:
        record = self._advice.record
        self._marks(
            "Progression", [(it.date, _of(it.focus)) for it in record.statuses if it.trend == "progression"], "event"
        )
        first: dict[str, PartialDate | None] = {}
        for it in record.metastases:
            if it.certainty != "refuted" and it.site not in first and it.site != "unspecified":
                first[it.site] = it.date
        self._marks("Metastases", [(day, site.replace("-", " ")) for site, day in first.items()], "event")
        local = [
            (it.date, " ".join(part for part in (it.site, _local(it.kind), "planned" if it.is_planned else "") if part))
            for it in record.local_therapies
        ]
        self._marks("Local therapy", local, "local")

    def _marks(self, name: str, found: Iterable[tuple[PartialDate | None, str]], kind: str) -> None:
        dated: dict[str, tuple[PartialDate, list[str]]] = {}
        for day, text in found:
            if day is not None and day.first <= self._last:
                dated.setdefault(str(day), (day, []))[1].append(text)
        marks = []
        for day, texts in dated.values():
            told = ", ".join(dict.fromkeys(it for it in texts if it))
            marks.append((self._at(day.first), told + ("" if day.is_exact or not told else f" ({day})")))
        if not marks:
            return
        labels = place_labels(marks, self._left, self._right)
        height = _LANE * (1 + max(it.lane for it in labels)) + 5
        y = self._name(name, height)
        for it in labels:
            middle = y + it.lane * _LANE + _LANE / 2 + 3
            corners = ((-4, 0), (0, -4), (4, 0), (0, 4))
            points = " ".join(f"{it.x + right:.1f},{middle + down:.1f}" for right, down in corners)
            self._front.append(shape("polygon", kind, points=points))
            self._front.append(
                words(
                    "said", it.x - 8 if it.is_left else it.x + 8, middle + 4, it.text, "end" if it.is_left else "start"
                )
            )
        self._y = y + height

    def _curve(self, fact: str, name: str, unit: str) -> None:
        """A small curve with its first, lowest and newest value."""
        measured = sorted(
            (it.date.first, it.value)
            for it in self._advice.record.measurements
            if it.fact == fact
            and it.value is not None
            and it.date is not None
            and self._first <= it.date.first <= self._last
        )
        if not measured:
            return
        y = self._name(f"{name} ({unit})", _CURVE)
        values = [value for _, value in measured]
        low, high = min(values), max(values)
        room = max(high - low, 1)
        points = [(self._at(day), y + 8 + (high - value) / room * _SWING, value) for day, value in measured]
        if len(points) > 1:
            self._back.append(shape("polyline", "curve", points=" ".join(f"{px:.1f},{py:.1f}" for px, py, _ in points)))
        self._front += [shape("circle", "point", cx=px, cy=py, r=2.5) for px, py, _ in points]
        told, until = {0, values.index(low), len(points) - 1}, self._left - 20.0
        newest = points[-1]
        for number in sorted(told):
            px, py, value = points[number]
            text = f"{value:g}"
            is_newest = number == len(points) - 1
            free = px - width_of(text) / 2 > until and (
                is_newest or px + width_of(text) < newest[0] - width_of(text) / 2
            )
            if free or is_newest:
                # The newest stands left of the line of today, which would strike it through.
                is_at_edge = px + width_of(text) / 2 > self._right - 4
                x, anchor = (min(px, self._right - 4), "end") if is_at_edge else (px, "middle")
                self._front.append(words("value", x, py + 14, text, anchor))
                until = px + width_of(text) / 2 + 2
        self._y = y + _CURVE


def _of(focus: str) -> str:
    return "" if focus == "overall" else focus.replace("-", " ")


def _local(kind: str) -> str:
    return kind.upper() if kind in {"srs", "wbrt"} else kind.replace("-", " ")


def _short(agent: str) -> str:
    most = 27
    return agent if len(agent) <= most else agent[: most - 1] + "\u2026"


def _in_words(advice: Advice) -> str:
    told = []
    for it in (*advice.lines.early, *advice.lines.lines):
        until = "today" if it.end_reason is EndReason.ONGOING else "a day not on record"
        name = f"Line {it.number}" if it.number is not None else f"Before metastasis ({it.setting.value})"
        told.append(f"{name}: {', '.join(it.agents)}, {it.start} to {it.end or until}, {REASONS[it.end_reason.value]}")
    return (
        "Timeline of treatment. " + "; ".join(told) + ". The table of lines and the record below say the same in words."
    )
