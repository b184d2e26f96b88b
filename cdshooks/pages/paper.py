"""How much a patient page holds on paper: in which print it fits on one sheet of A4."""

from __future__ import annotations

from collections.abc import Iterator

from cdshooks.pages import wording
from cdshooks.pages.view import PatientPage, TrialView

_MOST_IN_LARGE_PRINT = 5650
"""Characters that one sheet surely holds in print of 8 pt: of the stories, one with 5,790 takes a second sheet. More is 7.5 pt."""
_CHARACTERS_OF_HEIGHT = 2.6
"""How many characters take the room of a unit of the picture's height."""


def is_dense(page: PatientPage) -> bool:
    """Whether a page holds too much for the larger print."""
    height = page.wide.height if page.wide is not None else 0
    return sum(map(len, _printed(page))) + _CHARACTERS_OF_HEIGHT * height > _MOST_IN_LARGE_PRINT


def _printed(page: PatientPage) -> Iterator[str]:
    yield from (*page.notices, *page.state, *page.to_find_out, *page.conflicts, page.not_when, page.basis)
    for answer in page.answers:
        yield from (answer.question, answer.answer, answer.note)
    for line in page.lines:
        yield from (line.agents, line.start, line.end, line.reason)
    for option in page.options:
        yield from (
            option.label,
            option.drugs,
            *option.why,
            *option.warnings,
            *option.asks,
            *option.doses,
            option.local,
        )
    yield from (it.label for it in page.more_options)
    for reason in (it for group in page.refused if group.title != wording.ELSEWHERE for it in group.reasons):
        yield from (reason.reason, *reason.labels)
    for trial in page.possible_trials:
        yield from _trial(trial)
    for trial in page.more_trials:
        yield from (trial.nct_id, trial.phase)


def _trial(it: TrialView) -> tuple[str, ...]:
    return (it.nct_id, it.phase, it.title, it.told, it.to_weigh, it.sites)
