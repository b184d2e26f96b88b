"""The parts of a card's detail, in the order in which a reader checks its basis. Source: SAF-01."""

from __future__ import annotations

from collections.abc import Iterable

from cdshooks.cards import wording
from cdshooks.cards.escape import escape
from cdshooks.knowledge.ids import SourceId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.manifest import Freshness
from cdshooks.knowledge.names import name_of
from cdshooks.knowledge.regimens import Regimen
from cdshooks.lines.model import LineOfTherapy
from cdshooks.options.model import Advice, Option, OrderReview, Outcome, Verdict

_MOST_LINES = 10
_MOST_NAMES = 8
_TDXD_HAD = "had_tdxd"


def found_for_patient(advice: Advice) -> str:
    """Lines with drugs, dates and why they ended, the count with its doubts, and the receptors in force."""
    lines = advice.lines
    rows = [_row(wording.EARLY_ROW, line) for line in lines.early][-_MOST_LINES:]
    rows += [_row(wording.LINE_ROW, line) for line in lines.lines][-_MOST_LINES:]
    counts = lines.counts
    since = lines.metastatic_since
    basis = (
        wording.METASTATIC.format(date=since.date, how=wording.HOW.get(since.basis, since.basis))
        if since is not None
        else "no metastatic date"
    )
    sentence = wording.COUNTED if counts.min == counts.max else wording.COUNTED_RANGE
    if counts.is_at_least:
        sentence = wording.COUNTED_AT_LEAST
    counted = sentence.format(
        count=counts.metastatic_lines,
        lines="line" if counts.metastatic_lines == 1 else "lines",
        least=counts.min,
        most=counts.max,
        confidence=lines.confidence,
        basis=basis,
    )
    others = [wording.OTHER_COUNT.format(because=it.because) for it in lines.alternatives]
    receptors = wording.RECEPTORS.format(receptors=_receptors(advice))
    table = "\n".join((wording.LINE_HEAD, *rows)) if rows else ""
    brain = _brain(advice)
    told = "\n".join(f"- {it}" for it in (counted, *others, receptors, brain) if it)
    return "\n\n".join(it for it in (wording.FOUND.format(as_of=advice.as_of), table, told) if it)


def missing_or_conflicting(advice: Advice, knowledge: Knowledge) -> str:
    """What is missing, contradictory, unreadable or not recognised."""
    points = [f"- {gap.ask}" for gap in advice.gaps[:4]]
    points += [f"- {conflict.because}" for conflict in advice.conflicts]
    record = advice.record
    if record.unreadable:
        refs = ", ".join(escape(it.resource) for it in record.unreadable[:3])
        points.append("- " + wording.UNREADABLE.format(count=_count(len(record.unreadable), "resource"), refs=refs))
    unknown = [it.text for it in record.unmapped if not knowledge.drugs.other_names.isdisjoint(name_of(it.text))]
    if unknown:  # other cancer drugs only: ordinary co-medication does not shout here
        names = ", ".join(escape(it) for it in unknown[:3])
        points.append("- " + wording.UNMAPPED.format(names=names))
    points += [f"- {doubt.because}" for doubt in record.doubts if doubt.code == "unsupported"][:2]
    return f"{wording.MISSING}\n\n" + ("\n".join(dict.fromkeys(points)) or wording.NOTHING_MISSING)


def option_lines(shown: list[Option], ranked: list[Option], advice: Advice, knowledge: Knowledge) -> str:
    """The first options with their evidence, warnings and questions; the rest by name."""
    after_tdxd = any(it.id == _TDXD_HAD and it.value is True for it in advice.facts)
    entries = [f"{place}. {_option(it, knowledge, after_tdxd=after_tdxd)}" for place, it in enumerate(shown, 1)]
    rest = [it.label for it in ranked if it not in shown]
    parts = [wording.OPTIONS, "\n".join(entries), wording.TRIAL]
    if rest:
        parts.append(wording.OTHERS.format(names=_names(rest)))
    for verdict, sentence in ((Verdict.HOLD, wording.HELD), (Verdict.EXCLUDE, wording.EXCLUDED)):
        named = _by_reason(
            it for it in advice.options if it.verdict == verdict and knowledge.regimens[it.id].role == "option"
        )
        if named:
            parts.append(f"{sentence}\n\n" + "\n".join(named))
    return "\n\n".join(it for it in parts if it)


def review_lines(reviews: list[OrderReview], advice: Advice, knowledge: Knowledge) -> str:
    """What speaks against the order being placed, and what was judged to fit instead."""
    points: list[str] = []
    for review in reviews:
        known = [it for it in review.reasons if it.outcome in {Outcome.NOT_MET, Outcome.REVIEW}]
        reasons = known or [it for it in review.reasons if it.outcome != Outcome.MET] or list(review.reasons)
        points.extend(
            f"- {', '.join(review.agents)}: {it.because}{_cited(it.sources, knowledge)}" for it in reasons[:4]
        )
    fitting = [
        it.label
        for it in sorted(advice.options, key=lambda it: it.rank or 99)
        if it.verdict == Verdict.OFFER and it.agents
    ][:3]
    if knowledge.manifest.freshness(advice.as_of) is Freshness.EXPIRED:
        fitting = []
    text = f"{wording.WHY_REVIEW}\n\n" + "\n".join(dict.fromkeys(points))
    return text + (f"\n\n{wording.ALTERNATIVES.format(names=', '.join(fitting))}" if fitting else "")


def limits(knowledge: Knowledge) -> str:
    """When the card does not apply, and the version of the knowledge."""
    manifest = knowledge.manifest
    return f"{wording.NOT_WHEN}\n\n{wording.BASIS.format(version=manifest.version, reviewed=manifest.reviewed)}"


def _row(template: str, line: LineOfTherapy) -> str:
    agents = ", ".join(line.agents)
    if line.maintenance_agents:
        agents += f" (then {', '.join(line.maintenance_agents)})"
    return template.format(
        number=line.number,
        agents=agents,
        start=line.start,
        end=line.end or "ongoing",
        reason=wording.REASONS[line.end_reason.value],
    )


def _receptors(advice: Advice) -> str:
    facts = {str(it.id): it for it in advice.facts}
    parts = []
    for marker in ("her2", "er", "pr"):
        fact = facts.get(marker)
        value = fact.value if fact is not None and fact.value is not None else "unknown"
        dated = f" ({fact.date})" if fact is not None and fact.date is not None and fact.value is not None else ""
        parts.append(f"{marker.upper()} {value}{dated}")
    return ", ".join(parts)


def _brain(advice: Advice) -> str:
    cns = advice.record.cns
    return wording.BRAIN[cns.state].format(date=cns.date or "no date") if cns is not None else ""


def _option(option: Option, knowledge: Knowledge, *, after_tdxd: bool) -> str:
    regimen = knowledge.regimens[option.id]
    drugs = f" ({' + '.join(option.agents)})" if option.agents else ""
    evidence = _evidence(regimen, knowledge, after_tdxd=after_tdxd) if option.agents else ""
    text = f"**{option.label}**{drugs}. {evidence}".rstrip()
    if option.why_this_rank:
        text += f" Why here: {option.why_this_rank[0]}"
    for warned in option.warnings[:3]:
        text += f"\n   - Warning: {warned.text}"
    for ask in option.asks[:3]:
        text += f"\n   - First: {ask.text}"
    for note in option.dose_notes[:3]:
        text += f"\n   - Dose: {note}"
    return text


def _evidence(regimen: Regimen, knowledge: Knowledge, *, after_tdxd: bool) -> str:
    for trial in regimen.evidence:
        figures = [f"{it.measure} {it.text}" for it in trial.figures if it.verified]
        if trial.verified and figures:
            caveat = f"; {wording.TDXD_NAIVE}" if after_tdxd and trial.is_tdxd_naive is not False else ""
            cited = _cited((it.source for it in trial.sources), knowledge)
            return f"{trial.trial}: {'; '.join(figures[:2])}{caveat}{cited}."
    return wording.UNVERIFIED  # without a source: what stands behind an unverified figure is not cited as evidence


def _cited(sources: Iterable[SourceId], knowledge: Knowledge) -> str:
    known = [knowledge.sources[it].cite for it in sources if it in knowledge.sources][:2]
    return f" [{'; '.join(known)}]" if known else ""


def _first_reason(option: Option) -> str:
    failed = [it for it in option.findings if it.outcome == Outcome.NOT_MET]
    return failed[0].because.rstrip(".") if failed else "see explain"


def _by_reason(options: Iterable[Option]) -> list[str]:
    """One point for each reason, with the regimens it holds back: a reason that holds for thirty is said once."""
    held: dict[str, list[str]] = {}
    for option in options:
        held.setdefault(_first_reason(option), []).append(option.label)
    return [f"- {reason}: {_names(labels)}." for reason, labels in held.items()]


def _names(names: list[str]) -> str:
    rest = len(names) - _MOST_NAMES
    return "; ".join(names[:_MOST_NAMES]) + (f"; and {rest} more" if rest > 0 else "")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
