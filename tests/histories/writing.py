"""Writing FHIR R4 resources about one patient: dates of the plan, ids, codings."""

from __future__ import annotations

from random import Random
from typing import Any

from tests.histories.plan import Plan

Resource = dict[str, Any]
RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
SNOMED, LOINC, ICD = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
SUBJECT = {"reference": "Patient/p"}
_STYLES = ("epic", "oracle", "german", "plain")


class Writer:
    """One EHR's way of writing: what it has made so far, its style and its faults."""

    def __init__(self, plan: Plan, rng: Random, faults: frozenset[str]) -> None:
        self.plan, self.rng, self.faults = plan, rng, faults
        self.style = rng.choice(_STYLES)
        self.made: list[Resource] = []

    def add(self, kind: str, **members: Any) -> None:
        self.made.append({"resourceType": kind, "id": f"r{len(self.made)}", "subject": SUBJECT, **members})

    def day(self, day: int) -> str:
        return self.plan.date_of(day).isoformat()

    def moment(self, day: int, hour: str = "10") -> str:
        zone = {"epic": "Z", "oracle": "-06:00", "german": "+01:00"}.get(self.style)
        return f"{self.day(day)}T{hour}:30:00{zone}" if zone else self.day(day)


def coding(system: str, code: str | None, display: str) -> Resource:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def route(*, is_oral: bool) -> Resource:
    code, text = ("26643006", "by mouth") if is_oral else ("47625008", "intravenous")
    return {"route": {"coding": [coding(SNOMED, code, "")], "text": text}}


def days(value: int) -> Resource:
    return {"value": value, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
