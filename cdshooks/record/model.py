"""What the record of one patient says: values read from FHIR resources, nothing concluded yet.

Domain values are ``msgspec.Struct`` rather than dataclasses because one request builds thousands of them and a frozen
dataclass costs about five times as much to make; they are frozen and complete when built all the same.
"""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cdshooks.direct_members import direct_members
from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.partial_date import PartialDate


@direct_members
class Proof(StrEnum):
    """How well the record proves that a drug was taken, best first. Source: terminology 10.1."""

    GIVEN = "given"
    DISPENSED = "dispensed"
    STATED = "stated"
    ORDERED = "ordered"
    REPORTED = "reported"
    PLANNED = "planned"


@direct_members
class StopReason(StrEnum):
    """Why a drug was stopped, as the record words it, what says most first; absence of a reason is None, never a guess."""

    PROGRESSION = "progression"
    TOXICITY = "toxicity"
    PATIENT_CHOICE = "patient_choice"
    COMPLETED = "completed"
    OTHER = "other"


@direct_members
class TreatmentIntent(StrEnum):
    """What a drug was given for, where the record says it."""

    CURATIVE = "curative"
    PALLIATIVE = "palliative"
    ADJUVANT = "adjuvant"
    NEOADJUVANT = "neoadjuvant"
    SUPPORTIVE = "supportive"
    MAINTENANCE = "maintenance"


@direct_members
class GivenFor(StrEnum):
    """The disease that the record names as the reason of a drug."""

    BREAST_CANCER = "breast-cancer"
    OTHER_CANCER = "other-cancer"
    NOT_CANCER = "not-cancer"


@direct_members
class Certainty(StrEnum):
    """How sure the record is of a finding."""

    CONFIRMED = "confirmed"
    PROVISIONAL = "provisional"
    REFUTED = "refuted"


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of the values of a record: compared by content, never changed, trees that the garbage collector need not look at."""


class Exposure(Value, frozen=True, kw_only=True):
    """One agent over an interval, as one record (or several records of the same dose) tells it.

    A dose (``is_single_dose``) has end = start; a course spans start..end. ``start`` None: given, date unknown.
    ``end`` None: the record names no end (which never means that it goes on; ``is_open`` says whether the record calls it
    current). ``is_date_certain`` False: a date was read from words or stands for a date of report.
    """

    agent: AgentId
    start: PartialDate | None
    end: PartialDate | None
    is_open: bool
    is_single_dose: bool
    proof: Proof
    evidence: tuple[ResourceRef, ...]
    stopped_for: StopReason | None = None
    intent: TreatmentIntent | None = None
    given_for: GivenFor | None = None
    supply_days: int | None = None
    is_date_certain: bool = True
    trial: str | None = None
    """What the record calls the trial drug or study, for ``agent == "investigational"``."""
    route: str | None = None
    """``oral``, ``iv``, ``sc``, ``im``, ``intrathecal``, ``topical``, where the record says it."""
    dose_mg_per_m2: float | None = None
    """Dose given, where the record states it per body surface; for cumulative anthracycline dose."""


class ReceptorResult(Value, frozen=True, kw_only=True):
    """One receptor's status in one specimen or on one date, tests of that specimen combined. Source: terminology 10.4.

    ``status`` is one of positive, negative, low (HER2 only: IHC 1+ or 2+/ISH-), equivocal, indeterminate, conflict.
    ``detail`` is made by us ("IHC 2+, ISH amplified"), never free text of the record.
    """

    marker: str
    """``her2``, ``er``, ``pr``."""
    status: str
    detail: str
    date: PartialDate | None
    is_metastasis: bool | None
    """Whether the specimen is from a metastasis; None when the record does not say."""
    site: str | None
    """A site id ("liver", "brain", "breast"), where known."""
    laterality: str | None
    percent: float | None
    ihc: str | None
    """"0", "1+", "2+", "3+"."""
    ish: str | None
    """amplified, not-amplified, equivocal."""
    is_preliminary: bool
    lab: str | None
    """"central" where the record says so."""
    evidence: tuple[ResourceRef, ...]


class Biomarker(Value, frozen=True, kw_only=True):
    """A genomic or immune marker: pik3ca, esr1, brca1, brca2, pd-l1, tmb, msi, ntrk, dpyd, erbb2-mutation, her2-serum.

    ``value``: mutated, wild_type, positive, negative, high, low, normal, intermediate, poor, unclassified ...;
    ``number`` with ``unit`` where measured.
    """

    marker: str
    value: str
    number: float | None = None
    unit: str | None = None
    is_germline: bool | None = None
    date: PartialDate | None = None
    evidence: tuple[ResourceRef, ...]


class Diagnosis(Value, frozen=True, kw_only=True):
    """A Condition that matters: a concept of ``diagnoses`` knowledge ("breast-cancer", "met-brain", "pregnancy", "diabetes")."""

    concept: str
    category: str
    """disease, metastasis, receptor, toxicity, reproductive, treatment, comorbidity, other-cancer."""
    start: PartialDate | None
    """Onset; else the date recorded, and then ``is_onset`` is False."""
    is_onset: bool
    end: PartialDate | None
    is_active: bool | None
    certainty: Certainty
    laterality: str | None = None
    grade: int | None = None
    evidence: tuple[ResourceRef, ...]


class Metastasis(Value, frozen=True, kw_only=True):
    """Evidence of distant disease: a site, the date, and what kind of record says it.

    ``basis``: condition-onset, condition-recorded, stage-iv, m1, metastasis-observation, disease-status, palliative-intent,
    text. ``site`` "unspecified" when none is named. C77 axillary alone never makes one.
    """

    site: str
    date: PartialDate | None
    basis: str
    certainty: Certainty
    evidence: tuple[ResourceRef, ...]


class DiseaseStatus(Value, frozen=True, kw_only=True):
    """What a clinician or report said of the disease on a date.

    ``trend``: progression, stable, responding, partial-remission, complete-remission, no-evidence-of-disease,
    undetermined. ``focus``: "overall", a metastatic site id ("brain", "liver"), or "primary".
    """

    trend: str
    focus: str
    date: PartialDate | None
    evidence: tuple[ResourceRef, ...]


class LocalTherapy(Value, frozen=True, kw_only=True):
    """Radiotherapy or surgery of one place; ``is_planned`` for orders.

    ``kind``: srs, wbrt, radiotherapy, resection, surgery, mastectomy, breast-conserving-surgery. ``date`` is its first day.
    """

    kind: str
    site: str | None
    date: PartialDate | None
    is_planned: bool
    evidence: tuple[ResourceRef, ...]
    end: PartialDate | None = None
    """The last day of a course of several days, where the record tells it."""

    @property
    def last_day(self) -> PartialDate | None:
        """The day from which on the time since this treatment counts."""
        return self.end or self.date


class CnsState(Value, frozen=True, kw_only=True):
    """The state of brain and meninges at the latest date the record tells.

    ``state``: none, treated_stable, untreated_stable, active_not_urgent, needs_local_therapy, leptomeningeal, unknown.
    ``treated_progressing`` and the like are derived from ``is_treated`` and ``state``.
    """

    state: str
    date: PartialDate | None
    is_treated: bool | None
    is_known_absent: bool
    """True only when a refuted Condition or a report says none."""
    leptomeningeal: str | None
    """none, focal, diffuse, present; None when nothing is said."""
    largest_lesion_mm: float | None
    last_mri: PartialDate | None
    because: str
    evidence: tuple[ResourceRef, ...]
    largest_lesion_on: PartialDate | None = None
    """When it was measured; sizes of an earlier day count no more."""


class Measurement(Value, frozen=True, kw_only=True):
    """A number about the patient in the unit of its fact: lvef_percent, anc, platelets, creatinine, weight_kg, ecog ...

    A range sent by the record keeps ``low`` and ``high``; ``value`` is then None. ``comparator`` is ``<``, ``>``, ``<=``, ``>=``.
    ``times_upper_limit`` uses the resource's own reference range.
    """

    fact: str
    value: float | None
    unit: str
    date: PartialDate | None
    low: float | None = None
    high: float | None = None
    comparator: str | None = None
    times_upper_limit: float | None = None
    method: str | None = None
    is_preliminary: bool = False
    evidence: tuple[ResourceRef, ...]


class Toxicity(Value, frozen=True, kw_only=True):
    """An adverse effect: its kind ("ild", "heart_failure", "neuropathy", "diarrhoea", "nrh" ...), grade, agent and state.

    ``agent`` is what the record blames; None when it blames none. ``is_resolved`` None: the record does not say.
    """

    kind: str
    grade: int | None
    agent: AgentId | None
    start: PartialDate | None
    end: PartialDate | None
    is_resolved: bool | None
    is_symptomatic: bool | None
    certainty: Certainty
    evidence: tuple[ResourceRef, ...]


class CoMedication(Value, frozen=True, kw_only=True):
    """A drug that is no cancer treatment but may interact: its name in our knowledge and its interaction classes."""

    name: str
    classes: tuple[str, ...]
    is_current: bool
    start: PartialDate | None
    end: PartialDate | None
    dose_mg_per_day: float | None = None
    evidence: tuple[ResourceRef, ...]


class Wish(Value, frozen=True, kw_only=True):
    """What the patient asks for: avoid-hair-loss, avoid-fatigue, avoid-neuropathy, prefer-oral, prefer-home, chemo-free."""

    wish: str
    date: PartialDate | None
    evidence: tuple[ResourceRef, ...]


class Statement(Value, frozen=True, kw_only=True):
    """Something said of the patient that FHIR has no code for: measurable_disease, tempo, frailty, seizures, swallow ...

    ``value`` is a word of our vocabulary ("measurable", "visceral-crisis", "controlled", "present", "absent").
    """

    about: str
    value: str
    date: PartialDate | None
    evidence: tuple[ResourceRef, ...]


class StatedLine(Value, frozen=True, kw_only=True):
    """A line number that another system states; shown beside ours, never taken over. Source: terminology 8."""

    number: int
    start: PartialDate | None
    evidence: tuple[ResourceRef, ...]


class Unmapped(Value, frozen=True, kw_only=True):
    """A drug name or code that we do not know; ``text`` is what the record wrote, ``start`` when the drug began, if known."""

    text: str
    what: str
    evidence: tuple[ResourceRef, ...]
    start: PartialDate | None = None
    may_be_cancer_drug: bool | None = None
    """True for a name or code that only cancer drugs have, False where the record says that it is none or for another disease."""


class Suggested(Value, frozen=True, kw_only=True):
    """A protocol name that probably means these agents ("THP"); suggested, never counted as certain.

    ``one_of``: drugs of which published regimens of that name hold one or the other.
    """

    protocol: str
    agents: tuple[AgentId, ...]
    one_of: tuple[AgentId, ...] = ()
    date: PartialDate | None
    evidence: tuple[ResourceRef, ...]

    @property
    def told(self) -> str:
        """The drugs in words: "docetaxel or paclitaxel, trastuzumab, pertuzumab"."""
        return ", ".join((*((" or ".join(self.one_of),) if self.one_of else ()), *self.agents))


class Conflict(Value, frozen=True, kw_only=True):
    """Data that contradict each other; none is resolved silently. ``because`` is our sentence."""

    about: str
    because: str
    evidence: tuple[ResourceRef, ...]


UNVERIFIED = "unverified"
"""The code of a doubt about our own tables: nobody has read in a source what decided here."""


class Doubt(Value, frozen=True, kw_only=True):
    """A value set aside because it cannot be true or cannot be read: an impossible number, a placeholder date.

    ``code`` names the rule that set it aside; ``because`` is our sentence.
    """

    code: str
    about: str
    because: str
    evidence: tuple[ResourceRef, ...]


class Person(Value, frozen=True, kw_only=True):
    """Who the patient is, as far as rules ask."""

    id: str | None
    birth: PartialDate | None
    sex: str | None
    is_deceased: bool
    is_replaced: bool
    """The Patient resource is inactive or replaced by another."""
    postal_code: str | None
    country: str | None


class PatientRecord(Value, frozen=True, kw_only=True):
    """Everything the resources say of one patient; tuples are sorted by date, then content, so order of input is irrelevant."""

    person: Person
    exposures: tuple[Exposure, ...] = ()
    planned: tuple[Exposure, ...] = ()
    suggested: tuple[Suggested, ...] = ()
    other_cancer_drugs: tuple[Exposure, ...] = ()
    receptors: tuple[ReceptorResult, ...] = ()
    biomarkers: tuple[Biomarker, ...] = ()
    diagnoses: tuple[Diagnosis, ...] = ()
    metastases: tuple[Metastasis, ...] = ()
    statuses: tuple[DiseaseStatus, ...] = ()
    local_therapies: tuple[LocalTherapy, ...] = ()
    cns: CnsState | None = None
    measurements: tuple[Measurement, ...] = ()
    toxicities: tuple[Toxicity, ...] = ()
    comedications: tuple[CoMedication, ...] = ()
    wishes: tuple[Wish, ...] = ()
    statements: tuple[Statement, ...] = ()
    stated_lines: tuple[StatedLine, ...] = ()
    unmapped: tuple[Unmapped, ...] = ()
    conflicts: tuple[Conflict, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    unreadable: tuple[Unreadable, ...] = ()
    incomplete: tuple[Incomplete, ...] = ()
