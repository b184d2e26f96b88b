"""Trial criteria on the disease: primary tumor, spread, receptors, markers, how it is measured, progression."""

from __future__ import annotations

from datetime import timedelta
from functools import partial

from cdshooks.knowledge.ids import FactId
from cdshooks.knowledge.trial_criteria import (
    Biomarker,
    DiseaseSetting,
    Her2Status,
    HormoneReceptor,
    MeasurableDisease,
    Progression,
)
from cdshooks.lines.model import AgentUse, EndReason, Setting
from cdshooks.options.case import Answer, Case
from cdshooks.options.model import Fact, Outcome
from cdshooks.options.predicates import DAYS_PER_MONTH, describe, is_too_old
from cdshooks.options.trials.answers import all_hold, any_holds, met, not_met, review, unknown, within, yes_no
from cdshooks.options.trials.drugs import is_drug, once, uses_of
from cdshooks.partial_date import latest
from cdshooks.record.model import Certainty

_BREAST = frozenset({"breast-cancer", "metastatic-breast-cancer", "history-of-breast-cancer"})
_UNSETTLED = frozenset({"equivocal", "indeterminate"})


# ---- the tumor


def answer_disease_setting(criterion: DiseaseSetting, case: Case) -> Answer:
    """Which cancer, how far, from the start or after how long a time free of it."""
    answers = []
    if criterion.primary is not None:
        answers.append(once("primary", criterion.primary, case, partial(_primary, criterion.primary, case)))
    if criterion.extent:
        fact = case.fact(FactId("disease_extent"))
        if fact.value is None:
            answers.append(unknown("disease_extent", "the extent of the disease is not known"))
        else:
            told = str(fact.value).replace("_", " ")
            answers.append(yes_no(holds=fact.value in criterion.extent, observed=told, evidence=fact.evidence))
    if criterion.de_novo is not None:
        fact = case.fact(FactId("de_novo"))
        if fact.value is None:
            answers.append(unknown("de_novo", "whether it was metastatic at first diagnosis is not known"))
        else:
            told = "metastatic at diagnosis" if fact.value else "early disease came first"
            answers.append(yes_no(holds=fact.value is criterion.de_novo, observed=told, evidence=fact.evidence))
    if criterion.min_dfi_months is not None:
        answers.append(_disease_free(criterion.min_dfi_months, case))
    return all_hold(answers)


def _primary(primary: str, case: Case) -> Answer:
    known = [it for it in case.record.diagnoses if it.certainty is not Certainty.REFUTED]
    breast = [it for it in known if it.concept in _BREAST]
    receptors = [it for it in case.record.receptors if it.marker == "her2"]
    others = [it for it in known if it.category == "other-cancer"]
    evidence = [ref for it in breast for ref in it.evidence] or [ref for it in receptors for ref in it.evidence]
    # other tumors are tested for HER2 and treated by it, too, so beside one of them only the diagnosis tells
    is_breast = bool(breast) or (bool(receptors or case.lines.lines) and not others)
    if primary == "any":
        return met("", evidence) if is_breast or others else unknown("disease_extent", "no cancer on record")
    if primary == "breast":
        return met("breast cancer", evidence) if is_breast else unknown("disease_extent", "no breast cancer on record")
    if is_breast:
        return not_met("breast cancer", evidence)
    return unknown("disease_extent", "the primary tumor is not on record")


def _disease_free(months: float, case: Case) -> Answer:
    early, since = case.lines.early, case.lines.metastatic_since
    ends = [
        use.end
        for use in case.lines.uses
        if use.setting is not Setting.METASTATIC and not is_drug(use.agent, "endocrine", case)
    ]
    if case.fact(FactId("de_novo")).value is True:
        return met("metastatic at diagnosis, so no such interval")
    if not early and not ends:
        return unknown("agents_early", "no treatment for early disease on record")
    last = latest(tuple(it for it in ends if it is not None))
    if since is None or last is None or None in ends:
        return unknown("agents_early", "the interval cannot be dated")
    days = last.days_until(since.date)
    outcome = within(days.least, days.most, months * DAYS_PER_MONTH, None)
    return Answer(outcome, (f"{last} to {since.date}",), FactId("agents_early") if outcome is Outcome.UNKNOWN else None)


# ---- receptors and markers


def answer_her2_status(criterion: Her2Status, case: Case) -> Answer:
    """HER2 in force, by the newest result; conflicting results are for a person."""
    status = case.fact(FactId("her2"))
    if status.value == "conflict":
        return review("HER2 results contradict each other", status.evidence, "her2")
    return any_holds([once("her2", it, case, partial(_her2, it, status, case)) for it in criterion.accept])


def _her2(accept: str, status: Fact, case: Case) -> Answer:
    ihc, ish = case.fact(FactId("her2_ihc")), case.fact(FactId("her2_ish"))
    if accept == "erbb2_mutated":
        return _marker(case.fact(FactId("erbb2_mutation")), "mutated", case)
    told = f"HER2 {status.value or 'not known'}" + (f", IHC {ihc.value}" if ihc.value else "")
    told += f", ISH {ish.value}" if ish.value else ""
    if status.value is None or status.value in _UNSETTLED:
        return unknown("her2", told, status.evidence)
    match accept:
        case "positive" | "low" | "negative":
            holds = status.value == accept or (accept == "negative" and status.value == "low")
            return yes_no(holds=holds, observed=told, evidence=status.evidence)
        case "amplified":
            if ish.value is None:
                return unknown("her2_ish", told, status.evidence)
            return yes_no(holds=ish.value == "amplified", observed=told, evidence=ish.evidence)
        case "expressing" if status.value in {"positive", "low"}:
            return met(told, status.evidence)
    scores = {"ihc3+": {"3+"}, "ihc2+": {"2+", "3+"}, "ihc1-2+": {"1+", "2+"}, "expressing": {"1+", "2+", "3+"}}.get(
        accept
    )
    if scores is None:
        return unknown("her2_ihc", told, status.evidence)
    if ihc.value is None:
        never = accept == "ihc3+" and status.value in {"low", "negative"}
        return not_met(told, status.evidence) if never else unknown("her2_ihc", told, status.evidence)
    return yes_no(holds=ihc.value in scores, observed=told, evidence=ihc.evidence)


def answer_hormone_receptor(criterion: HormoneReceptor, case: Case) -> Answer:
    """ER and PR in force; a low ER counts as positive, and contradiction is for a person."""
    er, pr = case.fact(FactId("er")), case.fact(FactId("pr"))
    if criterion.require == "known":
        missing = [it.id for it in (er, pr) if it.value is None or it.value in _UNSETTLED]
        told = f"ER {er.value or 'not known'}, PR {pr.value or 'not known'}"
        return unknown(missing[0], told) if missing else met(told, (*er.evidence, *pr.evidence))
    fact = er if criterion.receptor == "er" else case.fact(FactId("hr"))
    name = "ER" if criterion.receptor == "er" else "hormone receptors"
    if er.value == "conflict" or (criterion.receptor != "er" and pr.value == "conflict"):
        return review(f"{name}: results contradict each other", er.evidence, "er")
    if fact.value is None or fact.value in _UNSETTLED:
        return unknown(fact.id, f"{name} not known")
    value = "positive" if fact.value == "low" else fact.value
    return yes_no(holds=value == criterion.require, observed=f"{name} {fact.value}", evidence=fact.evidence)


def answer_biomarker(criterion: Biomarker, case: Case) -> Answer:
    """A marker by its fact, or as the record names it."""
    gene, result = criterion.gene or "", criterion.result or ""
    term = case.knowledge.trials.terms.by_id.get(gene)
    if term is not None and term.fact is not None:
        return _marker(case.fact(term.fact), result, case)
    found = [it for it in case.record.biomarkers if it.marker.casefold() == gene.casefold()]
    if not found:
        return unknown(gene.casefold(), f"{gene} has not been tested")
    newest = max(found, key=lambda it: it.date.last.toordinal() if it.date else 0)
    return yes_no(holds=newest.value == result, observed=f"{gene} {newest.value}", evidence=newest.evidence)


def _marker(fact: Fact, result: str, case: Case) -> Answer:
    told = describe(fact, case.knowledge.facts[fact.id])
    if fact.value is None:
        return unknown(fact.id, told)
    return yes_no(holds=fact.value == result, observed=told, evidence=fact.evidence)


# ---- how it is measured


def answer_measurable_disease(criterion: MeasurableDisease, case: Case) -> Answer:
    """As a clinician or report states it; measurable disease can always be assessed as well."""
    fact = case.fact(FactId("measurable_disease"))
    definition = case.knowledge.facts[fact.id]
    if fact.value is None:
        return unknown(fact.id, "whether a lesion can be measured is not on record")
    told = describe(fact, definition)
    if is_too_old(fact, definition, case.as_of):
        return unknown(fact.id, f"{told} is too old to rely on", fact.evidence)
    if fact.value in criterion.accept or (fact.value == "measurable" and "evaluable" in criterion.accept):
        return met(told, fact.evidence)
    if fact.value == "not_measurable" and {"evaluable", "bone_only"} & set(criterion.accept):
        return review(f"{told}; it may still be assessed", fact.evidence, fact.id)
    return not_met(told, fact.evidence)


# ---- progression


def answer_progression(criterion: Progression, case: Case) -> Answer:
    """Progression on the last treatment or on a class of drugs; or none of it within a time of a class."""
    if criterion.none_on is not None:
        return _no_progression(criterion.none_on, criterion.within_months or 0, case)
    if criterion.of_therapy == "class" and criterion.drug_class is not None:
        uses = [it for it in uses_of(criterion.drug_class, case) if _fits(it, criterion.setting)]
        return _progressed(uses, criterion, case)
    lines = case.lines.lines
    if not lines:
        return unknown("last_progression", "no treatment for metastatic disease on record")
    uses = [it for it in case.lines.uses if it.line == lines[-1].number and it.setting is Setting.METASTATIC]
    evidence = lines[-1].evidence
    said = [
        it
        for it in case.record.statuses
        if it.trend == "progression" and it.date is not None and it.date.last >= lines[-1].start.first
    ]
    if lines[-1].end_reason is EndReason.PROGRESSION:
        return met(f"line {lines[-1].number} ended for progression", evidence)
    if said:
        return met(f"progression of {said[-1].date}", [ref for it in said for ref in it.evidence])
    return _progressed(uses, criterion, case)


def _progressed(uses: list[AgentUse], criterion: Progression, case: Case) -> Answer:
    evidence = [ref for it in uses for ref in it.evidence]
    wanted = {EndReason.PROGRESSION, *([EndReason.TOXICITY] if criterion.intolerance_counts else [])}
    ended = [it for it in uses if it.outcome in wanted]
    if ended:
        last = ended[-1]
        return met(f"{last.agent} ended for {last.outcome.value} ({last.end or 'date not known'})", last.evidence)
    if any(it.outcome is EndReason.UNKNOWN for it in uses):
        return unknown("last_progression", "why the treatment ended is not on record", evidence)
    if case.lines.counts.is_at_least:
        return unknown("last_progression", "the history is incomplete", evidence)
    return not_met("no progression on record" if uses else "no such treatment on record", evidence)


def _no_progression(word: str, months: float, case: Case) -> Answer:
    """Each progression on record lies further from the last dose of the class than so many months."""
    uses = uses_of(word, case)
    progressed = [it for it in uses if it.outcome is EndReason.PROGRESSION]
    if progressed:
        last = progressed[-1]
        return not_met(f"progression on {last.agent} ({last.end or 'date not known'})", last.evidence)
    relapse = case.lines.early_relapse
    limit = timedelta(days=round(months * DAYS_PER_MONTH)).days
    if relapse is not None:
        outcome = within(relapse.days.least, relapse.days.most, limit + 1, None)
        if outcome is not Outcome.MET:
            missing = FactId("early_relapse_days") if outcome is Outcome.UNKNOWN else None
            return Answer(
                outcome,
                (f"relapse {relapse.relapse} after the dose of {relapse.last_dose}",),
                missing,
                relapse.evidence,
            )
    evidence = [ref for it in uses for ref in it.evidence]
    if any(it.outcome is EndReason.UNKNOWN for it in uses) or case.lines.counts.is_at_least:
        return unknown("last_progression", "why an earlier treatment ended is not on record", evidence)
    return met("no progression on such a drug on record", evidence)


def _fits(use: AgentUse, setting: str) -> bool:
    return setting == "any" or (use.setting is Setting.METASTATIC) == (setting == "advanced")
