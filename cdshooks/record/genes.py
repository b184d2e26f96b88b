"""Genomic and immune markers: PIK3CA, ESR1, BRCA1/2, PD-L1, TMB, MSI, NTRK, DPYD, ERBB2 mutation, serum HER2."""

from __future__ import annotations

import re
from collections.abc import Sequence

from cdshooks.ehr.resources import CodeableConcept, Coding, Component, Observation, Quantity, Resources
from cdshooks.knowledge.measures import MarkerLimit, MeasureKnowledge, Scale
from cdshooks.record.dates import read_date, start_of
from cdshooks.record.gene_reports import read_gene_reports
from cdshooks.record.model import Biomarker
from cdshooks.record.numbers import number_in, number_of, numbers_in
from cdshooks.record.terms import RecordTerms, texts_of

_MARKERS = {
    "brca1-2": "brca",
    "brca1": "brca1",
    "brca2": "brca2",
    "erbb2-mutation": "erbb2-mutation",
    "her2-serum": "her2-serum",
    "pik3ca": "pik3ca",
    "dpyd": "dpyd",
    "tmb": "tmb",
    "msi": "msi",
    "pd-l1": "pd-l1",
}
_ANY_GENE = frozenset({"gene-variant", "gene-studied"})
_TOLD_AS_NUMBER = frozenset({"tmb", "pd-l1"})
_BOUND = re.compile(r"[<>\u2264\u2265]")
_PROTEIN_CHANGE = re.compile(r"\bp\.[A-Z]")
"""A change as HGVS writes it."""
_NEAR = 15
"""Characters behind "activity score" in which its number stands."""
_WORST_FIRST = ("poor", "intermediate", "normal")


def can_name_gene(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    """Whether an observation or component of this code can tell of a marker; for an unknown code, its words do."""
    test = terms.test(code)
    if test is None:
        return bool(terms.meanings("gene-name").of(" ".join(texts_of(code))))
    return test in _MARKERS or test in _ANY_GENE


def read_biomarkers(resources: Resources, terms: RecordTerms, measures: MeasureKnowledge) -> tuple[Biomarker, ...]:
    """All markers, sorted by date."""
    found: list[Biomarker] = []
    origins = terms.meanings("gene-origin")
    for held in resources.each("Observation"):
        observation = held.resource
        if not isinstance(observation, Observation) or observation.status in {"entered-in-error", "cancelled"}:
            continue
        test = terms.test(observation.code)
        marker = _MARKERS.get(test or "")
        if test in _ANY_GENE or marker is None:
            marker = _gene(observation, terms) if test is None or test in _ANY_GENE else marker
        if marker is None:
            continue
        inside = [it.value_codeable_concept for it in observation.component]
        text = " ".join((_text(observation), *(it for concept in inside for it in texts_of(concept))))
        bare = terms.without_genes(text)
        text = text if bare == text else f"{text} ; {bare}"
        coded = terms.answer("variant", observation.value_codeable_concept) or terms.answer(
            "msi", observation.value_codeable_concept
        )
        if marker == "erbb2-mutation" and terms.meanings("gene-doubt").has("amplified", text):
            marker = "erbb2-amplification"  # of sequencing; the HER2 status rests on IHC and ISH
        if coded == "present":
            coded = next((it for it in (terms.answer("variant-class", one) for one in inside) if it), coded)
        limits = [it for it in measures.marker_limits if it.marker == marker]
        quantity, number, unit = _measured(observation, with_parts=bool(limits))
        is_in_words = number is None and marker in _TOLD_AS_NUMBER
        bare = terms.without_genes(observation.value_string or "") if is_in_words else ""
        if len(numbers_in(bare)) == 1:
            number, unit = number_in(bare), terms.ranges.unit_after(bare)
        limit = (
            None
            if number is None or (quantity is not None and quantity.comparator) or _is_bounded(observation.value_string)
            else next((it.value for it in limits if it.holds(number, unit)), None)
        )
        value = (
            _dpyd(coded, text, limit, terms, measures)
            if marker == "dpyd"
            else _value(marker, coded, text, terms) or limit
        )
        if value is None and number is None:
            continue
        origin = next((it for it in (terms.answer("variant-origin", one) for one in inside) if it), "")
        words = " ".join((origin, text, *texts_of(observation.code), *texts_of(observation.method)))
        found.append(
            Biomarker(
                marker=marker,
                value=value or "measured",
                number=number,
                unit=_unit(quantity, limits),
                is_germline=None if (told := origins.first(words)) is None else told == "germline",
                date=read_date(
                    observation.effective_date_time, start_of(observation.effective_period), observation.issued
                ),
                evidence=(held.ref,),
            )
        )
    found += read_gene_reports(resources, terms)
    return tuple(
        sorted(dict.fromkeys(found), key=lambda it: (it.date is not None, str(it.date), it.marker, it.evidence))
    )


def _is_bounded(text: str | None) -> bool:
    """Whether a text gives a bound and no value."""
    return text is not None and _BOUND.search(text) is not None


def _gene(observation: Observation, terms: RecordTerms) -> str | None:
    concepts = [it.value_codeable_concept for it in observation.component if it.value_codeable_concept is not None]
    texts = list(texts_of(observation.code))
    for component in observation.component:
        texts.extend(_component_texts(component))
    listed = terms.gene(texts, (coding for concept in concepts for coding in concept.coding if _is_gene(coding)))
    if listed is not None:
        return listed
    return terms.gene_in_words(" ".join(texts))


def _is_gene(coding: Coding) -> bool:
    """Whether a coding is of a list of genes: a bare number of another system is no gene."""
    return "genenames" in (coding.system or "") or (coding.code or "").upper().startswith("HGNC:")


def _component_texts(component: Component) -> list[str]:
    concept = component.value_codeable_concept
    codes = [it.code or "" for it in (concept.coding if concept is not None else ())]
    return [*texts_of(concept), *codes, component.value_string or ""]


def _text(observation: Observation) -> str:
    parts = [observation.value_string or "", *texts_of(observation.value_codeable_concept)]
    for concept in (
        observation.interpretation if isinstance(observation.interpretation, tuple) else (observation.interpretation,)
    ):
        parts.extend(texts_of(concept))
    return " ".join(parts)


def _unit(quantity: Quantity | None, limits: Sequence[MarkerLimit]) -> str | None:
    """The unit as written; where only its code is, the measure's own word for it."""
    if quantity is None or quantity.unit or not quantity.code:
        return quantity.unit if quantity is not None else None
    return next((it.measure.unit for it in limits if it.measure.scale(quantity.code) == Scale(1)), quantity.code)


def _measured(observation: Observation, *, with_parts: bool) -> tuple[Quantity | None, float | None, str]:
    """The number of a marker with its unit, its own or that of a component."""
    parts: tuple[Observation | Component, ...] = (observation, *(observation.component if with_parts else ()))
    for part in parts:
        quantity = part.value_quantity
        number = number_of(quantity.value) if quantity is not None else None
        if quantity is not None and number is not None:
            return quantity, number, quantity.code or quantity.unit or ""
    return None, None, ""


def _dpyd(
    coded: str | None, text: str, limit: str | None, terms: RecordTerms, measures: MeasureKnowledge
) -> str | None:
    """The phenotype by activity score, by words and by code; of several the one with the least activity."""
    rest = terms.meanings("dpyd-score").after("score", text)
    score = number_in(rest[:_NEAR]) if rest and not terms.ranges.is_range(rest[:_NEAR]) else None
    worded = terms.meanings("dpyd").first(text)
    told = {limit, worded}
    if score is not None:
        told |= {it.value for it in measures.marker_limits if it.marker == "dpyd" and it.holds(score, "")}
    known = next((it for it in _WORST_FIRST if it in told), None)
    if known == "normal" and (worded == "unclassified" or coded == "present"):
        return "unclassified"
    if known is not None:
        return known
    return "normal" if coded == "absent" and worded is None else "unclassified" if coded == "present" or text else None


def _value(marker: str, coded: str | None, text: str, terms: RecordTerms) -> str | None:
    if marker in {"msi", "tmb"}:
        told = {"MSI-high": "high", "stable": "stable", "MSI-low": "low"}.get(coded or "")
        return told or terms.meanings(marker).first(text)
    if coded in {"mutated", "wild_type", "unclassified"}:
        return coded
    text = terms.of_patient(text)
    doubt = terms.meanings("gene-doubt").first(text)
    if doubt in {"unclassified", "wild_type"}:
        return doubt
    if coded in {"present", "absent"}:
        return "mutated" if coded == "present" else "wild_type"
    said = terms.meanings("gene-result").first(text)
    if said == "present":
        rest = terms.without_denied_variants(text)
        is_denied = rest != text and terms.meanings("gene-result").first(rest) is None
        said = "absent" if is_denied and not _PROTEIN_CHANGE.search(rest) else said
    if said is None and _PROTEIN_CHANGE.search(text):
        said = "present"
    if marker == "pd-l1":
        return None if said is None else "negative" if said == "absent" else "positive"
    return None if said is None else "wild_type" if said == "absent" else "mutated"
