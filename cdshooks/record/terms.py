"""What a coded or worded concept of a record means in our own terms."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import CodeableConcept, Coding, Condition
from cdshooks.knowledge.clauses import STATEMENT_END
from cdshooks.knowledge.codes import CodeKnowledge, ConditionTerm, diagnosis_code, system_of
from cdshooks.knowledge.drugs import known_system
from cdshooks.knowledge.meanings import NOTHING
from cdshooks.record.dates import DatesInWords
from cdshooks.record.model import GivenFor, StopReason
from cdshooks.record.numbers import Ranges
from cdshooks.record.remembered_meanings import RememberedMeanings
from cdshooks.record.report_parts import ReportParts
from cdshooks.record.running_text import RunningText

_STOP_CODES = {
    "no response: suggests progression": "progression",
    "not tolerated: toxicity": "toxicity",
    "patient refused": "patient_choice",
    "regular end": "completed",
    "trial completed": "completed",
}
"""Meanings of the answer table ``treatment-termination-reason`` -> stop reason; every other meaning is "other"."""
_BREAST_CONCEPTS = frozenset({"breast-cancer", "metastatic-breast-cancer"})
_METASTASIS = "metastasis"
_BREAST, _UNTOLD_SITE = "breast", "cancer-of-untold-site"
_OTHER_CANCER = "other-cancer"
_AT_BREAST, _ELSEWHERE = (
    ConditionTerm("disease", "breast-cancer"),
    ConditionTerm(_OTHER_CANCER, "cancer-of-another-site"),
)
_ICD_10, _CERTAINTY = "icd-10", "diagnosis-certainty"
_CERTAINTY_MARK = "http://fhir.de/StructureDefinition/icd-10-gm-diagnosesicherheit"
_CERTAINTY_SYSTEM = "kbv_cs_sfhir_icd_diagnosesicherheit"
_FEW_WORDS = r"(?:\w+[\s-]+){0,3}?"
_NO_MEANINGS = RememberedMeanings(NOTHING)
_THERAPIES = ("wbrt", "srs", "resection", "breast-conserving-surgery", "mastectomy", "radiotherapy", "surgery")
"""Kinds of local therapy, the most telling first: of several that words name, that one counts."""

_OF_RELATIVE = frozenset({"family", "person"})
_CANCERS = frozenset({_METASTASIS, "disease", "other-cancer"})


class RecordTerms:
    """Concepts, read by code first and by words second; what one was read as is remembered.

    ``test``: which test an observation is. ``conditions``: everything that a diagnosis says, each coding for itself, and its
    words where no coding is known. ``given_for``: what the reasons of a drug say that it is for, breast cancer wherever one of
    them says so; None when they say nothing to us. ``stop_reason``: why a drug was stopped; progression outranks the other
    words of one reason, toxicity the rest. ``told_stops``: what the words of a drug say behind "stopped" ("T-DXd, stopped for ILD
    grade 2"). ``route``: how a drug is given. ``interaction_classes``: those of every drug that a
    text names; ``interacting_name``: the first of these drugs, as our table writes it; ``interacting_code``: the one that codes
    name. ``gene_in_words``: the marker whose
    gene a text names. ``therapy``: the kind of local therapy that a procedure is, by its codes first and its words second.
    ``is_urgent``: whether a report calls for local therapy soon. ``dates_in_words``: the dates that instructions hold.
    ``names_no_cancer``: whether the words of a drug say that it is given for something else than cancer. ``is_contradiction``:
    whether code and words of one disease status say progression and something else.
    ``report_parts``: the parts of an imaging report.
    ``running_text``: what in the text of a report is so now. ``ranges``: two numbers that are the ends of a range.
    """

    def __init__(self, codes: CodeKnowledge) -> None:
        self._codes = codes
        self.test = remembered(self._test)
        self.conditions = remembered(self._conditions)
        self.given_for = remembered(self._given_for)
        self.stop_reason = remembered(self._stop_reason)
        self.told_stops = remembered(self._told_stops)
        self.names_no_cancer = remembered(self._names_no_cancer)
        self.is_contradiction = remembered(self._is_contradiction)
        self.route = remembered(self._route)
        self.interaction_classes = remembered(self._interaction_classes)
        self.interacting_name = remembered(self._interacting_name)
        self.interacting_code = remembered(self._interacting_code)
        self.gene_in_words = remembered(self._gene_in_words)
        self._gene_by_symbol = remembered(self._gene_of_symbol)
        self.therapy = remembered(self._therapy)
        self.is_urgent = remembered(self._is_urgent)
        self._meanings = {reader: RememberedMeanings(known) for reader, known in codes.meanings.items()}
        self.dates_in_words = DatesInWords(
            self.meanings("date-in-words"),
            self.meanings("dose-unit"),
            self.meanings("weekday"),
            codes.limits["earliest-year-in-words"],
        )
        finding = self.meanings("gene-finding").pattern("finding")
        self._no_variant = re.compile(
            rf"{self.meanings('gene-denial').pattern('no')}[\s-]+{_FEW_WORDS}{finding}(?:[\s-]+{_FEW_WORDS}{finding})*",
            re.IGNORECASE,
        )
        self.ranges = Ranges(self.meanings("number-range").pattern("to"))
        self.report_parts = ReportParts(*map(self.meanings, ("text-time", "text-heading", "report-asked"))).of
        self.running_text = RunningText(*map(self.meanings, ("text-time", "text-open", "text-heading")))
        self._sites_of = remembered(self._sites)
        self._progesterone = self.meanings("receptor-name").whole("pr")
        behind = f"{self.meanings('receptor-polarity').either()}|{self.meanings('receptor-other-sense').pattern('other')}(?!\\w)"
        self._no_response = re.compile(rf"{self._progesterone.pattern}[\s:()]*(?:{behind}|\d+\s*ms\b)", re.IGNORECASE)
        self._trends = remembered(codes.status_words.find)
        self._report_words = remembered(codes.report_words.find)
        self._asserted = remembered(self._asserted_in)
        self._denied = remembered(self._denied_in)
        self._marked = remembered(self._marks_of)

    def meanings(self, reader: str) -> RememberedMeanings:
        """What words mean to one reader."""
        return self._meanings.get(reader, _NO_MEANINGS)

    def limit(self, name: str) -> float:
        """A limit that the reading keeps to."""
        return self._codes.limits[name]

    def toxicity_kind(self, concept: str) -> str | None:
        """The kind of toxicity that a diagnosis is, as facts ask for it."""
        return self._codes.toxicity_kinds.get(concept)

    def answer(self, value_set: str, concept: CodeableConcept | None) -> str | None:
        """The meaning of a coded answer in one value set."""
        for coding in concept.coding if concept is not None else ():
            found = self._codes.answers.get((value_set, system_of(coding.system), coding.code or ""))
            if found is not None:
                return found
        return None

    def _test(self, concept: CodeableConcept | None) -> str | None:
        for coding in concept.coding if concept is not None else ():
            found = self._codes.tests.get((system_of(coding.system), coding.code or ""))
            if found is not None:
                return found
        return None

    def _conditions(self, concept: CodeableConcept | None) -> tuple[ConditionTerm, ...]:
        if concept is None:
            return ()
        coded = tuple(dict.fromkeys(it for it in map(self._condition, concept.coding) if it is not None))
        return coded or self.worded_conditions(texts_of(concept))

    def worded_conditions(self, texts: Iterable[str]) -> tuple[ConditionTerm, ...]:
        """The diagnoses that texts assert."""
        return tuple(dict.fromkeys(term for text in texts for term in self._asserted(text)))

    def denied_conditions(self, texts: Iterable[str]) -> tuple[ConditionTerm, ...]:
        """The diagnoses that texts name and negate."""
        return tuple(dict.fromkeys(term for text in texts for term in self._denied(text)))

    def receptors(self, concept: CodeableConcept | None) -> dict[str, str]:
        """The receptor status that diagnosis codes carry, by marker; the first code that says something of a marker counts."""
        found: dict[str, str] = {}
        for coding in concept.coding if concept is not None else ():
            for marker, status in self._codes.receptors.get(
                (system_of(coding.system) or "icd-10", (coding.code or "").strip()), ()
            ):
                found.setdefault(marker, status)
        return found

    def is_suspected(self, concept: CodeableConcept | None) -> bool:
        """Whether the words of a diagnosis call it suspected, possible or still to be ruled out."""
        return any(self.meanings("suspicion").first(text) is not None for text in texts_of(concept))

    def verification(self, condition: Condition) -> frozenset[str]:
        """How sure a diagnosis is: by its status, and by what the German edition of ICD-10 adds to its code.

        ``refuted`` and ``provisional`` are as FHIR's; ``history`` is a state after the illness.
        """
        told = {it for it in codes_of(condition.verification_status) if it is not None}
        return frozenset(told | self._marked(condition.code)) if condition.code is not None else frozenset(told)

    def _marks_of(self, concept: CodeableConcept) -> frozenset[str]:
        marks: set[str] = set()
        for coding in concept.coding:
            letters = [it.value_coding.code for it in coding.extension if it.url == _CERTAINTY_MARK and it.value_coding]
            if coding.code and (system_of(coding.system) or _ICD_10) == _ICD_10:
                letters.append(diagnosis_code(coding.code)[1])
            marks.update(self._codes.answers.get((_CERTAINTY, _CERTAINTY_SYSTEM, it), "") for it in letters if it)
        return frozenset(marks - {""})

    def is_report_on(self, what: str, concept: CodeableConcept | None) -> bool:
        """Whether a report is one on ``tissue`` or on the ``brain``, by its code or its name."""
        if self.test(concept) == f"report-on-{what}":
            return True
        return any(what in self._report_words(text) for text in texts_of(concept))

    def _stop_reason(self, concept: CodeableConcept) -> str | None:
        coded = self.answer("treatment-termination-reason", concept)
        if coded is not None:
            return _STOP_CODES.get(coded, "other")
        texts = tuple(texts_of(concept))
        found = {reason for text in texts for reason in self._codes.stop_words.find(text)}
        if any(term.category == "toxicity" for term in self.worded_conditions(texts)):
            found.add("toxicity")
        return next((it.value for it in StopReason if it in found), None)

    def _told_stops(self, drug: CodeableConcept | None) -> tuple[str, ...]:
        return tuple(it for text in texts_of(drug) if (it := self.meanings("drug-stopped").after("stopped", text)))

    def intent(self, concept: CodeableConcept) -> str | None:
        """What a treatment is meant for."""
        coded = self.answer("treatment-intent", concept)
        if coded is not None:
            return coded.split(" ")[0]
        return next((text.casefold() for text in texts_of(concept)), None)

    def _given_for(self, reasons: tuple[CodeableConcept | GivenFor, ...]) -> GivenFor | None:
        found = {it if isinstance(it, GivenFor) else self._disease_of(it) for it in reasons}
        return next((it for it in GivenFor if it in found), None)

    def conditions_at(
        self, concept: CodeableConcept | None, places: tuple[CodeableConcept, ...]
    ) -> tuple[ConditionTerm, ...]:
        """The same, where a code for cancer of any organ is told apart by the place beside it. Source: terminology 2.5."""
        terms = self.conditions(concept)
        if not places or all(it.concept != _UNTOLD_SITE for it in terms):
            return terms
        told = _AT_BREAST if self.site(*places) == _BREAST else _ELSEWHERE
        return tuple(dict.fromkeys(told if it.concept == _UNTOLD_SITE else it for it in terms))

    def reason_in(self, condition: Condition) -> CodeableConcept | GivenFor | None:
        """A diagnosis as the reason of a drug: its concept, or the disease where only its place tells which one it is."""
        terms = self.conditions_at(condition.code, condition.body_site)
        if _AT_BREAST in terms:
            return GivenFor.BREAST_CANCER
        return GivenFor.OTHER_CANCER if _ELSEWHERE in terms else condition.code

    def _disease_of(self, reason: CodeableConcept) -> GivenFor | None:
        terms = self.conditions(reason)
        if any(term.concept in _BREAST_CONCEPTS or term.category in {"metastasis", "receptor"} for term in terms):
            return GivenFor.BREAST_CANCER
        for coding in reason.coding:
            found = _icd_disease(system_of(coding.system), (coding.code or "").upper())
            if found is not None:
                return found
        if any(term.category == _OTHER_CANCER for term in terms):
            return GivenFor.OTHER_CANCER
        if any(term.concept in self._codes.non_cancer_uses for term in terms):
            return GivenFor.NOT_CANCER
        return None

    def is_for_no_cancer(self, texts: Iterable[str]) -> bool:
        """Whether an instruction or a note says that a drug is given for something else than cancer ("for appetite")."""
        return any(term.concept in self._codes.non_cancer_uses for text in texts for term in self._asserted(text))

    def _names_no_cancer(self, drug: CodeableConcept) -> bool:
        return self.is_for_no_cancer(texts_of(drug))

    def _therapy(self, concept: CodeableConcept | None) -> str | None:
        for coding in concept.coding if concept is not None else ():
            found = self._codes.therapies.get((system_of(coding.system), coding.code or ""))
            if found is not None:
                return found
        named = {kind for text in texts_of(concept) for kind in self._codes.therapy_words.find(text)}
        return next((it for it in _THERAPIES if it in named), None)

    def _is_urgent(self, text: str) -> bool:
        return bool(self._codes.urgency_words.find(text))

    def without_genes(self, text: str) -> str:
        """A result without the names of genes: "no DPYD variant" is "no variant"."""
        named = self.meanings("gene-name")
        for marker in named.of(text):
            text = named.whole(marker).sub(" ", text)
        return text

    def without_denied_variants(self, text: str) -> str:
        """A result without what it denies: of "no pathogenic variant detected" nothing is left."""
        return self._no_variant.sub(" ", text)

    def gene(self, texts: Iterable[str], codings: Iterable[Coding]) -> str | None:
        """The marker whose gene a result is about, by its HGNC number or its symbol."""
        for coding in codings:
            found = self._codes.genes.get((coding.code or "").upper().removeprefix("HGNC:"))
            if found is not None:
                return found
        return next((found for text in texts if (found := self._gene_by_symbol(text)) is not None), None)

    def _gene_of_symbol(self, text: str) -> str | None:
        words = text.upper().replace("-", " ").split()
        return next(
            (found for word in words if (found := self._codes.genes.get(word.strip("():,;."))) is not None), None
        )

    def _gene_in_words(self, text: str) -> str | None:
        return self.meanings("gene-name").first(text)

    def is_drug_therapy(self, coding: Coding) -> bool:
        """Whether a procedure code stands for systemic drug therapy."""
        term = self._codes.condition(system_of(coding.system), coding.code or "")
        return term is not None and term.concept in {"systemic-therapy-procedure", "chemotherapy-administration-cpt"}

    def _route(self, concept: CodeableConcept) -> str | None:
        return next((route for text in texts_of(concept) for route in self._codes.route_words.find(text)), None)

    def _interaction_classes(self, text: str) -> tuple[str, ...]:
        named = self._codes.interaction_words.find(text)
        return tuple(sorted({it for name in named for it in self._codes.interactions.get(name, ())}))

    def _interacting_code(self, concepts: tuple[CodeableConcept, ...]) -> str | None:
        codings = (coding for concept in concepts for coding in concept.coding)
        keys = ((known_system(it.system) or "", (it.code or "").strip()) for it in codings)
        return next((found for key in keys if (found := self._codes.interaction_codes.get(key)) is not None), None)

    def is_unverified_code(self, concepts: Iterable[CodeableConcept]) -> bool:
        """Whether nobody has read in a source what the first code of an interacting drug stands for."""
        codings = (coding for concept in concepts for coding in concept.coding)
        keys = ((known_system(it.system) or "", (it.code or "").strip()) for it in codings)
        first = next((key for key in keys if key in self._codes.interaction_codes), None)
        return first in self._codes.unverified_interaction_codes

    def unverified_classes(self, name: str) -> tuple[str, ...]:
        """The interaction classes of a drug that nobody has read in a source."""
        return self._codes.unverified_interactions.get(name, ())

    def _interacting_name(self, text: str) -> str | None:
        return next(iter(self._codes.interaction_words.find(text)), None)

    def site(self, *concepts: CodeableConcept | None) -> str | None:
        """The place in the body that concepts name."""
        return next(iter(self._sites_of(concepts)), None)

    def sites(self, *concepts: CodeableConcept | None) -> tuple[str, ...]:
        """All places that the first concept names that names any."""
        return self._sites_of(concepts)

    def _sites(self, concepts: tuple[CodeableConcept | None, ...]) -> tuple[str, ...]:
        for concept in concepts:
            spread = (it.concept for it in self.conditions(concept) if it.category == _METASTASIS)
            codings = concept.coding if concept is not None else ()
            coded = (self._codes.site_codes.get((system_of(it.system), it.code or "")) for it in codings)
            worded = (place for text in texts_of(concept) for place in self._codes.site_words.find(text))
            found = (
                *(it.removeprefix("met-") for it in spread if it.startswith("met-")),
                *(it[0] for it in coded if it is not None),
                *worded,
            )
            if found:
                return tuple(dict.fromkeys(found))
        return ()

    def side(self, *concepts: CodeableConcept | None) -> str | None:
        """The side of the body that the codes of places tell."""
        codings = (coding for concept in concepts if concept is not None for coding in concept.coding)
        known = (self._codes.site_codes.get((system_of(it.system), it.code or "")) for it in codings)
        return next((it[1] for it in known if it is not None and it[1] is not None), None)

    def trend(self, concept: CodeableConcept | None) -> str | None:
        """What a disease status says."""
        coded = self.answer("disease-status", concept)
        if coded is not None:
            return coded.split(" (")[0].replace(" ", "-").replace("no-evidence-of-disease", "no-evidence-of-disease")
        return self.worded_trend(texts_of(concept))

    def _is_contradiction(self, concept: CodeableConcept) -> bool:
        told = {self.worded_trend((text,)) for text in texts_of(concept)}
        told |= {self.trend(CodeableConcept(coding=concept.coding))} if concept.coding else set()
        return "progression" in told and len(told - {None}) > 1

    def is_of_relative(self, text: str) -> bool:
        """Whether a text tells of the patient's family ("mother HER2-positive"), not of the patient."""
        return self.meanings("relative").first(text) in _OF_RELATIVE

    def of_patient(self, text: str) -> str:
        """The statements of a text that do not tell of the patient's family."""
        if not self.is_of_relative(text):
            return text
        return "; ".join(it for it in STATEMENT_END.split(text) if it.strip() and not self.is_of_relative(it))

    def worded_trend(self, texts: Iterable[str]) -> str | None:
        """What texts say of the disease; None when they say several things. Among receptors "PR" is one and no response."""
        found = {trend for text in texts for trend in self._trends(self._without_receptors(text))}
        return found.pop() if len(found) == 1 else ("progression" if "progression" in found else None)

    def _without_receptors(self, text: str) -> str:
        """The text without PR where it is no partial response: beside another receptor, before a status, "PR interval"."""
        named = self.meanings("receptor-name")
        if {"her2", "er"}.intersection(named.of(text)):
            return self._progesterone.sub(" ", text)
        return self._no_response.sub(" ", text)

    def wishes(self, text: str) -> tuple[str, ...]:
        """The wishes that a text expresses."""
        return tuple(dict.fromkeys(wish for wish, _ in self._codes.wish_words.find_all(text)))

    def _asserted_in(self, text: str) -> tuple[ConditionTerm, ...]:
        """A cancer in a statement on a relative is theirs; a harm stays the patient's, for a daughter may have told it."""
        stated = self._stated_in(text)
        own = self.of_patient(text) if stated else text
        if own == text:
            return stated
        kept = set(self._stated_in(own))
        return tuple(it for it in stated if it in kept or it.category not in _CANCERS)

    def _stated_in(self, text: str) -> tuple[ConditionTerm, ...]:
        spread = self._codes.spread.find(text)
        found = self._named_in(text, spread)
        if not any(is_denied for _, is_denied in spread):
            return found
        # "No lung, liver or bone metastases": the negation reaches the whole list, and its own clause only.
        kept: set[ConditionTerm] = set()
        for clause in STATEMENT_END.split(text):
            spread = self._codes.spread.find(clause)
            denied = {_metastasis(place) for place, is_denied in spread if is_denied}
            kept.update(it for it in self._named_in(clause, spread) if it not in denied)
        return tuple(it for it in found if it in kept or it.category != _METASTASIS)

    def _named_in(self, text: str, spread: tuple[tuple[str, bool], ...]) -> tuple[ConditionTerm, ...]:
        named = (ConditionTerm(*it.split(":", 1)) for it in self._codes.condition_words.find(text))
        listed = (_metastasis(place) for place, is_denied in spread if not is_denied)
        return tuple(dict.fromkeys((*named, *listed)))

    def _denied_in(self, text: str) -> tuple[ConditionTerm, ...]:
        named = self._codes.condition_words.find_all(text)
        listed = (_metastasis(place) for place, is_negated in self._codes.spread.find(text) if is_negated)
        return tuple(
            dict.fromkeys((*(ConditionTerm(*it.split(":", 1)) for it, is_negated in named if is_negated), *listed))
        )

    def _condition(self, coding: Coding) -> ConditionTerm | None:
        if not coding.code:
            return None
        return self._codes.condition(system_of(coding.system) or "icd-10", coding.code.strip())


def _metastasis(place: str) -> ConditionTerm:
    return ConditionTerm(_METASTASIS, f"met-{place}")


def codes_of(concept: CodeableConcept | None) -> set[str | None]:
    """The codes of a concept, of whatever system."""
    return {it.code for it in concept.coding} if concept is not None else set()


def texts_of(concept: CodeableConcept | None) -> Iterator[str]:
    """The words of a concept: its text, then the words shown for its codes."""
    if concept is None:
        return
    if concept.text:
        yield concept.text
    for coding in concept.coding:
        if coding.display:
            yield coding.display


def _icd_disease(system: str, code: str) -> GivenFor | None:
    if system != "icd-10" or not code:
        return None
    if code.startswith("C"):
        return None if code.startswith(("C76", "C77", "C78", "C79", "C80")) else GivenFor.OTHER_CANCER
    return None if code.startswith(("Z", "D")) else GivenFor.NOT_CANCER
