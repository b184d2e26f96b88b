"""How lines end: on which day, by which rule, and for what reason; "stopped" is never read as "progressed". Source: R13, R15."""

from __future__ import annotations

from datetime import date
from itertools import chain
from operator import attrgetter

from cdshooks.knowledge.ids import AgentId, LineRuleId, ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.courses import Run
from cdshooks.lines.model import AgentUse, Confidence, Course, EndReason, LineOfTherapy, RuleFiring, Setting
from cdshooks.lines.naming import regimen_of
from cdshooks.lines.placing import Segment
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.sentences import FIRINGS
from cdshooks.partial_date import PartialDate, by_last
from cdshooks.record.model import StopReason

REASONS = {
    StopReason.PROGRESSION: EndReason.PROGRESSION,
    StopReason.TOXICITY: EndReason.TOXICITY,
    StopReason.COMPLETED: EndReason.COMPLETED,
    StopReason.PATIENT_CHOICE: EndReason.PATIENT_CHOICE,
    StopReason.OTHER: EndReason.OTHER,
}
GRAVEST_FIRST = tuple(REASONS[it] for it in StopReason)
_CURRENT = LineRuleId("R15-current")
_by_start = attrgetter("start.first_day", "agent")
_NO_EVIDENCE: tuple[ResourceRef, ...] = ()


class LineCloser:
    """Finishes the lines of one patient: the last one may run, the others end where the next begins."""

    def __init__(self, knowledge: Knowledge, progressions: Progressions, *, as_of: date) -> None:
        self._knowledge, self._progressions = knowledge, progressions
        self._drugs, self._days = knowledge.drugs.by_agent, knowledge.line_rules.values
        self._today = PartialDate.from_day(as_of)
        self.firings: list[RuleFiring] = []

    def close(self, segments: list[Segment]) -> tuple[LineOfTherapy, ...]:
        """The finished lines in order."""
        return tuple(map(self._close, segments, [*segments[1:], None]))

    def _close(self, segment: Segment, following: Segment | None) -> LineOfTherapy:
        limit, stated = self._today, None
        is_ongoing = is_open_to_question = False
        if following is not None:
            limit = following.start
        else:
            stated = self._progressions.stands_after(segment.start, segment.last_dose)
            is_ongoing, is_open_to_question = self._is_ongoing(segment, stated)
        end = None if is_ongoing else _end(segment, following, limit, stated)
        reason, evidence = EndReason.ONGOING, _NO_EVIDENCE
        if end is not None:
            reason, evidence = self._reason(segment, following, end, stated)
        if end is not None and following is None and stated is None and _is_end_untold(segment):
            end = None
        runs = sorted(segment.runs, key=_by_start)
        not_blamed = self._not_blamed(segment, end) if reason is EndReason.TOXICITY else frozenset()
        courses = tuple(
            [
                self._course(run, segment, end, EndReason.UNKNOWN if run.agent in not_blamed else reason, limit)
                for run in runs
            ]
        )
        # Days read from words are one question, of however many drugs.
        doubts = segment.doubts + any(not run.is_certain for run in runs) + is_open_to_question
        agents = segment.agents
        return LineOfTherapy(
            number=segment.number,
            setting=Setting.METASTATIC,
            agents=tuple(sorted(agents)),
            maintenance_agents=self._maintained(courses) if len(courses) > 1 else (),
            regimen_id=regimen_of(agents, self._knowledge),
            start=segment.start,
            end=end,
            end_reason=reason,
            opened_by=segment.opened_by,
            closed_by=None if is_ongoing else following.opened_by if following is not None else _CURRENT,
            confidence=self._confidence(doubts),
            courses=courses,
            evidence=_all_evidence(evidence, runs),
        )

    def _confidence(self, doubts: int) -> Confidence:
        if not doubts:
            return Confidence.HIGH
        return Confidence.MODERATE if doubts < self._days["questions_low"] else Confidence.LOW

    def _is_ongoing(self, segment: Segment, stated: PartialDate | None) -> tuple[bool, bool]:
        """Whether the last line runs, and whether the record leaves that open; ``stated`` is a progression after its last dose."""
        still = [run for run in segment.runs if self._is_running(run)]
        agents = ", ".join(sorted({run.agent for run in still}))
        evidence = tuple(sorted({run.evidence[-1] for run in still}))
        if stated is None and still:
            self._fire(segment, FIRINGS["running"].format(agents=agents), evidence)
            return True, False
        if stated is None:
            is_told = any(run.stopped_for is not None for run in segment.runs)
            last = max(segment.runs, key=lambda it: (it.last_dose.last, it.agent))
            self._fire(segment, FIRINGS["ended_stop" if is_told else "ended"], last.evidence[-1:])
            return False, False
        near = tuple(ref for it in self._progressions.near(stated, segment.start) for ref in it.evidence)
        self._fire(segment, FIRINGS["ended_pd"].format(day=stated), near)
        # Where orders are never closed and doses never recorded, treatment beyond progression looks just like this.
        called_current = [run for run in still if run.is_open]
        if called_current:
            open_agents = ", ".join(sorted({run.agent for run in called_current}))
            self._fire(segment, FIRINGS["open_order"].format(agents=open_agents), evidence)
        return False, bool(called_current)

    def _is_running(self, run: Run) -> bool:
        if run.stopped_for is not None:
            return False
        if run.is_open:
            return True
        drug = self._drugs.get(run.agent)
        cycle = drug.cycle_days if drug is not None else None
        covered = run.covered if cycle is None else run.last_dose.plus_days(cycle)
        return run.is_given and covered.least_days_until(self._today) <= self._days["current"]

    def _reason(
        self, segment: Segment, following: Segment | None, end: PartialDate, stated: PartialDate | None
    ) -> tuple[EndReason, tuple[ResourceRef, ...]]:
        residue = self._days["residue"]
        told = _told_reasons(segment, end, residue)
        if EndReason.PROGRESSION in told:
            return EndReason.PROGRESSION, _NO_EVIDENCE
        if stated is not None:
            near = self._progressions.near(stated, segment.start)
            return EndReason.PROGRESSION, tuple(ref for it in near for ref in it.evidence)
        change = following.start if following is not None else end
        flagged = self._progressions.near(change, segment.start) or self._progressions.near(end, segment.start)
        if flagged:
            # A progression after a long time without the drugs is no progression on them.
            relevant = [it for it in flagged if end.least_days_until(it.day) <= self._days["pd_back"]]
            # A reason on record outweighs a progression that was treated through for weeks, or came weeks later.
            fresh = [it for it in relevant if abs(it.day.least_days_until(end)) <= residue]
            statements = fresh if fresh or told else relevant
            if statements:
                return EndReason.PROGRESSION, tuple(ref for it in statements for ref in it.evidence)
        if told:
            return next(it for it in GRAVEST_FIRST if it in told), _NO_EVIDENCE
        toxic = self._progressions.toxicity_near(segment.agents, end)
        return (EndReason.TOXICITY, toxic) if toxic else (EndReason.UNKNOWN, _NO_EVIDENCE)

    def _not_blamed(self, segment: Segment, end: PartialDate | None) -> frozenset[AgentId]:
        """The partners of a drug that an adverse effect is blamed on: why they ended with it is not told.

        A progression is one of the whole regimen; hand-foot syndrome on capecitabine says nothing of trastuzumab.
        """
        told = {run.agent for run in segment.runs if run.stopped_for is StopReason.TOXICITY}
        agents = frozenset(run.agent for run in segment.runs)
        blamed = told or (self._progressions.blamed_near(agents, end) if end is not None else frozenset())
        return agents - blamed if blamed else frozenset()

    def _course(
        self, run: Run, segment: Segment, line_end: PartialDate | None, reason: EndReason, limit: PartialDate
    ) -> Course:
        start = run.start if run.start.first_day >= segment.start.first_day else segment.start
        told = REASONS[run.stopped_for] if run.stopped_for is not None else None
        covered = run.covered
        if line_end is None:  # the line runs, or nobody recorded its end
            is_running = (
                reason is EndReason.ONGOING
                and run.stopped_for is None
                and (run.is_open or covered.least_days_until(limit) <= self._days["current"])
            )
            # A drug without an end shares the reason of the line; one that ended before keeps its own.
            shared = EndReason.UNKNOWN if run.until is not None or reason is EndReason.ONGOING else reason
            return Course(
                agent=run.agent,
                start=start,
                end=None if is_running else run.until,
                end_reason=EndReason.ONGOING if is_running else told or shared,
                is_end_certain=run.is_certain and run.until is not None,
                evidence=run.evidence,
            )
        goes_to_end = run.is_open or run.until is None or covered.least_days_until(line_end) <= self._days["residue"]
        is_carried = covered.last_day > line_end.last_day
        # A drug dropped while its partners went on did not fail with them, unless the record says so.
        outcome = reason if goes_to_end and (told is None or is_carried) else told or EndReason.UNKNOWN
        return Course(
            agent=run.agent,
            start=start,
            end=line_end if is_carried or run.is_open or run.until is None else covered,
            end_reason=outcome,
            is_end_certain=run.is_certain and run.until is not None,
            evidence=run.evidence,
        )

    def _maintained(self, courses: tuple[Course, ...]) -> tuple[AgentId, ...]:
        """The agents continued after the chemotherapy of the line had stopped for more than six weeks."""
        chemotherapy = self._knowledge.line_rules.members["chemotherapy"]
        chemo = [it.end for it in courses if it.agent in chemotherapy]
        ends = [it for it in chemo if it is not None]
        if not chemo or len(ends) < len(chemo):
            return ()
        last, most = max(ends, key=by_last), self._days["residue"]
        going_on = {
            it.agent
            for it in courses
            if it.agent not in chemotherapy and (it.end is None or last.least_days_until(it.end) > most)
        }
        return tuple(sorted(going_on))

    def _fire(self, segment: Segment, because: str, evidence: tuple[ResourceRef, ...]) -> None:
        self.firings.append(RuleFiring(rule=_CURRENT, line=segment.number, because=because, evidence=evidence))


def _told_reasons(segment: Segment, end: PartialDate, residue: int) -> set[EndReason]:
    """Why its last drugs were stopped, where a record says it."""
    if not any(run.stopped_for for run in segment.runs):
        return set()
    last = [run for run in segment.runs if run.covered.least_days_until(end) <= residue] or segment.runs
    # Why a drug was stopped in a later line says nothing about the end of this one.
    stopped = [run for run in last if end.least_days_until(run.last_dose) <= residue]
    return {REASONS[run.stopped_for] for run in stopped if run.stopped_for is not None}


def _is_end_untold(segment: Segment) -> bool:
    """Whether a drug of the last line has ended on a day that no record names, and none of them is known to have gone on."""
    return any(run.until is None and not run.is_open for run in segment.runs)


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


def _all_evidence(evidence: tuple[ResourceRef, ...], runs: list[Run]) -> tuple[ResourceRef, ...]:
    if len(runs) == 1 and not evidence:
        return runs[0].evidence
    return tuple(sorted(dict.fromkeys(chain(evidence, *[run.evidence for run in runs]))))


def _end(segment: Segment, following: Segment | None, limit: PartialDate, stated: PartialDate | None) -> PartialDate:
    """The last day covered; a drug whose end nobody recorded went on until the next line, or until the progression stated."""
    ends = [run.covered for run in segment.runs if not run.is_open and (following is None or run.until is not None)]
    known = [it for it in ends if it.first_day <= limit.last_day]
    if len(ends) < len(segment.runs):  # the others are endless
        return limit if stated is None else max([stated, *known], key=by_last)
    last = max(known, key=by_last, default=limit)
    if len(known) < len(ends) or (last.is_exact and last.last_day > limit.last_day):
        return limit
    # A year or a month stays one, and is only over by then.
    return last if last.last_day <= limit.last_day else PartialDate.between(last.first, limit.last)
