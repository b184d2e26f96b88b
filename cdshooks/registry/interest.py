"""Which imported trials may be worth a look although nobody has structured them: by disease, stage and status alone."""

from __future__ import annotations

import re

from cdshooks.knowledge.trial_registry import NOT_YET_RECRUITING, RECRUITING
from cdshooks.knowledge.trial_text import places_of
from cdshooks.registry.study import Study

_BREAST = re.compile(r"\bbreast\b", re.IGNORECASE)
_ADVANCED = re.compile(r"\b(?:metasta\w+|advanced|unresectable|stage iv)\b", re.IGNORECASE)
_HER2 = re.compile(
    r"\b(?:HER-?2|ERBB-?2)(?:/neu)?[\s-]*(?:positive|\+|mutat\w+|overexpress\w*|express\w*|amplif\w+)", re.IGNORECASE
)

_EARLY = re.compile(r"\b(?:neo-?adjuvant|adjuvant|early|residual|pre-?operative|operable|surgery)\b", re.IGNORECASE)
_OTHER_HER2 = re.compile(
    r"\bHER-?2(?:/neu)?[\s-]*(?:low|negative|zero|ultra-?low)\b|\blow[\s-]+HER-?2[\s-]*express\w*", re.IGNORECASE
)


def may_be_worth_a_look(study: Study) -> bool:
    """Whether it recruits, or is about to, and names breast cancer, advanced disease and HER2; this says nothing of a patient.

    A title that speaks of early disease, or of HER2-low or HER2-negative disease alone, is of another patient, whatever the
    list of conditions says: that list holds what a sponsor wants to be found under.
    """
    named = " ".join((study.title, *study.conditions))
    asked = " ".join(it.text for it in places_of(study.criteria_text) if not it.name.startswith("exclusion"))
    is_early = _EARLY.search(named) is not None and _ADVANCED.search(named) is None
    is_of_other_her2 = _is_of_other_her2(study.title) or (
        _HER2.search(study.title) is None and _is_of_other_her2(named)
    )
    return (
        not is_early
        and not is_of_other_her2
        and study.status in {RECRUITING, NOT_YET_RECRUITING}
        and _BREAST.search(named) is not None
        and _ADVANCED.search(f"{named} {asked}") is not None
        and _HER2.search(f"{named} {asked}") is not None
    )


def _is_of_other_her2(words: str) -> bool:
    """Whether words name HER2-low or HER2-negative disease, and no other kind beside it."""
    without_others = _OTHER_HER2.sub("", words)
    return without_others != words and _HER2.search(without_others) is None
