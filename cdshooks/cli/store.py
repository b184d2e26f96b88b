"""``cdshooks store``: a copy of what is kept."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from cdshooks.cli.opening import opened_store
from cdshooks.store.backup import BackupError, copy_sqlite


@click.group()
def store() -> None:
    """Look after what the service keeps.

    Example: cdshooks store backup /var/backups/cdshooks.db
    """


@store.command()
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
def backup(target: Path) -> None:
    """Copy the SQLite store to TARGET while the service runs; to restore, stop the service and put the copy in its place.

    Example: cdshooks store backup /var/backups/cdshooks-2026-11-24.db
    """
    with opened_store() as (_, settings):
        if not settings.store_url.startswith("sqlite:///"):
            click.echo("The store is PostgreSQL: use pg_dump, which knows its server.", err=True)
            sys.exit(1)
        try:
            cards = copy_sqlite(Path(settings.store_url.removeprefix("sqlite:///")), target)
        except BackupError as error:
            click.echo(f"{target}: {error}.", err=True)
            sys.exit(1)
    click.echo(f"{target}: a sound copy with {cards} cards; keep the key of patient hashes apart from it")
