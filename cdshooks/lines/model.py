"""The lines of therapy that a record tells, how they are counted, and what stays open."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from cdshooks.direct_members import direct_members
from cdshooks.knowledge.ids import AgentId, LineRuleId, RegimenId, ResourceRef
from cdshooks.partial_date import DayRange, PartialDate


@direct_members
class Setting(StrEnum):
    """Where in the course of the disease a regimen was given."""

    METASTATIC = "metastatic"
    NEOADJUVANT = "neoadjuvant"
    ADJUVANT = "adjuvant"
    EARLY = "early"


@direct_members
class EndReason(StrEnum):
    """Why a line or course ended; ``unknown`` when the record does not say, which is never progression."""

    PROGRESSION = "progression"
    TOXICITY = "toxicity"
    COMPLETED = "completed"
    PATIENT_CHOICE = "patient_choice"
    OTHER = "other"
    UNKNOWN = "unknown"
    ONGOING = "ongoing"


@direct_members
class Confidence(StrEnum):
    """How sure we are of a line or of the count."""

    HIGH = "high"
    MODERATE = "moderate"
    LOW = "low"


class Value(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """Base of the values of a line history: trees, so the garbage collector need not look at them."""


class Dated(Value, frozen=True, kw_only=True):
    """A date with what it rests on."""

    date: PartialDate
    basis: str
    is_inferred: bool
    evidence: tuple[ResourceRef, ...]


class Course(Value, frozen=True, kw_only=True):
    """One agent within a line: doses and records of one ingredient merged (rule R4)."""

    agent: AgentId
    start: PartialDate
    end: PartialDate | None
    """Last day covered; None while it runs, or where nobody recorded the end (then ``end_reason`` is not ongoing)."""
    end_reason: EndReason
    is_end_certain: bool
    evidence: tuple[ResourceRef, ...]


class RuleFiring(Value, frozen=True, kw_only=True):
    """A line rule that decided something, on which records, in a sentence for people."""

    rule: LineRuleId
    line: int | None
    because: str
    evidence: tuple[ResourceRef, ...]


class LineOfTherapy(Value, frozen=True, kw_only=True):
    """One line (or early regimen, then ``number`` is None): what was given, when, why it opened and closed."""

    number: int | None
    setting: Setting
    agents: tuple[AgentId, ...]
    maintenance_agents: tuple[AgentId, ...]
    regimen_id: RegimenId | None
    start: PartialDate
    end: PartialDate | None
    end_reason: EndReason
    opened_by: LineRuleId
    closed_by: LineRuleId | None
    confidence: Confidence
    courses: tuple[Course, ...]
    evidence: tuple[ResourceRef, ...]


class Alternative(Value, frozen=True, kw_only=True):
    """Another way to count: a reason code of section 5 of the line rules, the line concerned, and the change in number."""

    code: str
    delta: int
    because: str
    line: int | None
    evidence: tuple[ResourceRef, ...]


class Counts(Value, frozen=True, kw_only=True):
    """The three numbers that are never one, with the range of the first."""

    metastatic_lines: int
    min: int
    max: int
    anti_her2_regimens_metastatic: int
    effective_lines: int
    is_at_least: bool
    """The history starts mid-way or pages are missing: read "at least"."""


class AgentUse(Value, frozen=True, kw_only=True):
    """One use of one agent: where it stands, how it ended. Progression on it is told apart from mere exposure."""

    agent: AgentId
    setting: Setting
    line: int | None
    start: PartialDate
    end: PartialDate | None
    outcome: EndReason
    evidence: tuple[ResourceRef, ...]


class EarlyRelapse(Value, frozen=True, kw_only=True):
    """Distant relapse after (neo)adjuvant anti-HER2 therapy: the dates are kept, for 6 and 12 months are different clocks."""

    agents: tuple[AgentId, ...]
    last_dose: PartialDate
    relapse: PartialDate
    days: DayRange
    evidence: tuple[ResourceRef, ...]


class LineHistory(Value, frozen=True, kw_only=True):
    """What the rules made of the record."""

    metastatic_since: Dated | None
    counts: Counts
    alternatives: tuple[Alternative, ...]
    confidence: Confidence
    confidence_because: tuple[str, ...]
    """Why it is not high."""
    lines: tuple[LineOfTherapy, ...]
    early: tuple[LineOfTherapy, ...]
    next_line: int
    current: int | None
    uses: tuple[AgentUse, ...]
    early_relapse: EarlyRelapse | None
    firings: tuple[RuleFiring, ...]

    @property
    def finished(self) -> tuple[LineOfTherapy, ...]:
        """The metastatic lines that have ended."""
        return tuple(it for it in self.lines if it.end_reason is not EndReason.ONGOING)
