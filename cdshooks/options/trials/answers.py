"""Answers of trial criteria: small helpers in the engine's own terms (met, not met, unknown, review)."""

from __future__ import annotations

from collections.abc import Iterable

from cdshooks.knowledge.ids import FactId
from cdshooks.options.case import Answer, Ground
from cdshooks.options.model import Outcome, all_of, any_of
from cdshooks.options.predicates import NOTHING_TOLD, combined

Refs = Iterable[Ground]
PLAIN = NOTHING_TOLD[Outcome.MET]
"""What must hold, holds, and there is nothing to tell of it."""


def met(observed: str = "", evidence: Refs = ()) -> Answer:
    """What must hold, holds."""
    if not observed and not evidence:
        return PLAIN
    return Answer(Outcome.MET, (observed,) if observed else (), None, _together(evidence))


def not_met(observed: str = "", evidence: Refs = ()) -> Answer:
    """What must hold, does not."""
    return Answer(Outcome.NOT_MET, (observed,) if observed else (), None, _together(evidence))


def review(observed: str = "", evidence: Refs = (), about: str | None = None) -> Answer:
    """The data are there, but a person has to judge them."""
    return Answer(
        Outcome.REVIEW,
        (observed,) if observed else (),
        FactId(about) if about else None,
        _together(evidence),
    )


def unknown(missing: str, observed: str = "", evidence: Refs = ()) -> Answer:
    """The record does not tell; ``missing`` is the fact that would."""
    return Answer(Outcome.UNKNOWN, (observed,) if observed else (), FactId(missing), _together(evidence))


def _together(evidence: Refs) -> tuple[Ground, ...]:
    """Each resource once, which whoever reads them sees to."""
    known = evidence if type(evidence) is tuple else tuple(evidence)
    return (known,) if known else ()


def all_hold(answers: Iterable[Answer]) -> Answer:
    """All of them must hold; met when there is none."""
    return combined(all_of, [it for it in answers if it is not PLAIN])


def any_holds(answers: Iterable[Answer]) -> Answer:
    """One of them is enough."""
    return combined(any_of, list(answers))


def yes_no(*, holds: bool, observed: str, evidence: Refs = ()) -> Answer:
    """Met or not met."""
    return met(observed, evidence) if holds else not_met(observed, evidence)


def within(least: float, most: float, floor: float | None, ceiling: float | None) -> Outcome:
    """Whether a number known to lie between two bounds keeps to a floor and a ceiling; unknown when it may or may not."""
    outcomes = [Outcome.MET]
    if floor is not None:
        outcomes.append(Outcome.MET if least >= floor else Outcome.NOT_MET if most < floor else Outcome.UNKNOWN)
    if ceiling is not None:
        outcomes.append(Outcome.MET if most <= ceiling else Outcome.NOT_MET if least > ceiling else Outcome.UNKNOWN)
    return all_of(outcomes)
