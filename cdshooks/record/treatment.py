"""Medication records to exposures: what was taken, when, how well it is proven, why it stopped. Source: terminology 10.1, 10.2."""

from __future__ import annotations

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.model import Unreadable
from cdshooks.ehr.resources import (
    CodeableConcept,
    Drug,
    Extension,
    Held,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Procedure,
    Resources,
)
from cdshooks.knowledge.ids import AgentId
from cdshooks.partial_date import PartialDate
from cdshooks.record.comedication import comedication_of
from cdshooks.record.dates import bounds_of, end_in_words, end_of, read_date, start_in_words, start_of, year_in_words
from cdshooks.record.drug_names import DrugNames, Identified
from cdshooks.record.merge import merge_exposures, orders_never_given
from cdshooks.record.model import (
    CoMedication,
    Conflict,
    Doubt,
    Exposure,
    GivenFor,
    Proof,
    StopReason,
    Suggested,
    TreatmentIntent,
    Unmapped,
)
from cdshooks.record.terms import RecordTerms

_TAKEN = {
    "MedicationAdministration": (frozenset({"completed", "in-progress", "stopped", "on-hold"}), frozenset({"unknown"})),
    "MedicationStatement": (
        frozenset({"active", "completed", "stopped", "on-hold"}),
        frozenset({"intended", "unknown"}),
    ),
    "MedicationDispense": (
        frozenset({"completed", "in-progress", "stopped"}),
        frozenset({"preparation", "on-hold", "unknown"}),
    ),
    "MedicationRequest": (frozenset({"active", "completed", "stopped", "on-hold"}), frozenset({"draft", "unknown"})),
    "Procedure": (frozenset({"completed", "in-progress", "stopped"}), frozenset({"preparation", "on-hold", "unknown"})),
}
"""Per resource type: statuses that mean taken, statuses that mean planned or unknown; all others are ignored."""
_ORDER_INTENTS = frozenset({"order", "original-order", "instance-order", "filler-order", "reflex-order", None})
_INTENT_EXTENSIONS = (
    "mcode-procedure-intent",
    "mcode-treatment-intent",
    "ex-senologie-treatment-intent",
    "regimen-intent",
)
_PROOF = {
    "MedicationAdministration": Proof.GIVEN,
    "MedicationDispense": Proof.DISPENSED,
    "MedicationStatement": Proof.STATED,
    "MedicationRequest": Proof.ORDERED,
    "Procedure": Proof.STATED,
}


class TreatmentReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the medication records say."""

    exposures: tuple[Exposure, ...]
    planned: tuple[Exposure, ...]
    other_cancer_drugs: tuple[Exposure, ...]
    suggested: tuple[Suggested, ...]
    comedications: tuple[CoMedication, ...]
    unmapped: tuple[Unmapped, ...]
    conflicts: tuple[Conflict, ...]
    doubts: tuple[Doubt, ...]


class _Dates(msgspec.Struct, frozen=True, kw_only=True):
    start: PartialDate | None
    end: PartialDate | None
    is_open: bool = False
    is_single_dose: bool = False
    is_certain: bool = True
    supply_days: int | None = None


class TreatmentReader:
    """Reads the medication records of one patient."""

    def __init__(self, resources: Resources, terms: RecordTerms, names: DrugNames) -> None:
        self._resources = resources
        self._terms = terms
        self._names = names
        self._taken: list[Exposure] = []
        self._planned: list[Exposure] = []
        self._other: list[Exposure] = []
        self._suggested: list[Suggested] = []
        self._comedications: list[CoMedication] = []
        self._unmapped: list[Unmapped] = []
        self._conflicts: list[Conflict] = []
        self._doubts: list[Doubt] = []

    def read(self) -> TreatmentReading:
        """All exposures, the same dose counted once, orders that were evidently never given set apart."""
        for kind in (
            "MedicationAdministration",
            "MedicationDispense",
            "MedicationStatement",
            "MedicationRequest",
            "Procedure",
        ):
            for held in self._resources.of(kind):
                self._read_one(kind, held)
        never_given, taken = orders_never_given(tuple(self._taken), self._names)
        return TreatmentReading(
            exposures=merge_exposures(taken),
            planned=merge_exposures((*self._planned, *never_given)),
            other_cancer_drugs=merge_exposures(self._other),
            suggested=tuple(self._suggested),
            comedications=tuple(self._comedications),
            unmapped=tuple(self._unmapped),
            conflicts=tuple(self._conflicts),
            doubts=tuple(self._doubts),
        )

    def _read_one(self, kind: str, held: Held) -> None:
        resource = held.resource
        taken, planned = _TAKEN[kind]
        status = getattr(resource, "status", None)
        if isinstance(resource, Procedure) and not self._is_drug_therapy(resource):
            return
        if status in taken or status in planned:
            is_planned = status in planned or self._is_mere_plan(resource)
        elif status in {"entered-in-error", "not-done", "not-taken", "cancelled", "declined"}:
            return
        else:  # a status outside the required list says nothing about whether the drug was taken
            self._doubts.append(
                Doubt(
                    code="status",
                    about="medication",
                    because="The status of this record is none that FHIR knows.",
                    evidence=(held.ref,),
                )
            )
            is_planned = status is None
        if isinstance(resource, MedicationRequest) and resource.do_not_perform:
            return
        identified = self._identify(held, resource)
        dates = _dates_of(resource)
        if dates is None:
            return
        self._note_unknowns(held, identified, dates)
        self._take(kind, held, identified, dates, is_planned=is_planned)

    def _take(self, kind: str, held: Held, identified: Identified, dates: _Dates, *, is_planned: bool) -> None:
        resource = held.resource
        stopped_for = self._stop_reason(resource)
        given_for = self._given_for(resource)
        intent = self._intent(resource.extension)
        for agent in identified.agents:
            proof = _PROOF[kind]
            if isinstance(resource, MedicationRequest) and (
                resource.reported_boolean or resource.reported_reference is not None
            ):
                proof = Proof.REPORTED
            exposure = Exposure(
                agent=agent,
                start=dates.start,
                end=dates.end,
                is_open=dates.is_open,
                is_single_dose=dates.is_single_dose,
                proof=Proof.PLANNED if is_planned else proof,
                evidence=(held.ref,),
                stopped_for=stopped_for,
                intent=intent,
                given_for=given_for,
                supply_days=dates.supply_days,
                is_date_certain=dates.is_certain,
                route=self._route(resource),
            )
            if not self._names.is_anticancer(agent):
                self._comedications.extend(comedication_of(exposure, str(agent), self._terms))
            elif (
                given_for in {GivenFor.OTHER_CANCER, GivenFor.NOT_CANCER}
                or exposure.route == "topical"
                or intent == TreatmentIntent.SUPPORTIVE
            ):
                self._other.append(exposure)
            elif is_planned:
                self._planned.append(exposure)
            else:
                self._taken.append(exposure)

    def _note_unknowns(self, held: Held, identified: Identified, dates: _Dates) -> None:
        if identified.is_conflict:
            self._conflicts.append(
                Conflict(
                    about="agents", because="Codes and words of this record name different drugs.", evidence=(held.ref,)
                )
            )
        if identified.protocol:
            name = identified.unmapped or ""
            self._suggested.append(
                Suggested(protocol=name, agents=identified.protocol, date=dates.start, evidence=(held.ref,))
            )
        if identified.unmapped is not None:
            exposure = Exposure(
                agent=AgentId("unmapped"),
                start=dates.start,
                end=dates.end,
                is_open=dates.is_open,
                is_single_dose=dates.is_single_dose,
                proof=Proof.STATED,
                evidence=(held.ref,),
            )
            known = comedication_of(exposure, identified.unmapped, self._terms)
            if known and known[0].classes:
                self._comedications.extend(known)
            else:
                self._unmapped.append(Unmapped(text=identified.unmapped, what="drug", evidence=(held.ref,)))

    def _identify(self, held: Held, resource: object) -> Identified:
        concepts = list(self._concepts_of(resource))
        found = [self._names.identify_concept(concept) for concept in concepts]
        agents = tuple(sorted({agent for it in found for agent in it.agents}))
        if not agents and isinstance(resource, Procedure):
            note = " ".join(it.text or "" for it in resource.note)
            found.extend([self._names.identify_concept(CodeableConcept(text=note))] if note else [])
            agents = tuple(sorted({agent for it in found for agent in it.agents}))
        unmapped = None
        if not agents:
            unmapped = (
                next((it.unmapped for it in found if it.unmapped), None)
                or f"{held.ref.partition('/')[0]} without a drug name"
            )
        return Identified(
            agents=agents,
            is_conflict=any(it.is_conflict for it in found),
            unmapped=unmapped,
            protocol=next((it.protocol for it in found if it.protocol), ()) if not agents else (),
        )

    def _concepts_of(self, resource: object) -> list[CodeableConcept]:
        if isinstance(resource, Procedure):
            return [*resource.used_code, *([resource.code] if resource.code is not None else [])]
        if not isinstance(resource, Drug):
            return []
        concepts: list[CodeableConcept] = []
        if resource.medication_codeable_concept is not None:
            concepts.append(resource.medication_codeable_concept)
        reference = resource.medication_reference
        if reference is not None:
            concepts.extend(self._referenced(resource, reference.reference))
            if not concepts and reference.display:
                concepts.append(CodeableConcept(text=reference.display))
        return concepts

    def _referenced(self, resource: Drug, reference: str | None) -> list[CodeableConcept]:
        if reference and reference.startswith("#"):
            parts = next((it for it in resource.contained if it.id == reference[1:]), None)
            if parts is None and len(resource.contained) == 1:
                parts = resource.contained[0]
        else:
            held = resolve(self._resources, reference)
            parts = held.resource if held is not None and isinstance(held.resource, Medication) else None  # type: ignore[assignment]  # both have code and ingredient
        if parts is None:
            return []
        inside = [it.item_codeable_concept for it in parts.ingredient if it.item_codeable_concept is not None]
        return ([parts.code] if parts.code is not None else []) + inside

    def _is_drug_therapy(self, procedure: Procedure) -> bool:
        if procedure.code is None:
            return False
        if any(self._terms.is_drug_therapy(coding) for coding in procedure.code.coding):
            return True
        return any(
            self._names.is_anticancer(it)
            for it in self._names.identify_concept(CodeableConcept(text=procedure.code.text)).agents
        )

    def _is_mere_plan(self, resource: object) -> bool:
        if not isinstance(resource, MedicationRequest):
            return False
        is_report = resource.reported_boolean is True or resource.reported_reference is not None
        if resource.intent == "plan":
            return not is_report
        if resource.intent in {"proposal", "option"}:
            return True
        is_paused = resource.status == "on-hold" and end_of(bounds_of(resource.dosage_instruction)) is None
        return is_paused or (resource.intent not in _ORDER_INTENTS)

    def _stop_reason(self, resource: object) -> StopReason | None:
        reason = getattr(resource, "status_reason", None)
        concepts = reason if isinstance(reason, tuple) else (reason,) if reason is not None else ()
        for concept in concepts:
            found = self._terms.stop_reason(concept)
            if found is not None:
                return StopReason(found)
        if getattr(resource, "status", None) in {"stopped", "completed"}:
            for note in getattr(resource, "note", ()):
                found = self._terms.stop_reason(CodeableConcept(text=note.text))
                if found is not None:
                    return StopReason(found)
        return None

    def _given_for(self, resource: object) -> GivenFor | None:
        """What a drug is for: breast cancer wherever one of its reasons says so, whatever stands before it."""
        concepts: list[CodeableConcept] = list(getattr(resource, "reason_code", ()))
        for reference in getattr(resource, "reason_reference", ()):
            held = resolve(self._resources, reference.reference)
            code = getattr(held.resource, "code", None) if held is not None else None
            concepts.append(code if code is not None else CodeableConcept(text=reference.display))
        found = {GivenFor(it) for it in map(self._terms.given_for, concepts) if it is not None}
        return next((it for it in GivenFor if it in found), None)

    def _intent(self, extensions: tuple[Extension, ...]) -> TreatmentIntent | None:
        for extension in extensions:
            if (extension.url or "").rsplit("/", 1)[
                -1
            ] in _INTENT_EXTENSIONS and extension.value_codeable_concept is not None:
                found = self._terms.intent(extension.value_codeable_concept)
                if found in set(TreatmentIntent):
                    return TreatmentIntent(found)
        return None

    def _route(self, resource: object) -> str | None:
        dosages = getattr(resource, "dosage_instruction", ()) or getattr(resource, "dosage", ()) or ()
        for dosage in dosages if isinstance(dosages, tuple) else (dosages,):
            if dosage.route is not None:
                return self._terms.route(dosage.route)
        # "Fluorouracil 5 % cream" is often all that a skin treatment says of its route.
        routes = (self._terms.route(concept) for concept in self._concepts_of(resource))
        return "topical" if "topical" in routes else None


def _dates_of(resource: object) -> _Dates | None:
    """Start and end by the resource's own members; None when the record is no use of a drug."""
    if isinstance(resource, MedicationAdministration):
        start = read_date(resource.effective_date_time, start_of(resource.effective_period))
        end = read_date(end_of(resource.effective_period))
        # A period of hours is the infusion, not the course.
        is_course = (
            start is not None and end is not None and end.is_after(start) is True and start.days_until(end).least > 1
        )
        return _Dates(start=start, end=end if is_course else start, is_single_dose=not is_course)
    if isinstance(resource, MedicationDispense):
        supply = resource.days_supply.value if resource.days_supply is not None else None
        days = int(supply) if isinstance(supply, (int, float)) and supply > 0 else None
        start = read_date(resource.when_handed_over, resource.when_prepared)
        return _Dates(start=start, end=start, is_single_dose=True, supply_days=days)
    if isinstance(resource, MedicationStatement):
        return _statement_dates(resource)
    if isinstance(resource, MedicationRequest):
        return _request_dates(resource)
    if isinstance(resource, Procedure):
        start = read_date(resource.performed_date_time, start_of(resource.performed_period))
        end = read_date(end_of(resource.performed_period))
        is_single = end is None and resource.status != "in-progress"
        return _Dates(
            start=start,
            end=start if is_single else end,
            is_single_dose=is_single,
            is_open=resource.status == "in-progress",
        )
    return None


def _statement_dates(statement: MedicationStatement) -> _Dates:
    is_current = statement.status == "active"
    start = read_date(start_of(statement.effective_period))
    end = read_date(end_of(statement.effective_period)) or end_in_words(statement.dosage)
    if start is not None or end is not None:
        return _Dates(start=start, end=end, is_open=is_current and end is None)
    day = read_date(statement.effective_date_time)
    if day is not None:
        return _Dates(start=day, end=None if is_current else day, is_open=is_current, is_single_dose=not is_current)
    named = year_in_words(_words_of(statement))
    if named is not None:
        return _Dates(start=named, end=None, is_open=is_current, is_certain=False)
    asserted = read_date(statement.date_asserted)
    # The day of the interview proves that a current drug was taken then, and nothing of an earlier one.
    return _Dates(start=asserted if is_current else None, end=None, is_open=is_current, is_certain=False)


def _request_dates(request: MedicationRequest) -> _Dates:
    bounds = bounds_of(request.dosage_instruction)
    is_report = request.reported_boolean is True or request.reported_reference is not None
    start = read_date(start_of(bounds))
    is_certain = True
    if start is None:
        start = start_in_words(request.dosage_instruction)
        if start is None and is_report:
            start, is_certain = year_in_words(_words_of(request)), False
        elif start is None:
            start = read_date(request.authored_on)
    end = read_date(
        end_of(bounds), end_of(request.dispense_request.validity_period) if request.dispense_request else None
    )
    if end is None:
        end = end_in_words(request.dosage_instruction)
        is_certain = is_certain and end is None
    duration = request.dispense_request.expected_supply_duration if request.dispense_request else None
    supply = duration.value if duration is not None else None
    return _Dates(
        start=start,
        end=end,
        is_open=request.status == "active" and end is None,
        is_certain=is_certain,
        supply_days=int(supply) if isinstance(supply, (int, float)) and supply > 0 else None,
    )


def _words_of(resource: Drug) -> str:
    concept = resource.medication_codeable_concept
    parts = [concept.text if concept is not None else None, *(note.text for note in resource.note)]
    if resource.medication_reference is not None:
        parts.append(resource.medication_reference.display)
    return " ".join(part for part in parts if part)


def unreadable_doubts(unreadable: tuple[Unreadable, ...]) -> tuple[Doubt, ...]:
    """Medication records that could not be read, as doubts about the history."""
    return tuple(
        Doubt(
            code="unreadable",
            about="medication",
            because="A medication record could not be read.",
            evidence=(it.resource,),
        )
        for it in unreadable
        if it.resource.startswith("Medication")
    )
