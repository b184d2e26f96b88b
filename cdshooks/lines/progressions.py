"""What the record says around a change of treatment: progression, new metastases, toxicity. Source: R9, terminology 10.6."""

from __future__ import annotations

from collections.abc import Collection

import msgspec

from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Certainty, PatientRecord, Toxicity

_NERVOUS_SYSTEM = frozenset({"brain", "meninges", "cns-other", "spinal-cord"})


class Stated(msgspec.Struct, frozen=True):
    """A day on which the record says that the disease progressed, with the records that say so."""

    day: PartialDate
    evidence: tuple[ResourceRef, ...]


class Progressions:
    """Statements of progression and metastases found after the first ones, by date; toxicities by the drug they are blamed on."""

    def __init__(self, record: PatientRecord, rules: LineRules, metastatic: PartialDate | None) -> None:
        self._days = rules.values
        found = [
            Stated(it.date, it.evidence) for it in record.statuses if it.trend == "progression" and it.date is not None
        ]
        for it in record.metastases:
            is_new = (
                metastatic is not None
                and it.date is not None
                and metastatic.least_days_until(it.date) > self._days["pre_met"]
            )
            if is_new and it.date is not None and it.basis == "condition-onset" and it.certainty == Certainty.CONFIRMED:
                found.append(Stated(it.date, it.evidence))
        self._newest = max(
            (it for it in record.statuses if it.date is not None and it.focus not in _NERVOUS_SYSTEM),
            key=lambda it: (it.date.last, it.trend == "progression") if it.date else (),
            default=None,
        )
        self._found = tuple(sorted(found, key=lambda it: (it.day.first, it.day.last, it.evidence)))
        self._toxicities = tuple(
            it
            for it in record.toxicities
            if it.agent is not None
            and it.start is not None
            and (it.grade is None or it.grade >= self._days["toxic_grade"])
        )

    def stands_after(self, start: PartialDate, last_dose: PartialDate) -> PartialDate | None:
        """The day of a progression outside the brain that is the newest word on the disease and was not treated through.

        A drug given again well after the statement is treatment beyond progression, and the line goes on.
        """
        newest = self._newest
        if (
            newest is None
            or newest.date is None
            or newest.trend != "progression"
            or newest.date.is_after(start) is not True
        ):
            return None
        return newest.date if newest.date.least_days_until(last_dose) <= self._days["pd_fwd"] else None

    def near(self, change: PartialDate, since: PartialDate) -> list[Stated]:
        """The statements near a change of treatment, made after the line began."""
        return [it for it in self._found if it.day.last_day > since.first_day and self._is_near(it.day, change)]

    def between(self, after: PartialDate, until: PartialDate) -> list[Stated]:
        """The statements after one day and not well after another."""
        latest = self._days["pd_fwd"]
        return [it for it in self._found if it.day.is_after(after) is True and until.least_days_until(it.day) <= latest]

    def toxicity_near(self, agents: Collection[AgentId], day: PartialDate) -> tuple[ResourceRef, ...]:
        """The toxicities blamed on one of the drugs that began around a day."""
        return tuple(ref for it in self._toxicities_near(agents, day) for ref in it.evidence)

    def blamed_near(self, agents: Collection[AgentId], day: PartialDate) -> frozenset[AgentId]:
        """Those of the drugs that a toxicity around a day is blamed on."""
        return frozenset(it.agent for it in self._toxicities_near(agents, day) if it.agent is not None)

    def _toxicities_near(self, agents: Collection[AgentId], day: PartialDate) -> tuple[Toxicity, ...]:
        if not self._toxicities:
            return ()
        near = self._days["residue"]
        return tuple(
            it
            for it in self._toxicities
            if it.agent in agents and it.start is not None and abs(it.start.least_days_until(day)) <= near
        )

    def _is_near(self, day: PartialDate, change: PartialDate) -> bool:
        return (
            change.least_days_until(day) <= self._days["pd_fwd"]
            and day.least_days_until(change) <= self._days["pd_back"]
        )
