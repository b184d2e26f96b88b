"""Drugs that are no cancer treatment but may interact, by interaction class."""

from __future__ import annotations

from cdshooks.record.model import CoMedication, Exposure
from cdshooks.record.terms import RecordTerms


def comedication_of(exposure: Exposure, name: str, terms: RecordTerms) -> tuple[CoMedication, ...]:
    """The co-medication that a non-cancer drug is; empty when it has no interaction class and no known name."""
    classes = terms.interaction_classes(name)
    if not classes and exposure.agent == "unmapped":
        return ()
    label = str(exposure.agent) if exposure.agent != "unmapped" else (terms.interacting_name(name) or "co-medication")
    return (
        CoMedication(
            name=label,
            classes=classes,
            is_current=exposure.is_open,
            start=exposure.start,
            end=exposure.end,
            evidence=exposure.evidence,
        ),
    )
