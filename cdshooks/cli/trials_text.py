"""Trials as a person reads them: the list, and one trial with the registry's wording beside each criterion."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

import msgspec
from rich.console import Console
from rich.table import Table
from rich.text import Text

from cdshooks.knowledge.trial_criteria import Criterion
from cdshooks.knowledge.trial_registry import TrialState
from cdshooks.knowledge.trial_text import names_of, places_of
from cdshooks.knowledge.trials import Trial
from cdshooks.options.trials.match import is_status_old
from cdshooks.partial_date import PartialDate
from cdshooks.registry.interest import may_be_worth_a_look
from cdshooks.registry.states import study_of, trial_state
from cdshooks.registry.study import Study
from cdshooks.store.trial_records import TrialRecord

_WORTH = (
    "May be worth a look: recruiting, HER2 and advanced disease named, not structured, so never matched to a patient"
)


class Row(msgspec.Struct, frozen=True, kw_only=True):
    """One trial of the list."""

    nct_id: str
    title: str
    status: str
    status_date: str | None
    status_is_old: bool
    phases: tuple[str, ...]
    is_structured: bool
    is_imported: bool
    suspended_because: str | None
    may_be_worth_a_look: bool
    source: str | None

    @property
    def status_words(self) -> str:
        """The status, with "status as of" when it is old."""
        return _status_words(self.status, self.status_date, is_old=self.status_is_old)


def listed(trials: Mapping[str, Trial], records: Iterable[TrialRecord], today: date) -> list[Row]:
    """Structured trials first, then those worth a look, then the rest; by number within each."""
    kept = {it.nct_id: it for it in records}
    rows = [_structured(trial, kept.pop(trial.nct_id, None), today) for trial in trials.values()]
    rows += [_imported(record, today) for record in kept.values()]
    return sorted(rows, key=lambda it: (not it.is_structured, not it.may_be_worth_a_look, it.nct_id))


def print_list(rows: Iterable[Row], console: Console, *, every: bool) -> None:
    """Tables of the list."""
    known = list(rows)
    _table("Structured: matched to patients", [it for it in known if it.is_structured], console)
    _table(_WORTH, [it for it in known if it.may_be_worth_a_look], console)
    rest = [it for it in known if not it.is_structured and not it.may_be_worth_a_look]
    if every:
        _table("Other imported records", rest, console)
    elif rest:
        console.print(f"{len(rest)} other imported records are of another disease, stage or state (--all lists them).")


def print_trial(nct_id: str, trial: Trial | None, record: TrialRecord | None, today: date, console: Console) -> None:
    """One trial on a page."""
    study = study_of(record) if record is not None else None
    title = trial.title if trial is not None else study.title if study is not None else ""
    console.print(Text.assemble((nct_id, "bold"), f"  {title}"))
    for line in _facts(trial, record, study, today):
        console.print(Text(line))
    texts = {it.name: it.text for it in places_of(study.criteria_text)} if study is not None else {}
    if trial is None:
        console.print("\nNot structured: never matched to a patient. `cdshooks trials draft` begins a coding.\n")
        _wording(texts, console)
        return
    for heading, criteria in _scopes(trial):
        console.print()
        console.print(Text(heading, style="bold"))
        console.print(_criteria(criteria, texts, study))
    pointed = {name for _, criteria in _scopes(trial) for it in criteria for at in it.at for name in names_of(at)}
    unread = {name: text for name, text in texts.items() if name not in pointed}
    if unread:
        console.print("\nRegistry text that no criterion points to:")
        _wording(unread, console)


def shown_as_json(nct_id: str, trial: Trial | None, record: TrialRecord | None, today: date) -> dict[str, Any]:
    """The same for programs."""
    study = study_of(record) if record is not None else None
    texts = {it.name: it.text for it in places_of(study.criteria_text)} if study is not None else {}
    row = _structured(trial, record, today) if trial is not None else _imported(record, today) if record else None
    return {
        "nct_id": nct_id,
        "trial": msgspec.to_builtins(row),
        "eligibility_hash": record.eligibility_hash if record is not None else None,
        "signed_by": record.signed_by if record is not None else None,
        "reviewed_by": record.reviewed_by if record is not None else None,
        "sites": msgspec.to_builtins(study.sites) if study is not None else None,
        "criteria": [
            {
                "scope": heading,
                "id": it.id,
                "when": it.when,
                "sentence": it.sentence,
                "registry": [{"at": name, "text": text} for name, text in _beside(it, texts, study)],
            }
            for heading, criteria in (_scopes(trial) if trial is not None else ())
            for it in criteria
        ],
        "registry_text": [{"at": name, "text": text} for name, text in texts.items()],
    }


def _structured(trial: Trial, record: TrialRecord | None, today: date) -> Row:
    state = trial_state(record, trial) if record is not None else trial.state
    return Row(
        nct_id=trial.nct_id,
        title=trial.title,
        status=state.status,
        status_date=str(state.status_date),
        status_is_old=is_status_old(state, today),
        phases=trial.phases,
        is_structured=True,
        is_imported=record is not None,
        suspended_because=state.suspended_because,
        may_be_worth_a_look=False,
        source=record.source if record is not None else None,
    )


def _imported(record: TrialRecord, today: date) -> Row:
    study = study_of(record)
    told = PartialDate.from_fhir(record.status_date) if record.status_date is not None else None
    return Row(
        nct_id=record.nct_id,
        title=study.title if study is not None else "",
        status=record.status,
        status_date=record.status_date,
        status_is_old=told is None or is_status_old(TrialState(status=record.status, status_date=told), today),
        phases=study.phases if study is not None else (),
        is_structured=False,
        is_imported=True,
        suspended_because=None,
        may_be_worth_a_look=study is not None and may_be_worth_a_look(study),
        source=record.source,
    )


def _status_words(status: str, told: str | None, *, is_old: bool) -> str:
    words = status.lower().replace("_", " ")
    return f"{words}, status as of {told}" if is_old else f"{words} ({told})"


def short_hash(whole: str) -> str:
    """The beginning of a hash, enough to compare by eye; --format json has it whole."""
    return whole[:12]


def _phases(phases: tuple[str, ...]) -> str:
    return "/".join(it.removeprefix("EARLY_").removeprefix("PHASE") for it in phases if it != "NA") or "-"


def _table(title: str, rows: list[Row], console: Console) -> None:
    if not rows:
        return
    table = Table(title=f"{title} ({len(rows)})", title_justify="left", box=None, pad_edge=False)
    table.add_column("number", no_wrap=True)
    table.add_column("phase")
    table.add_column("status", ratio=2)
    table.add_column("title", ratio=4)
    for it in rows:
        status = Text(it.status_words)
        if it.suspended_because is not None:
            status.append(f"\nSUSPENDED: {it.suspended_because}", style="bold red")
        table.add_row(it.nct_id, _phases(it.phases), status, Text(it.title))
    console.print(table)
    console.print()


def _facts(trial: Trial | None, record: TrialRecord | None, study: Study | None, today: date) -> Iterator[str]:
    row = _structured(trial, record, today) if trial is not None else _imported(record, today) if record else None
    if row is not None:
        yield f"Status: {row.status_words}; phase {_phases(row.phases)}"
        if row.suspended_because is not None:
            yield f"SUSPENDED, offered to nobody: {row.suspended_because}. Sign it with `cdshooks trials sign`."
    if trial is not None:
        is_signed = record is not None and record.signed_by is not None
        reviewed = f"; reviewed by {trial.coded.reviewed_by or 'nobody yet'}" if not is_signed else ""
        yield f"Coded by {trial.coded.by}, {trial.coded.date}{reviewed}"
    if record is None:
        yield "No registry record is imported: wording and sites are not known here."
        return
    if record.signed_by is not None:
        yield f"Signed by {record.signed_by}, checked by {record.reviewed_by}, {record.signed_at:%Y-%m-%d}"
    text = short_hash(record.eligibility_hash)
    yield f"Registry record: {record.source}, imported {record.imported_at:%Y-%m-%d}; eligibility text {text}"
    if study is not None:
        sites = study.sites or ()
        yield f"Sites: {len(sites)} in the record, {sum(it.is_recruiting is True for it in sites)} recruiting"


def _scopes(trial: Trial) -> list[tuple[str, tuple[Criterion, ...]]]:
    return [("Criteria", trial.criteria), *((f"Cohort {it.id}: {it.label}", it.criteria) for it in trial.cohorts)]


def _criteria(criteria: tuple[Criterion, ...], texts: Mapping[str, str], study: Study | None) -> Table:
    table = Table(box=None, pad_edge=False, expand=True)
    table.add_column("id", no_wrap=True)
    table.add_column("what must hold", ratio=1)
    table.add_column("the registry's words", ratio=1)
    for it in criteria:
        words = "\n".join(f"[{name}] {text}" for name, text in _beside(it, texts, study))
        confirm = "" if it.decides else " (confirm with the site)"
        table.add_row(it.id, Text(it.sentence + confirm), Text(words or ", ".join(it.at)))
    return table


def _beside(criterion: Criterion, texts: Mapping[str, str], study: Study | None) -> Iterator[tuple[str, str]]:
    fields = (
        {"sex": study.sex, "minimum age": study.minimum_age, "maximum age": study.maximum_age}
        if study is not None
        else {}
    )
    for at in criterion.at:
        if fields.get(at):
            yield at, str(fields[at])
        for name in names_of(at):
            if name in texts:
                yield name, texts[name]


def _wording(texts: Mapping[str, str], console: Console) -> None:
    for name, text in texts.items():
        console.print(Text(f"[{name}] {text}"))
