"""Trials whose eligibility has been structured, compiled once: equal questions of many trials are asked once per patient."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import Entry, read_entries
from cdshooks.knowledge.facts import FactDefinition
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId
from cdshooks.knowledge.trial_check import criterion_faults
from cdshooks.knowledge.trial_criteria import (
    AnyCriterion,
    Biomarker,
    Criterion,
    DiseaseSetting,
    Her2Status,
    PriorTherapy,
    Sex,
)
from cdshooks.knowledge.trial_registry import TrialState
from cdshooks.knowledge.trial_terms import TrialTerms
from cdshooks.partial_date import PartialDate

_TODO = "todo"
_CHEAP = (Sex, DiseaseSetting, Her2Status, PriorTherapy)


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A criterion that decides, under the id that findings carry ("COHORT:ID" in a cohort)."""

    id: CriterionId
    criterion: AnyCriterion
    slot: int
    """Equal criteria of equal id share a slot, and so a finding."""
    question: int
    """Criteria that ask the same, under whatever id and in whatever words, share a question, and so an answer."""
    sentence: str
    """The criterion's own, with nothing observed and without its full stop."""


class Cohort(msgspec.Struct, frozen=True, kw_only=True):
    """One cohort or arm; ``is_open`` None: the registry does not say."""

    id: str
    label: str
    is_open: bool | None
    criteria: tuple[AnyCriterion, ...]
    asked: tuple[Asked, ...] = ()
    to_confirm: tuple[str, ...] = ()


class Coded(msgspec.Struct, frozen=True, kw_only=True):
    """Who put the text into criteria, and who has checked it."""

    by: str
    date: str
    reviewed_by: str | None = None


class Trial(msgspec.Struct, frozen=True, kw_only=True):
    """One structured trial: facts in our own words, and its criteria."""

    nct_id: str
    title: str
    tests: str
    """What it tests, in plain words, to follow "It tests"; empty when the file does not say."""
    drugs: tuple[str, ...]
    sponsor: str | None
    countries: tuple[str, ...]
    countries_complete: bool
    population: str
    purpose: str
    phases: tuple[str, ...]
    text_complete: bool
    state: TrialState
    coded: Coded
    eligibility_hash: str | None
    """The registry text that was coded; None when the file does not say."""
    criteria: tuple[AnyCriterion, ...]
    cohorts: tuple[Cohort, ...]
    asked: tuple[Asked, ...] = ()
    to_confirm: tuple[str, ...] = ()
    """What the site must settle whatever the patient is like, each with its criterion's id."""
    recovering: frozenset[CriterionId] = frozenset()
    """Criteria whose failure time or treatment may turn, cohorts included."""

    @property
    def url(self) -> str:
        """The registry's page."""
        return f"https://clinicaltrials.gov/study/{self.nct_id}"


class TrialKnowledge(msgspec.Struct, frozen=True, kw_only=True):
    """All structured trials, and the index of the criteria that rule out many at little cost."""

    by_id: Mapping[str, Trial]
    terms: TrialTerms
    slots: int
    questions: int
    cheap: Mapping[int, tuple[str, ...]]
    """Slot of a cheap criterion that nothing turns -> the trials that ask for it."""
    cheap_criteria: Mapping[int, Asked]


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


def compile_trials(trials: Collection[Trial], terms: TrialTerms) -> TrialKnowledge:
    """Give every deciding criterion its slot and build the index."""
    slots: dict[tuple[str, bytes], int] = {}
    questions: dict[bytes, int] = {}
    compiled: dict[str, Trial] = {}
    cheap: dict[int, list[str]] = {}
    cheap_criteria: dict[int, Asked] = {}

    def ask(criterion: AnyCriterion, prefix: str) -> Asked:
        name = CriterionId(f"{prefix}{criterion.id}")
        key = (name, msgspec.json.encode(msgspec.structs.replace(criterion, at=(), note=None)))
        return Asked(
            id=name,
            criterion=criterion,
            slot=slots.setdefault(key, len(slots)),
            question=questions.setdefault(_question(criterion), len(questions)),
            sentence=criterion.sentence,
        )

    for trial in sorted(trials, key=lambda it: it.nct_id):
        asked = tuple(ask(it, "") for it in trial.criteria if it.decides)
        cohorts = tuple(
            msgspec.structs.replace(
                cohort,
                asked=tuple(ask(it, f"{cohort.id}:") for it in cohort.criteria if it.decides),
                to_confirm=tuple(_to_confirm(cohort.criteria, f"{cohort.id}:")),
            )
            for cohort in trial.cohorts
        )
        every = (*asked, *(it for cohort in cohorts for it in cohort.asked))
        compiled[trial.nct_id] = msgspec.structs.replace(
            trial,
            asked=asked,
            cohorts=cohorts,
            to_confirm=tuple(_to_confirm(trial.criteria, "")),
            recovering=frozenset(it.id for it in every if it.criterion.recoverable),
        )
        for it in asked:
            if isinstance(it.criterion, _CHEAP) and not it.criterion.recoverable:
                cheap.setdefault(it.slot, []).append(trial.nct_id)
                cheap_criteria[it.slot] = it
    return TrialKnowledge(
        by_id=compiled,
        terms=terms,
        slots=len(slots),
        questions=len(questions),
        cheap={slot: tuple(ids) for slot, ids in cheap.items()},
        cheap_criteria=cheap_criteria,
    )


def _question(criterion: AnyCriterion) -> bytes:
    """What a criterion asks, without its name, its place and its words."""
    bare = msgspec.structs.replace(
        criterion, id="", role="", says="", text="", at=(), note=None, applies_to=None, recoverable=False
    )
    return msgspec.json.encode(bare)


def _to_confirm(criteria: Collection[AnyCriterion], prefix: str) -> Iterator[str]:
    for criterion in criteria:
        if not criterion.decides:
            yield f"{prefix}{criterion.id}: {criterion.sentence}"
        elif isinstance(criterion, Her2Status | Biomarker) and criterion.lab == "central":
            yield f"{prefix}{criterion.id}: Central laboratory confirmation ({criterion.sentence})"


# ---- reading one file


def _trial(entry: Entry, faults: list[str]) -> Trial | None:
    content = entry.content
    common = list(_criteria(entry, content["criteria"], ("criteria",), faults))
    cohorts: list[Cohort] = []
    if not content["coded"]["by"].strip() or content["coded"]["by"].strip().casefold() == _TODO:
        faults.append(f"{entry.file}:{entry.line}: {entry.id} is a draft: coded.by needs the name of a coder")
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
