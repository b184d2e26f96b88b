"""What we conclude for a patient: findings, verdicts, advice."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from enum import StrEnum
from typing import Protocol

import msgspec

from cdshooks.direct_members import direct_members
from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId, RegimenId, ResourceRef, SourceId
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import RegistryAge, TrialState
from cdshooks.lines.model import LineHistory
from cdshooks.options.later import Later
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Conflict, PatientRecord


@direct_members
class Outcome(StrEnum):
    """The answer to a criterion. A criterion states what must hold, so ``met`` is always good news."""

    MET = "met"
    NOT_MET = "not_met"
    UNKNOWN = "unknown"
    REVIEW = "review"
    """The data are there, but a person has to judge them."""


def all_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Combine by Kleene's strong AND: NOT_MET wins, then UNKNOWN, then REVIEW, then MET."""
    seen = tuple(outcomes)
    for outcome in (Outcome.NOT_MET, Outcome.UNKNOWN, Outcome.REVIEW):
        if outcome in seen:
            return outcome
    return Outcome.MET


def any_of(outcomes: Iterable[Outcome]) -> Outcome:
    """Combine by Kleene's strong OR: MET wins, then REVIEW, then UNKNOWN, then NOT_MET."""
    seen = tuple(outcomes)
    for outcome in (Outcome.MET, Outcome.REVIEW, Outcome.UNKNOWN):
        if outcome in seen:
            return outcome
    return Outcome.NOT_MET


def opposite(outcome: Outcome) -> Outcome:
    """Kleene's negation: unknown and review stay what they are."""
    return {Outcome.MET: Outcome.NOT_MET, Outcome.NOT_MET: Outcome.MET}.get(outcome, outcome)


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of the values of an advice; none of them refers back to what holds it, so the collector need not look at them."""


class Fact(Value, frozen=True, kw_only=True):
    """What a criterion asks for: its value (None = unknown), unit, date and the resources behind it."""

    id: FactId
    value: bool | int | float | str | tuple[str, ...] | None
    unit: str | None = None
    date: PartialDate | None = None
    evidence: tuple[ResourceRef, ...] = ()
    method: str | None = None
    """How the value came about where the record does not tell it in so many words, or tells by which method."""
    is_silence: bool = False
    """Nothing on record tells it; decisions take that for no, and a reader must not be told that it is one."""


class Finding(Value, frozen=True, kw_only=True):
    """The answer to one criterion, with its reason and evidence; "not evaluated" does not exist."""

    criterion: CriterionId
    outcome: Outcome
    because: str
    missing: FactId | None = None
    evidence: tuple[ResourceRef, ...] = ()
    sources: tuple[SourceId, ...] = ()
    recovers_on: PartialDate | None = None
    """When a failure that time heals is over: the end of a washout."""
    effect: Effect | None = None
    """What follows for the regimen; None when nothing does."""
    about: tuple[AgentId, ...] = ()
    """The drugs of the regimen that it is about; none when it is about the regimen as a whole."""
    sentence: str = ""
    """``because`` without what was observed: short enough for a headline."""
    observed: tuple[str, ...] = ()
    """What of ``because`` is this patient's own; filled in for trials."""


GRAVITY = (Effect.EXCLUDE, Effect.NOT_APPLICABLE, Effect.HOLD, Effect.WARN, Effect.DOSE_NOTE)
"""Effects, gravest first."""


@direct_members
class Verdict(StrEnum):
    """What we say of a regimen. Source: contracts/explain.schema.json."""

    OFFER = "offer"
    OFFER_WITH_WARNING = "offer_with_warning"
    HOLD = "hold"
    EXCLUDE = "exclude"
    NOT_APPLICABLE = "not_applicable"


class Warned(Value, frozen=True, kw_only=True):
    """A named warning on an option."""

    criterion: CriterionId
    text: str


class Ask(Value, frozen=True, kw_only=True):
    """What must be known or tested before a regimen is started."""

    fact: FactId
    text: str


class Rests(Protocol):
    """What rests on resources."""

    @property
    def evidence(self) -> tuple[ResourceRef, ...]:
        """The resources."""
        ...


class Option(Value, frozen=True, kw_only=True):
    """One regimen judged for one patient."""

    id: RegimenId
    label: str
    verdict: Verdict
    rank: int | None
    reasons: Later[tuple[str, ...]]
    warnings: tuple[Warned, ...]
    asks: tuple[Ask, ...]
    dose_notes: tuple[str, ...]
    found: Later[tuple[Finding, ...]]
    found_against: Later[tuple[Finding, ...]]
    effects: tuple[tuple[CriterionId, Effect], ...]
    """What follows from which criterion."""
    unmet: Later[tuple[Rests, ...]]
    """What the findings that are not met rest on; one that several regimens share is one object."""
    agents: tuple[AgentId, ...] = ()
    """The drugs taken, one for each part of the regimen: partners that were failed or do not fit are passed over."""
    told: tuple[str, ...] = ()
    """What speaks for its place by itself: the part of ``why_this_rank`` that compares it with no other."""
    notes_of: tuple[tuple[AgentId, str], ...] = ()
    """The dose notes that are about one drug."""
    open_doses: tuple[AgentId, ...] = ()
    """Drugs whose usual dose does not hold for this patient: organs or other drugs change it, as a note says."""

    @property
    def why_this_rank(self) -> tuple[str, ...]:
        """What put it at its place, and what would move it."""
        return self.reasons()

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The answer to every criterion, with its reason and evidence."""
        return self.found()

    @property
    def against(self) -> tuple[Finding, ...]:
        """Those of the findings from which something follows."""
        return self.found_against()

    @property
    def deciding(self) -> tuple[Finding, ...]:
        """The findings that gave a verdict other than offer, those of one drug before those of the whole."""
        gravest = min((GRAVITY.index(effect) for _, effect in self.effects), default=None)
        found = (it for it in self.against if it.effect is not None and GRAVITY.index(it.effect) == gravest)
        return tuple(sorted(found, key=lambda it: not it.about))


@direct_members
class TrialVerdict(StrEnum):
    """What we say of a trial: never "eligible" on missing data."""

    ELIGIBLE = "eligible"
    INELIGIBLE = "ineligible"
    UNKNOWN = "unknown"


class NearestSite(Value, frozen=True, kw_only=True):
    """A recruiting site near the patient, its distance banded at city level."""

    name: str
    city: str
    country: str
    distance: str
    is_in_reach: bool


class TrialMatch(Value, frozen=True, kw_only=True):
    """One trial judged for one patient; ids are those of the trial's file ("COHORT:ID" for a cohort's criterion)."""

    nct_id: str
    title: str
    verdict: TrialVerdict
    failing: tuple[CriterionId, ...]
    missing: tuple[CriterionId, ...]
    recoverable: bool
    cohorts: tuple[str, ...]
    confirm_with_site: tuple[str, ...]
    found: Later[tuple[Finding, ...]]
    recovers_on: PartialDate | None = None
    """The day from which all failing criteria may be over, where waiting is all it takes."""
    state: TrialState
    awaits_signature: bool = False
    """Whether only the changed eligibility text stands against it: by the text that was coded, the patient may fit."""

    @property
    def findings(self) -> tuple[Finding, ...]:
        """The answers to its criteria, each with its reason and evidence."""
        return self.found()

    @property
    def is_worth_a_way(self) -> bool:
        """Whether the patient fits, may fit, or may come to fit: only then does it matter where the trial is."""
        return self.verdict is not TrialVerdict.INELIGIBLE or self.recoverable


class Gap(Value, frozen=True, kw_only=True):
    """What the record lacks, which decision it would change, and how to obtain it."""

    fact: FactId
    ask: str


class OrderReview(Value, frozen=True, kw_only=True):
    """What we say of the order being placed.

    ``judgement``: fitting, warning, contraindicated, repeated_after_progression, not_recognised, not_cancer_treatment.
    """

    order: ResourceRef
    agents: tuple[AgentId, ...]
    judgement: str
    reasons: tuple[Finding, ...]
    regimens: tuple[RegimenId, ...]


class Advice(Value, frozen=True, kw_only=True):
    """All findings for a patient on a day in a jurisdiction."""

    as_of: date
    jurisdiction: str
    record: PatientRecord
    lines: LineHistory
    known: Mapping[FactId, Fact]
    """Every fact of the vocabulary."""
    options: tuple[Option, ...]
    trials: tuple[TrialMatch, ...]
    orders: tuple[OrderReview, ...]
    gaps: tuple[Gap, ...]
    conflicts: tuple[Conflict, ...]
    registry_age: RegistryAge = RegistryAge.CURRENT
    """Whether the imported records of trials could be read."""
    home: Position | None = None
    """Where distances to the sites of trials begin; told to nobody."""

    @property
    def facts(self) -> tuple[Fact, ...]:
        """Every fact, in the order of the vocabulary."""
        return tuple(self.known.values())

    def value_of(self, fact_id: str) -> object:
        """The value of a fact; None when it is not known."""
        fact = self.known.get(FactId(fact_id))
        return fact.value if fact is not None else None
