"""Every trial judged for one patient, for people: what holds, what does not, what is not known, and from when it may fit."""

from __future__ import annotations

from rich.console import Console
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import RegistryAge
from cdshooks.options.model import Advice, Finding, Outcome, TrialMatch, TrialVerdict
from cdshooks.options.trials.again import tried_before
from cdshooks.options.trials.place import nearest_sites, recruiting_sites

_FITS = "Fit as far as the record tells"
_OPEN = "May fit: something is not known yet"
_NOT_NOW = "Not now: what stands against them may pass"
_UNSIGNED = "Not judged: the eligibility text has changed since it was coded"
_RULED_OUT = "Ruled out"
_WORDS = {
    Outcome.NOT_MET: "not met",
    Outcome.UNKNOWN: "unknown",
    Outcome.REVIEW: "to be judged",
    Outcome.MET: "met",
}
_TO_CONFIRM, _TO_WEIGH = "ask the site", "to weigh"
_NOT_LOOKED_UP = (
    "Trials could not be looked up: the stored registry records cannot be read; each status is as of its date."
)
_TITLE_INDENT, _INDENT = (0, 0, 0, 2), (0, 0, 0, 4)
_MOST_SITES = 2
_MOST_CITED = 2


def print_trials(advice: Advice, knowledge: Knowledge, console: Console) -> None:
    """Print the trials in groups, those that a patient may join first; of those that are ruled out only the reasons."""
    if advice.registry_age is not RegistryAge.CURRENT:
        console.print(_NOT_LOOKED_UP, markup=False)
    groups: dict[str, list[TrialMatch]] = {it: [] for it in (_FITS, _OPEN, _NOT_NOW, _UNSIGNED, _RULED_OUT)}
    for match in advice.trials:
        groups[_group(match)].append(match)
    for title, matches in groups.items():
        if matches:
            console.print(Text(f"{title}: {len(matches)}", style="bold"))
        for match in matches:
            _print_trial(match, advice, knowledge, console, is_ruled_out=title == _RULED_OUT)


def _group(match: TrialMatch) -> str:
    if match.awaits_signature:
        return _UNSIGNED
    if match.verdict is TrialVerdict.ELIGIBLE:
        return _FITS
    if match.verdict is TrialVerdict.UNKNOWN:
        return _OPEN
    return _NOT_NOW if match.recoverable else _RULED_OUT


def _print_trial(
    match: TrialMatch, advice: Advice, knowledge: Knowledge, console: Console, *, is_ruled_out: bool
) -> None:
    status = f"{match.state.status.lower().replace('_', ' ')}, {match.state.status_date}"
    told = [match.verdict.value, status, *match.cohorts]
    if match.recovers_on is not None:
        told.append(f"may fit from {match.recovers_on}")
    console.print(Padding(Text.assemble((match.nct_id, "bold"), f" {match.title}\n{'; '.join(told)}"), _TITLE_INDENT))
    table = Table.grid(padding=(0, 2))
    deciding = {*match.failing, *match.missing}
    for outcome, word in _WORDS.items():
        for finding in (it for it in match.findings if it.outcome is outcome):
            if finding.criterion in deciding or (outcome is Outcome.MET and not is_ruled_out):
                table.add_row(word, Text(str(finding.criterion)), Text(_told(finding, knowledge)))
    if not is_ruled_out:
        for before in tried_before(knowledge.trials.by_id[match.nct_id], advice.lines, knowledge):
            table.add_row(_TO_WEIGH, "", Text(before.told))
        for item in match.confirm_with_site:
            name, _, text = item.partition(": ")
            table.add_row(_TO_CONFIRM, Text(name if text else ""), Text(text or item))
        for place in _places(match, advice.home):
            table.add_row("site", "", Text(place))
    console.print(Padding(table, _INDENT))


def _places(match: TrialMatch, home: Position | None) -> list[str]:
    sites = recruiting_sites(match.state.sites) or ()
    near = nearest_sites(sites, home, most=_MOST_SITES)
    return [f"recruits: {it.name}, {it.city}, {it.country} ({it.distance})" for it in near]


def _told(finding: Finding, knowledge: Knowledge) -> str:
    """The reason, what is missing where the reason does not name it, from when it holds, and the first records behind it."""
    parts = [finding.because]
    if finding.missing is not None:
        fact = knowledge.facts.get(finding.missing)
        missing = fact.label if fact is not None else knowledge.codes.said(finding.missing)
        if missing not in finding.because:
            parts.append(f"Missing: {missing}.")
    if finding.recovers_on is not None:
        parts.append(f"Over on {finding.recovers_on}.")
    if finding.evidence:
        more = len(finding.evidence) - _MOST_CITED
        parts.append(f"({', '.join(finding.evidence[:_MOST_CITED])}{f' +{more}' if more > 0 else ''})")
    return " ".join(parts)
