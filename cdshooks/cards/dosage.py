"""The dosage of a draft order as FHIR writes it. Source: R-27, CARD-03."""

from __future__ import annotations

from typing import Any

from cdshooks.cards import wording
from cdshooks.knowledge.regimens import Dose, DosedAgent, Schedule

_UCUM = "http://unitsofmeasure.org"
_OF_UCUM = frozenset({"mg", "mg/kg", "mg/m2"})


def dosage_text(dosed: DosedAgent, *, is_open: bool = False) -> str:
    """Dose and schedule in words; where nobody has read them in a source, that they are still to be filled in.

    ``is_open``: the usual dose does not hold for this patient, so it is called the usual one and the prescriber decides.
    """
    if not dosed.verified:
        return wording.DOSE_BY_LABEL
    usual = f"{dosed.dose.text}, {dosed.schedule.text}"
    return wording.DOSE_OPEN.format(usual=usual) if is_open else usual


def dosage_of(dosed: DosedAgent, *, is_open: bool = False) -> dict[str, Any]:
    """A FHIR Dosage: text, route, dose, and a timing that a computer reads as the text reads to a person.

    Days of a cycle have no place in FHIR R4's Timing; two doses in 21 days stand for "days 1 and 8 of 21", and the text
    names the days. Days 1 to 14 of a cycle are bounds of 14 days, to be ordered again for each cycle.
    """
    dosage: dict[str, Any] = {"text": dosage_text(dosed, is_open=is_open), "route": {"text": dosed.route}}
    if not dosed.verified or is_open:
        return dosage
    timing = _timing(dosed.schedule)
    if timing:
        dosage["timing"] = timing
    amount = _amount(dosed.dose)
    if amount:
        dosage["doseAndRate"] = [amount]
    return dosage


def _timing(schedule: Schedule) -> dict[str, Any]:
    told = {"code": {"text": schedule.text}}
    if schedule.times_per_day:
        repeat: dict[str, Any] = {"frequency": schedule.times_per_day, "period": 1, "periodUnit": "d"}
        if schedule.first_to_last_day is not None:
            first, last = schedule.first_to_last_day
            repeat["boundsDuration"] = {"value": last - first + 1, "unit": "days", "system": _UCUM, "code": "d"}
        return {"repeat": repeat, **told}
    if schedule.cycle_days and schedule.days:
        repeat = {"frequency": len(schedule.days), "period": schedule.cycle_days, "periodUnit": "d"}
        return {"repeat": repeat, **told}
    return told


def _amount(dose: Dose) -> dict[str, Any]:
    if dose.amount is None or not dose.unit:
        return {}
    if dose.amount_high is not None:
        return {"doseRange": {"low": _quantity(dose.amount, dose.unit), "high": _quantity(dose.amount_high, dose.unit)}}
    return {"doseQuantity": _quantity(dose.amount, dose.unit)}


def _quantity(value: float, unit: str) -> dict[str, Any]:
    quantity: dict[str, Any] = {"value": value, "unit": unit}
    return quantity | {"system": _UCUM, "code": unit} if unit in _OF_UCUM else quantity
