"""The regimens: what they are made of, for whom, where they are licensed, and what is known of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.criteria import Citation
from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.ids import AgentId, CriterionId, RegimenId, SourceId
from cdshooks.knowledge.sources import citation_faults


class Part(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of the parts of a regimen."""


class Dose(Part, frozen=True, kw_only=True):
    """A dose; ``text`` is always there, the number where it is one."""

    text: str
    amount: float | None = None
    amount_high: float | None = None
    unit: str | None = None


class OtherRoute(Part, frozen=True, kw_only=True):
    """The same drug by another way."""

    route: str
    dose: Dose
    product: str | None = None


class Schedule(Part, frozen=True, kw_only=True):
    """When it is given within a cycle."""

    text: str
    cycle_days: int | None = None
    days: tuple[int, ...] = ()
    first_to_last_day: tuple[int, int] | None = None
    times_per_day: int | None = None
    is_continuous: bool = False


class DosedAgent(Part, frozen=True, kw_only=True):
    """One drug with its dose, route and schedule."""

    agent: AgentId
    dose: Dose
    route: str
    schedule: Schedule
    verified: bool
    loading_dose: Dose | None = None
    other_routes: tuple[OtherRoute, ...] = ()
    note: str | None = None


class Component(Part, frozen=True, kw_only=True):
    """A part of a regimen: one drug, or a slot whose first fitting drug is taken. ``one_of`` has one entry for a fixed drug."""

    one_of: tuple[DosedAgent, ...]
    optional: bool = False
    slot: str | None = None


class Matches(Part, frozen=True, kw_only=True):
    """How a line or order is recognised as this regimen, by its agents."""

    all_of: frozenset[AgentId]
    one_of: tuple[frozenset[AgentId], ...] = ()
    may_include: frozenset[AgentId] = frozenset()


class LicenceStatus(Part, frozen=True, kw_only=True):
    """How a regimen stands in one jurisdiction."""

    status: str
    text: str
    verified: bool
    since: str | None = None
    min_anti_her2_metastatic: int | None = None
    min_anti_her2_any: int | None = None
    sources: tuple[Citation, ...] = ()


class Figure(Part, frozen=True, kw_only=True):
    """One result of a trial; shown only when verified."""

    measure: str
    text: str
    verified: bool


class TrialEvidence(Part, frozen=True, kw_only=True):
    """What a trial showed. ``is_tdxd_naive``: its patients had not had T-DXd, and that is said beside each figure."""

    trial: str
    figures: tuple[Figure, ...]
    is_tdxd_naive: bool | None
    verified: bool
    sources: tuple[Citation, ...]
    nct: str | None = None
    phase: str | None = None
    n: str | None = None
    population: str | None = None
    comparator: str | None = None
    note: str | None = None


class EvidenceLevel(Part, frozen=True, kw_only=True):
    """The best evidence in each situation."""

    tdxd_naive: str
    after_tdxd: str


class Told(Part, frozen=True, kw_only=True):
    """A sentence with what it rests on."""

    text: str
    verified: bool
    sources: tuple[Citation, ...] = ()


class Risks(Part, frozen=True, kw_only=True):
    """Toxicities that patients weigh."""

    alopecia: str
    fatigue: str
    neuropathy: str
    note: str | None = None


class Burden(Part, frozen=True, kw_only=True):
    """What the regimen asks of the patient's days."""

    is_oral_only: bool
    is_mostly_home: bool
    has_chemotherapy: bool
    clinic_days_per_21: float


class ToxicityNote(Part, frozen=True, kw_only=True):
    """What was seen of one toxicity."""

    toxicity: str
    text: str
    verified: bool


class View(Part, frozen=True, kw_only=True):
    """Both sides of what experts disagree on; ``only``: the situation in which it matters (brain, after_tdxd)."""

    text: str
    sources: tuple[Citation, ...] = ()
    only: str | None = None


class Regimen(Part, frozen=True, kw_only=True):
    """One regimen we may show, or that tells what a patient has had."""

    id: RegimenId
    label: str
    role: str
    class_: str = msgspec.field(name="class")
    components: tuple[Component, ...]
    her2: str
    hormone: str
    matches: Matches
    jurisdictions: dict[str, LicenceStatus]
    criteria: tuple[CriterionId, ...]
    evidence: tuple[TrialEvidence, ...]
    evidence_level: EvidenceLevel
    after_tdxd: Told
    risks: Risks
    brain_activity: str
    burden: Burden
    monitoring: tuple[str, ...]
    boxed_warnings: tuple[str, ...]
    sources: tuple[Citation, ...]
    verified: bool
    preference: int = 50
    prefer_when: tuple[str, ...] = ()
    avoid_when: tuple[str, ...] = ()
    rechallenge: Told | None = None
    experts_disagree: tuple[View, ...] = ()
    brain_note: str | None = None
    toxicities: tuple[ToxicityNote, ...] = ()
    emetogenicity: str | None = None
    trial_exclusions: tuple[str, ...] = ()
    formulary_note: str | None = None
    recommend: bool = False
    unverified_fields: tuple[str, ...] = ()

    @property
    def may_be_drafted(self) -> bool:
        """Whether a one-click draft is safe: never for an intrathecal drug, whose dose and route are easily mistaken."""
        return all(it.route != "intrathecal" for component in self.components for it in component.one_of)

    notes: str | None = None
    file: str | None = None
    is_overlay: bool = False
    switched_off: str | None = None
    """Why a hospital does not want it offered; it is judged all the same, so that a danger in an order is still said."""

    @property
    def agents(self) -> frozenset[AgentId]:
        """All drugs that the regimen may hold, alternatives included."""
        return frozenset(dosed.agent for component in self.components for dosed in component.one_of)

    def is_made_of(self, agents: frozenset[AgentId]) -> bool:
        """Whether these drugs are this regimen and nothing else."""
        match = self.matches
        if not (match.all_of or match.one_of) or not match.all_of <= agents:
            return False
        if any(not (choice & agents) for choice in match.one_of):
            return False
        allowed = match.all_of.union(match.may_include, *match.one_of)
        return agents <= allowed


def load_regimens(
    criteria: Collection[CriterionId], sources: Collection[SourceId], overlay: Path | None = None
) -> dict[RegimenId, Regimen]:
    """Read the regimens and check that the criteria and sources they name exist.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    entries = read_entries("regimens", overlay)
    known = {*criteria}
    if overlay is not None:
        known |= {CriterionId(key) for key in read_entries("criteria", overlay).switched_off}
    faults = [
        fault
        for entry in entries.by_id.values()
        for fault in (*_faults(entry, known), *citation_faults(entry, "regimens", sources))
    ]
    if faults:
        raise KnowledgeError(tuple(faults))
    in_force = entries.by_id | {key: entries.shipped[key] for key in entries.switched_off}
    return {
        RegimenId(key): regimen_from(
            entry.content
            | {"file": entry.file, "is_overlay": entry.is_overlay, "switched_off": entries.switched_off.get(key)}
        )
        for key, entry in in_force.items()
    }


def regimen_from(content: Mapping[str, Any]) -> Regimen:
    """Build a regimen from an entry that obeys ``schemas/regimens.json``."""
    components = [part if "one_of" in part else {"one_of": [part]} for part in content["components"]]
    return msgspec.convert(dict(content) | {"components": components}, Regimen)


def _faults(entry: Entry, criteria: Collection[CriterionId]) -> Iterator[str]:
    where = f"{entry.file}:{entry.line}: regimens {entry.id!r}"
    yield from (
        f"{where} names the unknown criterion {named!r}" for named in entry.content["criteria"] if named not in criteria
    )
