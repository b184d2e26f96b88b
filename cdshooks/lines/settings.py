"""Early or metastatic: since when the disease is distant, and which courses belong to which setting. Source: R5, R6, R7."""

from __future__ import annotations

from datetime import date

import msgspec

from cdshooks.knowledge.ids import LineRuleId
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Run, by_start
from cdshooks.lines.model import Dated, EarlyRelapse, RuleFiring
from cdshooks.lines.sentences import FIRINGS, METASTATIC_BASIS
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Certainty, Metastasis, PatientRecord, TreatmentIntent

EARLY_INTENTS = frozenset({TreatmentIntent.ADJUVANT, TreatmentIntent.NEOADJUVANT})
RECORDED_LATE = "condition-recorded"
_INFERRED = frozenset({RECORDED_LATE, "text"})


class Onset(msgspec.Struct, frozen=True, kw_only=True):
    """Since when the disease is metastatic, and from which day on treatment counts as treatment of it."""

    since: Dated | None
    counts_from: date | None
    may_be_late: bool
    """The day is the day of recording, and treatment before it may have been treatment of metastases too."""
    firings: tuple[RuleFiring, ...] = ()


def metastatic_onset(record: PatientRecord, rules: LineRules, as_of: date) -> Onset:
    """The earliest evidence of distant disease, confirmed evidence first, palliative intent last."""
    reach = rules.days("pre_met")
    known = [
        it
        for it in record.metastases
        if it.date is not None and it.date.first <= as_of and it.certainty != Certainty.REFUTED
    ]
    confirmed = [it for it in known if it.certainty == Certainty.CONFIRMED] or known
    if confirmed:
        first = min(confirmed, key=_by_date)
        if first.date is not None:
            told = Dated(
                date=first.date, basis=first.basis, is_inferred=first.basis in _INFERRED, evidence=first.evidence
            )
            if first.basis != RECORDED_LATE:
                return Onset(
                    since=told,
                    counts_from=told.date.plus_days(-reach).first,
                    may_be_late=False,
                    firings=(_told(told, told),),
                )
            since = _retest_before(record, told, rules) or told
            late = told.date.plus_days(-rules.days("met_late"))
            return Onset(
                since=since,
                counts_from=min(late.first, since.date.plus_days(-reach).first),
                may_be_late=True,
                firings=(_told(since, told),),
            )
    palliative = [
        (it.start, it.evidence)
        for it in record.exposures
        if it.intent == TreatmentIntent.PALLIATIVE and it.start is not None and it.start.first <= as_of
    ]
    if palliative:
        start, evidence = min(palliative, key=lambda it: (it[0].first, it[0].last, it[1]))
        told = Dated(date=start, basis="palliative-intent", is_inferred=True, evidence=evidence[:1])
        return Onset(since=told, counts_from=start.first, may_be_late=False, firings=(_told(told, told),))
    return Onset(since=None, counts_from=None, may_be_late=False)


def by_setting(
    runs: tuple[Run, ...], onset: Onset, rules: LineRules
) -> tuple[tuple[Run, ...], tuple[Run, ...], tuple[RuleFiring, ...]]:
    """Courses of the metastatic setting and earlier ones; an early drug that runs on is carried into the first line."""
    since, cut = onset.since, onset.counts_from
    if since is None or cut is None:
        return (), runs, ()
    advanced: list[Run] = []
    early: list[Run] = []
    for run in runs:
        is_late_enough = cut <= run.start.last
        is_early = run.intent in EARLY_INTENTS and run.start.is_after(since.date) is not True
        (advanced if is_late_enough and not is_early else early).append(run)
    if not advanced:
        return (), tuple(early), ()
    if not early:
        return tuple(advanced), (), ()
    start = advanced[0].start
    carried = [
        msgspec.structs.replace(it, start=start)
        for it in early
        if it.intent not in EARLY_INTENTS
        and not it.is_open
        and start.least_days_until(it.last_dose) > rules.days("overlap")
    ]
    firings = tuple(
        RuleFiring(
            rule=LineRuleId("R6-setting"),
            line=1,
            because=FIRINGS["carried_early"].format(agent=it.agent),
            evidence=it.evidence[-1:],
        )
        for it in carried
    )
    return tuple(sorted((*advanced, *carried), key=by_start)), tuple(early), firings


def early_relapse(
    early: tuple[Run, ...], since: Dated | None, rules: LineRules
) -> tuple[EarlyRelapse | None, tuple[RuleFiring, ...]]:
    """Distant relapse after early anti-HER2 therapy, with its dates: six and twelve months are different clocks."""
    courses = [it for it in early if "anti_her2" in it.groups]
    if since is None or not courses:
        return None, ()
    ends = [_last_dose(it, since.date) for it in courses]
    last = PartialDate.between(max(it.first for it in ends), max(it.last for it in ends))
    days = last.days_until(since.date)
    relapse = EarlyRelapse(
        agents=tuple(sorted({course.agent for course in courses})),
        last_dose=last,
        relapse=since.date,
        days=days,
        evidence=tuple(sorted({ref for course in courses for ref in course.evidence})),
    )
    clocks = {_clock(days.least, rules), _clock(days.most, rules)}
    sentence = clocks.pop() if len(clocks) == 1 else "relapse_unsure"
    span = str(days.least) if days.least == days.most else f"{days.least} to {days.most}"
    because = FIRINGS[sentence].format(days=span)
    return relapse, (
        RuleFiring(rule=LineRuleId("R7-early-relapse"), line=None, because=because, evidence=relapse.evidence),
    )


def _last_dose(run: Run, relapse: PartialDate) -> PartialDate:
    """Tablets last as long as their supply, an infusion is one day; an end that nobody recorded is any day until the relapse."""
    if run.until is None or run.is_open:
        return PartialDate.between(run.last_dose.first, max(run.last_dose.last, relapse.last))
    return run.until if "tablets" in run.groups else run.last_dose


def _clock(days: int, rules: LineRules) -> str:
    if days <= rules.days("adjuvant_equiv"):
        return "relapse_6"
    return "relapse_12" if days <= rules.days("adjuvant_note") else "relapse_later"


def _by_date(it: Metastasis) -> tuple[object, ...]:
    return (it.date.first, it.date.last, it.basis, it.evidence) if it.date else ()


def _retest_before(record: PatientRecord, told: Dated, rules: LineRules) -> Dated | None:
    """Receptors tested again shortly before the day of recording mark the metastasis better than that day does."""
    window = rules.days("retest_late")
    tests = sorted(
        (it for it in record.receptors if it.date is not None and it.is_metastasis is not False),
        key=lambda it: (it.date.first, it.date.last, it.evidence) if it.date else (),
    )
    for test in tests:
        if test.date is None or not 0 < test.date.least_days_until(told.date) <= window:
            continue
        is_again = test.is_metastasis is True or any(
            it.start is not None and it.start.is_before(test.date) for it in record.exposures
        )
        if is_again:
            return Dated(
                date=test.date,
                basis=RECORDED_LATE,
                is_inferred=True,
                evidence=tuple(sorted({*told.evidence, *test.evidence})),
            )
    return None


def _told(since: Dated, recorded: Dated) -> RuleFiring:
    because = FIRINGS["met"].format(day=since.date, basis=METASTATIC_BASIS[since.basis])
    if since.date != recorded.date:
        moved = "receptors were tested again"
        because = FIRINGS["met_moved"].format(recorded=recorded.date, because=moved, day=since.date)
    return RuleFiring(rule=LineRuleId("R5-metastatic-date"), line=None, because=because, evidence=since.evidence)
