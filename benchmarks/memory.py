"""Whether memory stays flat: `python benchmarks/memory.py --calls 50000` prints a worker's memory as calls go by.

Each call brings another patient (the seed goes on) of 10 to 30 resources with drug names and codes that nobody knows, so that what
is remembered of texts is filled over and over. It takes long and is no part of `make bench`; with `--remembered 64` the bounds of
what is remembered are as small as that, so a tenth of the calls tells what fills up to its bound from what grows on.
"""

from __future__ import annotations

import argparse
import gc
import logging
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parent))

from over_http import megabytes_of
from patients import SyntheticPatient
from setting import Caller, environment

from cdshooks.ehr import remembered

LINES = 10
GROWTH = 1.05


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=50_000)
    arguments.add_argument(
        "--remembered", type=int, help="bound of each memory of codes and words, instead of the service's"
    )
    given = arguments.parse_args()
    calls: int = given.calls
    if given.remembered is not None:
        _remember_at_most(given.remembered)
    from in_process import call_of  # noqa: PLC0415 - loads what remembers, after the bounds are set

    from cdshooks.app import build_app  # noqa: PLC0415
    from cdshooks.settings import read_settings  # noqa: PLC0415

    logging.disable(logging.CRITICAL)
    seen: list[float] = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        caller = Caller(folder, "http://bench.example")
        app = build_app(read_settings(environment(folder, "http://bench.example")))
        gc.collect()
        gc.freeze()
        gc.set_threshold(50_000, 50, 100)
        for number in range(1, calls + 1):
            call = call_of(_body(number), app.wsgi_app, caller)
            while not _is_answered(call):
                time.sleep(1)  # the store had no time for the token, as a client is told with 503
            if number % max(1, calls // LINES) == 0:
                seen.append(megabytes_of()["resident"])
                print(f"{number:>7,} calls: {seen[-1]:.1f} MB", flush=True)
    settled = seen[1:] or seen
    print(f"from the second line on: {max(settled) / settled[0]:.3f} times (limit {GROWTH})")
    return int(max(settled) / settled[0] > GROWTH)


def _remember_at_most(bound: int) -> None:
    """Every memory that is made from here on is as small as this, whatever its reader asks for."""
    make = remembered.Memory.__init__
    remembered.Memory.__init__ = lambda self, read, _: make(self, read, bound)  # type: ignore[method-assign]


def _is_answered(call: Callable[[], object]) -> bool:
    call.prepare()  # type: ignore[attr-defined]  # signs the token
    try:
        call()
    except AssertionError as refusal:
        if "503" in str(refusal):
            return False
        raise
    return True


def _body(number: int) -> bytes:
    request = msgspec.json.decode(SyntheticPatient(10 + number % 20, seed=number).request())
    for order in request["context"]["draftOrders"]["entry"]:
        order["resource"]["note"] = [{"text": f"note {number}"}]
    for it in request["prefetch"]["medicationStatements"].get("entry", ()):
        concept = it["resource"].get("medicationCodeableConcept")
        if concept is not None and number % 2:
            concept["text"] = f"unheard-of drug {number}"
    return msgspec.json.encode(request)


if __name__ == "__main__":
    sys.exit(main())
