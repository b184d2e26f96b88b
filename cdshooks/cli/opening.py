"""Opens what the service has, by the same settings, for commands on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import click

from cdshooks.errors import StoreUnavailableError
from cdshooks.settings import Settings, SettingsError, read_settings
from cdshooks.store.engine import open_engine
from cdshooks.store.store import Store


@contextmanager
def opened_store() -> Iterator[tuple[Store, Settings]]:
    """The store of the service, by the same settings; what is wrong with it in plain words, exit status 1."""
    try:
        settings = read_settings(os.environ)
        yield Store(open_engine(settings.store_url)), settings
    except SettingsError as error:
        for fault in error.faults:
            click.echo(fault, err=True)
        sys.exit(1)
    except StoreUnavailableError as error:
        click.echo(f"The store cannot be read or written ({error.kind}): see CDSHOOKS_DATABASE_URL.", err=True)
        sys.exit(1)
