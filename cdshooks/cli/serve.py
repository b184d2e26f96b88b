"""``cdshooks serve``: becomes gunicorn; it imports little else of ours, for gunicorn loads all of it anew."""

from __future__ import annotations

import os
import sys

import click

from cdshooks.settings import port_of_address

_LOOPBACK = ("127.0.0.1", "::1", "localhost")


@click.command()
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
    arguments = ["gunicorn", "--config", "python:cdshooks.gunicorn_settings"]
    for address in addresses(host, port, os.environ.get("CDSHOOKS_METRICS_BIND", "").strip()):
        arguments += ["--bind", address]
    arguments += ["--workers", str(workers), "cdshooks.wsgi:app"]
    # Each thread would else get a heap of its own, and what has once been used of it stays in use (REL-10).
    os.environ.setdefault("MALLOC_ARENA_MAX", "2")
    os.execv(sys.executable, [sys.executable, "-m", *arguments])  # noqa: S606 - our own interpreter, no shell, fixed words


def addresses(host: str, port: int, metrics: str) -> tuple[str, ...]:
    """What to listen on; an address for the metrics that is none is left to the settings, which tell it with all other faults.

    Raises:
        click.UsageError: Both would have the same port, by which they are told apart.
    """
    first = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        of_metrics = port_of_address(metrics)
    except ValueError:
        return (first,)
    if of_metrics == port:
        raise click.UsageError("CDSHOOKS_METRICS_BIND must have another port than the service itself.")
    return (first, metrics)
