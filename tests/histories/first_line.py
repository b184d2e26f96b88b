"""The first metastatic line: taxane and both antibodies, then the antibodies with or without a maintenance drug."""

from __future__ import annotations

from tests.histories.course import surgery
from tests.histories.early_course import EarlyCourse
from tests.histories.situations import FIRST_LINE_ENDOCRINE


class FirstLineCourse(EarlyCourse):
    """Draws the first line."""

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
        if "primary refractory" in wants:
            self.todo.discard("primary refractory")
            d.open_line(taxane, "trastuzumab", "pertuzumab")
            return self._run(rng.randint(42, 58))
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
        elif "pertuzumab in the third month" in wants:
            self.todo.discard("pertuzumab in the third month")
            d.open_line(taxane, "trastuzumab")
            self._at(rng.randint(63, 84), lambda: d.add("pertuzumab"))
        elif "taxane weeks after the antibodies" in wants:
            self.todo.discard("taxane weeks after the antibodies")
            d.open_line("trastuzumab", "pertuzumab")
            d.wait(rng.randint(29, 45))
            d.add(taxane)
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
        if "treatment-free interval" in wants:
            return self._stopped_in_remission(max(months, stop + 400))
        return self._run(self._interrupted(months, stop + 40))

    def _maintenance(self, stop: int, days: int) -> int:
        """What joins the antibodies after the taxane."""
        rng, d, wants = self.rng, self.d, self.wants
        aromatase = rng.choice(("letrozole", "anastrozole", "exemestane"))
        is_late = any(it.endswith("months later") for it in wants)
        begin = stop + (rng.randint(95, 180) if is_late else rng.randint(1, 75))
        if wants & {"cdk4/6 maintenance", "cdk4/6 maintenance, months later"}:
            self.todo -= {"cdk4/6 maintenance", "cdk4/6 maintenance, months later"}
            self._at(begin, lambda: d.add(aromatase))
            self._at(begin + rng.randint(0, 8), lambda: d.add("palbociclib"))
        elif "tucatinib maintenance" in wants:
            self.todo.discard("tucatinib maintenance")
            self._at(stop + rng.randint(10, 60), lambda: d.add("tucatinib"))
        elif wants & FIRST_LINE_ENDOCRINE:
            self.todo -= {"endocrine maintenance", "endocrine maintenance, months later"}
            self._at(begin, lambda: d.add(aromatase))
        else:
            return days
        if "aromatase inhibitor swapped" in wants:
            self.todo.discard("aromatase inhibitor swapped")
            other = rng.choice([it for it in ("letrozole", "exemestane", "tamoxifen") if it != aromatase])
            later = begin + rng.randint(50, 200)
            self._at(later, lambda: d.swap(aromatase, other))
            return max(days, later + 120)
        if "antibody stopped, endocrine goes on" in wants:
            self.todo.discard("antibody stopped, endocrine goes on")
            leave = begin + rng.randint(120, 240)
            self._at(leave, self._stop_antibodies)
            return max(days, leave + rng.randint(120, 300))
        return max(days, begin + 90)

    def _stopped_in_remission(self, days: int) -> str:
        self.todo.discard("treatment-free interval")
        self._run(days)
        self.d.find("not detected")
        self.d.close_line("completed")
        self.d.wait(self.rng.randint(240, 600))
        self.d.find("progression")
        return "completed"

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
        d.local.append(surgery(d.now))
        d.wait(rng.randint(255, 290))
        d.find("not detected")
        d.close_line("completed")
        d.wait(rng.randint(400, 1100))
        d.find("progression")
        return "completed"
