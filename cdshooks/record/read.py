"""Resources to the patient record; the order in which resources came is irrelevant."""

from __future__ import annotations

from datetime import date
from functools import lru_cache

import msgspec

from cdshooks.ehr.resources import Patient, Resources
from cdshooks.knowledge.load import Knowledge
from cdshooks.record.dates import read_date
from cdshooks.record.disease import DiseaseReader, is_disease_test
from cdshooks.record.drug_names import DrugNames
from cdshooks.record.ejection_fractions import EjectionFractions
from cdshooks.record.future import future_doubts
from cdshooks.record.genes import can_name_gene, read_biomarkers
from cdshooks.record.in_order import in_order, place_of
from cdshooks.record.lungs import can_speak_of_lungs
from cdshooks.record.measurements import MeasurementReader, order_of_measurements
from cdshooks.record.model import Doubt, PatientRecord, Person
from cdshooks.record.no_dates import no_date_doubts
from cdshooks.record.observations import ObservationSorter
from cdshooks.record.pregnancy import PregnancyReader
from cdshooks.record.receptor_reports import ReceptorReports
from cdshooks.record.receptor_tests import is_receptor_test
from cdshooks.record.receptor_words import ReceptorWords
from cdshooks.record.receptors import read_receptors
from cdshooks.record.sayings import read_sayings, says_something
from cdshooks.record.terms import RecordTerms
from cdshooks.record.told_treatments import told_treatment_doubts
from cdshooks.record.toxicities import read_toxicities
from cdshooks.record.toxicity_words import ToxicityWords
from cdshooks.record.treatment import TreatmentReader, set_wrong_days_aside, unreadable_doubts


class Vocabulary:
    """Names and terms of one knowledge, made once and remembered with what they have already matched."""

    def __init__(self, knowledge: Knowledge) -> None:
        self.names = DrugNames(knowledge.drugs)
        self.terms = terms = RecordTerms(knowledge.codes)
        self.toxicities = ToxicityWords(self.terms, self.names)
        self.receptors = ReceptorReports(ReceptorWords(terms, knowledge.receptors), terms)
        self.measurements = MeasurementReader(self.terms, knowledge.measures)
        self.ejection_fractions = EjectionFractions(self.terms, knowledge.measures)
        self.pregnancy = PregnancyReader(self.terms, knowledge.measures, self.measurements)
        self.observations = ObservationSorter(
            {
                "receptors": lambda code: is_receptor_test(code, terms, self.receptors.words),
                "biomarkers": lambda code: can_name_gene(code, terms),
                "disease": lambda code: is_disease_test(code, terms),
                "measurements": self.measurements.can_read,
                "hearts": self.ejection_fractions.can_tell,
                "lungs": lambda code: can_speak_of_lungs(code, terms),
                "pregnancy": self.pregnancy.can_tell,
                "sayings": lambda code: says_something(code, terms),
            },
            of_components=("biomarkers",),
            of_members=("receptors",),
        )


@lru_cache(maxsize=4)
def _vocabulary(key: int, knowledge: _Identity) -> Vocabulary:
    del key
    return Vocabulary(knowledge.of)


class _Identity:
    """Wraps a knowledge so that it is remembered by identity: it is frozen, and too large to compare by content."""

    def __init__(self, of: Knowledge) -> None:
        self.of = of

    def __hash__(self) -> int:
        return id(self.of)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Identity) and other.of is self.of


def vocabulary_of(knowledge: Knowledge) -> Vocabulary:
    """The names and terms of a knowledge."""
    return _vocabulary(id(knowledge), _Identity(knowledge))


def read_patient_record(resources: Resources, knowledge: Knowledge, *, as_of: date | None = None) -> PatientRecord:
    """Everything that the resources of one patient say; what is dated after ``as_of`` is doubted."""
    vocabulary = vocabulary_of(knowledge)
    terms, names = vocabulary.terms, vocabulary.names
    treatment = TreatmentReader(resources, terms, names).read()
    observed = vocabulary.observations.sort(resources)
    receptors, receptor_conflicts, receptor_doubts = read_receptors(observed["receptors"], terms, vocabulary.receptors)
    disease = DiseaseReader(observed["disease"], terms).read()
    measured = vocabulary.measurements.read(observed["measurements"])
    told_lvef, told_lvef_doubts = vocabulary.ejection_fractions.read(
        resources, observed["hearts"], measured.measurements
    )
    toxic = read_toxicities(resources, terms, names, vocabulary.toxicities, observed["lungs"].of("Observation"))
    sayings = read_sayings(observed["sayings"], terms)
    person = _person(resources)
    pregnancy = vocabulary.pregnancy.read(observed["pregnancy"], person.sex)
    unsupported = tuple(
        Doubt(code="unsupported", about="medication", because=it.reason, evidence=(it.resource,))
        for it in resources.unsupported
    )
    beside = (*told_lvef, *pregnancy.measurements)
    exposures, wrong_days = set_wrong_days_aside(treatment.exposures, person.birth)
    all_drugs = (*treatment.exposures, *treatment.other_cancer_drugs)
    doubts = (
        *treatment.doubts,
        *told_treatment_doubts(disease.diagnoses, all_drugs, knowledge.codes.told_treatments, knowledge.drugs),
        *wrong_days,
        *disease.doubts,
        *receptor_doubts,
        *measured.doubts,
        *told_lvef_doubts,
        *pregnancy.doubts,
        *unreadable_doubts(resources.unreadable),
        *unsupported,
    )
    record = PatientRecord(
        person=person,
        exposures=exposures,
        planned=treatment.planned,
        suggested=in_order(treatment.suggested, lambda it: (it.protocol, place_of(it.date), it.evidence)),
        other_cancer_drugs=treatment.other_cancer_drugs,
        receptors=receptors,
        biomarkers=read_biomarkers(observed["biomarkers"], terms, knowledge.measures),
        diagnoses=disease.diagnoses,
        metastases=disease.metastases,
        statuses=disease.statuses,
        local_therapies=disease.local_therapies,
        cns=disease.cns,
        measurements=in_order([*measured.measurements, *beside], order_of_measurements)
        if beside
        else measured.measurements,
        toxicities=toxic.toxicities,
        comedications=in_order(treatment.comedications, lambda it: (it.name, place_of(it.start), it.evidence)),
        wishes=sayings.wishes,
        statements=in_order(
            (*sayings.statements, *pregnancy.statements, *disease.statements),
            lambda it: (str(it.date), it.about, it.evidence),
        ),
        stated_lines=sayings.stated_lines,
        unmapped=in_order(treatment.unmapped, lambda it: (it.text, it.evidence)),
        conflicts=in_order(
            (*treatment.conflicts, *disease.conflicts, *receptor_conflicts, *toxic.conflicts),
            lambda it: (it.about, it.evidence),
        ),
        doubts=in_order(doubts, _order_of_doubts),
        unreadable=tuple(sorted(resources.unreadable, key=lambda it: (it.resource, it.reason))),
        incomplete=in_order(resources.incomplete, lambda it: (it.query, it.because)),
    )
    early = future_doubts(record, as_of) if as_of is not None else ()
    misdated = sorted({*early, *no_date_doubts(record, resources)}, key=_order_of_doubts)
    return msgspec.structs.replace(record, doubts=(*record.doubts, *misdated)) if misdated else record


def _order_of_doubts(doubt: Doubt) -> tuple[object, ...]:
    return (doubt.code, doubt.about, doubt.evidence)


def _person(resources: Resources) -> Person:
    patients = [it.resource for it in resources.of("Patient") if isinstance(it.resource, Patient)]
    if not patients:
        return Person(
            id=None, birth=None, sex=None, is_deceased=False, is_replaced=False, postal_code=None, country=None
        )
    patient = min(patients, key=lambda it: it.id or "")
    home = next((it for it in patient.address if it.use != "old"), None)
    return Person(
        id=patient.id,
        birth=read_date(patient.birth_date),
        sex=patient.gender,
        is_deceased=patient.deceased_boolean is True or patient.deceased_date_time is not None,
        is_replaced=patient.active is False or any(it.type == "replaced-by" for it in patient.link),
        postal_code=home.postal_code if home is not None else None,
        country=home.country if home is not None else None,
    )
