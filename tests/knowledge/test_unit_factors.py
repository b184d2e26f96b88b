"""The shipped factors between units are those of the library of units, and a start does not load the library.

``UPDATE_GOLDEN=1`` writes them anew.
"""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

from cdshooks.knowledge.drugs import rows_of
from cdshooks.knowledge.measures import compiled_factors, conversions_of, factor_of

TABLE = Path(__file__).parents[2] / "cdshooks" / "knowledge" / "data" / "codes" / "unit_factors.csv"
SOURCE = "computed by ucumvert and pint from the UCUM units of measures.csv"


def test_the_shipped_factors_are_those_of_the_library():
    wanted = {it: factor_of(it) for _, row in rows_of("measures", None) for it in conversions_of(row)}
    if os.environ.get("UPDATE_GOLDEN"):
        with TABLE.open("w", encoding="utf-8", newline="") as file:
            writer = csv.writer(file, lineterminator="\n")
            writer.writerow(("unit", "into", "molar_mass", "valence", "factor", "source"))
            writer.writerows((*it, repr(factor), SOURCE) for it, factor in sorted(wanted.items()))
    assert compiled_factors() == wanted


def test_loading_the_shipped_knowledge_does_not_load_the_library():
    code = (
        "import sys; from cdshooks.knowledge.load import load_knowledge; load_knowledge(); print('pint' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "False"
