"""When the record says that the disease progressed. Source: R9, terminology 10.6."""

from __future__ import annotations

from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Certainty, PatientRecord

_NERVOUS_SYSTEM = frozenset({"brain", "meninges", "cns-other", "spinal-cord"})


class Progressions:
    """Statements of progression and metastases found after the first ones, by date."""

    def __init__(self, record: PatientRecord, rules: LineRules, metastatic: PartialDate | None) -> None:
        self._rules = rules
        found: list[tuple[PartialDate, tuple[ResourceRef, ...]]] = [
            (it.date, it.evidence) for it in record.statuses if it.trend == "progression" and it.date is not None
        ]
        for it in record.metastases:
            is_new = (
                metastatic is not None
                and it.date is not None
                and metastatic.days_until(it.date).least > rules.days("pre_met")
            )
            if is_new and it.date is not None and it.basis == "condition-onset" and it.certainty == Certainty.CONFIRMED:
                found.append((it.date, it.evidence))
        self._newest = max(
            (it for it in record.statuses if it.date is not None and it.focus not in _NERVOUS_SYSTEM),
            key=lambda it: (it.date.last, it.trend == "progression") if it.date else (),
            default=None,
        )
        self._found = tuple(sorted(found, key=lambda it: (it[0].first, it[0].last, it[1])))

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
        return newest.date if newest.date.days_until(last_dose).least <= self._rules.days("pd_fwd") else None

    def near(self, change: PartialDate, since: PartialDate, stops: tuple[PartialDate, ...] = ()) -> bool:
        """Whether progression is on record near a change of treatment, after the line began, or was the reason of a stop."""
        if any(it.days_until(change).least <= self._rules.days("gap_max") for it in stops):
            return True
        return any(self._is_near(day, change) and day.last > since.first for day, _ in self._found)

    def evidence_near(self, change: PartialDate, since: PartialDate) -> tuple[ResourceRef, ...]:
        """The records that say so."""
        return tuple(
            ref for day, refs in self._found if self._is_near(day, change) and day.last > since.first for ref in refs
        )

    def _is_near(self, day: PartialDate, change: PartialDate) -> bool:
        days = day.days_until(change)
        return days.most >= -self._rules.days("pd_fwd") and days.least <= self._rules.days("pd_back")
