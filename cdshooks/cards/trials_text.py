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
from cdshooks.options.trials.again import tried_before
from cdshooks.options.trials.place import nearest_sites, recruiting_sites

MOST_TRIALS = 3
_MOST_REASONS, _MOST_POINTS, _MOST_SITES, _MOST_TRIED, _MANY = 4, 3, 2, 2, 3
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
    return sorted(open_ones, key=lambda it: _place(it, advice, knowledge))[:MOST_TRIALS]


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
    return advice.value_of(_PREGNANCY) is True


def _is_worth_showing(match: TrialMatch, trial: Trial) -> bool:
    return match.is_worth_a_way and _GATE not in match.failing and trial.purpose in _SHOWN_PURPOSES


def _place(match: TrialMatch, advice: Advice, knowledge: Knowledge) -> tuple[object, ...]:
    trial = knowledge.trials.by_id[match.nct_id]
    verdicts = (TrialVerdict.ELIGIBLE, TrialVerdict.UNKNOWN, TrialVerdict.INELIGIBLE)
    return (
        _SHOWN_PURPOSES.index(trial.purpose),
        verdicts.index(match.verdict),
        trial.population != "breast",
        not trial.text_complete,
        bool(tried_before(trial, advice.lines, knowledge)),
        len(match.missing) + len(match.failing),
        [-_phase_number(it) for it in reversed(trial.phases)],
        match.nct_id,
    )


def _phase_number(phase: str) -> int:
    return int(phase[-1]) if phase[-1].isdigit() else 0


def trial_lines(shown: Sequence[TrialMatch], advice: Advice, knowledge: Knowledge) -> str:
    """One paragraph and its points for each trial, then what is said once of all."""
    entries = [_trial(place, it, advice, knowledge) for place, it in enumerate(shown, 1)]
    return "\n\n".join(filter(None, (wording.TRIALS, *entries, sites_not_loaded(shown), wording.TRIALS_SILENCE)))


def sites_not_loaded(shown: Sequence[TrialMatch]) -> str:
    """Of which of these trials no sites are known here; nothing where they are known of each."""
    unknown = [it.nct_id for it in shown if recruiting_sites(it.state.sites) is None]
    names = ", ".join(unknown) if len(unknown) <= MOST_TRIALS else wording.TRIAL_OTHERS
    names = wording.TRIAL_ALL if len(unknown) == len(shown) else names
    return wording.TRIAL_NO_SITES.format(names=names) if unknown else ""


def trial_links(shown: Sequence[TrialMatch], knowledge: Knowledge) -> tuple[Link, ...]:
    """The registry's page of each trial."""
    return tuple(
        Link(
            label=wording.TRIAL_LINK.format(nct_id=it.nct_id, title=it.title), url=knowledge.trials.by_id[it.nct_id].url
        )
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


def _trial(place: int, match: TrialMatch, advice: Advice, knowledge: Knowledge) -> str:
    trial = knowledge.trials.by_id[match.nct_id]
    status = match.findings[0].because.split(": ", 1)[1].rstrip(".")
    what = wording.TRIAL_TESTS.format(tests=trial.tests) if trial.tests else trial.title
    head = wording.TRIAL_HEAD.format(place=place, nct_id=trial.nct_id, phase=phase_of(trial), status=status, what=what)
    reasons = "; ".join(list(dict.fromkeys(_reasons(match, trial)))[:_MOST_REASONS])
    points = [
        f"{_verdict(match)} {reasons[0].upper()}{reasons[1:]}." if reasons else _verdict(match),
        to_weigh(trial, advice, knowledge),
        _listed(wording.TRIAL_AGAINST, [it.because.rstrip(".") for it in _of(match, match.failing)]),
        _listed(wording.TRIAL_MISSING, [_asked(it) for it in _of(match, match.missing)]),
        _listed(wording.TRIAL_CONFIRM, [_NAME.sub("", it) for it in match.confirm_with_site]),
        sites_of(match, advice),
    ]
    return "\n".join((head, *(f"   - {it}" for it in points if it)))


def to_weigh(trial: Trial, advice: Advice, knowledge: Knowledge) -> str:
    """That the disease progressed on a drug of the trial, or on one of its kind; nothing where no progression is on record."""
    told = [it.told for it in tried_before(trial, advice.lines, knowledge)[:_MOST_TRIED]]
    return wording.TRIAL_WEIGH.format(points="; ".join(told)) if told else ""


def _verdict(match: TrialMatch) -> str:
    if match.verdict is TrialVerdict.ELIGIBLE:
        return wording.TRIAL_FITS
    if match.verdict is TrialVerdict.UNKNOWN:
        return wording.TRIAL_OPEN
    if match.recovers_on is not None:
        return wording.TRIAL_FROM.format(day=match.recovers_on)
    return wording.TRIAL_NOT_NOW


def _reasons(match: TrialMatch, trial: Trial) -> list[str]:
    """What is met of this disease and its treatment, as this patient's own facts; the most telling kind of criterion first."""
    asked = [*trial.asked, *(it for cohort in trial.cohorts if cohort.id in match.cohorts for it in cohort.asked)]
    criteria = {it.id: it.criterion for it in asked}
    met = [
        (_TELLING.index(type(criterion)), "; ".join(it.observed))
        for it in match.findings
        if it.outcome is Outcome.MET
        and it.observed
        and (criterion := criteria.get(it.criterion)) is not None
        and type(criterion) in _TELLING
    ]
    return [told for _, told in sorted(met, key=lambda it: it[0])]


def _of(match: TrialMatch, ids: Sequence[str]) -> list[Finding]:
    found: dict[str, Finding] = {str(it.criterion): it for it in match.findings}
    return [found[it] for it in ids]


def _asked(finding: Finding) -> str:
    """What is asked; with what is on record of it where something is, the first of it and the last."""
    if not finding.evidence:
        return finding.sentence
    told = finding.observed if len(finding.observed) < _MANY else (finding.observed[0], finding.observed[-1])
    return f"{finding.sentence} ({'; '.join(told)})"


def _listed(sentence: str, points: Sequence[str]) -> str:
    unique = list(dict.fromkeys(points))
    rest = [wording.TRIAL_MORE.format(count=len(unique) - _MOST_POINTS)] if len(unique) > _MOST_POINTS else []
    return sentence.format(points="; ".join((*unique[:_MOST_POINTS], *rest)), count=len(unique)) if points else ""


def sites_of(match: TrialMatch, advice: Advice) -> str:
    """The nearest recruiting sites, or plainly that none is within reach; nothing where no sites are known here."""
    sites = recruiting_sites(match.state.sites)
    if sites is None:
        return ""
    if not sites:
        return wording.TRIAL_NO_OPEN_SITE.format(date=match.state.status_date)
    near = nearest_sites(sites, advice.home, _MOST_SITES)
    if not near:
        return wording.TRIAL_SITES_ANYWHERE.format(
            count=f"{len(sites)} recruiting site{'s' if len(sites) != 1 else ''}"
        )
    in_reach = [it for it in near if it.is_in_reach]
    if not in_reach:
        first = near[0]
        return wording.TRIAL_SITE_FAR.format(
            name=first.name, city=first.city, country=first.country, distance=first.distance
        )
    named = [wording.TRIAL_SITE.format(name=it.name, city=it.city, distance=it.distance) for it in in_reach]
    return wording.TRIAL_SITES.format(sites="; ".join(named))
