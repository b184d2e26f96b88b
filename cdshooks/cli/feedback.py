"""``cdshooks feedback`` and ``cdshooks audit``: what the store tells those who look after the service."""

from __future__ import annotations

import csv
import io
import sys
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import click
import msgspec
from fhir.resources.R4B.auditevent import AuditEvent
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdshooks.cli.opening import opened_store
from cdshooks.store.audit_events import read_audit_events
from cdshooks.store.report import AnswerCounts, count_answers
from cdshooks.store.retention import purge as purge_store

_BAR = 24
_HEADINGS = {
    "topic": "By topic of the card",
    "option": "By option suggested",
    "reason": "By override reason",
    "week": "By week shown",
    "knowledge": "By edition of the knowledge",
}
_DATE = click.DateTime(["%Y-%m-%d"])


@click.group()
def feedback() -> None:
    """How cards were answered, and how long that is kept.

    Example: cdshooks feedback report --since 2026-11-01
    """


@feedback.command()
@click.option("--since", type=_DATE, help="Cards shown since this day, UTC (default: all that are kept).")
@click.option("--format", "form", type=click.Choice(["text", "json", "csv"]), default="text", show_default=True)
def report(since: datetime | None, form: str) -> None:
    """Acceptance and override reasons, by topic, option, reason, week and edition of the knowledge.

    Example: cdshooks feedback report --since 2026-11-01 --format csv
    """
    first = since.replace(tzinfo=UTC) if since is not None else datetime(1970, 1, 1, tzinfo=UTC)
    with opened_store() as (store, _):
        counts = count_answers(store, since=first)
    if form == "json":
        click.echo(msgspec.json.encode({by: [_row(it) for it in counts if it.by == by] for by in _HEADINGS}).decode())
    elif form == "csv":
        click.echo(_as_csv(counts), nl=False)
    else:
        _show(counts)


@feedback.command()
@click.option("--client", help="Delete all that is kept of this client's cards, whatever its age.")
@click.option("--dry-run", is_flag=True, help="Say from which days on would be deleted, and delete nothing.")
def purge(client: str | None, *, dry_run: bool) -> None:
    """Delete what is older than CDSHOOKS_RETENTION_DAYS and CDSHOOKS_AUDIT_RETENTION_DAYS.

    Example: cdshooks feedback purge
    """
    now = datetime.now(UTC)
    with opened_store() as (store, settings):
        cards_before = now - timedelta(days=settings.retention_days)
        audit_before = now - timedelta(days=settings.audit_retention_days)
        if dry_run:
            click.echo(
                f"would delete cards shown before {cards_before:%Y-%m-%d}, audit events before {audit_before:%Y-%m-%d}"
            )
            return
        gone = purge_store(store, cards_before=cards_before, audit_before=audit_before, now=now, client=client)
    click.echo(
        f"deleted {gone.cards} cards with their answers, {gone.audit_events} audit events, {gone.token_ids} token ids"
    )


@click.group()
def audit() -> None:
    """Who asked and what was answered.

    Example: cdshooks audit export --since 2026-11-01 > audit.ndjson
    """


@audit.command()
@click.option("--since", type=_DATE, help="First day, UTC.")
@click.option("--until", type=_DATE, help="Last day, UTC.")
def export(since: datetime | None, until: datetime | None) -> None:
    """Print FHIR R4 AuditEvents, oldest first, one a line.

    Each is checked against the FHIR model; one that does not fit is printed all the same, and the exit status is 1.

    Example: cdshooks audit export --since 2026-11-01 > audit.ndjson
    """
    first = since.replace(tzinfo=UTC) if since is not None else None
    end = until.replace(tzinfo=UTC) + timedelta(days=1) if until is not None else None
    faulty = 0
    with opened_store() as (store, _):
        for resource in read_audit_events(store, since=first, before=end):
            try:
                AuditEvent.model_validate_json(resource)
            except ValueError:
                faulty += 1
            click.echo(resource)
    if faulty:
        click.echo(f"{faulty} events do not fit the FHIR model", err=True)
        sys.exit(1)


def _row(counts: AnswerCounts) -> dict[str, object]:
    share = counts.acceptance
    return {
        "name": counts.name,
        "shown": counts.shown,
        "accepted": counts.accepted,
        "overridden": counts.overridden,
        "unanswered": counts.unanswered,
        "acceptance_percent": round(100 * share, 1) if share is not None else None,
        "needs_review": counts.needs_review,
    }


def _as_csv(counts: Iterable[AnswerCounts]) -> str:
    text = io.StringIO()
    rows = [{"by": it.by, **_row(it)} for it in counts]
    columns = ["by", "name", "shown", "accepted", "overridden", "unanswered", "acceptance_percent", "needs_review"]
    writer = csv.DictWriter(text, columns, lineterminator="\n")
    writer.writeheader()
    for row in rows:
        name = str(row["name"])  # a reason is the client's word; no spreadsheet may take it for a formula
        writer.writerow(row | {"name": f"'{name}" if name[:1] in "=+-@\t\r" else name})
    return text.getvalue()


def _show(counts: tuple[AnswerCounts, ...]) -> None:
    console = Console(highlight=False, width=None if sys.stdout.isatty() else 110)
    if not counts:
        console.print("No card has been shown in this time.")
        return
    for by, heading in _HEADINGS.items():
        rows = [it for it in counts if it.by == by]
        if not rows:
            continue
        numbers = (
            ("times",) if by == "reason" else ("shown", "accepted", "overridden", "unanswered", "accepted of shown")
        )
        table = Table(title=heading, title_justify="left", box=None, pad_edge=False)
        table.add_column(by, overflow="fold")
        for name in numbers[:-1] if by != "reason" else numbers:
            table.add_column(name, justify="right")
        table.add_column("" if by == "reason" else numbers[-1])
        most = max(it.overridden for it in rows) or 1
        for it in rows:
            if by == "reason":
                table.add_row(Text(it.name), str(it.overridden), _bar(it.overridden / most))
                continue
            share = it.acceptance or 0.0
            flag = "  REVIEW: hardly ever accepted" if it.needs_review else ""
            bar = Text.assemble(_bar(share), f" {100 * share:.0f} %", (flag, "bold red"))
            told = (it.shown, it.accepted, it.overridden, it.unanswered)
            table.add_row(Text(it.name), *(str(number) for number in told), bar)
        console.print(table)
        console.print()


def _bar(share: float) -> Text:
    full = round(share * _BAR)
    return Text("█" * full + "·" * (_BAR - full))
