"""What is measured of a patient: the fact, its unit, what other units are worth, and what values a living person can have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.codes import system_of
from cdshooks.knowledge.drugs import rows_of, split
from cdshooks.knowledge.units import factor_between, plain_unit
from cdshooks.knowledge.words import Words, words_from

_QUANTITY = "Quantity "
_COLUMNS = frozenset(
    {"fact", "label", "unit", "units", "bare_units", "least", "most", "molar_mass", "valence"}
    | {"spellings", "tests", "names", "words"}
)


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measurable fact. ``factors``: unit as compared -> what one of it is worth in the fact's own unit.

    ``least`` and ``most`` are in the fact's unit: outside of them no living person can be.
    """

    fact: str
    label: str
    unit: str
    factors: Mapping[str, float]
    bare: tuple[float, ...]
    """What a number without a unit may be worth: the factors of the units that people leave out."""
    least: float
    most: float

    def factor(self, unit: str) -> float | None:
        """What a written unit is worth in the fact's unit; None for one that it cannot have."""
        return self.factors.get(plain_unit(unit))

    def is_possible(self, value: float) -> bool:
        """Whether a living person can have this value (in the fact's unit)."""
        return self.least <= value <= self.most

    def bare_factors(self, low: float, high: float) -> frozenset[float]:
        """All that a range without a unit can be worth so that its value is possible; one of them, or it cannot be used."""
        return frozenset(it for it in self.bare if self.is_possible(low * it) and self.is_possible(high * it))


class Test(msgspec.Struct, frozen=True, kw_only=True):
    """How a test code measures: the method that its name tells, and the unit that it is reported in."""

    method: str | None
    unit: str


class MarkerLimit(msgspec.Struct, frozen=True, kw_only=True):
    """From where (inclusive) to where (exclusive) a number of a marker has one value, in the unit of its measure."""

    marker: str
    measure: Measure
    at_least: float
    below: float | None
    value: str

    def holds(self, number: float, unit: str) -> bool:
        """Whether a number with its unit as written lies here; never where the marker cannot have that unit."""
        factor = self.measure.factor(unit or "1")
        if factor is None or not self.measure.is_possible(number * factor):
            return False
        return number * factor >= self.at_least and (self.below is None or number * factor < self.below)


class MeasureKnowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Measures by the test that gives them, by their full name, and by words inside a name."""

    by_test: Mapping[str, Measure]
    by_name: Mapping[str, Measure]
    by_words: Words
    by_fact: Mapping[str, Measure]
    tests: Mapping[tuple[str, str], Test]
    marker_limits: tuple[MarkerLimit, ...]

    def worded(self, text: str) -> Measure | None:
        """The measure that the name of an observation is; where several are named, the one that stands first in the table."""
        exact = self.by_name.get(text.casefold().strip())
        if exact is not None:
            return exact
        named = set(self.by_words.find(text))
        return next((it for fact, it in self.by_fact.items() if fact in named), None)


def load_measures(overlay: Path | None = None) -> MeasureKnowledge:
    """Read the table of measures and let the library of units say what each unit is worth.

    Raises:
        KnowledgeError: A unit that nothing leads from to the measure's own.
    """
    spellings = [(plain_unit(row["written"]), row["unit"]) for _, row in rows_of("unit_words", overlay)]
    compiled = compiled_factors()
    by_test: dict[str, Measure] = {}
    by_name: dict[str, Measure] = {}
    by_fact: dict[str, Measure] = {}
    phrases: dict[str, str] = {}
    for line, row in rows_of("measures", overlay):
        missing = _COLUMNS - set(row)
        if missing:
            raise KnowledgeError((f"measures.csv:{line}: the columns {', '.join(sorted(missing))} are missing",))
        measure = _measure(line, row, spellings, compiled)
        by_fact[measure.fact] = measure
        by_test.update(dict.fromkeys(split(row["tests"]), measure))
        by_name.update((name.casefold(), measure) for name in split(row["names"]))
        phrases.update(dict.fromkeys(split(row["words"]), measure.fact))
    tests = {
        (system_of(row["system"]), row["code"]): Test(
            method=row["display"].partition(" by ")[2] or None, unit=row["value_kind"].partition(_QUANTITY)[2].strip()
        )
        for _, row in rows_of("observations", overlay)
        if row["concept"] in by_test
    }
    return MeasureKnowledge(
        by_test=by_test,
        by_name=by_name,
        by_words=words_from(phrases),
        by_fact=by_fact,
        tests=tests,
        marker_limits=tuple(_limit(row, line, by_fact) for line, row in rows_of("marker_limits", overlay)),
    )


def _limit(row: dict[str, str], line: int, by_fact: Mapping[str, Measure]) -> MarkerLimit:
    measure = by_fact.get(row["measure"])
    if measure is None:
        raise KnowledgeError((f"marker_limits.csv:{line}: there is no measure {row['measure']!r}",))
    return MarkerLimit(
        marker=row["marker"],
        measure=measure,
        at_least=float(row["at_least"]),
        below=float(row["below"]) if row["below"] else None,
        value=row["value"],
    )


Conversion = tuple[str, str, str, str]
"""A unit, the one it is expressed in, and the molar mass and valence of what is measured; "" where they do not matter."""


def conversions_of(row: dict[str, str]) -> tuple[Conversion, ...]:
    """Every conversion that a row of the table of measures needs."""
    return tuple((it, row["unit"], row["molar_mass"], row["valence"]) for it in split(row["units"]))


def compiled_factors() -> dict[Conversion, float]:
    """What the library of units said of the shipped table; loading the library takes longer than all the rest of a start."""
    rows = (row for _, row in rows_of("unit_factors", None))
    return {(row["unit"], row["into"], row["molar_mass"], row["valence"]): float(row["factor"]) for row in rows}


def factor_of(conversion: Conversion) -> float:
    """What the library of units says of a conversion.

    Raises:
        KnowledgeError: Nothing leads from one unit to the other.
    """
    unit, into, mass, valence = conversion
    return factor_between(
        unit, into, molar_mass=float(mass) if mass else None, valence=int(valence) if valence else None
    )


def _measure(
    line: int, row: dict[str, str], spellings: list[tuple[str, str]], compiled: Mapping[Conversion, float]
) -> Measure:
    try:
        worth = {it[0]: compiled[it] if it in compiled else factor_of(it) for it in conversions_of(row)}
    except KnowledgeError as error:
        raise KnowledgeError(tuple(it.replace(":1:", f":{line}:", 1) for it in error.faults)) from error
    factors = {plain_unit(it): factor for it, factor in worth.items()}
    factors.update((written, worth[unit]) for written, unit in spellings if unit in worth)
    for spelling in split(row["spellings"]):
        written, _, unit = spelling.rpartition("=")
        if unit not in worth:
            raise KnowledgeError((f"measures.csv:{line}: {unit!r} is none of the units of {row['fact']!r}",))
        factors[plain_unit(written)] = worth[unit]
    return Measure(
        fact=row["fact"],
        label=row["label"],
        unit=row["unit"],
        factors=factors,
        bare=tuple(dict.fromkeys(worth[it] for it in split(row["bare_units"]))),
        least=float(row["least"]),
        most=float(row["most"]),
    )
