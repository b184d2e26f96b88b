"""Adverse effects: kind, CTCAE grade, the agent blamed, resolved or not. Source: contracts/README "Toxicities"."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.resources import (
    AdverseEvent,
    AllergyIntolerance,
    CodeableConcept,
    Condition,
    Drug,
    Extension,
    Held,
    Procedure,
    Resources,
)
from cdshooks.knowledge.ids import AgentId
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import end_of, onset_of, read_date, recorded_on
from cdshooks.record.drug_dates import OVER
from cdshooks.record.drug_names import DrugNames, Identified
from cdshooks.record.lungs import with_lung_findings
from cdshooks.record.model import Certainty, Conflict, Toxicity
from cdshooks.record.terms import RecordTerms, codes_of, texts_of
from cdshooks.record.toxicity_words import ToxicityWords


class ToxicityReading(msgspec.Struct, frozen=True, kw_only=True):
    """Adverse effects, and where records contradict each other on them."""

    toxicities: tuple[Toxicity, ...]
    conflicts: tuple[Conflict, ...]


def read_toxicities(
    resources: Resources,
    terms: RecordTerms,
    names: DrugNames,
    toxicity_words: ToxicityWords,
    reports: tuple[Held, ...] = (),
) -> ToxicityReading:
    """All adverse effects, from AdverseEvent, Condition, AllergyIntolerance and the reasons why drugs were stopped.

    ``reports``: observations that may say in words how the lungs are.
    """
    reader = _Reader(resources, terms, names, toxicity_words)
    found: list[Toxicity] = []
    for held in resources.each("AdverseEvent"):
        found.extend(reader.of_event(held, held.resource))  # type: ignore[arg-type]  # of() gives this type
    for held in resources.each("Condition"):
        found.extend(reader.of_condition(held, held.resource))  # type: ignore[arg-type]
    for held in resources.each("AllergyIntolerance"):
        found.extend(reader.of_allergy(held, held.resource))  # type: ignore[arg-type]
    on_lungs = (*reports, *resources.of("DiagnosticReport"))
    found, conflicts = with_lung_findings(found, on_lungs, terms, reader.on_image, resources.deadline)
    told = {(it.kind, it.agent) for it in found}
    for kind in ("MedicationRequest", "MedicationStatement", "MedicationAdministration"):
        for held in resources.deadline.each(reader.may_tell_why(resources.of(kind))):
            # An event with its own record, grade and outcome is not told a second time by the reason why the drug stopped.
            found.extend(it for it in reader.of_stopped_drug(held, held.resource) if (it.kind, it.agent) not in told)  # type: ignore[arg-type]
    toxicities = sorted(
        dict.fromkeys(found), key=lambda it: (it.start is not None, str(it.start), it.kind, it.evidence)
    )
    return ToxicityReading(toxicities=tuple(toxicities), conflicts=conflicts)


class _Reader:
    def __init__(self, resources: Resources, terms: RecordTerms, names: DrugNames, said: ToxicityWords) -> None:
        self._resources, self._terms, self._names, self._words = resources, terms, names, said

    def of_event(self, held: Held, event: AdverseEvent) -> list[Toxicity]:
        if event.actuality == "potential":
            return []
        texts = list(texts_of(event.event))
        blamed = [
            agent
            for it in event.suspect_entity
            if it.instance is not None
            for agent in self._blamed(held, it.instance.reference, it.instance.display)
        ]
        outcome = " ".join(
            (*texts_of(event.outcome), *(it.code or "" for it in (event.outcome.coding if event.outcome else ())))
        )
        told = self._terms.meanings("adverse-outcome").first(outcome)
        is_resolved = None if told is None else told == "resolved"
        grade = self._grade(event.extension, texts, (event.severity, event.seriousness))
        return self._make(
            held,
            event.event,
            texts,
            grade=grade,
            agents=blamed,
            start=read_date(event.date, event.detected, event.recorded_date),
            end=None,
            is_resolved=is_resolved,
            certainty=Certainty.CONFIRMED,
        )

    def of_condition(self, held: Held, condition: Condition) -> list[Toxicity]:
        verification = self._terms.verification(condition)
        if "entered-in-error" in verification:
            return []
        certainty = (
            Certainty.REFUTED
            if "refuted" in verification
            else Certainty.PROVISIONAL
            if verification & {"provisional", "differential", "unconfirmed"} or self._terms.is_suspected(condition.code)
            else Certainty.CONFIRMED
        )
        texts = [*texts_of(condition.code), *(note.text or "" for note in condition.note)]
        summaries = tuple(stage.summary for stage in condition.stage)
        blamed: list[AgentId] = []
        for extension in condition.extension:
            if (extension.url or "").endswith("condition-dueTo"):
                if extension.value_reference is not None:
                    blamed.extend(
                        self._blamed(held, extension.value_reference.reference, extension.value_reference.display)
                    )
                if extension.value_codeable_concept is not None:
                    blamed.extend(self._names.identify_concept(extension.value_codeable_concept).agents)
        clinical = codes_of(condition.clinical_status)
        end = read_date(condition.abatement_date_time, end_of(condition.abatement_period))
        is_resolved = (
            True
            if clinical & {"resolved", "inactive", "remission"} or end is not None or "history" in verification
            else False
            if clinical & {"active", "recurrence", "relapse"}
            else None
        )
        return self._make(
            held,
            condition.code,
            texts,
            grade=self._grade(condition.extension, texts, (condition.severity, *summaries)),
            agents=blamed,
            start=onset_of(condition) or recorded_on(condition),
            end=end,
            is_resolved=is_resolved,
            certainty=certainty,
        )

    def of_allergy(self, held: Held, allergy: AllergyIntolerance) -> list[Toxicity]:
        verification = codes_of(allergy.verification_status)
        if verification & {"entered-in-error", "refuted"} or allergy.code is None:
            return []
        agents = list(self._names.identify_concept(allergy.code).agents)
        start = read_date(allergy.onset_date_time, allergy.recorded_date)
        found: list[Toxicity] = []
        for reaction in allergy.reaction:
            for manifestation in reaction.manifestation:
                texts = [*texts_of(manifestation), reaction.description or ""]
                grade = self._grade((), texts, ()) or self._words.severity(reaction.severity or "")
                found.extend(
                    self._make(
                        held,
                        manifestation,
                        texts,
                        grade=grade,
                        agents=agents,
                        start=start,
                        end=None,
                        is_resolved=None,
                        certainty=Certainty.CONFIRMED,
                    )
                )
        if agents and not found:
            told = [self._words.severity(it.severity or "") for it in allergy.reaction]
            known = [it for it in told if it is not None]
            found.append(
                self._one(
                    held,
                    "hypersensitivity",
                    max(known, default=None) if len(known) == len(told) else None,
                    agents[0],
                    start,
                    None,
                    is_resolved=None,
                    is_symptomatic=None,
                    certainty=Certainty.CONFIRMED,
                )
            )
        return found

    def on_image(self, held: Held, clause: str, day: PartialDate | None, *, is_resolved: bool | None) -> list[Toxicity]:
        """What a clause of a report says of an adverse effect that no other record tells."""
        return self._make(
            held,
            None,
            [clause],
            grade=self._grade((), [clause], ()),
            agents=(),
            start=None if is_resolved else day,
            end=day if is_resolved else None,
            is_resolved=is_resolved,
            certainty=Certainty.PROVISIONAL,
        )

    def may_tell_why(self, held: Iterable[Held]) -> list[Held]:
        """The few records of a drug that may say why it was stopped."""
        told_stops = self._terms.told_stops
        return [
            it
            for it in held
            if (drug := it.resource).note  # type: ignore[attr-defined]  # those of drugs are asked
            or drug.status_reason  # type: ignore[attr-defined]
            or (drug.status in OVER and told_stops(drug.medication_codeable_concept))  # type: ignore[attr-defined]
        ]

    def of_stopped_drug(self, held: Held, drug: Drug) -> list[Toxicity]:
        reason = getattr(drug, "status_reason", None)
        is_over = drug.status in OVER
        told = self._terms.told_stops(drug.medication_codeable_concept) if is_over else ()
        concepts = reason if isinstance(reason, tuple) else (reason,) if reason is not None else ()
        texts = [text for concept in concepts for text in texts_of(concept)]
        if is_over:
            texts += [*(note.text or "" for note in drug.note), *told]
        if not any(texts) or drug.status in {"entered-in-error", "cancelled"}:
            return []
        agents = self._drug(drug).cancer_drugs
        if not agents:
            return []
        bounds = getattr(drug, "effective_period", None)
        end = read_date(end_of(bounds))
        return self._make(
            held,
            None,
            texts,
            grade=self._grade((), texts, ()),
            agents=agents,
            start=end,
            end=None,
            is_resolved=None,
            certainty=Certainty.CONFIRMED,
        )

    def _drug(self, drug: Drug) -> Identified:
        if drug.medication_codeable_concept is not None:
            return self._names.identify_concept(drug.medication_codeable_concept)
        reference = drug.medication_reference
        held = resolve(self._resources, reference.reference) if reference is not None else None
        code = getattr(held.resource, "code", None) if held is not None else None
        text = reference.display if reference is not None else None
        return self._names.identify_concept(code if code is not None else CodeableConcept(text=text))

    def _blamed(self, held: Held, reference: str | None, display: str | None) -> tuple[AgentId, ...]:
        target = resolve(self._resources, reference)
        if target is not None:
            if isinstance(target.resource, Drug):
                return self._drug(target.resource).agents
            code = getattr(target.resource, "code", None)
            if code is not None and not isinstance(target.resource, (Condition, Procedure)):
                return self._names.identify_concept(code).agents
        contained = getattr(held.resource, "contained", ())
        for part in contained:
            if reference == f"#{part.id}" and part.code is not None:
                return self._names.identify_concept(part.code).agents
        return self._names.identify_concept(CodeableConcept(text=display)).agents if display else ()

    def _grade(
        self, extensions: tuple[Extension, ...], texts: Iterable[str], concepts: tuple[CodeableConcept | None, ...]
    ) -> int | None:
        for extension in extensions:
            if (extension.url or "").endswith("ctcae-grade"):
                if extension.value_integer is not None:
                    return extension.value_integer
                concept = extension.value_codeable_concept
                parts = [
                    extension.value_code or "",
                    extension.value_string or "",
                    (extension.value_coding.code or "") if extension.value_coding else "",
                ]
                parts += [*texts_of(concept), *(it.code or "" for it in (concept.coding if concept else ()))]
                for part in parts:
                    digit = re.search(r"(?<!\d)([1-5])(?!\d)", part)
                    if digit:
                        return int(digit.group(1))
        for text in (*texts, *(text for concept in concepts for text in texts_of(concept))):
            written = self._words.grade(text)
            if written is not None:
                return written
        for concept in concepts:
            severity = self._terms.answer("severity", concept)
            if severity is not None:
                return int(severity)
            codes = (coding.code for coding in (concept.coding if concept is not None else ()))
            graded = (self._words.severity(word or "") for word in (*codes, *texts_of(concept)))
            told = next((it for it in graded if it is not None), None)
            if told is not None:
                return told
        return None

    def _make(
        self,
        held: Held,
        concept: CodeableConcept | None,
        texts: list[str],
        *,
        grade: int | None,
        agents: Iterable[AgentId],
        start: PartialDate | None,
        end: PartialDate | None,
        is_resolved: bool | None,
        certainty: Certainty,
    ) -> list[Toxicity]:
        told = self._words.told(concept, texts)
        blamed = tuple(dict.fromkeys((*agents, *told.agents))) or (None,)
        felt = told.felt
        symptomatic = False if felt == "asymptomatic" else True if felt is not None or (grade or 0) > 1 else None
        return [
            self._one(
                held,
                kind,
                grade,
                agent,
                start,
                end,
                is_resolved=is_resolved,
                is_symptomatic=symptomatic,
                certainty=certainty,
            )
            for kind in told.kinds
            for agent in blamed
        ]

    def _one(
        self,
        held: Held,
        kind: str,
        grade: int | None,
        agent: AgentId | None,
        start: PartialDate | None,
        end: PartialDate | None,
        *,
        is_resolved: bool | None,
        is_symptomatic: bool | None,
        certainty: Certainty,
    ) -> Toxicity:
        return Toxicity(
            kind=kind,
            grade=grade,
            agent=agent,
            start=start,
            end=end,
            is_resolved=is_resolved,
            is_symptomatic=is_symptomatic,
            certainty=certainty,
            evidence=(held.ref,),
        )
