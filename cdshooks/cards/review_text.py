"""What a card says of the order being placed: the reason in its headline, each reason once, both views, what fits instead."""

from __future__ import annotations

from collections.abc import Sequence

from cdshooks.cards import wording
from cdshooks.cards.detail import basis_of, gravest_of_topic
from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.load import Knowledge
from cdshooks.options.model import GRAVITY, Advice, Finding, Option, OrderReview, Outcome, Verdict

_BLOCKING = frozenset({Effect.EXCLUDE, Effect.HOLD})
_MOST_REASONS = 4
_OFFERED = frozenset({Verdict.OFFER, Verdict.OFFER_WITH_WARNING})
_HEADLINE = {
    "repeated_after_progression": "review_repeated",
    "contraindicated": "review_contraindicated",
    "warning": "review_warning",
}
"""The sentence of the knowledge's wording for each judgement, the gravest first."""


def worst_of(reviews: Sequence[OrderReview]) -> OrderReview:
    """The review that the headline is about."""
    return min(reviews, key=lambda it: tuple(_HEADLINE).index(it.judgement))


def headline(reviews: Sequence[OrderReview], knowledge: Knowledge, room: int) -> str:
    """The drug and the gravest reason, where they fit into this many characters; else that there is one."""
    reasons = reasons_of(reviews, knowledge)
    worst = worst_of(reviews)
    if reasons:
        about, sentence = " + ".join(reasons[0].about), reasons[0].sentence.rstrip(".")
        told = sentence
        if about and not sentence.startswith(about):
            told = wording.REVIEW_REASON.format(agents=about, reason=_in_midst(sentence))
        if told and len(told) <= room:
            return told
    ordered = dict.fromkeys(agent for review in reviews for agent in review.agents)
    drugs = " + ".join((reasons[0].about if reasons else ()) or ordered)
    in_general: str = getattr(knowledge.wording, _HEADLINE[worst.judgement])
    return in_general.format(agents=drugs)


def _in_midst(sentence: str) -> str:
    """A sentence after a colon: a small first letter, unless the first word is written in capitals."""
    word = sentence.split(" ", 1)[0]
    return sentence if sum(it.isupper() for it in word) > 1 else sentence[:1].lower() + sentence[1:]


def reasons_of(reviews: Sequence[OrderReview], knowledge: Knowledge) -> list[Finding]:
    """Why this card: what rules the order out or holds it; only when nothing does, what is to be weighed. Each reason once."""
    found = {(it.criterion, it.because): it for review in reviews for it in review.reasons if it.effect is not None}
    ordered = sorted(found.values(), key=_by_gravity)
    blocking = [it for it in ordered if it.effect in _BLOCKING]
    known = [it for it in ordered if it.effect is not Effect.DOSE_NOTE and it.outcome is not Outcome.UNKNOWN]
    return gravest_of_topic(blocking or known or ordered, knowledge)[:_MOST_REASONS]


def _by_gravity(it: Finding) -> tuple[int, bool]:
    """The gravest first; of equal ones what concerns the patient before what concerns the licence."""
    return (GRAVITY.index(it.effect) if it.effect is not None else 0, it.criterion == "LICENCE")


def review_lines(reviews: Sequence[OrderReview], knowledge: Knowledge) -> str:
    """What speaks against the order, with what was observed and where it was read."""
    reasons = reasons_of(reviews, knowledge)
    points = []
    told: set[str] = set()
    for it in reasons:
        is_named = any(it.because.startswith(agent) for agent in it.about)
        drugs = f"{', '.join(it.about)}: " if it.about and not is_named else ""
        points.append(f"- {drugs}{it.because}{basis_of(it, knowledge, told, most=2)}")
        criterion = knowledge.criteria.get(it.criterion)
        if criterion is not None and criterion.experts_disagree:
            points.append("- " + wording.DISAGREE.format(views=criterion.experts_disagree + wording.OPINION))
    opening = (
        knowledge.wording.why_review if any(it.effect in _BLOCKING for it in reasons) else knowledge.wording.why_weigh
    )
    return f"{opening}\n\n" + "\n".join(dict.fromkeys(points))


def alternatives(reviews: Sequence[OrderReview], advice: Advice, knowledge: Knowledge) -> list[Option]:
    """Options in their order that are not what is being ordered, and against which the same reason does not speak."""
    reasons = {it.criterion for it in reasons_of(reviews, knowledge)}
    ordered = frozenset(agent for review in reviews for agent in review.agents)
    ranked = sorted((it for it in advice.options if it.verdict in _OFFERED), key=lambda it: it.rank or 0)
    return [
        it
        for it in ranked
        if knowledge.regimens[it.id].role not in {"supportive", "trial"}
        and (not it.agents or frozenset(it.agents) != ordered)
        and not any(why in reasons for why, _ in it.effects)
    ]
