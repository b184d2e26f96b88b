"""Reads study records of the ClinicalTrials.gov API v2: just the members used, one study at a time.

Source: shared specs/trials 1 (record layout), 6 (a site is open only when its own status says so).
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from typing import Any

import msgspec

from cdshooks.errors import MalformedDateError
from cdshooks.knowledge.trial_registry import RECRUITING, TrialSite
from cdshooks.knowledge.trial_text import places_of
from cdshooks.partial_date import PartialDate

_NUMBER = re.compile(r"NCT\d{8}\Z")
_DAY = re.compile(r"\d{4}(?:-\d{2}){0,2}(?![\d-])")
_STATUSES = frozenset(
    {
        "RECRUITING",
        "NOT_YET_RECRUITING",
        "ENROLLING_BY_INVITATION",
        "ACTIVE_NOT_RECRUITING",
        "COMPLETED",
        "SUSPENDED",
        "TERMINATED",
        "WITHDRAWN",
        "UNKNOWN",
        "AVAILABLE",
        "NO_LONGER_AVAILABLE",
        "TEMPORARILY_NOT_AVAILABLE",
        "APPROVED_FOR_MARKETING",
        "WITHHELD",
    }
)


class _Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Base of the parts of a record; members that we do not read are passed over."""


class _Named(_Part, frozen=True, kw_only=True):
    nct_id: str
    brief_title: str = ""
    official_title: str = ""


class _Dated(_Part, frozen=True, kw_only=True):
    date: str | None = None


class _Status(_Part, frozen=True, kw_only=True):
    overall_status: str
    status_verified_date: str | None = None
    last_update_post_date_struct: _Dated | None = None


class _Sponsor(_Part, frozen=True, kw_only=True):
    name: str | None = None


class _Sponsors(_Part, frozen=True, kw_only=True):
    lead_sponsor: _Sponsor | None = None


class _Conditions(_Part, frozen=True, kw_only=True):
    conditions: tuple[str, ...] = ()
    keywords: tuple[str, ...] = ()


class _Design(_Part, frozen=True, kw_only=True):
    phases: tuple[str, ...] = ()


class _Intervention(_Part, frozen=True, kw_only=True):
    name: str = ""
    type: str | None = None


class _Arms(_Part, frozen=True, kw_only=True):
    interventions: tuple[_Intervention, ...] = ()


class _Eligibility(_Part, frozen=True, kw_only=True):
    eligibility_criteria: str = ""
    sex: str | None = None
    minimum_age: str | None = None
    maximum_age: str | None = None


class _Point(_Part, frozen=True, kw_only=True):
    lat: float
    lon: float


class _Location(_Part, frozen=True, kw_only=True):
    facility: str | None = None
    city: str | None = None
    state: str | None = None
    country: str | None = None
    status: str | None = None
    geo_point: _Point | None = None


class _Contacts(_Part, frozen=True, kw_only=True):
    locations: tuple[_Location, ...] = ()


class _Protocol(_Part, frozen=True, kw_only=True):
    identification_module: _Named
    status_module: _Status
    eligibility_module: _Eligibility
    sponsor_collaborators_module: _Sponsors = _Sponsors()
    conditions_module: _Conditions = _Conditions()
    design_module: _Design = _Design()
    arms_interventions_module: _Arms = _Arms()
    contacts_locations_module: _Contacts = _Contacts()


class _Provenance(_Part, frozen=True, kw_only=True, rename=None):
    as_of: str | None = None


class _Record(_Part, frozen=True, kw_only=True):
    protocol_section: _Protocol
    provenance: _Provenance | None = msgspec.field(default=None, name="_provenance")


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """What we use of one study record; ``record`` is the registry's JSON as it came."""

    nct_id: str
    title: str
    status: str
    status_date: str
    """When the registry said so: the day of the copy, else of the record's last update."""
    last_update: str | None
    phases: tuple[str, ...]
    sponsor: str | None
    conditions: tuple[str, ...]
    drugs: tuple[str, ...]
    countries: tuple[str, ...]
    sex: str | None
    minimum_age: str | None
    maximum_age: str | None
    criteria_text: str
    sites: tuple[TrialSite, ...] | None
    """None when the record names no site by itself, only countries."""
    content_hash: str
    eligibility_hash: str
    record: str


class Refused(msgspec.Struct, frozen=True, kw_only=True):
    """A record, or a whole file, that is not taken, with the reason in a sentence."""

    what: str
    because: str


def read_studies(data: bytes, name: str, *, as_of: str | None = None) -> Iterator[Study | Refused]:
    """Every study of a file: one record, a page of the API, a list, or one record a line.

    ``as_of`` is the day on which the registry was asked; without it the records say how current they are.
    """
    try:
        content = msgspec.json.decode(data)
    except msgspec.DecodeError:
        yield from _read_lines(data, name, as_of)
        return
    if isinstance(content, dict) and isinstance(content.get("studies"), list):
        records = content["studies"]
    else:
        records = content if isinstance(content, list) else [content]
    for number, record in enumerate(records, 1):
        yield read_study(record, name if len(records) == 1 else f"{name}, study {number}", as_of=as_of)


def _read_lines(data: bytes, name: str, as_of: str | None) -> Iterator[Study | Refused]:
    lines = [(number, line) for number, line in enumerate(data.splitlines(), 1) if line.strip()]
    try:
        records = [(number, msgspec.json.decode(line)) for number, line in lines]
    except msgspec.DecodeError as error:
        yield Refused(what=name, because=f"is not JSON ({error})")
        return
    if not records:
        yield Refused(what=name, because="is empty")
    for number, record in records:
        yield read_study(record, f"{name}, line {number}", as_of=as_of)


def read_study(record: Any, name: str, *, as_of: str | None = None) -> Study | Refused:
    """One decoded study record, or why it is none."""
    try:
        read = msgspec.convert(record, _Record)
    except msgspec.ValidationError as error:
        return Refused(what=name, because=f"is no study record of the API v2 ({error})")
    protocol = read.protocol_section
    number, status = protocol.identification_module.nct_id, protocol.status_module
    if not _NUMBER.match(number):
        return Refused(what=name, because="has no NCT number")
    if status.overall_status not in _STATUSES:
        return Refused(what=f"{name} ({number})", because="has a status that the registry does not know")
    if not protocol.eligibility_module.eligibility_criteria.strip():
        return Refused(what=f"{name} ({number})", because="has no eligibility text")
    posted = status.last_update_post_date_struct
    last_update = _date(posted.date if posted is not None else None)
    dates = (_date(as_of), _date(_copied(read)), last_update, _date(status.status_verified_date))
    status_date = next((it for it in dates if it is not None), None)
    if status_date is None:
        return Refused(what=f"{name} ({number})", because="does not say how current it is; give the day of the copy")
    eligibility = protocol.eligibility_module
    contacts = protocol.contacts_locations_module
    return Study(
        nct_id=number,
        title=protocol.identification_module.brief_title or protocol.identification_module.official_title,
        status=status.overall_status,
        status_date=status_date,
        last_update=last_update,
        phases=protocol.design_module.phases,
        sponsor=_sponsor(protocol),
        conditions=protocol.conditions_module.conditions,
        drugs=tuple(it.name for it in protocol.arms_interventions_module.interventions if it.name),
        countries=tuple(dict.fromkeys(it.country for it in contacts.locations if it.country)),
        sex=eligibility.sex,
        minimum_age=eligibility.minimum_age,
        maximum_age=eligibility.maximum_age,
        criteria_text=eligibility.eligibility_criteria,
        sites=_sites(contacts.locations),
        content_hash=_hash(msgspec.json.encode(record.get("protocolSection"), order="sorted")),
        eligibility_hash=eligibility_hash(
            eligibility.eligibility_criteria, eligibility.sex, eligibility.minimum_age, eligibility.maximum_age
        ),
        record=msgspec.json.encode(record).decode(),
    )


def sites_of(record: str) -> tuple[TrialSite, ...] | None:
    """The sites of a kept record, and nothing else of it; None where it has none or this version cannot read it."""
    try:
        read = msgspec.json.decode(record, type=_Record)
    except msgspec.DecodeError:
        return None
    return _sites(read.protocol_section.contacts_locations_module.locations)


def eligibility_hash(text: str, *fields: str | None) -> str:
    """What changes when a criterion does: its words, its place, the record's sex and ages; not its markup, case or spacing."""
    places = [f"{it.name} {' '.join(it.text.split())}".casefold() for it in places_of(text)]
    return _hash(msgspec.json.encode([places, [(it or "").casefold() for it in fields]]))


def _hash(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def _sponsor(protocol: _Protocol) -> str | None:
    lead = protocol.sponsor_collaborators_module.lead_sponsor
    return lead.name if lead is not None else None


def _copied(read: _Record) -> str | None:
    return read.provenance.as_of if read.provenance is not None else None


def _date(text: str | None) -> str | None:
    """A date as the registry writes it, 2026-11 or 2026-11-03; None for anything else."""
    found = _DAY.match(text or "")
    if found is None:
        return None
    try:
        PartialDate.from_fhir(found.group())
    except MalformedDateError:
        return None
    return found.group()


def _sites(locations: tuple[_Location, ...]) -> tuple[TrialSite, ...] | None:
    if not any(it.facility or it.city for it in locations):
        return None
    return tuple(
        TrialSite(
            name=it.facility or "site without a name",
            city=it.city or "",
            country=it.country or "",
            state=it.state,
            latitude=it.geo_point.lat if it.geo_point is not None else None,
            longitude=it.geo_point.lon if it.geo_point is not None else None,
            is_recruiting=it.status == RECRUITING if it.status is not None else None,
        )
        for it in locations
        if it.facility or it.city
    )
