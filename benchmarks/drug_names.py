"""Measures drug names as people type them: precision and recall, and the cost of 10,000 texts never seen before.

The strings are published names and typing slips, written down without regard to what the matcher does; see drug_strings.csv.
"""

from __future__ import annotations

import csv
import random
import string
import time
from pathlib import Path

from cdshooks.ehr.resources import CodeableConcept
from cdshooks.knowledge.load import load_knowledge
from cdshooks.record.drug_names import DrugNames

STRINGS = Path(__file__).with_name("drug_strings.csv")
UNKNOWN_TEXTS = 10_000


def main() -> None:
    """Print the figures, each wrong or missing agent by name."""
    names = DrugNames(load_knowledge().drugs)
    with STRINGS.open(encoding="utf-8", newline="") as file:
        rows = [
            (row["text"], frozenset(filter(None, row["agents"].split(";"))))
            for row in csv.DictReader(file, delimiter="|")
        ]
    right = named = wanted = 0
    for text, expected in rows:
        found = names.identify_concept(CodeableConcept(text=text)).agents
        # Only cancer drugs are counted: a supportive drug that is recognised as such is no wrong agent.
        got = frozenset(str(it) for it in found if names.is_anticancer(it) or it == "investigational")
        right, named, wanted = right + len(got & expected), named + len(got), wanted + len(expected)
        if got != expected:
            print(f"  {text!r}: wrong {sorted(got - expected)}, missing {sorted(expected - got)}")
    print(f"{len(rows)} strings: precision {right / named:.3f} (aim 0.99), recall {right / wanted:.3f} (aim 0.97)")
    rng = random.Random(1)
    unknown = ["".join(rng.choices(string.ascii_lowercase, k=12)) + " 10 mg tablet" for _ in range(UNKNOWN_TEXTS)]
    began = time.perf_counter()
    for text in unknown:
        names.identify_concept(CodeableConcept(text=text))
    seconds = time.perf_counter() - began
    print(f"{UNKNOWN_TEXTS} distinct unknown texts: {seconds:.2f} s, {seconds / UNKNOWN_TEXTS * 1e6:.0f} us each")


if __name__ == "__main__":
    main()
