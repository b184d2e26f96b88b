"""How many lines, between which bounds, and how sure. Source: section 5 of the line rules."""

from __future__ import annotations

from cdshooks.lines.doubts import Told, is_outside
from cdshooks.lines.model import Alternative, Confidence, Counts
from cdshooks.lines.sentences import CONFIDENCE
from cdshooks.record.model import Suggested

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


def confidence_of(
    told: Told, alternatives: tuple[Alternative, ...], counts: Counts
) -> tuple[Confidence, tuple[str, ...]]:
    """How sure the count is, and why not surer: open questions, unknown drugs, vague days, what kind of records tell it."""
    record, rules, runs = told.record, told.rules, told.runs
    unknown = [it for it in record.unmapped if it.may_be_cancer_drug is not False]
    drugs = len(record.exposures) + len(unknown)
    decides = {it.code for it in alternatives}
    questions = len({(it.code, it.line) for it in alternatives if it.code != _EARLY_RELAPSE})
    low = (
        ("incomplete", counts.is_at_least),
        ("unknown_drugs", len(unknown) * 100 > rules.days("unmapped_low") * drugs),
        ("setting", bool(decides & {"MET_LATE", "MET_UNKNOWN"})),
        ("questions", questions >= rules.days("questions_low")),
    )
    moderate = (
        ("question", questions == 1),
        ("cancer_drug", any(it.may_be_cancer_drug for it in unknown)),
        ("suggested", bool(_suggested_alone(told))),
        ("vague", any(not run.is_certain or not run.start.is_exact for run in runs)),
        ("inferred", told.onset.since is not None and told.onset.since.is_inferred),
        ("open_end", bool({line.confidence for line in told.lines} - {Confidence.HIGH})),
        ("not_given", bool(told.lines) and not any(run.is_given for run in runs)),
    )
    because = tuple(CONFIDENCE[name] for name, holds in (*low, *moderate) if holds)
    if any(holds for _, holds in low):
        return Confidence.LOW, because
    return (Confidence.MODERATE if because else Confidence.HIGH), because


def _suggested_alone(told: Told) -> list[Suggested]:
    """Protocol names on record of whose drugs none is known from another record of that time."""
    window = told.rules.days("combo")
    return [
        it
        for it in told.record.suggested
        if not any(
            run.agent in {*it.agents, *it.one_of}
            and (
                it.date is None
                or (run.start.days_until(it.date).most >= -window and run.covered.least_days_until(it.date) <= window)
            )
            for run in told.runs
        )
    ]
