"""Labelled histories by kind, and how far a concluded history is from the truth."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from random import Random

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.knowledge.load import load_knowledge
from cdshooks.lines.history import build_line_history
from cdshooks.lines.model import LineHistory
from cdshooks.record.read import read_patient_record
from tests.histories.drawing import draw_plan
from tests.histories.faults import FAULT_RIVALS, FAULTS, LOST
from tests.histories.plan import Plan, TrueLine
from tests.histories.published import PUBLISHED, published_plan
from tests.histories.rendering import render
from tests.histories.situations import AMBIGUOUS, RIVALS, SITUATIONS
from tests.histories.writing import Resource

CLEAN, MIXED = "clean", "mixed"
SINGLE: tuple[str, ...] = (*SITUATIONS, *FAULTS)
KINDS: tuple[str, ...] = (CLEAN, *SINGLE, MIXED, *(f"published: {name}" for name in PUBLISHED))
TOLERANCE_DAYS = 7
BESIDE = frozenset({"goserelin"})
"""Ovarian suppression is named beside a regimen by some and not by others; it is no part of this truth."""
COARSE_TOLERANCE_DAYS = {"month-only dates": 31, "year-only dates": 366}
MEETING_RIVALS = (*RIVALS, *FAULT_RIVALS, frozenset({"second cancer", "dispenses with gaps"}))
"""Noises that cannot meet: a dispense, for one, never says which cancer it was for."""


@dataclass(frozen=True, kw_only=True)
class Labelled:
    """Resources with the truth about them."""

    kind: str
    seed: int
    noises: frozenset[str]
    plan: Plan
    resources: list[Resource]

    @property
    def can_be_told(self) -> bool:
        return not self.noises & (LOST | AMBIGUOUS)

    @property
    def bundle(self) -> bytes:
        entries = [{"resource": it} for it in self.resources]
        return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


@dataclass(frozen=True, kw_only=True)
class Score:
    """One concluded history against the truth."""

    labelled: Labelled
    told: LineHistory
    is_exact: bool
    is_within: bool
    confidence: str
    starts_found: int
    starts_told: int
    starts_true: int
    regimens_right: int
    reasons_right: int
    false_progressions: int
    """Lines said to have ended for progression that the clinician stopped for another reason."""

    @property
    def is_honest(self) -> bool:
        """Where the truth cannot be told: it lies within what was said, and certainty was not claimed."""
        return self.is_within and self.confidence != "high"


def labelled(seed: int, kind: str) -> Labelled:
    """The history of a kind and seed; the same pair gives the same history."""
    if kind.startswith("published: "):
        plan, noises = published_plan(kind.removeprefix("published: "), seed), frozenset[str]()
    else:
        noises = frozenset() if kind == CLEAN else _mixed(seed) if kind == MIXED else frozenset({kind})
        least = 2 if "first lines elsewhere" in noises else 1
        plan = draw_plan(seed, noises & SITUATIONS.keys(), least_lines=least)
    resources = render(plan, seed, noises & FAULTS.keys())
    return Labelled(kind=kind, seed=seed, noises=noises, plan=plan, resources=resources)


def _mixed(seed: int) -> frozenset[str]:
    """Two to four noises that can meet in one patient and leave the truth recoverable."""
    rng = Random(f"mixed:{seed}")
    usable = [it for it in SINGLE if it not in LOST | AMBIGUOUS]
    while True:
        chosen = frozenset(rng.sample(usable, rng.randint(2, 4)))
        if any(len(chosen & rivals) > 1 for rivals in MEETING_RIVALS):
            continue
        try:
            draw_plan(seed, chosen & SITUATIONS.keys())
        except LookupError:
            continue
        return chosen


@cache
def _knowledge():
    return load_knowledge()


def concluded(one: Labelled) -> LineHistory:
    """What the service concludes from the resources, as `cdshooks explain` does."""
    record = read_patient_record(read_patient_file(one.bundle), _knowledge())
    return build_line_history(record, _knowledge(), as_of=one.plan.as_of)


def score(one: Labelled) -> Score:
    told, truth = concluded(one), one.plan.lines
    counts = told.counts
    pairs = list(_paired(one, told))
    return Score(
        labelled=one,
        told=told,
        is_exact=counts.metastatic_lines == len(truth),
        is_within=counts.min <= len(truth) and (len(truth) <= counts.max or counts.is_at_least),
        confidence=told.confidence.value,
        starts_found=len(pairs),
        starts_told=len(told.lines),
        starts_true=len(truth),
        regimens_right=sum(frozenset(line.agents) - BESIDE == true.agents for line, true in pairs),
        reasons_right=sum(line.end_reason.value == true.reason for line, true in pairs),
        false_progressions=sum(line.end_reason.value == "progression" != true.reason for line, true in pairs),
    )


def _paired(one: Labelled, told: LineHistory) -> Iterator[tuple]:
    """Told lines with the true line that starts within the tolerance of them; each is used once."""
    tolerance = max([COARSE_TOLERANCE_DAYS.get(it, TOLERANCE_DAYS) for it in one.noises], default=TOLERANCE_DAYS)
    left = list(told.lines)
    for true in one.plan.lines:
        near = [line for line in left if _days_apart(one.plan, line, true) <= tolerance]
        if near:
            line = min(near, key=lambda it: _days_apart(one.plan, it, true))
            left.remove(line)
            yield line, true


def _days_apart(plan: Plan, line, true: TrueLine) -> int:
    day = plan.date_of(true.start)
    if line.start.first <= day <= line.start.last:
        return 0
    return min(abs((line.start.first - day).days), abs((line.start.last - day).days))
