"""Everything concluded about one patient as a page for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdshooks.explain.as_json import TAKEN_AS_NO
from cdshooks.explain.cells import References, number_cell, unit_cell
from cdshooks.explain.lines_text import print_line_rules, print_lines
from cdshooks.explain.options_text import print_options
from cdshooks.explain.received_text import print_received
from cdshooks.explain.record_text import print_record
from cdshooks.explain.trials_text import print_trials
from cdshooks.explain.unused import NOTHING, Received
from cdshooks.knowledge.load import Knowledge
from cdshooks.options.model import Advice, Fact
from cdshooks.options.withheld import why_withheld
from cdshooks.record.model import UNVERIFIED

_FACT_COLUMNS = (("fact", None, 3), ("value", None, 3), ("date", 10, None), ("by", None, 2), ("cited", 19, None))
"""The room of each column, set or as a share of the rest, so that on a narrow page no number of a resource is cut off."""
_FACTS_WIDTH = 180
_TO_CHECK = frozenset({"second-cancer", "found-in-text", "drug-in-words"})
"""Doubts about what was read all the same or left to a person; any other sets a value aside."""
_UNSIGNED = "NOT FOR CLINICAL USE: no clinician has signed the knowledge in force."


def print_explanation(advice: Advice, knowledge: Knowledge, console: Console, received: Received = NOTHING) -> None:
    """Print the lines with a timeline, the record, the options and trials with reasons, and what is missing or was not used."""
    manifest = knowledge.manifest
    signature = manifest.signature(advice.as_of)
    if signature is None:
        console.print(Text(_UNSIGNED, style="bold"))
    else:
        console.print(
            f"Knowledge signed by {signature.reviewer} on {signature.signed}, until {signature.until}", markup=False
        )
    console.print(
        f"Patient {advice.record.person.id or 'without id'}, as of {advice.as_of}, {advice.jurisdiction}; "
        f"knowledge {manifest.version}, reviewed {manifest.reviewed}, {manifest.freshness(advice.as_of)}",
        markup=False,
    )
    withheld = why_withheld(advice.record.person)
    if withheld is not None:
        console.print(Text(withheld, style="bold"))
    for change in knowledge.overlay:
        console.print(f"  overlay: {change.told} ({change.file}:{change.line})", markup=False)
    _heading(console, "Lines of therapy")
    print_lines(advice, console)
    _heading(console, "The record")
    references = References()
    print_record(advice, knowledge, console, received, references)
    _print_facts(advice, knowledge, console, references)
    references.print(console)
    _heading(console, "Options")
    print_options(advice, console)
    _heading(console, "Trials")
    print_trials(advice, knowledge, console)
    _print_open_points(advice, console)
    print_received(received, console)
    _heading(console, "Line rules in force")
    print_line_rules(knowledge.line_rules, console)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _print_facts(advice: Advice, knowledge: Knowledge, console: Console, references: References) -> None:
    _heading(console, "What the criteria are asked on")
    table = Table(box=None, pad_edge=False, width=min(console.width, _FACTS_WIDTH))
    for column, width, ratio in _FACT_COLUMNS:
        table.add_column(column, overflow="fold", width=width, ratio=ratio)
    for fact in advice.facts:
        if fact.value is None or fact.is_silence or (fact.value == () and not fact.evidence):
            continue
        table.add_row(
            Text(knowledge.facts[fact.id].label),
            Text(_value(fact, knowledge)),
            str(fact.date or ""),
            Text(fact.method or ""),
            references.cite(fact.evidence),
        )
    console.print(table)
    unknown = [knowledge.facts[fact.id].label for fact in advice.facts if fact.value is None]
    if unknown:
        console.print(f"unknown: {'; '.join(unknown)}", markup=False)
    silent = [knowledge.facts[fact.id].label for fact in advice.facts if fact.is_silence]
    if silent:
        console.print(f"{TAKEN_AS_NO}: {'; '.join(silent)}", markup=False)


def _value(fact: Fact, knowledge: Knowledge) -> str:
    """The value of a fact as a reader says it, with its unit."""
    if isinstance(fact.value, bool):
        return "yes" if fact.value else "no"
    if isinstance(fact.value, float):
        told = number_cell(fact.value)
    else:
        words = fact.value if isinstance(fact.value, tuple) else (str(fact.value),)
        said = knowledge.facts[fact.id].said
        told = (
            ", ".join(said.get(it) or knowledge.codes.names.get(it) or it.replace("_", " ") for it in words) or "none"
        )
    return f"{told} {unit_cell(fact.unit)}".strip()


def _print_open_points(advice: Advice, console: Console) -> None:
    record = advice.record
    _heading(console, "Missing, conflicting, unreadable")
    points = [f"missing: {ask}" for ask in _each_once([gap.ask for gap in advice.gaps])]
    points += [f"conflict: {it.because} ({', '.join(it.evidence)})" for it in advice.conflicts]
    for it in record.doubts:
        kind = "unverified" if it.code == UNVERIFIED else "to check" if it.code in _TO_CHECK else "set aside"
        points.append(f"{kind}: {it.because} ({', '.join(it.evidence)})")
    points += [f"unreadable: {it.resource}: {it.reason}" for it in record.unreadable]
    points += dict.fromkeys(f"not recognised: {it.text}" for it in record.unmapped)
    points += [f"suggested only: {it.protocol} may mean {it.told}" for it in record.suggested]
    points += [f"incomplete: {it.query}: {it.because}" for it in record.incomplete]
    for point in points or ["nothing"]:
        console.print(f"  {point}", markup=False)


def _each_once(asks: list[str]) -> list[str]:
    """Each question once; "Blood count." says nothing beside "Blood count with differential."."""
    said = dict.fromkeys(asks)
    return [it for it in said if not any(other.startswith(f"{it.rstrip('.')} ") for other in said)]
