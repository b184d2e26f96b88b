"""Which recruiting sites of a trial are nearest: in bands, for a site is known to its city and a patient to the area of a postcode.

Source: shared specs/trials 6. Nothing of the patient's place leaves the process; only the band is told.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import TrialSite
from cdshooks.options.case import Case
from cdshooks.options.model import NearestSite

_EARTH_RADIUS_KM = 6371.0
IN_REACH_KM = 200
_BANDS = ((50, "under 50 km"), (IN_REACH_KM, "50 to 200 km"))
_FARTHER = "over 200 km"


def home_of(case: Case, hospital: Position | None) -> Position | None:
    """Where distances begin: the area of the patient's postcode, else the hospital.

    An address without a country is a domestic one.
    """
    person = case.record.person
    return case.knowledge.places.position(person.country or case.jurisdiction, person.postal_code) or hospital


def recruiting_sites(sites: Sequence[TrialSite] | None) -> tuple[TrialSite, ...] | None:
    """The sites whose own status says that they recruit; None when the record gives no status of its sites."""
    if sites is None or all(it.is_recruiting is None for it in sites):
        return None
    return tuple(it for it in sites if it.is_recruiting)


def nearest_sites(sites: Sequence[TrialSite], home: Position | None, most: int) -> tuple[NearestSite, ...]:
    """The nearest of these with their bands, the nearest first, one for each city; none when no distance can be told."""
    if home is None:
        return ()
    ranked = sorted(
        (distance_km(home, Position(it.latitude, it.longitude)), it.city, it.name, it.country)
        for it in sites
        if it.latitude is not None and it.longitude is not None
    )
    by_city: dict[tuple[str, str], NearestSite] = {}
    for distance, city, name, country in ranked:
        site = NearestSite(
            name=name, city=city, country=country, distance=band_of(distance), is_in_reach=distance < IN_REACH_KM
        )
        by_city.setdefault((city, country), site)
    return tuple(by_city.values())[:most]


def band_of(distance: float) -> str:
    """The band of a distance in km."""
    return next((told for most, told in _BANDS if distance < most), _FARTHER)


def distance_km(one: Position, other: Position) -> float:
    """Along the great circle."""
    first, second = math.radians(one.latitude), math.radians(other.latitude)
    turn = math.radians(other.longitude - one.longitude)
    half = math.sin((second - first) / 2) ** 2 + math.cos(first) * math.cos(second) * math.sin(turn / 2) ** 2
    return 2 * _EARTH_RADIUS_KM * math.asin(math.sqrt(min(1.0, half)))
