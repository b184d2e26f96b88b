"""What was received beside the conclusions, for people: what left no trace, orders being placed, and what is not read here."""

from __future__ import annotations

from itertools import groupby

from rich.console import Console
from rich.text import Text

from cdshooks.explain.cells import day_cell, ordinal, print_table
from cdshooks.explain.unused import Received, Unused


def print_received(received: Received, console: Console) -> None:
    """Print what was received and left no trace, the same things together with the newest value, and the types not read here."""
    if received.unused:
        console.print()
        console.print(Text("Received, and nothing concluded from it", style="bold"))
        rows = []
        for (kind, what, withdrawn, _), same in groupby(sorted(received.unused, key=_kind), _kind):
            found = sorted(same, key=lambda it: ordinal(it.day))
            newest = found[-1]
            name = f"{what} ({withdrawn})" if withdrawn else what
            says = newest.says.removeprefix(withdrawn or "").removeprefix("; ")
            rows.append((kind, name, says, day_cell(newest.day), str(len(found)) if len(found) > 1 else ""))
        print_table(("resource", "what it is", "says", "date", "how many"), rows, console)
    if received.being_ordered:
        console.print()
        told = ", ".join(received.being_ordered)
        console.print(f"Being ordered in this request, no part of the record: {told}", markup=False)
    if received.unread:
        console.print()
        told = ", ".join(f"{kind} ({count})" for kind, count in received.unread)
        console.print(f"Received, and not read by this service: {told}", markup=False)


def _kind(it: Unused) -> tuple[str, str, str, str]:
    """What stands in one row: the same thing, and of findings that are no number the same words."""
    kind = it.resource.partition("/")[0].partition("?")[0]
    return kind, it.what, it.withdrawn or "", "" if it.is_measured else it.says
