"""Everything concluded about one patient as a page for people."""

from __future__ import annotations

from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdshooks.explain.as_json import TAKEN_AS_NO
from cdshooks.explain.lines_text import print_line_rules, print_lines
from cdshooks.explain.record_text import print_record, print_unused
from cdshooks.explain.trials_text import print_trials
from cdshooks.explain.unused import Unused
from cdshooks.knowledge.load import Knowledge
from cdshooks.options.model import Advice, Option, Outcome, Verdict
from cdshooks.options.withheld import why_withheld
from cdshooks.record.model import UNVERIFIED

_UNSIGNED = "NOT FOR CLINICAL USE: no clinician has signed the knowledge in force."


def print_explanation(advice: Advice, knowledge: Knowledge, console: Console, unused: tuple[Unused, ...] = ()) -> None:
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
    print_record(advice.record, knowledge, console)
    _print_facts(advice, console)
    _print_options(advice, console)
    _heading(console, "Trials")
    print_trials(advice, knowledge, console)
    _print_open_points(advice, console)
    print_unused(unused, console)
    _heading(console, "Line rules in force")
    print_line_rules(knowledge.line_rules, console)


def _heading(console: Console, text: str) -> None:
    console.print()
    console.print(Text(text, style="bold underline"))


def _print_facts(advice: Advice, console: Console) -> None:
    _heading(console, "What the criteria are asked on")
    table = Table(box=None, pad_edge=False)
    for column in ("fact", "value", "date", "evidence"):
        table.add_column(column, overflow="fold")
    for fact in advice.facts:
        if fact.value is None or fact.value == () or fact.is_silence:
            continue
        value = ", ".join(fact.value) if isinstance(fact.value, tuple) else str(fact.value)
        table.add_row(
            Text(str(fact.id)),
            Text(f"{value} {fact.unit or ''}".strip()),
            str(fact.date or ""),
            Text(", ".join(fact.evidence[:2])),
        )
    console.print(table)
    unknown = [str(fact.id) for fact in advice.facts if fact.value is None]
    if unknown:
        console.print(f"unknown: {', '.join(unknown)}", markup=False)
    silent = [str(fact.id) for fact in advice.facts if fact.is_silence]
    if silent:
        console.print(f"{TAKEN_AS_NO}: {', '.join(silent)}", markup=False)


def _print_options(advice: Advice, console: Console) -> None:
    _heading(console, "Options")
    ranked = sorted((it for it in advice.options if it.rank is not None), key=lambda it: it.rank or 0)
    for option in ranked:
        console.print(f"{option.rank:>2}. {option.label} [{option.verdict.value}]", markup=False)
        for sentence in option.why_this_rank:
            console.print(f"      {sentence}", markup=False)
        for warned in option.warnings:
            console.print(f"      warning {warned.criterion}: {warned.text}", markup=False)
        for ask in option.asks:
            console.print(f"      first: {ask.text}", markup=False)
        for note in option.dose_notes:
            console.print(f"      dose: {note}", markup=False)
    for verdict in (Verdict.HOLD, Verdict.EXCLUDE, Verdict.NOT_APPLICABLE):
        for option in (it for it in advice.options if it.verdict == verdict):
            console.print(f"  - {option.label} [{verdict.value}]: {_reason(option)}", markup=False)


def _reason(option: Option) -> str:
    failed = [it for it in option.findings if it.outcome == Outcome.NOT_MET]
    return failed[0].because if failed else "see the findings"


def _print_open_points(advice: Advice, console: Console) -> None:
    record = advice.record
    _heading(console, "Missing, conflicting, unreadable")
    points = [f"missing: {gap.ask}" for gap in advice.gaps]
    points += [f"conflict: {it.because} ({', '.join(it.evidence)})" for it in advice.conflicts]
    for it in record.doubts:
        kind = "unverified" if it.code == UNVERIFIED else "set aside"
        points.append(f"{kind}: {it.because} ({', '.join(it.evidence)})")
    points += [f"unreadable: {it.resource}: {it.reason}" for it in record.unreadable]
    points += [f"not recognised: {it.text}" for it in record.unmapped]
    points += [f"suggested only: {it.protocol} may mean {it.told}" for it in record.suggested]
    points += [f"incomplete: {it.query}: {it.because}" for it in record.incomplete]
    for point in points or ["nothing"]:
        console.print(f"  {point}", markup=False)
