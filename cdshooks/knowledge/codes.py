"""Code tables of tests, answers and diagnoses, and the words that stand for them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import msgspec

from cdshooks.knowledge.drugs import rows_of
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


def system_of(written: str | None) -> str:
    """The code system as our tables name it; without version, "" when none is written."""
    if not written:
        return ""
    plain = written.partition("|")[0].rstrip("/").casefold()
    return _SYSTEMS.get(plain) or plain.rsplit("/", 1)[-1]


class ConditionTerm(msgspec.Struct, frozen=True):
    """What a diagnosis code means: its category ("metastasis") and concept ("met-brain")."""

    category: str
    concept: str


class CodeKnowledge(msgspec.Struct, frozen=True, kw_only=True):
    """Codes of tests, answers and diagnoses, and the words for them."""

    tests: Mapping[tuple[str, str], str]
    answers: Mapping[tuple[str, str, str], str]
    """(value set, system, code) -> meaning."""
    conditions: Mapping[tuple[str, str], ConditionTerm]
    prefixes: Mapping[tuple[str, str], ConditionTerm]
    condition_words: Words
    site_words: Words
    status_words: Words
    stop_words: Words
    wish_words: Words
    route_words: Words
    interactions: Mapping[str, tuple[str, ...]]
    interaction_words: Words

    @property
    def comed_classes(self) -> frozenset[str]:
        """Every interaction class that some drug of ours has."""
        return frozenset(name for classes in self.interactions.values() for name in classes)

    def condition(self, system: str, code: str) -> ConditionTerm | None:
        """What a diagnosis code means; the longest known prefix of the code where the table asks for it."""
        exact = self.conditions.get((system, code))
        if exact is not None:
            return exact
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
    interactions: dict[str, list[str]] = {}
    for _, row in rows_of("interactions", overlay):
        interactions.setdefault(row["name"], []).append(row["class"])
    return CodeKnowledge(
        tests=tests,
        answers=answers,
        conditions=conditions,
        prefixes=prefixes,
        condition_words=load_words("condition_words", "term", overlay),
        site_words=load_words("site_words", "site", overlay),
        status_words=load_words("status_words", "trend", overlay),
        stop_words=load_words("stop_words", "reason", overlay),
        wish_words=load_words("wish_words", "wish", overlay),
        route_words=load_words("route_words", "route", overlay),
        interactions={name: tuple(classes) for name, classes in interactions.items()},
        interaction_words=load_words("interactions", "name", overlay, key="name"),
    )
