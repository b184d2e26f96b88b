"""Diagnoses, metastases, disease status, local therapy, and the state of brain and meninges. Source: terminology 10.5."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.resources import (
    CodeableConcept,
    Condition,
    DiagnosticReport,
    Held,
    Observation,
    Procedure,
    Resources,
    ServiceRequest,
)
from cdshooks.knowledge.clauses import COMMA, STATEMENT_END
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.words import negations
from cdshooks.partial_date import PartialDate, latest
from cdshooks.record.dates import end_of, observed_on, onset_of, read_date, recorded_on, reported_on, start_of
from cdshooks.record.model import (
    Certainty,
    CnsState,
    Conflict,
    Diagnosis,
    DiseaseStatus,
    Doubt,
    LocalTherapy,
    Metastasis,
    Statement,
)
from cdshooks.record.numbers import number_of
from cdshooks.record.report_parts import Parts
from cdshooks.record.running_text import texts_of_report
from cdshooks.record.terms import RecordTerms, codes_of, texts_of

_NOT_DISTANT = frozenset({"met-lymph-node-axilla", "met-chest-wall", "metastasis-to-breast", "history-of-metastasis"})
_TOLD_ONCE = frozenset({"toxicity", "disease", "other-cancer"})
"""Categories of which the code says all: the words beside it would say the same diagnosis by another of our names."""
_MENOPAUSAL = frozenset({"postmenopausal", "premenopausal"})
_LOCAL = frozenset({"breast", "chest-wall"})
"""Places of the primary, which a sentence on breast cancer names whatever it is about."""
_CNS_SITES = frozenset({"brain", "meninges", "cns-other", "spinal-cord"})
_TESTS_OF_DISEASE = frozenset(
    {"disease-status", "treatment-response", "m-category-clinical", "m-category-pathologic", "stage-clinical"}
    | {"stage-pathologic", "stage-other", "history-of-metastasis", "metastasis-site", "tumor-size"}
)
_GONE = frozenset({"refuted", "entered-in-error"})
_HISTORY = "history"
_WEAK = frozenset({"provisional", "differential", "unconfirmed"})
_STAGE_ALONE = re.compile(r"\s*IV[ABC]?\s*$", re.IGNORECASE)
"""The fourth stage, where a concept says nothing else."""
_STAGE_WRITTEN = re.compile(r"(?:^|\s)((?:0|IV|I{1,3})[ABC]?)\s*$")
"""A stage group at the end of what a diagnosis calls its stage."""
_STAGES = {
    "stage-clinical": "stage",
    "stage-pathologic": "stage",
    "stage-other": "stage",
    "m-category-clinical": "m-category",
    "m-category-pathologic": "m-category",
}
_DIAMETER = r"(\d+(?:[.,]\d+)?)\s*"
_SIZE = re.compile(rf"(?:{_DIAMETER}[x\u00d7]\s*)?(?:{_DIAMETER}[x\u00d7]\s*)?{_DIAMETER}(mm|cm)\b", re.IGNORECASE)
"""A diameter, or several of one lesion: "13 mm", "1.3 x 0.9 cm"."""
_MM_IN = {"mm": 1, "cm": 10}
_ALWAYS_OF = {"wbrt": "brain", "mastectomy": "breast", "breast-conserving-surgery": "breast"}
"""The place of a treatment whose name says it."""
_QUIET_TRENDS = frozenset({"stable", "responding", "complete-remission", "partial-remission", "no-evidence-of-disease"})


def is_disease_test(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    """Whether an observation of this code tells of the disease."""
    test = terms.test(code)
    if test is None:
        names = " ".join(texts_of(code))
        return terms.meanings("csf-cytology").first(names) is not None or _is_status_name(code, terms)
    return test in _TESTS_OF_DISEASE


def _is_status_name(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    """Whether the name of an observation is that of an assessment of the disease."""
    return any(terms.meanings("disease-status-name").first(text) is not None for text in texts_of(code))


class DiseaseReading(msgspec.Struct, frozen=True, kw_only=True):
    """What the record says of the disease."""

    diagnoses: tuple[Diagnosis, ...]
    metastases: tuple[Metastasis, ...]
    statuses: tuple[DiseaseStatus, ...]
    local_therapies: tuple[LocalTherapy, ...]
    cns: CnsState | None
    statements: tuple[Statement, ...]
    """Stages and menopausal states, in our own words."""
    conflicts: tuple[Conflict, ...]
    doubts: tuple[Doubt, ...]


class DiseaseReader:
    """Reads Conditions, disease-status and stage Observations, Procedures and reports."""

    def __init__(self, resources: Resources, terms: RecordTerms) -> None:
        self._resources = resources
        self._terms = terms
        self._diagnoses: list[Diagnosis] = []
        self._metastases: list[Metastasis] = []
        self._statuses: list[DiseaseStatus] = []
        self._therapies: list[LocalTherapy] = []
        self._absent: list[tuple[str, Held, PartialDate | None]] = []
        self._lesions: list[tuple[float, PartialDate | None, Held]] = []
        self._mri: list[PartialDate] = []
        self._urgent: list[tuple[PartialDate | None, Held]] = []
        self._called_treated: set[ResourceRef] = set()
        self._stages: list[Statement] = []
        self._stages_of_diagnoses: list[Statement] = []
        self._contradictions: list[Conflict] = []
        self._never_spread: list[tuple[PartialDate | None, Held]] = []
        """Statements that there is no metastasis at all."""

    def read(self) -> DiseaseReading:
        """Everything, sorted by date."""
        for held in self._resources.each("Condition"):
            self._read_condition(held, held.resource)  # type: ignore[arg-type]  # of() gives this type
        for held in self._resources.each("Observation"):
            self._read_observation(held, held.resource)  # type: ignore[arg-type]
        for held in self._resources.each("Procedure"):
            self._read_procedure(held, held.resource)  # type: ignore[arg-type]
        for held in self._resources.each("ServiceRequest"):
            self._read_plan(held, held.resource)  # type: ignore[arg-type]
        for held in self._resources.each("DiagnosticReport"):
            self._read_report(held, held.resource)  # type: ignore[arg-type]
        statuses = tuple(
            sorted(dict.fromkeys(self._statuses), key=lambda it: (_day(it.date), it.trend, it.focus, it.evidence))
        )
        therapies = tuple(
            sorted(dict.fromkeys(self._therapies), key=lambda it: (_day(it.date), it.kind, it.site or "", it.evidence))
        )
        metastases = tuple(
            sorted(dict.fromkeys(self._metastases), key=lambda it: (_day(it.date), it.site, it.evidence))
        )
        return DiseaseReading(
            diagnoses=tuple(
                sorted(dict.fromkeys(self._diagnoses), key=lambda it: (_day(it.start), it.concept, it.evidence))
            ),
            metastases=metastases,
            statuses=statuses,
            local_therapies=therapies,
            cns=self._cns_state(metastases, statuses, therapies),
            statements=(*self._stages, *self._stages_told_alone()),
            conflicts=(*self._contradictions, *self._denied_spread(metastases)),
            doubts=tuple(self._second_cancers(metastases)),
        )

    def _stages_told_alone(self) -> Iterator[Statement]:
        """The stages that only a diagnosis tells: where an observation tells the same one, it has the day as well."""
        observed = {it.value for it in self._stages if it.about == "stage"}
        yield from (it for it in self._stages_of_diagnoses if it.value not in observed)

    def _read_condition(self, held: Held, condition: Condition) -> None:
        verification = self._terms.verification(condition)
        if "entered-in-error" in verification:
            return
        certainty = (
            Certainty.REFUTED
            if verification & _GONE
            else Certainty.PROVISIONAL
            if verification & _WEAK or self._terms.is_suspected(condition.code)
            else Certainty.CONFIRMED
        )
        onset = onset_of(condition)
        start = onset or recorded_on(condition)
        clinical = codes_of(condition.clinical_status)
        end = read_date(condition.abatement_date_time, end_of(condition.abatement_period))
        is_active = None if not clinical else bool(clinical & {"active", "recurrence", "relapse"})
        is_active = False if _HISTORY in verification else is_active
        texts = list(texts_of(condition.code))
        relative = self._terms.meanings("relative")
        if any(relative.has("family", text) for text in texts):
            return
        denied = self._terms.denied_conditions(texts)
        for term in denied:
            if term.category == "metastasis":
                self._absent.append((term.concept.removeprefix("met-"), held, start))
        coded = self._terms.conditions_at(condition.code, condition.body_site)
        told_once = {term.category for term in coded} & _TOLD_ONCE
        worded = (it for it in self._terms.worded_conditions(texts) if it.category not in told_once)
        for term in dict.fromkeys((*coded, *worded)):
            diagnosis = Diagnosis(
                concept=term.concept,
                category=term.category,
                start=start,
                is_onset=onset is not None,
                end=end,
                is_active=is_active,
                certainty=certainty,
                laterality=self._side(condition),
                evidence=(held.ref,),
            )
            self._diagnoses.append(diagnosis)
            if term.concept in _MENOPAUSAL and certainty == Certainty.CONFIRMED:
                self._stages.append(Statement(about="menopause", value=term.concept, date=start, evidence=(held.ref,)))
            if certainty == Certainty.REFUTED:
                if term.category == "metastasis":
                    self._absent.append((term.concept.removeprefix("met-"), held, start))
                continue
            self._add_metastasis(
                held,
                term.category,
                term.concept,
                start,
                "condition-onset" if onset is not None else "condition-recorded",
                certainty,
            )
        if certainty != Certainty.REFUTED:
            for stage in condition.stage:
                self._note_stage_of_diagnosis(held, stage.summary, start)
                if self._is_stage_four(stage.summary):
                    self._metastases.append(
                        Metastasis(
                            site="unspecified", date=start, basis="stage-iv", certainty=certainty, evidence=(held.ref,)
                        )
                    )

    def _side(self, condition: Condition) -> str | None:
        places = (it for site in condition.body_site for it in texts_of(site))
        sides = self._terms.meanings("side").of(" ".join((*texts_of(condition.code), *places)))
        return self._terms.side(*condition.body_site) or (sides[0] if sides else None)

    def _add_metastasis(
        self, held: Held, category: str, concept: str, start: PartialDate | None, basis: str, certainty: Certainty
    ) -> None:
        if category == "metastasis" and concept not in _NOT_DISTANT:
            site = concept.removeprefix("met-").replace("distant-metastasis-present", "unspecified")
            self._metastases.append(
                Metastasis(site=site, date=start, basis=basis, certainty=certainty, evidence=(held.ref,))
            )
        elif concept == "metastatic-breast-cancer":
            self._metastases.append(
                Metastasis(site="unspecified", date=start, basis=basis, certainty=certainty, evidence=(held.ref,))
            )

    def _is_stage_four(self, concept: CodeableConcept | None) -> bool:
        if concept is None:
            return False
        return self._terms.answer("stage-group", concept) == "IV" or any(
            self._terms.meanings("spread").first(text) or _STAGE_ALONE.match(text) for text in texts_of(concept)
        )

    def _read_observation(self, held: Held, observation: Observation) -> None:
        if observation.status in {"entered-in-error", "cancelled"}:
            return
        test = self._terms.test(observation.code)
        day = observed_on(observation)
        if test is None and self._is_csf_cytology(observation.code):
            said = (observation.value_string or "", *texts_of(observation.value_codeable_concept))
            self._read_cytology(held, " ".join(said), day)
        if test is None and _is_status_name(observation.code, self._terms):
            test = "disease-status"
        if test not in _TESTS_OF_DISEASE:
            return
        value = observation.value_codeable_concept or CodeableConcept(text=observation.value_string)
        self._note_stage(held, test, value, day)
        if test in {"disease-status", "treatment-response"}:
            trend = self._terms.trend(value)
            if self._terms.is_contradiction(value):
                because = "The code and the words of one disease status contradict each other, so it was not used."
                self._contradictions.append(Conflict(about="disease-status", because=because, evidence=(held.ref,)))
            elif trend == "distant-metastasis-present":
                self._metastases.append(
                    Metastasis(
                        site="unspecified",
                        date=day,
                        basis="disease-status",
                        certainty=Certainty.CONFIRMED,
                        evidence=(held.ref,),
                    )
                )
            elif trend is not None:
                self._statuses.append(
                    DiseaseStatus(trend=trend, focus=self._focus(observation), date=day, evidence=(held.ref,))
                )
        elif test in {"m-category-clinical", "m-category-pathologic"}:
            meaning = self._terms.answer("m-category", value) or " ".join(texts_of(value))
            if self._terms.meanings("spread").first(meaning):
                self._metastases.append(
                    Metastasis(
                        site="unspecified", date=day, basis="m1", certainty=Certainty.CONFIRMED, evidence=(held.ref,)
                    )
                )
        elif test in {"stage-clinical", "stage-pathologic", "stage-other"}:
            if self._is_stage_four(value):
                self._metastases.append(
                    Metastasis(
                        site="unspecified",
                        date=day,
                        basis="stage-iv",
                        certainty=Certainty.CONFIRMED,
                        evidence=(held.ref,),
                    )
                )
        elif test == "history-of-metastasis" and self._is_denied(observation):
            self._never_spread.append((day, held))
        elif (test == "history-of-metastasis" and observation.data_absent_reason is None) or test == "metastasis-site":
            site = self._terms.site(observation.value_codeable_concept, observation.code) or "unspecified"
            self._metastases.append(
                Metastasis(
                    site=site,
                    date=day,
                    basis="metastasis-observation",
                    certainty=Certainty.CONFIRMED,
                    evidence=(held.ref,),
                )
            )
        elif test == "tumor-size" and self._focus(observation) in _CNS_SITES:
            self._read_lesion(held, observation, day)

    def _note_stage_of_diagnosis(self, held: Held, concept: CodeableConcept | None, day: PartialDate | None) -> None:
        """The stage that a diagnosis names, by its code or in Roman numerals ("Stage IIIA")."""
        worded = (_STAGE_WRITTEN.search(text) for text in texts_of(concept))
        said = self._terms.answer("stage-group", concept) or next((it.group(1) for it in worded if it), None)
        if said is not None:
            self._stages_of_diagnoses.append(Statement(about="stage", value=said, date=day, evidence=(held.ref,)))

    def _note_stage(self, held: Held, test: str, value: CodeableConcept, day: PartialDate | None) -> None:
        about = _STAGES.get(test)
        if about is None:
            return
        said = self._terms.answer("stage-group" if about == "stage" else "m-category", value)
        if said is not None and not said.startswith("no value"):
            self._stages.append(Statement(about=about, value=said, date=day, evidence=(held.ref,)))

    def _is_denied(self, observation: Observation) -> bool:
        """Whether an observation says no: by false, or by a coded negative."""
        if observation.value_boolean is not None:
            return not observation.value_boolean
        return self._terms.answer("receptor-status", observation.value_codeable_concept) == "negative"

    def _denied_spread(self, metastases: tuple[Metastasis, ...]) -> Iterator[Conflict]:
        """A statement that nothing has spread, made when a metastasis was on record already."""
        sure = [it for it in metastases if it.certainty is Certainty.CONFIRMED]
        for day, held in self._never_spread:
            earlier = [it for it in sure if day is None or it.date is None or _day(it.date) <= _day(day)]
            if earlier:
                yield Conflict(
                    about="metastatic",
                    because="One record says that the cancer has not spread, another names a metastasis.",
                    evidence=tuple(sorted({held.ref, *(ref for it in earlier for ref in it.evidence)})),
                )

    def _second_cancers(self, metastases: tuple[Metastasis, ...]) -> Iterator[Doubt]:
        """Another cancer on record, of which a metastasis or a drug without a reason may be."""
        known = {it.concept for it in self._diagnoses if it.certainty is not Certainty.REFUTED}
        others = [it for it in self._diagnoses if it.category == "other-cancer" and it.certainty is Certainty.CONFIRMED]
        if others and metastases and "metastatic-breast-cancer" not in known:
            yield Doubt(
                code="second-cancer",
                about="metastatic",
                because="Another cancer is on record; whether a metastasis or a drug without a reason belongs to it "
                "is not told."
                if known & {"breast-cancer", "her2-positive"}
                else "Another cancer is on record and no diagnosis of breast cancer; metastases and drugs without a "
                "reason most likely belong to the other one.",
                evidence=tuple(sorted({ref for it in others for ref in it.evidence})),
            )

    def _read_lesion(self, held: Held, observation: Observation, day: PartialDate | None) -> None:
        quantity = observation.value_quantity
        size = number_of(quantity.value) if quantity is not None else None
        if size is not None and quantity is not None:
            in_mm = size * _MM_IN.get((quantity.code or quantity.unit or "").strip().casefold(), 1)
            self._lesions.append((in_mm, day, held))

    def _focus(self, observation: Observation) -> str:
        for reference in observation.focus:
            held = resolve(self._resources, reference.reference)
            if held is not None and isinstance(held.resource, Condition):
                for term in self._terms.conditions(held.resource.code):
                    if term.category == "metastasis":
                        return term.concept.removeprefix("met-")
            site = self._terms.site(CodeableConcept(text=reference.display)) if reference.display else None
            if site is not None:
                return site
        return self._terms.site(observation.body_site) or "overall"

    def _read_procedure(self, held: Held, procedure: Procedure) -> None:
        if procedure.status in {"entered-in-error", "not-done"}:
            return
        day = read_date(procedure.performed_date_time, start_of(procedure.performed_period))
        self._add_therapy(
            held,
            procedure.code,
            (*procedure.body_site, *procedure.reason_code),
            day,
            end=end_of(procedure.performed_period),
            is_planned=procedure.status == "preparation",
        )

    def _read_plan(self, held: Held, request: ServiceRequest) -> None:
        if request.status in {"active", "draft", "on-hold"}:
            day = read_date(request.occurrence_date_time, request.authored_on)
            self._add_therapy(held, request.code, (*request.body_site, *request.reason_code), day, is_planned=True)

    def _add_therapy(
        self,
        held: Held,
        code: CodeableConcept | None,
        places: tuple[CodeableConcept, ...],
        day: PartialDate | None,
        *,
        end: str | None = None,
        is_planned: bool,
    ) -> None:
        kind = self._terms.therapy(code)
        if kind is None:
            return
        until = read_date(end)
        last = until if until is not None and until != day else None
        for site in self._terms.sites(*places, code) or (_ALWAYS_OF.get(kind),):
            self._therapies.append(
                LocalTherapy(kind=kind, site=site, date=day, end=last, is_planned=is_planned, evidence=(held.ref,))
            )

    def _read_report(self, held: Held, report: DiagnosticReport) -> None:
        if report.status in {"entered-in-error", "cancelled"}:
            return
        day = reported_on(report)
        parts = self._terms.report_parts("\n".join(texts_of_report(report)))
        is_cytology = self._is_csf_cytology(report.code)
        is_brain = self._terms.is_report_on("brain", report.code) and not is_cytology
        if is_cytology:
            self._read_cytology(
                held, " ".join((parts.now, *(it for one in report.conclusion_code for it in texts_of(one)))), day
            )
        if is_brain and day is not None:
            self._mri.append(day)
        for term in self._terms.denied_conditions((parts.now,)):
            if term.category == "metastasis":
                place = term.concept.removeprefix("met-")
                self._absent.append(("brain" if is_brain and place == "unspecified" else place, held, day))
        if is_brain and self._terms.meanings("brain-clear").first(parts.now) is not None:
            self._absent.append(("brain", held, day))  # on a report on the head "no metastases" means its own
        told = self._terms.worded_conditions((parts.found,))
        for term in told:
            self._add_metastasis(held, term.category, term.concept, day, "text", Certainty.PROVISIONAL)
        if is_brain and not any(it.concept == "met-brain" for it in told) and self._names_brain_lesion(parts.found):
            self._add_metastasis(held, "metastasis", "met-brain", day, "text", Certainty.PROVISIONAL)
        is_tissue = self._terms.is_report_on("tissue", report.code)
        trends = (
            {} if is_tissue else {"brain": self._brain_trend(parts)} if is_brain else self._trends(parts.impression)
        )
        self._statuses += (
            DiseaseStatus(trend=trend, focus=focus, date=day, evidence=(held.ref,))
            for focus, trend in trends.items()
            if trend is not None
        )
        if is_brain:
            self._lesions += ((size, day, held) for size in self._lesion_sizes(parts.now))
        if is_brain and self._terms.is_urgent(parts.now):
            self._urgent.append((day, held))
        if is_brain and self._terms.meanings("brain-treated").first(parts.found) == "treated":
            self._called_treated.add(held.ref)

    def _trends(self, conclusion: str) -> dict[str, str | None]:
        """What a report says of the disease, by the one place that a sentence names, else of all of it."""
        told: dict[str, list[str]] = {}
        for clause in STATEMENT_END.split(conclusion):
            if self._terms.worded_trend((clause,)) is not None:
                places = self._terms.sites(CodeableConcept(text=clause))
                is_spread = len(places) == 1 and places[0] not in _LOCAL
                told.setdefault(places[0] if is_spread else "overall", []).append(clause)
        return {focus: self._terms.worded_trend(clauses) for focus, clauses in told.items()}

    def _brain_trend(self, parts: Parts) -> str | None:
        """What a report on the head says of the metastases; a new one is progression, whatever the treated ones do."""
        new, denial = self._terms.meanings("lesion-new"), self._terms.meanings("denial")
        pieces = (it for clause in self._on_brain_lesions(parts.now) for it in clause.split(COMMA))
        if any(new.first(it) is not None and denial.first(it) is None for it in pieces):
            return "progression"
        return self._terms.worded_trend((parts.impression,))

    def _names_brain_lesion(self, conclusion: str) -> bool:
        """Whether a report on the head speaks of metastases that it neither denies nor only looks for."""
        return any(True for _ in self._on_brain_lesions(conclusion))

    def _on_brain_lesions(self, conclusion: str) -> Iterator[str]:
        """The clauses of a report on the head that tell of metastases."""
        return filter(self._tells_lesion, STATEMENT_END.split(conclusion))

    def _tells_lesion(self, clause: str) -> bool:
        """Whether a clause tells of metastases. A denial counts beside them, not beyond a colon: "Without contrast: metastases"."""
        lesion, denial = self._terms.meanings("brain-lesion"), self._terms.meanings("denial")
        named = lesion.of(clause)
        if "asked" in named:
            return False
        if any(it.concept == "met-brain" for it in self._terms.worded_conditions((clause,))):
            return True  # whatever else is denied: "new brain metastasis, no haemorrhage"
        if not named:
            return False
        parts = clause.split(":")
        return any(
            lesion.first(part) is not None
            and denial.first(part) is None
            and not negations().deny_around(before, behind)
            for before, part, behind in zip(("", *parts), parts, (*parts[1:], ""), strict=False)
        )

    def _lesion_sizes(self, conclusion: str) -> Iterator[float]:
        """The diameters of metastases in mm that a report on the head tells, where it tells none of an earlier time."""
        for clause in self._on_brain_lesions(conclusion):
            if "earlier" not in self._terms.meanings("text-time").of(clause):
                for *told, unit in _SIZE.findall(clause):
                    yield max(float(it.replace(",", ".")) for it in told if it) * _MM_IN[unit.casefold()]

    def _is_csf_cytology(self, code: CodeableConcept | None) -> bool:
        return self._terms.meanings("csf-cytology").first(" ".join(texts_of(code))) is not None

    def _read_cytology(self, held: Held, said: str, day: PartialDate | None) -> None:
        """Tumour cells in the cerebrospinal fluid are leptomeningeal disease; their absence rules nothing out."""
        if self._terms.meanings("cytology-result").first(said) == "positive":
            self._metastases.append(
                Metastasis(site="meninges", date=day, basis="text", certainty=Certainty.CONFIRMED, evidence=(held.ref,))
            )

    def _cns_state(
        self,
        metastases: tuple[Metastasis, ...],
        statuses: tuple[DiseaseStatus, ...],
        therapies: tuple[LocalTherapy, ...],
    ) -> CnsState | None:
        found = [it for it in metastases if it.site in _CNS_SITES]
        absent = [it for it in self._absent if it[0] in {"brain", "meninges"}]
        meninges = [it for it in found if it.site == "meninges"]
        local = [it for it in therapies if it.site in _CNS_SITES and not it.is_planned]
        planned = [it for it in therapies if it.site in _CNS_SITES and it.is_planned]
        cns_statuses = [it for it in statuses if it.focus in _CNS_SITES]
        if not (found or absent or local or cns_statuses or planned or self._urgent or self._lesions):
            return None
        told: tuple[Metastasis | LocalTherapy | DiseaseStatus, ...] = (*found, *local, *planned, *cns_statuses)
        reports = {held.ref for _, held in self._urgent} | {held.ref for _, held, _ in absent}
        reports |= {held.ref for _, _, held in self._lesions}
        evidence = tuple(sorted({ref for it in told for ref in it.evidence} | reports))
        days = tuple(it for it in (*(one.date for one in told), *(one[2] for one in absent)) if it is not None)
        newest = max(cns_statuses, key=lambda it: (_day(it.date), it.trend == "progression"), default=None)
        treated_on = max((_day(it.last_day) for it in local), default=0)
        calmed_on = _day(newest.date) if newest is not None and newest.trend in _QUIET_TRENDS else 0
        is_urgent = any(_day(day) > treated_on and _day(day) >= calmed_on for day, _ in self._urgent)
        planned = [it for it in planned if it.date is None or _day(it.date) > treated_on]
        worsened = newest is not None and newest.trend == "progression" and _day(newest.date) >= treated_on
        has_status = any(it.trend != "no-evidence-of-disease" for it in cns_statuses)
        if meninges:
            state, because = "leptomeningeal", "Leptomeningeal disease is on record."
        elif absent and not (found or local or has_status or planned or self._urgent or self._lesions):
            state, because = "none", "The record says that there are no brain metastases."
        elif is_urgent or (planned and worsened) or (planned and not local):
            state, because = (
                "needs_local_therapy",
                "A report or a planned procedure says that the brain needs local therapy.",
            )
        elif worsened:
            state, because = (
                "active_not_urgent",
                "The newest statement on the brain says progression, after any local therapy on record.",
            )
        elif newest is not None and newest.trend in _QUIET_TRENDS:
            is_after = _day(newest.date) >= treated_on
            is_called_treated = not self._called_treated.isdisjoint(newest.evidence)
            state = "treated_stable" if local or is_called_treated else "untreated_stable"
            because = (
                "Brain metastases were treated locally and the newest statement says stable."
                if local and is_after
                else "The newest report calls them treated and stable."
                if is_called_treated
                else "Stated stable."
            )
        elif local:
            newer = [it for it in found if it.date is not None and it.date.first_day > treated_on]
            state = "active_not_urgent" if newer else "treated_stable"
            because = (
                "A brain metastasis was found after the last local therapy."
                if newer
                else "Treated locally, and no later progression is on record."
            )
        else:
            state, because = "unknown", "Brain metastases are on record; whether they are treated or active is not."
        measured_on = latest(tuple(day for _, day, _ in self._lesions if day is not None))
        sizes = [size for size, day, _ in self._lesions if day == measured_on]
        return CnsState(
            state=state,
            date=latest(days),
            is_treated=state == "treated_stable" or bool(local) if found or local else None,
            is_known_absent=state == "none",
            leptomeningeal="present" if meninges else "none" if any(it[0] == "meninges" for it in absent) else None,
            largest_lesion_mm=max(sizes, default=None),
            largest_lesion_on=measured_on,
            last_mri=latest(tuple(self._mri)),
            because=because,
            evidence=evidence,
        )


def _day(day: PartialDate | None) -> int:
    return day.last.toordinal() if day is not None else 0
