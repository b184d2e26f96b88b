"""Facts about treatment so far: exposure, progression and toxicity kept apart, and the numbers of lines."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cdshooks.knowledge.ids import AgentId, FactId, ResourceRef
from cdshooks.lines.model import AgentUse, EndReason, Setting
from cdshooks.options.deriving.reader import FactValue, Source, newest_first
from cdshooks.options.model import Fact
from cdshooks.partial_date import PartialDate, latest


def derive_treatment_facts(source: Source, classes: Mapping[AgentId, frozenset[str]]) -> Iterator[Fact]:
    """Sets of drugs, the counts of lines, and what anthracycline has been given."""
    uses = source.lines.uses
    yield _agents(source, "agents", uses)
    yield _agents(source, "agents_metastatic", (it for it in uses if it.setting is Setting.METASTATIC))
    yield _agents(source, "agents_early", (it for it in uses if it.setting is not Setting.METASTATIC))
    yield _agents(source, "agents_current", (it for it in uses if it.outcome is EndReason.ONGOING))
    yield _agents(source, "agents_progressed", (it for it in uses if it.outcome is EndReason.PROGRESSION))
    yield _agents(source, "agents_stopped_for_toxicity", (it for it in uses if it.outcome is EndReason.TOXICITY))
    named = {name for use in uses for name in classes.get(use.agent, ())}
    yield source.fact(
        "classes", tuple(sorted(named)), evidence=[ref for it in uses if it.agent in classes for ref in it.evidence]
    )
    counts = source.lines.counts
    yield source.fact("metastatic_lines", counts.metastatic_lines)
    yield source.fact("metastatic_lines_min", counts.min)
    yield source.fact("metastatic_lines_max", counts.max)
    yield source.fact("finished_metastatic_lines", len(source.lines.finished))
    yield source.fact("anti_her2_regimens_metastatic", counts.anti_her2_regimens_metastatic)
    early_her2 = sum(
        any(name.startswith(_HER2) for agent in line.agents for name in classes.get(agent, ()))
        for line in source.lines.early
    )
    yield source.fact("anti_her2_regimens_any", counts.anti_her2_regimens_metastatic + early_her2)
    yield source.fact("effective_lines", counts.effective_lines)
    yield source.fact("next_line", source.lines.next_line)
    progression, told_by = last_progression(source)
    yield source.fact(
        "last_progression", progression.as_fhir() if progression else None, when=progression, evidence=told_by
    )
    for fact_id, reason in (("progressed_on_tdxd", EndReason.PROGRESSION), ("had_tdxd", None)):
        listed = frozenset(source.definitions[FactId(fact_id)].agents)
        found = [it for it in uses if it.agent in listed and (reason is None or it.outcome is reason)]
        yield source.fact(fact_id, bool(found), evidence=[ref for it in found for ref in it.evidence])
    relapse = source.lines.early_relapse
    days: FactValue = relapse.days.least if relapse and relapse.days.least == relapse.days.most else None
    yield source.fact("early_relapse_days", days, evidence=relapse.evidence if relapse else ())
    yield _cumulative_anthracycline(source, classes)
    yield _ovarian_suppression(source)


def _ovarian_suppression(source: Source) -> Fact:
    """Whether a drug that puts the ovaries to rest is running, or its last dose is not long ago; it counts in no line."""
    definition = source.definitions[FactId("ovarian_suppression")]
    today, within = PartialDate.from_day(source.as_of), definition.settings["within_days"]
    found = [
        it
        for it in source.record.exposures
        if it.agent in definition.agents
        and source.is_past(it.start)
        and (it.is_open or ((last := it.end or it.start) is not None and last.least_days_until(today) <= within))
    ]
    return source.fact("ovarian_suppression", bool(found), evidence=[ref for it in found for ref in it.evidence])


_HER2 = "her2-"
_ANTHRACYCLINE = "anthracycline"


def _agents(source: Source, fact_id: str, uses: Iterable[AgentUse]) -> Fact:
    found = tuple(uses)
    return source.fact(
        fact_id, tuple(sorted({it.agent for it in found})), evidence=[ref for it in found for ref in it.evidence]
    )


def last_progression(source: Source) -> tuple[PartialDate | None, tuple[ResourceRef, ...]]:
    """The latest day on which the record says that the disease progressed, with the records that say so.

    The end of a line stands for it only where no statement of progression was made since the line began: an infusion covers
    its cycle, so a line ends after the scan that ended it.
    """
    told = [
        (it.date, it.evidence)
        for it in source.record.statuses
        if it.trend == "progression" and it.date and source.is_past(it.date)
    ]
    told += [
        (it.end, it.evidence)
        for it in source.lines.lines
        if it.end_reason is EndReason.PROGRESSION
        and it.end
        and not any(said.last_day >= it.start.first_day for said, _ in told)
    ]
    newest = latest(tuple(day for day, _ in told))
    return newest, tuple(ref for day, evidence in told if day == newest for ref in evidence)


def _cumulative_anthracycline(source: Source, classes: Mapping[AgentId, frozenset[str]]) -> Fact:
    """The sum of doses known per body surface, as doxorubicin; unknown when any anthracycline has no dose."""
    definition = source.definitions[FactId("cum_doxorubicin_eq_mg_m2")]
    given = [
        it
        for it in source.record.exposures
        if (it.agent in definition.agents or _ANTHRACYCLINE in classes.get(it.agent, ())) and source.is_past(it.start)
    ]
    if not given:
        ever = any(_ANTHRACYCLINE in classes.get(use.agent, ()) for use in source.lines.uses)
        return source.fact("cum_doxorubicin_eq_mg_m2", None if ever else 0.0)
    doses = [it for it in given if it.is_single_dose] or given
    evidence = [ref for it in sorted(doses, key=lambda it: newest_first(it.start)) for ref in it.evidence]
    total = 0.0
    for it in doses:
        if it.dose_mg_per_m2 is None or it.agent not in definition.agents or not it.is_single_dose:
            return source.fact("cum_doxorubicin_eq_mg_m2", None, evidence=evidence)
        total += it.dose_mg_per_m2 * definition.agents[it.agent]
    return source.fact("cum_doxorubicin_eq_mg_m2", total, evidence=evidence)
