"""What a registry says of a trial on a day: shipped facts and imported records both speak through this value."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

import msgspec

from cdshooks.partial_date import PartialDate

REGISTRY_SYSTEM = "http://clinicaltrials.gov"
"""The system of NCT numbers: HL7's NamingSystem ClinicalTrials-Gov."""
RECRUITING = "RECRUITING"
NOT_YET_RECRUITING = "NOT_YET_RECRUITING"


class TrialSite(msgspec.Struct, frozen=True, kw_only=True):
    """One place of a trial; ``is_recruiting`` None when the record gives sites no status of their own."""

    name: str
    city: str
    country: str
    state: str | None = None
    latitude: float | None = None
    longitude: float | None = None
    is_recruiting: bool | None = None


class TrialState(msgspec.Struct, frozen=True, kw_only=True):
    """Status with its date, and the sites; ``sites`` None: not loaded.

    ``is_suspended``: the eligibility text has changed since the trial was coded, so the coding waits to be signed again.
    """

    status: str
    status_date: PartialDate
    sites: tuple[TrialSite, ...] | None = None
    is_suspended: bool = False
    suspended_because: str | None = None


class RegistryAge(StrEnum):
    """Whether the imported records could be read for this call."""

    CURRENT = "current"
    READ_EARLIER = "read earlier"
    NEVER_READ = "never read"


class Registry(msgspec.Struct, frozen=True, kw_only=True):
    """What imported records say of trials, by registry number; a trial without a record speaks from its own file."""

    states: Mapping[str, TrialState]
    age: RegistryAge = RegistryAge.CURRENT


SHIPPED_FACTS = Registry(states={})
"""No record has been imported."""
