"""A patient's treatment drawn as a table, read into the record that the line rules work on."""

from __future__ import annotations

from datetime import date
from functools import cache

from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.lines.history import build_line_history
from cdshooks.lines.model import LineHistory, LineOfTherapy
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import (
    Certainty,
    DiseaseStatus,
    Exposure,
    LocalTherapy,
    Metastasis,
    PatientRecord,
    Person,
    Proof,
    StopReason,
    Toxicity,
    TreatmentIntent,
)

TODAY = date(2026, 11, 22)
_NOBODY = Person(id="drawn", birth=None, sex=None, is_deceased=False, is_replaced=False, postal_code=None, country=None)


@cache
def shipped() -> Knowledge:
    return load_knowledge()


def day(text: str) -> PartialDate:
    return PartialDate.from_fhir(text)


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a drawn table; the first line names the columns."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def exposure(index: int, row: dict[str, str]) -> Exposure:
    """One row: no end is a drug that goes on; ``as`` says how it is proven, ``for`` with what intent."""
    end = row.get("end", "")
    stopped = row.get("stopped for", "")
    intent = row.get("for", "")
    return Exposure(
        agent=AgentId(row["agent"]),
        start=day(row["start"]) if row["start"] else None,
        end=day(end) if end else None,
        is_open=not end and bool(row["start"]),
        is_single_dose=bool(end) and end == row["start"],
        proof=Proof(row.get("as") or "given"),
        stopped_for=StopReason(stopped.replace(" ", "_")) if stopped else None,
        intent=TreatmentIntent(intent) if intent else None,
        evidence=(ResourceRef(f"MedicationAdministration/{index}"),),
    )


def record_of(
    table: str,
    *,
    metastatic: str | None = "first",
    basis: str = "condition-onset",
    progression: tuple[str, ...] = (),
    brain_progression: tuple[str, ...] = (),
    surgery: tuple[str, ...] = (),
    toxicity: tuple[tuple[str, str, int], ...] = (),
) -> PatientRecord:
    """The record of a table. ``metastatic`` is a date, None for never, ``first`` for the day of the first drug."""
    given = tuple(exposure(index, row) for index, row in enumerate(rows(table)))
    starts = [it.start for it in given if it.start is not None]
    since = min(starts, key=lambda it: it.first) if metastatic == "first" else metastatic and day(metastatic)
    return PatientRecord(
        person=_NOBODY,
        exposures=given,
        metastases=(
            Metastasis(
                site="liver",
                date=since,
                basis=basis,
                certainty=Certainty.CONFIRMED,
                evidence=(ResourceRef("Condition/met"),),
            ),
        )
        if since
        else (),
        statuses=tuple(
            DiseaseStatus(
                trend="progression", focus=focus, date=day(when), evidence=(ResourceRef(f"Observation/pd-{when}"),)
            )
            for focus, known in (("overall", progression), ("brain", brain_progression))
            for when in known
        ),
        local_therapies=tuple(
            LocalTherapy(
                kind="mastectomy",
                site="breast",
                date=day(when),
                is_planned=False,
                evidence=(ResourceRef(f"Procedure/{when}"),),
            )
            for when in surgery
        ),
        toxicities=tuple(
            Toxicity(
                kind="neuropathy",
                grade=grade,
                agent=AgentId(agent),
                start=day(when),
                end=None,
                is_resolved=None,
                is_symptomatic=None,
                certainty=Certainty.CONFIRMED,
                evidence=(ResourceRef(f"AdverseEvent/{when}"),),
            )
            for agent, when, grade in toxicity
        ),
    )


def history_of(record: PatientRecord, *, as_of: date = TODAY) -> LineHistory:
    return build_line_history(record, shipped(), as_of=as_of)


def cell(line: LineOfTherapy, column: str) -> str:
    """What a line says under the heading of a drawn table."""
    return {
        "line": str(line.number) if line.number is not None else line.setting.value,
        "agents": ", ".join(line.agents),
        "start": line.start.as_fhir(),
        "end": line.end.as_fhir() if line.end is not None else "",
        "reason": line.end_reason.value,
        "opened by": line.opened_by,
        "closed by": line.closed_by or "",
        "regimen": line.regimen_id or "",
        "maintenance": ", ".join(line.maintenance_agents),
        "confidence": line.confidence.value,
    }[column]


def drawn(history: LineHistory, columns: tuple[str, ...]) -> list[dict[str, str]]:
    """The early regimens, then the lines, under the given headings."""
    return [{column: cell(line, column) for column in columns} for line in (*history.early, *history.lines)]
