"""Seeded plans: one patient's course, drawn decision by decision, with the situations asked for.

Durations are drawn around published times to discontinuation (12, 9 and 6 months in lines 1, 2 and 3).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from itertools import pairwise
from random import Random

from tests.histories.first_line import FirstLineCourse
from tests.histories.plan import Plan

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
    if any(a == b for a, b in steps) and "treatment-free interval" not in wants:
        return False  # the same drugs after progression are treatment beyond it, not another line
    return all(checks.get(want, True) for want in wants)


class _Course(FirstLineCourse):
    """Draws the lines in their order."""

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
            "endocrine drug changed at progression": 2,
            "treatment-free interval": 2,
            "brain progression, other drugs": 2,
            "ILD hold": 4,
            "primary refractory": 2,
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
        if wants & {"taxane put back", "treatment-free interval"}:
            order.insert(0, ("paclitaxel", "trastuzumab", "pertuzumab"))
        if "endocrine drug changed at progression" in wants:
            order.insert(0, ("fulvestrant", "trastuzumab", "pertuzumab"))
            self.todo.discard("endocrine drug changed at progression")
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
        if "ILD hold" in self.todo and regimen == ("trastuzumab deruxtecan",):
            self.todo.discard("ILD hold")
            held = rng.randint(60, 150)
            self._at(held, self._pneumonitis)
            days = max(days, held + 160)
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
