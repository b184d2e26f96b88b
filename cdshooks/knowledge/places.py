"""Where a postal code lies, to the area of its first letters or digits: near enough to say which trial sites are in reach.

The areas are ours: middles of at most 25 km of postal codes (or of three characters) in GeoNames data of 2025-12-30, CC BY 4.0.
Source: geonames.org, export/zip.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rows_of


class Position(msgspec.Struct, frozen=True):
    """A place on the earth, in degrees."""

    latitude: float
    longitude: float

    @classmethod
    def of(cls, degrees: tuple[float, float] | None) -> Position | None:
        """The place of a latitude and a longitude; None where none is told."""
        return cls(*degrees) if degrees is not None else None


class Places(msgspec.Struct, frozen=True, kw_only=True):
    """Areas of postal codes by country, and the ways to write a country."""

    areas: Mapping[tuple[str, str], Position]
    countries: Mapping[str, str]
    longest: int

    def country(self, written: str | None) -> str | None:
        """A country's two letters, from those or from its name; None when it is none of ours."""
        plain = " ".join((written or "").split()).casefold()
        return self.countries.get(plain)

    def position(self, country: str | None, postal_code: str | None) -> Position | None:
        """The middle of the area that a postal code lies in; None when the country or the code is not known."""
        code = "".join(it for it in (postal_code or "").upper() if it.isalnum())
        land = self.country(country)
        if land is None or not code:
            return None
        for length in range(min(len(code), self.longest), 0, -1):
            found = self.areas.get((land, code[:length]))
            if found is not None:
                return found
        return None


def load_places(overlay: Path | None = None) -> Places:
    """Read the areas and the words for countries.

    Raises:
        KnowledgeError: A table of the overlay has other columns.
    """
    areas = {
        (row["country"], row["prefix"]): Position(float(row["latitude"]), float(row["longitude"]))
        for _, row in rows_of("postal_areas", overlay)
    }
    countries = {row["word"].casefold(): row["country"] for _, row in rows_of("country_words", overlay)}
    countries |= {country.casefold(): country for country, _ in areas}
    return Places(areas=areas, countries=countries, longest=max((len(it) for _, it in areas), default=0))
