"""Processor time of judging all regimens for one patient, apart from its facts, its gaps and the trials.

`python benchmarks/options.py` fails when judging and ranking the regimens takes 5 ms or more.
"""

from __future__ import annotations

import gc
import statistics
import sys
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cdshooks.lines.model import LineHistory
from cdshooks.options.assess import judge_options
from cdshooks.options.case import Case
from cdshooks.options.facts import derive_facts
from cdshooks.options.gaps import find_gaps
from cdshooks.options.trials.match import match_trials
from cdshooks.record.model import PatientRecord
from tests.option_cases import THREE_LINES, TODAY, case_of, history, patient, shipped, toxicity

LIMIT_MS = 5.0
ROUNDS = 200


def main() -> int:
    record = patient(toxicities=(toxicity("ild", 1, "trastuzumab deruxtecan"), toxicity("neuropathy", 2)))
    lines = history(THREE_LINES)
    known = shipped()
    options = judge_options(case_of(record, lines))
    gc.freeze()  # as the service does once it has started
    took = {
        "facts": measured(lambda: derive_facts(record, lines, known, as_of=TODAY)),
        "regimens judged and ranked": measured_case(judge_options, record, lines),
        "gaps": measured_case(lambda case: find_gaps(options, (), case), record, lines),
        "trials matched": measured_case(lambda case: match_trials(case, {}, in_full=False), record, lines),
    }
    print(f"regimens {len(known.regimens)}, criteria {len(known.criteria)}, facts {len(known.facts)}")
    for what, times in took.items():
        limit = f", limit {LIMIT_MS} ms" if what.startswith("regimens") else ""
        print(f"{what}: median {statistics.median(times):.2f} ms, best {min(times):.2f} ms{limit}")
    return int(statistics.median(took["regimens judged and ranked"]) >= LIMIT_MS)


def measured_case(step: Callable[[Case], object], record: PatientRecord, lines: LineHistory) -> list[float]:
    """A step on a new case each time, so that nothing that was worked out for the last one helps."""
    times = []
    for _ in range(ROUNDS):
        times += measured(partial(step, case_of(record, lines)), 1)
    return times


def measured(step: Callable[[], object], rounds: int = ROUNDS) -> list[float]:
    times = []
    for _ in range(rounds):
        start = time.process_time()
        step()
        times.append((time.process_time() - start) * 1000)
    return times


if __name__ == "__main__":
    sys.exit(main())
