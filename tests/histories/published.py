"""Courses that published papers describe and that simple rules count wrongly. Truth as the paper tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from random import Random

from tests.histories.plan import Decisions, Local, Plan

_Course = Callable[[Decisions, Random], None]


def _cleopatra(d: Decisions, rng: Random) -> None:
    """Docetaxel for at least six cycles, both antibodies until progression. Swain et al., NEJM 2015;372:724 (CLEOPATRA)."""
    d.open_line("docetaxel", "trastuzumab", "pertuzumab")
    d.wait(21 * rng.randint(6, 10) - 5)
    d.drop("docetaxel", "completed")
    d.wait(rng.randint(400, 900))
    _progress(d)


def _emilia(d: Decisions, rng: Random) -> None:
    """T-DM1 after trastuzumab and a taxane, then lapatinib and capecitabine. Verma et al., NEJM 2012;367:1783 (EMILIA)."""
    d.open_line("docetaxel", "trastuzumab")
    d.wait(21 * 6 - 5)
    d.drop("docetaxel", "completed")
    d.wait(rng.randint(120, 300))
    _progress(d, rng)
    d.open_line("trastuzumab emtansine")
    d.wait(rng.randint(180, 420))
    _progress(d, rng)
    d.open_line("lapatinib", "capecitabine")
    d.wait(rng.randint(90, 240))
    _progress(d)


def _her2climb(d: Decisions, rng: Random) -> None:
    """Isolated brain progression on the triplet: radiotherapy, the assigned treatment goes on to the second progression.

    Lin et al., JAMA Oncol 2023;9:197 (HER2CLIMB).
    """
    _thp(d, rng)
    d.open_line("trastuzumab emtansine")
    d.wait(rng.randint(120, 300))
    _progress(d, rng)
    d.open_line("tucatinib", "capecitabine", "trastuzumab")
    d.wait(rng.randint(150, 260))
    d.find("progression", "brain")
    d.local.append(Local(day=d.now + 10, text="Stereotactic radiosurgery of a brain metastasis", site="brain"))
    d.wait(rng.randint(150, 260))
    _progress(d)


def _patina(d: Decisions, rng: Random) -> None:
    """Four to eight cycles of taxane and both antibodies, then palbociclib and endocrine therapy beside them (PATINA, NCT02947685)."""
    d.open_line("paclitaxel", "trastuzumab", "pertuzumab")
    d.wait(21 * rng.randint(4, 8) - 5)
    d.drop("paclitaxel", "completed")
    d.wait(rng.randint(14, 60))
    d.add("letrozole")
    d.wait(rng.randint(0, 10))
    d.add("palbociclib")
    d.wait(rng.randint(500, 900))
    _progress(d, rng)
    d.open_line("trastuzumab deruxtecan")
    d.wait(rng.randint(120, 400))
    d.leave_running()


def _her2climb_05(d: Decisions, rng: Random) -> None:
    """Tucatinib beside maintenance trastuzumab and pertuzumab, without progression (HER2CLIMB-05, NCT05132582)."""
    d.open_line("docetaxel", "trastuzumab", "pertuzumab")
    d.wait(21 * rng.randint(4, 8) - 5)
    d.drop("docetaxel", "completed")
    d.wait(rng.randint(10, 60))
    d.add("tucatinib")
    d.wait(rng.randint(400, 800))
    _progress(d, rng)
    d.open_line("trastuzumab deruxtecan")
    d.wait(rng.randint(120, 400))
    d.leave_running()


def _destiny_breast03(d: Decisions, rng: Random) -> None:
    """Relapse soon after adjuvant T-DM1 goes to T-DXd: it counts for eligibility, it is the first metastatic line.

    Cortes et al., NEJM 2022;386:1143 (DESTINY-Breast03).
    """
    d.open_line("trastuzumab deruxtecan")
    d.wait(rng.randint(300, 700))
    _progress(d, rng)
    d.open_line("tucatinib", "capecitabine", "trastuzumab")
    d.wait(rng.randint(120, 300))
    d.leave_running()


def _beyond_progression(d: Decisions, rng: Random) -> None:
    """Trastuzumab kept beyond progression, capecitabine new. Von Minckwitz et al., JCO 2009;27:1999 (GBG 26)."""
    d.open_line("paclitaxel", "trastuzumab")
    d.wait(7 * rng.randint(12, 20))
    d.drop("paclitaxel", "completed")
    d.wait(rng.randint(120, 300))
    _progress(d, rng)
    d.open_line("capecitabine", "trastuzumab")
    d.wait(rng.randint(150, 300))
    _progress(d)


def _six_lines(d: Decisions, rng: Random) -> None:
    """T-DXd as the sixth line, with brain and lung metastases. A published case: doi 10.21518/ms2025-535.

    The paper gives the number of the line; the five regimens before it are those that were in use.
    """
    _thp(d, rng)
    for regimen in (
        ("trastuzumab emtansine",),
        ("lapatinib", "capecitabine"),
        ("trastuzumab", "vinorelbine"),
        ("trastuzumab", "eribulin"),
    ):
        d.open_line(*regimen)
        d.wait(rng.randint(80, 260))
        _progress(d, rng)
    d.open_line("trastuzumab deruxtecan")
    d.wait(rng.randint(120, 300))
    d.leave_running()


def _triple_positive_long_survivor(d: Decisions, rng: Random) -> None:
    """Chemotherapy with trastuzumab to maximal response, then trastuzumab with anastrozole for years.

    A published case: rbfhss.org.br, article 1011 (first-line palliative chemotherapy 2015, antibody continued with anastrozole).
    """
    d.open_line("docetaxel", "trastuzumab")
    d.wait(21 * 6 - 5)
    d.drop("docetaxel", "completed")
    d.wait(rng.randint(7, 50))
    d.add("anastrozole")
    d.wait(rng.randint(1500, 1900))
    d.leave_running()


def _tucatinib_in_line_five(d: Decisions, rng: Random) -> None:
    """Three lines of anti-HER2 treatment, a year of eribulin alone, then the triplet. A published case: Klin Onkol 2025;38:58.

    The paper's abstract names the fourth and fifth line; the three before are those that were in use.
    """
    _thp(d, rng)
    for regimen, least, most in (
        (("trastuzumab emtansine",), 120, 300),
        (("lapatinib", "capecitabine"), 120, 300),
        (("eribulin",), 330, 380),
    ):
        d.open_line(*regimen)
        d.wait(rng.randint(least, most))
        _progress(d, rng)
    d.open_line("tucatinib", "capecitabine", "trastuzumab")
    d.wait(rng.randint(150, 300))
    d.leave_running()


def _radiosurgery_then_three_lines(d: Decisions, rng: Random) -> None:
    """Radiosurgery first; paclitaxel with both antibodies; T-DXd interrupted for grade 1 pneumonitis and resumed; the triplet.

    A published case discussion: OncLive, Treatment Sequencing in HER2+ Metastatic Breast Cancer, episode 6.
    """
    d.local.append(Local(day=d.now - 8, text="Stereotactic radiosurgery of brain metastases", site="brain"))
    d.open_line("paclitaxel", "trastuzumab", "pertuzumab")
    d.wait(7 * rng.randint(12, 18))
    d.drop("paclitaxel", "completed")
    d.wait(rng.randint(150, 400))
    _progress(d, rng)
    d.open_line("trastuzumab deruxtecan")
    d.wait(rng.randint(90, 200))
    d.suffer("trastuzumab deruxtecan", "Interstitial lung disease, grade 1")
    d.pause(rng.randint(30, 60), "toxicity")
    d.wait(rng.randint(150, 300))
    _progress(d, rng)
    d.open_line("tucatinib", "capecitabine", "trastuzumab")
    d.wait(rng.randint(90, 240))
    d.leave_running()


def _stopped_for_pneumonitis(d: Decisions, rng: Random) -> None:
    """T-DXd given up for pneumonitis, another anti-HER2 regimen without progression. EN-SEMBLE, Breast 2026, doi 10.1016/j.breast.2026.104722."""
    _thp(d, rng)
    d.open_line("trastuzumab deruxtecan")
    d.wait(rng.randint(90, 300))
    d.suffer("trastuzumab deruxtecan", "Interstitial lung disease, grade 2")
    d.close_line("toxicity")
    d.wait(rng.randint(25, 60))
    d.open_line("tucatinib", "capecitabine", "trastuzumab")
    d.wait(rng.randint(90, 240))
    d.leave_running()


PUBLISHED: dict[str, _Course] = {
    "CLEOPATRA": _cleopatra,
    "EMILIA": _emilia,
    "HER2CLIMB, isolated brain progression": _her2climb,
    "PATINA": _patina,
    "HER2CLIMB-05": _her2climb_05,
    "DESTINY-Breast03, adjuvant T-DM1": _destiny_breast03,
    "GBG 26": _beyond_progression,
    "T-DXd in line six": _six_lines,
    "tucatinib in line five": _tucatinib_in_line_five,
    "T-DXd resumed after pneumonitis": _radiosurgery_then_three_lines,
    "T-DXd stopped for pneumonitis": _stopped_for_pneumonitis,
    "triple-positive long survivor": _triple_positive_long_survivor,
}


def published_plan(name: str, seed: int) -> Plan:
    """One patient treated as the paper tells, with durations drawn anew."""
    rng, d = Random(f"{name}:{seed}"), Decisions()
    adjuvant = name.startswith("DESTINY")
    if adjuvant:
        for agent in ("docetaxel", "carboplatin", "trastuzumab", "pertuzumab"):
            d.early(agent, 105, starts_in=20)
        d.wait(160)
        d.local.append(Local(day=d.now, text="Mastectomy", site="breast"))
        d.early("trastuzumab emtansine", 273, starts_in=30)
        d.wait(303 + rng.randint(40, 170))
    metastatic = d.now
    d.wait(rng.randint(12, 40))
    PUBLISHED[name](d, rng)
    today = d.now + rng.randint(2, 15)
    return Plan(
        day_zero=date.fromordinal(date(2026, 11, 20).toordinal() - today),
        today=today,
        er_positive=name in ("PATINA", "triple-positive long survivor"),
        de_novo=not adjuvant,
        diagnosed=0,
        metastatic=metastatic,
        sites=("liver", "brain")
        if any(it.site == "brain" and it.day < d.lines[0].start for it in d.local)
        else ("liver",),
        given=tuple(sorted(d.given, key=lambda it: (it.first, it.agent))),
        findings=tuple(d.findings),
        local=tuple(d.local),
        lines=tuple(d.lines),
        toxic=tuple(d.toxic),
    )


def _thp(d: Decisions, rng: Random) -> None:
    d.open_line("docetaxel", "trastuzumab", "pertuzumab")
    d.wait(21 * 6 - 5)
    d.drop("docetaxel", "completed")
    d.wait(rng.randint(200, 600))
    _progress(d, rng)


def _progress(d: Decisions, rng: Random | None = None) -> None:
    """Progression on a scan; treatment ends, and where there is a next line it begins some weeks later."""
    d.find("progression")
    d.wait(3)
    d.close_line("progression")
    if rng is not None:
        d.wait(rng.randint(4, 28))
