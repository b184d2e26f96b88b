"""Open questions about the whole history: its setting, beginning and end, other cancers. Source: section 5 of the rules."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from itertools import chain, pairwise

import msgspec

from cdshooks.knowledge.codes import ToldTreatment
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.knowledge.line_rules import LineRules
from cdshooks.lines.courses import Run
from cdshooks.lines.early import BREAST_SURGERY
from cdshooks.lines.model import Alternative, EarlyRelapse, EndReason, LineOfTherapy
from cdshooks.lines.ordered import Ordered
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.segments import Segmenter
from cdshooks.lines.sentences import ALTERNATIVES
from cdshooks.lines.settings import EARLY_INTENTS, Onset
from cdshooks.partial_date import PartialDate, by_last
from cdshooks.record.model import Certainty, Diagnosis, PatientRecord, TreatmentIntent

_OPEN_TO_MORE = frozenset({EndReason.UNKNOWN, EndReason.PROGRESSION})
"""Ends after which another line is to be expected."""
_SYSTEMIC = frozenset({"antibody", "anti_her2", "chemotherapy"})


class Told(msgspec.Struct, frozen=True, kw_only=True):
    """What the rules have made of a record so far."""

    record: PatientRecord
    runs: tuple[Run, ...]
    ordered: Ordered
    onset: Onset
    progressions: Progressions
    early: tuple[LineOfTherapy, ...]
    lines: tuple[LineOfTherapy, ...]
    relapse: EarlyRelapse | None
    rules: LineRules
    as_of: date
    is_first_in_parts: bool
    """The first line could be counted as two for a reason of its own."""
    elsewhere: tuple[tuple[Diagnosis, ToldTreatment], ...]
    """Treatment that only a diagnosis tells."""


def whole_history_doubts(told: Told) -> tuple[Alternative, ...]:
    """Every alternative that no single course explains."""
    unknown = tuple(_unknown_drug(told))
    pauses = (it for it in _long_pauses(told) if it.line not in {one.line for one in unknown})
    return (
        *_relapse(told),
        *_outside(told),
        *_setting(told),
        *_cure(told),
        *_locoregional(told),
        *_order_only(told),
        *_second_cancer(told),
        *unknown,
        *pauses,
    )


def is_outside(alternative: Alternative) -> bool:
    """Whether an alternative says that lines may be missing from the record, so that the count is a least one."""
    return alternative.code == "OUTSIDE" and alternative.line is None


def _alternative(
    code: str,
    delta: int,
    *,
    line: int | None = None,
    evidence: tuple[ResourceRef, ...] = (),
    sentence: str | None = None,
    **words: object,
) -> Alternative:
    because = ALTERNATIVES[sentence or code].format(**words)
    return Alternative(code=code, delta=delta, because=because, line=line, evidence=evidence)


def _relapse(told: Told) -> Iterator[Alternative]:
    if told.relapse is not None and told.relapse.days.least <= told.rules.days("adjuvant_equiv"):
        yield _alternative("EARLY_RELAPSE", 1, evidence=told.relapse.evidence)


def _outside(told: Told) -> Iterator[Alternative]:
    """Drugs without a date, missing pages, a first drug long after the metastatic day, lines and treatment told without drugs."""
    record, lines = told.record, told.lines
    undated = [it for it in record.exposures if it.start is None]
    if undated:
        agents = sorted({it.agent for it in undated})
        yield _alternative(
            "OUTSIDE", len(agents), sentence="UNDATED", agents=", ".join(agents), evidence=undated[0].evidence
        )
        return
    if any(it.concerns_treatment or it.may_add_lines for it in record.incomplete):
        yield _alternative("OUTSIDE", 1, sentence="PAGES")
        return
    since = told.onset.since
    first = lines[0].start if lines else PartialDate.from_day(told.as_of)
    waited = since.date.least_days_until(first) if since is not None else 0
    if since is not None and waited > told.rules.days("history_starts"):
        sentence = "STARTS_LATE" if lines else "NO_DRUG"
        yield _alternative("OUTSIDE", 1, sentence=sentence, days=waited, evidence=since.evidence)
        return
    stated = max(
        (it for it in record.stated_lines if it.start is None or it.start.first <= told.as_of),
        key=lambda it: it.number,
        default=None,
    )
    if stated is not None and stated.number > len(lines):
        yield _alternative(
            "OUTSIDE",
            stated.number - len(lines),
            sentence="STATED_MORE",
            number=stated.number,
            evidence=stated.evidence,
        )
        return
    cut = told.onset.counts_from
    for diagnosis, treatment in told.elsewhere:
        # Told before the disease was distant it was early treatment; told later, nobody can say when it was.
        if cut is not None and (diagnosis.start is None or diagnosis.start.last >= cut):
            yield _alternative(
                "OUTSIDE", 1, sentence="TOLD_ELSEWHERE", treatment=treatment.name, evidence=diagnosis.evidence
            )
            return


def _setting(told: Told) -> Iterator[Alternative]:
    since, lines = told.onset.since, told.lines
    if since is None:
        yield from _hardly_early(told)
    elif since.basis in {"palliative-intent", "text"} and lines:
        yield _alternative("MET_UNKNOWN", -1, sentence="MET_UNKNOWN_EARLY", line=1, evidence=since.evidence)
    elif told.onset.may_be_late:
        usual = since.date.plus_days(-told.rules.days("pre_met"))
        for line in lines:
            if line.start.is_before(usual) is True and line.number is not None:
                yield _alternative("MET_LATE", -1, line=line.number, evidence=since.evidence, number=line.number)


def _hardly_early(told: Told) -> Iterator[Alternative]:
    """Treatment that is hardly for early disease in a record that names no metastases: the lines it makes.

    It is so with progression under treatment, drugs hardly used before metastases, an antibody for longer than early
    treatment lasts, and where neither an intent nor breast surgery says that the disease is early.
    """
    rules, runs = told.rules, told.runs
    marker = next((it for it in runs if "metastatic_only" in it.groups), None)
    progressions = Progressions(told.record, rules, None)
    has_surgery = any(it.kind in BREAST_SURGERY and not it.is_planned for it in told.record.local_therapies)

    def is_hardly_early(run: Run) -> bool:
        if run is marker:
            return True
        if run.intent in EARLY_INTENTS or run.intent is TreatmentIntent.CURATIVE:
            return False
        is_antibody = "antibody" in run.groups
        is_systemic = not _SYSTEMIC.isdisjoint(run.groups)
        days = run.start.least_days_until(run.covered)
        return (
            bool(progressions.between(run.start, run.covered))
            or (is_antibody and days > rules.days("early_most"))
            or (is_systemic and not has_surgery)
        )

    first = next((it for it in runs if is_hardly_early(it)), None)
    if first is None:
        return
    segmenter = Segmenter(rules, progressions, as_of=told.as_of)
    segmenter.walk(tuple(it for it in runs if it.start.last >= first.start.first))
    agents = ", ".join(sorted(segmenter.segments[0].agents))
    more = len(segmenter.segments) + sum(it.delta for it in segmenter.alternatives if it.delta > 0)
    yield _alternative("MET_UNKNOWN", more, agents=agents, evidence=first.evidence[:1])


def _cure(told: Told) -> Iterator[Alternative]:
    """Stage IV at diagnosis, breast surgery during or soon after the first line without progression, or curative intent."""
    if not told.lines or told.early:
        return
    line, rules = told.lines[0], told.rules
    ended = line.end or PartialDate.from_day(told.as_of)
    surgeries = [
        it
        for it in told.record.local_therapies
        if it.kind in BREAST_SURGERY
        and it.site in {None, "breast", "unspecified"}
        and not it.is_planned
        and it.date is not None
        and it.date.is_after(line.start) is True
        and ended.days_until(it.date).most <= rules.days("cured_by")
    ]
    curative = [run for run in told.runs if run.intent is TreatmentIntent.CURATIVE]
    if curative:
        known = frozenset(line.evidence)
        curative = [run for run in curative if not known.isdisjoint(run.evidence)]
    if not surgeries and not curative:
        return
    progressed = line.end_reason is EndReason.PROGRESSION and line.end is not None
    until = min((it.date for it in surgeries if it.date is not None), key=lambda it: it.first, default=None)
    if curative or (until is not None and not (progressed and line.end is not None and line.end.is_before(until))):
        evidence = tuple(ref for it in surgeries for ref in it.evidence) + tuple(it.evidence[0] for it in curative)
        yield _alternative("CURATIVE_STAGE4", -1, line=1, evidence=evidence)
        if until is not None and not told.is_first_in_parts:  # a planned sequence says already that it could be two
            yield _alternative("CURATIVE_STAGE4", 1, sentence="CURE_IN_PARTS", line=1, evidence=evidence)


def _locoregional(told: Told) -> Iterator[Alternative]:
    """Chemotherapy or anti-HER2 therapy for early disease long after earlier treatment: a recurrence that is not distant."""
    if not told.early:
        return
    rules = told.rules
    systemic = [
        it for it in told.early if rules.any_of("chemotherapy", it.agents) or rules.any_of("anti_her2", it.agents)
    ]
    for before, after in pairwise(systemic):
        # A kinase inhibitor alone may be extended adjuvant therapy.
        is_chemo = rules.any_of("chemotherapy", after.agents)
        gap = (before.end or before.start).least_days_until(after.start)
        if is_chemo and gap > rules.days("recurrence"):
            yield _alternative("LOCOREGIONAL", 1, agent=", ".join(after.agents), evidence=after.evidence[:1])


def _order_only(told: Told) -> Iterator[Alternative]:
    """Regimens known only from an order: planned, evidently never given, or counted though no dose is recorded."""
    for sentence, ordered in (("ORDER_ONLY", told.ordered.planned), ("NEVER_GIVEN", told.ordered.never_given)):
        for start in sorted({it.start for it in ordered}, key=lambda it: (it.first, it.last)):
            runs = [it for it in ordered if it.start == start]
            evidence = tuple(sorted(ref for it in runs for ref in it.evidence))
            agents = ", ".join(sorted({it.agent for it in runs}))
            yield _alternative("ORDER_ONLY", 1, sentence=sentence, agent=agents, start=start, evidence=evidence)
    if not told.ordered.undocumented:
        return
    for line in told.lines:
        opener = next((it for it in line.courses if it.start == line.start), None)
        if (
            opener is not None
            and {it.agent for it in line.courses if it.start == line.start} <= told.ordered.undocumented
        ):
            yield _alternative(
                "ORDER_ONLY",
                -1,
                sentence="UNDOCUMENTED",
                line=line.number,
                agent=opener.agent,
                start=line.start,
                evidence=opener.evidence,
            )


def _second_cancer(told: Told) -> Iterator[Alternative]:
    """A line of drugs that another cancer on record is treated with too, when no record says what they were for."""
    others = [
        it
        for it in told.record.diagnoses
        if it.category == "other-cancer" and it.certainty == Certainty.CONFIRMED and it.is_active is not False
    ]
    if not others:
        return
    shared, named = told.rules.members["shared_with_other_cancers"], others[0]
    stated = {ref for it in told.record.exposures if it.given_for is not None for ref in it.evidence}
    for line in told.lines:
        if set(line.agents) <= shared and stated.isdisjoint(line.evidence):
            yield _alternative(
                "SECOND_CANCER",
                -1,
                line=line.number,
                agent=", ".join(line.agents),
                other=named.concept.replace("-", " "),
                evidence=named.evidence,
            )


def _unknown_drug(told: Told) -> Iterator[Alternative]:
    """A drug whose name nobody here knows, begun while no known drug of the last line was covered: it may be a line."""
    known = [it for it in told.record.unmapped if it.start is not None and it.may_be_cancer_drug is not False]
    if not known:
        return
    lines, window, progressions = told.lines, told.rules.days("combo"), told.progressions
    asked: PartialDate | None = None
    lasts: dict[str, PartialDate] = {}
    for it in sorted(known, key=lambda one: (one.start.first, one.start.last, one.evidence) if one.start else ()):
        if it.start is None or it.start.first > told.as_of:
            continue
        earlier, lasts[it.text] = lasts.get(it.text), it.start
        if earlier is not None and earlier.least_days_until(it.start) <= told.rules.days("episode"):
            continue  # the next dose of the same treatment, by whatever name
        if asked is not None and asked.least_days_until(it.start) <= window:
            continue  # drugs begun together are one question
        before = next((line for line in reversed(lines) if line.start.is_before(it.start) is True), None)
        if before is None or before.number is None:
            continue
        after = lines[before.number] if before.number < len(lines) else None
        has_ended = all(
            course.end is not None and course.end.least_days_until(it.start) >= -told.rules.days("pd_fwd")
            for course in before.courses
        )
        is_new = before.start.least_days_until(it.start) > window
        has_progressed = is_new and bool(progressions.near(it.start, before.start))
        is_apart = after is None or it.start.least_days_until(after.start) > window
        if (has_ended or has_progressed) and is_apart:
            asked = it.start
            yield _alternative(
                "OUTSIDE",
                1,
                sentence="UNKNOWN_DRUG",
                line=before.number,
                start=it.start,
                number=before.number,
                evidence=it.evidence,
            )


def _long_pauses(told: Told) -> Iterator[Alternative]:
    """A long time without treatment after a line that nothing explains, or after progression: a line may be missing."""
    for line, following in pairwise(told.lines):
        if line.end is None or line.end_reason not in _OPEN_TO_MORE:
            continue
        days = line.end.least_days_until(following.start)
        if days > told.rules.days("line_pause"):
            yield _line_missing_after(line, "LONG_PAUSE", days)
    last = told.lines[-1] if told.lines else None
    if last is None or last.end_reason not in _OPEN_TO_MORE:
        return
    still_open = [run for run in told.runs if run.is_open]
    is_open = bool(still_open) and not frozenset(last.evidence).isdisjoint(
        chain.from_iterable([run.evidence for run in still_open])
    )
    # Where no record names the end, the line is known for sure only on the day that its last drug began.
    ended = last.end or max([it.start for it in last.courses], key=by_last)
    days = ended.least_days_until(PartialDate.from_day(told.as_of))
    if not is_open and days > told.rules.days("history_starts"):
        yield _line_missing_after(last, "SILENT_SINCE", days)


def _line_missing_after(line: LineOfTherapy, sentence: str, days: int) -> Alternative:
    return _alternative(
        "OUTSIDE",
        1,
        sentence=sentence,
        line=line.number,
        days=days,
        number=line.number,
        evidence=line.evidence[-1:],
    )
