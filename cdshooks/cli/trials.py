"""``cdshooks trials``: study records in, and what is known of each trial out."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime
from pathlib import Path
from typing import NoReturn

import click
import msgspec
from rich.console import Console

from cdshooks.cards.research_study import research_study
from cdshooks.cli.opening import opened_store
from cdshooks.cli.trials_text import listed, print_list, print_trial, short_hash, shown_as_json
from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.registry.draft import draft_trial
from cdshooks.registry.importing import Imported, import_studies
from cdshooks.registry.states import study_of, trial_state
from cdshooks.registry.study import Refused, Study, read_studies
from cdshooks.settings import Settings
from cdshooks.store.trial_records import all_trial_records, sign_trial, trial_record

_WIDTH = 100
_BATCH = 200
_NUMBER = click.argument("nct_id", metavar="NCT...")


@click.group()
def trials() -> None:
    """Trials: import their registry records, look at them, draft and sign their structured eligibility.

    Example: cdshooks trials import studies/
    """


@trials.command(name="import")
@click.argument("files", nargs=-1, required=True, metavar="FILE...", type=click.Path(path_type=Path))
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="The day the registry was asked.")
@click.option("--dry-run", is_flag=True, help="Say what would change, and keep nothing.")
def import_(files: tuple[Path, ...], as_of: datetime | None, *, dry_run: bool) -> None:
    """Import each FILE: a study record of the ClinicalTrials.gov API v2, a page of them, NDJSON, or a directory.

    Sound records are kept although others are refused; then the exit status is 1.

    Example: cdshooks trials import studies/
    """
    refused: list[Refused] = []
    became = Imported()
    day = f"{as_of:%Y-%m-%d}" if as_of is not None else None
    with opened_store() as (store, settings):
        known, now = knowledge_of(settings).trials.by_id, datetime.now(UTC)
        for batch in _batches(_read_all(files, day, refused)):
            became = became.plus(import_studies(store, batch, known, now=now, keep=not dry_run))
    report_import(became, refused, is_dry=dry_run)
    sys.exit(1 if refused else 0)


@trials.command(name="list")
@click.option("--all", "every", is_flag=True, help="Also records of other diseases, stages and states.")
@click.option("--format", "form", type=click.Choice(["table", "json"]), default="table", show_default=True)
def list_(form: str, *, every: bool) -> None:
    """List the structured trials, and imported ones that may be worth a look.

    Example: cdshooks trials list --format json
    """
    with opened_store() as (store, settings):
        rows = listed(knowledge_of(settings).trials.by_id, all_trial_records(store), today_of(settings))
    if form == "json":
        click.echo(msgspec.json.encode(rows).decode())
    else:
        print_list(rows, _console(), every=every)


@trials.command()
@_NUMBER
@click.option("--format", "form", type=click.Choice(["text", "json", "fhir"]), default="text", show_default=True)
def show(nct_id: str, form: str) -> None:
    """Show one trial: each structured criterion with the registry's wording beside it.

    Example: cdshooks trials show NCT06435429
    """
    with opened_store() as (store, settings):
        trial = knowledge_of(settings).trials.by_id.get(nct_id)
        record = trial_record(store, nct_id)
    if trial is None and record is None:
        _fail(f"{nct_id} is neither structured nor imported.")
    if form == "fhir":
        if trial is None:
            _fail(f"{nct_id} is not structured; only structured trials are told as ResearchStudy.")
        state = trial_state(record, trial) if record is not None else None
        click.echo(msgspec.json.format(msgspec.json.encode(research_study(trial, state))).decode())
    elif form == "json":
        told = shown_as_json(nct_id, trial, record, today_of(settings))
        click.echo(msgspec.json.format(msgspec.json.encode(told)).decode())
    else:
        print_trial(nct_id, trial, record, today_of(settings), _console())


@trials.command()
@_NUMBER
@click.option("--output", type=click.Path(path_type=Path, dir_okay=False), help="Write to this new file.")
def draft(nct_id: str, output: Path | None) -> None:
    """Draft the structured eligibility of an imported trial, for a person to complete and sign.

    Each sentence of the registry stands beside a proposed criterion or TODO. `knowledge check` refuses the draft until nothing
    is TODO and a coder's name is in it.

    Example: cdshooks trials draft NCT99900001 --output overlay/trials/NCT99900001.yaml
    """
    with opened_store() as (store, settings):
        record = trial_record(store, nct_id)
    study = study_of(record) if record is not None else None
    if study is None:
        _fail(f"{nct_id} has not been imported.")
    text = draft_trial(study, today_of(settings))
    if output is None:
        click.echo(text, nl=False)
        return
    if output.exists():
        _fail(f"{output} exists already; a coding is never overwritten.")
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_text(text, encoding="utf-8")
    click.echo(f"wrote {output}: complete each TODO, then fill in coded.by")


@trials.command()
@_NUMBER
@click.option("--coder", required=True, help="Who has held each criterion against the registry text of now.")
@click.option("--reviewer", required=True, help="Who has checked it.")
def sign(nct_id: str, coder: str, reviewer: str) -> None:
    """Record that the coding of a trial fits the eligibility text imported last, and lift its suspension.

    Example: cdshooks trials sign NCT06435429 --coder "A. Coder" --reviewer "Dr B. Example, oncology"
    """
    if not coder.strip() or not reviewer.strip() or coder.strip().casefold() == reviewer.strip().casefold():
        raise click.UsageError("coder and reviewer must be two named persons")
    with opened_store() as (store, settings):
        trial = knowledge_of(settings).trials.by_id.get(nct_id)
        record = trial_record(store, nct_id)
        if trial is None or record is None:
            _fail(f"{nct_id} is not both structured and imported.")
        is_signed = sign_trial(
            store,
            nct_id,
            eligibility_hash=record.eligibility_hash,
            signed_by=coder.strip(),
            reviewed_by=reviewer.strip(),
            at=datetime.now(UTC),
        )
    if not is_signed:
        _fail(f"{nct_id} was imported anew meanwhile; look at it again.")
    click.echo(
        f"{nct_id}: coding signed by {coder.strip()}, checked by {reviewer.strip()}, for text {short_hash(record.eligibility_hash)}"
    )


def report_import(became: Imported, refused: Iterable[Refused], *, is_dry: bool) -> None:
    """Say what became of the records: counts on stdout, what needs a person by name, refusals on stderr."""
    faults = list(refused)
    counts = ", ".join(f"{len(getattr(became, it))} {it}" for it in ("new", "changed", "same", "older"))
    click.echo(f"{'would import' if is_dry else 'imported'}: {counts}, {len(faults)} refused")
    for number in became.changed:
        click.echo(f"  changed: {number}")
    for number in became.older:
        click.echo(f"  older than what is kept, not taken: {number}")
    for number in became.suspended:
        click.echo(
            f"  SUSPENDED: {number}: its eligibility text is not the one that was coded; compare them (cdshooks trials show "
            f"{number}) and sign (cdshooks trials sign {number})"
        )
    for fault in faults:
        click.echo(f"refused: {fault.what}: {fault.because}", err=True)


def _read_all(files: Iterable[Path], as_of: str | None, refused: list[Refused]) -> Iterator[tuple[Study, str]]:
    for file in _files(files):
        try:
            data = file.read_bytes()
        except OSError as error:
            refused.append(Refused(what=str(file), because=error.strerror or "cannot be read"))
            continue
        for read in read_studies(data, str(file), as_of=as_of):
            if isinstance(read, Refused):
                refused.append(read)
            else:
                yield read, f"file: {file.name}"[:500]


def _files(named: Iterable[Path]) -> Iterator[Path]:
    for path in named:
        if path.is_dir():
            yield from sorted(it for it in path.rglob("*") if it.suffix in {".json", ".ndjson", ".jsonl"})
        else:
            yield path


def _batches(studies: Iterable[tuple[Study, str]]) -> Iterator[list[tuple[Study, str]]]:
    batch: list[tuple[Study, str]] = []
    for it in studies:
        batch.append(it)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    yield batch


def knowledge_of(settings: Settings) -> Knowledge:
    """The knowledge in force; its faults in plain words, exit status 1."""
    try:
        return load_knowledge(settings.knowledge_overlay)
    except KnowledgeError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(1)


def today_of(settings: Settings) -> date:
    """The service's date."""
    return settings.today or date.today()  # noqa: DTZ011 - a calendar date where it is run


def _console() -> Console:
    return Console(highlight=False, width=_WIDTH)


def _fail(sentence: str) -> NoReturn:
    click.echo(sentence, err=True)
    sys.exit(1)
