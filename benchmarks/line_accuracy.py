"""How often the lines of therapy are those that a clinician decided on, by kind of noise.

`python benchmarks/line_accuracy.py` prints all; `--per-kind N` sets how many patients of each kind;
`--seed N --kind K --show` shows one patient: what was decided, what was concluded, and with `--bundle` its resources.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.histories.labelled import (
    CLEAN,
    KINDS,
    MIXED,
    SINGLE,
    TOLERANCE_DAYS,
    Score,
    labelled,
    score,
)

AIMS = {CLEAN: 0.99, "single": 0.95, MIXED: 0.92, "high confidence": 0.97}
PER_KIND, WORST = 40, 4


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-kind", type=int, default=PER_KIND)
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--kind", choices=KINDS)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--show", action="store_true")
    parser.add_argument("--bundle", action="store_true", help="with --show: the resources too")
    options = parser.parse_args(arguments)
    if options.show:
        show(score(labelled(options.seed or 0, options.kind or CLEAN)), with_bundle=options.bundle)
        return 0
    seeds = range(options.first_seed, options.first_seed + options.per_kind)
    kinds = (options.kind,) if options.kind else KINDS
    scores = {kind: [score(labelled(seed, kind)) for seed in _seeds(kind, seeds)] for kind in kinds}
    report(scores)
    return 0


def _seeds(kind: str, seeds: range) -> range:
    """Clean and mixed histories vary most, so more of them are drawn."""
    times = 5 if kind == MIXED else 3 if kind == CLEAN else 1
    return range(seeds.start * times, seeds.start * times + len(seeds) * times)


def report(scores: dict[str, list[Score]]) -> None:
    print(
        f"start of a line within {TOLERANCE_DAYS} days (month-only dates: 31, year-only: 366); * truth cannot be told"
    )
    print(
        f"{'kind':<42}{'n':>5} {'exact':>6} {'within':>6} {'F1':>6} {'agents':>6} {'reason':>6} {'high':>5}  wrong seeds"
    )
    for kind, found in scores.items():
        can = found[0].labelled.can_be_told
        wrong = [it.labelled.seed for it in found if not (it.is_exact if can else it.is_honest)]
        _row(kind + ("" if can else " *"), found, " ".join(map(str, wrong[: WORST * 2])))
    told = [it for found in scores.values() for it in found if it.labelled.can_be_told]
    untold = [it for found in scores.values() for it in found if not it.labelled.can_be_told]
    single = [it for it in told if it.labelled.kind in SINGLE]
    print()
    for name, found in (
        (CLEAN, scores.get(CLEAN, [])),
        ("single", single),
        (MIXED, scores.get(MIXED, [])),
        ("all", told),
    ):
        if found:
            aim = AIMS.get(name)
            _row(name, found, f"aim {aim:.2f}" if aim else "")
    false = [it for it in told if it.false_progressions]
    examples = "; ".join(f"--kind {it.labelled.kind!r} --seed {it.labelled.seed}" for it in false[::40][:WORST])
    print(f"stopped, but told as progressed: {len(false)} of {len(told)} histories  {examples}")
    if untold:
        honest = sum(it.is_honest for it in untold) / len(untold)
        print(f"truth cannot be told: within min..max and not called high {honest:.3f} of {len(untold)}")
    print()
    calibration([*told, *untold])


def _row(name: str, found: list[Score], note: str) -> None:
    n = len(found)
    hits, told, true = (sum(getattr(it, a) for it in found) for a in ("starts_found", "starts_told", "starts_true"))
    print(
        f"{name:<42}{n:>5}"
        f" {sum(it.is_exact for it in found) / n:>6.3f} {sum(it.is_within for it in found) / n:>6.3f}"
        f" {2 * hits / max(told + true, 1):>6.3f}"
        f" {sum(it.regimens_right for it in found) / max(true, 1):>6.3f}"
        f" {sum(it.reasons_right for it in found) / max(true, 1):>6.3f}"
        f" {sum(it.confidence == 'high' for it in found) / n:>5.2f}  {note}"
    )


def calibration(found: list[Score]) -> None:
    by_confidence = Counter(it.confidence for it in found)
    for confidence in ("high", "moderate", "low"):
        these = [it for it in found if it.confidence == confidence]
        if these:
            exact = sum(it.is_exact for it in these) / len(these)
            aim = f"   aim {AIMS['high confidence']:.2f}" if confidence == "high" else ""
            share = by_confidence[confidence] / len(found)
            print(f"called {confidence:<9} {share:>6.3f} of histories, {exact:.3f} of them exact{aim}")
    wrong = [it for it in found if it.confidence == "high" and not it.is_exact]
    for it in wrong[: 3 * WORST]:
        print(f"  high and wrong: --kind {it.labelled.kind!r} --seed {it.labelled.seed}")


def show(one: Score, *, with_bundle: bool) -> None:
    plan, told = one.labelled.plan, one.told
    print(f"{one.labelled.kind}, seed {one.labelled.seed}: {', '.join(sorted(one.labelled.noises)) or 'no noise'}")
    print(
        f"as of {plan.as_of}, metastatic since {plan.date_of(plan.metastatic)}, {'de novo' if plan.de_novo else 'recurrent'}"
    )
    print("\ndecided:")
    for number, line in enumerate(plan.lines, start=1):
        end = plan.date_of(line.end) if line.end is not None else ""
        print(f"  {number} {plan.date_of(line.start)} {end!s:<10} {line.reason:<12} {', '.join(sorted(line.agents))}")
    print("\ncourses:")
    for it in plan.given:
        days = f"{plan.date_of(it.first)} {plan.date_of(it.last)}"
        print(f"  {it.setting:<10} {days} {it.stopped_for or 'goes on':<14} {it.agent}")
    for it in plan.findings:
        print(f"  {plan.date_of(it.day)} {it.trend} ({it.where})")
    for it in plan.local:
        print(f"  {plan.date_of(it.day)} {it.text}")
    counts = told.counts
    at_least = ", at least" if counts.is_at_least else ""
    print(f"\nconcluded: {counts.metastatic_lines} ({counts.min}..{counts.max}{at_least}), {told.confidence.value}")
    for line in (*told.early, *told.lines):
        rules = f"{line.opened_by} / {line.closed_by}"
        name = line.number or line.setting.value
        print(
            f"  {name} {line.start} {line.end or ''!s:<10} {line.end_reason.value:<12} {', '.join(line.agents)}  [{rules}]"
        )
    for it in told.alternatives:
        print(f"  {it.code} {it.delta:+d} at line {it.line}: {it.because}")
    if with_bundle:
        print(json.dumps(one.labelled.resources, indent=1))


if __name__ == "__main__":
    sys.exit(main())
