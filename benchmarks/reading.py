"""Measures reading 1,000 resources to the patient record, against orjson.loads of the same bytes.

The resources are those of the shipped stories, repeated under new ids until there are 1,000.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import orjson

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.read import read_patient_record

STORIES = Path(__file__).parents[1] / "fhir_fixtures"
RESOURCES, ROUNDS = 1_000, 15


def main() -> None:
    """Print the best of several rounds for each step, and the ratio to orjson.loads."""
    knowledge = load_knowledge()
    data = _bundle()
    read_patient_record(read_patient_file(data), knowledge)
    resources = read_patient_file(data)
    loads = _best(lambda: orjson.loads(data))
    decoding = _best(lambda: read_patient_file(data))
    record = _best(lambda: read_patient_record(resources, knowledge))
    print(f"{RESOURCES} resources, {len(data) / 1024:.0f} KiB")
    print(f"orjson.loads {loads:.2f} ms")
    print(f"decoding     {decoding:.2f} ms, {decoding / loads:.2f} x orjson.loads")
    print(f"record       {record:.2f} ms, {record / loads:.2f} x orjson.loads")
    print(f"all reading  {decoding + record:.2f} ms, {(decoding + record) / loads:.2f} x orjson.loads (aim 1.00)")


def _bundle() -> bytes:
    found: list[dict[str, Any]] = []
    for path in sorted(STORIES.glob("*/request.json")):
        prefetch = json.loads(path.read_text(encoding="utf-8")).get("prefetch", {})
        for value in prefetch.values():
            found.extend(entry["resource"] for entry in (value or {}).get("entry", ()) if "resource" in entry)
    entries = [{"resource": {**one, "id": f"r{at}"}} for at, one in enumerate(islice(cycle(found), RESOURCES))]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


def _best(step: Callable[[], object]) -> float:
    """The quickest of the rounds, in milliseconds."""
    times = []
    for _ in range(ROUNDS):
        began = time.perf_counter()
        step()
        times.append(time.perf_counter() - began)
    return min(times) * 1000


if __name__ == "__main__":
    main()
