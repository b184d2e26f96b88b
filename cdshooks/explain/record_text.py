"""The patient record as tables for people: every value with its date and the resource that says it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import groupby

from rich.columns import Columns
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdshooks.explain.unused import Unused
from cdshooks.knowledge.ids import FactId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.sentences import METASTATIC_BASIS
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Exposure, GivenFor, Measurement, PatientRecord

_MOST_REFERENCES = 4
_MOST_EARLIER = 5
Row = Sequence[str]
Cite = Callable[[tuple[str, ...]], str]


def print_record(record: PatientRecord, knowledge: Knowledge, console: Console) -> None:
    """Print each part of the record that says something; parts that say nothing are named in one line."""
    silent: list[str] = []
    references = _References()
    for title, columns, rows, note in _parts(record, knowledge, references.cite):
        told = list(rows)
        if not told:
            silent.append(title.casefold())
            continue
        console.print()
        console.print(Text(title, style="bold"))
        if note:
            console.print(Text(note, style="dim"))
        table = Table(box=None, pad_edge=False)
        for column in columns:
            table.add_column(column, overflow="fold")
        for row in told:
            table.add_row(*(Text(cell) for cell in row))
        console.print(table)
    if references.numbers:
        console.print()
        console.print(Text("Resources cited", style="bold"))
        console.print(Columns([Text(f"{number} {ref}") for ref, number in references.numbers.items()], padding=(0, 2)))
    if silent:
        console.print()
        console.print(f"Nothing on record: {', '.join(silent)}", markup=False)


def print_unused(unused: tuple[Unused, ...], console: Console) -> None:
    """Print what was received and not used, the same things together."""
    if not unused:
        return
    console.print()
    console.print(Text("Received, and nothing concluded from it", style="bold"))
    table = Table("resource", "what it is", "how many", box=None, pad_edge=False)
    named = lambda it: (it.resource.partition("/")[0].partition("?")[0], it.what, it.withdrawn or "")  # noqa: E731 - one key
    for (kind, what, withdrawn), same in groupby(sorted(unused, key=named), named):
        table.add_row(Text(kind), Text(f"{what} ({withdrawn})" if withdrawn else what), str(len(list(same))))
    console.print(table)


def _parts(
    record: PatientRecord, knowledge: Knowledge, cite: Cite
) -> Iterator[tuple[str, Row, Iterable[Row], str | None]]:
    dated = ("from", "to")
    in_force = knowledge.facts[FactId("her2")].notes
    yield (
        "Cancer drugs taken",
        ("drug", *dated, "record", "stopped for", "meant for", "cited"),
        _drugs(record.exposures, cite, knowledge),
        None,
    )
    yield (
        "Ordered or planned, not counted",
        ("drug", *dated, "record", "stopped for", "meant for", "cited"),
        _drugs(record.planned, cite, knowledge),
        None,
    )
    yield (
        "Drugs for another disease",
        ("drug", *dated, "record", "stopped for", "meant for", "cited"),
        _drugs(record.other_cancer_drugs, cite, knowledge),
        None,
    )
    yield (
        "Protocol names (suggested only)",
        ("name", "may mean", "date", "cited"),
        ((it.protocol, it.told, _day(it.date), cite(it.evidence)) for it in record.suggested),
        None,
    )
    yield (
        "Not recognised",
        ("text", "what", "cited"),
        ((it.text[:60], it.what, cite(it.evidence)) for it in record.unmapped),
        None,
    )
    yield (
        "Receptors",
        ("date", "receptor", "status", "by", "specimen", "cited"),
        (
            (
                _day(it.date),
                it.marker.upper(),
                it.status + (" (preliminary)" if it.is_preliminary else ""),
                it.detail,
                _joined(
                    it.laterality, it.site, {True: "metastasis", False: "primary", None: None}[it.is_metastasis], it.lab
                ),
                cite(it.evidence),
            )
            for it in record.receptors
        ),
        in_force,
    )
    yield (
        "Genes and other markers",
        ("date", "marker", "result", "origin", "cited"),
        (
            (
                _day(it.date),
                it.marker,
                _joined(
                    it.value if it.value != "measured" else None,
                    f"{it.number:g} {it.unit or ''}".strip() if it.number is not None else None,
                ),
                {True: "germline", False: "somatic", None: ""}[it.is_germline],
                cite(it.evidence),
            )
            for it in record.biomarkers
        ),
        None,
    )
    yield (
        "Metastases",
        ("date", "site", "rests on", "certainty", "cited"),
        (
            (_day(it.date), it.site, METASTATIC_BASIS[it.basis], it.certainty.value, cite(it.evidence))
            for it in record.metastases
        ),
        None,
    )
    yield (
        "Disease status",
        ("date", "says", "of", "cited"),
        ((_day(it.date), it.trend, it.focus, cite(it.evidence)) for it in record.statuses),
        None,
    )
    yield (
        "Brain and meninges",
        ("state", "date", "because", "last MRI", "cited"),
        (
            (it.state, _day(it.date), it.because, _day(it.last_mri), cite(it.evidence))
            for it in ([record.cns] if record.cns is not None else [])
        ),
        None,
    )
    yield (
        "Surgery and radiotherapy",
        ("date", "what", "where", "cited"),
        (
            (_day(it.date), it.kind + (" (planned)" if it.is_planned else ""), it.site or "", cite(it.evidence))
            for it in record.local_therapies
        ),
        None,
    )
    yield (
        "Diagnoses",
        ("diagnosis", "from", "to", "state", "cited"),
        (
            (
                it.concept,
                _day(it.start) + ("" if it.is_onset or it.start is None else " (recorded)"),
                _day(it.end),
                _joined(
                    it.certainty.value, it.laterality, {True: "active", False: "not active", None: None}[it.is_active]
                ),
                cite(it.evidence),
            )
            for it in record.diagnoses
        ),
        None,
    )
    yield (
        "Adverse effects",
        ("what", "grade", "blamed on", "from", "to", "state", "cited"),
        (
            (
                it.kind,
                str(it.grade) if it.grade is not None else "not graded",
                it.agent or "nothing named",
                _day(it.start),
                _day(it.end),
                _joined(
                    it.certainty.value if it.certainty.value != "confirmed" else None,
                    {True: "resolved", False: "not resolved", None: "resolution not told"}[it.is_resolved],
                ),
                cite(it.evidence),
            )
            for it in record.toxicities
        ),
        None,
    )
    yield (
        "Measurements",
        ("what", "newest", "date", "by", "earlier", "cited"),
        _measured(record.measurements, knowledge, cite),
        None,
    )
    yield (
        "Other drugs that may interact",
        ("drug", "acts as", *dated, "now", "cited"),
        (
            (
                it.name,
                ", ".join(it.classes),
                _day(it.start),
                _day(it.end),
                "yes" if it.is_current else "no",
                cite(it.evidence),
            )
            for it in record.comedications
        ),
        None,
    )
    yield (
        "Wishes",
        ("wish", "date", "cited"),
        ((it.wish, _day(it.date), cite(it.evidence)) for it in record.wishes),
        None,
    )
    yield (
        "Said of the patient",
        ("about", "says", "date", "cited"),
        ((it.about, it.value, _day(it.date), cite(it.evidence)) for it in record.statements),
        None,
    )
    yield (
        "Line numbers of other systems (not taken over)",
        ("line", "date", "cited"),
        ((str(it.number), _day(it.start), cite(it.evidence)) for it in record.stated_lines),
        None,
    )


def _drugs(exposures: tuple[Exposure, ...], cite: Cite, knowledge: Knowledge) -> Iterator[Row]:
    """One row for a course; doses of one drug with the same proof and reason are one row until a break of the treatment."""
    longest_break = knowledge.line_rules.days("gap_hi")
    rows: list[tuple[int, str, Row]] = []
    for _, same in groupby(sorted(exposures, key=lambda it: (_alike(it), _ordinal(it.start))), _alike):
        doses = list(same)
        for group in _unbroken(doses, longest_break) if doses[0].is_single_dose else [[it] for it in doses]:
            first, last = group[0], group[-1]
            shape = ("1 dose" if len(group) == 1 else f"{len(group)} doses") if first.is_single_dose else "course"
            end = _day(last.end) or ("goes on" if last.is_open else "not told")
            start = _day(first.start) or "not told"
            row = (
                first.agent if first.trial is None else f"{first.agent} ({first.trial})",
                start,
                end,
                _joined(
                    shape, first.route, first.proof.value, None if first.is_date_certain else "a date only in words"
                ),
                first.stopped_for.value if first.stopped_for else "",
                _joined(first.intent.value if first.intent else None, _disease(first)),
                cite(tuple(ref for it in group for ref in it.evidence)),
            )
            rows.append((_ordinal(first.start), first.agent, row))
    yield from (row for _, _, row in sorted(rows))


def _unbroken(doses: list[Exposure], longest_break: int) -> Iterator[list[Exposure]]:
    """Doses in the order of their days, parted where more days than the longest break lie between two."""
    group: list[Exposure] = []
    for it in doses:
        if group and _ordinal(it.start) - _ordinal(group[-1].start) > longest_break:
            yield group
            group = []
        group.append(it)
    yield group


def _disease(it: Exposure) -> str | None:
    """The disease that a drug was given for, where it is not the one that this is all about."""
    is_other = it.given_for is not None and it.given_for is not GivenFor.BREAST_CANCER
    return it.given_for.value if it.given_for is not None and is_other else None


def _alike(it: Exposure) -> tuple[str, ...]:
    """What doses have in common that stand in one row."""
    parts = (it.agent, it.is_single_dose, it.proof, it.stopped_for, it.intent, it.given_for, it.route)
    return tuple(str(part) for part in parts)


def _measured(measurements: tuple[Measurement, ...], knowledge: Knowledge, cite: Cite) -> Iterator[Row]:
    """One row for what was measured: the newest value, and the earlier ones with the lowest of LVEF."""
    for fact, same in groupby(sorted(measurements, key=lambda it: (it.fact, _ordinal(it.date))), lambda it: it.fact):
        values = list(same)
        newest, earlier = values[-1], values[-2::-1]
        measure = knowledge.measures.by_fact.get(fact)
        told = ", ".join(f"{_value(it)} ({_day(it.date) or 'no date'})" for it in earlier[:_MOST_EARLIER])
        more = len(earlier) - _MOST_EARLIER
        yield (
            measure.label if measure is not None else fact,
            _value(newest, with_unit=True) + (" (preliminary)" if newest.is_preliminary else ""),
            _day(newest.date),
            newest.method or "",
            told + (f" and {more} more" if more > 0 else ""),
            cite(newest.evidence),
        )


def _value(it: Measurement, *, with_unit: bool = False) -> str:
    number = f"{it.value:g}" if it.value is not None else f"{it.low or 0:g}-{it.high or 0:g}"
    unit = "" if not with_unit or it.unit.startswith("{") or it.unit == "1" else f" {it.unit}"
    limit = f" ({it.times_upper_limit:g} x upper limit)" if with_unit and it.times_upper_limit is not None else ""
    return f"{it.comparator or ''}{number}{unit}{limit}"


def _ordinal(day: PartialDate | None) -> int:
    return day.first.toordinal() if day is not None else 0


def _day(day: PartialDate | None) -> str:
    return str(day) if day is not None else ""


def _joined(*parts: str | None) -> str:
    return ", ".join(part for part in parts if part)


class _References:
    """Numbers for the resources that rows rest on, given in the order of their first use."""

    def __init__(self) -> None:
        self.numbers: dict[str, int] = {}

    def cite(self, evidence: tuple[str, ...]) -> str:
        """The numbers of the first few resources, and how many more there are."""
        shown = [str(self.numbers.setdefault(ref, len(self.numbers) + 1)) for ref in evidence[:_MOST_REFERENCES]]
        more = len(evidence) - _MOST_REFERENCES
        return ", ".join(shown) + (f" +{more}" if more > 0 else "")
