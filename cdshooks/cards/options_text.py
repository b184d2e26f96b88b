"""The options on a card: the first ones with their evidence, the rest by name, and what is not offered with its reason."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from cdshooks.cards import wording
from cdshooks.cards.detail import basis_of, cited, gravest_of_topic, in_short, note_of_dose, some_names
from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.regimens import Figure, Regimen, TrialEvidence
from cdshooks.options.model import Advice, Finding, Option, Verdict

_HAD_TDXD = "had_tdxd"
_CNS = "cns"
_NO_RESULTS = frozenset({"Status", "Detail"})
"""Measures that tell of a trial's course and give no result."""
_MOST_REASONS = 8


def option_lines(
    selected: Option | None,
    shown: Sequence[Option],
    rest: Sequence[Option],
    advice: Advice,
    knowledge: Knowledge,
    *,
    is_reviewed: bool,
) -> str:
    """The selected order, the first options with their evidence, warnings and questions; the rest by name.

    ``is_reviewed``: a card of its own speaks of the order, so here only its place is told.
    """
    told: set[str] = set()
    parts = [knowledge.wording.options]
    if selected is not None:
        count = sum(it.rank is not None for it in advice.options)
        entry = f"**{selected.label}**." if is_reviewed else _option(selected, advice, knowledge, told)
        parts.append(wording.SELECTED.format(rank=selected.rank, count=count, option=entry))
    parts.append("\n".join(f"{place}. {_option(it, advice, knowledge, told)}" for place, it in enumerate(shown, 1)))
    if any(_is_trial_search(it, knowledge) for it in rest):
        parts.append(knowledge.wording.trial)
    if any(it.agents for it in (*shown, *rest)):
        parts.append(_anchor(advice, knowledge))
    if rest:
        parts.append(knowledge.wording.others.format(names=some_names([it.label for it in rest])))
    for verdict, sentence in ((Verdict.HOLD, knowledge.wording.held), (Verdict.EXCLUDE, knowledge.wording.excluded)):
        of_verdict = (it for it in advice.options if it.verdict == verdict and could_be_offered(it, knowledge))
        named = _by_reason(of_verdict, advice, knowledge, told)
        if named:
            parts.append(f"{sentence}\n\n" + "\n".join(named[:_MOST_REASONS]))
    return "\n\n".join(it for it in parts if it)


def had_tdxd(advice: Advice) -> bool:
    """Whether T-DXd has been given, for then figures from patients without it promise too much."""
    return advice.value_of(_HAD_TDXD) is True


def has_evidence(option: Option, knowledge: Knowledge, *, after_tdxd: bool) -> bool:
    """Whether a drug option rests on more than opinion in this patient's situation."""
    level = knowledge.regimens[option.id].evidence_level
    known = level.after_tdxd if after_tdxd else level.tdxd_naive
    return bool(option.agents) and known in {it for band in knowledge.ranking.evidence_bands[:2] for it in band}


def ranked_options(advice: Advice) -> list[Option]:
    """The options that may be suggested, in their order."""
    return sorted((it for it in advice.options if it.rank is not None), key=lambda it: it.rank or 0)


def is_unproven(ranked: Sequence[Option], advice: Advice, knowledge: Knowledge) -> bool:
    """Whether the referral to a trial comes first because no drug has been seen to work here, not even one that is held back."""
    if not ranked or not _is_trial_search(ranked[0], knowledge):
        return False
    held = (it for it in advice.options if it.verdict is Verdict.HOLD and could_be_offered(it, knowledge))
    return not any(has_evidence(it, knowledge, after_tdxd=had_tdxd(advice)) for it in (*ranked, *held))


def _anchor(advice: Advice, knowledge: Knowledge) -> str:
    anchor = knowledge.ranking.anchor_after_tdxd
    if anchor is None or not had_tdxd(advice):
        return ""
    return f"{anchor.text}{cited((it.source for it in anchor.sources), knowledge)}."


def could_be_offered(option: Option, knowledge: Knowledge) -> bool:
    """An option for such a patient in such a place: what never applied to her is not worth a line."""
    return knowledge.regimens[option.id].role == "option" and not any(
        effect is Effect.NOT_APPLICABLE for _, effect in option.effects
    )


def _option(option: Option, advice: Advice, knowledge: Knowledge, told: set[str]) -> str:
    regimen = knowledge.regimens[option.id]
    has_choice = any(len(it.one_of) > 1 or it.optional for it in regimen.components)
    drugs = f": {' + '.join(option.agents)}" if option.agents and has_choice else ""
    text = f"**{option.label}{drugs}**."
    if option.agents:
        text += f" {evidence_of(regimen, knowledge, after_tdxd=had_tdxd(advice))}"
    elif _is_trial_search(option, knowledge):
        text += f" {knowledge.wording.trial}"
    text += "".join(f" {it}" for it in option.told)
    warned = [it for it in option.against if it.effect is Effect.WARN]
    for finding in gravest_of_topic(warned, knowledge)[:3]:
        text += f"\n   - Warning: {finding.because}{basis_of(finding, knowledge, told)}"
    if option.asks:
        names = dict.fromkeys(in_short(ask.fact, ask.text, knowledge) for ask in option.asks)
        text += "\n   - " + wording.FIRST.format(names="; ".join(names))
    for note in option.dose_notes[:3]:
        text += f"\n   - Dose: {note_of_dose(note, knowledge)}"
    if regimen.formulary_note:
        text += "\n   - " + wording.FORMULARY.format(note=regimen.formulary_note)
    for views in views_of(option, advice, knowledge):
        text += "\n   - " + wording.DISAGREE.format(views=views)
    return text


def views_of(option: Option, advice: Advice, knowledge: Knowledge) -> list[str]:
    """Both views where experts disagree and it matters for this patient: on the regimen, and on a criterion in doubt."""
    criteria = [knowledge.criteria.get(it) for it, _ in option.effects]
    on_criteria = [it.experts_disagree + wording.OPINION for it in criteria if it is not None and it.experts_disagree]
    holds = {None: True, "brain": _needs_brain(advice, knowledge), "after_tdxd": had_tdxd(advice)}
    on_regimen = [
        it.text + (cited((cite.source for cite in it.sources), knowledge) or wording.OPINION)
        for it in knowledge.regimens[option.id].experts_disagree
        if holds[it.only]
    ]
    return list(dict.fromkeys([*on_regimen, *on_criteria]))[:2]


def evidence_of(regimen: Regimen, knowledge: Knowledge, *, after_tdxd: bool) -> str:
    """The figures of one trial: of patients like this one before others, randomised before not, with survival before without."""
    told = [it for it in regimen.evidence if it.verified and _verified_figures(it)]
    told.sort(key=lambda it: (after_tdxd and it.is_tdxd_naive is not False, it.phase != "3", not _has_survival(it)))
    if not told:
        return (
            knowledge.wording.unverified
        )  # without a source: what stands behind an unverified figure is not cited as evidence
    return _figures(told[0], knowledge, after_tdxd=after_tdxd)


def _figures(trial: TrialEvidence, knowledge: Knowledge, *, after_tdxd: bool) -> str:
    figures = [f"{it.measure} {it.text}" for it in _verified_figures(trial)]
    caveat = f"; {knowledge.ranking.situation_words.caveat}" if after_tdxd and trial.is_tdxd_naive is not False else ""
    return f"{trial.trial}: {'; '.join(figures[:2])}{caveat}{cited((it.source for it in trial.sources), knowledge)}."


def _verified_figures(trial: TrialEvidence) -> list[Figure]:
    return [it for it in trial.figures if it.verified and it.measure not in _NO_RESULTS]


def _has_survival(trial: TrialEvidence) -> bool:
    return any(it.verified and it.measure == "OS" for it in trial.figures)


def _needs_brain(advice: Advice, knowledge: Knowledge) -> bool:
    return advice.value_of(_CNS) in knowledge.ranking.brain_needed


def _by_reason(options: Iterable[Option], advice: Advice, knowledge: Knowledge, told: set[str]) -> list[str]:
    """One point for each reason, with the regimens it holds back: a reason that holds for thirty is said once.

    A reason that is told of several drugs together, as progression on them, is one point for all of them.
    """
    held: dict[str, list[str]] = {}
    first: dict[str, Finding] = {}
    drugs: dict[str, dict[AgentId, None]] = {}
    for option in options:
        decided = option.deciding
        reason = _short(decided[0]) if decided else wording.SEE_EXPLAIN
        if decided and _together(decided[0], knowledge):
            reason = str(decided[0].criterion)
            same = (it for it in decided if it.criterion == decided[0].criterion)
            drugs.setdefault(reason, {}).update(dict.fromkeys(agent for it in same for agent in it.about))
        if decided:
            first.setdefault(reason, decided[0])
        held.setdefault(reason, []).append(option.label)
    points = []
    for reason, labels in held.items():
        sentence = reason
        if reason in drugs:
            last = {agent: _last_line(agent, advice) for agent in drugs[reason]}
            ordered = sorted(drugs[reason], key=lambda it: (last[it] or 0, it))
            names = ", ".join(f"{it} (line {last[it]})" if last[it] else it for it in ordered)
            sentence = (_together(first[reason], knowledge) or "").format(drugs=names)
        basis = basis_of(first[reason], knowledge, told) if reason in first else ""
        points.append(f"- {sentence}{basis}: {some_names(labels)}.")
    return points


def _together(finding: Finding, knowledge: Knowledge) -> str | None:
    criterion = knowledge.criteria.get(finding.criterion)
    return criterion.because_together if criterion is not None and finding.about else None


def _last_line(agent: AgentId, advice: Advice) -> int | None:
    """The number of the last line in which a drug was given; None when it was given for early disease only."""
    return max((use.line for use in advice.lines.uses if use.agent == agent and use.line is not None), default=None)


def _is_trial_search(option: Option, knowledge: Knowledge) -> bool:
    """Whether it is the referral to a trial, which names no drug."""
    return not option.agents and knowledge.regimens[option.id].role == "trial"


def _short(finding: Finding) -> str:
    return finding.because.rstrip(".")
