"""Judges every structured trial for a patient: never eligible on missing data, never offered unless it recruits.

Source: shared trials/criterion-vocabulary (gate, cohorts, verdict), contracts/README "What explain says of them".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from functools import partial
from typing import Literal

import msgspec

from cdshooks.knowledge.ids import CriterionId
from cdshooks.knowledge.trial_registry import NOT_YET_RECRUITING, RECRUITING, TrialState
from cdshooks.knowledge.trials import Cohort, Trial
from cdshooks.options.case import Answer, Case
from cdshooks.options.later import Later
from cdshooks.options.model import Finding, Outcome, TrialMatch, TrialVerdict
from cdshooks.options.trials.question import answer_criterion, find
from cdshooks.partial_date import PartialDate, latest

STATUS = CriterionId("S0:status")
STATUS_IS_OLD_AFTER_DAYS = 90
_NOTHING: Mapping[str, TrialState] = {}


def match_trials(
    case: Case, registry: Mapping[str, TrialState] = _NOTHING, *, in_full: bool = True
) -> tuple[TrialMatch, ...]:
    """Every trial's verdict with its findings, in the order of the numbers.

    ``registry``: what imported records say of status and sites; a trial without one speaks from its own file.
    Without ``in_full`` a trial that is ruled out for good carries one finding that does so; the verdicts are the same.
    """
    matcher = _Matcher(case)
    states = [(it, registry.get(it.nct_id, it.state)) for it in case.knowledge.trials.by_id.values()]
    trials = [(trial, state, matcher.gate(state)) for trial, state in states]
    if in_full:
        return tuple([matcher.match(*it) for it in trials])
    against = matcher.ruled_out(trials)
    return tuple(
        [_ruled_out(*it, against[place]) if place in against else matcher.match(*it) for place, it in enumerate(trials)]
    )


def status_finding(state: TrialState, as_of: date) -> Finding:
    """The gate: only a trial that recruits, and whose coding still fits its text, goes further."""
    words = state.status.lower().replace("_", " ")
    told = (
        f"{words}, status as of {state.status_date}"
        if is_status_old(state, as_of)
        else f"{words} ({state.status_date})"
    )
    if state.is_suspended:
        return Finding(
            criterion=STATUS,
            outcome=Outcome.NOT_MET,
            because=f"The eligibility text has changed since it was coded, so the coding waits to be signed again: {told}.",
        )
    outcome = Outcome.MET if state.status == RECRUITING else Outcome.NOT_MET
    return Finding(criterion=STATUS, outcome=outcome, because=f"The trial recruits: {told}.")


def is_status_old(state: TrialState, as_of: date) -> bool:
    """Whether a status is so old that its date is said with it."""
    return state.status_date.least_days_until(PartialDate.from_day(as_of)) > STATUS_IS_OLD_AFTER_DAYS


# ---- one patient


class _Left(msgspec.Struct, frozen=True, gc=False):
    """A criterion that fails or is open; its words come when they are read."""

    criterion: CriterionId
    outcome: Outcome
    words: Later[Finding]
    recovers_on: PartialDate | None = None


class _Gate(msgspec.Struct, frozen=True):
    status: _Left
    is_open: bool
    to_confirm: tuple[str, ...]
    """That an old status is to be asked about."""


class _Cohort(msgspec.Struct, frozen=True):
    cohort: Cohort
    failing: list[_Left]
    open_items: list[_Left]


class _Matcher:
    """Holds what has been answered for a patient, so that no question is asked twice."""

    def __init__(self, case: Case) -> None:
        known = case.knowledge.trials
        self._case, self._known = case, known
        self._answers: list[Answer | None] = [None] * known.questions
        self._left: list[_Left | Literal[False] | None] = [None] * known.slots
        """False where a criterion is met, None where it has not been asked."""
        self._gates: dict[tuple[object, ...], _Gate] = {}

    def _ask(self, slot: int) -> _Left | Literal[False]:
        asked = self._known.by_slot[slot]
        answer = self._answers[asked.question]
        if answer is None:
            answer = self._answers[asked.question] = answer_criterion(asked.criterion, self._case)
        left: _Left | Literal[False] = False
        if answer.outcome is not Outcome.MET:
            left = _Left(asked.id, answer.outcome, Later(partial(find, asked, answer)), answer.recovers_on)
        self._left[slot] = left
        return left

    def _ask_all(self, slots: Sequence[int]) -> tuple[list[_Left], list[_Left]]:
        """All of these criteria are asked: those that fail, and those that are open."""
        known = self._left
        # most are asked already: no call for those
        left = [it for slot in slots if (it := known[slot] if known[slot] is not None else self._ask(slot))]
        failing = [it for it in left if it.outcome is Outcome.NOT_MET]
        return failing, [it for it in left if it.outcome is not Outcome.NOT_MET] if failing else left

    def _findings(self, trial: Trial, gate: _Gate) -> tuple[Finding, ...]:
        """The words for every criterion of a trial that was asked in full."""
        found = [gate.status.words(), *[self._finding(slot) for slot in trial.slots]]
        for cohort in trial.cohorts:
            found += [_closed(cohort)] if cohort.is_open is False else []
            found += [self._finding(slot) for slot in cohort.slots]
        return tuple(found)

    def _finding(self, slot: int) -> Finding:
        left, asked = self._left[slot], self._known.by_slot[slot]
        if left:
            return left.words()
        answer = self._answers[asked.question]
        assert answer is not None
        return find(asked, answer)

    def gate(self, state: TrialState) -> _Gate:
        """What the status says; sites do not matter to it."""
        key = (state.status, state.status_date, state.is_suspended)
        gate = self._gates.get(key)
        if gate is None:
            finding = status_finding(state, self._case.as_of)
            told = f"{STATUS}: Whether it still recruits (status as of {state.status_date})"
            to_confirm = (told,) if is_status_old(state, self._case.as_of) else ()
            status = _Left(STATUS, finding.outcome, Later(lambda: finding))
            gate = self._gates[key] = _Gate(status, finding.outcome is Outcome.MET, to_confirm)
        return gate

    def ruled_out(self, trials: Sequence[tuple[Trial, TrialState, _Gate]]) -> dict[int, _Left | None]:
        """The places of the trials that are ruled out for good, with the answer that does so (None: their status does).

        A criterion is asked only while a trial that asks for it is still in question.
        """
        against: dict[int, _Left | None] = {}
        for place, (trial, state, gate) in enumerate(trials):
            if not gate.is_open and not state.is_suspended and not _may_recover((gate.status,), trial, state):
                against[place] = None
        in_question = (1 << len(trials)) - 1
        for place in against:
            in_question ^= 1 << place
        for rule in self._known.index:
            lost = rule.trials & in_question
            if not lost:
                continue
            left = self._left[rule.asked.slot]
            if left is None:
                left = self._ask(rule.asked.slot)
            if left and left.outcome is Outcome.NOT_MET:
                in_question ^= lost
                against |= dict.fromkeys(_places(lost), left)
        return against

    def match(self, trial: Trial, state: TrialState, gate: _Gate) -> TrialMatch:
        """Every criterion of one trial."""
        failing, missing = self._ask_all(trial.slots)
        may_fit = not failing or _may_recover(failing, trial, state)
        can_recover = may_fit
        if not gate.is_open:
            failing = [gate.status, *failing]
            can_recover = may_fit and _may_recover(failing[:1], trial, state)
        shown: tuple[Cohort, ...] = ()
        if trial.cohorts:
            cohorts = [self._cohort(it) for it in trial.cohorts]
            possible = [it for it in cohorts if not it.failing]
            fitting = [it for it in possible if not it.open_items]
            shown = tuple([it.cohort for it in (fitting or possible)])
            if not possible:
                is_cohort_near = any(_may_recover(it.failing, trial, state) for it in cohorts)
                can_recover, may_fit = can_recover and is_cohort_near, may_fit and is_cohort_near
                failing = [*failing, *[one for it in cohorts for one in it.failing]]
            elif not fitting:
                missing = [*missing, *[one for it in possible for one in it.open_items]]
        return TrialMatch(
            nct_id=trial.nct_id,
            title=trial.title,
            verdict=TrialVerdict.INELIGIBLE if failing else TrialVerdict.UNKNOWN if missing else TrialVerdict.ELIGIBLE,
            failing=tuple([it.criterion for it in failing]),
            missing=tuple([it.criterion for it in missing]),
            recoverable=bool(failing) and can_recover,
            recovers_on=_recovers_on(failing) if failing and can_recover else None,
            cohorts=tuple([it.id for it in shown]),
            confirm_with_site=_to_confirm(trial, gate, shown),
            state=state,
            awaits_signature=state.is_suspended and state.status == RECRUITING and may_fit,
            found=Later(partial(self._findings, trial, gate)),
        )

    def _cohort(self, cohort: Cohort) -> _Cohort:
        failing, open_items = self._ask_all(cohort.slots)
        if cohort.is_open is False:
            closed = _closed(cohort)
            failing = [_Left(closed.criterion, closed.outcome, Later(lambda: closed)), *failing]
        return _Cohort(cohort, failing, open_items)


def _closed(cohort: Cohort) -> Finding:
    because = f"{cohort.label} takes patients: it is closed."
    return Finding(criterion=CriterionId(f"{cohort.id}:open"), outcome=Outcome.NOT_MET, because=because)


def _in_words(answered: Sequence[_Left]) -> tuple[Finding, ...]:
    return tuple([it.words() for it in answered])


def _places(trials: int) -> Iterator[int]:
    """The places of the bits that are set."""
    while trials:
        lowest = trials & -trials
        yield lowest.bit_length() - 1
        trials ^= lowest


def _ruled_out(trial: Trial, state: TrialState, gate: _Gate, against: _Left | None) -> TrialMatch:
    answered = (gate.status,) if against is None else (gate.status, against)
    return TrialMatch(
        nct_id=trial.nct_id,
        title=trial.title,
        verdict=TrialVerdict.INELIGIBLE,
        failing=tuple([it.criterion for it in answered if it.outcome is Outcome.NOT_MET]),
        missing=(),
        recoverable=False,
        cohorts=(),
        confirm_with_site=(),
        state=state,
        found=Later(partial(_in_words, answered)),
    )


def _may_recover(failing: Sequence[_Left], trial: Trial, state: TrialState) -> bool:
    """Whether time or treatment may turn all of these; a trial that does not recruit yet may come to."""
    turns = trial.recovering
    if all(it.criterion in turns for it in failing):
        return True
    opens = state.status == NOT_YET_RECRUITING and not state.is_suspended
    return opens and all(it.criterion in turns or it.criterion == STATUS for it in failing)


def _recovers_on(failing: Sequence[_Left]) -> PartialDate | None:
    dates = [it.recovers_on for it in failing]
    return None if None in dates else latest(tuple(it for it in dates if it is not None))


def _to_confirm(trial: Trial, gate: _Gate, cohorts: Sequence[Cohort]) -> tuple[str, ...]:
    """What the site must settle: an old status, open cohorts, central tests, all that is for screening or in the protocol."""
    if not cohorts and trial.text_complete:
        return (*gate.to_confirm, *trial.to_confirm)
    items = list(gate.to_confirm)
    unsure = [it.label for it in cohorts if it.is_open is None]
    if unsure:
        items.append(f"Which of these is open: {'; '.join(unsure)}")
    if not trial.text_complete:
        items.append("Further criteria: the registry lists only some of them")
    items += trial.to_confirm
    for cohort in cohorts:
        items += cohort.to_confirm
    return tuple(items)
