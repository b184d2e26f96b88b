"""How many lines, between which bounds, and how sure. Source: section 5 of the line rules."""

from __future__ import annotations

from cdshooks.lines.doubts import Told, is_outside
from cdshooks.lines.model import Alternative, Confidence, Counts

_EARLY_RELAPSE = "EARLY_RELAPSE"


def count_lines(told: Told, alternatives: tuple[Alternative, ...]) -> Counts:
    """The best count with its range; a line can be left out only once, however many reasons speak against it."""
    best, rules = len(told.lines), told.rules
    doubted = {it.line for it in alternatives if it.delta < 0 and it.line is not None}
    fewer = len(doubted) - sum(it.delta for it in alternatives if it.delta < 0 and it.line is None)
    more = sum(it.delta for it in alternatives if it.delta > 0)
    is_equivalent = told.relapse is not None and told.relapse.days.most <= rules.days("adjuvant_equiv")
    return Counts(
        metastatic_lines=best,
        min=max(best - fewer, 0),
        max=best + more,
        anti_her2_regimens_metastatic=sum(rules.any_of("anti_her2", it.agents) for it in told.lines),
        effective_lines=best + is_equivalent,
        is_at_least=any(is_outside(it) for it in alternatives),
    )


def confidence_of(told: Told, alternatives: tuple[Alternative, ...], counts: Counts) -> Confidence:
    """How sure the count is: open questions, unknown drugs, vague days, and what kind of records tell it."""
    record, rules = told.record, told.rules
    drugs = len(record.exposures) + len(record.unmapped)
    many_unknown = drugs > 0 and len(record.unmapped) * 100 > rules.days("unmapped_low") * drugs
    decides = {it.code for it in alternatives}
    questions = len({(it.code, it.line) for it in alternatives if it.code != _EARLY_RELAPSE})
    if counts.is_at_least or many_unknown or decides & {"MET_LATE", "MET_UNKNOWN"}:
        return Confidence.LOW
    if questions >= rules.days("questions_low"):
        return Confidence.LOW
    is_imprecise = any(not run.start.is_exact or not run.is_certain for run in told.runs)
    is_given = any(run.is_given for run in told.runs)
    is_inferred = told.onset.since is not None and told.onset.since.is_inferred
    is_open_end = any(line.confidence is not Confidence.HIGH for line in told.lines)
    if questions or is_imprecise or is_open_end or is_inferred or (told.lines and not is_given):
        return Confidence.MODERATE
    return Confidence.HIGH
