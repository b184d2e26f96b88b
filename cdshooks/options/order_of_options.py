"""Puts the offered regimens in order by named considerations, and says why each stands where it stands."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from functools import partial

import msgspec

from cdshooks.knowledge.ids import FactId, RegimenId
from cdshooks.knowledge.ranking import Ranking, WishRule
from cdshooks.options.case import Case
from cdshooks.options.later import Later
from cdshooks.options.model import Option, Outcome, Verdict
from cdshooks.options.predicates import question_of
from cdshooks.options.verdicts import Judged

OFFERED = frozenset({Verdict.OFFER, Verdict.OFFER_WITH_WARNING})
WHAT_MOVES = "What would move it: "
"""How a sentence of ``why_this_rank`` begins that tells not why an option stands there, but what would change its place."""
_RISKS = {"none": 0, "low": 1, "by_partner": 2, "unknown": 2, "moderate": 2, "high": 3}
_BRAIN = ("strong", "some", "little", "unknown", "not_applicable")


class Place(msgspec.Struct, frozen=True, gc=False):
    """What a regimen brings to each consideration, in their order: the smaller, the earlier."""

    values: tuple[float, ...]
    told: tuple[str, ...]
    is_last: bool


def rank_options(judged: Sequence[Judged], case: Case) -> tuple[Option, ...]:
    """All options: offered ones first, in order and with their reasons; then the others in the order of the knowledge."""
    ranking = case.knowledge.ranking
    pins = _pins(case)
    ordered = sorted(
        [(it, _place(it, case, pins.get(it.option.id))) for it in judged if it.option.verdict in OFFERED],
        key=lambda pair: (pair[1].is_last, pair[1].values, pair[0].option.id),
    )
    ranked: list[Option] = []
    for number, (it, place) in enumerate(ordered, start=1):
        why = partial(_why, it, place, ordered[number - 2] if number > 1 else None, ranking)
        ranked.append(msgspec.structs.replace(it.option, rank=number, told=place.told, reasons=Later(why)))
    others = [it.option for it in judged if it.option.verdict not in OFFERED]
    return (*ranked, *sorted(others, key=lambda it: _ORDER[it.verdict]))


_ORDER = {verdict: place for place, verdict in enumerate(Verdict)}


def _why(judged: Judged, place: Place, above: tuple[Judged, Place] | None, ranking: Ranking) -> tuple[str, ...]:
    """All that put a regimen at its place: what it brings, what stands before it and why, and what would move it."""
    why = [*place.told, *_grave(judged.grave_warnings)]
    if above is not None:
        why.append(_after(above[0], above[1], place, ranking))
    return (*why, *_moves(judged.option))


def _grave(count: int) -> list[str]:
    return [f"It carries {'a grave warning' if count == 1 else f'{count} grave warnings'}."] if count else []


def _pins(case: Case) -> dict[RegimenId, str]:
    """The regimens that stand first or last for this patient.

    One that could be last in a situation waits at the end until it is known to be another: it goes along with the others.
    """
    pins: dict[RegimenId, str] = {}
    for pin in case.knowledge.ranking.pinned:
        holds = question_of(pin.requires, case.knowledge)(case).outcome is Outcome.MET
        for regimen in pin.regimens:
            if holds:
                pins.setdefault(regimen, pin.place)
    for pin in case.knowledge.ranking.pinned:
        if pin.place == "last":
            for regimen in pin.regimens:
                pins.setdefault(regimen, pin.place)
    return pins


def _place(judged: Judged, case: Case, pin: str | None) -> Place:
    ranking = case.knowledge.ranking
    regimen = judged.rules.regimen
    had_tdxd = case.fact(FactId("had_tdxd")).value is True
    told = [it.told for it in ranking.pinned if regimen.id in it.regimens and pin == it.place]
    level = regimen.evidence_level.after_tdxd if had_tdxd else regimen.evidence_level.tdxd_naive
    levels = ranking.evidence_levels
    if regimen.role == "trial" and not regimen.components:
        level_place = levels.index(ranking.trial_follows) + 0.5
        # behind the whole band, so that a wish cannot put the referral before a drug that has been seen to work
        band = 0.5 + next(n for n, names in enumerate(ranking.evidence_bands) if ranking.trial_follows in names)
    else:
        situation = ranking.situation_words.after if had_tdxd else ranking.situation_words.before
        if regimen.components:
            told.append(f"Evidence {situation}: {ranking.evidence_words[level]}.")
        level_place = float(levels.index(level))
        band = float(next(n for n, names in enumerate(ranking.evidence_bands) if level in names))
    brain = 0.0
    if case.fact(FactId("cns")).value in ranking.brain_needed and regimen.components:
        brain = float(_BRAIN.index(regimen.brain_activity))
        told.append(f"In the brain: {ranking.brain_words[regimen.brain_activity]}.")
    lost, wish_words = _wishes(judged, case)
    told += wish_words
    brings = {
        "situation": 0.0 if pin == "first" else 1.0,
        "safety": float(bool(judged.grave_warnings)),
        "brain": brain,
        "evidence_band": band,
        "wishes": lost,
        "evidence": level_place,
        "warnings": float(len(judged.option.warnings)),
        "asks": float(len(judged.option.asks)),
        "burden": regimen.burden.clinic_days_per_21,
        "preference": float(regimen.preference),
    }
    is_last = pin == "last"
    return Place(tuple([brings[it.id] for it in ranking.considerations]), tuple(told), is_last)


def _wishes(judged: Judged, case: Case) -> tuple[float, list[str]]:
    """How far a regimen goes against the patient's wishes, and the words for each wish."""
    wished = case.fact(FactId("wishes")).value
    if not isinstance(wished, tuple) or not judged.rules.regimen.components:
        return 0.0, []
    against, told = 0.0, []
    for rule in case.knowledge.ranking.wishes:
        if rule.wish not in wished:
            continue
        cost = _cost(rule, judged, case.knowledge.ranking)
        against += cost
        told.append(f"The patient wishes {rule.wished}: {rule.lost if cost > 1 else rule.kept}.")
    return against, told


def _cost(rule: WishRule, judged: Judged, ranking: Ranking) -> float:
    regimen = judged.rules.regimen
    if rule.risk is not None:
        risk = getattr(regimen.risks, rule.risk)
        if risk == "by_partner":
            by_drug = ranking.partner_risks.get(rule.risk, {})
            known: Iterable[str] = (by_drug[agent] for agent in judged.option.agents if agent in by_drug)
            risk = max(known, key=lambda it: _RISKS[it], default=risk)
        return float(_RISKS[risk])
    return 0.0 if getattr(regimen.burden, str(rule.burden)) is rule.wants else 2.0


def _after(above: Judged, other: Place, mine: Place, ranking: Ranking) -> str:
    label = above.option.label
    for consideration, here, there in zip(ranking.considerations, mine.values, other.values, strict=True):
        if here > there:
            told = consideration.told
            if not above.option.agents and consideration.told_of_no_drug is not None:
                told = consideration.told_of_no_drug
            return f"{label} stands before it: {told}."
    return f"{label} stands before it, alike in everything that is compared."


def _moves(option: Option) -> list[str]:
    moves = [f"{WHAT_MOVES}{ask.text}" for ask in option.asks]
    unknown = {it.criterion for it in option.against if it.outcome is Outcome.UNKNOWN}
    moves += [
        f"{WHAT_MOVES}if this no longer held: {warning.text}"
        for warning in option.warnings
        if warning.criterion not in unknown
    ]
    return moves
