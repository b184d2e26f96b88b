"""How lines end: on which day, by which rule, and for what reason; "stopped" is never read as "progressed". Source: R13, R15."""

from __future__ import annotations

from datetime import date

from cdshooks.knowledge.ids import LineRuleId
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Groups, Run
from cdshooks.lines.model import AgentUse, Confidence, Course, EndReason, LineOfTherapy, Setting
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.segments import Segment
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import PatientRecord, StopReason, TreatmentIntent

_REASONS = {
    StopReason.PROGRESSION: EndReason.PROGRESSION,
    StopReason.TOXICITY: EndReason.TOXICITY,
    StopReason.COMPLETED: EndReason.COMPLETED,
    StopReason.PATIENT_CHOICE: EndReason.PATIENT_CHOICE,
    StopReason.OTHER: EndReason.OTHER,
}
_GRAVEST_FIRST = (
    EndReason.PROGRESSION,
    EndReason.TOXICITY,
    EndReason.PATIENT_CHOICE,
    EndReason.COMPLETED,
    EndReason.OTHER,
)
_MANY_DOUBTS = 2
_SURGERY_FOLLOWS_WITHIN = 120
"""Days: surgery follows neoadjuvant therapy within months."""


def close_lines(
    segments: list[Segment],
    record: PatientRecord,
    progressions: Progressions,
    groups: Groups,
    rules: LineRules,
    *,
    as_of: date,
) -> tuple[LineOfTherapy, ...]:
    """The finished lines in order."""
    today = PartialDate.from_day(as_of)
    return tuple(
        _close(
            segment,
            segments[index + 1] if index + 1 < len(segments) else None,
            record,
            progressions,
            groups,
            rules,
            today,
        )
        for index, segment in enumerate(segments)
    )


def early_lines(
    runs: tuple[Run, ...], record: PatientRecord, rules: LineRules, as_of: date
) -> tuple[LineOfTherapy, ...]:
    """Treatment of early disease as regimens: drugs that overlap or follow within the regimen window belong together."""
    clusters: list[list[Run]] = []
    for run in sorted(runs, key=lambda it: (it.start.first, it.start.last, it.agent)):
        if clusters and any(it.start.days_until(run.start).least <= rules.days("combo") for it in clusters[-1][:1]):
            clusters[-1].append(run)
        else:
            clusters.append([run])
    surgeries = [
        it.date
        for it in record.local_therapies
        if it.kind in {"mastectomy", "surgery"} and it.date is not None and not it.is_planned
    ]
    return tuple(_early(cluster, surgeries, PartialDate.from_day(as_of)) for cluster in clusters)


def uses_of(lines: tuple[LineOfTherapy, ...]) -> tuple[AgentUse, ...]:
    """Each use of each agent with how it ended."""
    return tuple(
        AgentUse(
            agent=course.agent,
            setting=line.setting,
            line=line.number,
            start=course.start,
            end=course.end,
            outcome=course.end_reason,
            evidence=course.evidence,
        )
        for line in lines
        for course in line.courses
    )


def _close(
    segment: Segment,
    following: Segment | None,
    record: PatientRecord,
    progressions: Progressions,
    groups: Groups,
    rules: LineRules,
    today: PartialDate,
) -> LineOfTherapy:
    is_ongoing = following is None and _is_ongoing(segment, progressions, groups, rules, today)
    limit = following.start if following is not None else today
    end = None if is_ongoing else _end(segment, limit)
    reason, evidence = EndReason.ONGOING, ()
    if not is_ongoing:
        reason, evidence = _reason(segment, following, end or limit, record, progressions, rules)
    courses = tuple(
        _course(run, segment, end, reason, limit, rules)
        for run in sorted(segment.runs, key=lambda it: (it.start.first, it.agent))
    )
    doubts = segment.doubts + sum(not run.is_certain for run in segment.runs)
    return LineOfTherapy(
        number=segment.number,
        setting=Setting.METASTATIC,
        agents=segment.agents,
        maintenance_agents=_maintained(courses, groups, rules),
        regimen_id=None,
        start=segment.start,
        end=end,
        end_reason=reason,
        opened_by=segment.opened_by,
        closed_by=None if is_ongoing else following.opened_by if following is not None else LineRuleId("R15-current"),
        confidence=Confidence.HIGH if not doubts else Confidence.MODERATE if doubts < _MANY_DOUBTS else Confidence.LOW,
        courses=courses,
        evidence=tuple(sorted({*(ref for run in segment.runs for ref in run.evidence), *evidence})),
    )


def _is_ongoing(
    segment: Segment, progressions: Progressions, groups: Groups, rules: LineRules, today: PartialDate
) -> bool:
    last_dose = max((run.last_dose for run in segment.runs), key=lambda it: (it.last, it.first))
    if progressions.stands_after(segment.start, last_dose) is not None:
        return False
    for run in segment.runs:
        if run.stopped_for is not None:
            continue
        if run.is_open:
            return True
        cycle = groups.cycle_days(run.agent) or 0
        covered = (
            run.until
            if run.until is not None and groups.cycle_days(run.agent) is None
            else run.last_dose.plus_days(cycle)
        )
        if run.is_given and covered.days_until(today).least <= rules.days("current"):
            return True
    return False


def _end(segment: Segment, limit: PartialDate) -> PartialDate:
    ends = [run.until or run.last_dose for run in segment.runs if not run.is_open]
    known = [it for it in ends if it.first <= limit.last]
    last = max(known or ends or [limit], key=lambda it: (it.last, it.first))
    if (
        any(run.is_open or (run.until is not None and run.until.last > limit.last) for run in segment.runs)
        or last.last > limit.last
    ):
        return limit
    return last


def _reason(
    segment: Segment,
    following: Segment | None,
    end: PartialDate,
    record: PatientRecord,
    progressions: Progressions,
    rules: LineRules,
) -> tuple[EndReason, tuple]:  # type: ignore[type-arg]
    last = [
        run for run in segment.runs if (run.until or run.last_dose).days_until(end).least <= rules.days("residue")
    ] or segment.runs
    told = {_REASONS[run.stopped_for] for run in last if run.stopped_for is not None}
    if EndReason.PROGRESSION in told:
        return EndReason.PROGRESSION, ()
    last_dose = max((run.last_dose for run in segment.runs), key=lambda it: (it.last, it.first))
    stated = progressions.stands_after(segment.start, last_dose) if following is None else None
    if stated is not None:
        return EndReason.PROGRESSION, progressions.evidence_near(stated, segment.start)
    change = following.start if following is not None else end
    if progressions.near(change, segment.start) or progressions.near(end, segment.start):
        return EndReason.PROGRESSION, progressions.evidence_near(change, segment.start)
    for reason in _GRAVEST_FIRST:
        if reason in told:
            return reason, ()
    toxic = [
        it
        for it in record.toxicities
        if it.agent in segment.agents
        and it.start is not None
        and abs(it.start.days_until(end).least) <= rules.days("residue")
        and (it.grade or 0) > 1
    ]
    if toxic:
        return EndReason.TOXICITY, tuple(ref for it in toxic for ref in it.evidence)
    return EndReason.UNKNOWN, ()


def _course(
    run: Run, segment: Segment, line_end: PartialDate | None, reason: EndReason, limit: PartialDate, rules: LineRules
) -> Course:
    start = run.start if run.start.first >= segment.start.first else segment.start
    told = _REASONS[run.stopped_for] if run.stopped_for is not None else None
    covered = run.until or run.last_dose
    goes_to_end = (
        run.is_open
        or run.until is None
        or (line_end is not None and covered.days_until(line_end).least <= rules.days("residue"))
    )
    if line_end is None:  # the line runs
        is_running = run.stopped_for is None and (
            run.is_open or covered.days_until(limit).least <= rules.days("current")
        )
        outcome = EndReason.ONGOING if is_running else told or EndReason.UNKNOWN
        return Course(
            agent=run.agent,
            start=start,
            end=None if is_running else covered,
            end_reason=outcome,
            is_end_certain=run.is_certain,
            evidence=run.evidence,
        )
    is_carried = covered.last > line_end.last
    outcome = reason if goes_to_end and (told is None or is_carried) else told or EndReason.UNKNOWN
    # A drug dropped while its partners went on did not fail with them, unless the record says so.
    end = line_end if is_carried or run.is_open or run.until is None else covered
    return Course(
        agent=run.agent,
        start=start,
        end=end,
        end_reason=outcome,
        is_end_certain=run.is_certain and run.until is not None,
        evidence=run.evidence,
    )


def _maintained(courses: tuple[Course, ...], groups: Groups, rules: LineRules) -> tuple:  # type: ignore[type-arg]
    """The agents continued after the chemotherapy of the line had stopped for more than six weeks."""
    chemo = [it for it in courses if groups.has("chemotherapy", it.agent)]
    if not chemo or any(it.end is None for it in chemo):
        return ()
    last = max((it.end for it in chemo if it.end is not None), key=lambda it: (it.last, it.first))
    going_on = [
        it.agent
        for it in courses
        if not groups.has("chemotherapy", it.agent)
        and (it.end is None or last.days_until(it.end).least > rules.days("residue"))
    ]
    return tuple(sorted(set(going_on)))


def _early(cluster: list[Run], surgeries: list[PartialDate], today: PartialDate) -> LineOfTherapy:
    start = cluster[0].start
    ends = [run.until or run.last_dose for run in cluster]
    end = max(ends, key=lambda it: (it.last, it.first))
    intents = {run.intent for run in cluster}
    setting = Setting.EARLY
    if TreatmentIntent.NEOADJUVANT in intents or any(
        end.is_before(it) and end.days_until(it).least < _SURGERY_FOLLOWS_WITHIN for it in surgeries
    ):
        setting = Setting.NEOADJUVANT
    elif TreatmentIntent.ADJUVANT in intents or any(it.is_before(start) for it in surgeries):
        setting = Setting.ADJUVANT
    told = [_REASONS[run.stopped_for] for run in cluster if run.stopped_for is not None]
    reason = next((it for it in _GRAVEST_FIRST if it in told), EndReason.UNKNOWN)
    courses = tuple(
        Course(
            agent=run.agent,
            start=run.start,
            end=run.until or run.last_dose,
            end_reason=_REASONS[run.stopped_for] if run.stopped_for is not None else EndReason.UNKNOWN,
            is_end_certain=run.is_certain,
            evidence=run.evidence,
        )
        for run in cluster
    )
    is_open = any(run.is_open for run in cluster) and end.days_until(today).least < 0
    return LineOfTherapy(
        number=None,
        setting=setting,
        agents=tuple(sorted({run.agent for run in cluster})),
        maintenance_agents=(),
        regimen_id=None,
        start=start,
        end=None if is_open else end,
        end_reason=EndReason.ONGOING if is_open else reason,
        opened_by=LineRuleId("R6-setting"),
        closed_by=None,
        confidence=Confidence.HIGH,
        courses=courses,
        evidence=tuple(sorted({ref for run in cluster for ref in run.evidence})),
    )
