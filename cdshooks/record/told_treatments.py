"""Treatment that a diagnosis tells and no drug on record bears out: which it was and when, nobody knows. Source: terminology 13."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cdshooks.knowledge.codes import ToldTreatment
from cdshooks.knowledge.drugs import DrugKnowledge
from cdshooks.record.model import Certainty, Diagnosis, Doubt, Exposure

CODE = "told-treatment"


def told_treatment_doubts(
    diagnoses: Iterable[Diagnosis],
    exposures: Iterable[Exposure],
    told: Mapping[str, ToldTreatment],
    drugs: DrugKnowledge,
) -> Iterator[Doubt]:
    """One doubt for each treatment of which the record names no drug; ``exposures``: drugs for whatever disease."""
    classes = {drugs.class_of(it.agent) for it in exposures}
    for diagnosis in diagnoses:
        treatment = told.get(diagnosis.concept)
        if treatment is None or diagnosis.certainty is Certainty.REFUTED or not classes.isdisjoint(treatment.classes):
            continue
        yield Doubt(
            code=CODE,
            about="medication",
            because=f"A diagnosis tells of {treatment.name}, and no such drug is on record: which one it was and when is "
            "not known, so a line of therapy may be missing.",
            evidence=diagnosis.evidence,
        )
