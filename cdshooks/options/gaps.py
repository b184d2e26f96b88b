"""What the record lacks: which decision it would change, and how to obtain it."""

from __future__ import annotations

from collections.abc import Sequence

from cdshooks.knowledge.ids import FactId
from cdshooks.options.case import Case
from cdshooks.options.model import Gap, Option, Outcome, TrialMatch, TrialVerdict, Verdict
from cdshooks.options.order_of_options import OFFERED
from cdshooks.options.predicates import question_of

_OPEN = OFFERED | {Verdict.HOLD}


def find_gaps(options: Sequence[Option], trials: Sequence[TrialMatch], case: Case) -> tuple[Gap, ...]:
    """The gaps of the patient: standing ones of the knowledge first, then what offered regimens ask, most asked first."""
    found: dict[FactId, str] = {}
    for rule in case.knowledge.gap_rules:
        if question_of(rule.requires, case.knowledge)(case).outcome is not Outcome.MET and (
            not rule.about_trials or _no_trial_fits(trials)
        ):
            found.setdefault(rule.fact, rule.ask)
    asked: dict[FactId, list[Option]] = {}
    texts: dict[FactId, str] = {}
    for option in options:
        if option.verdict in _OPEN:
            for ask in option.asks:
                asked.setdefault(ask.fact, []).append(option)
                texts.setdefault(ask.fact, ask.text)
    for fact in sorted(asked, key=lambda it: (-len(asked[it]), it)):
        if fact not in found:
            definition = case.knowledge.facts[fact]
            decides = f" It decides {definition.decides}." if definition.decides else ""
            found[fact] = texts[fact] + decides
    return tuple(Gap(fact=fact, ask=ask) for fact, ask in found.items())


def _no_trial_fits(trials: Sequence[TrialMatch]) -> bool:
    return not any(it.verdict is not TrialVerdict.INELIGIBLE for it in trials)
