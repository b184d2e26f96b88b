"""The same dose told by request, dispense, administration and statement is one dose."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from datetime import date

import msgspec

from cdshooks.partial_date import PartialDate
from cdshooks.record.drug_names import DrugNames
from cdshooks.record.model import Exposure, Proof

_RANK = {proof: rank for rank, proof in enumerate(Proof)}
_ORDER_WINDOW_DAYS = 28
"""An infusion order without doses is judged by the other infusions given within one long cycle of its start."""


def merge_exposures(exposures: Iterable[Exposure]) -> tuple[Exposure, ...]:
    """Records of one agent with the same dates become one, with the best proof and all evidence; sorted by date, then agent."""
    groups: dict[tuple[object, ...], list[Exposure]] = {}
    for exposure in exposures:
        groups.setdefault((exposure.agent, exposure.start, exposure.end, exposure.is_open), []).append(exposure)
    return tuple(sorted((_one(same) for same in groups.values()), key=_order))


def orders_never_given(
    exposures: tuple[Exposure, ...], names: DrugNames
) -> tuple[tuple[Exposure, ...], tuple[Exposure, ...]]:
    """Part orders of infusions that were evidently not given (no dose, while other infusions were given then) from the rest.

    Source: R1.
    """
    doses = [it for it in exposures if it.proof is Proof.GIVEN and it.start is not None]
    given = {
        agent: sorted((it.start for it in doses if it.start and it.agent == agent), key=_first_day)
        for agent in {it.agent for it in doses}
    }
    infusions = sorted({it.start for it in doses if it.start and names.is_infusion(it.agent)}, key=_first_day)
    never: list[Exposure] = []
    rest: list[Exposure] = []
    for it in exposures:
        is_unproven = (
            it.proof is Proof.ORDERED
            and it.start is not None
            and it.stopped_for is None
            and (names.is_infusion(it.agent) or (it.route == "iv" and names.is_cyclic(it.agent)))
            and not _is_any_near(it.start, given.get(it.agent, []))
            and _is_any_near(it.start, infusions)
        )
        (never if is_unproven else rest).append(it)
    return tuple(never), tuple(rest)


def _is_any_near(start: PartialDate, doses: list[PartialDate]) -> bool:
    """Whether one of the doses, sorted by their first day, was given within the window after an order."""
    at = bisect_left(doses, start.last, key=_first_day)
    for dose in doses[at:]:
        days = start.days_until(dose)
        if days.least > _ORDER_WINDOW_DAYS:
            return False
        if days.most <= _ORDER_WINDOW_DAYS:
            return True
    return False


def _first_day(day: PartialDate) -> date:
    return day.first


def _one(same: list[Exposure]) -> Exposure:
    if len(same) == 1:
        return same[0]
    ranked = sorted(same, key=lambda it: (_RANK[it.proof], it.evidence))
    best = ranked[0]
    return msgspec.structs.replace(
        best,
        evidence=tuple(sorted({ref for it in same for ref in it.evidence})),
        stopped_for=next((it.stopped_for for it in ranked if it.stopped_for is not None), None),
        intent=next((it.intent for it in ranked if it.intent is not None), None),
        given_for=next((it.given_for for it in ranked if it.given_for is not None), None),
        supply_days=max((it.supply_days for it in same if it.supply_days is not None), default=None),
        is_single_dose=all(it.is_single_dose for it in same),
        is_date_certain=any(it.is_date_certain for it in same),
    )


def _order(it: Exposure) -> tuple[object, ...]:
    dated = (it.start.first, it.start.last) if it.start is not None else ()
    ended = (it.end.first, it.end.last) if it.end is not None else ()
    return (not dated, dated, it.agent, ended, it.evidence)
