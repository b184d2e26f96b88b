"""Answers one criterion of a trial: the kind decides how, and a failure that a person may lift becomes a review."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec

from cdshooks.knowledge import trial_criteria as kinds
from cdshooks.knowledge.trials import Asked
from cdshooks.options.case import Answer, Case
from cdshooks.options.model import Finding, Outcome
from cdshooks.options.trials import body, brain, disease, illness, treatment, washout

_ANSWERS: dict[type[kinds.Criterion], Callable[[Any, Case], Answer]] = {
    kinds.Age: body.answer_age,
    kinds.Sex: body.answer_sex,
    kinds.Ecog: body.answer_ecog,
    kinds.DiseaseSetting: disease.answer_disease_setting,
    kinds.Her2Status: disease.answer_her2_status,
    kinds.HormoneReceptor: disease.answer_hormone_receptor,
    kinds.Biomarker: disease.answer_biomarker,
    kinds.MeasurableDisease: disease.answer_measurable_disease,
    kinds.Progression: disease.answer_progression,
    kinds.PriorLines: treatment.answer_prior_lines,
    kinds.PriorTherapy: treatment.answer_prior_therapy,
    kinds.Washout: washout.answer_washout,
    kinds.CnsDisease: brain.answer_cns_disease,
    kinds.Leptomeningeal: brain.answer_leptomeningeal,
    kinds.Lvef: body.answer_lvef,
    kinds.Cardiac: illness.answer_cardiac,
    kinds.Qtc: body.answer_qtc,
    kinds.Ild: illness.answer_ild,
    kinds.Lab: body.answer_lab,
    kinds.Infection: illness.answer_infection,
    kinds.Comorbidity: illness.answer_comorbidity,
    kinds.ResidualToxicity: illness.answer_residual_toxicity,
    kinds.ConMed: illness.answer_con_med,
    kinds.Reproductive: illness.answer_reproductive,
    kinds.SecondMalignancy: illness.answer_second_malignancy,
    kinds.Capability: illness.answer_capability,
}


_OPEN = frozenset({Outcome.UNKNOWN, Outcome.REVIEW})


def find(asked: Asked, answer: Answer) -> Finding:
    """The finding on one criterion that decides, from the answer to its question."""
    told = answer.observed
    observed = "; ".join(filter(None, told))
    return Finding(
        criterion=asked.id,
        outcome=answer.outcome,
        because=f"{asked.sentence}: {observed}." if observed else f"{asked.sentence}.",
        missing=answer.missing if answer.outcome in _OPEN else None,
        evidence=answer.evidence,
        recovers_on=answer.recovers_on,
        sentence=asked.sentence,
        observed=told,
    )


def answer_criterion(criterion: kinds.AnyCriterion, case: Case) -> Answer:
    """Met, not met, unknown or review, with what was observed."""
    answer = _ANSWERS[type(criterion)](criterion, case)
    if answer.outcome is Outcome.NOT_MET and criterion.review_if_not_met is not None:
        told = (*answer.observed, criterion.review_if_not_met)
        return msgspec.structs.replace(answer, outcome=Outcome.REVIEW, told=told)
    return answer
