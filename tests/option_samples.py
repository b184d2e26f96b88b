"""Small regimens and criteria of our own making, so that the rules of judging are tested apart from the shipped content."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

import msgspec

from cdshooks.knowledge.criteria import Criterion, criterion_from
from cdshooks.knowledge.ids import CriterionId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.regimens import Regimen, regimen_from
from cdshooks.knowledge.rules import bind_criteria
from tests.option_cases import shipped

ENGINE = [
    "METASTATIC",
    "PREG_HER2",
    "PREG_TEST",
    "HER2_IN_FORCE",
    "HER2_LOW_IN_FORCE",
    "HER2_NEGATIVE_IN_FORCE",
    "HR_IN_FORCE",
    "HR_CHEMO_FIRST",
    "SEQ_PROGRESSED",
    "SEQ_TOXICITY",
    "HYPERSENSITIVITY",
    "CNS_LOCAL_FIRST",
    "CNS_LEPTOMENINGEAL",
    "LEPTOMENINGEAL_ONLY",
    "LOCAL_ISOLATED",
    "FIT_FOR_TREATMENT",
]
"""The criteria for whole kinds of regimens; the sample knowledge has these and its own."""


def dosed(agent: str) -> dict[str, Any]:
    """One drug of a sample regimen."""
    return {
        "agent": agent,
        "dose": {"text": "as the test needs"},
        "route": "iv",
        "schedule": {"text": "every 3 weeks"},
        "verified": True,
    }


def regimen(name: str, *components: str | Sequence[str], **members: Any) -> Regimen:
    """A sample regimen; a component given as a list is a slot for one of its drugs (a leading "?" makes it optional)."""
    parts: list[dict[str, Any]] = []
    for component in components:
        if isinstance(component, str):
            parts.append(dosed(component))
        else:
            names = [it for it in component if it != "?"]
            parts.append({"one_of": [dosed(it) for it in names], "optional": "?" in component})
    fixed = [it for it in components if isinstance(it, str)]
    status = {"status": "licensed", "text": "Licensed", "verified": True}
    content: dict[str, Any] = {
        "id": name,
        "label": name.replace("_", " "),
        "role": "option",
        "class": "sample",
        "components": parts,
        "her2": "positive",
        "hormone": "any",
        "matches": {
            "all_of": fixed,
            "one_of": [[a for a in it if a != "?"] for it in components if not isinstance(it, str)],
        },
        "jurisdictions": {"US": status, "EU": status, "CN": status},
        "criteria": [],
        "evidence": [],
        "evidence_level": {"tdxd_naive": "randomised", "after_tdxd": "retrospective"},
        "after_tdxd": {"text": "Sample", "verified": True},
        "risks": {"alopecia": "low", "fatigue": "low", "neuropathy": "low"},
        "brain_activity": "little",
        "burden": {"is_oral_only": False, "is_mostly_home": False, "has_chemotherapy": True, "clinic_days_per_21": 1},
        "monitoring": [],
        "boxed_warnings": [],
        "sources": [],
        "verified": True,
    }
    return regimen_from(content | members)


def criterion(name: str, requires: dict[str, Any], if_not_met: str = "exclude", **members: Any) -> Criterion:
    """A sample criterion of one step."""
    step = {"requires": requires, "if_not_met": if_not_met, "because": f"{name} does not hold"}
    step |= {key: members.pop(key) for key in ("dose_note", "is_grave") if key in members}
    content: dict[str, Any] = {
        "id": name,
        "title": f"{name} holds",
        "steps": [step],
        "if_unknown": "pass",
        "sources": [],
        "verified": True,
        "applies_to": {"every_drug_regimen": True},
    }
    return criterion_from(content | members)


def knowledge_of(regimens: Sequence[Regimen], criteria: Sequence[Criterion] = ()) -> Knowledge:
    """The shipped knowledge with these regimens, and of its criteria only those for whole kinds of regimens, and these."""
    known = shipped()
    held = {it: known.criteria[CriterionId(it)] for it in ENGINE if it in known.criteria}
    all_criteria = {CriterionId(key): it for key, it in held.items()} | {it.id: it for it in criteria}
    by_id = {it.id: it for it in regimens}
    return msgspec.structs.replace(
        known,
        regimens=by_id,
        criteria=all_criteria,
        rules=bind_criteria(by_id, all_criteria, known.rules.classes),
    )


TDXD = regimen(
    "tdxd",
    "trastuzumab deruxtecan",
    evidence_level={"tdxd_naive": "randomised_survival", "after_tdxd": "none"},
    brain_activity="strong",
    risks={"alopecia": "moderate", "fatigue": "high", "neuropathy": "low"},
)
TDM1 = regimen(
    "tdm1",
    "trastuzumab emtansine",
    evidence_level={"tdxd_naive": "randomised_survival", "after_tdxd": "retrospective"},
    burden={"is_oral_only": False, "is_mostly_home": False, "has_chemotherapy": False, "clinic_days_per_21": 1},
)
TUCATINIB = regimen(
    "tucatinib_trastuzumab_capecitabine",
    "tucatinib",
    "trastuzumab",
    "capecitabine",
    evidence_level={"tdxd_naive": "randomised_survival", "after_tdxd": "retrospective"},
    brain_activity="strong",
)
MARGETUXIMAB = regimen(
    "margetuximab_chemo",
    "margetuximab",
    ["capecitabine", "vinorelbine", "eribulin"],
    risks={"alopecia": "by_partner", "fatigue": "high", "neuropathy": "low"},
    evidence_level={"tdxd_naive": "randomised", "after_tdxd": "expert_opinion"},
)
LAPATINIB = regimen(
    "lapatinib_capecitabine",
    "lapatinib",
    "capecitabine",
    evidence_level={"tdxd_naive": "randomised", "after_tdxd": "expert_opinion"},
    burden={"is_oral_only": True, "is_mostly_home": True, "has_chemotherapy": True, "clinic_days_per_21": 0},
    brain_activity="some",
)
ENDOCRINE = regimen(
    "trastuzumab_endocrine",
    "trastuzumab",
    ["fulvestrant", "letrozole"],
    hormone="positive",
    evidence_level={"tdxd_naive": "expert_opinion", "after_tdxd": "expert_opinion"},
    burden={"is_oral_only": False, "is_mostly_home": True, "has_chemotherapy": False, "clinic_days_per_21": 0.5},
)
TRIAL = regimen("trial_referral", role="trial", her2="any", matches={"all_of": []})
SUPPORTIVE = regimen("best_supportive_care", role="supportive", her2="any", matches={"all_of": []})
SAMPLES = (TDXD, TDM1, TUCATINIB, MARGETUXIMAB, LAPATINIB, ENDOCRINE, TRIAL, SUPPORTIVE)


@cache
def sample_knowledge() -> Knowledge:
    """Eight regimens and the criteria for whole kinds of regimens."""
    return knowledge_of(SAMPLES)
