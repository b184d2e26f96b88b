"""What happens to the patients of the bench: seeded plans, each with the situations asked for.

A situation is something a clinician decides or meets ("the taxane is swapped after a reaction"). It says whether the record
that follows can show the truth; ``AMBIGUOUS`` are those where clinicians themselves would not agree on the count.
Durations are drawn around published times to discontinuation (12, 9 and 6 months in lines 1, 2 and 3).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from itertools import pairwise
from random import Random

from tests.histories.plan import Decisions, Local, Plan

SITUATIONS: dict[str, str] = {
    "taxane swap": "docetaxel changed to a weekly taxane after a reaction",
    "endocrine maintenance": "an aromatase inhibitor joins the antibodies after the taxane",
    "cdk4/6 maintenance": "palbociclib and an aromatase inhibitor join the antibodies (PATINA)",
    "tucatinib maintenance": "tucatinib joins the antibodies after the taxane (HER2CLIMB-05)",
    "late pertuzumab": "pertuzumab comes weeks after the others, for want of approval by the payer",
    "planned sequence": "anthracycline first, then taxane and antibodies, decided as one treatment",
    "adjuvant T-DM1": "residual disease got T-DM1; relapse more than a year later",
    "adjuvant HP": "both antibodies to a year after surgery",
    "adjuvant neratinib": "a year of neratinib after trastuzumab",
    "early relapse": "distant relapse within six months of adjuvant T-DM1 or trastuzumab",
    "locoregional recurrence": "a chest-wall recurrence, resected and treated for a limited time before distant relapse",
    "isolated brain progression": "radiosurgery, the same systemic treatment goes on",
    "treatment beyond progression": "one growing lesion is irradiated, the same systemic treatment goes on",
    "rechallenge": "a regimen is given again after another line",
    "taxane put back": "progression on antibody maintenance; a taxane is added to them again",
    "holiday 60-90 d": "a break the patient wished for; days between two doses",
    "holiday 120-180 d": "a long break the patient wished for; days between two doses",
    "cardiac hold": "the antibodies are held for the ejection fraction and resumed",
    "toxicity switch": "a drug class is given up for toxicity without progression",
    "partner dropped": "capecitabine leaves the triplet for hand-foot syndrome, the rest goes on",
    "antibody stopped, endocrine goes on": "the antibodies stop for the heart, the endocrine drug of the line goes on",
    "new partner on trastuzumab": "progression; trastuzumab is kept and its chemotherapy changed",
    "trial drug named": "a line inside a trial of a known drug",
    "trial drug unnamed": "a line inside a blinded trial",
    "oral drug listed late": "the oral drug of the old line stays on the list weeks into the next",
    "spurious progression flag": "a report said progression, the next one said stable, nothing changed",
    "missing progression flags": "nobody coded the progressions",
    "second cancer": "a colon cancer gets capecitabine, coded so, while the antibodies go on",
    "stage IV treated to cure": "oligometastatic disease, chemotherapy, surgery and a year of antibodies",
    "second cancer, no reason": "the same, but no record says why capecitabine was given",
    "one dose": "one dose, a reaction, another class at once",
    "HER2 found late": "endocrine therapy with CDK4/6 first; antibodies join when a biopsy shows HER2",
}
AMBIGUOUS = frozenset({"second cancer, no reason", "one dose", "HER2 found late"})
"""Situations whose count no record can settle, because clinicians would count them differently."""

_FIRST_LINE_ENDOCRINE = {
    "endocrine maintenance",
    "cdk4/6 maintenance",
    "HER2 found late",
    "antibody stopped, endocrine goes on",
}
_EARLY = {"adjuvant T-DM1", "adjuvant HP", "adjuvant neratinib", "early relapse", "locoregional recurrence"}
_DE_NOVO = {"planned sequence", "stage IV treated to cure"}
RIVALS: tuple[frozenset[str], ...] = (
    frozenset({*_EARLY, *_DE_NOVO}) - {"locoregional recurrence"},
    frozenset({"locoregional recurrence", *_DE_NOVO, "early relapse"}),
    frozenset(
        {*_FIRST_LINE_ENDOCRINE, "tucatinib maintenance", "taxane put back", "stage IV treated to cure", "one dose"}
    ),
    frozenset({"taxane swap", "planned sequence", "HER2 found late", "stage IV treated to cure"}),
    frozenset({"late pertuzumab", "planned sequence", "HER2 found late", "stage IV treated to cure"}),
    frozenset({"holiday 60-90 d", "holiday 120-180 d", "cardiac hold"}),
    frozenset({"second cancer", "second cancer, no reason", "oral drug listed late", "partner dropped"}),
    frozenset({"isolated brain progression", "treatment beyond progression", "spurious progression flag"}),
    frozenset({"trial drug named", "trial drug unnamed"}),
)
"""Situations that cannot meet in one patient."""

LATER = (
    ("trastuzumab", "vinorelbine"),
    ("trastuzumab", "eribulin"),
    ("trastuzumab", "gemcitabine"),
    ("lapatinib", "capecitabine"),
    ("margetuximab", "vinorelbine"),
    ("neratinib", "capecitabine"),
    ("trastuzumab", "lapatinib"),
    ("trastuzumab emtansine",),
)


def draw_plan(seed: int, wants: frozenset[str] = frozenset(), *, least_lines: int = 1) -> Plan:
    """One patient in whom the wanted situations happen; the same seed gives the same patient.

    Raises:
        LookupError: No course drawn from this seed has all of them.
    """
    for attempt in range(60):
        course = _Course(Random(f"{seed}:{attempt}:{sorted(wants)}"), wants, least_lines)
        plan = course.plan()
        if not course.todo and _regimens_are_as_wanted(plan, wants):
            return plan
    raise LookupError(f"no course of seed {seed} has {sorted(wants)}")


def _regimens_are_as_wanted(plan: Plan, wants: frozenset[str]) -> bool:
    """Lines that are wanted by their drugs can be lost where several situations ask for the same line."""
    regimens = [line.agents for line in plan.lines]
    steps = list(pairwise(regimens))
    kept = {"trastuzumab"}
    checks = {
        "rechallenge": len(set(regimens)) < len(regimens),
        "new partner on trastuzumab": any(a & b == kept and len(a) == len(b) == 2 for a, b in steps),
        "taxane put back": any(
            "pertuzumab" in a and b == {"paclitaxel", "trastuzumab", "pertuzumab"} for a, b in steps
        ),
        "trial drug named": {"zanidatamab"} in regimens,
        "trial drug unnamed": {"investigational"} in regimens,
        "one dose": len(regimens) > 1,
    }
    if any(a == b for a, b in steps):
        return False  # the same drugs after progression are treatment beyond it, not another line
    return all(checks.get(want, True) for want in wants)


class _Course:
    """One patient's course while it is drawn."""

    def __init__(self, rng: Random, wants: frozenset[str], least_lines: int) -> None:
        self.rng, self.wants, self.todo, self.least_lines = rng, wants, set(wants), least_lines
        self.d = Decisions()
        self.de_novo = not wants & _EARLY and (bool(wants & _DE_NOVO) or rng.random() < 0.5)
        self.er_positive = bool(wants & _FIRST_LINE_ENDOCRINE) or rng.random() < 0.5
        self.locoregional: int | None = None
        self.second_cancer: int | None = None
        self.events: list[tuple[int, Callable[[], None]]] = []

    def plan(self) -> Plan:
        rng, d = self.rng, self.d
        diagnosed = 0
        d.wait(rng.randint(10, 40))
        if not self.de_novo:
            self._early()
        metastatic = d.now
        sites = tuple(rng.sample(("liver", "bone", "lung", "brain"), rng.choice((1, 1, 2))))
        d.wait(rng.randint(10, 45))
        count = max(rng.choice((1, 2, 2, 3, 3, 4, 5, 6)), self._lines_needed(), self.least_lines)
        ends_running = rng.random() < 0.55
        regimens = self._later(count)
        for number in range(1, count + 1):
            is_last = number == count
            why = self._play_first() if number == 1 else self._play(number, regimens[number - 2])
            if is_last and ends_running and why == "progression":
                d.leave_running()
                break
            if d.running:
                self._close(why)
            if not is_last:
                d.wait(rng.randint(5, 30))
        d.leave_running()
        today = d.now + rng.randint(1, 20)
        anchor = date(2026, 11, 20).toordinal() - rng.randint(0, 150) - today
        return Plan(
            day_zero=date.fromordinal(anchor),
            today=today,
            er_positive=self.er_positive,
            de_novo=self.de_novo,
            diagnosed=diagnosed,
            metastatic=metastatic,
            sites=sites,
            given=tuple(sorted(d.given, key=lambda it: (it.first, it.agent))),
            findings=() if "missing progression flags" in self.wants else tuple(d.findings),
            local=tuple(d.local),
            lines=tuple(d.lines),
            locoregional=self.locoregional,
            second_cancer=self.second_cancer,
            toxic=tuple(d.toxic),
        )

    def _lines_needed(self) -> int:
        needs = {
            "rechallenge": 4,
            "new partner on trastuzumab": 4,
            "partner dropped": 3,
            "oral drug listed late": 4,
            "toxicity switch": 3,
            "trial drug named": 3,
            "trial drug unnamed": 3,
            "taxane put back": 2,
            "stage IV treated to cure": 2,
            "HER2 found late": 2,
            "missing progression flags": 3,
            "one dose": 3,
            "antibody stopped, endocrine goes on": 2,
        }
        return (
            max((needs.get(it, 1) for it in self.wants), default=1)
            + len(
                self.wants
                & {"rechallenge", "new partner on trastuzumab", "trial drug named", "toxicity switch", "one dose"}
            )
            // 2
        )

    def _later(self, count: int) -> list[tuple[str, ...]]:
        """The regimens after the first, in the order in which they are commonly used."""
        rng, wants = self.rng, self.wants
        second, third = ("trastuzumab deruxtecan",), ("tucatinib", "capecitabine", "trastuzumab")
        order = [second, third]
        if rng.random() < 0.25:
            order.reverse()
        if rng.random() < 0.3 and not wants & {"partner dropped", "oral drug listed late"}:
            order.insert(rng.choice((0, 1)), ("trastuzumab emtansine",))
        order += [it for it in rng.sample(LATER, len(LATER)) if it not in order]
        order = [it for at, it in enumerate(order) if at < 2 or not set(it) >= set(order[at - 1])]
        if "taxane put back" in wants:
            order.insert(0, ("paclitaxel", "trastuzumab", "pertuzumab"))
        if wants & {"trial drug named", "trial drug unnamed"}:
            drug = "zanidatamab" if "trial drug named" in wants else "investigational"
            order.insert(rng.randint(1, count - 2), (drug,))
        if "new partner on trastuzumab" in wants:
            order[count - 3 : count - 1] = [("trastuzumab", "vinorelbine"), ("trastuzumab", "eribulin")]
        if "rechallenge" in wants:
            again = count - 2
            order[again] = order[again - 2]
        self.todo -= {"new partner on trastuzumab", "rechallenge", "taxane put back", "missing progression flags"}
        self.todo -= {"trial drug named", "trial drug unnamed"}
        return order

    def _early(self) -> None:
        rng, d, wants = self.rng, self.d, self.wants
        taxane = rng.choice(("docetaxel", "paclitaxel"))
        begin = d.now
        if rng.random() < 0.4:
            d.early("doxorubicin", 63)
            d.early("cyclophosphamide", 63)
            d.wait(84)
        elif taxane == "docetaxel":
            d.early("carboplatin", 105)
        d.early(taxane, 105 if taxane == "docetaxel" else 77)
        tdm1 = "adjuvant T-DM1" in wants or ("early relapse" in wants and rng.random() < 0.6)
        if tdm1 or "adjuvant HP" in wants:
            d.early("pertuzumab", 105 if tdm1 else 357)
        d.early("trastuzumab", 105 if tdm1 else 357)
        if "early relapse" in wants and not tdm1:
            d.wait(357)
        elif tdm1:
            d.wait(150)
            d.local.append(_surgery(d.now - 12))
            d.early("trastuzumab emtansine", 273)
            d.wait(273)
        else:
            d.wait(380)
        if not tdm1:
            d.local.append(_surgery(begin - 8))
        if "adjuvant neratinib" in wants:
            d.wait(rng.randint(7, 60))
            d.early("neratinib", 360)
            d.wait(360)
        relapse = d.now + (rng.randint(30, 165) if "early relapse" in wants else rng.randint(420, 1500))
        if self.er_positive and not tdm1:
            start = begin + 240
            d.now, last = start, min(relapse - start - 5, 1825)
            d.early(
                rng.choice(("letrozole", "tamoxifen")), last, stopped_for="progression" if last < 1800 else "completed"
            )
        d.now = relapse
        if "locoregional recurrence" in wants:
            self.locoregional = d.now
            d.find("progression", "breast")
            d.wait(20)
            d.treat_locally("Resection of chest wall recurrence", "chest wall")
            d.wait(25)
            d.early("paclitaxel", 77)
            d.early("trastuzumab", 252)
            d.wait(252 + rng.randint(240, 700))
        self.todo -= _EARLY

    def _play_first(self) -> str:
        rng, d, wants = self.rng, self.d, self.wants
        if "HER2 found late" in wants:
            self.todo.discard("HER2 found late")
            d.open_line("palbociclib", "letrozole")
            days = rng.randint(45, 80)
            self._at(days, lambda: (d.drop("palbociclib", "other"), d.add("trastuzumab"), d.add("pertuzumab")))
            return self._run(days + 200)
        if "stage IV treated to cure" in wants:
            return self._treated_to_cure()
        taxane = "docetaxel" if "taxane swap" in wants else rng.choice(("docetaxel", "docetaxel", "paclitaxel"))
        months = self._duration(360)
        if "planned sequence" in wants:
            self.todo.discard("planned sequence")
            d.open_line("doxorubicin", "cyclophosphamide")
            d.wait(64)
            d.drop("doxorubicin", "completed")
            d.drop("cyclophosphamide", "completed")
            d.wait(rng.randint(14, 28))
            for agent in (taxane, "trastuzumab", "pertuzumab"):
                d.add(agent)
        elif "late pertuzumab" in wants:
            self.todo.discard("late pertuzumab")
            d.open_line(taxane, "trastuzumab")
            self._at(rng.choice((21, 42)), lambda: d.add("pertuzumab"))
        else:
            d.open_line(taxane, "trastuzumab", "pertuzumab")
        stop = 21 * rng.randint(5, 8) - 6
        if "taxane swap" in wants:
            self.todo.discard("taxane swap")
            new = rng.choice(("paclitaxel", "nab-paclitaxel"))
            self._at(21 * rng.randint(1, 3), lambda: d.swap("docetaxel", new))
            taxane = new
        last_taxane = taxane
        self._at(stop, lambda: d.drop(last_taxane, "completed"))
        months = max(months, stop + 60)
        months = self._maintenance(stop, months)
        return self._run(self._interrupted(months, stop + 40))

    def _maintenance(self, stop: int, days: int) -> int:
        """What joins the antibodies after the taxane."""
        rng, d, wants = self.rng, self.d, self.wants
        aromatase = rng.choice(("letrozole", "anastrozole", "exemestane"))
        begin = stop + rng.randint(1, 75)
        if "cdk4/6 maintenance" in wants:
            self.todo.discard("cdk4/6 maintenance")
            self._at(begin, lambda: d.add(aromatase))
            self._at(begin + rng.randint(0, 8), lambda: d.add("palbociclib"))
        elif "tucatinib maintenance" in wants:
            self.todo.discard("tucatinib maintenance")
            self._at(stop + rng.randint(10, 60), lambda: d.add("tucatinib"))
        elif wants & _FIRST_LINE_ENDOCRINE:
            self.todo.discard("endocrine maintenance")
            self._at(begin, lambda: d.add(aromatase))
        else:
            return days
        if "antibody stopped, endocrine goes on" in wants:
            self.todo.discard("antibody stopped, endocrine goes on")
            leave = begin + rng.randint(120, 240)
            self._at(leave, self._stop_antibodies)
            return max(days, leave + rng.randint(120, 300))
        return max(days, begin + 90)

    def _stop_antibodies(self) -> None:
        self.d.suffer("trastuzumab", "Left ventricular systolic dysfunction")
        for agent in ("trastuzumab", "pertuzumab"):
            self.d.drop(agent, "toxicity")

    def _treated_to_cure(self) -> str:
        rng, d = self.rng, self.d
        self.todo.discard("stage IV treated to cure")
        d.open_line("doxorubicin", "cyclophosphamide")
        d.wait(64)
        d.drop("doxorubicin", "completed")
        d.drop("cyclophosphamide", "completed")
        d.wait(rng.randint(15, 28))
        for agent in ("paclitaxel", "trastuzumab", "pertuzumab"):
            d.add(agent)
        d.wait(80)
        d.drop("paclitaxel", "completed")
        d.wait(25)
        d.local.append(_surgery(d.now))
        d.wait(rng.randint(255, 290))
        d.find("not detected")
        d.close_line("completed")
        d.wait(rng.randint(400, 1100))
        d.find("progression")
        return "completed"

    def _play(self, number: int, regimen: tuple[str, ...]) -> str:
        rng, d = self.rng, self.d
        if "one dose" in self.todo and number > 1:
            self.todo.discard("one dose")
            d.open_line(*regimen)
            d.wait(rng.randint(7, 20))
            d.suffer(regimen[0], "Infusion related reaction")
            d.close_line("toxicity")
            return "toxicity"
        d.open_line(*regimen)
        days = self._duration(270 if number == 2 else 190)
        if "partner dropped" in self.todo and "tucatinib" in regimen:
            self.todo.discard("partner dropped")
            leave = rng.randint(60, 150)
            self._at(leave, lambda: d.drop("capecitabine", "toxicity"))
            days = max(days, leave + 90)
        chemo = next((it for it in ("vinorelbine", "eribulin", "gemcitabine") if it in regimen), None)
        if chemo and rng.random() < 0.3:
            self._at(rng.randint(100, 150), lambda: d.drop(chemo, "toxicity"))
        if "toxicity switch" in self.todo and number > 1 and regimen != ("investigational",):
            self.todo.discard("toxicity switch")
            self._run(rng.randint(70, 160), scans=False)
            d.suffer(regimen[0], "Interstitial lung disease" if "trastuzumab deruxtecan" in regimen else "Diarrhea")
            d.close_line("toxicity")
            return "toxicity"
        listed_late = "oral drug listed late" in self.todo and "capecitabine" in regimen
        why = self._run(self._interrupted(days, 45) if self.todo else days)
        if listed_late:
            self.todo.discard("oral drug listed late")
            self._close(why)
            self._list_late()
        return why

    def _list_late(self) -> None:
        """The list keeps the oral drugs for weeks, though the clinician has stopped them."""
        for at, course in enumerate(self.d.given):
            if course.line == len(self.d.lines) and course.agent in ("capecitabine", "tucatinib", "lapatinib"):
                late = course.last + self.rng.randint(25, 50)
                self.d.given[at] = replace(course, listed_until=late)

    def _interrupted(self, days: int, earliest: int) -> int:
        """Breaks, brain lesions, second cancers: what happens in a line and does not end it."""
        rng, d, todo = self.rng, self.d, self.todo
        at = earliest + rng.randint(30, 90)
        for name, pause in (
            ("holiday 60-90 d", (58, 68)),
            ("holiday 120-180 d", (122, 155)),
            ("cardiac hold", (40, 80)),
        ):
            if name in todo:
                todo.discard(name)
                length = rng.randint(*pause)
                self._at(at, lambda name=name, length=length: self._break(name, length))
                days, at = max(days, at + 130), at + 60
        if "isolated brain progression" in todo:
            todo.discard("isolated brain progression")
            self._at(at, self._brain)
            days, at = max(days, at + 150), at + 60
        if "treatment beyond progression" in todo:
            todo.discard("treatment beyond progression")
            self._at(at, self._beyond)
            days, at = max(days, at + 150), at + 60
        if "spurious progression flag" in todo:
            todo.discard("spurious progression flag")
            self._at(at, lambda: d.find("progression"))
            self._at(at + rng.randint(25, 50), lambda: d.find("stable"))
            days, at = max(days, at + 150), at + 60
        if todo & {"second cancer", "second cancer, no reason"}:
            reason = "colon" if "second cancer" in todo else "unsaid"
            todo -= {"second cancer", "second cancer, no reason"}
            self._at(at, lambda: self._colon(reason))
            days = max(days, at + 230)
        return days

    def _break(self, name: str, length: int) -> None:
        if name == "cardiac hold":
            self.d.suffer("trastuzumab", "Left ventricular systolic dysfunction")
            self.d.pause(length, "toxicity", only=("trastuzumab", "pertuzumab", "trastuzumab deruxtecan"))
        else:
            self.d.pause(length, "patient_choice")

    def _brain(self) -> None:
        self.d.find("progression", "brain")
        self.d.local.append(
            Local(day=self.d.now + 9, text="Stereotactic radiosurgery of a brain metastasis", site="brain")
        )

    def _beyond(self) -> None:
        self.d.find("progression")
        self.d.local.append(
            Local(day=self.d.now + 14, text="Stereotactic body radiotherapy of a single metastasis", site="bone")
        )

    def _colon(self, reason: str) -> None:
        self.second_cancer = self.d.now - 20
        self.d.elsewhere("capecitabine", 165, None, reason)

    def _duration(self, median: int) -> int:
        return max(63, min(int(self.rng.lognormvariate(0, 0.6) * median), 1400))

    def _at(self, day: int, act: Callable[[], object]) -> None:
        self.events.append((day, lambda: act() and None))

    def _run(self, days: int, *, scans: bool = True) -> str:
        """Let the line go on for so many days with what is to happen in it; then it progresses."""
        d, begin = self.d, self.d.now
        for day, act in sorted(self.events, key=lambda it: it[0]):
            if day < days:
                d.wait(max(begin + day - d.now, 0))
                act()
        self.events.clear()
        d.wait(max(begin + days - d.now, 45 if scans else 0))
        if scans:
            return "progression"
        return "toxicity"

    def _close(self, why: str) -> None:
        if why == "progression":
            self.d.find("progression")
        self.d.wait(self.rng.randint(1, 10) if why == "progression" else 1)
        self.d.close_line(why)


def _surgery(day: int) -> Local:
    return Local(day=day, text="Mastectomy with axillary dissection", site="breast")
