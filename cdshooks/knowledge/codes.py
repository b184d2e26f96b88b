"""Code tables of tests, answers and diagnoses, and the words that stand for them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rests_on_memory, rows_of, split
from cdshooks.knowledge.meanings import Meanings, load_meanings
from cdshooks.knowledge.spread import SpreadWords, load_spread
from cdshooks.knowledge.words import Words, load_words

_SYSTEMS = {
    "http://loinc.org": "loinc",
    "loinc": "loinc",
    "urn:oid:2.16.840.1.113883.6.1": "loinc",
    "http://snomed.info/sct": "snomed",
    "snomed": "snomed",
    "urn:oid:2.16.840.1.113883.6.96": "snomed",
    "http://hl7.org/fhir/sid/icd-10-cm": "icd-10",
    "http://hl7.org/fhir/sid/icd-10": "icd-10",
    "http://fhir.de/codesystem/bfarm/icd-10-gm": "icd-10",
    "http://fhir.de/codesystem/dimdi/icd-10-gm": "icd-10",
    "urn:oid:2.16.840.1.113883.6.90": "icd-10",
    "urn:oid:2.16.840.1.113883.6.3": "icd-10",
    "icd-10-cm": "icd-10",
    "http://hl7.org/fhir/valueset/observation-interpretation": "v3-observationinterpretation",
}
_SHORTEST_PREFIX = 3
_ICD_10 = re.compile(r"(?:icd|cie|cim)-?10(?!-?pcs)")
"""How the address of a country's edition of ICD-10 ends ("…/icd-10-uk", "…/cie-10-es"); PCS holds procedures."""
_DIAGNOSIS = re.compile(r"([A-Z]\d{2})\.?(\d{0,3})\s*[-\u2020*!+#]*\s*(?:([AGVZ])?[RLB]?|[RLB]([AGVZ]))", re.IGNORECASE)
"""A code with what the German edition writes behind it: cross or star, how sure the diagnosis is, and the side.

Source: BfArM, question 1002 (I21.9V, I21.9A); terminology-basis-de (marks); medizinische-abkuerzungen.de (I64 Z, S51.9 GL).
"""


def system_of(written: str | None) -> str:
    """The code system as our tables name it; without version, "" when none is written."""
    if not written:
        return ""
    if written in _SYSTEMS:  # as nearly always
        return _SYSTEMS[written]
    plain = written.partition("|")[0].rstrip("/").casefold()
    name = plain.rsplit("/", 1)[-1]
    return _SYSTEMS.get(plain) or ("icd-10" if _ICD_10.match(name) else name)


def diagnosis_code(written: str) -> tuple[str, str | None]:
    """A code of ICD-10 as the classification writes it, and the letter that tells how sure the diagnosis is."""
    found = _DIAGNOSIS.fullmatch(written.strip())
    if found is None:
        return written, None
    category, rest, letter, other = found.groups()
    sure = letter or other
    return f"{category}.{rest}".rstrip(".").upper(), sure.upper() if sure else None


class ConditionTerm(msgspec.Struct, frozen=True):
    """What a diagnosis code means: its category ("metastasis") and concept ("met-brain")."""

    category: str
    concept: str


class ToldTreatment(msgspec.Struct, frozen=True):
    """A treatment that a diagnosis tells without naming its drugs, and the classes of the drugs that it may be."""

    name: str
    classes: frozenset[str]


class CodeKnowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Codes of tests, answers and diagnoses, and the words for them."""

    tests: Mapping[tuple[str, str], str]
    answers: Mapping[tuple[str, str, str], str]
    """(value set, system, code) -> meaning."""
    conditions: Mapping[tuple[str, str], ConditionTerm]
    prefixes: Mapping[tuple[str, str], ConditionTerm]
    receptors: Mapping[tuple[str, str], tuple[tuple[str, str], ...]]
    """Diagnosis code -> the receptors that it tells, each with its status."""
    condition_words: Words
    report_words: Words
    therapies: Mapping[tuple[str, str], str]
    """Procedure code -> kind of local therapy."""
    therapy_words: Words
    urgency_words: Words
    non_cancer_uses: frozenset[str]
    """Concepts of diagnoses for which a cancer drug is given without any cancer."""
    genes: Mapping[str, str]
    """HGNC number and symbol -> marker."""
    meanings: Mapping[str, Meanings]
    """Reader -> what words mean to it."""
    toxicity_kinds: Mapping[str, str]
    """Concept of a diagnosis -> kind of toxicity that facts ask for."""
    limits: Mapping[str, float]
    """Limits of reading, in the unit that the table gives."""
    site_words: Words
    site_codes: Mapping[tuple[str, str], tuple[str, str | None]]
    """Code of a place in the body -> the place, and its side where the code tells one."""
    spread: SpreadWords
    told_treatments: Mapping[str, ToldTreatment]
    """By the concept of a diagnosis."""
    names: Mapping[str, str]
    """Word of the record -> what a reader calls it, where the word itself does not say."""
    status_words: Words
    stop_words: Words
    wish_words: Words
    route_words: Words
    interactions: Mapping[str, tuple[str, ...]]
    interaction_codes: Mapping[tuple[str, str], str]
    """(system, code) -> name of an interacting drug; asked where words name none."""
    interaction_words: Words
    unverified_interaction_codes: frozenset[tuple[str, str]]
    """Codes of interacting drugs that nobody has read in a source."""
    unverified_interactions: Mapping[str, tuple[str, ...]]
    """Name of a drug -> its interaction classes that nobody has read in a source."""

    def said(self, word: str) -> str:
        """A word of the record as a reader says it."""
        return self.names.get(word) or word.replace("_", " ").replace("-", " ")

    @property
    def comed_classes(self) -> frozenset[str]:
        """Every interaction class that some drug of ours has."""
        return frozenset(name for classes in self.interactions.values() for name in classes)

    def condition(self, system: str, code: str) -> ConditionTerm | None:
        """What a diagnosis code means; the longest known prefix of the code where the table asks for it."""
        exact = self.conditions.get((system, code))
        if exact is not None:
            return exact
        if system == "icd-10":
            code, _ = diagnosis_code(code)
            if (system, code) in self.conditions:
                return self.conditions[system, code]
        for length in range(len(code), _SHORTEST_PREFIX - 1, -1):
            found = self.prefixes.get((system, code[:length]))
            if found is not None:
                return found
        return None


def load_codes(overlay: Path | None = None) -> CodeKnowledge:
    """Read the code tables with a hospital's own rows."""
    tests = {(system_of(row["system"]), row["code"]): row["concept"] for _, row in rows_of("observations", overlay)}
    answers = {
        (row["value_set"], system_of(row["system"]), row["code"]): row["meaning"]
        for _, row in rows_of("observation_values", overlay)
    }
    conditions: dict[tuple[str, str], ConditionTerm] = {}
    prefixes: dict[tuple[str, str], ConditionTerm] = {}
    for _, row in rows_of("conditions", overlay):
        table = prefixes if row["match"] == "prefix" else conditions
        table[system_of(row["system"]), row["code"]] = ConditionTerm(row["category"], row["concept"])
    receptors: dict[tuple[str, str], list[tuple[str, str]]] = {}
    for _, row in rows_of("receptor_codes", overlay):
        receptors.setdefault((system_of(row["system"]), row["code"]), []).append((row["marker"], row["status"]))
    interactions: dict[str, list[str]] = {}
    unread: dict[str, list[str]] = {}
    for _, row in rows_of("interactions", overlay):
        interactions.setdefault(row["name"], []).append(row["class"])
        if rests_on_memory(row["source"]):
            unread.setdefault(row["name"], []).append(row["class"])
    interaction_codes = list(rows_of("interaction_codes", overlay))
    return CodeKnowledge(
        tests=tests,
        answers=answers,
        conditions=conditions,
        prefixes=prefixes,
        receptors={key: tuple(said) for key, said in receptors.items()},
        report_words=load_words("report_words", "kind", overlay),
        therapies={(system_of(row["system"]), row["code"]): row["kind"] for _, row in rows_of("procedures", overlay)},
        therapy_words=load_words("therapy_words", "kind", overlay),
        urgency_words=load_words("urgency_words", "meaning", overlay),
        non_cancer_uses=frozenset(row["concept"] for _, row in rows_of("non_cancer_uses", overlay)),
        genes={key: row["marker"] for _, row in rows_of("genes", overlay) for key in (row["hgnc"], row["symbol"])},
        meanings=load_meanings(rows_of("meanings", overlay)),
        toxicity_kinds={row["concept"]: row["kind"] for _, row in rows_of("toxicity_kinds", overlay)},
        condition_words=load_words("condition_words", "term", overlay),
        limits={row["id"]: float(row["value"]) for _, row in rows_of("reading_limits", overlay)},
        site_words=load_words("site_words", "site", overlay),
        site_codes={
            (system_of(row["system"]), row["code"]): (row["site"], row["side"] or None)
            for _, row in rows_of("site_codes", overlay)
        },
        spread=load_spread(overlay),
        told_treatments={
            row["concept"]: ToldTreatment(row["treatment"], frozenset(split(row["classes"])))
            for _, row in rows_of("told_treatments", overlay)
        },
        names={row["word"]: row["name"] for _, row in rows_of("record_names", overlay)},
        status_words=load_words("status_words", "trend", overlay),
        stop_words=load_words("stop_words", "reason", overlay),
        wish_words=load_words("wish_words", "wish", overlay),
        route_words=load_words("route_words", "route", overlay),
        interactions={name: tuple(classes) for name, classes in interactions.items()},
        interaction_codes={(row["system"], row["code"]): row["name"] for _, row in interaction_codes},
        interaction_words=load_words("interactions", "name", overlay, key="name"),
        unverified_interaction_codes=frozenset(
            (row["system"], row["code"]) for _, row in interaction_codes if rests_on_memory(row["verified"])
        ),
        unverified_interactions={name: tuple(classes) for name, classes in unread.items()},
    )
