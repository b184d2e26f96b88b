"""The lines of therapy as a page for people: the count, the picture, each line with its reasons, and what is open."""

from __future__ import annotations

from collections.abc import Iterator

from rich.console import Console
from rich.text import Text

from cdshooks.explain.timeline import LEGEND, draw_timeline
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.model import Alternative, Counts, EndReason, LineHistory, LineOfTherapy, RuleFiring
from cdshooks.lines.sentences import METASTATIC_BASIS
from cdshooks.options.model import Advice

_WIDTH = 100
_JOINED = "R8-regimen"


def print_lines(advice: Advice, console: Console) -> None:
    """Print how many lines there are and how sure that is, the picture, then every line with the rules that made it."""
    history = advice.lines
    for text in _count(history):
        _say(console, text)
    rows = draw_timeline(advice, min(console.width, _WIDTH))
    if rows:
        console.print()
        for row in (*rows, *LEGEND.splitlines()):
            console.print(Text(row), no_wrap=True, overflow="crop")
    for line in (*history.early, *history.lines):
        console.print()
        for text in _line(line, history):
            _say(console, text)
    about_all = [it for it in history.firings if it.line is None and it.rule != "R6-setting"]
    if about_all:
        console.print()
        _say(console, "about the whole history")
        for it in about_all:
            _say(console, f"  {_fired(it)}")


def print_line_rules(rules: LineRules, console: Console) -> None:
    """Print the numbers of the line rules in force; a hospital's own are marked."""
    for rule in rules.rules.values():
        numbers = ", ".join(
            f"{it.id.replace('_', ' ')} {it.value}{'' if it.unit == 'count' else f' {it.unit}'}"
            for it in rules.parameters.values()
            if it.rule == rule.id
        )
        own = " (this hospital's own)" if rule.is_overlaid else ""
        if numbers or own:
            _say(console, f"  {rule.id}{own}: {numbers or rule.says}")


def _say(console: Console, text: str) -> None:
    """One paragraph; what does not fit goes on below, indented two more than the first row."""
    indent = len(text) - len(text.lstrip())
    width = min(console.width, _WIDTH)
    first, *more = Text(text.strip()).wrap(console, width - indent - 2) or [Text("")]
    console.print(Text(" " * indent + first.plain.rstrip()), no_wrap=True, overflow="crop")
    for row in more:
        console.print(Text(" " * (indent + 2) + row.plain.rstrip()), no_wrap=True, overflow="crop")


def _count(history: LineHistory) -> Iterator[str]:
    counts = history.counts
    running = f"line {history.current} is running" if history.current is not None else "no line is running"
    yield (f"{_how_many(counts)}, confidence {history.confidence.value}; {running}, the next is {history.next_line}")
    if counts.metastatic_lines:
        yield f"{counts.anti_her2_regimens_metastatic} of them with anti-HER2 therapy"
    if counts.effective_lines != counts.metastatic_lines:
        yield f"counted as trials count, where an early relapse is a line: {counts.effective_lines}"
    since = history.metastatic_since
    if since is None:
        yield "no record says that the disease is distant: no metastatic line"
    else:
        inferred = ", inferred" if since.is_inferred else ""
        basis = METASTATIC_BASIS[since.basis]
        yield f"metastatic since {since.date} ({basis}{inferred}) {_cited(since.evidence)}"
    if history.confidence_because:
        yield f"confidence {history.confidence.value}, for {'; '.join(history.confidence_because)}"
    for it in history.alternatives:
        if it.line is None:
            yield _open(it)


def _how_many(counts: Counts) -> str:
    if counts.metastatic_lines == 0 and counts.max > 0:
        return f"no metastatic line on record (there could be {counts.max})"
    least = "at least " if counts.is_at_least and counts.metastatic_lines else ""
    number = "line" if counts.metastatic_lines == 1 else "lines"
    span = "" if counts.min == counts.max else f" (could be {counts.min} to {counts.max})"
    return f"{least}{counts.metastatic_lines} metastatic {number}{span}"


def _line(line: LineOfTherapy, history: LineHistory) -> Iterator[str]:
    name = f"line {line.number}" if line.number is not None else line.setting.value
    yield f"{name}: {line.start} {_ended(line)}; confidence {line.confidence.value}"
    kept = f", then {' + '.join(line.maintenance_agents)} alone" if line.maintenance_agents else ""
    yield f"  {' + '.join(line.agents)}{kept}"
    if line.number is None:
        return
    fired = [it for it in history.firings if it.line == line.number]
    opened = next((it for it in fired if it.rule == line.opened_by), None)
    if opened is not None:
        yield f"  opened by {_fired(opened)}"
    for it in fired:
        if it is not opened and it.rule != "R15-current" and not (it.rule == _JOINED and "first weeks" in it.because):
            yield f"  {_fired(it)}"
    closing = next((it for it in history.firings if it.line == line.number + 1 and it.rule == line.closed_by), None)
    if closing is not None:
        yield f"  closed by {closing.rule}, which opened line {line.number + 1}"
    yield from (f"  {_fired(it)}" for it in fired if it.rule == "R15-current")
    yield from (f"  {_open(it)}" for it in history.alternatives if it.line == line.number)


def _ended(line: LineOfTherapy) -> str:
    if line.end_reason is EndReason.ONGOING:
        return "ongoing"
    why = "why it ended is not on record"
    if line.end_reason is not EndReason.UNKNOWN:
        why = f"ended: {line.end_reason.value.replace('_', ' ')}"
    if line.end is not None:
        return f"to {line.end}, {why}"
    return "to a day not on record" + (f", {why}" if line.end_reason is not EndReason.UNKNOWN else "")


def _fired(it: RuleFiring) -> str:
    return f"{it.rule}: {it.because} {_cited(it.evidence)}".rstrip()


def _open(it: Alternative) -> str:
    return f"open ({it.code}, {it.delta:+d}): {it.because} {_cited(it.evidence)}".rstrip()


def _cited(evidence: tuple[ResourceRef, ...]) -> str:
    if not evidence:
        return ""
    first = evidence[0] if len(evidence) == 1 else f"{evidence[0]} .. {evidence[-1]}, {len(evidence)} records"
    return f"[{first}]"
