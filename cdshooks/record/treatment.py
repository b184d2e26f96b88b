"""Medication records to exposures: what was taken, when, how well it is proven, why it stopped. Source: terminology 10.1, 10.2."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, NamedTuple

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.model import Unreadable
from cdshooks.ehr.resources import (
    CodeableConcept,
    Condition,
    Contained,
    Drug,
    Extension,
    Held,
    Medication,
    MedicationAdministration,
    MedicationDispense,
    MedicationRequest,
    MedicationStatement,
    Procedure,
    Reference,
    Resources,
)
from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import DatesInWords, bounds_of, end_of
from cdshooks.record.drug_dates import (
    OVER,
    DrugDates,
    administration_dates,
    dispense_dates,
    is_reported,
    procedure_dates,
    request_dates,
    statement_dates,
)
from cdshooks.record.drug_names import DrugNames, Identified, is_code
from cdshooks.record.merge import merge_exposures, orders_never_given
from cdshooks.record.model import (
    UNVERIFIED,
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


class _Kind(NamedTuple):
    """How records of one type are read. Every status that is in neither set is ignored."""

    taken: frozenset[str]
    planned: frozenset[str]
    """Statuses that mean planned or unknown."""
    proof: Proof
    dates: Callable[[Any, DatesInWords], DrugDates]


_KINDS = {
    "MedicationAdministration": _Kind(
        taken=frozenset({"completed", "in-progress", "stopped", "on-hold"}),
        planned=frozenset({"unknown"}),
        proof=Proof.GIVEN,
        dates=administration_dates,
    ),
    "MedicationDispense": _Kind(
        taken=frozenset({"completed", "in-progress", "stopped"}),
        planned=frozenset({"preparation", "on-hold", "unknown"}),
        proof=Proof.DISPENSED,
        dates=dispense_dates,
    ),
    "MedicationStatement": _Kind(
        taken=frozenset({"active", "completed", "stopped", "on-hold"}),
        planned=frozenset({"intended", "unknown"}),
        proof=Proof.STATED,
        dates=statement_dates,
    ),
    "MedicationRequest": _Kind(
        taken=frozenset({"active", "completed", "stopped", "on-hold"}),
        planned=frozenset({"draft", "unknown"}),
        proof=Proof.ORDERED,
        dates=request_dates,
    ),
    "Procedure": _Kind(
        taken=frozenset({"completed", "in-progress", "stopped"}),
        planned=frozenset({"preparation", "on-hold", "unknown"}),
        proof=Proof.STATED,
        dates=procedure_dates,
    ),
}
_ORDER_INTENTS = frozenset({"order", "original-order", "instance-order", "filler-order", "reflex-order", None})
_INTENT_EXTENSIONS = (
    "mcode-procedure-intent",
    "mcode-treatment-intent",
    "ex-senologie-treatment-intent",
    "regimen-intent",
)
_INTENTS = frozenset(TreatmentIntent)
_NEVER_TAKEN = frozenset({"entered-in-error", "not-done", "not-taken", "cancelled", "declined"})
_OTHER_USES = frozenset({GivenFor.OTHER_CANCER, GivenFor.NOT_CANCER})


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
        self._by_reference: dict[str, tuple[CodeableConcept, ...]] = {}
        self._by_display: set[str] = set()
        """References whose Medication is missing, so that only the words beside them name the drug."""
        self._told_by_parts: set[ResourceRef] = set()
        """Procedures whose drugs are told by records that are part of them."""

    def read(self) -> TreatmentReading:
        """All exposures, the same dose counted once, orders that were evidently never given set apart."""
        for name, kind in _KINDS.items():
            for held in self._resources.each(name):
                self._read_one(kind, held, held.resource)  # type: ignore[arg-type]  # of() gives this type
        never_given, taken = orders_never_given(tuple(self._taken), self._names)
        return TreatmentReading(
            exposures=merge_exposures(taken),
            planned=merge_exposures((*self._planned, *never_given)),
            other_cancer_drugs=merge_exposures(self._other),
            suggested=tuple(self._suggested),
            comedications=tuple(self._comedications),
            unmapped=tuple(self._without_known_visits()),
            conflicts=tuple(self._conflicts),
            doubts=tuple(self._doubts),
        )

    def _without_known_visits(self) -> Iterator[Unmapped]:
        """All but procedures that give drugs without naming one, where other records name the drugs of that procedure or day.

        Source: terminology 7 (count the drug once), 11 (a procedure code proves a visit, not a drug).
        """
        days = {it.start for it in (*self._taken, *self._other) if it.start is not None and it.start.is_exact}
        for it in self._unmapped:
            is_visit = it.evidence[0].startswith("Procedure/")
            if not (
                is_visit and (self._told_by_parts.issuperset(it.evidence) or (is_code(it.text) and it.start in days))
            ):
                yield it

    def _read_one(self, kind: _Kind, held: Held, resource: Drug | Procedure) -> None:
        if isinstance(resource, Procedure) and not self._is_drug_therapy(resource):
            return
        status = resource.status
        if status in kind.taken:
            is_planned = False
        elif status in kind.planned:
            is_planned = True
        elif status in _NEVER_TAKEN:
            return
        else:  # such a status says nothing about whether the drug was taken
            self._doubts.append(_doubt("status", "The status of this record is none that FHIR knows.", held))
            is_planned = status is None
        if isinstance(resource, MedicationRequest):
            if resource.do_not_perform:
                return
            is_planned = is_planned or (status in kind.taken and _is_mere_plan(resource))
        concepts = self._concepts_of(resource)
        identified = self._identify(resource, concepts)
        dates = kind.dates(resource, self._terms.dates_in_words)
        if not identified.agents:
            told = self._in_instruction(held, resource, concepts)
            if told is None:
                self._note_unknown(held, resource, identified, concepts, dates)
                return
            identified = told
        else:
            if identified.is_conflict or identified.unverified is not None or self._by_display:
                self._doubt_words(held, resource, identified)
            if identified.protocol:
                self._suggest(held, identified, dates)
        if isinstance(resource, (MedicationStatement, MedicationAdministration)) and resource.part_of:
            whole = (resolve(self._resources, it.reference) for it in resource.part_of)
            self._told_by_parts.update(it.ref for it in whole if it is not None)
        for agent in identified.supportive:
            self._add_comedication(held, agent, self._terms.interaction_classes(agent), dates)
        if identified.cancer_drugs:
            proof = Proof.PLANNED if is_planned else Proof.REPORTED if is_reported(resource) else kind.proof
            self._take(held, resource, concepts, identified.cancer_drugs, dates, proof)

    def _doubt_words(self, held: Held, resource: Drug | Procedure, identified: Identified) -> None:
        """What is doubtful about a drug that was named: by words alone, in two ways, or by a name that nobody has verified."""
        reference = None if isinstance(resource, Procedure) else resource.medication_reference
        if reference is not None and (reference.reference or reference.display) in self._by_display:
            because = "The Medication of this record is missing; only the words of the reference name the drug."
            self._doubts.append(_doubt("drug-in-words", because, held))
        if identified.is_conflict:
            because = "Codes and words of this record name different drugs."
            self._conflicts.append(Conflict(about="agents", because=because, evidence=(held.ref,)))
        if identified.unverified is not None:
            self._doubt_reading(held, f"The name {identified.unverified!r} was read as {', '.join(identified.agents)}")

    def _take(
        self,
        held: Held,
        resource: Drug | Procedure,
        concepts: tuple[CodeableConcept, ...],
        agents: tuple[AgentId, ...],
        dates: DrugDates,
        proof: Proof,
    ) -> None:
        stopped_for = self._stop_reason(resource)
        given_for = self._given_for(resource)
        intent = self._intent(resource.extension)
        route = self._route(resource, concepts)
        if given_for is None and (
            any(map(self._terms.names_no_cancer, concepts)) or self._terms.is_for_no_cancer(_said_of_use(resource))
        ):
            given_for = GivenFor.NOT_CANCER
        is_other = given_for in _OTHER_USES or route == "topical" or intent is TreatmentIntent.SUPPORTIVE
        kept = self._other if is_other else self._planned if proof is Proof.PLANNED else self._taken
        for agent in agents:
            kept.append(
                Exposure(
                    agent=agent,
                    start=dates.start,
                    end=dates.end,
                    is_open=dates.is_open,
                    is_single_dose=dates.is_single_dose,
                    proof=proof,
                    evidence=(held.ref,),
                    stopped_for=stopped_for,
                    intent=intent,
                    given_for=given_for,
                    supply_days=dates.supply_days,
                    is_date_certain=dates.is_certain,
                    route=route,
                )
            )

    def _in_instruction(
        self, held: Held, resource: Drug | Procedure, concepts: tuple[CodeableConcept, ...]
    ) -> Identified | None:
        """The drug that only an instruction or a note names, where the record itself names none. Source: terminology 10.3."""
        if isinstance(resource, Procedure) or any(
            it.coding or not self._names.is_placeholder(it.text) for it in concepts
        ):
            return None
        for text in _said_of_use(resource):
            found = self._names.identify_concept(CodeableConcept(text=text))
            if found.agents:
                because = "Only an instruction or a note of this record names the drug."
                self._doubts.append(_doubt("drug-in-words", because, held))
                return found
        return None

    def _suggest(self, held: Held, identified: Identified, dates: DrugDates) -> None:
        """What a protocol name probably means."""
        in_all = frozenset.intersection(*map(frozenset, identified.protocol))
        named = dict.fromkeys(agent for regimen in identified.protocol for agent in regimen)
        self._suggested.append(
            Suggested(
                protocol=identified.unmapped or "",
                agents=tuple(it for it in named if it in in_all),
                one_of=tuple(it for it in named if it not in in_all),
                date=dates.start,
                evidence=(held.ref,),
            )
        )

    def _note_unknown(
        self,
        held: Held,
        resource: Drug | Procedure,
        identified: Identified,
        concepts: tuple[CodeableConcept, ...],
        dates: DrugDates,
    ) -> None:
        """What names no drug that we know: a protocol, a drug known only for its interactions, or a text to be listed."""
        if identified.protocol:
            self._suggest(held, identified, dates)
        text = identified.unmapped or f"{held.ref.partition('/')[0]} without a drug name"
        classes = self._terms.interaction_classes(text)
        coded = self._terms.interacting_code(concepts) if not classes else None
        if coded is not None:
            if self._terms.is_unverified_code(concepts):
                self._doubt_reading(held, f"Its code alone was read as {coded}")
            self._add_comedication(held, coded, self._terms.interaction_classes(coded), dates)
        elif classes:
            name = self._terms.interacting_name(text) or "co-medication"
            self._add_comedication(held, name, classes, dates)
        else:
            is_other = self._given_for(resource) in _OTHER_USES
            may_be = False if is_other else self._names.may_be_cancer_drug(concepts, text)
            if may_be is None and isinstance(resource, Procedure):
                may_be = True  # only procedures that give cancer drugs are read here
            self._unmapped.append(
                Unmapped(text=text, what="drug", evidence=(held.ref,), start=dates.start, may_be_cancer_drug=may_be)
            )

    def _add_comedication(self, held: Held, name: str, classes: tuple[str, ...], dates: DrugDates) -> None:
        """A drug that is no cancer treatment but may interact, by interaction class."""
        unread = self._terms.unverified_classes(name)
        if unread:
            acts = ", ".join(it.replace("_", " ") for it in unread)
            self._doubt_reading(held, f"{name.capitalize()} was taken to act as {acts}")
        self._comedications.append(
            CoMedication(
                name=name,
                classes=classes,
                is_current=dates.is_open,
                start=dates.start,
                end=dates.end,
                evidence=(held.ref,),
            )
        )

    def _doubt_reading(self, held: Held, reading: str) -> None:
        """Mark what rests on a row of our tables that nobody has read in a source."""
        because = f"{reading}; no source was read for that, so it is unverified."
        self._doubts.append(_doubt(UNVERIFIED, because, held))

    def _identify(self, resource: Drug | Procedure, concepts: tuple[CodeableConcept, ...]) -> Identified:
        identified = self._names.identify_together(concepts)
        if not identified.agents and isinstance(resource, Procedure) and resource.note:
            note = " ".join(it.text or "" for it in resource.note)
            return self._names.identify_together((*concepts, CodeableConcept(text=note)))
        return identified

    def _concepts_of(self, resource: Drug | Procedure) -> tuple[CodeableConcept, ...]:
        if isinstance(resource, Procedure):
            return (*resource.used_code, resource.code) if resource.code is not None else resource.used_code
        concept, reference = resource.medication_codeable_concept, resource.medication_reference
        coded = (concept,) if concept is not None else ()
        if reference is None:
            return coded
        key = reference.reference or reference.name
        if key.startswith("#"):
            referenced = self._referenced(resource, key)
        elif key in self._by_reference:
            referenced = self._by_reference[key]
        else:
            referenced = self._by_reference[key] = self._referenced(resource, key)
        if not coded and not referenced and reference.display:
            self._by_display.add(reference.reference or reference.display)
            return (CodeableConcept(text=reference.display),)
        return (*coded, *referenced) if coded else referenced

    def _referenced(self, resource: Drug, reference: str) -> tuple[CodeableConcept, ...]:
        """What the Medication that a reference leads to says; a contained one is part of the resource itself."""
        parts: Medication | Contained | None
        if reference.startswith("#"):
            parts = next((it for it in resource.contained if it.id == reference[1:]), None)
            if parts is None and len(resource.contained) == 1:
                parts = resource.contained[0]
        else:
            held = resolve(self._resources, reference)
            parts = held.resource if held is not None and isinstance(held.resource, Medication) else None
        if parts is None:
            return ()
        inside = (it.item_codeable_concept for it in parts.ingredient)
        return tuple(it for it in (parts.code, *inside) if it is not None)

    def _is_drug_therapy(self, procedure: Procedure) -> bool:
        if procedure.code is None:
            return False
        if any(self._terms.is_drug_therapy(coding) for coding in procedure.code.coding):
            return True
        return any(
            self._names.is_anticancer(it)
            for it in self._names.identify_concept(CodeableConcept(text=procedure.code.text)).agents
        )

    def _stop_reason(self, resource: Drug | Procedure) -> StopReason | None:
        reason = getattr(resource, "status_reason", None)
        if reason:
            told = {self._terms.stop_reason(it) for it in (reason if isinstance(reason, tuple) else (reason,))}
            gravest = next((it for it in StopReason if it in told), None)
            if gravest is not None:
                return gravest
        if resource.status in OVER:
            stops = self._terms.told_stops(getattr(resource, "medication_codeable_concept", None))
            for text in (*[it.text for it in resource.note], *stops) if resource.note or stops else ():
                found = self._terms.stop_reason(CodeableConcept(text=text))
                if found is not None:
                    return StopReason(found)
        return None

    def _given_for(self, resource: Drug | Procedure) -> GivenFor | None:
        if not resource.reason_reference and not resource.reason_code:
            return self._ordered_for(resource)
        if not resource.reason_reference:
            return self._terms.given_for(resource.reason_code)
        reasons: list[CodeableConcept | GivenFor] = list(resource.reason_code)
        for reference in resource.reason_reference:
            held = resolve(self._resources, reference.reference)
            cause = held.resource if held is not None else None
            reason = self._terms.reason_in(cause) if isinstance(cause, Condition) else getattr(cause, "code", None)
            reasons.append(reason if reason is not None else CodeableConcept(text=reference.display))
        return self._terms.given_for(tuple(reasons))

    def _ordered_for(self, resource: Drug | Procedure) -> GivenFor | None:
        """What the order of a dose or supply was for, where the dose or supply itself gives no reason."""
        orders: tuple[Reference, ...] = ()
        if isinstance(resource, MedicationDispense):
            orders = resource.authorizing_prescription
        elif isinstance(resource, MedicationAdministration) and resource.request is not None:
            orders = (resource.request,)
        for reference in orders:
            held = resolve(self._resources, reference.reference)
            if held is not None and isinstance(held.resource, MedicationRequest):
                return self._given_for(held.resource)
        return None

    def _intent(self, extensions: tuple[Extension, ...]) -> TreatmentIntent | None:
        for extension in extensions:
            concept = extension.value_codeable_concept
            if concept is not None and (extension.url or "").rsplit("/", 1)[-1] in _INTENT_EXTENSIONS:
                found = self._terms.intent(concept)
                if found in _INTENTS:
                    return TreatmentIntent(found)
        return None

    def _route(self, resource: Drug | Procedure, concepts: tuple[CodeableConcept, ...]) -> str | None:
        dosages = getattr(resource, "dosage_instruction", ()) or getattr(resource, "dosage", ()) or ()
        for dosage in dosages if isinstance(dosages, tuple) else (dosages,):
            if dosage.route is not None:
                return self._terms.route(dosage.route)
        # "Fluorouracil 5 % cream" is often all that a skin treatment says of its route.
        return "topical" if any(self._terms.route(concept) == "topical" for concept in concepts) else None


def _doubt(code: str, because: str, held: Held) -> Doubt:
    return Doubt(code=code, about="medication", because=because, evidence=(held.ref,))


def _is_mere_plan(order: MedicationRequest) -> bool:
    if order.intent == "plan":
        return not is_reported(order)
    if order.intent in {"proposal", "option"}:
        return True
    is_paused = order.status == "on-hold" and end_of(bounds_of(order.dosage_instruction)) is None
    return is_paused or (order.intent not in _ORDER_INTENTS)


def _said_of_use(resource: Drug | Procedure) -> list[str]:
    """Instructions and notes, in this order."""
    dosages = getattr(resource, "dosage_instruction", ()) or getattr(resource, "dosage", ()) or ()
    listed = dosages if isinstance(dosages, tuple) else (dosages,)
    told = [it.text for it in listed if it.text]
    return [*told, *(it.text for it in resource.note if it.text)] if resource.note else told


def set_wrong_days_aside(
    exposures: tuple[Exposure, ...], birth: PartialDate | None
) -> tuple[tuple[Exposure, ...], tuple[Doubt, ...]]:
    """Days of treatment that cannot be true are not used: before birth, or an end before its start. Source: terminology 10.2."""
    doubts: list[Doubt] = []
    kept: list[Exposure] = []
    for it in exposures:
        start, end = it.start, it.end
        if start is not None and birth is not None and start.is_before(birth) is True:
            doubts.append(_wrong_day("A drug is dated before the patient's birth, so its day was not used.", it))
            kept.append(msgspec.structs.replace(it, start=None, end=None, is_single_dose=False, is_date_certain=False))
        elif start is not None and end is not None and end.is_before(start) is True:
            doubts.append(_wrong_day("The end of a drug lies before its start, so the end was not used.", it))
            kept.append(msgspec.structs.replace(it, end=None, is_date_certain=False))
        else:
            kept.append(it)
    return (tuple(kept), tuple(doubts)) if doubts else (exposures, ())


def _wrong_day(because: str, exposure: Exposure) -> Doubt:
    return Doubt(code="date", about="medication", because=because, evidence=exposure.evidence)


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
