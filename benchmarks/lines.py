"""How fast lines are built: `python benchmarks/lines.py` fails below 2,000 patients a second at 100 exposures."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from datetime import date, timedelta
from pathlib import Path

import msgspec

sys.path.insert(0, str(Path(__file__).parents[1]))

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import PatientRecord
from cdshooks.record.read import read_patient_record
from tests.histories.drawn import exposure, history_of, record_of, shipped
from tests.histories.labelled import CLEAN, labelled

AIM_PER_SECOND = 2000
SIZES = (100, 1_000, 10_000)
SEQUENCE = (
    ("trastuzumab", "pertuzumab", "docetaxel"),
    ("trastuzumab deruxtecan",),
    ("trastuzumab", "vinorelbine"),
    ("trastuzumab emtansine",),
)


def patient(size: int) -> PatientRecord:
    """A patient whose doses, one every three weeks, walk through four regimens in equal parts."""
    per_line = max(size // sum(map(len, SEQUENCE)), 1)
    start = date(2026, 11, 1) - timedelta(per_line * len(SEQUENCE) * (21 if size <= SIZES[0] else 1))
    step = 21 if size <= SIZES[0] else 1
    empty = record_of(f"agent | start | end\ntrastuzumab | {start} | {start}")
    doses = [
        msgspec.structs.replace(
            exposure(0, {"agent": "trastuzumab", "start": "2026-01-01", "end": "2026-01-01"}),
            agent=AgentId(agent),
            start=PartialDate.from_day(day),
            end=PartialDate.from_day(day),
            evidence=(ResourceRef(f"MedicationAdministration/{line}-{cycle}-{agent}"),),
        )
        for line, agents in enumerate(SEQUENCE)
        for cycle in range(per_line)
        for day in [start + timedelta((line * per_line + cycle) * step)]
        for agent in agents
    ]
    return msgspec.structs.replace(empty, exposures=tuple(doses))


def seconds_of(work: Callable[[], object], rounds: int) -> float:
    """Processor time of one round, the best of five tries: what else the machine does at the moment is no part of it."""
    tries = []
    for _ in range(5):
        begin = time.process_time()
        for _ in range(rounds):
            work()
        tries.append((time.process_time() - begin) / rounds)
    return min(tries)


def main() -> int:
    knowledge = shipped()
    per_second = {}
    for size in SIZES:
        record = patient(size)
        seconds = seconds_of(lambda record=record: history_of(record), max(10_000 // size, 1))
        per_second[size] = 1 / seconds
        each = seconds / len(record.exposures) * 1e6
        speed = f"{1 / seconds:>8.1f} patients/s, {each:.1f} us per exposure"
        print(f"{len(record.exposures):>6} exposures: {speed}, {len(history_of(record).lines)} lines")
    print(f"aim at {SIZES[0]} exposures: {AIM_PER_SECOND} patients/s")
    sent = [labelled(seed, CLEAN).bundle for seed in range(10)]
    reading = seconds_of(lambda: [read_patient_record(read_patient_file(it), knowledge) for it in sent], 1)
    records = [read_patient_record(read_patient_file(it), knowledge) for it in sent]
    building = seconds_of(lambda: [history_of(it) for it in records], 1)
    print(f"building the lines of a drawn patient costs {building / reading:.2f} of reading the record")
    return int(per_second[SIZES[0]] < AIM_PER_SECOND)


if __name__ == "__main__":
    sys.exit(main())
