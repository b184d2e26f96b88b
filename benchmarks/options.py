"""Processor time of judging all regimens for one patient: `python benchmarks/options.py` fails above 5 ms."""

from __future__ import annotations

import statistics
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from cdshooks.options.assess import judge_options
from tests.option_cases import THREE_LINES, advice_of, case_of, history, patient, shipped, toxicity

LIMIT_MS = 5.0
ROUNDS = 200


def main() -> int:
    record = patient(toxicities=(toxicity("ild", 1, "trastuzumab deruxtecan"), toxicity("neuropathy", 2)))
    lines = history(THREE_LINES)
    shipped()
    judging, whole = [], []
    case = case_of(record, lines)
    for _ in range(ROUNDS):
        start = time.process_time()
        judge_options(case)
        judging.append((time.process_time() - start) * 1000)
        start = time.process_time()
        advice_of(record, lines)
        whole.append((time.process_time() - start) * 1000)
    print(f"regimens {len(shipped().regimens)}, criteria {len(shipped().criteria)}, facts {len(shipped().facts)}")
    print(f"judging and ranking: median {statistics.median(judging):.2f} ms")
    print(f"facts, judging, gaps: median {statistics.median(whole):.2f} ms, limit {LIMIT_MS} ms")
    return int(statistics.median(whole) > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
