"""Genomic and immune markers: PIK3CA, ESR1, BRCA1/2, PD-L1, TMB, MSI, NTRK, DPYD, ERBB2 mutation, serum HER2."""

from __future__ import annotations

import re

from cdshooks.ehr.resources import CodeableConcept, Coding, Component, Observation, Resources
from cdshooks.record.dates import read_date, start_of
from cdshooks.record.model import Biomarker
from cdshooks.record.numbers import number_of
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
_GENE = re.compile(r"\b(PIK3CA|ESR1|BRCA1|BRCA2|BRCA|ERBB2|NTRK[123]?|DPYD|PD-?L1|TMB|MSI)\b", re.IGNORECASE)
_ABSENT = re.compile(
    r"wild[\s-]?type|\bnot (?:detected|found|mutated)\b|\bno (?:pathogenic |clinically )?(?:mutation|variant)"
    r"|negative|absent|\bnormal\b",
    re.IGNORECASE,
)
_UNSETTLED = re.compile(r"uncertain significance|\bVUS\b|unklarer? signifikanz", re.IGNORECASE)
_BENIGN = re.compile(r"\bbenign\b", re.IGNORECASE)
_AMPLIFIED = re.compile(r"amplif|copy[\s-]?number gain", re.IGNORECASE)
_PRESENT = re.compile(r"mutat|pathogenic|detected|positive|present|variant|p\.[A-Z]", re.IGNORECASE)
_DPYD_POOR = re.compile(r"poor|complete|homozyg|no activity|\bdeficient\b", re.IGNORECASE)
_DPYD_INTERMEDIATE = re.compile(r"intermediate|partial|heterozyg|reduced", re.IGNORECASE)


def can_name_gene(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    """Whether an observation or component of this code can tell of a marker; for an unknown code, its words do."""
    test = terms.test(code)
    if test is None:
        return _GENE.search(" ".join(texts_of(code))) is not None
    return test in _MARKERS or test in _ANY_GENE


def read_biomarkers(resources: Resources, terms: RecordTerms) -> tuple[Biomarker, ...]:
    """All markers, sorted by date."""
    found: list[Biomarker] = []
    for held in resources.of("Observation"):
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
        coded = terms.answer("variant", observation.value_codeable_concept) or terms.answer(
            "msi", observation.value_codeable_concept
        )
        if marker == "erbb2-mutation" and _AMPLIFIED.search(text):
            marker = "erbb2-amplification"  # of sequencing; the HER2 status rests on IHC and ISH
        if coded == "present":
            coded = next((it for it in (terms.answer("variant-class", one) for one in inside) if it), coded)
        value = _value(marker, coded, text)
        quantity = observation.value_quantity
        number = number_of(quantity.value) if quantity is not None else None
        if value is None and number is None:
            continue
        origin = next((it for it in (terms.answer("variant-origin", one) for one in inside) if it), "")
        words = " ".join((origin, text, *texts_of(observation.code), *texts_of(observation.method)))
        found.append(
            Biomarker(
                marker=marker,
                value=value or "measured",
                number=number,
                unit=quantity.unit if quantity is not None else None,
                is_germline=True
                if "germline" in words.casefold()
                else False
                if "somatic" in words.casefold()
                else None,
                date=read_date(
                    observation.effective_date_time, start_of(observation.effective_period), observation.issued
                ),
                evidence=(held.ref,),
            )
        )
    return tuple(
        sorted(dict.fromkeys(found), key=lambda it: (it.date is not None, str(it.date), it.marker, it.evidence))
    )


def _gene(observation: Observation, terms: RecordTerms) -> str | None:
    concepts = [it.value_codeable_concept for it in observation.component if it.value_codeable_concept is not None]
    texts = list(texts_of(observation.code))
    for component in observation.component:
        texts.extend(_component_texts(component))
    listed = terms.gene(texts, (coding for concept in concepts for coding in concept.coding if _is_gene(coding)))
    if listed is not None:
        return listed
    match = _GENE.search(" ".join(texts))
    if match is None:
        return None
    name = match.group(1).casefold().replace("pdl1", "pd-l1")
    return {"erbb2": "erbb2-mutation", "ntrk1": "ntrk", "ntrk2": "ntrk", "ntrk3": "ntrk"}.get(name, name)


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


def _value(marker: str, coded: str | None, text: str) -> str | None:
    if marker == "dpyd":
        if _DPYD_POOR.search(text):
            return "poor"
        if _DPYD_INTERMEDIATE.search(text):
            return "intermediate"
        return (
            "normal"
            if coded == "absent" or _ABSENT.search(text)
            else "unclassified"
            if coded == "present" or text
            else None
        )
    if marker == "msi":
        return {"MSI-high": "high", "stable": "stable", "MSI-low": "low"}.get(coded or "") or (
            "high"
            if re.search(r"high|unstable", text, re.IGNORECASE)
            else "stable"
            if "stable" in text.casefold()
            else None
        )
    if coded in {"mutated", "wild_type", "unclassified"}:
        return coded
    if _UNSETTLED.search(text):
        return "unclassified"
    if _BENIGN.search(text):
        return "wild_type"
    if coded in {"present", "absent"}:
        return "mutated" if coded == "present" else "wild_type"
    if marker == "pd-l1":
        return "negative" if _ABSENT.search(text) else "positive" if _PRESENT.search(text) else None
    if _ABSENT.search(text):
        return "wild_type"
    return "mutated" if _PRESENT.search(text) else None
