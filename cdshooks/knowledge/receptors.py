"""The cut-offs of receptor tests and what a dual-probe HER2 ISH says."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_entries
from cdshooks.knowledge.ids import SourceId
from cdshooks.knowledge.sources import citation_faults


class IshGroup(msgspec.Struct, frozen=True, kw_only=True):
    """One group of ratio and copy number, and the ISH result that it means with and without an IHC score."""

    id: str
    ratio_at_least: float = 0.0
    ratio_below: float | None = None
    copies_at_least: float = 0.0
    copies_below: float | None = None
    without_ihc: str
    with_ihc: Mapping[str, str]

    def holds(self, ratio: float, copies: float) -> bool:
        """Whether a ratio (HER2/CEP17) and a copy number (per cell) fall into this group."""
        return (
            ratio >= self.ratio_at_least
            and (self.ratio_below is None or ratio < self.ratio_below)
            and copies >= self.copies_at_least
            and (self.copies_below is None or copies < self.copies_below)
        )


class ReceptorRules(msgspec.Struct, frozen=True, kw_only=True):
    """All cut-offs in force: ratios, copies per cell, percent of cells, days."""

    ish_groups: tuple[IshGroup, ...]
    ish_ratio_amplified: float
    ish_copies_amplified: float
    ish_copies_not_amplified: float
    hormone_receptor_positive: float
    hormone_receptor_low: float
    same_specimen_days: float

    def ish_of(self, ratio: float | None, copies: float | None, ihc: str | None) -> str | None:
        """What ISH numbers say, with the IHC score of the same tissue where there is one; None without any number."""
        if ratio is not None and copies is not None:
            group = next((it for it in self.ish_groups if it.holds(ratio, copies)), None)
            if group is None:
                return "equivocal"
            return group.without_ihc if ihc is None else group.with_ihc[ihc]
        if ratio is not None:
            return "amplified" if ratio >= self.ish_ratio_amplified else "not-amplified"
        if copies is None:
            return None
        if copies >= self.ish_copies_amplified:
            return "amplified"
        return "not-amplified" if copies < self.ish_copies_not_amplified else "equivocal"


def load_receptor_rules(sources: Collection[SourceId] | None = None, overlay: Path | None = None) -> ReceptorRules:
    """Read the cut-offs with a hospital's own values; sources are checked where they are given.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    limits = read_entries("receptor_limits", overlay)
    groups = read_entries("ish_groups", overlay)
    faults = [
        fault
        for kind, entries in (("receptor_limits", limits), ("ish_groups", groups))
        for entry in entries.by_id.values()
        if sources is not None
        for fault in citation_faults(entry, kind, sources)
    ]
    values = {key: float(entry.content["value"]) for key, entry in limits.by_id.items()}
    needed = set(ReceptorRules.__struct_fields__) - {"ish_groups"}
    faults += [f"receptor_limits.yaml:1: the limit {it!r} is missing" for it in sorted(needed - set(values))]
    if faults:
        raise KnowledgeError(tuple(faults))
    return ReceptorRules(
        ish_groups=tuple(msgspec.convert(entry.content, IshGroup) for entry in groups.by_id.values()), **values
    )
