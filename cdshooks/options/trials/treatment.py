"""Trial criteria on earlier treatment: lines by kind and setting, drugs that must or must not have been given."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from functools import partial

from cdshooks.knowledge.ids import AgentId, FactId
from cdshooks.knowledge.trial_criteria import EarlyGap, MostLines, PriorLines, PriorTherapy
from cdshooks.lines.model import AgentUse, EndReason, LineOfTherapy, Setting
from cdshooks.options.case import Answer, Case, Ground
from cdshooks.options.model import Outcome
from cdshooks.options.predicates import DAYS_PER_MONTH
from cdshooks.options.trials.answers import all_hold, any_holds, met, not_met, review, unknown, within, yes_no
from cdshooks.options.trials.drugs import is_drug, label_of, once, ready, uses_of
from cdshooks.partial_date import DayRange, PartialDate

_AGENTS = "agents"
_UNNAMED = AgentId("investigational")
_FEW = 3
"""So many drugs are named where none of them was given."""


# ---- lines


def answer_prior_lines(criterion: PriorLines, case: Case) -> Answer:
    """The number of lines against the trial's limits; where the count can be made in two ways, a person decides."""
    asked = (
        criterion.of,
        criterion.setting,
        criterion.excluding_current_induction,
        criterion.induction_within_days,
        criterion.early_relapse_counts_months,
    )
    least, most, told, evidence = once("lines", asked, case, lambda: count_lines(criterion, case))
    counts = case.lines.counts
    outcome = within(least, most, criterion.min, criterion.max)
    if counts.is_at_least:
        told += "; the history is incomplete, so there may be more"
        known = within(least, 99, criterion.min, criterion.max)  # no patient has had so many
        missing = FactId("metastatic_lines") if known is Outcome.UNKNOWN else None
        return Answer(known, (told,), missing, evidence)
    if outcome is Outcome.UNKNOWN:
        return review(f"{told}, could be {least} to {most}", evidence, "metastatic_lines")
    return Answer(outcome, (told,), None, evidence)


def count_lines(criterion: PriorLines, case: Case) -> tuple[int, int, str, tuple[Ground, ...]]:
    """Least and most number of lines, with words and evidence."""
    lines = list(case.lines.lines) if criterion.setting != "early" else []
    if criterion.setting in {"any", "early"}:
        lines += case.lines.early
    weighed = [(it, _is_induction(it, criterion, case), _counts(it, criterion.of, case)) for it in lines]
    certain = [it for it, induction, counted in weighed if induction is False and counted is True]
    possible = [it for it, induction, counted in weighed if induction is not True and counted is not False]
    least, most = len(certain), len(possible)
    counts = case.lines.counts
    if criterion.setting != "early" and certain:
        least = max(0, least - max(0, counts.metastatic_lines - counts.min))
        most += max(0, counts.max - counts.metastatic_lines)
    relapse, months = case.lines.early_relapse, criterion.early_relapse_counts_months
    told = _of_lines(len(certain), criterion.of, case)
    if relapse is not None and months is not None:
        outcome = within(relapse.days.least, relapse.days.most, None, months * DAYS_PER_MONTH)
        if outcome is not Outcome.NOT_MET:
            most += 1
            least += outcome is Outcome.MET
            told += ", and a relapse soon after treatment for early disease"
    return least, most, told, _evidence(possible)


def _is_induction(line: LineOfTherapy, criterion: PriorLines, case: Case) -> bool | None:
    """Whether a line is the running treatment that a trial lets pass; None where its start may lie too far back."""
    if not criterion.excluding_current_induction or line.end_reason is not EndReason.ONGOING:
        return False
    if criterion.induction_within_days is None:
        return True
    days = line.start.days_until(PartialDate.from_day(case.as_of))
    outcome = within(days.least, days.most, None, criterion.induction_within_days)
    return {Outcome.MET: True, Outcome.NOT_MET: False}.get(outcome)


def _of_lines(count: int, of: str, case: Case) -> str:
    """Of lines of a kind: how many there were so far."""
    kind = {"systemic": "", "systemic_non_hormonal": " that is more than endocrine treatment"}.get(of)
    if kind is None:
        kind = f" with a {label_of(of, case)}" if of != "chemo" else " with chemotherapy"
    return f"{count or 'no'} line{'s' if count > 1 else ''}{kind} so far"


def _counts(line: LineOfTherapy, of: str, case: Case) -> bool | None:
    """Whether a line is of a kind; None where the words of trials leave it open (is a conjugate chemotherapy?)."""
    match of:
        case "systemic":
            return True
        case "systemic_non_hormonal":
            return any(not is_drug(it, "endocrine", case) for it in line.agents)
        case "chemo":
            if any(is_drug(it, "chemo", case) for it in line.agents):
                return True
            return None if any(is_drug(it, "conjugates", case) for it in line.agents) else False
    return any(is_drug(it, of, case) for it in line.agents)


# ---- drugs


def answer_prior_therapy(criterion: PriorTherapy, case: Case) -> Answer:
    """Everything that the trial asks of earlier drugs."""
    return all_hold(_asked(criterion, case))


def _asked(criterion: PriorTherapy, case: Case) -> Iterator[Answer]:
    required = [_required(word, criterion, case) for word in criterion.require_all]
    yield from (_waived(answer, criterion) for answer in required)
    if criterion.require_any:
        yield _waived(any_holds(_required(word, criterion, case) for word in criterion.require_any), criterion)
    if criterion.require_distinct is not None:
        distinct = criterion.require_distinct
        uses = [it for it in uses_of(distinct.of, case) if _fits(it, criterion.setting)]
        agents = sorted({it.agent for it in uses})
        told = f"{label_of(distinct.of, case)} so far: {', '.join(agents) or 'none'}"
        if len(agents) < distinct.min and case.lines.counts.is_at_least:
            yield unknown(_AGENTS, f"{told}; the history is incomplete")
        else:
            yield yes_no(holds=len(agents) >= distinct.min, observed=told, evidence=_evidence(uses))
    if criterion.forbid:
        yield _forbidden(criterion, case)
    if criterion.max_lines_of is not None:
        yield _most_lines(criterion, criterion.max_lines_of, case)
    if criterion.early_setting_gap is not None:
        yield _early_gap(criterion.early_setting_gap, case)
    if criterion.max_cumulative is not None:
        dose = case.fact(FactId("cum_doxorubicin_eq_mg_m2"))
        if not isinstance(dose.value, int | float):
            yield unknown(dose.id, "the cumulative anthracycline dose is not known", dose.evidence)
        else:
            told = f"anthracycline of {dose.value:g} mg/m2 so far" if dose.value else "no anthracycline on record"
            most = criterion.max_cumulative.doxorubicin_equivalent_mg_m2
            yield yes_no(holds=dose.value <= most, observed=told, evidence=dose.evidence)


def _required(word: str, criterion: PriorTherapy, case: Case) -> Answer:
    asked = (word, criterion.setting, criterion.most_recent, criterion.outcome, criterion.goes_on_for_days)
    return once("required", asked, case, lambda: _had(word, criterion, case))


def _had(word: str, criterion: PriorTherapy, case: Case) -> Answer:
    uses = [it for it in uses_of(word, case) if _fits(it, criterion.setting)]
    label = label_of(word, case)
    if not uses:
        if case.lines.counts.is_at_least or any(it.agent == _UNNAMED for it in case.lines.uses):
            return unknown(_AGENTS, f"no {label} on record, and the history has a gap or an unnamed trial drug")
        return not_met(f"no {label} on record")
    if criterion.most_recent:
        last = case.lines.lines[-1] if case.lines.lines else None
        if last is None or not any(is_drug(it, word, case) for it in last.agents):
            return not_met(f"{label} was not the latest treatment", _evidence(uses))
        uses = [it for it in uses if it.line == last.number]
    if criterion.goes_on_for_days is not None:
        return _goes_on(uses, criterion.goes_on_for_days, case)
    if not criterion.outcome:
        return met(f"{label} given", _evidence(uses))
    wanted = {"progression": EndReason.PROGRESSION, "intolerance": EndReason.TOXICITY}
    outcomes = {wanted[it] for it in criterion.outcome}
    ended = [it for it in uses if it.outcome in outcomes]
    if ended:
        return met(
            f"{label} ended for {ended[-1].outcome.value} ({ended[-1].end or 'date not known'})", ended[-1].evidence
        )
    told = f"{label}: {uses[-1].outcome.value.replace('_', ' ')}"
    if EndReason.PROGRESSION in outcomes and _progressed_since(uses, case):
        return met(f"progression while on {label}", _evidence(uses))
    if any(it.outcome is EndReason.UNKNOWN for it in uses):
        return unknown("last_progression", f"{label}; why it ended is not on record", _evidence(uses))
    return not_met(told, _evidence(uses))


def _goes_on(uses: list[AgentUse], days: int, case: Case) -> Answer:
    running = [it for it in uses if it.outcome is EndReason.ONGOING]
    if not running:
        return not_met(f"{uses[-1].agent} has ended", uses[-1].evidence)
    if _progressed_since(running, case):
        return not_met(f"progression while on {running[-1].agent}", _evidence(running))
    since = min(running, key=lambda it: it.start.first)
    length = _length(since, case)
    outcome = within(length.least, length.most, days, None)
    missing = FactId(_AGENTS) if outcome is Outcome.UNKNOWN else None
    return Answer(outcome, (f"{since.agent} since {since.start}",), missing, since.evidence)


def _progressed_since(uses: Iterable[AgentUse], case: Case) -> bool:
    """Progression is on record during a use that has no end yet."""
    running = [it.start.first for it in uses if it.outcome is EndReason.ONGOING]
    return any(
        it.trend == "progression" and it.date is not None and it.date.first >= start and it.date.first <= case.as_of
        for it in case.record.statuses
        for start in running
    )


def _waived(answer: Answer, criterion: PriorTherapy) -> Answer:
    if answer.outcome is Outcome.NOT_MET and criterion.waived_if_contraindicated:
        told = "; ".join((*answer.observed, "waived if it was contraindicated or not tolerated"))
        return review(told, answer.evidence, _AGENTS)
    return answer


def _forbidden(criterion: PriorTherapy, case: Case) -> Answer:
    limits = (criterion.setting, criterion.ignore_if_days_less_than, criterion.min_months_since)
    had = [word for word in criterion.forbid if uses_of(word, case)]  # what was never given says nothing
    answer = all_hold(
        [once("forbidden", (word, limits), case, partial(_one_forbidden, word, criterion, case)) for word in had]
    )
    if answer.outcome is not Outcome.MET:
        return answer
    unnamed = [it for it in case.lines.uses if it.agent == _UNNAMED and _fits(it, criterion.setting)]
    if unnamed:
        return unknown(
            _AGENTS, "an unnamed trial drug is on record, which may have been one of these", _evidence(unnamed)
        )
    if case.lines.counts.is_at_least:
        return unknown(_AGENTS, "the history is incomplete")
    if answer.told:  # given so long ago, or for so short a time, that it does not count: what is told is no "none"
        return answer
    none = ready("no drug of", criterion.forbid, case.knowledge, lambda: met(_none_of(criterion.forbid, case)))
    return met(none.observed[0], answer.grounds) if answer.grounds else none


def _none_of(words: Sequence[str], case: Case) -> str:
    names = [label_of(word, case) for word in words]
    few = ", ".join(names[:-1]) + " or " + names[-1] if len(names) > 1 else names[0]
    return f"no {few} on record" if len(names) <= _FEW else "none of these drugs on record"


def _one_forbidden(word: str, criterion: PriorTherapy, case: Case) -> Answer:
    uses = [it for it in uses_of(word, case) if _fits(it, criterion.setting)]
    answers = []
    for use in uses:
        told = f"{use.agent} {use.start} to {use.end}" if use.end is not None else f"{use.agent} since {use.start}"
        if criterion.ignore_if_days_less_than is not None:
            length = _length(use, case)
            if length.most < criterion.ignore_if_days_less_than:
                answers.append(met(f"{told}, less than {criterion.ignore_if_days_less_than} days", use.evidence))
                continue
            if length.least < criterion.ignore_if_days_less_than:
                answers.append(unknown(_AGENTS, f"{told}; how long is not certain", use.evidence))
                continue
        if criterion.min_months_since is not None and use.end is None and use.outcome is not EndReason.ONGOING:
            answers.append(unknown(_AGENTS, f"{told}; when it ended is not on record", use.evidence))
            continue
        if criterion.min_months_since is not None and use.end is not None:
            days = use.end.days_until(PartialDate.from_day(case.as_of))
            outcome = within(days.least, days.most, criterion.min_months_since * DAYS_PER_MONTH, None)
            answers.append(
                Answer(outcome, (told,), FactId(_AGENTS) if outcome is Outcome.UNKNOWN else None, use.evidence)
            )
            continue
        answers.append(not_met(told, use.evidence))
    return all_hold(answers)


def _length(use: AgentUse, case: Case) -> DayRange:
    days = use.start.days_until(use.end or PartialDate.from_day(case.as_of))
    is_untold = use.end is None and use.outcome is not EndReason.ONGOING
    return DayRange(0, days.most) if is_untold else days


def _most_lines(criterion: PriorTherapy, limit: MostLines, case: Case) -> Answer:
    numbers: dict[int | None, DayRange] = {}
    uses = [it for it in uses_of(limit.of, case) if _fits(it, criterion.setting)]
    for use in uses:
        length = _length(use, case)
        known = numbers.get(use.line)
        numbers[use.line] = length if known is None or length.most > known.most else known
    floor = criterion.ignore_if_days_less_than or 0
    least = sum(it.least >= floor for it in numbers.values())
    most = sum(it.most >= floor for it in numbers.values())
    told = _of_lines(most, limit.of, case)
    outcome = within(least, most, None, limit.max)
    if outcome is Outcome.MET and case.lines.counts.is_at_least:
        return unknown(_AGENTS, f"{told}; the history is incomplete", _evidence(uses))
    return Answer(outcome, (told,), FactId(_AGENTS) if outcome is Outcome.UNKNOWN else None, _evidence(uses))


def _early_gap(gap: EarlyGap, case: Case) -> Answer:
    uses = [it for it in uses_of(gap.of, case) if it.setting is not Setting.METASTATIC]
    since = case.lines.metastatic_since
    if not uses:
        return met(f"no {label_of(gap.of, case)} for early disease on record")
    answers = []
    for use in uses:
        if use.end is None or since is None:
            answers.append(unknown(_AGENTS, f"when {use.agent} for early disease ended is not known", use.evidence))
            continue
        days = use.end.days_until(since.date)
        outcome = within(days.least, days.most, gap.months * DAYS_PER_MONTH, None)
        answers.append(Answer(outcome, (f"{use.agent} ended {use.end}",), FactId(_AGENTS), use.evidence))
    return all_hold(answers)


def _fits(use: AgentUse, setting: str) -> bool:
    return setting == "any" or (use.setting is Setting.METASTATIC) == (setting == "advanced")


def _evidence(found: Iterable[AgentUse | LineOfTherapy]) -> tuple[Ground, ...]:
    return tuple([it.evidence for it in found])
