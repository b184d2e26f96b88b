"""The command line: results on stdout, messages on stderr; exit 0 success, 1 a finding, 2 wrong usage."""

from __future__ import annotations

from importlib import import_module

import click

from cdshooks import __version__

_COMMANDS = {
    "audit": "cdshooks.cli.feedback:audit",
    "caller": "cdshooks.cli.caller:caller",
    "demo": "cdshooks.cli.demo:demo",
    "explain": "cdshooks.cli.explain:explain",
    "feedback": "cdshooks.cli.feedback:feedback",
    "fire": "cdshooks.cli.demo:fire",
    "knowledge": "cdshooks.cli.knowledge:knowledge",
    "serve": "cdshooks.cli.serve:serve",
    "store": "cdshooks.cli.store:store",
    "trials": "cdshooks.cli.trials_sync:trials",
}


class _Commands(click.Group):
    """Commands that are imported when they are named: a service must not wait until all the others have been."""

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 - as click calls it
        return sorted(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002 - as click calls it
        if cmd_name not in _COMMANDS:
            return None
        module, name = _COMMANDS[cmd_name].split(":")
        command: click.Command = getattr(import_module(module), name)
        return command


@click.group(cls=_Commands)
@click.version_option(__version__, prog_name="cdshooks")
def main() -> None:
    """Decision support for HER2-positive metastatic breast cancer beyond the standard lines.

    Example: cdshooks explain patient-bundle.json
    """
