"""The command line: results on stdout, messages on stderr; exit 0 success, 1 a finding, 2 wrong usage."""

from __future__ import annotations

import os
import sys
from datetime import date, datetime
from pathlib import Path

import click

from cdshooks import __version__
from cdshooks.cli.demo import demo, fire
from cdshooks.cli.explain import explain
from cdshooks.cli.feedback import audit, feedback
from cdshooks.cli.trials import trials
from cdshooks.cli.trials_sync import sync
from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.check import check_knowledge
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.sign import add_signature

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.group()
@click.version_option(__version__, prog_name="cdshooks")
def main() -> None:
    """Decision support for HER2-positive metastatic breast cancer beyond the standard lines.

    Example: cdshooks explain patient-bundle.json
    """


main.add_command(explain)
main.add_command(demo)
main.add_command(fire)
main.add_command(feedback)
main.add_command(audit)
main.add_command(trials)
trials.add_command(sync)


@main.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=8080, show_default=True, help="Port to listen on.")
@click.option("--workers", default=2, show_default=True, help="Worker processes.")
@click.option("--dev", is_flag=True, help="No client has to prove who it is. Never with real patients.")
@click.option("--profile", help="With --dev: the kind of EHR that cards are made for, such as epic or sandbox.")
def serve(host: str, port: int, workers: int, profile: str | None, *, dev: bool) -> None:
    """Run the service under gunicorn.

    Example: cdshooks serve --dev --port 8080
    """
    if profile is not None and not dev:
        raise click.UsageError("--profile goes with --dev; in production each client has its own, in clients.toml.")
    if dev and host not in _LOOPBACK:
        raise click.UsageError("--dev asks nobody who they are, so it listens on a loopback address only.")
    if dev:
        os.environ["CDSHOOKS_DEV"] = "1"
        os.environ["CDSHOOKS_DEV_PROFILE"] = profile or os.environ.get("CDSHOOKS_DEV_PROFILE", "")
        click.echo("DEV MODE: no client has to prove who it is. Never use this with real patients.", err=True)
    arguments = [
        "gunicorn",
        "--config",
        "python:cdshooks.gunicorn_settings",
        "--bind",
        f"{host}:{port}",
        "--workers",
        str(workers),
        "cdshooks.wsgi:app",
    ]
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - our own interpreter, no shell, fixed words


@main.group()
def knowledge() -> None:
    """Look after the clinical knowledge.

    Example: cdshooks knowledge check overlay/
    """


@knowledge.command()
@click.argument("directory", required=False, type=click.Path(exists=True, file_okay=False, path_type=Path))
def check(directory: Path | None) -> None:
    """Check the shipped knowledge, or the shipped knowledge with the overlay DIRECTORY.

    Example: cdshooks knowledge check overlay/
    """
    faults = check_knowledge(directory)
    # What nobody has read in a source is allowed when it says so: it is counted, never shown as evidence.
    unsourced = tuple(it for it in faults if it.endswith(" has no source"))
    for fault in (it for it in faults if it not in unsourced):
        click.echo(fault)
    if len(unsourced) < len(faults):
        sys.exit(1)
    found = load_knowledge(directory)
    manifest = found.manifest
    for change in found.overlay:
        click.echo(f"{change.file}:{change.line}: {change.told}")
    click.echo(
        f"knowledge {manifest.version}: {len(found.regimens)} regimens, "
        f"{len(found.criteria)} criteria, {len(found.sources)} sources, "
        f"{len(found.drugs.by_agent)} drugs; no fault; "
        f"{len(unsourced)} entries rest on no source and are marked unverified"
    )


@knowledge.command()
@click.argument("directory", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--reviewer", required=True, help="Name and role of the clinician who has reviewed the knowledge.")
@click.option(
    "--until", type=click.DateTime(["%Y-%m-%d"]), help="Last day of the signature (default: the knowledge's expiry)."
)
def sign(directory: Path, reviewer: str, until: datetime | None) -> None:
    """Record in the overlay DIRECTORY who has reviewed the knowledge now in force.

    Example: cdshooks knowledge sign overlay/ --reviewer "Dr A. Example, medical oncology"
    """
    try:
        manifest = load_knowledge(directory).manifest
        signature = add_signature(
            directory,
            reviewer=reviewer,
            signed=date.today(),  # noqa: DTZ011 - a calendar date where it is signed
            until=until.date() if until is not None else manifest.expires,
            version=manifest.version,
            content_hash=manifest.content_hash,
        )
    except KnowledgeError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(1)
    click.echo(
        f"signed by {signature.reviewer} on {signature.signed} until {signature.until}: "
        f"knowledge {signature.version}, content {signature.content_hash}"
    )
