"""Load the resources of every story's request into a FHIR server, each under its own id; waits until the server answers."""

from __future__ import annotations

import json
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

PATIENCE_SECONDS = 300


def main(base: str, stories: Path) -> None:
    """One transaction for each story."""
    _wait(base)
    for path in sorted(stories.glob("*/request.json")):
        resources = {(it["resourceType"], it["id"]): it for it in _resources(json.loads(path.read_text("utf-8")))}
        _post(
            base,
            [
                {"resource": it, "request": {"method": "PUT", "url": f"{kind}/{name}"}}
                for (kind, name), it in resources.items()
            ],
        )
        print(f"{path.parent.name}: {len(resources)} resources", flush=True)


def _wait(base: str) -> None:
    end = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            urllib.request.urlopen(f"{base}/metadata", timeout=30).close()
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(2)
        else:
            return


def _resources(request: dict) -> Iterator[dict]:
    """What was prefetched; the draft orders are not in the record yet."""
    for value in request.get("prefetch", {}).values():
        if value and value["resourceType"] == "Bundle":
            yield from (it["resource"] for it in value.get("entry", []) if "resource" in it)
        elif value:
            yield value


def _post(base: str, entries: list[dict]) -> None:
    body = json.dumps({"resourceType": "Bundle", "type": "transaction", "entry": entries}).encode()
    asked = urllib.request.Request(base, body, {"Content-Type": "application/fhir+json"})
    try:
        urllib.request.urlopen(asked, timeout=120).close()
    except urllib.error.HTTPError as error:
        sys.exit(f"{base} refused: {error.read().decode()[:2000]}")


if __name__ == "__main__":
    main(sys.argv[1].rstrip("/"), Path(sys.argv[2]))
