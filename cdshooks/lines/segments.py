"""Courses to regimens in order: what opens a line and what stays within one. Source: R8 to R14."""

from __future__ import annotations

from cdshooks.knowledge.ids import AgentId, LineRuleId, ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Groups, Run
from cdshooks.lines.model import Alternative, RuleFiring
from cdshooks.lines.progressions import Progressions
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import StopReason


class Segment:
    """A line while it is being built."""

    def __init__(self, number: int, opened_by: str, first: Run) -> None:
        self.number = number
        self.opened_by = LineRuleId(opened_by)
        self.start = first.start
        self.runs: list[Run] = [first]
        self.doubts = 0

    @property
    def agents(self) -> tuple[AgentId, ...]:
        """The agents of the line, sorted."""
        return tuple(sorted({it.agent for it in self.runs}))

    def covered_until(self, run_filter: AgentId | None = None) -> PartialDate:
        """The last day that the line's drugs (or one of them) cover."""
        runs = [it for it in self.runs if run_filter is None or it.agent == run_filter]
        return max((it.until or it.last_dose for it in runs), key=lambda it: (it.last, it.first))

    def running_at(self, day: PartialDate, agent: AgentId | None = None) -> list[Run]:
        """The courses that cover a day, or whose end is not on record."""
        return [
            it
            for it in self.runs
            if (agent is None or it.agent == agent)
            and (it.is_open or it.until is None or it.until.days_until(day).least <= 0)
        ]


class Segmenter:
    """Walks the courses of the metastatic setting once, in order of their start."""

    def __init__(self, groups: Groups, rules: LineRules, progressions: Progressions) -> None:
        self._groups, self._rules, self._progressions = groups, rules, progressions
        self.segments: list[Segment] = []
        self.alternatives: list[Alternative] = []
        self.firings: list[RuleFiring] = []

    def walk(self, runs: tuple[Run, ...]) -> None:
        """Put each course into the line it belongs to."""
        for run in runs:
            if not self.segments:
                self._open(run, "R8-regimen", "The first drug of the metastatic setting opens the first line.", None)
            else:
                self._place(run, self.segments[-1])

    def _place(self, run: Run, line: Segment) -> None:
        has_progressed = self._progressions.near(run.start, line.start, self._stops(line, run))
        since_start = self._since_start(run, line)
        rule = self._same_line(run, line, since_start, has_progressed=has_progressed)
        if rule is not None:
            line.runs.append(run)
            self._fire(rule, line.number, f"{run.agent} joined the running regimen.", run.evidence)
            return
        is_return = run.agent in line.agents
        if is_return:
            because = f"{run.agent} was given again after a break or progression."
            self._open(run, "R11-rechallenge", because, line, has_progressed=has_progressed)
        elif self._groups.has("endocrine", run.agent) and not line.running_at(run.start):
            self._open(
                run,
                "R12-endocrine-alone",
                f"{run.agent} alone followed the regimen.",
                line,
                has_progressed=has_progressed,
            )
        elif run.agent == "investigational":
            self._open(run, "R14-trial-drug", "A trial drug was started.", line, has_progressed=has_progressed)
        else:
            reason = "after progression" if has_progressed else "after the first weeks of the regimen"
            self._open(run, "R9-new-agent", f"{run.agent} was started {reason}.", line, has_progressed=has_progressed)

    def _same_line(self, run: Run, line: Segment, since_start: int, *, has_progressed: bool) -> str | None:
        """The rule by which a course belongs to the running line, or None."""
        days = self._rules.days
        if since_start <= days("combo") and not self._replaces_at_once(run, line):
            return "R8-regimen"
        if run.agent in line.agents:
            return self._resumed(run, line, has_progressed=has_progressed)
        running = line.running_at(run.start)
        backbone = [it for it in running if self._groups.has("anti_her2", it.agent)]
        # A course whose end is not on record may have gone on until now.
        gap = 0 if running else line.covered_until().days_until(run.start).least
        if self._groups.has("endocrine", run.agent):
            # A flag in the weeks when a taxane stops does not break the line while the antibodies go on unchanged.
            if backbone and not self._had_endocrine(line):
                return "R10-maintenance"
            if (
                not backbone
                and not has_progressed
                and self._groups.any_of("anti_her2", line.agents)
                and gap <= days("maint")
            ):
                self._doubt(
                    line, "ET_AFTER", 1, f"{run.agent} alone after anti-HER2 therapy could be a line of its own.", run
                )
                return "R12-endocrine-alone"
        if has_progressed:
            return None
        replaced = [it for it in line.runs if self._groups.swap(it.agent, run.agent) and it.agent != run.agent]
        if replaced and min(
            (it.until.days_until(run.start).least if it.until is not None else 0 for it in replaced), default=0
        ) <= days("swap"):
            return "R10-swap"
        if self._groups.has("antibody", run.agent) and since_start <= days("late") and running:
            self._doubt(line, "LATE_PARTNER", 1, f"{run.agent} joined late; it could be a new line.", run)
            return "R10-late-partner"
        if self._is_sequence(run, line) and gap <= days("sequence"):
            self._doubt(line, "SEQUENCE", 1, "A planned sequence of anthracycline and taxane could be two lines.", run)
            return "R10-sequence"
        if self._is_intensified(run, line, backbone):
            self._doubt(line, "INTENSIFY", 1, f"{run.agent} was added to the maintenance; it could be a new line.", run)
            return "R10-intensified"
        if self._groups.has("anti_her2", run.agent) and running and not self._groups.any_of("anti_her2", line.agents):
            self._doubt(
                line, "HER2_LATE", 1, "Anti-HER2 therapy was added when HER2 became known; it could be a new line.", run
            )
            return "R10-her2-late"
        return None

    def _since_start(self, run: Run, line: Segment) -> int:
        """Days since the line began: the least where that settles it, else the middle of what months or years allow."""
        days, window = line.start.days_until(run.start), self._rules.days("combo")
        if run.start == line.start or days.most <= window or days.least > window:
            return days.least
        middle = (days.least + days.most) // 2
        if run.agent not in line.agents:
            is_same = middle <= window
            because = f"{run.agent} started on a day known too vaguely to tell whether it opened a line."
            self._doubt(line, "OUTSIDE", 1 if is_same else -1, because, run)
        return middle

    def _replaces_at_once(self, run: Run, line: Segment) -> bool:
        """Whether the drug replaces a regimen of one dose: then it is merged, with an alternative."""
        earlier = [it for it in line.runs if it.start != run.start]
        # What the last dose still covers is no sign that the old drug goes on: a next dose would be.
        if not earlier or any(
            it.is_open or it.until is None or it.last_dose.is_before(run.start) is not True for it in earlier
        ):
            return False
        stopped = any(it.stopped_for in {StopReason.PROGRESSION, StopReason.TOXICITY} for it in earlier)
        if not stopped:
            self._doubt(
                line, "SHORT_EXPOSURE", 1, "A very short treatment before this one could be a line of its own.", run
            )
        return stopped

    def _resumed(self, run: Run, line: Segment, *, has_progressed: bool) -> str | None:
        days = self._rules.days
        if line.running_at(run.start) and not has_progressed:
            return "R11-component-resumed"
        if line.running_at(run.start):
            same = [it for it in line.runs if it.agent == run.agent]
            is_backbone = self._groups.has("anti_her2", run.agent) and not self._groups.any_of(
                "chemotherapy", tuple(it.agent for it in same)
            )
            return "R10-break" if is_backbone else None
        ends = [it.until or it.last_dose for it in line.runs]
        last = max((it.last_dose for it in line.runs), key=lambda it: (it.last, it.first), default=ends[-1])
        gap = last.days_until(run.start)
        if gap.least <= days("gap_hi"):
            return "R10-break"
        if gap.least <= days("gap_max") and not has_progressed:
            self._doubt(
                line,
                "GAP",
                1,
                f"{run.agent} was resumed after a break of {gap.least} days; it could be a new line.",
                run,
            )
            return "R10-break"
        if not has_progressed and gap.least <= days("rechallenge_open"):
            self._doubt(
                line,
                "RECHALLENGE",
                -1,
                f"{run.agent} came back without known progression; it could be the same line.",
                run,
            )
        return None

    def _had_endocrine(self, line: Segment) -> bool:
        return self._groups.any_of("endocrine", line.agents)

    def _is_sequence(self, run: Run, line: Segment) -> bool:
        groups = self._groups
        # The second part may start on several days: its drugs already placed do not count against it.
        first = [it for it in line.runs if it.start.days_until(run.start).least > self._rules.days("combo")]
        before = (
            bool(first)
            and all(groups.has("sequence_first", it.agent) for it in first)
            and groups.has("sequence_second", run.agent)
        )
        after = groups.has("sequence_first", run.agent) and groups.any_of("swap_taxane", line.agents)
        return before or after

    def _is_intensified(self, run: Run, line: Segment, backbone: list[Run]) -> bool:
        groups = self._groups
        if (
            not groups.has("intensifier", run.agent)
            or not backbone
            or not groups.any_of("antibody", tuple(it.agent for it in backbone))
        ):
            return False
        chemo = [it for it in line.runs if groups.has("chemotherapy", it.agent)]
        ended = [(it.until or it.last_dose).days_until(run.start).least for it in chemo]
        return bool(ended) and min(ended) <= self._rules.days("maint")

    def _stops(self, line: Segment, run: Run) -> tuple[PartialDate, ...]:
        """When drugs of the line were stopped for progression: that is progression too."""
        return tuple(
            it.last_dose
            for it in line.runs
            if it.stopped_for == StopReason.PROGRESSION and it.last_dose.first <= run.start.last
        )

    def _open(self, run: Run, rule: str, because: str, before: Segment | None, *, has_progressed: bool = False) -> None:
        line = Segment(len(self.segments) + 1, rule, run)
        if before is not None:
            self._carry_over(before, line, run)
            if run.agent == "investigational":
                self._doubt(line, "TRIAL", -1, "The trial drug is unnamed; it could belong to the line before.", run)
            elif not has_progressed:
                self._doubt_boundary(run, before, line)
        self.segments.append(line)
        self._fire(rule, line.number, because, run.evidence)

    def _carry_over(self, before: Segment, line: Segment, run: Run) -> None:
        """Backbone drugs that go on belong to the new regimen too; lingering old drugs do not. Source: R8, R13."""
        for old in before.runs:
            if old.agent == run.agent:
                continue
            limit = "overlap" if self._groups.has("antibody", old.agent) else "residue"
            if old.is_open or old.until is None:
                # An order never closed goes on only where the new regimen would keep it.
                goes_on = (
                    self._groups.has("antibody", old.agent)
                    and not self._groups.has("conjugate", run.agent)
                    and old.is_open
                )
            else:
                goes_on = (
                    run.start.days_until(old.until).least > self._rules.days(limit)
                    and run.start.days_until(old.last_dose).least > 0
                )
            if goes_on:
                line.runs.append(old)

    def _doubt_boundary(self, run: Run, before: Segment, line: Segment) -> None:
        reasons = {it.stopped_for for it in before.runs}
        if StopReason.TOXICITY in reasons:
            self._doubt(
                line,
                "TOX_SWITCH",
                -1,
                "The change was for toxicity without progression; some count it as the same line.",
                run,
            )
        elif any(
            self._groups.has("antibody", it.agent) for it in line.runs if it.agent != run.agent
        ) and self._groups.has("chemotherapy", run.agent):
            self._doubt(
                line,
                "NO_PD_NEW_PARTNER",
                -1,
                "A new partner joined running trastuzumab without recorded progression.",
                run,
            )

    def _doubt(self, line: Segment, code: str, delta: int, because: str, run: Run) -> None:
        if any((it.code, it.line) == (code, line.number) for it in self.alternatives):
            return  # two drugs of one day are one open question
        line.doubts += 1
        self.alternatives.append(
            Alternative(code=code, delta=delta, because=because, line=line.number, evidence=run.evidence)
        )

    def _fire(self, rule: str, line: int, because: str, evidence: tuple[ResourceRef, ...]) -> None:
        self.firings.append(RuleFiring(rule=LineRuleId(rule), line=line, because=because, evidence=evidence))
