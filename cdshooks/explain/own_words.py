"""What a resource says of itself, in the words of its sender: its name, what it says and its day. Shown, never concluded from."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from cdshooks.ehr.resources import (
    AllergyIntolerance,
    Base,
    CarePlan,
    CodeableConcept,
    Condition,
    DiagnosticReport,
    Drug,
    Held,
    Observation,
    Period,
    Procedure,
    Quantity,
    Reference,
    ResearchSubject,
    ServiceRequest,
    Valued,
)
from cdshooks.knowledge.codes import system_of
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import read_date

NAMELESS, _CODE = "without a code", "code "
_LONGEST_NAME, _LONGEST = 60, 160
_DAYS = (
    "effective_date_time",
    "effective_period",
    "effective_instant",
    "performed_date_time",
    "performed_period",
    "onset_date_time",
    "onset_period",
    "onset_string",
    "occurrence_date_time",
    "period",
    "date",
    "detected",
    "when_handed_over",
    "authored_on",
    "recorded_date",
    "issued",
    "date_asserted",
)
"""Where resources keep their day, what says most first."""
Tests = Mapping[tuple[str, str], str]


def name_of(held: Held, tests: Tests | None = None) -> str:
    """What a resource is called: by its words, by our name of its test, or by its code."""
    resource = held.resource
    concept = getattr(resource, "code", None) or getattr(resource, "medication_codeable_concept", None)
    concept = concept or getattr(resource, "event", None) or _referred_medication(resource)
    return _shortened(_name(concept, tests) or NAMELESS, _LONGEST_NAME)


def says_of(held: Held, tests: Tests) -> str:
    """What a resource says beside its name: the answer of an observation, the conclusion of a report, the state of the rest."""
    return _shortened("; ".join(it for it in _says(held.resource, tests) if it), _LONGEST)


def is_measured(held: Held) -> bool:
    """Whether a resource gives a number, which a newer one replaces; other findings stand beside each other."""
    return isinstance(held.resource, Observation) and held.resource.value_quantity is not None


def day_of(held: Held) -> PartialDate | None:
    """The day of a resource."""
    for member in _DAYS:
        written = getattr(held.resource, member, None)
        day = read_date(written.start, written.end) if isinstance(written, Period) else read_date(written)
        if day is not None:
            return day
    return None


def reason_of(held: Held) -> str:
    """What a drug or procedure is for, where the record says it in words."""
    reasons = getattr(held.resource, "reason_code", ())
    return _shortened(", ".join(filter(None, map(_name, reasons))), _LONGEST_NAME)


def _says(resource: Base, tests: Tests) -> Iterator[str]:
    if isinstance(resource, Observation):
        yield _answer(resource)
        for part in resource.component:
            answer = _answer(part)
            yield ": ".join(filter(None, (_asked(part.code, tests), answer))) if answer else ""
    elif isinstance(resource, DiagnosticReport):
        yield resource.conclusion or ""
        yield from map(_name, resource.conclusion_code)
    elif isinstance(resource, Condition):
        yield _name(resource.clinical_status)
        yield _name(resource.severity)
        yield from (_name(it.summary) for it in resource.stage)
    elif isinstance(resource, AllergyIntolerance):
        yield f"criticality {resource.criticality}" if resource.criticality else ""
        yield from (_name(it) for reaction in resource.reaction for it in reaction.manifestation)
    elif isinstance(resource, (Procedure, ServiceRequest)):
        yield resource.status or ""
        yield from map(_name, resource.body_site)
        yield from map(_name, resource.reason_code)
    elif isinstance(resource, CarePlan):
        yield resource.title or ""
    elif isinstance(resource, ResearchSubject):
        yield (resource.study.display if resource.study is not None else None) or ""
    elif isinstance(resource, Drug):
        yield resource.status or ""
        reasons = getattr(resource, "status_reason", None) or ()
        yield from map(_name, reasons if isinstance(reasons, tuple) else (reasons,))


def _answer(of: Valued | Observation) -> str:
    """The answer to a coded question, of whatever type."""
    told = [_name(of.value_codeable_concept), _quantity(of.value_quantity), of.value_string, of.value_date_time]
    told += ["yes" if of.value_boolean else "no"] if of.value_boolean is not None else []
    told += [str(of.value_integer)] if of.value_integer is not None else []
    if of.value_range is not None:
        told.append(" to ".join(filter(None, (_quantity(of.value_range.low), _quantity(of.value_range.high)))))
    if of.value_ratio is not None:
        told.append(
            " : ".join(filter(None, (_quantity(of.value_ratio.numerator), _quantity(of.value_ratio.denominator))))
        )
    if not any(told):
        interpretation = of.interpretation
        told = [*map(_name, interpretation if isinstance(interpretation, tuple) else (interpretation,))]
    if not any(told) and of.data_absent_reason is not None:
        told = [f"no value ({_name(of.data_absent_reason)})"]
    return ", ".join(dict.fromkeys(filter(None, told)))


def _quantity(quantity: Quantity | None) -> str:
    if quantity is None or quantity.value is None:
        return ""
    number = f"{quantity.value:g}" if isinstance(quantity.value, float) else str(quantity.value)
    return f"{quantity.comparator or ''}{number} {quantity.unit or quantity.code or ''}".strip()


def _asked(concept: CodeableConcept | None, tests: Tests) -> str:
    """What a part of an observation asks, in words; nothing where only a code says it."""
    asked = _name(concept, tests)
    return "" if asked.startswith(_CODE) else asked


def _name(concept: CodeableConcept | None, tests: Tests | None = None) -> str:
    if not isinstance(concept, CodeableConcept):
        return ""
    words = next((it for it in (concept.text, *(it.display for it in concept.coding)) if it), None)
    if words is None and tests is not None:
        known = (tests.get((system_of(it.system), it.code or "")) for it in concept.coding)
        words = next((it.replace("-", " ") for it in known if it), None)
    codes = (f"{_CODE}{it.code}" if tests is not None else it.code for it in concept.coding if it.code)
    return words or next(codes, "")


def _referred_medication(resource: Base) -> CodeableConcept | None:
    """What the Medication inside the resource says, or else the words beside the reference to one."""
    contained = getattr(resource, "contained", ())
    named = next((it.code for it in contained if it.code is not None), None)
    reference: Reference | None = getattr(resource, "medication_reference", None)
    if named is None and reference is not None and reference.display:
        return CodeableConcept(text=reference.display)
    return named


def _shortened(text: str, longest: int) -> str:
    plain = " ".join(text.split())
    return plain if len(plain) <= longest else f"{plain[: longest - 1].rstrip()}…"
