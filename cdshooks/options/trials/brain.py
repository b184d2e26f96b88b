"""Trial criteria on brain and meninges: which states of brain metastases are possible, and which of them a trial takes."""

from __future__ import annotations

from collections.abc import Iterator

from cdshooks.knowledge.ids import FactId
from cdshooks.knowledge.trial_criteria import CnsDisease, Leptomeningeal
from cdshooks.options.case import Answer, Case
from cdshooks.options.model import Outcome
from cdshooks.options.predicates import DAYS_PER_MONTH
from cdshooks.options.trials.answers import all_hold, met, not_met, review, unknown, within, yes_no
from cdshooks.options.trials.drugs import once
from cdshooks.options.trials.illness import illness_present
from cdshooks.partial_date import PartialDate, latest
from cdshooks.record.model import CnsState

_PRESENT = ("treated_stable", "treated_progressing", "untreated_stable", "untreated_progressing")
_STATES = {
    "none": "no brain metastases",
    "treated_stable": "brain metastases, treated and stable",
    "untreated_stable": "brain metastases, stable",
    "active_not_urgent": "active brain metastases, no local therapy urgent",
    "needs_local_therapy": "brain metastases that need local therapy first",
    "leptomeningeal": "leptomeningeal disease",
}
_LOCAL = frozenset({"srs", "wbrt", "radiotherapy", "resection", "surgery"})
_CNS_SITES = frozenset({"brain", "meninges", "cns-other", "spinal-cord"})


def answer_cns_disease(criterion: CnsDisease, case: Case) -> Answer:
    """The state of the brain against the accepted ones, then what else is asked when there are metastases."""
    cns = case.record.cns
    if cns is None:
        return unknown("cns", "the state of the brain is not known")
    told, possible = once("cns", None, case, lambda: (_told(cns), possible_states(cns, case)))
    answers = [_accepted(possible, criterion, told, cns)]
    has_metastases = "none" not in possible
    if has_metastases:
        answers += _further(criterion, possible, cns, case)
    if criterion.max_dexamethasone_mg is not None:
        answers.append(_steroid(criterion.max_dexamethasone_mg, criterion, case))
    if criterion.seizures_controlled:
        answers.append(_seizures(case))
    return all_hold(answers)


def _told(cns: CnsState) -> str:
    when = cns.date or cns.last_mri
    return _STATES.get(cns.state, "brain metastases") + (f" ({when})" if when else "")


def possible_states(cns: CnsState, case: Case) -> frozenset[str]:
    """The states that the record leaves open: a finding that has aged may have changed, and its treatment may not be told."""
    treated = [True, False] if cns.is_treated is None else [cns.is_treated]
    names = ["treated" if it else "untreated" for it in treated]
    match cns.state:
        case "none":
            states = {"none"}
        case "treated_stable":
            states = {"treated_stable"}
        case "untreated_stable":
            states = {f"{it}_stable" for it in names}
        case "active_not_urgent" | "needs_local_therapy":
            states = {f"{it}_progressing" for it in names}
        case "leptomeningeal":
            states = {"none", *_PRESENT}
        case _:
            states = {f"{it}_{trend}" for it in names for trend in ("stable", "progressing")}
    when = latest(tuple(it for it in (cns.date, cns.last_mri) if it is not None))
    limit = int(case.knowledge.facts[FactId("cns")].settings["ask_again_after_days"])
    if when is None or when.least_days_until(PartialDate.from_day(case.as_of)) > limit:
        if states == {"none"}:
            return frozenset({"none", *_PRESENT})
        return frozenset(states | {it.replace("stable", "progressing") for it in states})
    return frozenset(states)


def _accepted(possible: frozenset[str], criterion: CnsDisease, told: str, cns: CnsState) -> Answer:
    taken, asked = frozenset(criterion.accept), frozenset(criterion.ask)
    if possible <= taken:
        return met(told, cns.evidence)
    if not possible & (taken | asked):
        return not_met(told, cns.evidence)
    if possible <= asked:
        return review(told, cns.evidence, "cns")
    return unknown("cns", f"{told}; whether that still holds, or was treated, is not known", cns.evidence)


def _further(criterion: CnsDisease, possible: frozenset[str], cns: CnsState, case: Case) -> Iterator[Answer]:
    if criterion.new_or_progressing and not possible & {"treated_progressing", "untreated_progressing"}:
        yield unknown("cns", "whether a metastasis is new or growing is not known", cns.evidence)
    if criterion.min_lesion_mm is not None:
        yield _size(cns, criterion.min_lesion_mm, None)
    if criterion.max_untreated_mm is not None and any(it.startswith("untreated") for it in possible):
        small = _size(cns, None, criterion.max_untreated_mm)
        yield (
            review(
                "; ".join((*small.observed, "larger than the trial takes without the monitor's approval")),
                cns.evidence,
                "brain_lesion_mm",
            )
            if small.outcome is Outcome.NOT_MET
            else small
        )
    if criterion.no_urgent_local_therapy and cns.state == "needs_local_therapy":
        yield not_met("the brain needs local therapy first", cns.evidence)
    if "treated_stable" in possible and criterion.stable_min_months is not None:
        yield _stable_for(criterion.stable_min_months * DAYS_PER_MONTH, case)
    if "treated_stable" in possible and criterion.stable_min_days is not None:
        yield _stable_for(criterion.stable_min_days, case)
    if criterion.resection_planned:
        planned = [it for it in case.record.local_therapies if it.is_planned and it.site in _CNS_SITES]
        planned = [it for it in planned if it.kind in {"resection", "surgery"}]
        evidence = [ref for it in planned for ref in it.evidence]
        if planned:
            yield met("an operation is planned", evidence)
        elif cns.state == "needs_local_therapy":
            yield unknown(
                "cns", "the brain needs local therapy; whether an operation is planned is not on record", cns.evidence
            )
        else:
            yield not_met("no operation on the brain is planned")


def _size(cns: CnsState, least: float | None, most: float | None) -> Answer:
    size = cns.largest_lesion_mm
    if size is None:
        return unknown("brain_lesion_mm", "the size of the brain lesion is not known", cns.evidence)
    outcome = within(size, size, least, most)
    return Answer(outcome, (f"largest brain lesion {size:g} mm",), None, cns.evidence)


def _stable_for(days: float, case: Case) -> Answer:
    """Time since the last local therapy of the brain, or the last progression there, whichever is later."""
    dates = [
        it.last_day
        for it in case.record.local_therapies
        if it.site in _CNS_SITES and not it.is_planned and it.kind in _LOCAL
    ]
    dates += [it.date for it in case.record.statuses if it.focus in _CNS_SITES and it.trend == "progression"]
    last = latest(tuple(it for it in dates if it is not None))
    if last is None or None in dates:
        return unknown("cns", "since when the brain has been stable is not known")
    gone = last.days_until(PartialDate.from_day(case.as_of))
    outcome = within(gone.least, gone.most, days, None)
    return Answer(outcome, (f"last treated or growing {last}",), FactId("cns") if outcome is Outcome.UNKNOWN else None)


def _steroid(most_mg_per_day: float, criterion: CnsDisease, case: Case) -> Answer:
    steroid = case.knowledge.trials.terms.brain_steroid
    comeds = frozenset(steroid.comeds)
    taken = [it for it in case.record.comedications if it.is_current and not comeds.isdisjoint(it.classes)]
    taken = [it for it in taken if it.start is None or it.start.first <= case.as_of]
    if not taken:
        return met()
    evidence = [ref for it in taken for ref in it.evidence]
    doses = [it.dose_mg_per_day for it in taken]
    if any(it is None for it in doses):
        return unknown("comeds", f"{steroid.label}; the daily dose is not on record", evidence)
    total = sum(it for it in doses if it is not None)
    told = f"{steroid.label} {total:g} mg a day"
    if total <= most_mg_per_day and criterion.dexamethasone_by_monitor:
        return review(f"{told}, for the monitor to approve", evidence, "comeds")
    return yes_no(holds=total <= most_mg_per_day, observed=told, evidence=evidence)


def _seizures(case: Case) -> Answer:
    said = [it for it in case.record.statements if it.about == "seizures"]
    if said:
        newest = max(said, key=lambda it: it.date.last.toordinal() if it.date else 0)
        if newest.value in {"absent", "controlled", "no", "none"}:
            return met("", newest.evidence)
        if "not-controlled" in newest.value or "uncontrolled" in newest.value or "poorly" in newest.value:
            return not_met("seizures not controlled", newest.evidence)
        return review("seizures; whether they are controlled is for a person", newest.evidence, "cns")
    if illness_present("seizures", case):
        return review("seizures on record; whether they are controlled is not", (), "cns")
    return met()


def answer_leptomeningeal(criterion: Leptomeningeal, case: Case) -> Answer:
    """Open world: only a word on the meninges, or an MRI that names no such disease, says that there is none."""
    if {"none", "focal", "diffuse"} <= set(criterion.accept):
        return met()
    cns = case.record.cns
    fact = case.fact(FactId("leptomeningeal"))
    if cns is None or fact.value is None:
        return unknown("leptomeningeal", "leptomeningeal disease is neither named nor ruled out")
    kind = cns.leptomeningeal
    if fact.value is False:
        if kind is None and cns.last_mri is None:
            return unknown(
                "leptomeningeal", "no MRI that would show leptomeningeal disease is on record", fact.evidence
            )
        return met("no leptomeningeal disease named", fact.evidence)
    if kind in {"focal", "diffuse"}:
        return yes_no(holds=kind in criterion.accept, observed=f"{kind} leptomeningeal disease", evidence=fact.evidence)
    if "focal" in criterion.accept:
        return review("leptomeningeal disease; whether it is focal is not on record", fact.evidence, "leptomeningeal")
    return not_met("leptomeningeal disease", fact.evidence)
