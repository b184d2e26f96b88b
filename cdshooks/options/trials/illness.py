"""Trial criteria on other illness, infection, harm and other drugs. The problem list is closed: what it does not name is absent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import timedelta

from cdshooks.knowledge.ids import FactId, ResourceRef
from cdshooks.knowledge.trial_criteria import (
    Capability,
    Cardiac,
    Comorbidity,
    ConMed,
    Ild,
    Infection,
    Reproductive,
    ResidualToxicity,
    SecondMalignancy,
)
from cdshooks.knowledge.trial_terms import TrialTerm
from cdshooks.options.case import Answer, Case
from cdshooks.options.deriving.reader import is_over, is_present
from cdshooks.options.model import Outcome
from cdshooks.options.predicates import describe, is_too_old
from cdshooks.options.trials.answers import PLAIN, all_hold, met, not_met, review, unknown
from cdshooks.options.trials.drugs import once, ready
from cdshooks.options.trials.washout import Last, latest_pause, passed
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Certainty, Diagnosis, PatientRecord, Toxicity

_NONE_TAKEN = met("none of these drugs on record")
_DAYS_PER_YEAR = 365.2425
_TRAITS = "trait"
_NAMES = {"nrh": "nodular regenerative hyperplasia", "ild": "ILD or pneumonitis", "diarrhoea": "diarrhea"}


def answer_cardiac(criterion: Cardiac, case: Case) -> Answer:
    """Heart disease; where the trial names no LVEF floor, a low LVEF is for a person to weigh."""
    answers = [_absent(criterion.forbid, case)]
    if criterion.lvef_below_50_needs_review and case.fact(FactId("lvef_below_normal")).value is True:
        low = case.fact(FactId("lvef_percent"))
        answers.append(
            review(
                f"{describe(low, case.knowledge.facts[low.id])}, and the trial names no floor",
                low.evidence,
                "lvef_percent",
            )
        )
    return all_hold(answers)


def answer_infection(criterion: Infection, case: Case) -> Answer:
    """Infections on the problem list or under intravenous drugs."""
    return _absent(criterion.forbid, case)


def answer_comorbidity(criterion: Comorbidity, case: Case) -> Answer:
    """Other illnesses, and severe allergy to named drugs."""
    answers = [_absent(criterion.forbid, case)] if criterion.forbid else []
    if criterion.allergy_to:
        allergic = case.fact(FactId("hypersensitivity_agents"))
        named = sorted(set(allergic.value if isinstance(allergic.value, tuple) else ()) & set(criterion.allergy_to))
        answers.append(
            not_met(f"severe allergy to {', '.join(named)}", allergic.evidence)
            if named
            else met("no severe allergy to these drugs on record")
        )
    return all_hold(answers)


def illness_present(word: str, case: Case) -> bool:
    """Whether an illness is on record."""
    return _one_absent(word, case).outcome is not Outcome.MET


def _absent(words: tuple[str, ...], case: Case) -> Answer:
    answers = [_one_absent(it, case) for it in words]
    none = ready("no illness of", words, case.knowledge, lambda: met(_none_of(words, case)))
    if all(it is PLAIN for it in answers):  # as for most patients
        return none if words else PLAIN
    silent = tuple([it for it, answer in zip(words, answers, strict=True) if answer.outcome is Outcome.MET])
    whole = all_hold(answers)
    if whole.outcome is Outcome.MET and silent:
        return met(_none_of(silent, case), whole.evidence)
    return whole


def _none_of(words: Iterable[str], case: Case) -> str:
    terms = case.knowledge.trials.terms.by_id
    return f"no {', '.join(dict.fromkeys([terms[it].label for it in words]))} on record"


def _one_absent(word: str, case: Case) -> Answer:
    return once("illness", word, case, lambda: _look_for(case.knowledge.trials.terms.by_id[word], case))


def _on_record(case: Case) -> frozenset[str]:
    """Every illness, harm and class of other drugs that the record names in any way: most words of trials are none of them."""
    return once("on record", None, case, lambda: _named(case.record))


def _named(record: PatientRecord) -> frozenset[str]:
    classes = frozenset([it.classes for it in record.comedications])
    return frozenset(
        [it.concept for it in record.diagnoses]
        + [it.kind for it in record.toxicities]
        + [name for names in classes for name in names]
    )


def _look_for(term: TrialTerm, case: Case) -> Answer:
    if term.fact is not None:
        fact = case.fact(term.fact)
        if fact.value is True:
            return not_met(term.label, fact.evidence)
        return PLAIN
    found: list[tuple[str, PartialDate | None]] = []
    evidence: list[ResourceRef] = []
    if not _on_record(case).isdisjoint((*term.diagnoses, *term.toxicities, *term.comeds)):
        for illness in _diagnoses(term, case):
            found.append((illness.concept, illness.start))
            evidence += illness.evidence
        for toxicity in _toxicities(term, case):
            found.append((toxicity.kind, toxicity.start))
            evidence += toxicity.evidence
        for drug in case.record.comedications if term.comeds else ():
            if drug.is_current and not set(drug.classes).isdisjoint(term.comeds):
                found.append((drug.name, drug.start))
                evidence += drug.evidence
    if found:
        when = next((str(it[1]) for it in reversed(found) if it[1] is not None), None)
        told = f"{term.label} on record" + (f" ({when})" if when else "")
        return review(told, evidence) if term.present == "review" else not_met(told, evidence)
    also = [_one_absent(it, case) for it in term.also]
    return PLAIN if all(it is PLAIN for it in also) else all_hold(also)


def _diagnoses(term: TrialTerm, case: Case) -> Iterator[Diagnosis]:
    since = case.as_of - timedelta(days=term.within_days) if term.within_days is not None else None
    for it in case.record.diagnoses:
        if it.concept not in term.diagnoses or it.certainty is Certainty.REFUTED:
            continue
        if it.start is not None and it.start.first > case.as_of:
            continue
        if since is not None:
            if it.start is None or it.start.last >= since:
                yield it
        elif term.ever or is_present(it, case.as_of):
            yield it


def _toxicities(term: TrialTerm, case: Case) -> Iterator[Toxicity]:
    for it in case.record.toxicities:
        if it.kind not in term.toxicities or it.certainty is Certainty.REFUTED:
            continue
        if it.start is not None and it.start.first > case.as_of:
            continue
        if term.least_grade is not None and it.grade is not None and it.grade < term.least_grade:
            continue
        if term.ever or not is_over(it, case.as_of):
            yield it


# ---- ILD


def answer_ild(criterion: Ild, case: Case) -> Answer:
    """Open world: that no ILD is on record does not say that there was none."""
    history = case.fact(FactId("ild_history"))
    if history.value is None:
        return unknown("ild_history", "whether there ever was ILD or pneumonitis is not on record")
    if history.value is False:
        return met("ILD ruled out", history.evidence)
    current = case.fact(FactId("ild_current")).value
    grade = case.fact(FactId("ild_grade")).value
    told = "ILD or pneumonitis on record" + (f", grade {grade}" if grade is not None else "")
    if current is True and {"current", "suspected_unresolved"} & set(criterion.forbid):
        return not_met(f"{told}, not resolved", history.evidence)
    if current is None and {"current", "suspected_unresolved"} & set(criterion.forbid):
        return unknown("ild_current", f"{told}; whether it has cleared is not on record", history.evidence)
    if "any_history" in criterion.forbid:
        return not_met(f"{told}, resolved", history.evidence)
    if "steroid_treated_history" in criterion.forbid:
        return review(f"{told}, resolved; whether steroids were given is not on record", history.evidence, "ild_grade")
    return met(f"{told}, resolved", history.evidence)


# ---- side effects that last


def answer_residual_toxicity(criterion: ResidualToxicity, case: Case) -> Answer:
    """Side effects that are not recorded as over, each against its limit; a lasting trait is none."""
    answers = []
    traits = case.knowledge.trials.terms.by_id[_TRAITS].toxicities
    for it in case.record.toxicities:
        is_past = it.start is None or it.start.first <= case.as_of
        if it.certainty is Certainty.REFUTED or is_over(it, case.as_of) or not is_past:
            continue
        kind = {"diarrhoea": "diarrhea"}.get(it.kind, it.kind)
        if it.kind in traits or criterion.excepted.get(kind) == "any":
            continue
        most = criterion.per.get(kind, criterion.excepted.get(kind, criterion.max_grade))
        answers.append(_lasting(it, int(most), criterion))
    return all_hold(answers) if answers else met("no lasting side effect on record")


def _lasting(toxicity: Toxicity, most: int, criterion: ResidualToxicity) -> Answer:
    name = _NAMES.get(toxicity.kind, toxicity.kind.replace("_", " "))
    if most >= 5:  # noqa: PLR2004 - CTCAE knows five grades, so this one has no limit
        return met()
    if toxicity.grade is None:
        return unknown(f"{toxicity.kind}_grade", f"{name} without a grade", toxicity.evidence)
    told = f"{name} grade {toxicity.grade}"
    if toxicity.grade <= most:
        return met(told, toxicity.evidence)
    may_pass = criterion.protocol_exceptions or (criterion.asymptomatic_grade2_by_monitor and toxicity.grade == 2)  # noqa: PLR2004
    return review(f"{told}, which may be allowed", toxicity.evidence) if may_pass else not_met(told, toxicity.evidence)


# ---- other drugs, reproduction, other cancer, what must be possible


def answer_con_med(criterion: ConMed, case: Case) -> Answer:
    """Classes of other drugs in use now, or, where the trial asks for a pause, ended too short a time ago."""
    wanted = frozenset(criterion.forbid)
    if wanted.isdisjoint(_on_record(case)):
        return _NONE_TAKEN
    had = [it for it in case.record.comedications if not wanted.isdisjoint(it.classes)]
    had = [it for it in had if it.start is None or it.start.first <= case.as_of]
    taken = [it for it in had if it.is_current]
    if taken:
        names = ", ".join(sorted({it.name for it in taken}))
        return not_met(f"takes {names}", [ref for it in taken for ref in it.evidence])
    ended = [Last(what=it.name, when=it.end, evidence=it.evidence) for it in had if it.end is not None]
    if criterion.washout_days is None or not ended:
        return _NONE_TAKEN
    return latest_pause([passed(it, criterion.washout_days, case) for it in ended])


def answer_reproductive(criterion: Reproductive, case: Case) -> Answer:
    """Pregnancy and breastfeeding; a possible pregnancy is for a person."""
    answers = []
    if "pregnant" in criterion.forbid:
        pregnancy = case.fact(FactId("pregnancy"))
        is_old = is_too_old(pregnancy, case.knowledge.facts[pregnancy.id], case.as_of)
        if pregnancy.value == "pregnant" and not is_old:
            answers.append(not_met("pregnant", pregnancy.evidence))
        elif pregnancy.value == "possible" and not is_old:
            answers.append(review("pregnancy is possible", pregnancy.evidence, "pregnancy"))
        else:
            answers.append(met("no pregnancy on record", pregnancy.evidence))
    if "breastfeeding" in criterion.forbid:
        fact = case.fact(FactId("breastfeeding"))
        answers.append(not_met("breastfeeding", fact.evidence) if fact.value is True else met())
    return all_hold(answers)


def answer_second_malignancy(criterion: SecondMalignancy, case: Case) -> Answer:
    """Another cancer on the problem list; an old one that is still active is for a person."""
    others = [
        it
        for it in case.record.diagnoses
        if (it.category == "other-cancer" or it.concept == "mds_aml") and it.certainty is not Certainty.REFUTED
    ]
    if not others:
        return met("no other cancer on record")
    evidence = [ref for it in others for ref in it.evidence]
    years = criterion.within_years
    if years is None:
        return not_met("another cancer is on record", evidence)
    since = case.as_of - timedelta(days=round(years * _DAYS_PER_YEAR))
    ended = [it.end for it in others]
    if any(it is None for it in ended):
        recent = [it for it in others if it.end is None and it.start is not None and it.start.first >= since]
        if recent:
            return not_met(f"another cancer ({recent[-1].start})", evidence)
        return review("another cancer is on record without an end", evidence)
    if all(it is not None and it.last < since for it in ended):
        return met("another cancer long past", evidence)
    return not_met("another cancer within that time", evidence)


def answer_capability(criterion: Capability, case: Case) -> Answer:
    """What must be possible, as far as the record tells."""
    answers = []
    for need in criterion.require:
        if need == "brain_mri":
            against = _one_absent("mri_contraindicated", case)
            mri = case.fact(FactId("last_brain_mri"))
            if against.outcome is Outcome.NOT_MET:
                answers.append(against)
            elif mri.value is not None:
                answers.append(met(f"brain MRI of {mri.value}", mri.evidence))
            else:
                answers.append(unknown("last_brain_mri", "no MRI of the brain on record"))
        elif need == "swallow":
            answers.append(_absent(("cannot_swallow",), case))
        else:
            answers.append(unknown("sites", "whether tissue can be had is not on record"))
    return all_hold(answers)
