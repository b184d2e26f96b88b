"""Patients drawn by hand, for tests of facts, criteria, verdicts and order: no FHIR, no line rules."""

from __future__ import annotations

from datetime import date
from functools import cache
from typing import Any

import msgspec

from cdshooks.knowledge.ids import AgentId, FactId, LineRuleId, ResourceRef
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.lines.model import (
    AgentUse,
    Confidence,
    Counts,
    Dated,
    EndReason,
    LineHistory,
    LineOfTherapy,
    Setting,
)
from cdshooks.options.assess import assess_options
from cdshooks.options.case import Case
from cdshooks.options.facts import derive_facts
from cdshooks.options.model import Advice, Option
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import (
    Certainty,
    CnsState,
    CoMedication,
    Diagnosis,
    Measurement,
    Metastasis,
    PatientRecord,
    Person,
    ReceptorResult,
    Toxicity,
    Wish,
)

TODAY = date(2026, 11, 22)


@cache
def shipped() -> Knowledge:
    """The shipped knowledge, loaded once for all tests."""
    return load_knowledge()


def day(text: str | None) -> PartialDate | None:
    """A date as FHIR writes it; nothing for none."""
    return PartialDate.from_fhir(text) if text else None


def ref(name: str) -> tuple[ResourceRef, ...]:
    """Evidence of this name."""
    return (ResourceRef(f"Observation/{name}"),)


def rows(table: str) -> list[dict[str, str]]:
    """The rows of a drawn table."""
    lines = [[cell.strip() for cell in line.split("|")] for line in table.strip().splitlines()]
    return [dict(zip(lines[0], line, strict=True)) for line in lines[1:]]


def measured(fact: str, value: float | None, when: str = "2026-11-10", **more: Any) -> Measurement:
    """A measurement in the unit of its fact."""
    definition = shipped().facts.get(FactId(fact))
    unit = (definition.unit if definition else None) or ""
    return Measurement(fact=fact, value=value, unit=unit, date=day(when), evidence=ref(fact), **more)


def receptor(marker: str, status: str, when: str = "2026-10-01", **more: Any) -> ReceptorResult:
    """A receptor result of a metastasis, unless said otherwise."""
    plain: dict[str, Any] = {
        "detail": "",
        "is_metastasis": True,
        "site": None,
        "laterality": None,
        "percent": None,
        "ihc": None,
        "ish": None,
        "is_preliminary": False,
        "lab": None,
    }
    return ReceptorResult(
        marker=marker, status=status, date=day(when), evidence=ref(f"{marker}-{status}-{when}"), **(plain | more)
    )


def toxicity(kind: str, grade: int | None = None, agent: str | None = None, **more: Any) -> Toxicity:
    """A toxicity that goes on, unless said otherwise."""
    plain: dict[str, Any] = {
        "start": day("2026-05-01"),
        "end": None,
        "is_resolved": None,
        "is_symptomatic": None,
        "certainty": Certainty.CONFIRMED,
    }
    return Toxicity(
        kind=kind, grade=grade, agent=AgentId(agent) if agent else None, evidence=ref(kind), **(plain | more)
    )


def illness(concept: str, category: str = "comorbidity", when: str | None = "2026-01-01", **more: Any) -> Diagnosis:
    """An illness that is active, unless said otherwise."""
    plain: dict[str, Any] = {"is_onset": True, "end": None, "is_active": True, "certainty": Certainty.CONFIRMED}
    return Diagnosis(concept=concept, category=category, start=day(when), evidence=ref(concept), **(plain | more))


def brain(state: str, when: str = "2026-10-15", **more: Any) -> CnsState:
    """The state of the brain."""
    plain: dict[str, Any] = {
        "is_treated": None,
        "is_known_absent": state == "none",
        "leptomeningeal": None,
        "largest_lesion_mm": None,
        "last_mri": day(when),
        "because": "",
    }
    return CnsState(state=state, date=day(when), evidence=ref("cns"), **(plain | more))


def comed(*classes: str) -> CoMedication:
    """Another drug in use, of these interaction classes."""
    return CoMedication(
        name="other drug", classes=classes, is_current=True, start=day("2026-01-01"), end=None, evidence=ref("comed")
    )


def wish(name: str) -> Wish:
    """A wish."""
    return Wish(wish=name, date=day("2026-11-01"), evidence=ref(name))


FIT: dict[str, tuple[Any, ...]] = {
    "measurements": (
        measured("lvef_percent", 62.0),
        measured("ecog", 1.0),
        measured("anc", 3.0),
        measured("platelets", 220.0),
        measured("hemoglobin", 12.0),
        measured("bilirubin", 0.6, times_upper_limit=0.5),
        measured("ast", 22.0, times_upper_limit=0.6),
        measured("alt", 24.0, times_upper_limit=0.6),
        measured("alp", 80.0, times_upper_limit=0.7),
        measured("crcl", 92.0),
    ),
    "receptors": (receptor("her2", "positive"), receptor("er", "negative"), receptor("pr", "negative")),
    "metastases": (
        Metastasis(
            site="liver",
            date=day("2023-01-10"),
            basis="condition-onset",
            certainty=Certainty.CONFIRMED,
            evidence=ref("liver"),
        ),
    ),
}
"""A patient with nothing against any drug, as far as the record tells."""


def patient(**members: Any) -> PatientRecord:
    """A record with these members in place of those of the fit patient."""
    base: dict[str, Any] = {
        "person": Person(
            id="p1",
            birth=day("1968-04-02"),
            sex="female",
            is_deceased=False,
            is_replaced=False,
            postal_code=None,
            country=None,
        ),
        "cns": brain("none"),
        **FIT,
    }
    return PatientRecord(**(base | members))


def but(*measurements: Measurement) -> tuple[Measurement, ...]:
    """The fit patient's measurements with these in place of those of the same name."""
    names = {it.fact for it in measurements}
    return (*(it for it in FIT["measurements"] if it.fact not in names), *measurements)


def history(table: str = "", *, is_at_least: bool = False) -> LineHistory:
    """Lines from a table: ``line | agents | start | end | ended``; a line "early" is one for early disease."""
    uses: list[AgentUse] = []
    lines: list[LineOfTherapy] = []
    early: list[LineOfTherapy] = []
    for row in rows(table) if table.strip() else []:
        number = None if row["line"] == "early" else int(row["line"])
        setting = Setting.ADJUVANT if number is None else Setting.METASTATIC
        agents = tuple(sorted(AgentId(it.strip()) for it in row["agents"].split(",")))
        start, end = day(row["start"]), day(row["end"])
        assert start is not None
        reason = EndReason(row["ended"]) if row["ended"] else EndReason.ONGOING
        evidence = ref(f"line-{row['line']}")
        uses += [
            AgentUse(agent=agent, setting=setting, line=number, start=start, end=end, outcome=reason, evidence=evidence)
            for agent in agents
        ]
        built = LineOfTherapy(
            number=number,
            setting=setting,
            agents=agents,
            maintenance_agents=(),
            regimen_id=None,
            start=start,
            end=end,
            end_reason=reason,
            opened_by=LineRuleId("R9-new-agent"),
            closed_by=None,
            confidence=Confidence.HIGH,
            courses=(),
            evidence=evidence,
        )
        (early if number is None else lines).append(built)
    by_line: dict[int | None, list[AgentUse]] = {}
    for use in uses:
        by_line.setdefault(use.line, []).append(use)
    her2 = sum(
        any(
            shipped().drugs.class_of(it.agent).startswith("her2") or shipped().drugs.class_of(it.agent) == "bispecific"
            for it in by_line[line.number]
        )
        for line in lines
    )
    current = next((it.number for it in lines if it.end_reason is EndReason.ONGOING), None)
    since = day("2023-01-10")
    assert since is not None
    return LineHistory(
        metastatic_since=Dated(date=since, basis="condition-onset", is_inferred=False, evidence=ref("liver")),
        counts=Counts(
            metastatic_lines=len(lines),
            min=len(lines),
            max=len(lines),
            anti_her2_regimens_metastatic=her2,
            effective_lines=len(lines),
            is_at_least=is_at_least,
        ),
        alternatives=(),
        confidence=Confidence.HIGH,
        confidence_because=(),
        lines=tuple(lines),
        early=tuple(early),
        next_line=len(lines) + 1,
        current=current,
        uses=tuple(uses),
        early_relapse=None,
        firings=(),
    )


THREE_LINES = """
line | agents                               | start      | end        | ended
1    | docetaxel, pertuzumab, trastuzumab   | 2023-02-01 | 2024-02-01 | progression
2    | trastuzumab deruxtecan               | 2024-02-15 | 2025-08-01 | progression
3    | trastuzumab emtansine                | 2025-08-15 | 2026-10-20 | progression
"""
NAIVE_TO_TDXD = """
line | agents                               | start      | end        | ended
1    | pertuzumab, trastuzumab              | 2023-02-01 | 2024-02-01 | progression
2    | trastuzumab emtansine                | 2024-02-15 | 2025-08-01 | progression
3    | trastuzumab, vinorelbine             | 2025-08-15 | 2026-10-20 | progression
"""


def case_of(
    record: PatientRecord | None = None,
    lines: LineHistory | None = None,
    knowledge: Knowledge | None = None,
    jurisdiction: str = "US",
) -> Case:
    """A case on the day of the tests."""
    known = knowledge or shipped()
    told = record or patient()
    had = lines or history()
    facts = derive_facts(told, had, known, as_of=TODAY)
    return Case(record=told, lines=had, facts=facts, knowledge=known, as_of=TODAY, jurisdiction=jurisdiction)


def advice_of(
    record: PatientRecord | None = None,
    lines: LineHistory | None = None,
    *,
    jurisdiction: str = "US",
    orders: tuple[Any, ...] = (),
    beside: frozenset[AgentId] = frozenset(),
    knowledge: Knowledge | None = None,
) -> Advice:
    """Advice on the day of the tests."""
    return assess_options(
        record or patient(),
        lines or history(THREE_LINES),
        knowledge or shipped(),
        as_of=TODAY,
        jurisdiction=jurisdiction,
        orders=orders,
        beside=beside,
    )


def options_of(advice: Advice) -> dict[str, Option]:
    """The options by id."""
    return {str(it.id): it for it in advice.options}


def verdicts_of(*args: Any, **more: Any) -> dict[str, str]:
    """Verdict by regimen."""
    return {str(it.id): it.verdict.value for it in advice_of(*args, **more).options}


class FakeOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An order being placed."""

    ref: ResourceRef
    agents: tuple[AgentId, ...]
    is_medication: bool = True


def order(*agents: str, is_medication: bool = True) -> FakeOrder:
    """An order of these drugs."""
    name = agents[0].replace(" ", "-") if agents else "none"
    return FakeOrder(
        ref=ResourceRef(f"MedicationRequest/{name}"),
        agents=tuple(AgentId(it) for it in agents),
        is_medication=is_medication,
    )
