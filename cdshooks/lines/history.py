"""The line history of a patient: settings, lines, ends, counts and doubts. Source: lines-of-therapy rules R1 to R15."""

from __future__ import annotations

from datetime import date

from cdshooks.knowledge.ids import LineRuleId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.courses import Groups, Run, build_runs
from cdshooks.lines.ends import close_lines, early_lines, uses_of
from cdshooks.lines.model import (
    Alternative,
    Confidence,
    Counts,
    Dated,
    EarlyRelapse,
    EndReason,
    LineHistory,
    LineOfTherapy,
    RuleFiring,
)
from cdshooks.lines.naming import recognise
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.segments import Segmenter
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Certainty, PatientRecord, TreatmentIntent

_EARLY_INTENTS = frozenset({TreatmentIntent.ADJUVANT, TreatmentIntent.NEOADJUVANT})
_MANY_UNMAPPED = 0.2
_OPEN_QUESTIONS_FOR_LOW = 2


def build_line_history(record: PatientRecord, knowledge: Knowledge, *, as_of: date) -> LineHistory:
    """Rebuild the lines of therapy from the record as of a day."""
    rules, groups = knowledge.line_rules, Groups(knowledge)
    runs = build_runs(record.exposures, groups, rules, as_of)
    since = _metastatic_since(record, as_of)
    advanced, early = _by_setting(runs, since, knowledge)
    progressions = Progressions(record, rules, since.date if since else None)
    segmenter = Segmenter(groups, rules, progressions)
    segmenter.walk(advanced)
    lines = tuple(
        recognise(line, knowledge)
        for line in close_lines(segmenter.segments, record, progressions, groups, rules, as_of=as_of)
    )
    before = tuple(recognise(line, knowledge) for line in early_lines(early, record, rules, as_of))
    relapse = _early_relapse(before, since, groups)
    alternatives = (*segmenter.alternatives, *_whole_history_doubts(record, since, relapse, knowledge, lines, as_of))
    is_at_least = any(it.concerns_treatment for it in record.incomplete) or any(
        it.code == "OUTSIDE" for it in alternatives
    )
    counts = _counts(lines, alternatives, relapse, groups, rules.days("adjuvant_equiv"), is_at_least=is_at_least)
    current = next((it.number for it in reversed(lines) if it.end_reason is EndReason.ONGOING), None)
    return LineHistory(
        metastatic_since=since,
        counts=counts,
        alternatives=alternatives,
        confidence=_confidence(record, lines, alternatives, since, is_at_least=is_at_least),
        lines=lines,
        early=before,
        next_line=counts.metastatic_lines + 1,
        current=current,
        uses=uses_of((*before, *lines)),
        early_relapse=relapse,
        firings=(*_date_firing(since), *segmenter.firings),
    )


def _metastatic_since(record: PatientRecord, as_of: date) -> Dated | None:
    """The earliest evidence of distant disease; confirmed evidence first, palliative intent last. Source: R5."""
    known = [
        it
        for it in record.metastases
        if it.date is not None and it.date.first <= as_of and it.certainty != Certainty.REFUTED
    ]
    confirmed = [it for it in known if it.certainty == Certainty.CONFIRMED] or known
    if confirmed:
        first = min(confirmed, key=lambda it: (it.date.first, it.date.last, it.basis) if it.date else ())
        if first.date is not None:
            return Dated(
                date=first.date,
                basis=first.basis,
                is_inferred=first.basis in {"condition-recorded", "text"},
                evidence=first.evidence,
            )
    palliative = [it for it in record.exposures if it.intent == TreatmentIntent.PALLIATIVE and it.start is not None]
    if palliative:
        start = min((it for it in palliative), key=lambda it: it.start.first if it.start else as_of)
        if start.start is not None:
            return Dated(date=start.start, basis="palliative-intent", is_inferred=True, evidence=start.evidence)
    return None


def _by_setting(
    runs: tuple[Run, ...], since: Dated | None, knowledge: Knowledge
) -> tuple[tuple[Run, ...], tuple[Run, ...]]:
    """Courses of the metastatic setting and earlier ones; an early drug that runs on is carried into the first line. Source: R6."""
    if since is None:
        return (), runs
    days = knowledge.line_rules.days
    reach = days("pre_met")
    if since.basis == "condition-recorded":
        reach = days("met_late")
    cut = since.date.plus_days(-reach)
    advanced: list[Run] = []
    early: list[Run] = []
    for run in runs:
        is_late_enough = cut.first <= run.start.last
        is_early = run.intent in _EARLY_INTENTS and run.start.is_after(since.date) is not True
        (advanced if is_late_enough and not is_early else early).append(run)
    if advanced:
        first = min(it.start.first for it in advanced)
        start = PartialDate.from_day(first)
        carried = [
            it
            for it in early
            if it.intent not in _EARLY_INTENTS
            and not it.is_open
            and start.days_until(it.last_dose).least > days("overlap")
        ]
        advanced.extend(carried)
    return tuple(sorted(advanced, key=lambda it: (it.start.first, it.start.last, it.agent))), tuple(early)


def _early_relapse(early: tuple[LineOfTherapy, ...], since: Dated | None, groups: Groups) -> EarlyRelapse | None:
    """Distant relapse after early anti-HER2 therapy, with its dates. Source: R7."""
    courses = [course for line in early for course in line.courses if groups.has("anti_her2", course.agent)]
    if since is None or not courses:
        return None
    last = max((course.end or since.date for course in courses), key=lambda it: (it.last, it.first))
    evidence = tuple(sorted({ref for course in courses for ref in course.evidence}))
    agents = tuple(sorted({course.agent for course in courses}))
    return EarlyRelapse(
        agents=agents, last_dose=last, relapse=since.date, days=last.days_until(since.date), evidence=evidence
    )


def _whole_history_doubts(
    record: PatientRecord,
    since: Dated | None,
    relapse: EarlyRelapse | None,
    knowledge: Knowledge,
    lines: tuple[LineOfTherapy, ...],
    as_of: date,
) -> tuple[Alternative, ...]:
    found: list[Alternative] = []

    def add(code: str, delta: int, because: str, evidence: tuple = (), line: int | None = None) -> None:  # type: ignore[type-arg]
        found.append(Alternative(code=code, delta=delta, because=because, line=line, evidence=evidence))

    if relapse is not None and relapse.days.least <= knowledge.line_rules.days("adjuvant_equiv"):
        add(
            "EARLY_RELAPSE",
            1,
            "Relapse came within six months of early anti-HER2 therapy; trials and labels may count that as a line.",
            relapse.evidence,
        )
    undated = [it for it in record.exposures if it.start is None]
    if undated:
        add(
            "OUTSIDE",
            len({it.agent for it in undated}),
            "Drugs are on record without a date; they could be lines of their own.",
            undated[0].evidence,
        )
    elif any(it.concerns_treatment for it in record.incomplete):
        add(
            "OUTSIDE", 1, "The record is incomplete: pages or queries are missing, so earlier lines may be missing too."
        )
    if since is not None and since.is_inferred and lines:
        add(
            "MET_LATE",
            -1,
            "The metastatic date is only recorded or inferred; the first line may have been early treatment.",
            since.evidence,
            1,
        )
    if (
        lines
        and lines[-1].evidence
        and _is_order_only(record, lines[-1], as_of, knowledge.line_rules.days("order_only"))
    ):
        add(
            "ORDER_ONLY",
            -1,
            "The newest regimen is known only from a recent order.",
            lines[-1].evidence,
            lines[-1].number,
        )
    return tuple(found)


def _is_order_only(record: PatientRecord, line: LineOfTherapy, as_of: date, within: int) -> bool:
    if (as_of - line.start.first).days >= within:
        return False
    known = frozenset(line.evidence)
    return {it.proof for it in record.exposures if not known.isdisjoint(it.evidence)} == {"ordered"}


def _counts(
    lines: tuple[LineOfTherapy, ...],
    alternatives: tuple[Alternative, ...],
    relapse: EarlyRelapse | None,
    groups: Groups,
    equiv: int,
    *,
    is_at_least: bool,
) -> Counts:
    best = len(lines)
    fewer = sum(it.delta for it in alternatives if it.delta < 0)
    more = sum(it.delta for it in alternatives if it.delta > 0)
    is_equivalent = relapse is not None and relapse.days.most <= equiv
    return Counts(
        metastatic_lines=best,
        min=max(best + fewer, 1 if best else 0),
        max=best + more,
        anti_her2_regimens_metastatic=sum(groups.any_of("anti_her2", it.agents) for it in lines),
        effective_lines=best + is_equivalent,
        is_at_least=is_at_least,
    )


def _confidence(
    record: PatientRecord,
    lines: tuple[LineOfTherapy, ...],
    alternatives: tuple[Alternative, ...],
    since: Dated | None,
    *,
    is_at_least: bool,
) -> Confidence:
    drugs = len(record.exposures) + len(record.unmapped)
    if (
        is_at_least
        or (since is not None and since.is_inferred)
        or (drugs and len(record.unmapped) / drugs > _MANY_UNMAPPED)
    ):
        return Confidence.LOW
    questions = sum(it.code != "EARLY_RELAPSE" for it in alternatives)
    is_imprecise = any(not course.start.is_exact for line in lines for course in line.courses)
    if questions >= _OPEN_QUESTIONS_FOR_LOW:
        return Confidence.LOW
    is_given = any(it.proof == "given" for it in record.exposures)
    return Confidence.MODERATE if questions or is_imprecise or (lines and not is_given) else Confidence.HIGH


def _date_firing(since: Dated | None) -> tuple[RuleFiring, ...]:
    if since is None:
        return ()
    return (
        RuleFiring(
            rule=LineRuleId("R5-metastatic-date"),
            line=None,
            because=f"Metastatic since {since.date}: {since.basis}.",
            evidence=since.evidence,
        ),
    )
