"""Every regimen judged for one patient, for people: those to consider with what goes with them, then the others by their reason."""

from __future__ import annotations

from rich.console import Console

from cdshooks.options.model import Advice, Option, Verdict
from cdshooks.options.order_of_options import WHAT_MOVES

_OTHERS = {
    Verdict.HOLD: "held until more is known",
    Verdict.EXCLUDE: "ruled out",
    Verdict.NOT_APPLICABLE: "does not apply",
}
_OFFERED = {Verdict.OFFER: "", Verdict.OFFER_WITH_WARNING: ", with a warning"}


def print_options(advice: Advice, console: Console) -> None:
    """Print the ranked regimens with reasons, warnings, what to find out first and doses; of the others each reason once."""
    for option in sorted((it for it in advice.options if it.rank is not None), key=lambda it: it.rank or 0):
        _print_ranked(option, console)
    for verdict, words in _OTHERS.items():
        by_reason: dict[str, list[str]] = {}
        for option in advice.options:
            if option.verdict is verdict:
                by_reason.setdefault(_reason(option), []).append(option.label)
        for reason, labels in by_reason.items():
            console.print(f"  - {words}: {reason}", markup=False)
            console.print(f"      {'; '.join(labels)}", markup=False)


def _print_ranked(option: Option, console: Console) -> None:
    console.print(f"{option.rank:>2}. {option.label}{_OFFERED.get(option.verdict, '')}", markup=False)
    for sentence in option.why_this_rank:
        if not sentence.startswith(WHAT_MOVES):  # told below, as what to find out first and as warnings
            console.print(f"      {sentence}", markup=False)
    for warned in option.warnings:
        console.print(f"      warning {warned.criterion}: {warned.text}", markup=False)
    for ask in dict.fromkeys(ask.text for ask in option.asks):
        console.print(f"      first: {ask}", markup=False)
    for note in option.dose_notes:
        console.print(f"      dose: {note}", markup=False)


def _reason(option: Option) -> str:
    return next((it.because for it in option.deciding), "the findings in the JSON form tell why")
