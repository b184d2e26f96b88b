"""Treatment of early disease as regimens: neoadjuvant, adjuvant, or simply before the metastatic day. Source: R6."""

from __future__ import annotations

from cdshooks.knowledge.ids import LineRuleId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.courses import Run, joined
from cdshooks.lines.ends import GRAVEST_FIRST, REASONS
from cdshooks.lines.model import Confidence, Course, Dated, EndReason, LineOfTherapy, Setting
from cdshooks.lines.naming import regimen_of
from cdshooks.partial_date import PartialDate, by_last
from cdshooks.record.model import PatientRecord, TreatmentIntent

BREAST_SURGERY = frozenset({"mastectomy", "breast-conserving-surgery", "surgery"})


def early_lines(
    runs: tuple[Run, ...], record: PatientRecord, knowledge: Knowledge, since: Dated | None
) -> tuple[LineOfTherapy, ...]:
    """Early regimens in order: drugs that start within the regimen window belong together.

    An order never closed may run while the disease is early (``since`` is None); once it is distant, nobody recorded its end.
    """
    if not runs:
        return ()
    rules = knowledge.line_rules
    clusters: list[list[Run]] = []
    window = rules.days("combo")
    for run in runs:
        before = next(
            (it for it in reversed(clusters) if run.continues and any(run.agent == one.agent for one in it)), None
        )
        if before is not None:
            same = next(it for it in reversed(before) if it.agent == run.agent)
            before[before.index(same)] = joined(same, run)
        elif clusters and clusters[-1][0].start.least_days_until(run.start) <= window:
            clusters[-1].append(run)
        else:
            clusters.append([run])
    surgeries = [
        it.date
        for it in record.local_therapies
        if it.kind in BREAST_SURGERY and it.date is not None and not it.is_planned
    ]
    follows, may_run = rules.days("surgery_follows"), since is None
    return tuple(_early(cluster, surgeries, follows, knowledge, may_run=may_run) for cluster in clusters)


def _early(
    cluster: list[Run], surgeries: list[PartialDate], surgery_follows: int, knowledge: Knowledge, *, may_run: bool
) -> LineOfTherapy:
    agents = {run.agent for run in cluster}
    end = max([run.covered for run in cluster], key=by_last)
    told = [REASONS[run.stopped_for] for run in cluster if run.stopped_for is not None]
    is_open = may_run and any(run.is_open for run in cluster)
    return LineOfTherapy(
        number=None,
        setting=_setting(cluster, end, surgeries, surgery_follows),
        agents=tuple(sorted(agents)),
        maintenance_agents=(),
        regimen_id=regimen_of(frozenset(agents), knowledge),
        start=cluster[0].start,
        end=end if all(run.until is not None for run in cluster) and not is_open else None,
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
                end=None if run.is_open else run.until,
                end_reason=_why(run, may_run=may_run),
                is_end_certain=run.is_certain and run.until is not None,
                evidence=run.evidence,
            )
            for run in cluster
        ),
        evidence=tuple(sorted({ref for run in cluster for ref in run.evidence})),
    )


def _why(run: Run, *, may_run: bool) -> EndReason:
    if run.stopped_for is not None:
        return REASONS[run.stopped_for]
    return EndReason.ONGOING if may_run and run.is_open else EndReason.UNKNOWN


def _setting(cluster: list[Run], end: PartialDate, surgeries: list[PartialDate], surgery_follows: int) -> Setting:
    intents = {run.intent for run in cluster}
    if TreatmentIntent.NEOADJUVANT in intents:
        return Setting.NEOADJUVANT
    if TreatmentIntent.ADJUVANT in intents:
        return Setting.ADJUVANT
    if any(end.is_before(it) and end.least_days_until(it) <= surgery_follows for it in surgeries):
        return Setting.NEOADJUVANT
    if any(it.is_before(cluster[0].start) for it in surgeries):
        return Setting.ADJUVANT
    return Setting.EARLY
