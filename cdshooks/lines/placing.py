"""Whether a course belongs to the running line, by which rule, and what stays open about it. Source: R8 to R14."""

from __future__ import annotations

from cdshooks.knowledge.ids import AgentId, LineRuleId
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Run
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.sentences import ALTERNATIVES
from cdshooks.partial_date import PartialDate, by_last
from cdshooks.record.model import StopReason

_HARD_STOPS = frozenset({StopReason.PROGRESSION, StopReason.TOXICITY})
_PARTNERS = frozenset({"chemotherapy", "antibody", "intensifier"})


class Segment:
    """A line while it is being built."""

    def __init__(self, number: int, opened_by: str, first: Run) -> None:
        self.number = number
        self.opened_by = LineRuleId(opened_by)
        self.start = first.start
        self.runs: list[Run] = [first]
        self.doubts = 0
        self.resumed: list[Run] = []
        """Courses that came back late in the line; they belong to the next one if it opens at once."""
        self.lingering: frozenset[AgentId] = frozenset()
        """Drugs of the line before that still covered the start of this one."""

    @property
    def agents(self) -> frozenset[AgentId]:
        """The agents of the line."""
        return frozenset([it.agent for it in self.runs])

    @property
    def groups(self) -> frozenset[str]:
        """The groups of drugs of which one belongs to the line."""
        return frozenset().union(*[it.groups for it in self.runs])

    @property
    def covered_until(self) -> PartialDate:
        """The last day that the line's drugs cover."""
        return max([it.covered for it in self.runs], key=by_last)

    @property
    def last_dose(self) -> PartialDate:
        """The last day on which one of its drugs was given."""
        return max([it.last_dose for it in self.runs], key=by_last)

    def running_at(self, day: PartialDate) -> list[Run]:
        """The courses that cover a day, or whose end is not on record."""
        first = day.first_day
        return [it for it in self.runs if it.is_open or it.until is None or it.until.last_day >= first]


class Doubted:
    """An open question about where a course belongs."""

    def __init__(self, code: str, delta: int, run: Run, *, sentence: str | None = None, days: int = 0) -> None:
        self.code, self.delta = code, delta
        self._run, self._sentence, self._days = run, sentence or code, days

    def because(self, agents: str | None = None) -> str:
        """The sentence for people; ``agents`` names the drugs that started together."""
        return ALTERNATIVES[self._sentence].format(agent=agents or self._run.agent, days=self._days)


class Placement:
    """Where a course belongs: the rule that keeps it in the running line (None: it opens one), and what stays open."""

    __slots__ = ("doubts", "rule", "run")

    def __init__(self, run: Run, rule: str | None, *doubts: Doubted) -> None:
        self.run, self.rule, self.doubts = run, rule, doubts


class Placing:
    """The rules asked for the courses of one day against the running line; asking changes nothing."""

    def __init__(self, line: Segment, rules: LineRules, progressions: Progressions, *, has_progressed: bool) -> None:
        self._line, self._rules, self._progressions = line, rules, progressions
        self._days = rules.values
        self._has_progressed = has_progressed
        self._agents = line.agents

    def place(self, run: Run) -> Placement:
        """Where the course belongs."""
        line = self._line
        since_start, vague = self._since_start(run)
        if since_start <= self._days["combo"]:
            replaced = self._replaced_at_once(run)
            if not replaced:
                return Placement(run, "R8-regimen", *vague)
            if not any(it.stopped_for in _HARD_STOPS for it in replaced):
                return Placement(run, "R8-regimen", *vague, Doubted("SHORT_EXPOSURE", 1, run))
        if run.agent in self._agents:
            return Placement(run, "R4-course") if run.continues else self._resumed(run, vague)
        if run.continues and run.agent in line.lingering:
            return Placement(run, "R8-regimen")
        running = line.running_at(run.start)
        kept = self._endocrine(run, running) if "endocrine" in run.groups else None
        if kept is None and not self._has_progressed:
            kept = self._without_progression(run, since_start, running)
        if kept is not None:
            return kept
        return Placement(run, None, *vague, *self._doubts_about_new(run, running))

    def _since_start(self, run: Run) -> tuple[int, tuple[Doubted, ...]]:
        """Days since the line began: the least where that settles it, else the middle of what months or years allow."""
        start, window = self._line.start, self._days["combo"]
        least, most = start.least_days_until(run.start), -run.start.least_days_until(start)
        if most <= window or least > window or run.start == start:
            return least, ()
        middle = (least + most) // 2
        if run.agent in self._agents:
            return middle, ()
        if middle <= window:
            return middle, (Doubted("OUTSIDE", 1, run, sentence="VAGUE_SAME"),)
        return middle, (Doubted("OUTSIDE", -1, run, sentence="VAGUE_NEW"),)

    def _replaced_at_once(self, run: Run) -> list[Run]:
        """The drugs of a very short treatment that this one replaces; none while one of them goes on."""
        earlier = [it for it in self._line.runs if it.start != run.start]
        # What the last dose still covers is no sign that the old drug goes on: a next dose would be.
        if any(it.is_open or it.until is None or it.last_dose.is_before(run.start) is not True for it in earlier):
            return []
        return earlier

    def _resumed(self, run: Run, vague: tuple[Doubted, ...]) -> Placement:
        rules, line = self._rules, self._line
        running = line.running_at(run.start)
        # Neither the drug itself nor one whose end nobody recorded shows that a partner went on through a progression.
        went_on = any(it.agent != run.agent and (it.is_open or it.until is not None) for it in running)
        if running and (went_on or not self._has_progressed):
            if not self._has_progressed:
                return Placement(run, "R11-component-resumed" if rules.is_on("R11-component-resumed") else None)
            is_kept = "anti_her2" in run.groups and rules.is_on("R10-break")
            return Placement(run, "R10-break" if is_kept else None, *vague)
        gap = max(line.last_dose.least_days_until(run.start), 0)
        own_gap = min(
            0 if it.until is None else it.until.least_days_until(run.start) for it in line.runs if it.agent == run.agent
        )
        is_put_back = self._has_progressed and own_gap > self._days["gap_hi"]
        if rules.is_on("R10-break") and not is_put_back:
            if gap <= self._days["gap_hi"]:
                return Placement(run, "R10-break")
            if gap <= self._days["gap_max"] and not self._progressed_in_gap(run):
                return Placement(run, "R10-break", Doubted("GAP", 1, run, days=gap))
        if gap <= self._days["rechallenge_open"] and not self._progressed_in_gap(run):
            return Placement(run, None, *vague, Doubted("RECHALLENGE", -1, run, days=gap))
        is_silent = not self._progressed_in_gap(run) and all(it.stopped_for is None for it in line.runs)
        if is_silent:
            return Placement(run, None, *vague, Doubted("OUTSIDE", -1, run, sentence="SILENCE", days=gap))
        return Placement(run, None, *vague)

    def _progressed_in_gap(self, run: Run) -> bool:
        return self._has_progressed or bool(self._progressions.between(self._line.last_dose, run.start))

    def _endocrine(self, run: Run, running: list[Run]) -> Placement | None:
        rules, line = self._rules, self._line
        had_endocrine, had_anti_her2 = "endocrine" in line.groups, "anti_her2" in line.groups
        backbone = [it for it in running if "anti_her2" in it.groups]
        after_chemo = self._days_since_chemotherapy(run)
        is_soon_after_chemo = after_chemo is not None and after_chemo <= self._days["maint"]
        if backbone:
            if had_endocrine or not rules.is_on("R10-maintenance"):
                return None
            if not self._has_progressed:
                return Placement(run, "R10-maintenance")
            # A flag in the weeks when a taxane stops does not break the line while the antibodies go on unchanged.
            # What the last dose still covers does not say that they go on: a next dose would.
            go_on = any(it.is_open or it.until is None or it.last_dose.is_after(run.start) for it in backbone)
            if is_soon_after_chemo and go_on:
                return Placement(run, "R10-maintenance", Doubted("ET_AFTER", 1, run, sentence="ET_ADDED"))
            return None
        if self._has_progressed or had_endocrine:
            return None
        if had_anti_her2:
            gap = 0 if running else line.covered_until.least_days_until(run.start)
            if gap <= self._days["maint"] and rules.is_on("R12-endocrine-alone"):
                return Placement(run, "R12-endocrine-alone", Doubted("ET_AFTER", 1, run))
        elif is_soon_after_chemo and rules.is_on("R10-maintenance"):
            return Placement(run, "R10-maintenance")
        return None

    def _days_since_chemotherapy(self, run: Run) -> int | None:
        ended = [
            max(it.covered.least_days_until(run.start), 0) for it in self._line.runs if "chemotherapy" in it.groups
        ]
        return min(ended, default=None)

    def _without_progression(self, run: Run, since_start: int, running: list[Run]) -> Placement | None:
        rules, groups = self._rules, run.groups
        if self._is_swapped(run) and rules.is_on("R10-swap"):
            return Placement(run, "R10-swap")
        is_late_partner = bool(running) and "antibody" in groups and since_start <= self._days["late"]
        if is_late_partner and rules.is_on("R10-late-partner"):
            return Placement(run, "R10-late-partner", Doubted("LATE_PARTNER", 1, run))
        if self._is_sequence(run, is_running=bool(running)) and rules.is_on("R10-sequence"):
            return Placement(run, "R10-sequence", Doubted("SEQUENCE", 1, run))
        if self._is_intensified(run, running) and rules.is_on("R10-intensified"):
            return Placement(run, "R10-intensified", Doubted("INTENSIFY", 1, run))
        is_her2_late = (
            bool(running)
            and "anti_her2" in groups
            and "anti_her2" not in self._line.groups
            and since_start <= self._days["her2_late"]
        )
        if is_her2_late and rules.is_on("R10-her2-late"):
            return Placement(run, "R10-her2-late", Doubted("HER2_LATE", 1, run))
        return None

    def _is_swapped(self, run: Run) -> bool:
        if run.agent not in self._rules.swaps:
            return False
        within = self._days["swap"]
        return any(
            it.until is None or it.until.least_days_until(run.start) <= within
            for it in self._line.runs
            if self._rules.may_swap(it.agent, run.agent)
        )

    def _is_sequence(self, run: Run, *, is_running: bool) -> bool:
        is_first, is_second = "sequence_first" in run.groups, "sequence_second" in run.groups
        if not is_first and not is_second:
            return False
        # The second part may start on several days: its drugs already placed do not count against it.
        first = [it for it in self._line.runs if it.start.least_days_until(run.start) > self._days["combo"]]
        before = is_second and bool(first) and all("sequence_first" in it.groups for it in first)
        if not before and not (is_first and "swap_taxane" in self._line.groups):
            return False
        return is_running or self._line.covered_until.least_days_until(run.start) <= self._days["sequence"]

    def _is_intensified(self, run: Run, running: list[Run]) -> bool:
        if "intensifier" not in run.groups:
            return False
        if not any({"antibody", "anti_her2"} <= it.groups for it in running):
            return False
        since = self._days_since_chemotherapy(run)
        return since is not None and since <= self._days["maint"]

    def _doubts_about_new(self, run: Run, running: list[Run]) -> tuple[Doubted, ...]:
        """What speaks against a new line although a drug outside the regimen was started."""
        if run.agent == "investigational":
            return (Doubted("TRIAL", -1, run),)
        kept = [it for it in running if "antibody" in it.groups]
        if "endocrine" in run.groups and kept and "endocrine" in self._line.groups:
            return (Doubted("ET_SWAP", -1, run),)
        if self._has_progressed:
            return ()
        was_stopped_for = {it.stopped_for for it in self._line.runs}
        if StopReason.TOXICITY in was_stopped_for or self._progressions.toxicity_near(self._agents, run.start):
            return (Doubted("TOX_SWITCH", -1, run),)
        if kept and not _PARTNERS.isdisjoint(run.groups):
            return (Doubted("NO_PD_NEW_PARTNER", -1, run),)
        return ()
