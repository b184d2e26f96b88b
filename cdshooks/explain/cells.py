"""What the cells of the record's tables have in common: days, numbers with their unit, and the resources cited."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Measurement

_MOST_REFERENCES = 4
_MOST_DIGITS = 4
_TIMES = "xULN"
Row = Sequence[str]
Cite = Callable[[tuple[str, ...]], str]


def day_cell(day: PartialDate | None) -> str:
    """A day as precise as it was written; empty without one."""
    return str(day) if day is not None else ""


def joined(*parts: str | None) -> str:
    """The parts that say something."""
    return ", ".join(part for part in parts if part)


def ordinal(day: PartialDate | None) -> int:
    """Where a day stands among others; one without comes first."""
    return day.first.toordinal() if day is not None else 0


def print_table(columns: Row, rows: Iterable[Row], console: Console) -> None:
    """Print rows under their column names."""
    table = Table(box=None, pad_edge=False)
    for column in columns:
        table.add_column(column, overflow="fold")
    for row in rows:
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def number_cell(number: float) -> str:
    """A number with as many digits as anyone measures: a pound is no 0.45359237 kg on paper."""
    return str(round(number)) if abs(number) >= 10**_MOST_DIGITS else f"{number:.{_MOST_DIGITS}g}"


def unit_cell(unit: str | None) -> str:
    """A UCUM unit without the braces that mark what is counted; "1" says nothing."""
    if unit == _TIMES:
        return "x upper limit"
    return "" if unit in {None, "1", "{score}"} else (unit or "").replace("{", "").replace("}", "").replace("_", " ")


def value_cell(it: Measurement, *, with_unit: bool = False, limits: bool = False) -> str:
    """A measured value or range, with its unit and its multiple of the upper limit where these are asked for."""
    told = number_cell(it.value) if it.value is not None else f"{number_cell(it.low or 0)}-{number_cell(it.high or 0)}"
    unit = unit_cell(it.unit) if with_unit else ""
    times = f" ({it.times_upper_limit:.2g} x upper limit)" if limits and it.times_upper_limit is not None else ""
    return f"{it.comparator or ''}{told} {unit}".rstrip() + times


class References:
    """Numbers for the resources that rows rest on, given in the order of their first use."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def cite(self, evidence: tuple[str, ...]) -> str:
        """The numbers of the first few resources, and how many more there are."""
        shown = [str(self.numbers.setdefault(ref, len(self.numbers) + 1)) for ref in evidence[:_MOST_REFERENCES]]
        more = len(evidence) - _MOST_REFERENCES
        return ", ".join(shown) + (f" +{more}" if more > 0 else "")

    def print(self, console: Console) -> None:
        """Print what each number stands for."""
        if self.numbers:
            console.print()
            console.print(Text("Resources cited", style="bold"))
            console.print(Columns([Text(f"{number} {ref}") for ref, number in self.numbers.items()], padding=(0, 2)))
