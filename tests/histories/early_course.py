"""The (neo)adjuvant treatment of a patient who relapses, and the relapse."""

from __future__ import annotations

from tests.histories.course import Course, surgery
from tests.histories.situations import EARLY


class EarlyCourse(Course):
    """Draws what came before the metastases."""

    def _early(self) -> None:
        rng, d, wants = self.rng, self.d, self.wants
        taxane = rng.choice(("docetaxel", "paclitaxel"))
        begin = d.now
        if "relapse during adjuvant trastuzumab" in wants:
            self._relapse_under_treatment(taxane)
            return
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
            d.local.append(surgery(d.now - 12))
            d.early("trastuzumab emtansine", 273)
            d.wait(273)
        else:
            d.wait(380)
        if not tdm1:
            d.local.append(surgery(begin - 8))
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
        self.todo -= EARLY

    def _relapse_under_treatment(self, taxane: str) -> None:
        rng, d = self.rng, self.d
        self.todo.discard("relapse during adjuvant trastuzumab")
        relapse_in = rng.randint(180, 320)
        d.local.append(surgery(d.now - 8))
        d.early(taxane, 105 if taxane == "docetaxel" else 77)
        d.early("trastuzumab", relapse_in - 3, stopped_for="progression")
        d.wait(relapse_in)
