"""``cdshooks explain``: everything concluded about one patient, and why."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console

from cdshooks.errors import StoreUnavailableError, UnreadablePatientFileError
from cdshooks.explain.as_json import explain_json
from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import explain_patient
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import SHIPPED_FACTS, Registry, RegistryAge
from cdshooks.registry.states import trial_states
from cdshooks.settings import Settings, read_settings
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store
from cdshooks.store.trial_records import all_trial_records


@click.command()
@click.argument("files", nargs=-1, required=True, metavar="FILE...")
@click.option("--as-of", "as_of", type=click.DateTime(["%Y-%m-%d"]), help="The day the advice is for (default: today).")
@click.option("--jurisdiction", type=click.Choice(["US", "EU", "CN"]), help="Whose licences count.")
@click.option(
    "--format", "form", type=click.Choice(["text", "json"]), default="text", show_default=True, help="A page or JSON."
)
def explain(files: tuple[str, ...], as_of: datetime | None, jurisdiction: str | None, form: str) -> None:
    """Explain each FILE: a FHIR R4 Bundle, NDJSON of resources, or a hook request; "-" is stdin.

    Example: cdshooks explain --format json --as-of 2026-11-24 patient.json
    """
    environment = read_settings(_environment())
    knowledge = load_knowledge(environment.knowledge_overlay)
    day = as_of.date() if as_of is not None else environment.today or date.today()  # noqa: DTZ011 - a calendar date where it is run
    registry = _registry(environment, knowledge)
    hospital = Position.of(environment.position)
    failed = False
    for file in files:
        try:
            advice, received = explain_patient(
                _read(file),
                knowledge,
                as_of=day,
                jurisdiction=jurisdiction or environment.jurisdiction,
                registry=registry,
                hospital=hospital,
            )
        except (OSError, UnreadablePatientFileError) as error:
            failed = True
            reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
            click.echo(f"{file}: {reason}", err=True)
            if form == "json" and len(files) > 1:
                _write({"file": file, "error": reason})
            continue
        if form == "json":
            content = explain_json(advice, knowledge, received)
            _write({"file": file, **content} if len(files) > 1 else content)
        else:
            if len(files) > 1:
                click.echo(f"== {file}")
            page = Console(highlight=False, width=None if sys.stdout.isatty() else 100)
            print_explanation(advice, knowledge, page, received)
    sys.exit(1 if failed else 0)


def _registry(settings: Settings, knowledge: Knowledge) -> Registry:
    """What the service's store says of trials; nothing, and said so, when it cannot be read."""
    if settings.database_url is None and not (settings.state_directory / "store.db").exists():
        return SHIPPED_FACTS
    try:
        records = all_trial_records(Store(open_engine(settings.store_url)), knowledge.trials.by_id)
    except StoreUnavailableError as error:
        click.echo(f"The store cannot be read ({error.kind}): trials speak from their own files.", err=True)
        return Registry(states={}, age=RegistryAge.NEVER_READ)
    return Registry(states=trial_states(records, knowledge.trials.by_id))


def _environment() -> dict[str, str]:

    return dict(os.environ)


def _read(file: str) -> bytes:
    return sys.stdin.buffer.read() if file == "-" else Path(file).read_bytes()


def _write(content: dict[str, Any]) -> None:
    sys.stdout.buffer.write(msgspec.json.encode(content) + b"\n")
    sys.stdout.flush()
