"""``cdshooks trials sync``: study records that have changed, page by page, each kept before the next is asked for."""

from __future__ import annotations

import contextlib
import sys
from datetime import UTC, date, datetime
from pathlib import Path

import click
import msgspec
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from cdshooks.cli.opening import opened_store
from cdshooks.cli.trials import knowledge_of, report_import, today_of, trials
from cdshooks.errors import RegistryUnavailableError
from cdshooks.registry.importing import Imported, import_studies
from cdshooks.registry.study import Refused
from cdshooks.registry.sync import REGISTRY_URL, Pacing, fetch_pages


class _Progress(msgspec.Struct, frozen=True, kw_only=True):
    """How far a sync has come: where it began, the page to go on with, and since when records count as changed."""

    url: str
    since: str | None = None
    token: str | None = None
    began: str | None = None


@trials.command()
@click.option("--url", default=REGISTRY_URL, show_default=True, help="The registry's API, or a mirror of it.")
@click.option(
    "--since", type=click.DateTime(["%Y-%m-%d"]), help="Changed since this day (default: since the last sync)."
)
@click.option("--from-start", is_flag=True, help="Do not go on where a sync broke off.")
@click.option("--page-size", type=click.IntRange(1, 1000), default=100, show_default=True, help="Studies of a page.")
@click.option("--first-wait", type=float, default=1.0, show_default=True, help="Seconds before the first new try.")
@click.option("--dry-run", is_flag=True, help="Fetch and say what would change, and keep nothing.")
def sync(
    url: str, since: datetime | None, page_size: int, first_wait: float, *, from_start: bool, dry_run: bool
) -> None:
    """Fetch the study records of HER2 and breast cancer that have changed, and import them.

    Nothing of a patient is sent. A sync that breaks off goes on at its page the next time.

    Example: cdshooks trials sync --dry-run
    """
    became, refused = Imported(), list[Refused]()
    broken: str | None = None
    with opened_store() as (store, settings):
        known, today = knowledge_of(settings).trials.by_id, today_of(settings)
        kept_in = settings.state_directory / "trials-sync.json"
        at = _begin(_read(kept_in, url), url, since.date() if since is not None else None, today, from_start=from_start)
        if at.token is not None:
            click.echo(f"goes on where the sync of {at.began} broke off")
        pacing = Pacing(page_size=page_size, first_wait_seconds=first_wait)
        with _bar() as bar:
            task = bar.add_task("studies", total=None)
            try:
                changed_since = date.fromisoformat(at.since) if at.since is not None else None
                for page in fetch_pages(url, since=changed_since, token=at.token, today=today, pacing=pacing):
                    refused += [it for it in page.studies if isinstance(it, Refused)]
                    sound = [(it, f"sync: {url}"[:500]) for it in page.studies if not isinstance(it, Refused)]
                    now = datetime.now(UTC)
                    became = became.plus(import_studies(store, sound, known, now=now, keep=not dry_run))
                    bar.update(task, advance=len(page.studies), total=page.total)
                    if not dry_run:
                        at = msgspec.structs.replace(at, token=page.next_token)
                        _write(kept_in, at)
            except RegistryUnavailableError as error:
                broken = str(error)
        if broken is None and not dry_run:
            _write(kept_in, _Progress(url=url, since=at.began))
    report_import(became, refused, is_dry=dry_run)
    if broken is not None:
        click.echo(f"The sync broke off: {broken}. What was read is kept; the next sync goes on from there.", err=True)
    sys.exit(1 if refused or broken is not None else 0)


def _begin(kept: _Progress | None, url: str, since: date | None, today: date, *, from_start: bool) -> _Progress:
    if kept is not None and kept.token is not None and not from_start:
        return kept
    first = since.isoformat() if since is not None else kept.since if kept is not None else None
    return _Progress(url=url, since=first, began=today.isoformat())


def _read(file: Path, url: str) -> _Progress | None:
    """What an earlier sync with the same registry has left; nothing of another one."""
    try:
        found = msgspec.json.decode(file.read_bytes(), type=_Progress)
    except (OSError, msgspec.MsgspecError):
        return None
    return found if found.url == url else None


def _write(file: Path, progress: _Progress) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    fresh = file.with_suffix(".new")
    fresh.write_bytes(msgspec.json.encode(progress))
    fresh.replace(file)


def _bar() -> contextlib.AbstractContextManager[Progress]:
    console = Console(stderr=True)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, disable=not console.is_terminal, transient=True)
