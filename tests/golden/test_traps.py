"""Each fact that a naive implementer gets dangerously wrong, and the reviewed patients that stand against it. Source: sequencing, section 12.

A trap without a patient, and a patient without a folder, fail here. What such a patient is told is pinned in her `cards.json` and held to
the front matter of her `story.md`, which a clinician can review.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any

import pytest

from tests.golden.test_stories import FIXTURES, STORIES

ROOT = Path(__file__).parents[2]
SEQUENCING = Path(os.environ.get("CDSHOOKS_SHARED", ROOT.parent / "shared")) / "clinical" / "sequencing.md"
TRAPS: dict[int, tuple[str, list[str]]] = {
    1: (
        "brand, biosimilar, route and maintenance are no lines; adjuvant T-DM1 is exposure",
        ["biosimilar-and-subcutaneous-switches-are-one-line", "relapse-four-months-after-adjuvant-tdm1"],
    ),
    2: (
        "trastuzumab, T-DM1 and T-DXd are three drugs",
        ["epic-codings-and-dates-in-words", "cerner-mixtures-and-doses-not-given"],
    ),
    3: (
        "stopped is not progressed",
        ["tdxd-stopped-without-progression-two-years-ago", "nodular-regenerative-hyperplasia-after-tdm1"],
    ),
    4: (
        "ILD of grade 2 closes T-DXd for good, grade 1 only until it has cleared",
        ["tdxd-stopped-for-ild-grade-2", "tdxd-after-resolved-ild-grade-1"],
    ),
    5: (
        "DPYD for every capecitabine regimen; unknown is not normal",
        ["dpd-deficiency-and-capecitabine-ordered", "dpyd-unknown-before-the-first-capecitabine"],
    ),
    6: (
        "capecitabine 1000 with tucatinib, 750 with neratinib",
        ["wishes-to-keep-her-hair-and-take-tablets", "dates-known-only-to-the-month"],
    ),
    7: (
        "a PPI blocks neratinib, gemfibrozil triples tucatinib",
        ["neratinib-ordered-beside-omeprazole", "gemfibrozil-beside-tucatinib"],
    ),
    8: ("tucatinib raises creatinine alone", ["creatinine-rise-on-tucatinib-is-not-renal-failure"]),
    9: (
        "no global LVEF threshold",
        ["ejection-fraction-44-percent", "signing-tdxd-with-ejection-fraction-36-percent"],
    ),
    10: (
        "figures come from patients without T-DXd",
        ["everything-proven-has-been-used", "after-thp-tdm1-tucatinib-never-had-tdxd"],
    ),
    11: ("HER2-low after HER2-positive is no fresh option", ["her2-low-after-her2-positive-disease"]),
    12: (
        "a gain in PFS can hide that survival is no longer",
        ["after-thp-tdm1-tucatinib-never-had-tdxd", "relapse-four-months-after-adjuvant-tdm1"],
    ),
    13: (
        "a licence belongs to a place",
        ["treated-in-china-with-pyrotinib-open", "german-statements-with-atc-and-protocol-names"],
    ),
    14: (
        "four states of the brain",
        [
            "isolated-brain-progression-treated-locally",
            "after-thp-tdxd-tucatinib-active-brain-metastases",
            "brain-lesion-that-needs-surgery-first",
            "leptomeningeal-disease-is-its-own-path",
        ],
    ),
    15: ("pregnancy comes before ranking", ["pregnant-with-progressive-disease"]),
}
BY_NAME = {story.folder.name: story for story in STORIES}


def cards_of(story: str) -> list[dict[str, Any]]:
    return json.loads((FIXTURES / story / "cards.json").read_text(encoding="utf-8"))["cards"]


@pytest.mark.parametrize("number", TRAPS, ids=lambda it: f"{it}: {TRAPS[it][0]}")
def test_each_trap_has_reviewed_patients(number: int) -> None:
    _, stories = TRAPS[number]
    assert [it for it in stories if it not in BY_NAME] == []
    for story in stories:
        assert BY_NAME[story].expects
        assert (FIXTURES / story / "cards.json").is_file()


@pytest.mark.skipif(not SEQUENCING.is_file(), reason="the decision facts lie beside the clone")
def test_no_trap_is_left_out() -> None:
    section = SEQUENCING.read_text(encoding="utf-8").split("\n## 12.", 1)[1].split("\n## ", 1)[0]
    assert [int(it) for it in re.findall(r"^(\d+)\. ", section, re.MULTILINE)] == list(TRAPS)


def drafted(story: str) -> dict[frozenset[str], dict[str, float]]:
    """The doses of the drafts of a story: the drugs of a suggestion -> drug -> amount."""
    found: dict[frozenset[str], dict[str, float]] = {}
    for card in cards_of(story):
        for suggestion in card.get("suggestions", ()):
            orders = [
                it["resource"] for it in suggestion["actions"] if it["resource"]["resourceType"] == "MedicationRequest"
            ]
            doses = {
                it["medicationCodeableConcept"]["text"]: dose["doseQuantity"]["value"]
                for it in orders
                for dose in it["dosageInstruction"][0].get("doseAndRate", ())
                if "doseQuantity" in dose
            }
            found[frozenset(it["medicationCodeableConcept"]["text"] for it in orders)] = doses
    return found


def test_trap_6_the_dose_of_capecitabine_is_that_of_its_partner() -> None:
    drafts = {agents: doses for story in TRAPS[6][1] for agents, doses in drafted(story).items()}
    assert drafts[frozenset({"tucatinib", "trastuzumab", "capecitabine"})]["capecitabine"] == 1000
    assert drafts[frozenset({"neratinib", "capecitabine"})]["capecitabine"] == 750


@pytest.mark.parametrize("story", sorted(BY_NAME))
def test_trap_10_after_tdxd_no_figure_stands_without_its_caveat(story: str) -> None:
    for card in cards_of(story):
        had_tdxd = re.search(r"^(\||- Line).*trastuzumab deruxtecan", card["detail"], re.MULTILINE) is not None
        for line in card["detail"].splitlines():
            if re.search(
                r"(SOPHIA|HER2CLIMB|NALA|TH3RESA|PHOEBE|monarcHER|GBG-26/BIG 3-05 \(TBP\)):? ", line
            ) and re.search(r"\b(PFS|OS|ORR) ", line):
                assert ("had not had T-DXd" in line) is had_tdxd, line


@pytest.mark.parametrize("story", sorted(BY_NAME))
def test_trap_12_where_survival_was_not_longer_it_stands_beside_the_gain(story: str) -> None:
    for card in cards_of(story):
        for line in card["detail"].splitlines():
            if "SOPHIA: PFS" in line:
                assert "OS 21.6 vs 21.9 mo, HR 0.95" in line
            if "PRECIOUS (JBCRG-M05): PFS" in line:
                assert "INDEPENDENT review 4.4 vs 4.4 mo, HR 1.03" in line
                assert "OS 36.2 vs 26.5" in line
