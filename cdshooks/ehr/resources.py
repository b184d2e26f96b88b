"""The members of FHIR R4 resources that we read, and nothing else: each one more is paid for in every call.

Unknown members are ignored and every member may be missing, because EHRs send what they have. What a FHIR list or object is in
the standard is sometimes sent as the other (``category`` as an object): such members are read by nobody here.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, TypeAlias

import msgspec
from msgspec import Raw

from cdshooks.deadline import NO_DEADLINE, Deadline
from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.shared_parts import put, shared
from cdshooks.knowledge.ids import ResourceRef


class Part(msgspec.Struct, frozen=True, kw_only=True, rename="camel", gc=False, omit_defaults=True):
    """Base of the decoded parts of a resource: trees of text, so the garbage collector need not look at them."""


class Mark(Part, frozen=True, kw_only=True):
    """What an extension of a coding says by a code: how sure a diagnosis is, for one."""

    code: str | None = None


class CodingExtension(Part, frozen=True, kw_only=True):
    """An extension of a coding."""

    url: str | None = None
    value_coding: Mark | None = None


class Coding(Part, frozen=True, kw_only=True):
    """A code of a system, with the words shown for it."""

    system: str | None = None
    code: str | None = None
    display: str | None = None
    extension: tuple[CodingExtension, ...] = ()


class CodeableConcept(Part, frozen=True, kw_only=True, cache_hash=True):
    """A concept by codes, by words, or both."""

    coding: tuple[Coding, ...] = ()
    text: str | None = None


_concept, _concepts = shared(CodeableConcept), shared(tuple[CodeableConcept, ...], absent=())


if TYPE_CHECKING:
    SharedConcept: TypeAlias = CodeableConcept | None
    SharedConcepts: TypeAlias = tuple[CodeableConcept, ...]
    Interpretation: TypeAlias = tuple[CodeableConcept, ...] | CodeableConcept
    ReferenceRanges: TypeAlias = tuple["ReferenceRange", ...]
else:
    SharedConcept = SharedConcepts = Interpretation = ReferenceRanges = Raw


class Reference(Part, frozen=True, kw_only=True):
    """A reference: relative, absolute, ``urn:uuid:``, ``#contained``, or words only."""

    reference: str | None = None
    display: str | None = None


class Identifier(Part, frozen=True, kw_only=True):
    """A business identifier."""

    system: str | None = None
    value: str | None = None

    @property
    def name(self) -> str:
        """As a conditional reference to a Medication writes it."""
        return f"Medication?identifier={self.system or ''}|{self.value or ''}"


class DrugReference(Reference, frozen=True, kw_only=True):
    """A reference to a Medication, which may name it by an identifier alone."""

    identifier: Identifier | None = None

    @property
    def name(self) -> str:
        """By what the Medication is looked up; empty where nothing leads to one."""
        if self.reference:
            return self.reference
        return self.identifier.name if self.identifier is not None and self.identifier.value else ""


class PatientReference(Part, frozen=True, kw_only=True):
    """Whose a resource is. What is displayed of a person is never read."""

    reference: str | None = None


class Period(Part, frozen=True, kw_only=True):
    """From and to, as written."""

    start: str | None = None
    end: str | None = None


class Quantity(Part, frozen=True, kw_only=True):
    """A number with its unit; some senders write the number as text."""

    value: float | str | None = None
    comparator: str | None = None
    unit: str | None = None
    code: str | None = None


class Ratio(Part, frozen=True, kw_only=True):
    """A numerator over a denominator."""

    numerator: Quantity | None = None
    denominator: Quantity | None = None


class Range(Part, frozen=True, kw_only=True):
    """Low to high."""

    low: Quantity | None = None
    high: Quantity | None = None


class Annotation(Part, frozen=True, kw_only=True):
    """A note."""

    text: str | None = None
    time: str | None = None


class Extension(Part, frozen=True, kw_only=True):
    """An extension with the value types that ours use."""

    url: str | None = None
    value_codeable_concept: CodeableConcept | None = None
    value_coding: Coding | None = None
    value_code: str | None = None
    value_string: str | None = None
    value_integer: int | None = None
    value_boolean: bool | None = None
    value_date_time: str | None = None
    value_reference: Reference | None = None


class Repeat(Part, frozen=True, kw_only=True):
    """When a dose is repeated; only the bounds are read."""

    bounds_period: Period | None = None


class Timing(Part, frozen=True, kw_only=True):
    """When a dose is given: on single days, or again and again."""

    event: tuple[str, ...] = ()
    repeat: Repeat | None = None


class Dosage(Part, frozen=True, kw_only=True):
    """A dosage instruction, or (in an administration) how it was given."""

    text: str | None = None
    timing: Timing | None = None
    route: SharedConcept = None

    def __post_init__(self: Any) -> None:
        if type(sent := self.route) is Raw:
            put(self, "route", _concept(bytes(sent)))


class Base(Part, frozen=True, kw_only=True, tag_field="resourceType", tag=True):
    """What every resource has. ``subject`` and ``patient`` tell whose it is; the name of the class is its ``resourceType``."""

    id: str | None = None
    subject: PatientReference | None = None
    patient: PatientReference | None = None
    extension: tuple[Extension, ...] = ()


class Ingredient(Part, frozen=True, kw_only=True):
    """A drug in a mixture."""

    item_codeable_concept: CodeableConcept | None = None
    item_reference: Reference | None = None
    is_active: bool | None = None


class Medication(Base, frozen=True, kw_only=True):
    """A drug product or mixture."""

    code: CodeableConcept | None = None
    ingredient: tuple[Ingredient, ...] = ()
    identifier: tuple[Identifier, ...] = ()


class Contained(Part, frozen=True, kw_only=True):
    """A contained resource; only a Medication is of use to us."""

    id: str | None = None
    resource_type: str | None = None
    code: CodeableConcept | None = None
    ingredient: tuple[Ingredient, ...] = ()


class Drug(Base, frozen=True, kw_only=True):
    """What the five records of a drug have in common."""

    status: str | None = None
    medication_codeable_concept: SharedConcept = None
    medication_reference: DrugReference | None = None
    contained: tuple[Contained, ...] = ()
    reason_code: SharedConcepts = ()
    reason_reference: tuple[Reference, ...] = ()
    note: tuple[Annotation, ...] = ()

    def __post_init__(self: Any) -> None:
        if type(sent := self.medication_codeable_concept) is Raw:
            put(self, "medication_codeable_concept", _concept(bytes(sent)))
        if type(sent := self.reason_code) is Raw:
            put(self, "reason_code", _concepts(bytes(sent)))


class DispenseRequest(Part, frozen=True, kw_only=True):
    """How an order may be supplied."""

    validity_period: Period | None = None
    expected_supply_duration: Quantity | None = None


class MedicationRequest(Drug, frozen=True, kw_only=True):
    """An order, or a report of earlier medication. Source: terminology 3."""

    intent: str | None = None
    do_not_perform: bool | None = None
    reported_boolean: bool | None = None
    reported_reference: Reference | None = None
    authored_on: str | None = None
    status_reason: CodeableConcept | None = None
    dosage_instruction: tuple[Dosage, ...] = ()
    dispense_request: DispenseRequest | None = None


class MedicationAdministration(Drug, frozen=True, kw_only=True):
    """A dose given, or not given."""

    effective_date_time: str | None = None
    effective_period: Period | None = None
    status_reason: tuple[CodeableConcept, ...] = ()
    request: Reference | None = None
    dosage: Dosage | None = None
    part_of: tuple[Reference, ...] = ()


class MedicationStatement(Drug, frozen=True, kw_only=True):
    """What someone says that the patient takes or took."""

    effective_date_time: str | None = None
    effective_period: Period | None = None
    date_asserted: str | None = None
    status_reason: tuple[CodeableConcept, ...] = ()
    dosage: tuple[Dosage, ...] = ()
    part_of: tuple[Reference, ...] = ()


class MedicationDispense(Drug, frozen=True, kw_only=True):
    """A supply handed out."""

    authorizing_prescription: tuple[Reference, ...] = ()
    when_handed_over: str | None = None
    when_prepared: str | None = None
    days_supply: Quantity | None = None
    dosage_instruction: tuple[Dosage, ...] = ()


class Procedure(Base, frozen=True, kw_only=True):
    """Drug therapy, radiotherapy or surgery."""

    status: str | None = None
    code: CodeableConcept | None = None
    performed_date_time: str | None = None
    performed_period: Period | None = None
    status_reason: CodeableConcept | None = None
    reason_code: tuple[CodeableConcept, ...] = ()
    reason_reference: tuple[Reference, ...] = ()
    body_site: tuple[CodeableConcept, ...] = ()
    used_code: tuple[CodeableConcept, ...] = ()
    note: tuple[Annotation, ...] = ()


class ReferenceRange(Part, frozen=True, kw_only=True, cache_hash=True):
    """The laboratory's own range, and of whom it is one."""

    low: Quantity | None = None
    high: Quantity | None = None
    text: str | None = None
    applies_to: tuple[CodeableConcept, ...] = ()


_interpretation = shared(tuple[CodeableConcept, ...] | CodeableConcept, absent=())
_ranges = shared(tuple[ReferenceRange, ...], absent=())


class Valued(Part, frozen=True, kw_only=True):
    """A coded question with its answer in any of FHIR's value types."""

    code: SharedConcept = None
    value_quantity: Quantity | None = None
    value_codeable_concept: SharedConcept = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_date_time: str | None = None
    interpretation: Interpretation = ()
    data_absent_reason: CodeableConcept | None = None

    def __post_init__(self: Any) -> None:
        if type(sent := self.code) is Raw:
            put(self, "code", _concept(bytes(sent)))
        if type(sent := self.value_codeable_concept) is Raw:
            put(self, "value_codeable_concept", _concept(bytes(sent)))
        if type(sent := self.interpretation) is Raw:
            put(self, "interpretation", _interpretation(bytes(sent)))


class Component(Valued, frozen=True, kw_only=True):
    """A part of an observation."""


class Observation(Base, frozen=True, kw_only=True):
    """A measurement, test result or statement."""

    status: str | None = None
    code: SharedConcept = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    effective_instant: str | None = None
    issued: str | None = None
    value_quantity: Quantity | None = None
    value_codeable_concept: SharedConcept = None
    value_string: str | None = None
    value_boolean: bool | None = None
    value_integer: int | None = None
    value_range: Range | None = None
    value_ratio: Ratio | None = None
    value_date_time: str | None = None
    interpretation: Interpretation = ()
    data_absent_reason: CodeableConcept | None = None
    component: tuple[Component, ...] = ()
    has_member: tuple[Reference, ...] = ()
    focus: tuple[Reference, ...] = ()
    specimen: Reference | None = None
    body_site: CodeableConcept | None = None
    method: CodeableConcept | None = None
    note: tuple[Annotation, ...] = ()
    reference_range: ReferenceRanges = ()

    def __post_init__(self: Any) -> None:
        if type(sent := self.code) is Raw:
            put(self, "code", _concept(bytes(sent)))
        if type(sent := self.value_codeable_concept) is Raw:
            put(self, "value_codeable_concept", _concept(bytes(sent)))
        if type(sent := self.interpretation) is Raw:
            put(self, "interpretation", _interpretation(bytes(sent)))
        if type(sent := self.reference_range) is Raw:
            put(self, "reference_range", _ranges(bytes(sent)))


class Stage(Part, frozen=True, kw_only=True):
    """The stage or grade that a Condition names."""

    summary: CodeableConcept | None = None
    type: CodeableConcept | None = None


class ConditionEvidence(Part, frozen=True, kw_only=True):
    """What a Condition rests on."""

    code: tuple[CodeableConcept, ...] = ()


class Condition(Base, frozen=True, kw_only=True):
    """A diagnosis, problem or finding."""

    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    severity: CodeableConcept | None = None
    onset_date_time: str | None = None
    onset_period: Period | None = None
    onset_string: str | None = None
    abatement_date_time: str | None = None
    abatement_period: Period | None = None
    abatement_boolean: bool | None = None
    abatement_string: str | None = None
    recorded_date: str | None = None
    body_site: tuple[CodeableConcept, ...] = ()
    stage: tuple[Stage, ...] = ()
    evidence: tuple[ConditionEvidence, ...] = ()
    note: tuple[Annotation, ...] = ()


class Reaction(Part, frozen=True, kw_only=True):
    """How an allergy or intolerance showed."""

    substance: CodeableConcept | None = None
    manifestation: tuple[CodeableConcept, ...] = ()
    severity: str | None = None
    onset: str | None = None
    description: str | None = None


class AllergyIntolerance(Base, frozen=True, kw_only=True):
    """An allergy or intolerance to a substance."""

    clinical_status: CodeableConcept | None = None
    verification_status: CodeableConcept | None = None
    code: CodeableConcept | None = None
    criticality: str | None = None
    onset_date_time: str | None = None
    recorded_date: str | None = None
    reaction: tuple[Reaction, ...] = ()
    note: tuple[Annotation, ...] = ()


class SuspectEntity(Part, frozen=True, kw_only=True):
    """What an adverse event is blamed on."""

    instance: Reference | None = None


class AdverseEvent(Base, frozen=True, kw_only=True):
    """An adverse event."""

    actuality: str | None = None
    event: CodeableConcept | None = None
    date: str | None = None
    detected: str | None = None
    recorded_date: str | None = None
    severity: CodeableConcept | None = None
    seriousness: CodeableConcept | None = None
    outcome: CodeableConcept | None = None
    suspect_entity: tuple[SuspectEntity, ...] = ()
    contained: tuple[Contained, ...] = ()


class Attachment(Part, frozen=True, kw_only=True):
    """A form of a report; only plain text is read."""

    content_type: str | None = None
    data: str | None = None


class DiagnosticReport(Base, frozen=True, kw_only=True):
    """A report; its conclusion and its plain text are read, its narrative never."""

    status: str | None = None
    code: CodeableConcept | None = None
    effective_date_time: str | None = None
    effective_period: Period | None = None
    issued: str | None = None
    conclusion: str | None = None
    conclusion_code: tuple[CodeableConcept, ...] = ()
    result: tuple[Reference, ...] = ()
    specimen: tuple[Reference, ...] = ()
    presented_form: tuple[Attachment, ...] = ()


class Collection(Part, frozen=True, kw_only=True):
    """Where and when a specimen was taken."""

    collected_date_time: str | None = None
    body_site: CodeableConcept | None = None


class Specimen(Base, frozen=True, kw_only=True):
    """A tissue or blood sample."""

    status: str | None = None
    type: CodeableConcept | None = None
    collection: Collection | None = None


class ServiceRequest(Base, frozen=True, kw_only=True):
    """A planned procedure."""

    status: str | None = None
    intent: str | None = None
    code: CodeableConcept | None = None
    occurrence_date_time: str | None = None
    authored_on: str | None = None
    body_site: tuple[CodeableConcept, ...] = ()
    reason_code: tuple[CodeableConcept, ...] = ()


class ResearchSubject(Base, frozen=True, kw_only=True):
    """Participation in a study."""

    status: str | None = None
    period: Period | None = None
    study: Reference | None = None
    individual: Reference | None = None


class CarePlan(Base, frozen=True, kw_only=True):
    """A plan; only the fact that treatment changed is of use."""

    status: str | None = None
    title: str | None = None
    period: Period | None = None


class BodyStructure(Base, frozen=True, kw_only=True):
    """A place in the body."""

    location: CodeableConcept | None = None
    location_qualifier: tuple[CodeableConcept, ...] = ()


class Address(Part, frozen=True, kw_only=True):
    """Where the patient lives; only the region is read."""

    postal_code: str | None = None
    country: str | None = None
    use: str | None = None


class PatientLink(Part, frozen=True, kw_only=True):
    """A link to another record of the same person."""

    type: str | None = None


class Patient(Base, frozen=True, kw_only=True):
    """The patient; names are never read."""

    gender: str | None = None
    birth_date: str | None = None
    active: bool | None = None
    deceased_boolean: bool | None = None
    deceased_date_time: str | None = None
    address: tuple[Address, ...] = ()
    link: tuple[PatientLink, ...] = ()


class Held(msgspec.Struct, frozen=True, gc=False):
    """A decoded resource with the reference by which evidence names it and the other names that it goes by."""

    ref: ResourceRef
    query: str
    resource: Base


class Unsupported(msgspec.Struct, frozen=True, kw_only=True):
    """A resource of a FHIR version that we do not read, such as DSTU2 MedicationOrder; never "no therapy"."""

    resource: ResourceRef
    reason: str


class Resources(msgspec.Struct, frozen=True, kw_only=True):
    """All resources of one call by type, in the order received, with what could not be read.

    ``by_name`` resolves references: relative (``Type/id``), absolute and ``urn:uuid:`` full URLs lead to the resource.
    ``unread``: the types that are not read here, with how many there were of each. ``deadline``: how long they may be read for.
    """

    by_type: dict[str, tuple[Held, ...]]
    by_name: dict[str, Held]
    unreadable: tuple[Unreadable, ...] = ()
    unsupported: tuple[Unsupported, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()
    unread: tuple[tuple[str, int], ...] = ()
    deadline: Deadline = NO_DEADLINE

    def each(self, resource_type: str) -> Iterator[Held]:
        """The resources of one type, one after the other, for as long as there is time.

        Raises:
            OverdueError: There is none left.
        """
        return self.deadline.each(self.of(resource_type))

    def of(self, resource_type: str) -> tuple[Held, ...]:
        """The resources of one type."""
        return self.by_type.get(resource_type, ())


TYPES: dict[str, type[Base]] = {
    it.__name__: it
    for it in (
        Patient,
        Medication,
        MedicationRequest,
        MedicationAdministration,
        MedicationStatement,
        MedicationDispense,
        Procedure,
        Observation,
        Condition,
        AllergyIntolerance,
        AdverseEvent,
        DiagnosticReport,
        Specimen,
        ServiceRequest,
        ResearchSubject,
        CarePlan,
        BodyStructure,
    )
}
"""The resource types that we read, by name."""
