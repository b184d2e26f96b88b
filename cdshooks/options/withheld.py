"""Nothing is offered for a patient who has died or whose record is no longer in use. Source: safety PID-03."""

from __future__ import annotations

from collections.abc import Iterable
from functools import partial

import msgspec

from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import CriterionId, FactId, ResourceRef
from cdshooks.options.later import NOTHING, Later
from cdshooks.options.model import Finding, Gap, Option, Outcome, TrialMatch, TrialVerdict, Verdict
from cdshooks.record.model import Person

RECORD_IN_USE = CriterionId("RECORD_IN_USE")
_PATIENT = FactId("patient")
_DIED = "The record says that the patient has died, so nothing is offered."
_REPLACED = "The record is inactive or replaced by another, so nothing is offered. Open the record in use."


def why_withheld(person: Person) -> str | None:
    """Our sentence on why nothing is offered for this patient; None for a patient who lives and a record in use."""
    return _DIED if person.is_deceased else _REPLACED if person.is_replaced else None


def withhold(options: Iterable[Option], person: Person, because: str) -> tuple[Option, ...]:
    """Every regimen as not applicable, for one reason that stands first; what else was found stays readable."""
    finding = _finding(person, because)
    return tuple(
        msgspec.structs.replace(
            it,
            verdict=it.verdict if it.verdict is Verdict.EXCLUDE else Verdict.NOT_APPLICABLE,
            rank=None,
            reasons=NOTHING,
            warnings=(),
            asks=(),
            found=Later(partial(_preceded, finding, it.found)),
            found_against=Later(partial(_preceded, finding, it.found_against)),
            effects=((finding.criterion, Effect.NOT_APPLICABLE), *it.effects),
        )
        for it in options
    )


def _preceded(finding: Finding, found: Later[tuple[Finding, ...]]) -> tuple[Finding, ...]:
    return (finding, *found())


def withhold_trials(trials: Iterable[TrialMatch], person: Person, because: str) -> tuple[TrialMatch, ...]:
    """Every trial as ineligible for good."""
    finding = _finding(person, because)
    return tuple(
        msgspec.structs.replace(
            it,
            verdict=TrialVerdict.INELIGIBLE,
            failing=(RECORD_IN_USE, *it.failing),
            recoverable=False,
            recovers_on=None,
            confirm_with_site=(),
            found=Later(partial(_preceded, finding, it.found)),
        )
        for it in trials
    )


def gap_of(because: str) -> Gap:
    """The one thing to say instead of what the record lacks."""
    return Gap(fact=_PATIENT, ask=because)


def _finding(person: Person, because: str) -> Finding:
    evidence = (ResourceRef(f"Patient/{person.id}"),) if person.id else ()
    return Finding(
        criterion=RECORD_IN_USE,
        outcome=Outcome.NOT_MET,
        because=because,
        evidence=evidence,
        effect=Effect.NOT_APPLICABLE,
        sentence=because,
    )
