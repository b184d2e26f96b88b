"""What is written where a date should be and is none: "YYYY-MM-DD", "0000-00-00", "9999-12-31". Source: terminology 10.2."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.resources import Patient, Period, Resources
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.record.dates import bounds_of, end_of, read_date
from cdshooks.record.future import dated
from cdshooks.record.model import Doubt, PatientRecord, Proof

_MEMBERS = (
    *("effective_date_time", "effective_period", "effective_instant", "issued", "performed_date_time"),
    *("performed_period", "onset_date_time", "onset_period", "recorded_date", "authored_on", "when_handed_over"),
    *("when_prepared", "date_asserted", "date"),
)
"""Where resources hold the day of what they tell."""
_SHOWN = re.compile(r"[\w:./+ -]{1,30}")
"""What of a record's own text may stand in our sentence."""


def no_date_doubts(record: PatientRecord, resources: Resources) -> Iterator[Doubt]:
    """One doubt for each wrong date and kind of thing that it stands at, with all that bears it.

    Only what has no day is looked up again, so a record whose dates are sound costs nothing.
    """
    found: dict[tuple[str, str], set[ResourceRef]] = {}
    for about, said, ref, written in _asked(record, resources):
        wrong = next((it for it in written if it and read_date(it) is None), None)
        if wrong is not None:
            shown = f'"{wrong.strip()}"' if _SHOWN.fullmatch(wrong) else "with other words"
            because = f"{said} {shown}, which is no date, so its day is unknown."
            found.setdefault((about, because), set()).add(ref)
    for (about, because), refs in found.items():
        yield Doubt(code="date", about=about, because=because, evidence=tuple(sorted(refs)))


def _asked(record: PatientRecord, resources: Resources) -> Iterator[tuple[str, str, ResourceRef, Iterable[str | None]]]:
    """What has no day: what it is about, in words, where it stands and what is written there for it."""
    for about, what, day, evidence in dated(record):
        if day is None:
            yield from ((about, f"{what} is dated", ref, _starts(ref, resources)) for ref in evidence)
    for drug in (*record.exposures, *record.other_cancer_drugs):
        if drug.start is None and drug.proof is Proof.ORDERED:
            for ref in drug.evidence:
                yield "medication", "A drug that was ordered is dated", ref, _starts(ref, resources)
        if drug.end is None:
            for ref in drug.evidence:
                yield "medication", "The end of a drug is written", ref, _ends(ref, resources)
    if record.person.birth is None:
        for held in resources.of("Patient"):
            if isinstance(held.resource, Patient):
                yield "age_years", "The birth of the patient is dated", held.ref, (held.resource.birth_date,)


def _starts(ref: ResourceRef, resources: Resources) -> Iterator[str | None]:
    held = resolve(resources, ref)
    for name in _MEMBERS if held is not None else ():
        value = getattr(held.resource, name, None)  # type: ignore[union-attr]  # asked above
        if isinstance(value, str):
            yield value
        elif isinstance(value, Period):
            yield value.start
    bounds = bounds_of(getattr(held.resource, "dosage_instruction", ())) if held is not None else None
    if bounds is not None:
        yield bounds.start


def _ends(ref: ResourceRef, resources: Resources) -> Iterator[str | None]:
    held = resolve(resources, ref)
    if held is None:
        return
    yield end_of(getattr(held.resource, "effective_period", None))
    yield end_of(getattr(held.resource, "performed_period", None))
    yield end_of(bounds_of(getattr(held.resource, "dosage_instruction", ())))
    supply = getattr(held.resource, "dispense_request", None)
    yield end_of(supply.validity_period) if supply is not None else None
