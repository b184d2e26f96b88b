"""How cards were answered: shown, accepted, overridden, unanswered. Source: FBK-06, ALT-05."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec
import sqlalchemy as sa

from cdshooks.store.store import Store
from cdshooks.store.tables import accepted_suggestions, feedback, issued_cards, issued_suggestions

_FEW = 50
_LOW = 0.10
_NO_REASON = "(no reason given)"


class AnswerCounts(msgspec.Struct, frozen=True, kw_only=True):
    """Counts for one topic, option, override reason, week or edition of the knowledge.

    ``unanswered`` means nothing by itself: an EHR sends nothing for a card that was ignored or never displayed (F-9).
    """

    by: str
    name: str
    shown: int
    accepted: int
    overridden: int

    @property
    def unanswered(self) -> int:
        """Shown, and neither accepted nor overridden."""
        return max(self.shown - self.accepted - self.overridden, 0)

    @property
    def acceptance(self) -> float | None:
        """The share accepted of those shown, 0 to 1."""
        return self.accepted / self.shown if self.shown else None

    @property
    def needs_review(self) -> bool:
        """Shown often enough and hardly ever accepted: this is an alert that clinicians have learnt to dismiss."""
        return self.by in {"topic", "option"} and self.shown >= _FEW and self.accepted < _LOW * self.shown


def count_answers(store: Store, *, since: datetime) -> tuple[AnswerCounts, ...]:
    """Counts of the cards shown since then: by topic, option, override reason, week (ISO 8601) and edition of the knowledge.

    Of several answers to one card the one with the latest time counts.

    Raises:
        StoreUnavailableError: The store cannot be read.
    """
    with store.reading() as connection:
        cards = connection.execution_options(yield_per=1000).execute(_cards(since))
        counted = _count_cards(cards)
        options = [
            AnswerCounts(by="option", name=row.option, shown=row.shown, accepted=row.accepted, overridden=0)
            for row in connection.execute(_options(since))
        ]
    return (*counted, *options)


def _cards(since: datetime) -> sa.Select[Any]:
    newest = sa.func.row_number().over(
        partition_by=feedback.c.card, order_by=(feedback.c.outcome_at.desc(), feedback.c.id.desc())
    )
    answers = sa.select(feedback.c.card, feedback.c.outcome, feedback.c.reason_code, newest.label("place")).subquery()
    return (
        sa.select(
            issued_cards.c.topic,
            issued_cards.c.issued_at,
            issued_cards.c.knowledge_version,
            answers.c.outcome,
            answers.c.reason_code,
        )
        .outerjoin(answers, sa.and_(answers.c.card == issued_cards.c.card, answers.c.place == 1))
        .where(issued_cards.c.issued_at >= since)
    )


def _options(since: datetime) -> sa.Select[Any]:
    suggestion = issued_suggestions.c.suggestion
    return (
        sa.select(
            issued_suggestions.c.option,
            sa.func.count(sa.distinct(suggestion)).label("shown"),
            sa.func.count(sa.distinct(accepted_suggestions.c.suggestion)).label("accepted"),
        )
        .join(issued_cards, issued_cards.c.card == issued_suggestions.c.card)
        .outerjoin(accepted_suggestions, accepted_suggestions.c.suggestion == suggestion)
        .where(issued_cards.c.issued_at >= since)
        .group_by(issued_suggestions.c.option)
        .order_by(issued_suggestions.c.option)
    )


def _count_cards(rows: Iterable[Any]) -> list[AnswerCounts]:
    counts: Counter[tuple[str, str, str]] = Counter()
    for topic, issued_at, version, outcome, reason in rows:
        year, week, _ = issued_at.isocalendar()
        for by, name in (("topic", topic), ("week", f"{year}-W{week:02}"), ("knowledge", version)):
            counts[by, name, "shown"] += 1
            counts[by, name, outcome or "unanswered"] += 1
        if outcome == "overridden":
            counts["reason", reason or _NO_REASON, "overridden"] += 1
    named = sorted({(by, name) for by, name, _ in counts})
    return [
        AnswerCounts(
            by=by,
            name=name,
            shown=counts[by, name, "shown"],
            accepted=counts[by, name, "accepted"],
            overridden=counts[by, name, "overridden"],
        )
        for by, name in named
    ]
