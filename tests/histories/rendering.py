"""A plan as the FHIR R4 resources an EHR would send, with the faults of real records.

Four ways of writing are drawn: orders with administrations and dispenses (as Epic sends them), administrations with
periods and orders without an end (as Oracle Health does), German statements with ATC codes, and plain administrations.
``FAULTS`` lists what may go wrong on the way; each says whether the truth can still be recovered from what is left.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from tests.histories.plan import Given, Plan
from tests.histories.products import BIOSIMILARS, PHESGO, PRODUCTS, SUBCUTANEOUS, SUPPORTIVE, misspelt

Resource = dict[str, Any]
RXNORM, ATC = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://www.whocc.no/atc"
SNOMED, LOINC, ICD = "http://snomed.info/sct", "http://loinc.org", "http://hl7.org/fhir/sid/icd-10-cm"
SUBJECT = {"reference": "Patient/p"}

FAULTS: dict[str, str] = {
    "metastatic date recorded late": "the diagnosis was typed in months later, without onset; the biopsy is dated",
    "metastatic condition without onset": "only the day of recording is known",
    "missing cycles": "a quarter of the doses were not documented",
    "planned, not given": "an infusion was ordered in the middle of a line and never given",
    "entered in error": "twins of other drugs, marked as entered in error",
    "doses not done": "administrations that did not happen, and cancelled orders",
    "orders never closed": "no order has an end or a final status",
    "text only": "no drug is coded",
    "misspelt": "no drug is coded, and names are typed with a wrong letter",
    "biosimilars": "trastuzumab changes its brand with every tender",
    "subcutaneous trastuzumab": "trastuzumab goes from the vein to the skin and back",
    "Phesgo": "both antibodies become one fixed-dose product",
    "month-only dates": "statements that know the month",
    "no status reasons": "nobody wrote why a drug was stopped",
    "supportive drugs": "bone agents, growth factors, steroids, antiemetics",
    "duplicate sources": "every course told by administrations, orders and a statement",
    "shuffled": "resources in no order, the same one sent twice",
    "cycles late": "doses come days earlier or later than planned",
    "drugs on neighbouring days": "partners are given a day apart",
    "orders only for tablets": "no dispense and no end for any oral drug but its last prescription",
    "dispenses with gaps": "oral drugs known from dispenses, filled late",
    "statements only": "one statement per course; no dose is documented",
    "year-only dates": "statements that know the year",
    "first lines elsewhere": "the record begins with a later line",
    "no metastatic diagnosis": "nobody coded the metastases",
}
LOST = frozenset({"year-only dates", "first lines elsewhere", "no metastatic diagnosis"})
"""Faults after which the truth can no longer be told from the record."""
FAULT_RIVALS: tuple[frozenset[str], ...] = (
    frozenset({"metastatic date recorded late", "metastatic condition without onset", "no metastatic diagnosis"}),
    frozenset({"text only", "misspelt"}),
    frozenset({"biosimilars", "subcutaneous trastuzumab", "Phesgo"}),
    frozenset({"month-only dates", "year-only dates", "statements only", "missing cycles"}),
    frozenset({"month-only dates", "year-only dates", "statements only", "orders never closed", "duplicate sources"}),
    frozenset({"month-only dates", "year-only dates", "statements only", "cycles late", "drugs on neighbouring days"}),
    frozenset(
        {"month-only dates", "year-only dates", "statements only", "orders only for tablets", "dispenses with gaps"}
    ),
    frozenset({"month-only dates", "year-only dates", "statements only", "planned, not given"}),
)
"""Faults that cannot meet in one record."""

_STYLES = ("epic", "oracle", "german", "plain")
_STAGE_UNSAID = {"metastatic date recorded late", "no metastatic diagnosis"}
_STATEMENT_FAULTS = {"month-only dates": 7, "year-only dates": 4, "statements only": 10}
_STOPPED_FOR = {
    "progression": ("266721009", "Progression of disease", "Progress unter Therapie"),
    "toxicity": ("281647001", "Toxicity: not tolerated", "Toxizitaet"),
    "completed": ("182992009", "Treatment completed", "planmaessig beendet"),
    "patient_choice": ("105480006", "Patient wished for a break", "Wunsch der Patientin"),
}
_SITES = {"liver": "C78.7", "bone": "C79.51", "lung": "C78.00", "brain": "C79.31"}
_TRENDS = {"progression": "271299001", "stable": "359746009", "not detected": "260415000"}


def render(plan: Plan, seed: int, faults: frozenset[str] = frozenset()) -> list[Resource]:
    """The resources of a plan; the same seed and faults give the same resources."""
    return _Ehr(plan, Random(f"{seed}:{sorted(faults)}:ehr"), faults).resources()


class _Ehr:
    """One EHR with its way of writing and its faults."""

    def __init__(self, plan: Plan, rng: Random, faults: frozenset[str]) -> None:
        self.plan, self.rng, self.faults = plan, rng, faults
        self.style = rng.choice(_STYLES)
        self.made: list[Resource] = []
        self.spellings: dict[tuple[str, int], str] = {}

    def resources(self) -> list[Resource]:
        self._patient_and_disease()
        begins_with = self._first_line_here()
        for course in self.plan.given:
            if course.setting == "other" or (course.line or 0) >= begins_with:
                self._course(course)
        self._around()
        if "shuffled" in self.faults:
            self.made += self.rng.sample(self.made[1:], len(self.made) // 4)
            self.rng.shuffle(self.made)
        return self.made

    def _first_line_here(self) -> int:
        """The first line that this hospital gave; 0 where it also gave the early treatment."""
        if "first lines elsewhere" not in self.faults or len(self.plan.lines) == 1:
            return 0
        return self.rng.randint(2, len(self.plan.lines))

    # The patient and the disease

    def _patient_and_disease(self) -> None:
        plan = self.plan
        self.made.append({"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1966-05-04"})
        self._condition(
            "breast",
            [_coding(ICD, "C50.912", "Malignant neoplasm of left female breast")],
            "Invasive ductal carcinoma, left breast",
            onset=plan.diagnosed,
            stage="Stage IV" if plan.de_novo and not self.faults & _STAGE_UNSAID else None,
        )
        if "no metastatic diagnosis" not in self.faults:
            for site in plan.sites:
                self._metastasis(site)
        if plan.locoregional is not None:
            self._condition("chest-wall", [], "Local recurrence of breast cancer, chest wall", onset=plan.locoregional)
        if plan.second_cancer is not None and any(it.reason == "colon" for it in plan.given):
            self._condition(
                "colon",
                [_coding(ICD, "C18.7", "Malignant neoplasm of sigmoid colon")],
                "Sigmoid colon cancer, stage III",
                onset=plan.second_cancer,
            )
        self._receptors(plan.diagnosed + 3, "Core biopsy, breast primary")
        if not plan.de_novo or "metastatic date recorded late" in self.faults:
            self._receptors(plan.metastatic, f"Biopsy of {plan.sites[0]} metastasis")
        for found in plan.findings:
            self._finding(found.day, found.trend, found.where)
        for local in plan.local:
            self._add(
                "Procedure",
                status="completed",
                code={"text": local.text},
                performedDateTime=self._day(local.day),
                bodySite=[{"text": local.site}],
            )
        for day, agent, what in plan.toxic:
            self._add(
                "AdverseEvent",
                actuality="actual",
                event={"text": what},
                date=self._day(day),
                suspectEntity=[{"instance": {"display": agent}}],
                **({"severity": {"text": "severe"}} if self.rng.random() < 0.5 else {}),
            )

    def _metastasis(self, site: str) -> None:
        day = self.plan.metastatic
        if "metastatic date recorded late" in self.faults:
            day = self.plan.lines[0].start + self.rng.randint(35, 100)
        self._condition(
            f"met-{site}",
            [_coding(ICD, _SITES[site], f"Secondary malignant neoplasm of {site}")],
            f"Metastasis to {site}",
            onset=day,
            onset_known=not self.faults & {"metastatic date recorded late", "metastatic condition without onset"},
        )
        if site == "brain" or not any(it.where == "brain" for it in self.plan.findings):
            return
        if "brain" not in self.plan.sites and not any(it.get("id") == "met-brain" for it in self.made):
            first = min(it.day for it in self.plan.findings if it.where == "brain")
            self._condition("met-brain", [_coding(ICD, "C79.31", "")], "Brain metastasis", onset=first)

    def _condition(self, name, codings, text, *, onset, stage=None, onset_known=True) -> None:
        status = "http://terminology.hl7.org/CodeSystem/condition-"
        made = {
            "resourceType": "Condition",
            "id": name,
            "clinicalStatus": {"coding": [{"system": f"{status}clinical", "code": "active"}]},
            "verificationStatus": {"coding": [{"system": f"{status}ver-status", "code": "confirmed"}]},
            "code": {"coding": codings, "text": text} if codings else {"text": text},
            "subject": SUBJECT,
            "recordedDate": self._day(onset),
        }
        if onset_known:
            made["onsetDateTime"] = self._day(onset)
        if stage:
            made["stage"] = [{"summary": {"text": stage}}]
        self.made.append(made)

    def _receptors(self, day: int, specimen: str) -> None:
        positive, negative = ("LA6576-8", "Positive"), ("LA6577-6", "Negative")
        for code, (answer, shown) in (
            ("85319-2", ("LA11843-2", "3+")),
            ("85337-4", positive if self.plan.er_positive else negative),
        ):
            self._observation(day, code, _coding(LOINC, answer, shown), specimen={"display": specimen})

    def _finding(self, day: int, trend: str, where: str) -> None:
        focus = {"overall": "breast", "brain": "met-brain", "breast": "chest-wall"}[where]
        self._observation(
            day,
            "97509-4",
            _coding(SNOMED, _TRENDS[trend], trend),
            focus=[{"reference": f"Condition/{focus}"}],
        )

    def _observation(self, day: int, code: str, value: dict[str, str], **more: Any) -> None:
        self._add(
            "Observation",
            status="final",
            code={"coding": [_coding(LOINC, code, "")]},
            effectiveDateTime=self._day(day),
            valueCodeableConcept={"coding": [value]},
            **more,
        )

    # The drugs

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
        moment = {"effectiveDateTime": self._moment(day)}
        if self.style == "oracle":
            moment = {"effectivePeriod": {"start": self._moment(day, "09"), "end": self._moment(day, "11")}}
        self._add(
            "MedicationAdministration", status="completed", **self._drug(course, day), **moment, **self._why(course)
        )

    def _order(self, course: Given) -> str:
        is_closed = course.stopped_for is not None and "orders never closed" not in self.faults
        period = {"start": self._day(course.first)}
        if is_closed:
            period["end"] = self._day(self._last_day(course))
        status = "active" if not is_closed else "completed" if course.stopped_for == "completed" else "stopped"
        self._add(
            "MedicationRequest",
            status=status,
            intent="order",
            authoredOn=self._day(course.first - self.rng.randint(0, 3)),
            dosageInstruction=[
                {"timing": {"repeat": {"boundsPeriod": period}}, **_route(is_oral=course.every is None)}
            ],
            **self._drug(course, course.first),
            **self._why(course),
            **(self._stop_reason(course) if is_closed else {}),
        )
        return f"MedicationRequest/{self.made[-1]['id']}"

    def _prescriptions(self, course: Given) -> None:
        """A new prescription every three months; none says when the drug was stopped."""
        for day in range(course.first, course.last + 1, 84):
            supply = min(84, max(self._last_day(course) - day, 14))
            self._add(
                "MedicationRequest",
                status="active" if course.stopped_for is None else "completed",
                intent="order",
                authoredOn=self._day(day),
                dosageInstruction=[_route(is_oral=True)],
                dispenseRequest={"expectedSupplyDuration": _days(supply)},
                **self._drug(course, day),
                **self._why(course),
            )

    def _dispenses(self, course: Given, *, late: bool = False, **members: Any) -> None:
        day, last = course.first, self._last_day(course)
        while day <= last:
            supply = min(28, max(last - day + 1, 7))
            self._add(
                "MedicationDispense",
                status="completed",
                whenHandedOver=self._moment(day),
                daysSupply=_days(supply),
                **self._drug(course, day),
                **members,
            )
            day += 28 + (self.rng.randint(0, 12) if late else 0)

    def _statement(self, course: Given, precision: int = 10) -> None:
        period = {"start": self._day(course.first)[:precision]}
        is_over = course.stopped_for is not None
        if is_over:
            period["end"] = self._day(self._last_day(course))[:precision]
        self._add(
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
        reason = {"coding": [_coding(SNOMED, code, english)], "text": german if self.style == "german" else english}
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
        if not self.faults & {"text only", "misspelt"}:
            codings = [_coding(RXNORM, rxnorm, "")] if rxnorm and self.style != "german" else []
            codings += [_coding(ATC, atc, "")] if atc and self.style in ("german", "oracle") else []
            if codings:
                concept["coding"] = codings
        return {"medicationCodeableConcept": concept}

    def _spelling(self, course: Given) -> str:
        """How this order names the drug: once chosen, every dose of it is named so."""
        key = (course.agent, course.first)
        if key not in self.spellings:
            text = self.rng.choice(PRODUCTS[course.agent].texts)
            self.spellings[key] = misspelt(text, self.rng.randrange(8)) if "misspelt" in self.faults else text
        return self.spellings[key]

    def _both_given(self, day: int) -> bool:
        """Whether both antibodies are in use on a day later than the loading cycles, so that one product can hold them."""
        both = {"trastuzumab", "pertuzumab"}
        in_use = {it.agent for it in self.plan.given if it.first + 60 < day <= it.last}
        return both <= in_use

    # What lies around the treatment

    def _around(self) -> None:
        plan, rng = self.plan, self.rng
        middle = [line.start + 60 for line in plan.lines]
        if "supportive drugs" in self.faults:
            for name, code, every in SUPPORTIVE:
                for day in range(plan.lines[0].start, plan.today, every * 2):
                    self._plain("MedicationAdministration", name, code, effectiveDateTime=self._moment(day))
        if "entered in error" in self.faults:
            for day in middle:
                self._wrong("MedicationAdministration", "entered-in-error", day, effectiveDateTime=self._moment(day))
        if "doses not done" in self.faults:
            for day in middle:
                self._wrong("MedicationAdministration", "not-done", day, effectiveDateTime=self._moment(day))
                self._wrong("MedicationRequest", "cancelled", day, intent="order", authoredOn=self._day(day))
        if "planned, not given" in self.faults:
            day = rng.choice(middle)
            route = [_route(is_oral=False)]
            order = {"intent": "order", "authoredOn": self._day(day), "dosageInstruction": route}
            self._wrong("MedicationRequest", "active", day, **order)

    def _wrong(self, kind: str, status: str, day: int, **more: Any) -> None:
        """A drug that the patient did not get on that day: an infusion that is not in use anywhere near it."""
        near = {it.agent for it in self.plan.given if it.first - 120 < day < it.last + 120}
        other = next(it for it in ("eribulin", "vinorelbine", "gemcitabine", "margetuximab") if it not in near)
        self._plain(kind, other, PRODUCTS[other].rxnorm, status=status, **more)

    def _plain(self, kind: str, text: str, code: str | None, status: str = "completed", **more: Any) -> None:
        concept = {"coding": [_coding(RXNORM, code, text)], "text": text}
        self._add(kind, status=status, medicationCodeableConcept=concept, **more)

    # Dates and ids

    def _add(self, kind: str, **members: Any) -> None:
        self.made.append({"resourceType": kind, "id": f"r{len(self.made)}", "subject": SUBJECT, **members})

    def _day(self, day: int) -> str:
        return self.plan.date_of(day).isoformat()

    def _moment(self, day: int, hour: str = "10") -> str:
        zone = {"epic": "Z", "oracle": "-06:00", "german": "+01:00"}.get(self.style)
        return f"{self._day(day)}T{hour}:30:00{zone}" if zone else self._day(day)


def _coding(system: str, code: str | None, display: str) -> Resource:
    return {"system": system, "code": code, **({"display": display} if display else {})}


def _route(*, is_oral: bool) -> Resource:
    code, text = ("26643006", "by mouth") if is_oral else ("47625008", "intravenous")
    return {"route": {"coding": [_coding(SNOMED, code, "")], "text": text}}


def _days(value: int) -> Resource:
    return {"value": value, "unit": "days", "system": "http://unitsofmeasure.org", "code": "d"}
