"""The trials on a card, as a research nurse would tell them: what is tested, why it may fit, what is missing, whom to ask."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdshooks.cards import wording
from cdshooks.cards.model import Link
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.trial_criteria import (
    Biomarker,
    CnsDisease,
    Criterion,
    DiseaseSetting,
    Her2Status,
    HormoneReceptor,
    PriorLines,
    PriorTherapy,
    Progression,
)
from cdshooks.knowledge.trials import Trial
from cdshooks.options.model import Advice, Finding, Outcome, TrialMatch, TrialVerdict

MOST_TRIALS = 3
_MOST_REASONS, _MOST_MISSING, _MOST_TO_CONFIRM = 3, 4, 4
_SHOWN_PURPOSES = ("treatment", "radiotherapy", "supportive")
_GATE = "S0:status"
_PREGNANCY = "pregnancy_concern"
_NAME = re.compile(r"\A[A-Za-z0-9_.:-]+: ")
"""The id that stands before what a site is to confirm."""
_TELLING: tuple[type[Criterion], ...] = (
    PriorTherapy,
    Biomarker,
    Progression,
    PriorLines,
    CnsDisease,
    HormoneReceptor,
    Her2Status,
    DiseaseSetting,
)
"""Kinds of criterion that tell a reader why a trial fits, the most telling first."""


def trials_to_show(advice: Advice, knowledge: Knowledge) -> list[TrialMatch]:
    """The trials that a patient fits, or would fit when what is missing turns out well; at most three, the best fit first.

    One that does not recruit is never among them, nor one that fails for good; with a pregnancy known or possible there is none.
    """
    if _is_pregnancy_a_concern(advice):
        return []
    open_ones = [it for it in advice.trials if _is_worth_showing(it, knowledge.trials.by_id[it.nct_id])]
    return sorted(open_ones, key=lambda it: _place(it, knowledge.trials.by_id[it.nct_id]))[:MOST_TRIALS]


def trials_doubts(advice: Advice, knowledge: Knowledge) -> tuple[str, ...]:
    """What a reader must know of trials that are not shown: coded by a text that has changed, or not looked up."""
    waiting = [it.nct_id for it in advice.trials if it.awaits_signature and _purpose(it, knowledge) in _SHOWN_PURPOSES]
    told = [wording.REGISTRY_AGE[advice.registry_age]]
    if waiting and not _is_pregnancy_a_concern(advice):
        told.insert(0, wording.TRIALS_SUSPENDED.format(names=", ".join(waiting)))
    return tuple(filter(None, told))


def _purpose(match: TrialMatch, knowledge: Knowledge) -> str:
    return knowledge.trials.by_id[match.nct_id].purpose


def _is_pregnancy_a_concern(advice: Advice) -> bool:
    return any(it.id == _PREGNANCY and it.value is True for it in advice.facts)


def _is_worth_showing(match: TrialMatch, trial: Trial) -> bool:
    is_open = match.verdict is not TrialVerdict.INELIGIBLE or match.recoverable
    return is_open and _GATE not in match.failing and trial.purpose in _SHOWN_PURPOSES


def _place(match: TrialMatch, trial: Trial) -> tuple[object, ...]:
    verdicts = (TrialVerdict.ELIGIBLE, TrialVerdict.UNKNOWN, TrialVerdict.INELIGIBLE)
    return (
        _SHOWN_PURPOSES.index(trial.purpose),
        verdicts.index(match.verdict),
        trial.population != "breast",
        not trial.text_complete,
        len(match.missing) + len(match.failing),
        [-_phase_number(it) for it in reversed(trial.phases)],
        match.nct_id,
    )


def _phase_number(phase: str) -> int:
    return int(phase[-1]) if phase[-1].isdigit() else 0


def trial_lines(shown: Sequence[TrialMatch], knowledge: Knowledge) -> str:
    """One paragraph and its points for each trial."""
    entries = [_trial(place, it, knowledge.trials.by_id[it.nct_id]) for place, it in enumerate(shown, 1)]
    return "\n\n".join((wording.TRIALS, *entries, wording.TRIALS_SILENCE))


def trial_lines_in_short(shown: Sequence[TrialMatch], knowledge: Knowledge) -> str:
    """One line for each trial."""
    lines = []
    for match in shown:
        trial = knowledge.trials.by_id[match.nct_id]
        lines.append(f"- **{trial.nct_id}** ({phase_of(trial)}): {trial.title}. {_verdict(match)}")
    return f"{wording.TRIALS}\n\n" + "\n".join(lines) if lines else ""


def trial_links(shown: Sequence[TrialMatch], knowledge: Knowledge) -> tuple[Link, ...]:
    """The registry's page of each trial."""
    return tuple(
        Link(label=wording.TRIAL_LINK.format(nct_id=it.nct_id), url=knowledge.trials.by_id[it.nct_id].url)
        for it in shown
    )


def trials_summary(shown: Sequence[TrialMatch], knowledge: Knowledge) -> str:
    """The headline: how many, and which."""
    named = ", ".join(f"{it.nct_id} ({phase_of(knowledge.trials.by_id[it.nct_id])})" for it in shown)
    count = f"{len(shown)} trial{'s' if len(shown) != 1 else ''}"
    fits = all(it.verdict is TrialVerdict.ELIGIBLE for it in shown)
    return (wording.TRIALS_SUMMARY_FIT if fits else wording.TRIALS_SUMMARY).format(count=count, names=named)


def phase_of(trial: Trial) -> str:
    """The phase in words: "phase 1/2"."""
    numbers = [it[-1] for it in trial.phases if it[-1].isdigit()]
    return f"phase {'/'.join(numbers)}" if numbers else "no phase given"


def _trial(place: int, match: TrialMatch, trial: Trial) -> str:
    status = next(it for it in match.findings if it.criterion == _GATE)
    told = status.because.split(": ", 1)[1].rstrip(".")
    sponsor = f", {trial.sponsor}" if trial.sponsor else ""
    head = f"{place}. **{trial.nct_id}**: {trial.title} ({phase_of(trial)}{sponsor}; {told})."
    points = [
        f"It tests {trial.tests}." if trial.tests else "",
        _verdict(match),
        _listed(wording.TRIAL_WHY, _reasons(match, trial), _MOST_REASONS),
        _listed(wording.TRIAL_AGAINST, _of(match, match.failing), _MOST_MISSING),
        _listed(wording.TRIAL_MISSING, _of(match, match.missing), _MOST_MISSING),
        _confirm(match),
        _site(match),
    ]
    return "\n".join((head, *(f"   - {it}" for it in points if it)))


def _verdict(match: TrialMatch) -> str:
    if match.verdict is TrialVerdict.ELIGIBLE:
        return wording.TRIAL_FITS
    if match.verdict is TrialVerdict.UNKNOWN:
        return wording.TRIAL_OPEN.format(count=_count(len(match.missing)))
    if match.recovers_on is not None:
        return wording.TRIAL_FROM.format(day=match.recovers_on)
    return wording.TRIAL_NOT_NOW


def _count(number: int) -> str:
    return f"{number} point{'s' if number != 1 else ''}"


def _reasons(match: TrialMatch, trial: Trial) -> list[str]:
    """What is met of this disease and its treatment: the first of each kind, the most telling kind first."""
    asked = [*trial.asked, *(it for cohort in trial.cohorts if cohort.id in match.cohorts for it in cohort.asked)]
    criteria = {it.id: it.criterion for it in asked}
    met = [
        (_TELLING.index(type(criterion)), it.because)
        for it in match.findings
        if it.outcome is Outcome.MET
        and (criterion := criteria.get(it.criterion)) is not None
        and type(criterion) in _TELLING
    ]
    first: dict[int, str] = {}
    for kind, because in met:
        first.setdefault(kind, because)
    return [first[kind] for kind in sorted(first)]


def _of(match: TrialMatch, ids: Sequence[str]) -> list[str]:
    found: dict[str, Finding] = {str(it.criterion): it for it in match.findings}
    return [found[it].because for it in ids]


def _listed(sentence: str, points: Sequence[str], most: int) -> str:
    if not points:
        return ""
    unique = list(dict.fromkeys(points))
    rest = f" And {len(unique) - most} more." if len(unique) > most else ""
    return sentence.format(points=" ".join(unique[:most])) + rest


def _confirm(match: TrialMatch) -> str:
    texts = [_NAME.sub("", it) for it in match.confirm_with_site]
    rest = len(texts) - _MOST_TO_CONFIRM
    names = "; ".join(texts[:_MOST_TO_CONFIRM]) + (f"; and {rest} more" if rest > 0 else "")
    return wording.TRIAL_CONFIRM.format(names=names) if texts else ""


def _site(match: TrialMatch) -> str:
    site, count = match.nearest_site, match.recruiting_sites
    if count is None:
        return wording.TRIAL_NO_SITES
    if count == 0:
        return wording.TRIAL_NO_OPEN_SITE.format(date=match.state.status_date)
    if site is None:
        sites = f"{count} recruiting site{'s' if count != 1 else ''}"
        return wording.TRIAL_SITES_ANYWHERE.format(count=sites)
    sentence = wording.TRIAL_SITE if site.is_in_reach else wording.TRIAL_SITE_FAR
    return sentence.format(name=site.name, city=site.city, country=site.country, distance=site.distance)
