"""``cdshooks demo`` and ``cdshooks fire``: a real request over HTTP, and the cards as an EHR would show them."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from datetime import UTC, date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import click
import msgspec
from rich.console import Console, Group
from rich.markdown import Markdown
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cdshooks.cli.caller import KEY_FILE, token
from cdshooks.explain.patient import explain_file
from cdshooks.explain.timeline import LEGEND, draw_timeline
from cdshooks.hooks.services import SERVICES
from cdshooks.knowledge.load import load_knowledge

_TODAY = date(2026, 11, 24)
"""The day of the shipped story."""
_ANOTHER = "fhir_fixtures/everything-proven-has-been-used/request.json"
_SECONDS_TO_START = 60
_STYLES = {"info": "cyan", "warning": "yellow", "critical": "red"}


@click.command()
@click.option("--once", is_flag=True, help="Stop the service afterwards and exit.")
@click.option("--port", default=8080, show_default=True, help="Port for the service.")
def demo(port: int, *, once: bool) -> None:
    """Start the service, fire a shipped order-select request at it, and show its cards.

    Example: cdshooks demo --once
    """
    console = Console(highlight=False, width=min(Console().width, 110) if sys.stdout.isatty() else 110)
    if not _is_free(port):
        click.echo(f"Port {port} is taken: choose another with --port (make demo PORT=8090).", err=True)
        sys.exit(1)
    body = resources.files("cdshooks.cli").joinpath("demo_request.json").read_bytes()
    started = time.perf_counter()
    command = [sys.executable, "-m", "cdshooks", "serve", "--dev", "--port", str(port)]
    with (
        tempfile.TemporaryDirectory(prefix="cdshooks-demo-") as state,  # what is shown here is nobody's record
        subprocess.Popen(  # noqa: S603 - fixed words
            command, env=_environment(state), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        ) as service,
    ):
        try:
            url = f"http://127.0.0.1:{port}"
            if not _wait_until_ready(url, service):
                click.echo("The service did not start; run 'cdshooks serve --dev' to see why.", err=True)
                sys.exit(1)
            _step(console, f"Service on {url}", started)
            started = time.perf_counter()
            status, answer = post(f"{url}/cds-services/her2-later-line", body)
            _step(console, f"order-select fired, HTTP {status}", started)
            show_cards(answer.get("cards", []), console)
            _show_history(body, console)
            _show_next(url, console)
            if not once and sys.stdout.isatty():
                console.print("The service stays up until Ctrl-C.")
                service.wait()
        except KeyboardInterrupt:
            console.print("Stopped.")
        finally:
            service.terminate()


@click.command()
@click.argument("request_file", metavar="REQUEST.json", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--url", default="http://127.0.0.1:8080", show_default=True, help="The running service.")
@click.option("--wait", type=click.IntRange(0, 600), default=0, help="Seconds to wait until the service has started.")
@click.option(
    "--accept", metavar="WORDS", help="Accept the suggestion whose label holds these words, as a click in the EHR does."
)
@click.option(
    "--caller",
    metavar="DIRECTORY",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Prove who calls with the key that 'cdshooks caller' wrote there.",
)
def fire(request_file: Path, url: str, wait: int, accept: str | None, caller: Path | None) -> None:
    """Send one hook request to a running service and show the cards.

    Example: cdshooks fire request.json --url http://127.0.0.1:8080 --accept NCT06435429
    """
    body = request_file.read_bytes()
    try:
        hook = msgspec.json.decode(body).get("hook")
        service = next(it for it in SERVICES if it.hook == hook)
    except (msgspec.MsgspecError, AttributeError, StopIteration):
        click.echo(f"{request_file}: this is no request of a hook that we answer.", err=True)
        sys.exit(1)
    if not url.startswith(("http://", "https://")):
        raise click.UsageError("--url must begin with http:// or https://")
    endpoint = f"{url.rstrip('/')}/cds-services/{service.id}"
    if caller is not None and not (caller / KEY_FILE).is_file():
        raise click.UsageError(f"--caller: 'cdshooks caller {caller}' has not been run")
    _wait_until_alive(url.rstrip("/"), wait)
    try:
        status, answer = post(endpoint, body, caller)
    except OSError as error:
        click.echo(f"Nothing answers at {url} ({error}): start the service with 'cdshooks serve --dev'.", err=True)
        sys.exit(1)
    console = Console(highlight=False)
    if status != 200:  # noqa: PLR2004 - HTTP success
        click.echo(f"HTTP {status}: {_reason(answer)}", err=True)
        sys.exit(1)
    show_cards(answer.get("cards", []), console)
    if accept is not None:
        _accept(accept, answer.get("cards", []), endpoint, caller)


def _reason(answer: dict[str, Any]) -> str:
    """Why a call was refused, in the service's words."""
    return str(answer.get("issue", [{}])[0].get("diagnostics", "no reason given"))


def _accept(words: str, cards: list[dict[str, Any]], endpoint: str, caller: Path | None) -> None:
    """Tell the service, as an EHR does, that a suggestion was accepted; exit status 1 when there is none or it is not kept."""
    offered = [(card, it) for card in cards for it in card.get("suggestions", []) if words in it["label"]]
    if not offered:
        click.echo(f"No suggestion holds {words!r}.", err=True)
        sys.exit(1)
    card, suggestion = offered[0]
    feedback = {
        "card": card["uuid"],
        "outcome": "accepted",
        "acceptedSuggestions": [{"id": suggestion["uuid"]}],
        "outcomeTimestamp": datetime.now(UTC).isoformat(),
    }
    status, answer = post(f"{endpoint}/feedback", msgspec.json.encode({"feedback": [feedback]}), caller)
    if status != 200:  # noqa: PLR2004 - HTTP success
        click.echo(f"HTTP {status}: the feedback was not kept. {_reason(answer)}", err=True)
        sys.exit(1)
    click.echo(f"Accepted: {suggestion['label']}. The feedback is kept.")


def post(url: str, body: bytes, caller: Path | None = None) -> tuple[int, dict[str, Any]]:
    """Send a JSON body, with a token of the caller if there is one; the status and the decoded answer, of refusals too.

    Raises:
        OSError: Nothing answers.
    """
    proof = {} if caller is None else {"Authorization": f"Bearer {token(caller, url)}"}
    headers = {"Content-Type": "application/json", **proof}
    request = urllib.request.Request(url, data=body, headers=headers)  # noqa: S310 - http or https, checked before
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return answer.status, msgspec.json.decode(answer.read())
    except urllib.error.HTTPError as error:
        with error:
            return error.code, msgspec.json.decode(error.read())


def show_cards(cards: list[dict[str, Any]], console: Console) -> None:
    """The cards as an EHR shows them: summary, indicator, detail, suggestions with their drafts, links."""
    if not cards:
        console.print("No cards: evaluated in full, nothing to say.")
    for card in cards:
        style = _STYLES.get(card["indicator"], "white")
        parts: list[Any] = [Markdown(card.get("detail", ""))]
        if card.get("suggestions"):
            table = Table(
                "suggestion", "draft orders", box=None, pad_edge=False, title="Suggestions", title_justify="left"
            )
            for suggestion in card["suggestions"]:
                drafts = "\n".join(it["description"] for it in suggestion["actions"])
                table.add_row(Text(suggestion["label"]), Text(drafts))
            parts.append(table)
        parts.extend(Text(f"{link['label']}: {link['url']}") for link in card.get("links", []))
        title = Text(f" {card['indicator'].upper()}  {card['summary']} ")
        console.print(
            Panel(Group(*parts), title=title, title_align="left", border_style=style, subtitle=card["source"]["label"])
        )


def _show_history(body: bytes, console: Console) -> None:
    knowledge = load_knowledge()
    advice = explain_file(body, knowledge, as_of=_TODAY, jurisdiction="US")
    console.print(Text("The line history that the cards rest on", style="bold"))
    for row in draw_timeline(advice, min(console.width, 100)):
        console.print(Text(row), no_wrap=True, overflow="crop")
    console.print(Text(LEGEND, style="dim"))


def _show_next(url: str, console: Console) -> None:
    console.print()
    console.print(Text("What to try next", style="bold"))
    console.print(f"  curl -s {url}/cds-services", markup=False)
    console.print(
        f"  curl -s -H 'Content-Type: application/json' -d @{_ANOTHER} {url}/cds-services/her2-later-line",
        markup=False,
        soft_wrap=True,
    )
    console.print(
        f"  cdshooks explain {_ANOTHER} --as-of {_TODAY}",
        markup=False,
        soft_wrap=True,
    )
    console.print(f"  the page at {url}/", markup=False)


def _step(console: Console, text: str, started: float) -> None:
    console.print(f"▸ {text} ({time.perf_counter() - started:.1f} s)", markup=False)


def _environment(state: str) -> dict[str, str]:
    """Ours, but for the store: the shipped story leaves nothing behind."""
    kept = {name: it for name, it in os.environ.items() if not name.startswith("CDSHOOKS_DATABASE_URL")}
    return {**kept, "CDSHOOKS_TODAY": _TODAY.isoformat(), "XDG_STATE_HOME": state}


def _is_free(port: int) -> bool:
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _wait_until_alive(url: str, seconds: int) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        try:
            with urllib.request.urlopen(f"{url}/healthz", timeout=2):  # noqa: S310 - http or https, checked by the caller
                return
        except OSError:
            time.sleep(0.2)


def _wait_until_ready(url: str, service: subprocess.Popen[bytes]) -> bool:
    deadline = time.monotonic() + _SECONDS_TO_START
    while time.monotonic() < deadline and service.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/readyz", timeout=2) as answer:  # noqa: S310 - our own loopback address
                return bool(answer.status)
        except OSError:
            time.sleep(0.1)
    return False
