"""What is asked first whatever the options say: each standing gap of the knowledge, on both sides of its condition."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from tests.option_cases import (
    THREE_LINES,
    advice_of,
    brain,
    but,
    history,
    illness,
    measured,
    patient,
    receptor,
    shipped,
    toxicity,
)

FAILING = (toxicity("heart_failure", 3),)
OVER = (toxicity("heart_failure", 3, is_resolved=True),)
ER, PR = receptor("er", "negative"), receptor("pr", "negative")
LATE = tuple(receptor(marker, "negative", "2026-11-01") for marker in ("er", "pr"))
NO_LVEF = tuple(it for it in but() if it.fact != "lvef_percent")
NO_ECOG = tuple(it for it in but() if it.fact != "ecog")
NEVER = ""
"""No line, and no day of metastatic disease."""
UNNAMED = THREE_LINES.replace("trastuzumab emtansine", "investigational")

# gap | the record | the lines | whether it is asked
CASES: list[tuple[str, dict[str, Any], str, bool]] = [
    ("pregnancy", {"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01"),)}, THREE_LINES, True),
    ("pregnancy", {}, THREE_LINES, False),
    ("metastatic", {"metastases": ()}, NEVER, True),
    ("metastatic", {}, THREE_LINES, False),
    ("her2-unknown", {"receptors": (ER, PR)}, THREE_LINES, True),
    ("her2-unknown", {"receptors": (receptor("her2", "equivocal"), ER, PR)}, THREE_LINES, True),
    ("her2-unknown", {"receptors": (receptor("her2", "low"), ER, PR)}, THREE_LINES, False),
    ("her2-after-progression", {"receptors": (receptor("her2", "positive", "2026-10-01"), ER, PR)}, THREE_LINES, True),
    ("her2-after-progression", {"receptors": (receptor("her2", "positive", "2026-11-01"), *LATE)}, THREE_LINES, False),
    ("hr-unknown", {"receptors": (receptor("her2", "positive"),)}, THREE_LINES, True),
    ("hr-unknown", {}, THREE_LINES, False),
    ("brain-imaging", {"cns": brain("unknown")}, THREE_LINES, True),
    ("brain-imaging", {"cns": brain("none")}, THREE_LINES, False),
    ("lvef", {"measurements": NO_LVEF}, THREE_LINES, True),
    ("lvef", {"measurements": but(measured("lvef_percent", 49.0))}, THREE_LINES, False),
    ("lvef-low", {"measurements": but(measured("lvef_percent", 49.0))}, THREE_LINES, True),
    ("lvef-low", {"measurements": but(measured("lvef_percent", 50.0))}, THREE_LINES, False),
    ("lvef-low", {"measurements": NO_LVEF}, THREE_LINES, False),
    # An LVEF that is fine beside a heart failure that nobody ended: one of the two is out of date.
    ("heart-failure", {"toxicities": FAILING}, THREE_LINES, True),
    ("heart-failure", {"toxicities": FAILING, "measurements": NO_LVEF}, THREE_LINES, True),
    ("heart-failure", {"diagnoses": (illness("heart-failure"),)}, THREE_LINES, True),
    ("heart-failure", {"toxicities": FAILING, "measurements": but(measured("lvef_percent", 49.0))}, THREE_LINES, False),
    ("heart-failure", {"toxicities": OVER}, THREE_LINES, False),
    ("heart-failure", {}, THREE_LINES, False),
    ("ecog", {"measurements": NO_ECOG}, THREE_LINES, True),
    ("ecog", {"measurements": but(measured("ecog", 0.0))}, THREE_LINES, False),
    ("unnamed-drug", {}, UNNAMED, True),
    ("unnamed-drug", {}, THREE_LINES, False),
    ("no-trial", {"measurements": but(measured("ecog", 4.0))}, THREE_LINES, True),
    ("no-trial", {}, THREE_LINES, False),
]


@pytest.mark.parametrize(("gap", "members", "lines", "is_asked"), CASES)
def test_what_is_asked_first(gap: str, members: dict[str, Any], lines: str, is_asked: Any) -> None:
    had = history(lines) if lines else msgspec.structs.replace(history(), metastatic_since=None)
    advice = advice_of(patient(**members), had)
    rule = next(it for it in shipped().gap_rules if it.id == gap)
    assert any(it.ask == rule.ask for it in advice.gaps) is is_asked


def test_each_standing_gap_is_drawn_on_both_sides() -> None:
    assert {(it.id, side) for it in shipped().gap_rules for side in (True, False)} == {
        (gap, is_asked) for gap, _, _, is_asked in CASES
    }
