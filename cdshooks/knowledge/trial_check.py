"""What no schema can see in a trial's criterion: words without a meaning, units that are not ours, criteria that ask nothing."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, FactId
from cdshooks.knowledge.trial_criteria import (
    Biomarker,
    Cardiac,
    Comorbidity,
    ConMed,
    Criterion,
    Infection,
    Lab,
    OtherLimit,
    PriorTherapy,
    Progression,
    Washout,
)
from cdshooks.knowledge.trial_terms import TrialTerms
from cdshooks.knowledge.trial_text import names_of

_FIELDS_OF_THE_RECORD = frozenset({"sex", "minimum age", "maximum age"})


def criterion_faults(
    criterion: Criterion,
    facts: Mapping[FactId, FactDefinition],
    agents: Collection[AgentId],
    comed_classes: Collection[str],
    terms: TrialTerms,
) -> Iterator[str]:
    """The faults of one criterion, each as the end of a sentence."""
    for pointer in criterion.at:
        if pointer not in _FIELDS_OF_THE_RECORD and not names_of(pointer):
            yield f"{pointer!r} is no place of a registry text"
    if not criterion.says and not criterion.text:
        yield "it needs a sentence ('says')"
    if criterion.says.upper().startswith("TODO"):
        yield "it is still to be written (TODO)"
    if not criterion.decides:
        return
    match criterion:
        case Cardiac() | Infection():
            yield from _unknown(criterion.forbid, "illness", terms, ())
        case Comorbidity():
            yield from _unknown(criterion.forbid, "illness", terms, ())
            yield from (f"{it!r} is no drug we know" for it in criterion.allergy_to if it not in agents)
        case ConMed():
            yield from (
                f"{it!r} is no class of other drugs we know" for it in criterion.forbid if it not in comed_classes
            )
        case PriorTherapy():
            parts = (criterion.require_distinct, criterion.max_lines_of, criterion.early_setting_gap)
            words = (*criterion.require_all, *criterion.require_any, *criterion.forbid)
            yield from _unknown((*words, *(it.of for it in parts if it is not None)), "drugs", terms, agents)
            if not words and not any(parts) and criterion.max_cumulative is None:
                yield "it asks for nothing"
        case Progression():
            words = tuple(it for it in (criterion.drug_class, criterion.none_on) if it)
            yield from _unknown(words, "drugs", terms, agents)
        case Washout():
            yield from _unknown((criterion.of,) if criterion.of else (), "drugs", terms, agents)
        case Lab():
            yield from _lab_faults(criterion, facts, terms)
        case Biomarker():
            if not criterion.gene or not criterion.result:
                yield "it needs a gene and a result"


def _unknown(words: Collection[str], about: str, terms: TrialTerms, agents: Collection[AgentId]) -> Iterator[str]:
    named = "illness" if about == "illness" else "drug or class of drugs"
    yield from (f"{it!r} is no {named} we know" for it in words if not terms.knows(it, about, agents))


def _lab_faults(criterion: Lab, facts: Mapping[FactId, FactDefinition], terms: TrialTerms) -> Iterator[str]:
    if criterion.analyte is None or criterion.op is None or criterion.value is None:
        yield "a laboratory value needs analyte, op and value"
        return
    limits: list[Lab | OtherLimit] = [criterion, *([criterion.otherwise] if criterion.otherwise else ())]
    for limit in limits:
        if not limit.analyte or not terms.knows(limit.analyte, "lab"):
            yield f"{limit.analyte!r} is no laboratory value we know"
            continue
        fact = terms.by_id[limit.analyte].fact
        unit = facts[fact].unit if fact is not None and fact in facts else None
        if limit.unit is not None and limit.unit != unit:
            yield f"{limit.analyte} is read in {unit}, not in {limit.unit}"
