"""Treatment that a diagnosis tells and no drug on record bears out: which it was and when, nobody knows. Source: terminology 13."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cdshooks.knowledge.codes import ToldTreatment
from cdshooks.knowledge.drugs import DrugKnowledge
from cdshooks.record.model import Certainty, Diagnosis, Doubt, Exposure

CODE = "told-treatment"


def treatments_without_drugs(
    diagnoses: Iterable[Diagnosis],
    exposures: Iterable[Exposure],
    told: Mapping[str, ToldTreatment],
    drugs: DrugKnowledge,
) -> Iterator[tuple[Diagnosis, ToldTreatment]]:
    """Each treatment that a diagnosis tells and of which the record names no drug; ``exposures``: drugs for whatever disease."""
    telling = [it for it in diagnoses if it.concept in told and it.certainty is not Certainty.REFUTED]
    if not telling:
        return
    classes = {drugs.class_of(it.agent) for it in exposures}
    for diagnosis in telling:
        treatment = told[diagnosis.concept]
        if classes.isdisjoint(treatment.classes):
            yield diagnosis, treatment


def told_treatment_doubts(
    diagnoses: Iterable[Diagnosis],
    exposures: Iterable[Exposure],
    told: Mapping[str, ToldTreatment],
    drugs: DrugKnowledge,
) -> Iterator[Doubt]:
    """One doubt for each treatment of which the record names no drug."""
    for diagnosis, treatment in treatments_without_drugs(diagnoses, exposures, told, drugs):
        yield Doubt(
            code=CODE,
            about="medication",
            because=f"A diagnosis tells of {treatment.name}, and no such drug is on record: which one it was and when is "
            "not known, so a line of therapy may be missing.",
            evidence=diagnosis.evidence,
        )
