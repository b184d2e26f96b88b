"""A course while it is drawn: what happens within a line and does not end it, and how lines run and close."""

from __future__ import annotations

from collections.abc import Callable
from random import Random

from tests.histories.plan import Decisions, Local
from tests.histories.situations import DE_NOVO, EARLY, FIRST_LINE_ENDOCRINE


class Course:
    """One patient's course while it is drawn."""

    def __init__(self, rng: Random, wants: frozenset[str], least_lines: int) -> None:
        self.rng, self.wants, self.todo, self.least_lines = rng, wants, set(wants), least_lines
        self.d = Decisions()
        self.de_novo = not wants & EARLY and (bool(wants & DE_NOVO) or rng.random() < 0.5)
        self.er_positive = bool(wants & FIRST_LINE_ENDOCRINE) or rng.random() < 0.5
        self.locoregional: int | None = None
        self.second_cancer: int | None = None
        self.events: list[tuple[int, Callable[[], None]]] = []

    def _interrupted(self, days: int, earliest: int) -> int:
        """Breaks, brain lesions, second cancers: what happens in a line and does not end it."""
        rng, d, todo = self.rng, self.d, self.todo
        at = earliest + rng.randint(30, 90)
        for name, pause in (
            ("holiday 60-90 d", (58, 68)),
            ("holiday 120-180 d", (122, 155)),
            ("holiday 190-300 d", (190, 280)),
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

    def _pneumonitis(self) -> None:
        """Grade 1, held until it has cleared: resumed after a median of 42 days in practice (Rugo et al., ASCO 2025)."""
        self.d.suffer("trastuzumab deruxtecan", "Interstitial lung disease, grade 1")
        self.d.pause(self.rng.randint(28, 60), "toxicity")

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
        if why == "progression" and "brain progression, other drugs" in self.todo:
            self.todo.discard("brain progression, other drugs")
            self._brain()
        elif why == "progression":
            self.d.find("progression")
        self.d.wait(self.rng.randint(1, 10) if why == "progression" else 1)
        self.d.close_line(why)


def surgery(day: int) -> Local:
    return Local(day=day, text="Mastectomy with axillary dissection", site="breast")
