"""``cdshooks knowledge``: checks the clinical knowledge and records who has reviewed it."""

from __future__ import annotations

import sys
from datetime import date, datetime
from pathlib import Path

import click

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.check import check_knowledge
from cdshooks.knowledge.load import load_knowledge
from cdshooks.knowledge.sign import add_signature


@click.group()
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
    # An entry that nobody has read in a source is allowed when it says so: it is named, and never shown as evidence.
    unsourced = tuple(it for it in faults if it.endswith("' has no source"))
    for fault in faults:
        click.echo(f"{fault}, so it is marked unverified" if fault in unsourced else fault)
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
