"""Measures how long matching takes for one patient, with 1,000 synthetic trials copied from the shipped ones and varied."""

from __future__ import annotations

import gc
import random
import sys
import time
from datetime import date
from pathlib import Path

import msgspec

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.knowledge.trial_criteria import Ecog, Lab, Lvef, PriorLines, Washout
from cdshooks.knowledge.trials import Trial, compile_trials
from cdshooks.lines.history import build_line_history
from cdshooks.options.case import Case
from cdshooks.options.facts import derive_facts
from cdshooks.options.trials.match import match_trials
from cdshooks.record.read import read_patient_record

FIXTURES = Path(__file__).parents[1] / "fhir_fixtures"
TRIALS, ROUNDS, AIM_MS, TODAY = 1_000, 20, 20.0, date(2026, 11, 24)


def main() -> None:
    """Print the time of each way to match, per story: best and middle of the rounds.

    As in the service, what is loaded at the start is never looked through for garbage; nothing is kept from round to round.
    """
    knowledge = load_knowledge()
    many = msgspec.structs.replace(knowledge, trials=compile_trials(copies(knowledge), knowledge.trials.terms))
    gc.freeze()
    stories = sys.argv[1:] or sorted(it.parent.name for it in FIXTURES.glob("*/request.json"))
    print(f"{TRIALS} trials, {many.trials.slots} different questions; aim: under {AIM_MS:g} ms")
    for story in stories:
        case = case_of(story, many)
        for in_full in (False, True):
            times = sorted(timed(case, in_full=in_full) for _ in range(ROUNDS))
            what = "every finding" if in_full else "for the cards"
            print(f"  {story}: {what}: best {times[0]:.1f} ms, middle {times[ROUNDS // 2]:.1f} ms")


def copies(knowledge: Knowledge) -> list[Trial]:
    """Trials like the shipped ones, with numbers and limits of their own."""
    shipped, rng = list(knowledge.trials.by_id.values()), random.Random(1)
    return [varied(shipped[number % len(shipped)], number, rng) for number in range(TRIALS)]


def varied(trial: Trial, number: int, rng: random.Random) -> Trial:
    """One copy: laboratory limits, LVEF, ECOG, lines and washouts are drawn anew."""
    return msgspec.structs.replace(
        trial,
        nct_id=f"NCT9{number:07d}",
        criteria=tuple(shifted(it, rng) for it in trial.criteria),
        cohorts=tuple(
            msgspec.structs.replace(it, criteria=tuple(shifted(one, rng) for one in it.criteria))
            for it in trial.cohorts
        ),
    )


def shifted(criterion, rng: random.Random):  # noqa: ANN001, ANN201 - any kind in, the same kind out
    """A criterion with its limit moved a little."""
    step = rng.choice((0, 0, 1, 2))
    match criterion:
        case Lab(value=float() | int()):
            return msgspec.structs.replace(criterion, value=criterion.value + step / 10)
        case Lvef(min=float() | int()):
            return msgspec.structs.replace(criterion, min=criterion.min + step)
        case Ecog(max=int()):
            return msgspec.structs.replace(criterion, max=criterion.max + step % 2)
        case PriorLines(min=int()):
            return msgspec.structs.replace(criterion, min=criterion.min + step)
        case Washout(any_systemic_days=int()):
            return msgspec.structs.replace(criterion, any_systemic_days=criterion.any_systemic_days + step)
    return criterion


def case_of(story: str, knowledge: Knowledge) -> Case:
    """The case of one shipped story."""
    resources = read_patient_file((FIXTURES / story / "request.json").read_bytes())
    record = read_patient_record(resources, knowledge)
    lines = build_line_history(record, knowledge, as_of=TODAY)
    facts = derive_facts(record, lines, knowledge, as_of=TODAY)
    return Case(record=record, lines=lines, facts=facts, knowledge=knowledge, as_of=TODAY, jurisdiction="US")


def timed(case: Case, *, in_full: bool) -> float:
    """Milliseconds of one matching."""
    fresh = msgspec.structs.replace(case, shared={})
    start = time.process_time()
    match_trials(fresh, in_full=in_full)
    return (time.process_time() - start) * 1_000


if __name__ == "__main__":
    main()
