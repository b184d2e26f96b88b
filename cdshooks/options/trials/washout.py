"""Trial criteria on the time since treatment: a failure here heals by waiting, and says until when."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import partial

import msgspec

from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.trial_criteria import Washout
from cdshooks.lines.model import AgentUse, EndReason
from cdshooks.options.case import Answer, Case
from cdshooks.options.model import Outcome
from cdshooks.options.trials.answers import all_hold, met, not_met, unknown
from cdshooks.options.trials.drugs import is_drug, once
from cdshooks.partial_date import PartialDate, latest

_SURGERY = frozenset({"surgery", "resection", "mastectomy", "breast-conserving-surgery"})
_RADIATION = frozenset({"radiotherapy", "srs", "wbrt"})


class Last(msgspec.Struct, frozen=True, kw_only=True):
    """Treatment of a kind: what it was, when it was last given (None: it goes on), on what that rests."""

    what: str
    when: PartialDate | None
    evidence: tuple[ResourceRef, ...]


def answer_washout(criterion: Washout, case: Case) -> Answer:
    """Every washout of the trial; the day on which the longest one ends."""
    return latest_pause(list(_parts(criterion, case)))


def latest_pause(answers: Sequence[Answer]) -> Answer:
    """All pauses together; the day on which the last one ends."""
    whole = all_hold(answers)
    failing = [it for it in answers if it.outcome is Outcome.NOT_MET]
    dates = [it.recovers_on for it in failing]
    if whole.outcome is not Outcome.NOT_MET or None in dates:
        return whole
    last = latest(tuple(it for it in dates if it is not None))
    return msgspec.structs.replace(whole, recovers_on=last)


def _parts(criterion: Washout, case: Case) -> Iterator[Answer]:
    systemic = criterion.of or ("endocrine too" if criterion.endocrine_counts else "without endocrine")
    cytotoxic = "with conjugates" if criterion.conjugates_count else "without conjugates"
    drugs = (
        (criterion.any_systemic_days, systemic, lambda use: _is_systemic(use, criterion, case)),
        (criterion.cytotoxic_days, cytotoxic, lambda use: _is_cytotoxic(use, criterion, case)),
        (criterion.investigational_days, "investigational", lambda use: is_drug(use.agent, "investigational", case)),
    )
    for days, name, belongs in drugs:
        if days is not None:
            yield from _since_drugs(days, name, partial(_drugs, belongs, case), case)
    procedures = (
        (criterion.surgery_days, _SURGERY),
        (criterion.rt_days, _radiation_left(criterion)),
        (criterion.wbrt_days, frozenset({"wbrt"})),
        (criterion.srs_days, frozenset({"srs"})),
    )
    for days, kinds in procedures:
        if days is not None:
            yield from once("pause", (kinds, days), case, partial(_since_procedures, days, kinds, case))


def _since_drugs(days: int, name: str, drugs: Callable[[], list[Last]], case: Case) -> list[Answer]:
    """One answer for each drug of a kind; many trials ask for the same pause after it."""
    last = once("last dose", name, case, drugs)
    return once("pause", (name, days), case, lambda: [passed(it, days, case) for it in last])


def _radiation_left(criterion: Washout) -> frozenset[str]:
    """Radiation that the general limit is about: a kind with a limit of its own is not."""
    own = {name for name, days in (("wbrt", criterion.wbrt_days), ("srs", criterion.srs_days)) if days is not None}
    return _RADIATION - own


def _is_systemic(use: AgentUse, criterion: Washout, case: Case) -> bool:
    if criterion.of is not None:
        return is_drug(use.agent, criterion.of, case)
    if is_drug(use.agent, "not_against_cancer", case):
        return False
    return criterion.endocrine_counts or not is_drug(use.agent, "endocrine", case)


def _is_cytotoxic(use: AgentUse, criterion: Washout, case: Case) -> bool:
    return is_drug(use.agent, "chemo", case) or (criterion.conjugates_count and is_drug(use.agent, "conjugates", case))


def _drugs(belongs: Callable[[AgentUse], bool], case: Case) -> list[Last]:
    """The last dose of each drug of a kind; of several uses the last one counts."""
    found: dict[str, Last] = {}
    for use in case.lines.uses:
        if not belongs(use) or use.start.first > case.as_of:
            continue
        is_running = use.outcome is EndReason.ONGOING or use.end is None
        last = Last(what=str(use.agent), when=None if is_running else use.end, evidence=use.evidence)
        known = found.get(use.agent)
        if known is None or last.when is None or (known.when is not None and last.when.last >= known.when.last):
            found[use.agent] = last
    return list(found.values())


def _since_procedures(days: int, kinds: frozenset[str], case: Case) -> list[Answer]:
    return [passed(it, days, case) for it in _procedures(kinds, case)]


def _procedures(kinds: frozenset[str], case: Case) -> Iterable[Last]:
    for it in case.record.local_therapies:
        if it.kind in kinds and not it.is_planned and (it.date is None or it.date.first <= case.as_of):
            what = {"srs": "stereotactic radiation", "wbrt": "whole-brain radiation"}.get(
                it.kind, it.kind.replace("-", " ")
            )
            yield (
                Last(what=what, when=it.last_day, evidence=it.evidence)
                if it.date is not None
                else Last(
                    what=f"{what}, date not known",
                    when=PartialDate.between(case.as_of.min, case.as_of),
                    evidence=it.evidence,
                )
            )


def passed(last: Last, days: int, case: Case) -> Answer:
    """Whether so many days have passed since the last dose, and if not, when they will have."""
    if last.when is None:
        return not_met(f"{last.what} goes on; the pause starts with its last dose", last.evidence)
    gone = last.when.days_until(PartialDate.from_day(case.as_of))
    if gone.least >= days:
        return met("", last.evidence)
    told = f"{last.what} until {last.when}" if last.when.first != case.as_of.min else last.what
    if gone.most >= days:
        return unknown("agents_current", f"{told}; whether {days} days have passed is not certain", last.evidence)
    over = last.when.plus_days(days)
    text = f"{told}; eligible from {over.last.isoformat()} when the washout ends"
    return msgspec.structs.replace(not_met(text, last.evidence), recovers_on=PartialDate.from_day(over.last))
