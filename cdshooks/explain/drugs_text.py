"""The drugs of a record as rows: cancer drugs, other drugs by what they do, and names that nothing recognised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import groupby

from cdshooks.explain.cells import Cite, Row, day_cell, joined, ordinal
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.record.model import CoMedication, Exposure, GivenFor, Proof, Unmapped

DRUG_COLUMNS = ("drug", "from", "to", "record", "stopped for", "meant for", "cited")
OTHER_DRUG_COLUMNS = ("drug", "acts as", "from", "to", "for", "cited")
UNMAPPED_COLUMNS = ("text", "what", "from", "cited")
_NOT_TOLD, _GOES_ON = "not told", "goes on"
_LONGEST_TEXT = 60
_PERHAPS = {True: "perhaps a cancer drug", False: "not for this cancer", None: "drug"}


def drug_rows(exposures: tuple[Exposure, ...], cite: Cite, knowledge: Knowledge) -> Iterator[Row]:
    """One row for a course; doses of one drug with the same proof and reason are one row until a break of the treatment."""
    longest_break = knowledge.line_rules.days("gap_hi")
    said = knowledge.codes.said
    rows: list[tuple[int, str, Row]] = []
    for _, same in groupby(sorted(exposures, key=lambda it: (_alike(it), ordinal(it.start))), _alike):
        doses = list(same)
        for group in _unbroken(doses, longest_break) if doses[0].is_single_dose else [[it] for it in doses]:
            first, last = group[0], group[-1]
            end = day_cell(last.end) or (_GOES_ON if last.is_open else _NOT_TOLD)
            row = (
                first.agent if first.trial is None else f"{first.agent} ({first.trial})",
                day_cell(first.start) or _NOT_TOLD,
                end,
                joined(
                    _shape(first, len(group)),
                    first.route,
                    first.proof.value,
                    None if first.is_date_certain else "a date only in words",
                ),
                said(first.stopped_for.value) if first.stopped_for else "",
                joined(first.intent.value if first.intent else None, _disease(first)),
                cite(tuple(ref for it in group for ref in it.evidence)),
            )
            rows.append((ordinal(first.start), first.agent, row))
    yield from (row for _, _, row in sorted(rows))


def other_drug_rows(
    drugs: tuple[CoMedication, ...], cite: Cite, knowledge: Knowledge, reasons: Mapping[ResourceRef, str]
) -> Iterator[Row]:
    """One row for a drug: from its first record to its last, and what it is for in the words of the record."""
    by_drug = sorted(drugs, key=lambda it: (it.name, ordinal(it.start)))
    for name, same in groupby(by_drug, lambda it: it.name):
        records = list(same)
        ends = [it.end for it in records if it.end is not None]
        last = max(ends, key=ordinal, default=None)
        refs = tuple(dict.fromkeys(ref for it in records for ref in it.evidence))
        classes = dict.fromkeys(acts for it in records for acts in it.classes)
        yield (
            name,
            ", ".join(map(knowledge.codes.said, classes)) or "no interaction listed here",
            next((day_cell(it.start) for it in records if it.start is not None), _NOT_TOLD),
            _GOES_ON if any(it.is_current for it in records) else day_cell(last) or _NOT_TOLD,
            ", ".join(dict.fromkeys(filter(None, (reasons.get(ref) for ref in refs)))),
            cite(refs),
        )


def unmapped_rows(names: tuple[Unmapped, ...], cite: Cite) -> Iterator[Row]:
    """One row for a name, however often it was sent."""
    for text, same in groupby(sorted(names, key=lambda it: it.text), lambda it: it.text):
        records = list(same)
        perhaps = {it.may_be_cancer_drug for it in records}
        what = _PERHAPS[True if True in perhaps else None if None in perhaps else False]
        starts = [it.start for it in records if it.start is not None]
        refs = tuple(dict.fromkeys(ref for it in records for ref in it.evidence))
        yield text[:_LONGEST_TEXT], what, day_cell(min(starts, key=ordinal, default=None)), cite(refs)


def _shape(first: Exposure, count: int) -> str:
    if not first.is_single_dose:
        return "course"
    word = "supply" if first.proof is Proof.DISPENSED else "dose"
    return f"1 {word}" if count == 1 else f"{count} {'supplies' if word == 'supply' else 'doses'}"


def _unbroken(doses: list[Exposure], longest_break: int) -> Iterator[list[Exposure]]:
    """Doses in the order of their days, parted where more days than the longest break lie between two."""
    group: list[Exposure] = []
    for it in doses:
        if group and ordinal(it.start) - ordinal(group[-1].start) > longest_break:
            yield group
            group = []
        group.append(it)
    yield group


def _disease(it: Exposure) -> str | None:
    """The disease that a drug was given for, where it is not the one that this is all about."""
    is_other = it.given_for is not None and it.given_for is not GivenFor.BREAST_CANCER
    return it.given_for.value.replace("-", " ") if it.given_for is not None and is_other else None


def _alike(it: Exposure) -> tuple[str, ...]:
    """What doses have in common that stand in one row."""
    parts = (it.agent, it.is_single_dose, it.proof, it.stopped_for, it.intent, it.given_for, it.route)
    return tuple(str(part) for part in parts)
