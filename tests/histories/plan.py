"""A patient's treatment as a clinician decides it, and the lines of therapy that follow from those decisions.

Truth by construction. A line opens because :meth:`Decisions.open_line` was called: the clinician of the plan decided on a
new systemic treatment *because* the last one had failed, was not tolerated or was finished. A drug belongs to a line because
it was chosen with it (:meth:`open_line`) or decided on as part of it (:meth:`add`, :meth:`swap`, :meth:`resume`). Nothing here
measures an interval to find out whether a line changed, and nothing here imports the rule engine or its parameters: the
plan says what was meant, the resources rendered from it say what an EHR knows.

What stays a convention, and whose:

* A switch of drug class for toxicity is a new line, a swap inside a class is not; planned maintenance and de-escalation belong
  to the line; early (C) and advanced (P) lines are counted apart: Saini and Twelves, Br J Cancer 2021;125:155.
* Trastuzumab kept beyond progression with a new partner is a new line: so count the trials that randomised it (GBG-26, EGF104900).
* Local treatment of isolated brain progression with the systemic treatment unchanged opens no line: HER2CLIMB let such
  patients stay on their assigned treatment (Lin et al., JAMA Oncol 2023;9:197).
* Endocrine, CDK4/6 or tucatinib maintenance after a taxane is first-line treatment: PATINA (NCT02947685), HER2CLIMB-05
  (NCT05132582) enrolled patients without progression and called the whole first line.
* A break that the patient and clinician planned, with the same drugs resumed and no progression, is the same line.
* The regimen of a line lists every drug decided on as part of it, also those that came later or left early.

Where clinicians would not agree (one dose and a change, HER2 found late), or where only the intention tells a planned step
from a new line (a partner that comes in the third month, a break of most of a year), the kind is marked as one whose answer
the record cannot give; the bench then asks only for an honest range. The intervals of the other kinds are those of practice
and of the trials named, so they mostly lie inside the windows that any set of line rules allows for; the kinds just named are
there because clinicians do not keep to windows.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta

DAILY = None
CYCLE_DAYS: dict[str, int | None] = {
    "paclitaxel": 7,
    "nab-paclitaxel": 7,
    "vinorelbine": 7,
    "eribulin": 7,
    "gemcitabine": 7,
    "fulvestrant": 28,
    "goserelin": 28,
    "capecitabine": DAILY,
    "tucatinib": DAILY,
    "lapatinib": DAILY,
    "neratinib": DAILY,
    "letrozole": DAILY,
    "anastrozole": DAILY,
    "exemestane": DAILY,
    "tamoxifen": DAILY,
    "palbociclib": DAILY,
    "abemaciclib": DAILY,
}
"""Days between doses as usually given; every drug that is not listed is infused every 21 days."""


def cycle_days(agent: str) -> int | None:
    return CYCLE_DAYS.get(agent, 21)


@dataclass(frozen=True, kw_only=True)
class Given:
    """One drug, taken from a day to a day (days of the plan). ``stopped_for`` is None while it goes on."""

    agent: str
    first: int
    last: int
    every: int | None
    stopped_for: str | None
    setting: str
    line: int | None = None
    reason: str = "breast"
    listed_until: int | None = None

    def doses(self) -> list[int]:
        return [self.first] if self.every is None else list(range(self.first, self.last + 1, self.every))


@dataclass(frozen=True, kw_only=True)
class Finding:
    day: int
    trend: str
    where: str = "overall"


@dataclass(frozen=True, kw_only=True)
class Local:
    day: int
    text: str
    site: str


@dataclass(frozen=True, kw_only=True)
class TrueLine:
    """One line of metastatic treatment as it was decided."""

    agents: frozenset[str]
    start: int
    end: int | None
    reason: str


@dataclass(frozen=True, kw_only=True)
class Plan:
    """A whole patient; days count from ``day_zero``."""

    day_zero: date
    today: int
    er_positive: bool
    de_novo: bool
    diagnosed: int
    metastatic: int
    sites: tuple[str, ...]
    given: tuple[Given, ...]
    findings: tuple[Finding, ...]
    local: tuple[Local, ...]
    lines: tuple[TrueLine, ...]
    locoregional: int | None = None
    second_cancer: int | None = None
    toxic: tuple[tuple[int, str, str], ...] = ()

    def date_of(self, day: int) -> date:
        return self.day_zero + timedelta(day)

    @property
    def as_of(self) -> date:
        return self.date_of(self.today)


@dataclass(kw_only=True)
class Decisions:
    """The clinician at work: each act is written down as what is given, and as what it means for the lines."""

    now: int = 0
    given: list[Given] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    local: list[Local] = field(default_factory=list)
    lines: list[TrueLine] = field(default_factory=list)
    toxic: list[tuple[int, str, str]] = field(default_factory=list)
    running: dict[str, Given] = field(default_factory=dict)

    def wait(self, days: int) -> None:
        self.now += days

    def early(self, agent: str, days: int, *, stopped_for: str = "completed", starts_in: int = 0) -> None:
        """A drug of the (neo)adjuvant setting: it opens no metastatic line, whenever it ends."""
        start, every = self.now + starts_in, cycle_days(agent)
        last = start + days if every is None else start + every * (days // every)
        self.given.append(
            Given(agent=agent, first=start, last=last, every=every, stopped_for=stopped_for, setting="early")
        )

    def open_line(self, *agents: str) -> None:
        """A new line of systemic treatment begins today."""
        assert not self.running, "the line before was not closed"
        self.lines.append(TrueLine(agents=frozenset(agents), start=self.now, end=None, reason="ongoing"))
        for agent in agents:
            self._give(agent)

    def add(self, agent: str) -> None:
        """A drug joins the line as planned: late partner, maintenance, next step of a sequence."""
        self.lines[-1] = replace(self.lines[-1], agents=self.lines[-1].agents | {agent})
        self._give(agent)

    def drop(self, agent: str, why: str) -> None:
        """A drug leaves and the line goes on."""
        self._stop(agent, why)

    def swap(self, old: str, new: str, why: str = "toxicity") -> None:
        """A drug is replaced by its like and the line goes on."""
        self.drop(old, why)
        self.add(new)

    def pause(self, days: int, why: str = "patient_choice", only: tuple[str, ...] | None = None) -> None:
        """A planned break; the same drugs are resumed in the same line."""
        resumed = [agent for agent in self.running if only is None or agent in only]
        for agent in resumed:
            self._stop(agent, why)
        self.wait(days)
        for agent in resumed:
            self._give(agent)

    def find(self, trend: str, where: str = "overall") -> None:
        self.findings.append(Finding(day=self.now, trend=trend, where=where))

    def treat_locally(self, text: str, site: str) -> None:
        self.local.append(Local(day=self.now, text=text, site=site))

    def suffer(self, agent: str, what: str) -> None:
        self.toxic.append((self.now, agent, what))

    def close_line(self, why: str, *, except_for: tuple[str, ...] = ()) -> None:
        """The line is over: everything stops today, for one reason."""
        for agent in [it for it in self.running if it not in except_for]:
            self._stop(agent, why)
        last = max(it.last for it in self.given if it.line == len(self.lines))
        self.lines[-1] = replace(self.lines[-1], end=last, reason=why)

    def leave_running(self) -> None:
        """The record ends while the line goes on."""
        for agent in list(self.running):
            self._stop(agent, None)

    def elsewhere(self, agent: str, days: int, every: int | None, reason: str) -> None:
        """A drug given for another disease; it belongs to no line."""
        last = self.now + days if every is None else self.now + every * (days // every)
        self.given.append(
            Given(
                agent=agent,
                first=self.now,
                last=last,
                every=every,
                stopped_for="completed",
                setting="other",
                reason=reason,
            )
        )

    def _give(self, agent: str) -> None:
        self.running[agent] = Given(
            agent=agent,
            first=self.now,
            last=self.now,
            every=cycle_days(agent),
            stopped_for=None,
            setting="metastatic",
            line=len(self.lines),
        )

    def _stop(self, agent: str, why: str | None) -> None:
        course = self.running.pop(agent)
        days = max(self.now - course.first - 1, 0)
        last = course.first + (days if course.every is None else course.every * (days // course.every))
        self.given.append(replace(course, last=last, stopped_for=why))
