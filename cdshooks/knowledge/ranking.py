"""How offered regimens are put in order: named considerations that a reader can follow, no score."""

from __future__ import annotations

from pathlib import Path

import msgspec

from cdshooks.knowledge.criteria import Citation, Predicate, predicate_from
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import AgentId, RegimenId


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of the ranking."""


class Consideration(Part, frozen=True, kw_only=True):
    """One thing that is compared; ``told`` completes "It stands before X: ..."."""

    id: str
    title: str
    told: str
    told_of_no_drug: str | None = None
    """In place of ``told`` where what stands before is no drug, as a referral, and has none of what is compared."""


class WishRule(Part, frozen=True, kw_only=True):
    """What a wish looks at: a risk (the lower the better) or a trait of the burden."""

    wish: str
    wished: str
    """The wish in words: what the patient wishes to do or be spared."""
    kept: str
    lost: str
    risk: str | None = None
    burden: str | None = None
    wants: bool = True


class Pin(msgspec.Struct, frozen=True):
    """Regimens that stand first or last while a predicate holds."""

    regimens: frozenset[RegimenId]
    place: str
    requires: Predicate
    told: str


class Anchor(Part, frozen=True, kw_only=True):
    """What to expect of any treatment after T-DXd."""

    text: str
    sources: tuple[Citation, ...]


class SituationWords(Part, frozen=True, kw_only=True):
    """What the evidence is told of; ``caveat`` stands beside figures from patients of the situation before."""

    before: str
    after: str
    caveat: str


class Ranking(msgspec.Struct, frozen=True, kw_only=True):
    """The order of considerations and the words for them."""

    considerations: tuple[Consideration, ...]
    evidence_bands: tuple[tuple[str, ...], ...]
    evidence_words: dict[str, str]
    situation_words: SituationWords
    brain_words: dict[str, str]
    brain_needed: frozenset[str]
    wishes: tuple[WishRule, ...]
    partner_risks: dict[str, dict[AgentId, str]]
    trial_follows: str
    pinned: tuple[Pin, ...]
    anchor_after_tdxd: Anchor | None = None

    @property
    def evidence_levels(self) -> tuple[str, ...]:
        """All levels of evidence, best first."""
        return tuple(level for band in self.evidence_bands for level in band)


def load_ranking(overlay: Path | None = None) -> Ranking:
    """Read how options are put in order.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    content = read_entries("ranking", overlay).by_id["order"].content
    return Ranking(
        considerations=msgspec.convert(content["considerations"], tuple[Consideration, ...]),
        evidence_bands=tuple(tuple(band) for band in content["evidence_bands"]),
        evidence_words=content["evidence_words"],
        situation_words=msgspec.convert(content["situation_words"], SituationWords),
        brain_words=content["brain_words"],
        brain_needed=frozenset(content["brain_needed"]),
        wishes=msgspec.convert(content["wishes"], tuple[WishRule, ...]),
        partner_risks=content.get("partner_risks", {}),
        trial_follows=content["trial_follows"],
        anchor_after_tdxd=msgspec.convert(content.get("anchor_after_tdxd"), Anchor | None),
        pinned=tuple(
            Pin(frozenset(pin["regimens"]), pin["place"], predicate_from(pin["requires"]), pin["told"])
            for pin in content["pinned"]
        ),
    )
