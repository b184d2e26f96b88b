"""Trials whose eligibility has been structured, compiled once: equal questions of many trials are asked once per patient."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping

import msgspec

from cdshooks.knowledge.ids import CriterionId
from cdshooks.knowledge.trial_criteria import (
    AnyCriterion,
    Biomarker,
    Criterion,
    DiseaseSetting,
    Her2Status,
    PriorTherapy,
    Reproductive,
    Sex,
    SiteJudgement,
)
from cdshooks.knowledge.trial_registry import TrialState
from cdshooks.knowledge.trial_terms import TrialTerms

_CHEAP: tuple[type[Criterion], ...] = (Sex, DiseaseSetting, Her2Status, PriorTherapy)
"""Kinds that rule out many trials at little cost, asked first and in this order."""
_IN_EVERY_TRIAL = (SiteJudgement, Reproductive)
"""What every site settles in every trial; what is this trial's own is told before it."""


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion that decides, under the id that findings carry ("COHORT:ID" in a cohort)."""

    id: CriterionId
    criterion: AnyCriterion
    slot: int
    """Equal criteria of equal id share a slot, and so a finding."""
    question: int
    """Criteria that ask the same, under whatever id and in whatever words, share a question, and so an answer."""
    sentence: str
    """The criterion's own, with nothing observed and without its full stop."""


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """One cohort or arm; ``is_open`` None: the registry does not say."""

    id: str
    label: str
    is_open: bool | None
    criteria: tuple[AnyCriterion, ...]
    asked: tuple[Asked, ...] = ()
    slots: tuple[int, ...] = ()
    """Of ``asked``, in its order."""
    to_confirm: tuple[str, ...] = ()


class Coded(msgspec.Struct, frozen=True, kw_only=True):
    """Who put the text into criteria, and who has checked it."""

    by: str
    date: str
    reviewed_by: str | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One structured trial: facts in our own words, and its criteria."""

    nct_id: str
    title: str
    tests: str
    """What it tests, in plain words, to follow "It tests"; empty when the file does not say."""
    drugs: tuple[str, ...]
    sponsor: str | None
    countries: tuple[str, ...]
    countries_complete: bool
    population: str
    purpose: str
    phases: tuple[str, ...]
    text_complete: bool
    state: TrialState
    coded: Coded
    eligibility_hash: str | None
    """The registry text that was coded; None when the file does not say."""
    criteria: tuple[AnyCriterion, ...]
    cohorts: tuple[Cohort, ...]
    asked: tuple[Asked, ...] = ()
    slots: tuple[int, ...] = ()
    """Of ``asked``, in its order."""
    to_confirm: tuple[str, ...] = ()
    """What the site must settle whatever the patient is like, each with its criterion's id."""
    recovering: frozenset[CriterionId] = frozenset()
    """Criteria whose failure time or treatment may turn, cohorts included."""

    @property
    def url(self) -> str:
        """The registry's page."""
        return f"https://clinicaltrials.gov/study/{self.nct_id}"


class RulesOut(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion whose failure nothing turns, and the trials that ask for it: bit N is the trial at place N."""

    asked: Asked
    trials: int


class TrialKnowledge(msgspec.Struct, frozen=True, kw_only=True):
    """All structured trials, and the index of what rules them out."""

    by_id: Mapping[str, Trial]
    terms: TrialTerms
    slots: int
    questions: int
    index: tuple[RulesOut, ...]
    """Cheap kinds first, then what most trials ask for: what comes later is asked for fewer and fewer trials."""
    by_slot: tuple[Asked, ...]


def compile_trials(trials: Collection[Trial], terms: TrialTerms) -> TrialKnowledge:
    """Give every deciding criterion its slot and build the index."""
    slots: dict[tuple[str, bytes], Asked] = {}
    questions: dict[bytes, int] = {}
    compiled: dict[str, Trial] = {}
    asking: dict[int, int] = {}

    def ask(criterion: AnyCriterion, prefix: str) -> Asked:
        name = CriterionId(f"{prefix}{criterion.id}")
        key = (name, msgspec.json.encode(msgspec.structs.replace(criterion, at=(), note=None)))
        if key not in slots:
            slots[key] = Asked(
                id=name,
                criterion=criterion,
                slot=len(slots),
                question=questions.setdefault(_question(criterion), len(questions)),
                sentence=criterion.sentence,
            )
        return slots[key]

    for place, trial in enumerate(sorted(trials, key=lambda it: it.nct_id)):
        asked = tuple(ask(it, "") for it in trial.criteria if it.decides)
        cohorts = tuple(_with_questions(cohort, ask) for cohort in trial.cohorts)
        every = (*asked, *(it for cohort in cohorts for it in cohort.asked))
        compiled[trial.nct_id] = msgspec.structs.replace(
            trial,
            asked=asked,
            slots=tuple(it.slot for it in asked),
            cohorts=cohorts,
            to_confirm=tuple(_to_confirm(trial.criteria, "")),
            recovering=frozenset(it.id for it in every if it.criterion.recoverable),
        )
        for it in asked:
            if it.id not in compiled[trial.nct_id].recovering:
                asking[it.slot] = asking.get(it.slot, 0) | 1 << place
    by_slot = tuple(slots.values())
    index = [RulesOut(asked=by_slot[slot], trials=places) for slot, places in asking.items()]
    return TrialKnowledge(
        by_id=compiled,
        terms=terms,
        slots=len(slots),
        questions=len(questions),
        index=tuple(sorted(index, key=_cost)),
        by_slot=by_slot,
    )


def _with_questions(cohort: Cohort, ask: Callable[[AnyCriterion, str], Asked]) -> Cohort:
    asked = tuple(ask(it, f"{cohort.id}:") for it in cohort.criteria if it.decides)
    return msgspec.structs.replace(
        cohort,
        asked=asked,
        slots=tuple(it.slot for it in asked),
        to_confirm=tuple(_to_confirm(cohort.criteria, f"{cohort.id}:")),
    )


def _cost(rule: RulesOut) -> tuple[int, int, int]:
    kind = type(rule.asked.criterion)
    return _CHEAP.index(kind) if kind in _CHEAP else len(_CHEAP), -rule.trials.bit_count(), rule.asked.slot


def _question(criterion: AnyCriterion) -> bytes:
    """What a criterion asks, without its name, its place and its words."""
    bare = msgspec.structs.replace(
        criterion, id="", role="", says="", text="", at=(), note=None, applies_to=None, recoverable=False
    )
    return msgspec.json.encode(bare)


def _to_confirm(criteria: Collection[AnyCriterion], prefix: str) -> Iterator[str]:
    for criterion in sorted(criteria, key=_telling):
        if not criterion.decides:
            yield f"{prefix}{criterion.id}: {criterion.sentence}"
        elif _is_confirmed(criterion):
            yield f"{prefix}{criterion.id}: Central laboratory confirmation ({criterion.sentence})"


def _telling(criterion: AnyCriterion) -> tuple[bool, bool, bool]:
    """Where it stands among what the site settles: what decides this trial first, what every trial asks last."""
    return isinstance(criterion, _IN_EVERY_TRIAL), not _is_confirmed(criterion), not criterion.protocol_defined


def _is_confirmed(criterion: AnyCriterion) -> bool:
    return criterion.decides and isinstance(criterion, Her2Status | Biomarker) and criterion.lab == "central"
