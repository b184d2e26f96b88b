"""The patient record as tables for people: every value with its date and the resource that says it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import groupby

from rich.console import Console
from rich.text import Text

from cdshooks.explain.cells import (
    Cite,
    References,
    Row,
    day_cell,
    joined,
    number_cell,
    ordinal,
    print_table,
    unit_cell,
    value_cell,
)
from cdshooks.explain.drugs_text import (
    DRUG_COLUMNS,
    OTHER_DRUG_COLUMNS,
    UNMAPPED_COLUMNS,
    drug_rows,
    other_drug_rows,
    unmapped_rows,
)
from cdshooks.explain.unused import Received
from cdshooks.knowledge.ids import FactId, ResourceRef
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.sentences import METASTATIC_BASIS
from cdshooks.options.deriving.disease import receptors_in_force
from cdshooks.options.model import Advice
from cdshooks.record.model import CnsState, Measurement, PatientRecord, Toxicity

_MOST_EARLIER = 5
_DOSES = (
    "Of drugs given dose by dose, the days of the first and the last dose. A line goes on until the cycle of its last dose "
    "is over, so it may end later."
)
_NO_HARM = frozenset({"dpd_deficiency"})
"""Kinds of toxicity that are an illness which makes a drug harmful, and no harm that a drug has done."""
Part = tuple[str, Row, Iterable[Row]]


def print_record(
    advice: Advice, knowledge: Knowledge, console: Console, received: Received, references: References
) -> None:
    """Print each part of the record that says something; parts that say nothing are named in one line."""
    silent: list[str] = []
    notes = {"Cancer drugs taken": _DOSES, "Receptors": knowledge.facts[FactId("her2")].notes}
    for title, columns, rows in _parts(advice, knowledge, references.cite, received):
        told = _each_once(rows)
        if not told:
            silent.append(title.casefold())
            continue
        console.print()
        console.print(Text(title, style="bold"))
        if notes.get(title):
            console.print(Text(notes[title] or "", style="dim"))
        print_table(columns, told, console)
    if silent:
        console.print()
        console.print(f"Nothing on record: {'; '.join(silent)}", markup=False)


def _each_once(rows: Iterable[Row]) -> list[Row]:
    """Rows that say the same as one, with the resources of all."""
    told: dict[tuple[str, ...], list[str]] = {}
    for *cells, cited in rows:
        told.setdefault(tuple(cells), []).append(cited)
    return [(*cells, ", ".join(dict.fromkeys(cited))) for cells, cited in told.items()]


def _parts(advice: Advice, knowledge: Knowledge, cite: Cite, received: Received) -> Iterator[Part]:
    record = advice.record
    yield "Cancer drugs taken", DRUG_COLUMNS, drug_rows(record.exposures, cite, knowledge)
    yield "Ordered or planned, not counted", DRUG_COLUMNS, drug_rows(record.planned, cite, knowledge)
    yield "Cancer drugs for another disease", DRUG_COLUMNS, drug_rows(record.other_cancer_drugs, cite, knowledge)
    yield (
        "Protocol names (suggested only)",
        ("name", "may mean", "date", "cited"),
        ((it.protocol, it.told, day_cell(it.date), cite(it.evidence)) for it in record.suggested),
    )
    yield "Drug names not recognised", UNMAPPED_COLUMNS, unmapped_rows(record.unmapped, cite)
    yield from _of_the_tumor(advice, knowledge, cite)
    yield from _of_the_disease(record, knowledge, cite, received)
    yield from _of_the_patient(record, knowledge, cite, received)


def _of_the_tumor(advice: Advice, knowledge: Knowledge, cite: Cite) -> Iterator[Part]:
    record, said = advice.record, knowledge.codes.said
    counting = receptors_in_force(record, knowledge.receptors, advice.as_of)
    yield (
        "Receptors",
        ("date", "receptor", "status", "by", "specimen", "in force", "cited"),
        (
            (
                day_cell(it.date),
                it.marker.upper(),
                it.status + (" (preliminary)" if it.is_preliminary else ""),
                it.detail,
                joined(
                    it.laterality,
                    said(it.site) if it.site else None,
                    {True: "metastasis", False: "primary", None: None}[it.is_metastasis],
                    it.lab,
                ),
                "yes" if it in counting[it.marker] else "",
                cite(it.evidence),
            )
            for it in record.receptors
        ),
    )
    yield (
        "Genes and other markers",
        ("date", "marker", "result", "origin", "cited"),
        (
            (
                day_cell(it.date),
                said(it.marker),
                joined(
                    said(it.value) if it.value != "measured" else None,
                    f"{number_cell(it.number)} {unit_cell(it.unit)}".strip() if it.number is not None else None,
                ),
                {True: "germline", False: "somatic", None: ""}[it.is_germline],
                cite(it.evidence),
            )
            for it in record.biomarkers
        ),
    )


def _of_the_disease(record: PatientRecord, knowledge: Knowledge, cite: Cite, received: Received) -> Iterator[Part]:
    said = knowledge.codes.said
    yield (
        "Metastases",
        ("date", "site", "rests on", "certainty", "cited"),
        (
            (day_cell(it.date), said(it.site), METASTATIC_BASIS[it.basis], it.certainty.value, cite(it.evidence))
            for it in record.metastases
        ),
    )
    yield (
        "Disease status",
        ("date", "says", "of", "cited"),
        ((day_cell(it.date), said(it.trend), said(it.focus), cite(it.evidence)) for it in record.statuses),
    )
    yield (
        "Brain and meninges",
        ("state", "date", "because", "last MRI", "cited"),
        (
            (
                joined(said(it.state), _lesion(it)),
                day_cell(it.date),
                it.because,
                day_cell(it.last_mri),
                cite(it.evidence),
            )
            for it in ([record.cns] if record.cns is not None else [])
        ),
    )
    yield (
        "Surgery and radiotherapy",
        ("from", "to", "what", "where", "written as", "cited"),
        (
            (
                day_cell(it.date),
                day_cell(it.end),
                said(it.kind) + (" (planned)" if it.is_planned else ""),
                said(it.site) if it.site else "",
                _written(it.evidence, received),
                cite(it.evidence),
            )
            for it in record.local_therapies
        ),
    )
    yield (
        "Diagnoses",
        ("diagnosis", "from", "to", "state", "written as", "cited"),
        (
            (
                said(it.concept),
                day_cell(it.start) + ("" if it.is_onset or it.start is None else " (recorded)"),
                day_cell(it.end),
                joined(
                    it.certainty.value, it.laterality, {True: "active", False: "not active", None: None}[it.is_active]
                ),
                _written(it.evidence, received),
                cite(it.evidence),
            )
            for it in record.diagnoses
        ),
    )


def _lesion(state: CnsState) -> str | None:
    return None if state.largest_lesion_mm is None else f"largest lesion {number_cell(state.largest_lesion_mm)} mm"


def _of_the_patient(record: PatientRecord, knowledge: Knowledge, cite: Cite, received: Received) -> Iterator[Part]:
    said = knowledge.codes.said
    yield (
        "Adverse effects",
        ("what", "grade", "blamed on", "from", "to", "state", "written as", "cited"),
        (
            (
                said(it.kind),
                str(it.grade) if it.grade is not None else "not graded",
                it.agent or _blamed(it, received),
                day_cell(it.start),
                day_cell(it.end),
                joined(
                    it.certainty.value if it.certainty.value != "confirmed" else None,
                    {True: "resolved", False: "not resolved", None: "resolution not told"}[it.is_resolved],
                ),
                _written(it.evidence, received),
                cite(it.evidence),
            )
            for it in record.toxicities
            if it.kind not in _NO_HARM
        ),
    )
    yield (
        "Measurements",
        ("what", "newest", "date", "by", "earlier", "cited"),
        _measured(_not_told_as_markers(record), knowledge, cite),
    )
    yield (
        "Other drugs, and what they may do",
        OTHER_DRUG_COLUMNS,
        other_drug_rows(record.comedications, cite, knowledge, received.reasons),
    )
    yield (
        "Wishes",
        ("wish", "date", "cited"),
        ((said(it.wish), day_cell(it.date), cite(it.evidence)) for it in record.wishes),
    )
    yield (
        "Said of the patient",
        ("about", "says", "date", "cited"),
        ((said(it.about), said(it.value), day_cell(it.date), cite(it.evidence)) for it in record.statements),
    )
    yield (
        "Line numbers of other systems (not taken over)",
        ("line", "date", "cited"),
        ((str(it.number), day_cell(it.start), cite(it.evidence)) for it in record.stated_lines),
    )


def _blamed(it: Toxicity, received: Received) -> str:
    """An allergy names its substance by itself, if it is no cancer drug."""
    is_allergy = it.evidence[0].startswith("AllergyIntolerance/")
    return (_written(it.evidence, received) if is_allergy else "") or "no cancer drug named"


def _written(evidence: tuple[ResourceRef, ...], received: Received) -> str:
    """What the first resource behind a value calls itself: our word for it may be wider than what was written."""
    return next((received.names[it] for it in evidence if received.names.get(it)), "")


def _not_told_as_markers(record: PatientRecord) -> tuple[Measurement, ...]:
    """The measurements without the numbers of markers, which stand among the markers with what they mean."""
    told = {(it.marker, it.evidence) for it in record.biomarkers if it.number is not None}
    return tuple(it for it in record.measurements if (it.fact, it.evidence) not in told)


def _measured(measurements: tuple[Measurement, ...], knowledge: Knowledge, cite: Cite) -> Iterator[Row]:
    """One row for what was measured: the newest value and the earlier ones; the lowest ejection fraction is always told."""
    rows: list[Row] = []
    for fact, same in groupby(sorted(measurements, key=lambda it: (it.fact, ordinal(it.date))), lambda it: it.fact):
        values = list(same)
        newest, earlier = values[-1], values[-2::-1]
        measure = knowledge.measures.by_fact.get(fact)
        told = ", ".join(f"{value_cell(it)} ({day_cell(it.date) or 'no date'})" for it in earlier[:_MOST_EARLIER])
        more = len(earlier) - _MOST_EARLIER
        # criteria ask for multiples of the upper limit of a few tests only; of the others they say nothing
        value = value_cell(newest, with_unit=True, limits=FactId(f"{fact}_xuln") in knowledge.facts)
        hidden = [it for it in earlier[_MOST_EARLIER:] if it.value is not None]
        lowest = min(hidden, key=lambda it: it.value or 0, default=None) if fact == "lvef_percent" else None
        rows.append(
            (
                measure.label if measure is not None else knowledge.codes.said(fact),
                value + (" (preliminary)" if newest.is_preliminary else ""),
                day_cell(newest.date),
                newest.method or "",
                told
                + (f" and {more} more" if more > 0 else "")
                + (f", of these the lowest {value_cell(lowest)} ({day_cell(lowest.date)})" if lowest else ""),
                cite(newest.evidence),
            )
        )
    yield from sorted(rows, key=lambda it: it[0].casefold())
