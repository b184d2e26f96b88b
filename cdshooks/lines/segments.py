"""Courses to regimens in order: what opens a line and what it takes over. Source: R8 to R14."""

from __future__ import annotations

from datetime import date
from itertools import chain, groupby
from operator import attrgetter

from cdshooks.knowledge.ids import AgentId, LineRuleId, ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Run, joined
from cdshooks.lines.model import Alternative, RuleFiring
from cdshooks.lines.placing import Doubted, Placement, Placing, Segment
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.sentences import FIRINGS
from cdshooks.partial_date import PartialDate, by_first
from cdshooks.record.model import StopReason


class Segmenter:
    """Walks the courses of the metastatic setting once, in order of their start; courses of one day are placed together."""

    def __init__(self, rules: LineRules, progressions: Progressions, *, as_of: date) -> None:
        self._rules, self._progressions, self._days = rules, progressions, rules.values
        self._today = PartialDate.from_day(as_of)
        self.segments: list[Segment] = []
        self._seen: set[AgentId] = set()
        """The drugs of all lines so far."""
        self.alternatives: list[Alternative] = []
        self.firings: list[RuleFiring] = []

    def walk(self, runs: tuple[Run, ...]) -> None:
        """Put each course into the line it belongs to."""
        for _, same_day in groupby(runs, key=attrgetter("start")):
            together = list(same_day)
            self._place_all(together)
            self._seen |= {it.agent for it in together}

    def _place_all(self, runs: list[Run]) -> None:
        if not self.segments:
            self._start_first(runs)
            return
        line = self.segments[-1]
        stated = self.progressed(runs[0], line)
        placing = Placing(line, self._rules, self._progressions, has_progressed=stated is not None)
        placements = [placing.place(run) for run in runs]
        opening = [it for it in placements if it.rule is None]
        if not opening:
            for placed in placements:
                self._join(line, placed)
            return
        # Drugs of one day are one decision: the newest kind of drug among them says what opens the line.
        opener = opening[0]
        if len(opening) > 1:
            opener = min(opening, key=lambda it: (self._newness(it.run), it.run.agent))
        self._open(opener, line, stated, runs)
        for placed in placements:
            if placed is not opener:
                new = self.segments[-1]
                new.runs = [it for it in new.runs if it.agent != placed.run.agent]
                self._join(new, Placement(placed.run, "R8-regimen"))
        self._doubt_vague(self.segments[-1], runs)

    def _start_first(self, runs: list[Run]) -> None:
        line = Segment(1, "R8-regimen", runs[0])
        self.segments.append(line)
        together = ", ".join(sorted(it.agent for it in runs))
        self._fire("R8-regimen", 1, FIRINGS["first"].format(agent=together), _of_all(runs))
        for run in runs[1:]:
            self._join(line, Placement(run, "R8-regimen"))
        self._doubt_vague(line, runs)

    def _doubt_vague(self, line: Segment, runs: list[Run]) -> None:
        """Drugs of one month or year that are never given together were given one after the other."""
        start = runs[0].start
        if start.is_exact or start.days_until(start).most <= self._days["combo"]:
            return
        apart = self._most_regimens(runs)
        if len(apart) > 1:
            self._doubt(line, Doubted("OUTSIDE", len(apart) - 1, apart[0], sentence="VAGUE_SAME"), apart[0])

    def _most_regimens(self, runs: list[Run]) -> list[Run]:
        """Drugs of which no two make one regimen: the most that could have been given one after the other."""
        alone = [it for it in runs if "conjugate" in it.groups]
        others = sorted((it for it in runs if it not in alone), key=attrgetter("covered.first_day", "covered.last_day"))
        kinases = [it for it in others if "kinase" in it.groups]
        chemo = [it for it in others if "chemotherapy" in it.groups and "sequence_first" not in it.groups]
        # Capecitabine is the usual partner of a kinase inhibitor; other chemotherapy came before or after it.
        led = [*kinases, *(it for it in chemo if not kinases or "swap_fluoropyrimidine" not in it.groups)]
        antibodies = [it for it in others if "antibody" in it.groups and "taken_only_with_antibody" not in it.groups]
        failed = [
            it
            for it in others[:-1]
            if it.stopped_for == StopReason.PROGRESSION and it.covered.is_before(others[-1].covered) is True
        ]
        return [*alone, *max(led, antibodies, [*failed[:1], *others[-1:]], key=len)]

    def progressed(self, run: Run, line: Segment) -> tuple[ResourceRef, ...] | None:
        """The records of a progression near the start of a course, or of a drug of the line stopped for it; None if none is.

        A dated stop counts however long ago it was when nothing of the line was given after it.
        """
        far = self._days["gap_max"]
        stops = [
            it.evidence[-1:]
            for it in line.runs
            if it.stopped_for is StopReason.PROGRESSION
            and it.last_dose.first_day <= run.start.last_day
            and (
                it.last_dose.least_days_until(run.start) <= far
                or (it.until is not None and not any(other.last_dose.is_after(it.last_dose) for other in line.runs))
            )
        ]
        stated = [it.evidence for it in self._progressions.near(run.start, line.start)]
        return tuple(chain(*stops, *stated)) if stops or stated else None

    def _newness(self, run: Run) -> int:
        """The order in which drugs of one day are asked what they open: anti-HER2, chemotherapy, the rest, drugs that return."""
        if run.agent in self._seen:
            return 4
        if run.agent == "investigational":
            return 3
        if "anti_her2" in run.groups:
            return 0
        return 1 if "chemotherapy" in run.groups else 2

    def _join(self, line: Segment, placed: Placement) -> None:
        run, rule = placed.run, placed.rule or "R8-regimen"
        if run.continues:
            same = next((it for it in reversed(line.runs) if it.agent == run.agent), None)
            if same is not None:
                line.runs[line.runs.index(same)] = joined(same, run)
                return
        line.runs.append(run)
        if rule in {"R10-break", "R11-component-resumed"}:
            line.resumed.append(run)
        sentence = FIRINGS["joined" if rule == "R8-regimen" else rule].format(agent=run.agent)
        self._fire(rule, line.number, sentence, run.evidence)
        for doubt in placed.doubts:
            self._doubt(line, doubt, run)

    def _open(
        self, placed: Placement, before: Segment, stated: tuple[ResourceRef, ...] | None, runs: list[Run]
    ) -> None:
        run, together = placed.run, ", ".join(sorted(it.agent for it in runs))
        rule, sentence = self._opening_rule(run, before, has_progressed=stated is not None)
        line = Segment(len(self.segments) + 1, rule, run)
        self.segments.append(line)
        self._fire(rule, line.number, FIRINGS[sentence].format(agent=together), _of_all(runs) + (stated or ()))
        self._take_over(before, line, run)
        for doubt in placed.doubts:
            self._doubt(line, doubt, run, together)

    def _opening_rule(self, run: Run, before: Segment, *, has_progressed: bool) -> tuple[str, str]:
        if run.agent in before.agents:
            return "R11-rechallenge", "again_pd" if has_progressed else "again"
        if run.agent == "investigational":
            return "R14-trial-drug", "trial"
        if "endocrine" in run.groups and "anti_her2" in before.groups and not before.running_at(run.start):
            return "R12-endocrine-alone", "et_alone"
        if run.agent in self._seen:
            return "R11-rechallenge", "again_pd" if has_progressed else "again"
        return "R9-new-agent", "new_pd" if has_progressed else "new"

    def _take_over(self, before: Segment, line: Segment, run: Run) -> None:
        """Backbone drugs that go on belong to the new regimen too; lingering old drugs do not. Source: R8, R13."""
        near = self._days["combo"]
        for old in before.resumed:
            # What came back just before the new drug came back with it.
            if old.agent != run.agent and old.start.least_days_until(line.start) <= near and old in before.runs:
                before.runs.remove(old)
                line.runs.append(old)
                line.start = min(line.start, old.start, key=by_first)
                self._drop_doubts(before, old)
        taken = {it.agent for it in line.runs}
        for old in before.runs:
            if old.agent in taken:
                continue
            # Tablets last as long as their supply; what an infusion still covers is no treatment in the new line.
            lasts = old.covered if "tablets" in old.groups else old.last_dose
            if lasts.is_before(line.start) is not True:
                line.lingering = line.lingering | {old.agent}
            if self._goes_on(old, run):
                line.runs.append(old)
                taken.add(old.agent)
                sentence = FIRINGS["carried"].format(agent=old.agent, number=before.number)
                self._fire("R8-regimen", line.number, sentence, old.evidence[-1:])
            elif old.until is not None and old.last_dose.is_after(run.start) and old.until.is_after(run.start) is True:
                self._fire("R13-residue", before.number, FIRINGS["residue"].format(agent=old.agent), old.evidence[-1:])

    def _goes_on(self, old: Run, run: Run) -> bool:
        is_backbone, to_conjugate = "antibody" in old.groups, "conjugate" in run.groups
        if old.is_open or old.until is None:
            # An order never closed goes on only where the new regimen would keep it.
            kept = is_backbone and old.is_open and not to_conjugate
            return kept and not ("taken_only_with_antibody" in old.groups and "kinase" in run.groups)
        limit = self._days["overlap" if is_backbone else "residue"]
        # What an infusion still covers after its last dose is no sign that it went on.
        lasts = old.until if "tablets" in old.groups else old.last_dose
        goes_on_for = run.start.least_days_until(lasts)
        if goes_on_for > limit and run.start.least_days_until(old.last_dose) > 0:
            return True
        # In the first weeks of a line nobody can know yet how long an antibody that is still given will go on.
        is_current = old.until.least_days_until(self._today) <= self._days["current"]
        return is_backbone and is_current and not to_conjugate and goes_on_for >= 0

    def _drop_doubts(self, line: Segment, run: Run) -> None:
        kept = [
            it
            for it in self.alternatives
            if not (it.line == line.number and it.code == "GAP" and it.evidence == run.evidence)
        ]
        line.doubts -= len(self.alternatives) - len(kept)
        self.alternatives = kept

    def _doubt(self, line: Segment, doubt: Doubted, run: Run, together: str | None = None) -> None:
        asked = [(it.code, it.line, it.delta > 0) for it in self.alternatives]
        if (doubt.code, line.number, doubt.delta > 0) in asked:
            return  # two drugs of one day are one open question
        line.doubts += 1
        self.alternatives.append(
            Alternative(
                code=doubt.code,
                delta=doubt.delta,
                because=doubt.because(together),
                line=line.number,
                evidence=run.evidence,
            )
        )

    def _fire(self, rule: str, line: int, because: str, evidence: tuple[ResourceRef, ...]) -> None:
        self.firings.append(RuleFiring(rule=LineRuleId(rule), line=line, because=because, evidence=evidence))


def _of_all(runs: list[Run]) -> tuple[ResourceRef, ...]:
    """The records of all drugs that a sentence names, each once: a mixture tells of several."""
    return tuple(dict.fromkeys(chain.from_iterable(it.evidence for it in runs)))
