"""The vocabulary of facts: what criteria may ask for, in which unit, how long a value holds, and how to obtain it."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import FactId


class Reading(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Where in the record a fact is read, for facts that need no more than that; names are those of the record's values."""

    measurement: str | None = None
    worse: str | None = None
    """``high`` or ``low``: which end of a range counts, for then the advice errs on the safe side."""
    below: float | None = None
    """The fact asks whether the measurement lies below this value."""
    toxicity: tuple[str, ...] = ()
    by_agents: tuple[str, ...] = ()
    """Only toxicities that the record blames on these drugs, or on none while one of these had been given."""
    gives: str = "present"
    """Of toxicities and diagnoses: ``present`` (true or false), ``grade`` (the worst ever), ``active_grade``, ``value``."""
    diagnosis: tuple[str, ...] = ()
    statement: tuple[str, ...] = ()
    biomarker: tuple[str, ...] = ()
    words: dict[str, str] = {}
    """Word of the record -> value of the fact."""


class FactDefinition(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One fact. ``is_closed``: that nothing is said means no (or none); otherwise it means unknown."""

    id: FactId
    label: str
    type: str
    world: str
    unit: str | None = None
    values: tuple[str, ...] = ()
    said: dict[str, str] = {}
    """Values in words that stand by themselves; another value stands after the label."""
    valid_for_days: int | None = None
    ask: str | None = None
    decides: str | None = None
    short: str | None = None
    """What it is called in a list of things to find out."""
    is_from_record: bool = True
    reads: Reading | None = None
    notes: str | None = None
    settings: dict[str, float] = {}
    """Numbers that deriving the fact needs, by name with its unit."""
    agents: dict[str, float] = {}
    """Drugs that deriving the fact needs, each with its factor (1 where it is a plain list)."""

    @property
    def is_closed(self) -> bool:
        """Whether silence of the record means no."""
        return self.world == "closed"


def load_facts(overlay: Path | None = None) -> dict[FactId, FactDefinition]:
    """Read the fact vocabulary.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    entries = read_entries("facts", overlay)
    return {
        FactId(key): msgspec.convert(entry.content, FactDefinition, strict=False)
        for key, entry in entries.by_id.items()
    }
