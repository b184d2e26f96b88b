"""What imaging says of the lungs: the one adverse effect that it shows, and whose clearing is judged on it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

import msgspec

from cdshooks.deadline import Deadline
from cdshooks.ehr.resources import CodeableConcept, DiagnosticReport, Held, Observation
from cdshooks.knowledge.clauses import STATEMENT_END
from cdshooks.knowledge.codes import ConditionTerm
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import reported_on
from cdshooks.record.model import Conflict, Toxicity
from cdshooks.record.running_text import texts_of_report
from cdshooks.record.terms import RecordTerms, texts_of

_LUNG = "ild"
_STILL_ACTIVE = (
    "A report of {day} says that the lungs have cleared, yet the ILD on record is still marked as not resolved. "
    "It is taken as not resolved until one of the two is corrected."
)
OnImage = Callable[..., list[Toxicity]]
"""Makes what a clause says of an adverse effect: (held, clause, day, is_resolved=...)."""


class _Said(msgspec.Struct, frozen=True):
    """What one report says, clause by clause, and whether each tells of now: only that shows lungs that have cleared."""

    held: Held
    clauses: tuple[tuple[str, bool], ...]
    day: PartialDate | None


def can_speak_of_lungs(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    """Whether an observation of this code may say in words how the lungs are: one that no reader knows by its code."""
    return terms.test(code) is None


def with_lung_findings(
    found: list[Toxicity], reports: Iterable[Held], terms: RecordTerms, on_image: OnImage, deadline: Deadline
) -> tuple[list[Toxicity], tuple[Conflict, ...]]:
    """Adverse effects with what reports add: lungs found ill, cleared, or said to have cleared while marked as ill."""
    conflicts: dict[Toxicity, Conflict] = {}
    # In the order of their days: lungs clear after they were found, and may be found ill again.
    sayings = sorted(
        _sayings(deadline.each(filter(_holds_words, reports)), terms), key=lambda it: (str(it.day or ""), it.held.ref)
    )
    for said in deadline.each(sayings):
        for clause, is_now in said.clauses:
            is_denied = is_now and any(_is_lung(it, terms) for it in terms.denied_conditions((clause,)))
            is_said = any(_is_lung(it, terms) for it in terms.worded_conditions((clause,)))
            outcome = terms.meanings("adverse-outcome").first(clause)
            # "No embolism, ground-glass opacities as of pneumonitis" denies neither.
            is_clear = is_now and not is_said and _shows_clear_lungs(clause, outcome, terms)
            if not (is_said or is_denied or is_clear):
                continue
            has_cleared = is_clear or (is_denied and outcome is None) or (is_said and outcome == "resolved")
            if has_cleared:
                conflicts.update({it: _conflict(it, said) for it in found if _is_contradicted(it, said.day)})
                found = [_cleared(it, said.day, said.held) for it in found]
            elif is_said:
                conflicts.clear()  # found ill again: the record and the newest report agree
            if is_said and not any(_tells_already(it, said, is_now=is_now, outcome=outcome) for it in found):
                is_resolved = None if outcome is None else outcome == "resolved"
                made = on_image(said.held, clause, said.day, is_resolved=is_resolved)
                found = [*found, *(it for it in made if it.kind == _LUNG)]
    return found, tuple(conflicts.values())


def _holds_words(held: Held) -> bool:
    """Whether there is anything but a number: the code of a laboratory value that no reader knows may be one of words."""
    it = held.resource
    return not isinstance(it, Observation) or bool(
        it.value_string or it.value_codeable_concept is not None or it.value_boolean is False
    )


def _sayings(reports: Iterable[Held], terms: RecordTerms) -> Iterator[_Said]:
    for held in reports:
        report = held.resource
        if not isinstance(report, (DiagnosticReport, Observation)) or report.status in {
            "entered-in-error",
            "cancelled",
        }:
            continue
        clauses = _of_report(report, terms) if isinstance(report, DiagnosticReport) else _of_value(report, terms)
        if clauses:
            day = reported_on(report)
            yield _Said(held, clauses, day)


def _of_report(report: DiagnosticReport, terms: RecordTerms) -> tuple[tuple[str, bool], ...]:
    parts = terms.report_parts("\n".join(texts_of_report(report)))
    now = tuple(it for it in STATEMENT_END.split(parts.now) if it.strip())
    # Of "none in 2024, now ILD" only the end tells of now.
    return tuple((it, it.endswith(now)) for it in STATEMENT_END.split(parts.found) if it)


def _of_value(observation: Observation, terms: RecordTerms) -> tuple[tuple[str, bool], ...]:
    return tuple((it, True) for it in STATEMENT_END.split(_said_in(observation, terms)) if it)


def _said_in(observation: Observation, terms: RecordTerms) -> str:
    """What an observation says in words; where its name is the illness, its value tells only how that has ended."""
    is_denied = observation.value_boolean is False
    value = "; ".join(it for it in (observation.value_string, *texts_of(observation.value_codeable_concept)) if it)
    names_lung = any(_is_lung(it, terms) for it in terms.worded_conditions(texts_of(observation.code)))
    if not names_lung:
        return value
    # "Pneumonitis: none" denies it, and of any other word only that it has ended or goes on can be told.
    name = next(iter(texts_of(observation.code)), "")
    outcome = terms.meanings("adverse-outcome").first(value)
    if outcome is not None:
        return f"{name}, {value}"
    return f"no {name}" if is_denied or terms.meanings("denial").first(value) is not None else ""


def _shows_clear_lungs(clause: str, outcome: str | None, terms: RecordTerms) -> bool:
    """Whether a clause says that the lungs are clear, or that what pneumonitis looks like has gone or is not there."""
    sign = terms.meanings("lung-shadow").first(clause)
    is_gone = outcome == "resolved" or (outcome is None and terms.meanings("denial").first(clause) is not None)
    return sign == "clear" or (sign == "shadow" and is_gone)


def _is_lung(term: ConditionTerm, terms: RecordTerms) -> bool:
    return term.category == "toxicity" and terms.toxicity_kind(term.concept) == _LUNG


def _tells_already(toxicity: Toxicity, said: _Said, *, is_now: bool, outcome: str | None) -> bool:
    """Whether a lung toxicity on record covers a later finding: not when it had cleared before, were it by the same report's
    words on an earlier time ("no pneumonitis on the last CT; pneumonitis now").
    """
    end, day = toxicity.end, said.day
    is_over = toxicity.is_resolved is True and end is not None and day is not None and end.is_before(day) is True
    is_again = is_now and outcome != "resolved" and toxicity.is_resolved is True and said.held.ref in toxicity.evidence
    return toxicity.kind == _LUNG and not (is_over or is_again)


def _is_later(toxicity: Toxicity, day: PartialDate | None) -> bool:
    start = toxicity.start
    return day is not None and (start is None or start.is_before(day) is True)


def _cleared(toxicity: Toxicity, day: PartialDate | None, held: Held) -> Toxicity:
    """A lung toxicity of which nothing else tells the end, ended by a later report."""
    if toxicity.kind != _LUNG or toxicity.is_resolved is not None or not _is_later(toxicity, day):
        return toxicity
    return msgspec.structs.replace(
        toxicity, is_resolved=True, end=day, evidence=tuple(sorted({*toxicity.evidence, held.ref}))
    )


def _is_contradicted(toxicity: Toxicity, day: PartialDate | None) -> bool:
    """Whether a report of clearing speaks against a record that calls the illness unresolved."""
    return toxicity.kind == _LUNG and toxicity.is_resolved is False and _is_later(toxicity, day)


def _conflict(toxicity: Toxicity, said: _Said) -> Conflict:
    evidence = tuple(sorted({*toxicity.evidence, said.held.ref}))
    return Conflict(about="ild", because=_STILL_ACTIVE.format(day=said.day), evidence=evidence)
