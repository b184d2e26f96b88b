"""The line history of a patient: settings, lines, ends, counts and doubts. Source: lines-of-therapy rules R1 to R15."""

from __future__ import annotations

from datetime import date
from itertools import chain

from cdshooks.knowledge.ids import LineRuleId
from cdshooks.knowledge.load import Knowledge
from cdshooks.lines.counting import confidence_of, count_lines
from cdshooks.lines.courses import build_runs
from cdshooks.lines.doubts import Told, whole_history_doubts
from cdshooks.lines.early import early_lines
from cdshooks.lines.ends import LineCloser, uses_of
from cdshooks.lines.model import EndReason, LineHistory, LineOfTherapy, RuleFiring
from cdshooks.lines.ordered import Ordered, orders_apart
from cdshooks.lines.progressions import Progressions
from cdshooks.lines.segments import Segmenter
from cdshooks.lines.sentences import FIRINGS
from cdshooks.lines.settings import Onset, by_setting, early_relapse, metastatic_onset
from cdshooks.record.model import PatientRecord
from cdshooks.record.told_treatments import treatments_without_drugs


def build_line_history(record: PatientRecord, knowledge: Knowledge, *, as_of: date) -> LineHistory:
    """Rebuild the lines of therapy from the record as of a day."""
    rules = knowledge.line_rules
    onset = metastatic_onset(record, rules, as_of)
    known = build_runs(record.exposures, knowledge, as_of, boundary=onset.counts_from)
    ordered = orders_apart(known, rules, knowledge.drugs, as_of)
    runs = ordered.taken
    advanced, before, carried = by_setting(runs, onset, rules)
    progressions = Progressions(record, rules, onset.since.date if onset.since else None)
    segmenter = Segmenter(rules, progressions, as_of=as_of)
    segmenter.walk(advanced)
    closer = LineCloser(knowledge, progressions, as_of=as_of)
    lines = closer.close(segmenter.segments)
    early = early_lines(before, record, knowledge, onset.since)
    relapse, clocks = early_relapse(before, onset.since, rules)
    told = Told(
        record=record,
        runs=runs,
        ordered=ordered,
        onset=onset,
        progressions=progressions,
        early=early,
        lines=lines,
        relapse=relapse,
        rules=rules,
        as_of=as_of,
        is_first_in_parts=any(it.line == 1 and it.delta > 0 for it in segmenter.alternatives),
        elsewhere=tuple(
            treatments_without_drugs(
                record.diagnoses,
                chain(record.exposures, record.other_cancer_drugs),
                knowledge.codes.told_treatments,
                knowledge.drugs,
            )
        ),
    )
    alternatives = (*segmenter.alternatives, *whole_history_doubts(told))
    counts = count_lines(told, alternatives)
    confidence, because = confidence_of(told, alternatives, counts)
    return LineHistory(
        metastatic_since=onset.since,
        counts=counts,
        alternatives=alternatives,
        confidence=confidence,
        confidence_because=because,
        lines=lines,
        early=early,
        next_line=counts.metastatic_lines + 1,
        current=next((it.number for it in reversed(lines) if it.end_reason is EndReason.ONGOING), None),
        uses=uses_of((*early, *lines)),
        early_relapse=relapse,
        firings=(
            *onset.firings,
            *_early_firings(early, onset),
            *clocks,
            *_apart_firings(record, ordered),
            *carried,
            *segmenter.firings,
            *closer.firings,
        ),
    )


def _early_firings(early: tuple[LineOfTherapy, ...], onset: Onset) -> tuple[RuleFiring, ...]:
    sentence = FIRINGS["early" if onset.since is not None else "early_unknown"]
    return tuple(
        RuleFiring(
            rule=LineRuleId("R6-setting"),
            line=None,
            because=sentence.format(agents=", ".join(it.agents)),
            evidence=it.evidence[:1],
        )
        for it in early
    )


def _apart_firings(record: PatientRecord, ordered: Ordered) -> tuple[RuleFiring, ...]:
    """What is no part of the lines: drugs for other diseases, and mere orders."""
    others = {it.agent: it.evidence for it in reversed(record.other_cancer_drugs)}
    return (
        *(
            RuleFiring(
                rule=LineRuleId("R3-eligible"),
                line=None,
                because=FIRINGS["other_cancer"].format(agent=agent),
                evidence=evidence,
            )
            for agent, evidence in sorted(others.items())
        ),
        *(
            RuleFiring(
                rule=LineRuleId("R1-evidence"),
                line=None,
                because=FIRINGS[sentence].format(agent=it.agent, start=it.start),
                evidence=it.evidence,
            )
            for sentence, runs in (("planned", ordered.planned), ("never_given", ordered.never_given))
            for it in runs
        ),
    )
