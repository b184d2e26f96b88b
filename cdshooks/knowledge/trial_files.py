"""Reads the files of structured trials, shipped and of a hospital, and names each fault by file and line."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, FactId
from cdshooks.knowledge.trial_check import criterion_faults
from cdshooks.knowledge.trial_criteria import AnyCriterion, Criterion
from cdshooks.knowledge.trial_registry import TrialState
from cdshooks.knowledge.trial_terms import TrialTerms
from cdshooks.knowledge.trials import Coded, Cohort, Trial, TrialKnowledge, compile_trials
from cdshooks.partial_date import PartialDate

_TODO = "todo"


def load_trials(
    facts: Mapping[FactId, FactDefinition],
    agents: Collection[AgentId],
    comed_classes: Collection[str],
    terms: TrialTerms,
    overlay: Path | None = None,
) -> TrialKnowledge:
    """Read the structured trials, shipped and of a hospital.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    faults: list[str] = []
    trials: list[Trial] = []
    for entry in read_entries("trials", overlay, id_key="nct_id").by_id.values():
        trial = _trial(entry, faults)
        if trial is None:
            continue
        for criterion, where in _with_lines(entry, trial):
            found = criterion_faults(criterion, facts, agents, comed_classes, terms)
            faults += [f"{where}: {trial.nct_id} {criterion.id}: {fault}" for fault in found]
        trials.append(trial)
    if faults:
        raise KnowledgeError(tuple(faults))
    return compile_trials(trials, terms)


# ---- reading one file


def _trial(entry: Entry, faults: list[str]) -> Trial | None:
    content = entry.content
    common = list(_criteria(entry, content["criteria"], ("criteria",), faults))
    cohorts: list[Cohort] = []
    if not content["coded"]["by"].strip() or content["coded"]["by"].strip().casefold() == _TODO:
        faults.append(f"{entry.file}:{entry.line}: {entry.id} is a draft: coded.by needs the name of a coder")
    if content.get("tests", "").casefold().startswith(_TODO):
        faults.append(f"{entry.file}:{entry.line}: {entry.id}: what it tests is still to be written (TODO)")
    for index, cohort in enumerate(content.get("cohorts", ())):
        found = list(_criteria(entry, cohort["criteria"], ("cohorts", index, "criteria"), faults))
        found += [it for it in common if _same_cohort(it.applies_to, cohort["id"])]
        cohorts.append(
            Cohort(
                id=cohort["id"],
                label=cohort.get("label", cohort["id"]),
                is_open=None if cohort["open"] == "unknown" else cohort["open"],
                criteria=tuple(found),
            )
        )
    names = [it.id for it in cohorts]
    strays = [it for it in common if it.applies_to and not any(_same_cohort(it.applies_to, name) for name in names)]
    faults += [f"{entry.file}:{entry.line}: {entry.id} {it.id}: there is no cohort {it.applies_to!r}" for it in strays]
    kept = [it for it in common if not it.applies_to]
    for scope in (kept, *(it.criteria for it in cohorts)):
        ids = [it.id for it in scope]
        doubled = sorted({it for it in ids if ids.count(it) > 1})
        faults += [f"{entry.file}:{entry.line}: {entry.id} has two criteria {it!r}" for it in doubled]
    registry, coded = content["registry"], content["coded"]
    return Trial(
        nct_id=entry.id,
        title=content["title"],
        tests=content.get("tests", ""),
        drugs=tuple(content.get("drugs", ())),
        sponsor=content.get("sponsor"),
        countries=tuple(content.get("countries", ())),
        countries_complete=content.get("countries_complete", True),
        population=content.get("population", "breast"),
        purpose=content.get("purpose", "treatment"),
        phases=tuple(registry["phases"]),
        text_complete=content.get("text_complete", True),
        state=TrialState(status=registry["status"], status_date=PartialDate.from_fhir(str(registry["as_of"]))),
        coded=Coded(by=coded["by"], date=str(coded["date"]), reviewed_by=coded.get("reviewed_by")),
        eligibility_hash=registry.get("eligibility_hash"),
        criteria=tuple(kept),
        cohorts=tuple(cohorts),
    )


def _same_cohort(applies_to: str | None, cohort: str) -> bool:
    return applies_to is not None and applies_to.casefold() == cohort.casefold()


def _criteria(
    entry: Entry, rows: list[dict[str, Any]], at: tuple[str | int, ...], faults: list[str]
) -> Iterator[AnyCriterion]:
    for index, row in enumerate(rows):
        try:
            yield msgspec.convert(row, AnyCriterion, strict=False)
        except msgspec.ValidationError as error:
            line = entry.lines.get((*at, index), entry.line)
            faults.append(f"{entry.file}:{line}: {entry.id} {row.get('id', '?')}: {error}")


def _with_lines(entry: Entry, trial: Trial) -> Iterator[tuple[Criterion, str]]:
    lines = {
        row["id"]: entry.lines.get((*at, index), entry.line)
        for at, rows in _scopes(entry.content)
        for index, row in enumerate(rows)
    }
    for criterion in (*trial.criteria, *(it for cohort in trial.cohorts for it in cohort.criteria)):
        yield criterion, f"{entry.file}:{lines.get(criterion.id, entry.line)}"


def _scopes(content: dict[str, Any]) -> Iterator[tuple[tuple[str | int, ...], list[dict[str, Any]]]]:
    yield ("criteria",), content["criteria"]
    for index, cohort in enumerate(content.get("cohorts", ())):
        yield ("cohorts", index, "criteria"), cohort["criteria"]
