"""Judges every structured trial for a patient: never eligible on missing data, never offered unless it recruits.

Source: shared trials/criterion-vocabulary (gate, cohorts, verdict), contracts/README "What explain says of them".
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

import msgspec

from cdshooks.knowledge.ids import CriterionId
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import NOT_YET_RECRUITING, RECRUITING, TrialState
from cdshooks.knowledge.trials import Asked, Cohort, Trial, TrialKnowledge
from cdshooks.options.case import Answer, Case
from cdshooks.options.model import Finding, Outcome, TrialMatch, TrialVerdict
from cdshooks.options.trials.place import home_of, nearest_site, recruiting_sites
from cdshooks.options.trials.question import answer_criterion, find
from cdshooks.partial_date import PartialDate, latest

STATUS = CriterionId("S0:status")
STATUS_IS_OLD_AFTER_DAYS = 90
_NOTHING: Mapping[str, TrialState] = {}


def match_trials(
    case: Case,
    registry: Mapping[str, TrialState] = _NOTHING,
    *,
    hospital: Position | None = None,
    in_full: bool = True,
) -> tuple[TrialMatch, ...]:
    """Every trial's verdict with its findings, in the order of the numbers.

    ``registry``: what imported records say of status and sites; a trial without one speaks from its own file.
    ``hospital``: where distances begin when the patient's address does not tell.
    Without ``in_full`` a trial that is ruled out for good carries only findings that did so; the verdicts are the same.
    """
    matcher = _Matcher(case, registry, hospital, in_full=in_full)
    return tuple(matcher.match(trial) for trial in case.knowledge.trials.by_id.values())


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


class _Cohort(msgspec.Struct, frozen=True):
    cohort: Cohort
    findings: list[Finding]
    failing: list[Finding]
    open_items: list[Finding]


class _Matcher:
    """Holds what has been answered for a patient, so that no question is asked twice."""

    def __init__(
        self, case: Case, registry: Mapping[str, TrialState], hospital: Position | None, *, in_full: bool
    ) -> None:
        known = case.knowledge.trials
        self._case, self._registry, self._in_full = case, registry, in_full
        self._home = home_of(case, hospital)
        self._answers: list[Answer | None] = [None] * known.questions
        self._findings: list[Finding | None] = [None] * known.slots
        self._gates: dict[TrialState, Finding] = {}
        self._ruled_out: dict[str, list[Finding]] = {}
        if not in_full:
            self._index(known)

    def _index(self, known: TrialKnowledge) -> None:
        for slot, asked in known.cheap_criteria.items():
            finding = self._finding(asked)
            if finding.outcome is Outcome.NOT_MET:
                for number in known.cheap[slot]:
                    self._ruled_out.setdefault(number, []).append(finding)

    def _finding(self, asked: Asked) -> Finding:
        finding = self._findings[asked.slot]
        if finding is None:
            answer = self._answers[asked.question]
            if answer is None:
                answer = self._answers[asked.question] = answer_criterion(asked.criterion, self._case)
            finding = self._findings[asked.slot] = find(asked, answer)
        return finding

    def _find_all(self, asked: Sequence[Asked]) -> list[Finding]:
        known = self._findings
        return [known[it.slot] or self._finding(it) for it in asked]  # most are answered: no call for those

    def _gate(self, state: TrialState) -> Finding:
        finding = self._gates.get(state)
        if finding is None:
            finding = self._gates[state] = status_finding(state, self._case.as_of)
        return finding

    def match(self, trial: Trial) -> TrialMatch:
        state = self._registry.get(trial.nct_id, trial.state)
        gate = self._gate(state)
        against = self._ruled_out.get(trial.nct_id)
        if against is None and not self._in_full and not state.is_suspended:
            against = self._first_against(trial, state, gate)
        if against is not None:
            return _ruled_out(trial, state, gate, against)
        common = [gate, *self._find_all(trial.asked)]
        failing, missing = _split(common)
        cohorts = [self._cohort(it) for it in trial.cohorts]
        possible = [it for it in cohorts if not it.failing]
        fitting = [it for it in possible if not it.open_items]
        can_recover = _may_recover(failing, trial, state)
        may_fit = _may_recover([it for it in failing if it is not gate], trial, state)
        if cohorts and not possible:
            is_cohort_near = any(_may_recover(it.failing, trial, state) for it in cohorts)
            can_recover, may_fit = can_recover and is_cohort_near, may_fit and is_cohort_near
            failing += [finding for it in cohorts for finding in it.failing]
        elif not fitting:
            missing += [finding for it in possible for finding in it.open_items]
        shown = [it.cohort for it in (fitting or possible)]
        sites = recruiting_sites(state.sites)
        return TrialMatch(
            nct_id=trial.nct_id,
            title=trial.title,
            verdict=TrialVerdict.INELIGIBLE if failing else TrialVerdict.UNKNOWN if missing else TrialVerdict.ELIGIBLE,
            failing=tuple([it.criterion for it in failing]),
            missing=tuple([it.criterion for it in missing]),
            recoverable=bool(failing) and can_recover,
            recovers_on=_recovers_on(failing) if failing and can_recover else None,
            cohorts=tuple([it.id for it in shown]),
            confirm_with_site=_to_confirm(trial, state, shown, self._case.as_of),
            nearest_site=nearest_site(sites, self._home) if sites and (can_recover or not failing) else None,
            state=state,
            awaits_signature=state.is_suspended and state.status == RECRUITING and may_fit,
            recruiting_sites=len(sites) if sites is not None else None,
            findings=(*common, *(finding for it in cohorts for finding in it.findings)),
        )

    def _first_against(self, trial: Trial, state: TrialState, gate: Finding) -> list[Finding] | None:
        """The first finding that rules the trial out for good, none when its status does so; what comes after is not asked."""
        if gate.outcome is Outcome.NOT_MET and not _may_recover((gate,), trial, state):
            return []
        for asked in trial.asked:
            finding = self._finding(asked)
            if finding.outcome is Outcome.NOT_MET and finding.criterion not in trial.recovering:
                return [finding]
        return None

    def _cohort(self, cohort: Cohort) -> _Cohort:
        findings = self._find_all(cohort.asked)
        if cohort.is_open is False:
            closed = f"{cohort.label} takes patients: it is closed."
            name = CriterionId(f"{cohort.id}:open")
            findings.insert(0, Finding(criterion=name, outcome=Outcome.NOT_MET, because=closed))
        return _Cohort(cohort, findings, *_split(findings))


def _split(findings: Sequence[Finding]) -> tuple[list[Finding], list[Finding]]:
    """Those that fail, and those that are open."""
    not_met = [it for it in findings if it.outcome is not Outcome.MET]
    failing = [it for it in not_met if it.outcome is Outcome.NOT_MET]
    return failing, [it for it in not_met if it.outcome is not Outcome.NOT_MET]


def _ruled_out(trial: Trial, state: TrialState, gate: Finding, against: Sequence[Finding]) -> TrialMatch:
    findings = (gate, *against)
    return TrialMatch(
        nct_id=trial.nct_id,
        title=trial.title,
        verdict=TrialVerdict.INELIGIBLE,
        failing=tuple([it.criterion for it in findings if it.outcome is Outcome.NOT_MET]),
        missing=(),
        recoverable=False,
        cohorts=(),
        confirm_with_site=(),
        nearest_site=None,
        state=state,
        findings=findings,
    )


def _may_recover(failing: Sequence[Finding], trial: Trial, state: TrialState) -> bool:
    """Whether time or treatment may turn all of these; a trial that does not recruit yet may come to."""
    opens = state.status == NOT_YET_RECRUITING and not state.is_suspended
    return all(it.criterion in trial.recovering or (opens and it.criterion == STATUS) for it in failing)


def _recovers_on(failing: Sequence[Finding]) -> PartialDate | None:
    dates = [it.recovers_on for it in failing]
    return None if None in dates else latest(tuple(it for it in dates if it is not None))


def _to_confirm(trial: Trial, state: TrialState, cohorts: Sequence[Cohort], as_of: date) -> tuple[str, ...]:
    """What the site must settle: an old status, open cohorts, central tests, all that is for screening or in the protocol."""
    items: list[str] = []
    if is_status_old(state, as_of):
        items.append(f"{STATUS}: Whether it still recruits (status as of {state.status_date})")
    unsure = [it.label for it in cohorts if it.is_open is None]
    if unsure:
        items.append(f"Which of these is open: {'; '.join(unsure)}")
    if not trial.text_complete:
        items.append("Further criteria: the registry lists only some of them")
    items += trial.to_confirm
    for cohort in cohorts:
        items += cohort.to_confirm
    return tuple(items)
