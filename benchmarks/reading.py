"""What reading costs beside `orjson.loads` of the same bytes: `python benchmarks/reading.py`; `--json FILE` keeps the figures.

Each step is run in turn, round after round, so that a busy machine slows all alike; a step's figure is its processor time
(median and best of the rounds), and its ratio is to `orjson.loads` by the same measure. The collector is tuned as in the
service: what start-up made is frozen, and young objects are looked at every 50,000. The aim is 1.00 for `whole record` at
1,000 resources.
"""

from __future__ import annotations

import argparse
import gc
import json
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

import msgspec
import orjson

sys.path.insert(0, str(Path(__file__).parent))

from patients import BASE, PATIENT_ID, SIZES, SyntheticPatient

from cdshooks.ehr.decode import ResourceCollector
from cdshooks.ehr.gather import gather_resources
from cdshooks.hooks.request import HookRequest
from cdshooks.hooks.services import BY_ID
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record

ROUNDS = {10: 400, 100: 150, 1_000: 60, 5_000: 12}
_split = msgspec.json.Decoder(dict[str, msgspec.Raw])


def main() -> None:
    """Print one line for each size and step."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--json", type=Path, help="write the figures to this file")
    file = arguments.parse_args().json
    knowledge = load_knowledge()
    patients = {size: SyntheticPatient(size).prefetch() for size in SIZES}
    figures: dict[str, dict[str, float]] = {}
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 50, 100)
    print(f"{'resources':>9} {'KB':>6}  {'step':<16} {'median ms':>9} {'best ms':>8} {'ratio':>6} {'of best':>8}")
    for size, prefetch in patients.items():
        steps: dict[str, Callable[[], object]] = {
            "orjson.loads": lambda data=prefetch: orjson.loads(data),
            "typed decode": lambda data=prefetch: _decode(data),
            "decode, gather": lambda data=prefetch: gather_resources(_request(data)),
            "whole record": lambda data=prefetch: read_patient_record(gather_resources(_request(data)), knowledge),
        }
        measured = _interleaved(steps, ROUNDS[size])
        for name, (median, best) in measured.items():
            ratio, ratio_of_best = (
                it / base for it, base in zip((median, best), measured["orjson.loads"], strict=True)
            )
            kilobytes = len(prefetch) / 1000
            print(
                f"{size:>9,} {kilobytes:>6,.0f}  {name:<16} {median:>9.3f} {best:>8.3f} {ratio:>6.2f} {ratio_of_best:>8.2f}"
            )
            figures[f"{size} {name}"] = {
                "median_ms": median,
                "best_ms": best,
                "ratio": ratio,
                "ratio_of_best": ratio_of_best,
            }
    if file is not None:
        file.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


def _interleaved(steps: dict[str, Callable[[], object]], rounds: int) -> dict[str, tuple[float, float]]:
    """Median and best processor milliseconds of each step, the steps taking turns."""
    times: dict[str, list[float]] = {name: [] for name in steps}
    for round_ in range(rounds + 2):
        for name, step in steps.items():
            began = time.process_time_ns()
            step()
            if round_ > 1:  # the first rounds fill caches, as the first calls of a service do
                times[name].append((time.process_time_ns() - began) / 1e6)
    return {name: (statistics.median(it), min(it)) for name, it in times.items()}


def _decode(prefetch: bytes) -> object:
    collector = ResourceCollector()
    for key, raw in _split.decode(prefetch).items():
        collector.add_json(raw, query=key)
    return collector.finish()


def _request(prefetch: bytes) -> HookRequest:
    return HookRequest(
        service=BY_ID["her2-later-line"],
        hook_instance="7f0c3c52-9f0e-4d6e-8d0b-0d7a53a1c9e4",
        patient_id=PATIENT_ID,
        encounter_id=None,
        user_id=None,
        selections=(),
        draft_orders=b"",
        prefetch=_split.decode(prefetch),
        fhir_server=BASE,
    )


if __name__ == "__main__":
    main()
