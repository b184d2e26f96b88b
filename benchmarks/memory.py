"""Whether memory stays flat: `python benchmarks/memory.py --calls 50000` prints a worker's memory as calls go by.

Each call brings another patient (the seed goes on) of 10 to 30 resources with drug names and codes that nobody knows, so that what
is remembered of texts is filled over and over. It takes long and is no part of `make bench`.
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

from in_process import call_of
from over_http import megabytes_of
from patients import SyntheticPatient
from setting import Caller, environment

from cdshooks.app import build_app
from cdshooks.settings import read_settings

LINES = 10
GROWTH = 1.05


def main() -> int:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--calls", type=int, default=50_000)
    calls = arguments.parse_args().calls
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
