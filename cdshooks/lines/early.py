"""Treatment of early disease as regimens: neoadjuvant, adjuvant, or simply before the metastatic day. Source: R6."""

from __future__ import annotations

from datetime import date

from cdshooks.knowledge.ids import LineRuleId
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Run, joined
from cdshooks.lines.ends import GRAVEST_FIRST, REASONS
from cdshooks.lines.model import Confidence, Course, EndReason, LineOfTherapy, Setting
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import PatientRecord, TreatmentIntent

BREAST_SURGERY = frozenset({"mastectomy", "surgery"})


def early_lines(
    runs: tuple[Run, ...], record: PatientRecord, rules: LineRules, as_of: date
) -> tuple[LineOfTherapy, ...]:
    """Early regimens in order: drugs that start within the regimen window belong together."""
    clusters: list[list[Run]] = []
    window = rules.days("combo")
    for run in runs:
        before = next(
            (it for it in reversed(clusters) if run.continues and any(run.agent == one.agent for one in it)), None
        )
        if before is not None:
            same = next(it for it in reversed(before) if it.agent == run.agent)
            before[before.index(same)] = joined(same, run)
        elif clusters and clusters[-1][0].start.days_until(run.start).least <= window:
            clusters[-1].append(run)
        else:
            clusters.append([run])
    surgeries = [
        it.date
        for it in record.local_therapies
        if it.kind in BREAST_SURGERY and it.date is not None and not it.is_planned
    ]
    today = PartialDate.from_day(as_of)
    return tuple(_early(cluster, surgeries, rules.days("surgery_follows"), today) for cluster in clusters)


def _early(cluster: list[Run], surgeries: list[PartialDate], surgery_follows: int, today: PartialDate) -> LineOfTherapy:
    end = max((run.covered for run in cluster), key=lambda it: (it.last, it.first))
    told = [REASONS[run.stopped_for] for run in cluster if run.stopped_for is not None]
    is_open = any(run.is_open for run in cluster) and end.days_until(today).least < 0
    return LineOfTherapy(
        number=None,
        setting=_setting(cluster, end, surgeries, surgery_follows),
        agents=tuple(sorted({run.agent for run in cluster})),
        maintenance_agents=(),
        regimen_id=None,
        start=cluster[0].start,
        end=None if is_open else end,
        end_reason=EndReason.ONGOING
        if is_open
        else next((it for it in GRAVEST_FIRST if it in told), EndReason.UNKNOWN),
        opened_by=LineRuleId("R6-setting"),
        closed_by=None,
        confidence=Confidence.HIGH,
        courses=tuple(
            Course(
                agent=run.agent,
                start=run.start,
                end=run.covered,
                end_reason=REASONS[run.stopped_for] if run.stopped_for is not None else EndReason.UNKNOWN,
                is_end_certain=run.is_certain and run.until is not None,
                evidence=run.evidence,
            )
            for run in cluster
        ),
        evidence=tuple(sorted({ref for run in cluster for ref in run.evidence})),
    )


def _setting(cluster: list[Run], end: PartialDate, surgeries: list[PartialDate], surgery_follows: int) -> Setting:
    intents = {run.intent for run in cluster}
    if TreatmentIntent.NEOADJUVANT in intents:
        return Setting.NEOADJUVANT
    if TreatmentIntent.ADJUVANT in intents:
        return Setting.ADJUVANT
    if any(end.is_before(it) and end.days_until(it).least < surgery_follows for it in surgeries):
        return Setting.NEOADJUVANT
    if any(it.is_before(cluster[0].start) for it in surgeries):
        return Setting.ADJUVANT
    return Setting.EARLY
