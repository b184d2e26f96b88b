"""A plan as the FHIR R4 resources an EHR would send, with the faults of real records.

Four ways of writing are drawn: orders with administrations and dispenses (as Epic sends them), administrations with
periods and orders without an end (as Oracle Health does), German statements with ATC codes, and plain administrations.
What may go wrong on the way is listed in :mod:`tests.histories.faults`.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from random import Random
from typing import Any

from tests.histories.disease_records import DiseaseWriter
from tests.histories.plan import Given, Plan
from tests.histories.products import BIOSIMILARS, PHESGO, PRODUCTS, SUBCUTANEOUS, SUPPORTIVE, misspelt, misspelt_brand
from tests.histories.writing import ATC, RXNORM, SNOMED, Resource, coding, days, route

_STATEMENT_FAULTS = {"month-only dates": 7, "year-only dates": 4, "statements only": 10}
_STOPPED_FOR = {
    "progression": ("266721009", "Progression of disease", "Progress unter Therapie"),
    "toxicity": ("281647001", "Toxicity: not tolerated", "Toxizitaet"),
    "completed": ("182992009", "Treatment completed", "planmaessig beendet"),
    "patient_choice": ("105480006", "Patient wished for a break", "Wunsch der Patientin"),
}


def render(plan: Plan, seed: int, faults: frozenset[str] = frozenset()) -> list[Resource]:
    """The resources of a plan; the same seed and faults give the same resources."""
    return _Ehr(plan, Random(f"{seed}:{sorted(faults)}:ehr"), faults).resources()


class _Ehr(DiseaseWriter):
    """One EHR with its way of writing and its faults."""

    def __init__(self, plan: Plan, rng: Random, faults: frozenset[str]) -> None:
        super().__init__(plan, rng, faults)
        self.spellings: dict[tuple[str, int], str] = {}

    def resources(self) -> list[Resource]:
        self.write_disease()
        begins_with = self._first_line_here()
        missing = self._missing_year()
        for course in self.plan.given:
            if course.setting == "other" or (course.line or 0) >= begins_with:
                self._course(course)
        self.made = [it for it in self.made if not _is_treatment_within(it, missing)]
        self._around()
        if "shuffled" in self.faults:
            self.made += self.rng.sample(self.made[1:], len(self.made) // 4)
            self.rng.shuffle(self.made)
        return self.made

    def _missing_year(self) -> tuple[str, str] | None:
        if "a year missing" not in self.faults:
            return None
        begin = self.plan.lines[0].start + self.rng.randint(60, 200)
        return self.day(begin), self.day(begin + 365)

    def _first_line_here(self) -> int:
        """The first line that this hospital gave; 0 where it also gave the early treatment."""
        if "first lines elsewhere" not in self.faults or len(self.plan.lines) == 1:
            return 0
        return self.rng.randint(2, len(self.plan.lines))

    def _course(self, course: Given) -> None:
        is_oral = course.every is None
        coarse = self.faults & set(_STATEMENT_FAULTS)
        if coarse:
            self._statement(course, precision=_STATEMENT_FAULTS[next(iter(coarse))])
            return
        if not is_oral:
            for day in self._doses(course):
                self._administration(course, day)
            if self.style == "epic" or self.faults & {"orders never closed", "duplicate sources"}:
                self._order(course)
            if self.style == "german" or "duplicate sources" in self.faults:
                self._statement(course)
            return
        if "dispenses with gaps" in self.faults:
            self._dispenses(course, late=True)
        elif self.style == "german" and "orders never closed" not in self.faults:
            self._statement(course)
        elif "orders only for tablets" in self.faults:
            self._prescriptions(course)
        else:
            order = self._order(course)
            if self.style == "epic":
                self._dispenses(course, authorizingPrescription=[{"reference": order}])
        if "duplicate sources" in self.faults:
            self._statement(course)

    def _doses(self, course: Given) -> Iterator[int]:
        """The documented days of a course; its first dose is always known, or its start would be lost."""
        shift = 1 if "drugs on neighbouring days" in self.faults and course.agent != "trastuzumab" else 0
        for number, day in enumerate(course.doses()):
            if number and "missing cycles" in self.faults and self.rng.random() < 0.25:
                continue
            late = self.rng.randint(-3, 6) if number and "cycles late" in self.faults else 0
            yield min(max(day + late, course.first) + shift, max(self.plan.today, course.first))

    def _administration(self, course: Given, day: int) -> None:
        if course.agent == "pertuzumab" and "Phesgo" in self.faults and self._both_given(day):
            return
        moment = {"effectiveDateTime": self.moment(day)}
        if self.style == "oracle":
            moment = {"effectivePeriod": {"start": self.moment(day, "09"), "end": self.moment(day, "11")}}
        self.add(
            "MedicationAdministration", status="completed", **self._drug(course, day), **moment, **self._why(course)
        )

    def _order(self, course: Given) -> str:
        is_closed = course.stopped_for is not None and "orders never closed" not in self.faults
        period = {"start": self.day(course.first)}
        if is_closed:
            period["end"] = self.day(self._last_day(course))
        status = "active" if not is_closed else "completed" if course.stopped_for == "completed" else "stopped"
        self.add(
            "MedicationRequest",
            status=status,
            intent="order",
            authoredOn=self.day(course.first - self.rng.randint(0, 3)),
            dosageInstruction=[{"timing": {"repeat": {"boundsPeriod": period}}, **route(is_oral=course.every is None)}],
            **self._drug(course, course.first),
            **self._why(course),
            **(self._stop_reason(course) if is_closed else {}),
        )
        return f"MedicationRequest/{self.made[-1]['id']}"

    def _prescriptions(self, course: Given) -> None:
        """A new prescription every three months; none says when the drug was stopped."""
        for day in range(course.first, course.last + 1, 84):
            supply = min(84, max(self._last_day(course) - day, 14))
            self.add(
                "MedicationRequest",
                status="active" if course.stopped_for is None else "completed",
                intent="order",
                authoredOn=self.day(day),
                dosageInstruction=[route(is_oral=True)],
                dispenseRequest={"expectedSupplyDuration": days(supply)},
                **self._drug(course, day),
                **self._why(course),
            )

    def _dispenses(self, course: Given, *, late: bool = False, **members: Any) -> None:
        day, last = course.first, self._last_day(course)
        while day <= last:
            supply = min(28, max(last - day + 1, 7))
            self.add(
                "MedicationDispense",
                status="completed",
                whenHandedOver=self.moment(day),
                daysSupply=days(supply),
                **self._drug(course, day),
                **members,
            )
            day += 28 + (self.rng.randint(0, 12) if late else 0)

    def _statement(self, course: Given, precision: int = 10) -> None:
        period = {"start": self.day(course.first)[:precision]}
        is_over = course.stopped_for is not None
        if is_over:
            period["end"] = self.day(self._last_day(course))[:precision]
        self.add(
            "MedicationStatement",
            status="active" if not is_over else "completed" if course.stopped_for == "completed" else "stopped",
            effectivePeriod=period,
            **self._drug(course, course.first),
            **self._why(course),
            **(self._stop_reason(course, several=True) if is_over else {}),
        )

    def _last_day(self, course: Given) -> int:
        return max(course.listed_until or course.last, course.first)

    def _stop_reason(self, course: Given, *, several: bool = False) -> Resource:
        known = _STOPPED_FOR.get(course.stopped_for or "")
        if known is None or "no status reasons" in self.faults:
            return {}
        code, english, german = known
        reason = {"coding": [coding(SNOMED, code, english)], "text": german if self.style == "german" else english}
        return {"statusReason": [reason] if several else reason}

    def _why(self, course: Given) -> Resource:
        if course.reason == "unsaid":
            return {}
        return {"reasonReference": [{"reference": f"Condition/{course.reason}"}]}

    def _drug(self, course: Given, day: int) -> Resource:
        product = PRODUCTS[course.agent]
        text = self._spelling(course)
        rxnorm, atc = product.rxnorm, product.atc
        if course.agent == "trastuzumab":
            if "biosimilars" in self.faults:
                text = BIOSIMILARS[(day // 120) % len(BIOSIMILARS)]
            elif "subcutaneous trastuzumab" in self.faults and (day // 150) % 2:
                text, rxnorm = SUBCUTANEOUS[(day // 150) % len(SUBCUTANEOUS)], None
        if "Phesgo" in self.faults and course.agent in ("trastuzumab", "pertuzumab") and self._both_given(day):
            text, rxnorm, atc = self.rng.choice(PHESGO), "2382603", "L01FY01"
        concept: Resource = {"text": text}
        if not self.faults & {"text only", "misspelt", "misspelt brands"}:
            codings = [coding(RXNORM, rxnorm, "")] if rxnorm and self.style != "german" else []
            codings += [coding(ATC, atc, "")] if atc and self.style in ("german", "oracle") else []
            if codings:
                concept["coding"] = codings
        if "drugs by reference" in self.faults:
            key = f"med-{zlib.crc32(text.encode())}"
            if not any(it["id"] == key for it in self.made):
                self.made.append({"resourceType": "Medication", "id": key, "code": concept})
            return {"medicationReference": {"reference": f"Medication/{key}"}}
        return {"medicationCodeableConcept": concept}

    def _spelling(self, course: Given) -> str:
        """How this order names the drug: once chosen, every dose of it is named so."""
        key = (course.agent, course.first)
        if key not in self.spellings:
            text, slip = self.rng.choice(PRODUCTS[course.agent].texts), self.rng.randrange(8)
            if "misspelt" in self.faults:
                text = misspelt(text, slip)
            elif "misspelt brands" in self.faults:
                text = misspelt_brand(course.agent, text, slip)
            self.spellings[key] = text
        return self.spellings[key]

    def _both_given(self, day: int) -> bool:
        """Whether both antibodies are in use on a day later than the loading cycles, so that one product can hold them."""
        both = {"trastuzumab", "pertuzumab"}
        in_use = {it.agent for it in self.plan.given if it.first + 60 < day <= it.last}
        return both <= in_use

    def _around(self) -> None:
        plan, rng = self.plan, self.rng
        middle = [line.start + 60 for line in plan.lines]
        if "supportive drugs" in self.faults:
            for name, code, every in SUPPORTIVE:
                for day in range(plan.lines[0].start, plan.today, every * 2):
                    self._plain("MedicationAdministration", name, code, effectiveDateTime=self.moment(day))
        if "ovarian suppression" in self.faults:
            for day in range(plan.lines[0].start + 20, plan.today, 28):
                self._plain("MedicationAdministration", "goserelin", "50610", effectiveDateTime=self.moment(day))
        if "entered in error" in self.faults:
            for day in middle:
                self._wrong("MedicationAdministration", "entered-in-error", day, effectiveDateTime=self.moment(day))
        if "doses not done" in self.faults:
            for day in middle:
                self._wrong("MedicationAdministration", "not-done", day, effectiveDateTime=self.moment(day))
                self._wrong("MedicationRequest", "cancelled", day, intent="order", authoredOn=self.day(day))
        if "planned, not given" in self.faults:
            day = rng.choice(middle)
            dosage = [route(is_oral=False)]
            order = {"intent": "order", "authoredOn": self.day(day), "dosageInstruction": dosage}
            self._wrong("MedicationRequest", "active", day, **order)

    def _wrong(self, kind: str, status: str, day: int, **more: Any) -> None:
        """A drug that the patient did not get on that day: an infusion that is not in use anywhere near it."""
        near = {it.agent for it in self.plan.given if it.first - 120 < day < it.last + 120}
        other = next(it for it in ("eribulin", "vinorelbine", "gemcitabine", "margetuximab") if it not in near)
        self._plain(kind, other, PRODUCTS[other].rxnorm, status=status, **more)

    def _plain(self, kind: str, text: str, code: str | None, status: str = "completed", **more: Any) -> None:
        concept = {"coding": [coding(RXNORM, code, text)], "text": text}
        self.add(kind, status=status, medicationCodeableConcept=concept, **more)


def _is_treatment_within(resource: Resource, year: tuple[str, str] | None) -> bool:
    """Whether a medication resource tells of a course or dose that began in the year that did not come over."""
    if year is None or not resource["resourceType"].startswith("Medication"):
        return False
    period = resource.get("effectivePeriod", {})
    when = resource.get("effectiveDateTime") or resource.get("whenHandedOver") or resource.get("authoredOn")
    return year[0] <= (when or period.get("start", "")) < year[1]
