"""The words that trial criteria use for illnesses, drugs, markers and laboratory values, and where the record tells them."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import AgentId, FactId

BRAIN_STEROID = "brain_steroid"
"""The word for the drug in which trials count steroids for the brain."""


class TrialTerm(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One word. Which members it has depends on what it is about: illness, drugs, lab or marker."""

    id: str
    about: str
    label: str = ""
    diagnoses: tuple[str, ...] = ()
    toxicities: tuple[str, ...] = ()
    least_grade: int | None = None
    within_days: int | None = None
    ever: bool = False
    """A past illness counts as much as a present one."""
    present: str = "not_met"
    """What its presence answers: ``not_met``, or ``review`` where more must be known."""
    also: tuple[str, ...] = ()
    comeds: tuple[str, ...] = ()
    fact: FactId | None = None
    classes: tuple[str, ...] = ()
    agents: tuple[AgentId, ...] = ()
    again: bool = False
    """Whether a reader is told that the disease progressed on a drug of this kind when a trial holds one."""


class TrialTerms(msgspec.Struct, frozen=True, kw_only=True):
    """All words, by id."""

    by_id: Mapping[str, TrialTerm]

    @property
    def brain_steroid(self) -> TrialTerm:
        """The drug in which trials count steroids for the brain."""
        return self.by_id[BRAIN_STEROID]

    def drugs(self, word: str) -> TrialTerm:
        """The drugs that a word means: a class of ours, or one agent written with underscores."""
        known = self.by_id.get(word)
        if known is not None and known.about == "drugs":
            return known
        agent = AgentId(word.replace("_", " "))
        return TrialTerm(id=word, about="drugs", label=agent, agents=(agent,))

    def knows(self, word: str, about: str, agents: Collection[AgentId] = ()) -> bool:
        """Whether a word has a meaning here."""
        known = self.by_id.get(word)
        return (known is not None and known.about == about) or (about == "drugs" and word.replace("_", " ") in agents)


def load_trial_terms(facts: Collection[FactId], overlay: Path | None = None) -> TrialTerms:
    """Read the words.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    found: dict[str, TrialTerm] = {}
    faults: list[str] = []
    for key, entry in read_entries("trial_terms", overlay).by_id.items():
        term = msgspec.convert(entry.content, TrialTerm, strict=False)
        if term.fact is not None and term.fact not in facts:
            faults.append(f"{entry.file}:{entry.line}: trial_terms {key!r} names the unknown fact {term.fact!r}")
        found[key] = term
    if BRAIN_STEROID not in found:
        faults.append(f"trial_terms.yaml:1: the word {BRAIN_STEROID!r} is missing")
    if faults:
        raise KnowledgeError(tuple(faults))
    return TrialTerms(by_id=found)
