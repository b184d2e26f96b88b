"""Judges every structured trial for a patient: never eligible on missing data, never offered unless it recruits.

Source: shared trials/criterion-vocabulary (gate, cohorts, verdict), contracts/README "What explain says of them".
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from datetime import date

import msgspec

from cdshooks.knowledge.ids import CriterionId
from cdshooks.knowledge.trial_registry import NOT_YET_RECRUITING, RECRUITING, TrialState
from cdshooks.knowledge.trials import Cohort, Trial
from cdshooks.options.case import Answer, Case
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
    return state.status_date.days_until(PartialDate.from_day(as_of)).least > STATUS_IS_OLD_AFTER_DAYS


# ---- one patient


class _Gate(msgspec.Struct, frozen=True):
    finding: Finding
    is_open: bool
    to_confirm: tuple[str, ...]
    """That an old status is to be asked about."""


class _Cohort(msgspec.Struct, frozen=True):
    cohort: Cohort
    findings: list[Finding]
    failing: list[Finding]
    open_items: list[Finding]


class _Matcher:
    """Holds what has been answered for a patient, so that no question is asked twice."""

    def __init__(self, case: Case) -> None:
        known = case.knowledge.trials
        self._case, self._known = case, known
        self._answers: list[Answer | None] = [None] * known.questions
        self._findings: list[Finding | None] = [None] * known.slots
        self._not_met: list[Finding | None] = [None] * known.slots
        self._gates: dict[tuple[object, ...], _Gate] = {}

    def _finding(self, slot: int) -> Finding:
        asked = self._known.by_slot[slot]
        answer = self._answers[asked.question]
        if answer is None:
            answer = self._answers[asked.question] = answer_criterion(asked.criterion, self._case)
        finding = self._findings[slot] = find(asked, answer)
        if finding.outcome is not Outcome.MET:
            self._not_met[slot] = finding
        return finding

    def _find_all(self, slots: Sequence[int]) -> tuple[list[Finding], list[Finding], list[Finding]]:
        """The findings; of them those that fail, and those that are open."""
        known, not_met = self._findings, self._not_met
        findings = [known[it] or self._finding(it) for it in slots]  # most are answered: no call for those
        left = list(filter(None, map(not_met.__getitem__, slots)))
        if not left:
            return findings, [], []
        failing = [it for it in left if it.outcome is Outcome.NOT_MET]
        return findings, failing, [it for it in left if it.outcome is not Outcome.NOT_MET] if failing else left

    def gate(self, state: TrialState) -> _Gate:
        """What the status says; sites do not matter to it."""
        key = (state.status, state.status_date, state.is_suspended)
        gate = self._gates.get(key)
        if gate is None:
            finding = status_finding(state, self._case.as_of)
            told = f"{STATUS}: Whether it still recruits (status as of {state.status_date})"
            to_confirm = (told,) if is_status_old(state, self._case.as_of) else ()
            gate = self._gates[key] = _Gate(finding, finding.outcome is Outcome.MET, to_confirm)
        return gate

    def ruled_out(self, trials: Sequence[tuple[Trial, TrialState, _Gate]]) -> dict[int, Finding | None]:
        """The places of the trials that are ruled out for good, with the finding that does so (None: their status does).

        A criterion is asked only while a trial that asks for it is still in question.
        """
        against: dict[int, Finding | None] = {}
        for place, (trial, state, gate) in enumerate(trials):
            if not gate.is_open and not state.is_suspended and not _may_recover((gate.finding,), trial, state):
                against[place] = None
        in_question = (1 << len(trials)) - 1
        for place in against:
            in_question ^= 1 << place
        for rule in self._known.index:
            lost = rule.trials & in_question
            if not lost:
                continue
            finding = self._findings[rule.asked.slot] or self._finding(rule.asked.slot)
            if finding.outcome is Outcome.NOT_MET:
                in_question ^= lost
                against |= dict.fromkeys(_places(lost), finding)
        return against

    def match(self, trial: Trial, state: TrialState, gate: _Gate) -> TrialMatch:
        """Every criterion of one trial."""
        findings, failing, missing = self._find_all(trial.slots)
        may_fit = not failing or _may_recover(failing, trial, state)
        can_recover = may_fit
        if not gate.is_open:
            failing = [gate.finding, *failing]
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
                failing = [*failing, *[finding for it in cohorts for finding in it.failing]]
            elif not fitting:
                missing = [*missing, *[finding for it in possible for finding in it.open_items]]
            findings += [finding for it in cohorts for finding in it.findings]
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
            findings=(gate.finding, *findings),
        )

    def _cohort(self, cohort: Cohort) -> _Cohort:
        findings, failing, open_items = self._find_all(cohort.slots)
        if cohort.is_open is False:
            because = f"{cohort.label} takes patients: it is closed."
            closed = Finding(criterion=CriterionId(f"{cohort.id}:open"), outcome=Outcome.NOT_MET, because=because)
            findings, failing = [closed, *findings], [closed, *failing]
        return _Cohort(cohort, findings, failing, open_items)


def _places(trials: int) -> Iterator[int]:
    """The places of the bits that are set."""
    while trials:
        lowest = trials & -trials
        yield lowest.bit_length() - 1
        trials ^= lowest


def _ruled_out(trial: Trial, state: TrialState, gate: _Gate, against: Finding | None) -> TrialMatch:
    findings = (gate.finding,) if against is None else (gate.finding, against)
    return TrialMatch(
        nct_id=trial.nct_id,
        title=trial.title,
        verdict=TrialVerdict.INELIGIBLE,
        failing=tuple([it.criterion for it in findings if it.outcome is Outcome.NOT_MET]),
        missing=(),
        recoverable=False,
        cohorts=(),
        confirm_with_site=(),
        state=state,
        findings=findings,
    )


def _may_recover(failing: Sequence[Finding], trial: Trial, state: TrialState) -> bool:
    """Whether time or treatment may turn all of these; a trial that does not recruit yet may come to."""
    turns = trial.recovering
    if all(it.criterion in turns for it in failing):
        return True
    opens = state.status == NOT_YET_RECRUITING and not state.is_suspended
    return opens and all(it.criterion in turns or it.criterion == STATUS for it in failing)


def _recovers_on(failing: Sequence[Finding]) -> PartialDate | None:
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
