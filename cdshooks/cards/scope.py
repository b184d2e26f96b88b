"""Of whom this service speaks: whether it is this disease, and whether enough of the treatment was seen to speak of lines."""

from __future__ import annotations

from cdshooks.options.model import Advice
from cdshooks.record.model import Certainty

FINISHED_LINES = 3
"""Metastatic lines that are over before options are suggested without being asked for."""
CANCER = frozenset({"breast-cancer", "metastatic-breast-cancer"})


def concerns(advice: Advice) -> bool:
    """Whether this is metastatic breast cancer that is or was HER2-positive, or was treated as such and has no HER2 result."""
    is_treated = advice.lines.counts.anti_her2_regimens_metastatic > 0 and _has_breast_cancer(advice)
    return (
        was_her2_positive(advice) or (is_treated and _has_no_her2_result(advice))
    ) and advice.lines.metastatic_since is not None


def was_her2_positive(advice: Advice) -> bool:
    """Whether a result on record is or was HER2-positive, or results contradict each other."""
    return advice.value_of("her2_ever_positive") is True or advice.value_of("her2") in {"positive", "conflict"}


def treatment_not_seen(advice: Advice) -> tuple[str, ...]:
    """What was asked for and not seen of the treatment, so that nothing may be suggested.

    Where another line would bring suggestions, none would look like a patient who was judged in full.
    """
    are_few = len(advice.lines.finished) < FINISHED_LINES
    missing = (it for it in advice.record.incomplete if it.concerns_treatment or (it.may_add_lines and are_few))
    return tuple(dict.fromkeys(it.query for it in missing))


def _has_no_her2_result(advice: Advice) -> bool:
    return advice.value_of("her2_ever_positive") is None


def _has_breast_cancer(advice: Advice) -> bool:
    """Anti-HER2 drugs are given for other cancers, too."""
    return any(it.concept in CANCER and it.certainty is not Certainty.REFUTED for it in advice.record.diagnoses)
