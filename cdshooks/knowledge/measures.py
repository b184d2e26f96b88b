"""What is measured of a patient: the fact, its unit, what other units are worth, and what values a living person can have."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.codes import system_of
from cdshooks.knowledge.drugs import rows_of, split
from cdshooks.knowledge.names import words
from cdshooks.knowledge.units import factor_between, plain_unit
from cdshooks.knowledge.words import Words, words_from

_QUANTITY, _SHARE = "Quantity ", "%"
_COLUMNS = frozenset(
    {"fact", "label", "unit", "units", "bare_units", "least", "most", "molar_mass", "valence"}
    | {"spellings", "tests", "names", "words"}
)


class Scale(msgspec.Struct, frozen=True):
    """How a number of one unit is told in another: by a factor, and where the two begin at different points, with an offset."""

    factor: float
    offset: float = 0.0

    def of(self, number: float) -> float:
        """The number in the other unit."""
        return number * self.factor + self.offset


class Measure(msgspec.Struct, frozen=True, kw_only=True):
    """One measurable fact. ``scales``: unit as compared -> how a number of it is told in the fact's own unit.

    ``least`` and ``most`` are in the fact's unit: outside of them no living person can be.
    """

    fact: str
    label: str
    unit: str
    scales: Mapping[str, Scale]
    bare: tuple[Scale, ...]
    """What a number without a unit may be worth: the scales of the units that people leave out."""
    least: float
    most: float

    def scale(self, unit: str) -> Scale | None:
        """How a number of a written unit is told in the fact's unit; None for a unit that the fact cannot have."""
        return self.scales.get(plain_unit(unit))

    def is_possible(self, value: float) -> bool:
        """Whether a living person can have this value (in the fact's unit)."""
        return self.least <= value <= self.most

    def bare_scales(self, low: float, high: float) -> frozenset[Scale]:
        """All that a range without a unit can be worth so that its value is possible; one of them, or it cannot be used."""
        return frozenset(it for it in self.bare if self.is_possible(it.of(low)) and self.is_possible(it.of(high)))


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
        scale = self.measure.scale(unit or "1")
        value = scale.of(number) if scale is not None else None
        if value is None or not self.measure.is_possible(value):
            return False
        return value >= self.at_least and (self.below is None or value < self.below)


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
        if exact is None and _SHARE not in text:  # "Neutrophils %" is no count
            exact = self.by_name.get(" ".join(words(text)))  # "Creatinine (Serum)", "Bilirubin, total"
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
    known = _Known(spellings, compiled_factors(), _equations(overlay))
    by_test: dict[str, Measure] = {}
    by_name: dict[str, Measure] = {}
    by_fact: dict[str, Measure] = {}
    phrases: dict[str, str] = {}
    for line, row in rows_of("measures", overlay):
        missing = _COLUMNS - set(row)
        if missing:
            raise KnowledgeError((f"measures.csv:{line}: the columns {', '.join(sorted(missing))} are missing",))
        measure = _measure(line, row, known)
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


class _Known(msgspec.Struct, frozen=True):
    """What all measures are made with: spellings of units, the library's factors, and the equations between scales."""

    spellings: list[tuple[str, str]]
    factors: Mapping[Conversion, float]
    equations: Mapping[str, Mapping[str, Scale]]


def _equations(overlay: Path | None) -> Mapping[str, Mapping[str, Scale]]:
    """Fact -> unit -> how a number of a scale that begins elsewhere is told in the fact's unit."""
    found: dict[str, dict[str, Scale]] = {}
    for line, row in rows_of("unit_equations", overlay):
        try:
            scale = Scale(float(row["factor"]), float(row["offset"]))
        except ValueError as error:
            raise KnowledgeError((f"unit_equations.csv:{line}: factor and offset are numbers",)) from error
        found.setdefault(row["fact"], {})[row["unit"]] = scale
    return found


def _measure(line: int, row: dict[str, str], known: _Known) -> Measure:
    factors = known.factors
    try:
        worth = {it[0]: Scale(factors[it] if it in factors else factor_of(it)) for it in conversions_of(row)}
    except KnowledgeError as error:
        raise KnowledgeError(tuple(it.replace(":1:", f":{line}:", 1) for it in error.faults)) from error
    worth.update(known.equations.get(row["fact"], {}))
    scales = {plain_unit(it): scale for it, scale in worth.items()}
    scales.update((written, worth[unit]) for written, unit in known.spellings if unit in worth)
    for spelling in split(row["spellings"]):
        written, _, unit = spelling.rpartition("=")
        if unit not in worth:
            raise KnowledgeError((f"measures.csv:{line}: {unit!r} is none of the units of {row['fact']!r}",))
        scales[plain_unit(written)] = worth[unit]
    return Measure(
        fact=row["fact"],
        label=row["label"],
        unit=row["unit"],
        scales=scales,
        bare=tuple(dict.fromkeys(worth[it] for it in split(row["bare_units"]))),
        least=float(row["least"]),
        most=float(row["most"]),
    )
