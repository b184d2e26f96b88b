"""Whether a regimen is licensed where the patient is treated, and for the treatment she has had."""

from __future__ import annotations

from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import CriterionId, FactId
from cdshooks.knowledge.regimens import Regimen
from cdshooks.options.case import Case
from cdshooks.options.model import Finding, Outcome

_EFFECT_OF = {
    "licensed": None,
    "standard_practice": None,
    "off_label": Effect.WARN,
    "unknown": Effect.WARN,
    "investigational": Effect.NOT_APPLICABLE,
    "not_licensed": Effect.NOT_APPLICABLE,
}
_OUTCOME_OF = {None: Outcome.MET, Effect.WARN: Outcome.REVIEW, Effect.NOT_APPLICABLE: Outcome.NOT_MET}
_DRUG_ROLES = frozenset({"option", "prior_exposure_marker"})


def counts_earlier_regimens(regimen: Regimen, jurisdiction: str) -> bool:
    """Whether the licence there asks how many anti-HER2 regimens a patient has had."""
    status = regimen.jurisdictions.get(jurisdiction)
    return status is not None and (status.min_anti_her2_metastatic is not None or status.min_anti_her2_any is not None)


def licence_judgements(regimen: Regimen, case: Case) -> tuple[tuple[Finding, Effect | None], ...]:
    """What the hospital switched off, the licence, the earlier anti-HER2 regimens it asks for, and whether it is an option."""
    found: list[tuple[Finding, Effect | None]] = []
    if regimen.switched_off is not None:
        text = f"Switched off by this hospital: {regimen.switched_off}."
        found.append((_finding("SWITCHED_OFF", Outcome.NOT_MET, text), Effect.NOT_APPLICABLE))
    if regimen.role == "prior_exposure_marker":
        text = "It is no later-line option; it is listed because it changes what patients have had."
        found.append((_finding("ROLE", Outcome.NOT_MET, text), Effect.NOT_APPLICABLE))
    if not regimen.components:
        return tuple(found)
    status = regimen.jurisdictions[case.jurisdiction]
    effect = _EFFECT_OF[status.status] if regimen.role in {*_DRUG_ROLES, "trial"} else None
    outcome = _OUTCOME_OF[effect]
    because = f"{case.jurisdiction}: {status.text}" + ("" if status.text.endswith(".") else ".")
    sources = tuple(citation.source for citation in status.sources) if status.verified else ()
    found.append((Finding(criterion=CriterionId("LICENCE"), outcome=outcome, because=because, sources=sources), effect))
    for fact_id, least, where in (
        ("anti_her2_regimens_metastatic", status.min_anti_her2_metastatic, "for metastatic disease"),
        ("anti_her2_regimens_any", status.min_anti_her2_any, "in any setting"),
    ):
        if least is not None:
            found.append(_earlier_regimens(case, fact_id, least, where))
    return tuple(found)


def _earlier_regimens(case: Case, fact_id: str, least: int, where: str) -> tuple[Finding, Effect | None]:
    fact = case.fact(FactId(fact_id))
    had = fact.value if isinstance(fact.value, int) else 0
    text = f"The licence asks for {least} earlier anti-HER2 regimen{'s' if least != 1 else ''} {where}; the record shows {had}."
    if had >= least:
        return _finding("LINES_LICENCE", Outcome.MET, text), None
    if case.lines.counts.is_at_least:
        return _finding("LINES_LICENCE", Outcome.UNKNOWN, f"{text} The history is incomplete."), Effect.WARN
    return _finding("LINES_LICENCE", Outcome.NOT_MET, text), Effect.NOT_APPLICABLE


def _finding(criterion: str, outcome: Outcome, because: str) -> Finding:
    return Finding(criterion=CriterionId(criterion), outcome=outcome, because=because)
