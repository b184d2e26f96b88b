"""Keeps a card silent that a clinician has answered, until something it rests on changes. Source: ALT-03."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from datetime import date

import msgspec

from cdshooks.cards.model import Card
from cdshooks.ehr.resources import Resources
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.quiet import QuietRule
from cdshooks.options.model import Advice

_TIME_ZONES_DAYS = 1
"""An answer given elsewhere may bear tomorrow's date."""


class EarlierResponse(msgspec.Struct, frozen=True, kw_only=True):
    """What a clinician answered to an earlier card for this patient.

    ``topic`` is the code of the card's topic and ``fingerprint`` the card's own (``Card.fingerprint``), both as they were when
    the card was shown; ``outcome`` is "accepted" or "overridden", ``reason`` the code of the override reason.
    """

    topic: str
    outcome: str
    on: date
    fingerprint: str
    reason: str | None = None


class CardSet(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to one call: the cards to show, and those held back because they were answered already."""

    cards: tuple[Card, ...]
    silenced: tuple[Card, ...] = ()
    verdicts: tuple[str, ...] = ()
    """Of each option that was judged, for counting; never sent."""
    unmapped: tuple[str, ...] = ()
    """The code system of each drug that is not known, or "text", for counting; never sent."""
    resources: Resources | None = None
    """What the cards rest on, for the page behind them; never sent."""


def keep_quiet(
    cards: Iterable[Card], earlier: Iterable[EarlierResponse], rules: Mapping[str, QuietRule], *, as_of: date
) -> CardSet:
    """Hold back each card that was answered within the days of its rule and still rests on the same."""
    answered = tuple(earlier)
    shown, silenced = list[Card](), list[Card]()
    for card in cards:
        rule = rules.get(card.source.topic.code)
        is_answered = rule is not None and any(_silences(it, card, rule, as_of) for it in answered)
        (silenced if is_answered else shown).append(card)
    return CardSet(cards=tuple(shown), silenced=tuple(silenced))


def _silences(response: EarlierResponse, card: Card, rule: QuietRule, as_of: date) -> bool:
    if response.topic != card.source.topic.code or response.fingerprint != card.fingerprint:
        return False
    days = rule.accepted_days
    if response.outcome == "overridden":
        days = rule.overridden_days_by_reason.get(response.reason or "", rule.overridden_days)
    return days > 0 and -_TIME_ZONES_DAYS <= (as_of - response.on).days <= days


def fingerprint(topic: str, concluded: Iterable[object], advice: Advice, knowledge: Knowledge) -> str:
    """What a card rests on, as one short word: the lines, the results that count for it, its conclusions and the knowledge.

    It holds no day on which the card was made, and nothing can be read back from it.
    """
    rule = knowledge.quiet.get(topic)
    reopened_by = frozenset(rule.reopened_by) if rule is not None else frozenset()
    lines = advice.lines
    rests_on = (
        knowledge.manifest.content_hash,
        advice.jurisdiction,
        [(it.setting, it.agents, it.start, it.end, it.end_reason) for it in (*lines.early, *lines.lines)],
        (lines.counts.min, lines.counts.max),
        [(it.id, it.value, it.date) for it in advice.facts if it.id in reopened_by],
        list(concluded),
    )
    return hashlib.sha256(msgspec.json.encode(rests_on, order="deterministic")).hexdigest()[:32]
