"""What is measured of a patient: the fact, its unit, what other units are worth, and what values are possible."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rows_of, split


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measurable fact. ``units``: unit as written, lower-case -> factor into the fact's own unit."""

    fact: str
    unit: str
    units: Mapping[str, float]
    least: float
    most: float

    def factor(self, unit: str) -> float | None:
        """What a written unit is worth in the fact's unit; None for one that it cannot have."""
        return self.units.get(unit.strip().casefold())


class MeasureKnowledge(msgspec.Struct, frozen=True):
    """Measures by the test that gives them, and by name."""

    by_test: Mapping[str, Measure]
    by_name: Mapping[str, Measure]


def load_measures(overlay: Path | None = None) -> MeasureKnowledge:
    """Read the table of measures."""
    by_test: dict[str, Measure] = {}
    by_name: dict[str, Measure] = {}
    for _, row in rows_of("measures", overlay):
        pairs = (part.rsplit("=", 1) for part in split(row["units"]))
        measure = Measure(
            fact=row["fact"],
            unit=row["unit"],
            units={name.strip().casefold(): float(factor) for name, factor in pairs},
            least=float(row["least"]),
            most=float(row["most"]),
        )
        for test in split(row["tests"]):
            by_test[test] = measure
        for name in split(row["names"]):
            by_name[name.casefold()] = measure
    return MeasureKnowledge(by_test, by_name)
