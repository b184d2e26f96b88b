"""The parts that cards share: what was found for the patient, what is missing, when the card does not apply. Source: SAF-01."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import msgspec

from cdshooks.cards import wording
from cdshooks.cards.escape import escape
from cdshooks.knowledge.ids import FactId, SourceId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.names import name_of
from cdshooks.lines.model import EndReason, LineOfTherapy
from cdshooks.lines.sentences import METASTATIC_BASIS
from cdshooks.options.model import Advice, Finding, Gap, Option, Outcome
from cdshooks.record.model import UNVERIFIED

_MOST_LINES = 10
_MOST_NAMES = 6
_LINES_IN_SHORT = 4
_SHORT_ASK = 70
_MOST_UNVERIFIED = 2
_TOLD_DOUBTS, _MOST_TOLD = frozenset({"unsupported", "told-treatment", "date", "found-in-text"}), 3
"""Doubts of the reading that may change the lines, the receptors or the ejection fraction, so a clinician must see them."""


def found_for_patient(advice: Advice) -> str:
    """Lines with drugs, dates and why they ended, the count with its doubts, and the receptors in force."""
    lines = advice.lines
    rows = [_row(wording.EARLY_ROW, line) for line in lines.early][-_MOST_LINES:]
    rows += [_row(wording.LINE_ROW, line) for line in lines.lines][-_MOST_LINES:]
    others = [wording.OTHER_COUNT.format(because=it.because) for it in lines.alternatives]
    table = "\n".join((wording.LINE_HEAD, *rows)) if rows else ""
    told = "\n".join(
        f"- {it}" for it in (counted(advice), *others, receptors_in_force(advice), brain_state(advice)) if it
    )
    return "\n\n".join(it for it in (wording.FOUND.format(as_of=advice.as_of), table, told) if it)


def found_in_short(advice: Advice) -> str:
    """The last lines in one row each, the receptors and the brain: for a card that stands beside the full table."""
    rows = [
        wording.FOUND_LINE.format(
            number=line.number,
            agents=", ".join(line.agents),
            reason=wording.REASONS[line.end_reason.value],
            end=f", {line.end}" if line.end is not None else "",
        )
        for line in advice.lines.lines[-_LINES_IN_SHORT:]
    ]
    told = "\n".join(
        f"- {it}" for it in (counted(advice), *rows, receptors_in_force(advice), brain_state(advice)) if it
    )
    return f"{wording.FOUND.format(as_of=advice.as_of)}\n\n{told}"


def missing_or_conflicting(advice: Advice, knowledge: Knowledge, gaps: Sequence[Gap], *, in_short: bool) -> str:
    """What is missing, contradictory, unreadable or not recognised; ``in_short``: another card asks for it in full."""
    points = [f"- {gap.ask}" for gap in gaps]
    if in_short and gaps:
        points = ["- " + wording.MISSING_NAMES.format(names="; ".join(gap_names(gaps, knowledge)))]
    points += [f"- {conflict.because}" for conflict in advice.conflicts]
    record = advice.record
    if record.unreadable:
        refs = ", ".join(escape(it.resource) for it in record.unreadable[:3])
        count = f"{len(record.unreadable)} resource{'' if len(record.unreadable) == 1 else 's'}"
        points.append("- " + wording.UNREADABLE.format(count=count, refs=refs))
    unknown = [
        it.text
        for it in record.unmapped
        if it.may_be_cancer_drug or not knowledge.drugs.other_names.isdisjoint(name_of(it.text))
    ]
    if unknown:  # other cancer drugs only: ordinary co-medication does not shout here
        points.append("- " + wording.UNMAPPED.format(names=", ".join(escape(it) for it in unknown[:3])))
    points += [f"- {doubt.because}" for doubt in record.doubts if doubt.code in _TOLD_DOUBTS][:_MOST_TOLD]
    points += [f"- {it}" for it in unverified(advice)]
    return f"{wording.MISSING}\n\n" + ("\n".join(dict.fromkeys(points)) or knowledge.wording.nothing_missing)


def not_seen(advice: Advice) -> list[str]:
    """Which parts of the record the answer was given without."""
    keys = dict.fromkeys(it.query for it in advice.record.incomplete if not it.concerns_treatment)
    names = [wording.QUERIES[key] for key in keys if key in wording.QUERIES]
    return [wording.NOT_SEEN.format(names=", ".join(names))] if names else []


def unverified(advice: Advice) -> list[str]:
    """What rests on a row of our tables that nobody has read, where it decided something about an order or a regimen."""
    doubts = [it for it in advice.record.doubts if it.code == UNVERIFIED]
    if not doubts:
        return []
    decided = {ref for line in advice.lines.lines for ref in line.evidence}
    for review in advice.orders:
        decided |= {ref for it in review.reasons if it.outcome is not Outcome.MET for ref in it.evidence}
    of_options = {id(it): it for option in advice.options for it in option.unmet()}  # most are shared by many regimens
    decided = decided.union(*(it.evidence for it in of_options.values()))
    return [it.because for it in doubts if not decided.isdisjoint(it.evidence)][:_MOST_UNVERIFIED]


def relevant_gaps(advice: Advice, knowledge: Knowledge, judged: Iterable[Option]) -> list[Gap]:
    """Gaps that would change what stands first: those looked for in every patient, and what these options ask."""
    standing = {it.ask for it in knowledge.gap_rules if not it.about_trials}
    trials = {it.ask for it in knowledge.gap_rules if it.about_trials}
    asked: dict[FactId, dict[str, None]] = {}
    for option in judged:
        for ask in option.asks:
            asked.setdefault(ask.fact, {})[ask.text] = None
    gaps: list[Gap] = []
    for gap in advice.gaps:
        if gap.ask in standing:
            gaps.append(gap)
        elif gap.fact in asked and gap.ask not in trials:
            # one fact may be asked of several drugs; here only what is asked of these options counts
            gaps += [
                gap if gap.ask.startswith(text) else msgspec.structs.replace(gap, ask=text) for text in asked[gap.fact]
            ]
    return gaps


def gap_names(gaps: Iterable[Gap], knowledge: Knowledge) -> list[str]:
    """Each gap by the test that fills it, or by the fact that it leaves open."""
    named = {rule.ask: rule.name for rule in knowledge.gap_rules if rule.name is not None}
    return list(dict.fromkeys(named.get(gap.ask) or in_short(gap.fact, gap.ask, knowledge) for gap in gaps))


def in_short(fact: FactId, ask: str, knowledge: Knowledge) -> str:
    """A question by the test that answers it, by its short name, or itself where it is short; else by its fact."""
    tests = {filled: test.label for test in knowledge.tests for filled in test.fills}
    definition = knowledge.facts[fact]
    return tests.get(fact) or definition.short or (ask.rstrip(".") if len(ask) <= _SHORT_ASK else definition.label)


def limits(knowledge: Knowledge) -> str:
    """When the card does not apply, and the version of the knowledge."""
    manifest = knowledge.manifest
    parts = [knowledge.wording.not_when]
    switched_off = [it.label for it in knowledge.regimens.values() if it.switched_off is not None]
    if switched_off:
        parts.append(wording.SWITCHED_OFF.format(names=some_names(switched_off)))
    parts.append(wording.BASIS.format(version=manifest.version, reviewed=manifest.reviewed))
    return "\n\n".join(parts)


def gravest_of_topic(findings: Iterable[Finding], knowledge: Knowledge) -> list[Finding]:
    """Of findings in order of gravity, those that no graver one of their topic about the same drugs makes superfluous."""
    gravest: dict[tuple[str, frozenset[str]], Finding] = {}
    told: list[Finding] = []
    for finding in findings:
        criterion = knowledge.criteria.get(finding.criterion)
        topic = (criterion.topic if criterion is not None else None) or finding.criterion
        if gravest.setdefault((topic, frozenset(finding.about)), finding).effect is finding.effect:
            told.append(finding)
    return told


def cited(sources: Iterable[SourceId], knowledge: Knowledge, most: int = 2) -> str:
    """The first sources in brackets; what nobody has read is cited nowhere."""
    known = [knowledge.sources[it] for it in sources if it in knowledge.sources]
    read = [it.cite for it in known if it.read != "not_read"][:most]
    return f" [{'; '.join(read)}]" if read else ""


def basis_of(finding: Finding, knowledge: Knowledge, told: set[str], most: int = 1) -> str:
    """Where the criterion behind a finding was read, in brackets; of one that nobody has read, that it is our own.

    ``told``: what stands on the card already; a basis is named once.
    """
    if finding.criterion in told:
        return ""
    told.add(finding.criterion)
    criterion = knowledge.criteria.get(finding.criterion)
    if criterion is not None and not criterion.verified:
        return wording.OWN_RULE
    return cited(finding.sources, knowledge, most)


def note_of_dose(note: str, knowledge: Knowledge) -> str:
    """A dose note, marked where its criterion was not read in a source."""
    is_own = any(note == step.dose_note for it in knowledge.criteria.values() if not it.verified for step in it.steps)
    return note + wording.OWN_RULE if is_own else note


def some_names(names: Sequence[str]) -> str:
    """The first names, and how many more there are."""
    rest = len(names) - _MOST_NAMES
    return "; ".join(names[:_MOST_NAMES]) + (f"; and {rest} more" if rest > 0 else "")


def counted(advice: Advice) -> str:
    """How many lines, with the range, how sure we are and since when."""
    lines, counts = advice.lines, advice.lines.counts
    since = lines.metastatic_since
    basis = (
        wording.METASTATIC.format(date=since.date, how=METASTATIC_BASIS[since.basis])
        if since is not None
        else "no metastatic date"
    )
    sentence = wording.COUNTED if counts.min == counts.max else wording.COUNTED_RANGE
    if counts.is_at_least:
        sentence = wording.COUNTED_AT_LEAST
    return sentence.format(
        count=counts.metastatic_lines,
        lines="line" if counts.metastatic_lines == 1 else "lines",
        least=counts.min,
        most=counts.max,
        confidence=lines.confidence,
        basis=basis,
    )


def _row(template: str, line: LineOfTherapy) -> str:
    agents = ", ".join(line.agents)
    if line.maintenance_agents:
        agents += f" (then {', '.join(line.maintenance_agents)})"
    return template.format(
        number=line.number,
        agents=agents,
        start=line.start,
        end=line.end or ("ongoing" if line.end_reason is EndReason.ONGOING else "not on record"),
        reason=wording.REASONS[line.end_reason.value],
    )


def receptors_in_force(advice: Advice) -> str:
    """The receptor states that count now, with their dates."""
    facts = {str(it.id): it for it in advice.facts}
    parts = []
    is_untold = all(it in facts and facts[it].value is None for it in ("er", "pr"))
    together = facts.get("hr") if is_untold else None
    is_together = together is not None and together.value is not None
    for marker in ("her2", "hr") if is_together else ("her2", "er", "pr"):
        fact = facts.get(marker)
        value = str(fact.value) if fact is not None and fact.value is not None else "unknown"
        dated = f" ({fact.date})" if fact is not None and fact.date is not None and fact.value is not None else ""
        name = wording.ONE_OF_TWO if marker == "hr" else marker.upper()
        parts.append(f"{name} {wording.RECEPTOR_VALUES.get(value, value)}{dated}")
    return wording.RECEPTORS.format(receptors=", ".join(parts))


def brain_state(advice: Advice) -> str:
    """What is known of brain and meninges; empty when the record says nothing."""
    cns = advice.record.cns
    return wording.BRAIN[cns.state].format(date=cns.date or "no date") if cns is not None else ""
