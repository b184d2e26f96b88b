"""What kinds of EHRs take of a card: their profiles, chosen for each client. Source: R-15, R-28, V-1 to V-14, B-14 to B-22."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import SourceId
from cdshooks.knowledge.sources import citation_faults

STANDARD = "standard"
"""The profile of a client that names none."""


class OtherName(msgspec.Struct, frozen=True, kw_only=True, rename={"also": "as"}):
    """A second name, ``also``, under which a client knows a code system."""

    system: str
    also: str


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """What one kind of EHR takes of a card, and how it reports what became of it."""

    id: str
    title: str
    selection_behavior: str
    one_action_per_suggestion: bool
    creates: frozenset[str]
    """Types of resources whose creation it takes."""
    detail: str
    """"markdown" or "plain"."""
    topic_code: str
    """"any", or "alphanumeric": nothing but letters and digits stands in the code of a topic."""
    links: frozenset[str]
    app_context: bool
    reason_members: tuple[str, ...]
    """Where its feedback holds the reason of an override; the first that is there counts."""
    also_coded_as: tuple[OtherName, ...] = ()


def load_profiles(sources: Collection[SourceId], overlay: Path | None = None) -> dict[str, Profile]:
    """Read the profiles.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    entries = read_entries("profiles", overlay).by_id
    faults = [fault for entry in entries.values() for fault in citation_faults(entry, "profiles", sources)]
    if faults:
        raise KnowledgeError(tuple(faults))
    return {key: msgspec.convert(entry.content, Profile) for key, entry in entries.items()}
