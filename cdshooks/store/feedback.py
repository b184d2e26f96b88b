"""Answers to cards: kept on the disk before the client hears so, each once. Source: FBK-01 to FBK-03, AUT-09, F-10."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from hashlib import sha256

import msgspec
import sqlalchemy as sa

from cdshooks.errors import BadHookRequestError, FeedbackConflictError, UnknownCardError
from cdshooks.hooks.feedback import CardFeedback
from cdshooks.store.patient_hash import keyed_hash
from cdshooks.store.store import insert
from cdshooks.store.tables import accepted_suggestions, feedback, issued_cards, issued_suggestions

_KEY = ("card", "client", "outcome", "outcome_at", "content_hash")
_AT_ONCE = 500


class KeptFeedback(msgspec.Struct, frozen=True, kw_only=True):
    """An answer that was kept; ``is_new`` is false for the repetition of an earlier one."""

    topic: str
    outcome: str
    reason_code: str | None
    is_new: bool


def keep_feedback(
    connection: sa.Connection,
    answers: Iterable[CardFeedback],
    *,
    client: str,
    service: str,
    received_at: datetime,
    comment_key: bytes,
    keeps_comments: bool,
) -> tuple[KeptFeedback, ...]:
    """Keep the answers of one call within one transaction.

    Raises:
        UnknownCardError: A card was not issued by this service to this client.
        BadHookRequestError: An accepted suggestion is none of the card's.
        FeedbackConflictError: The same answer was given before with another comment.
    """
    given = tuple(answers)
    topics, suggestions = _issued(connection, {it.card for it in given}, client=client, service=service)
    for answer in given:
        if answer.card not in topics:
            raise UnknownCardError(f"{answer.path}.card")
        for index, accepted in enumerate(answer.accepted_suggestions):
            if (answer.card, accepted) not in suggestions:
                raise BadHookRequestError(
                    f"{answer.path}.acceptedSuggestions[{index}].id", "this is no suggestion of the card"
                )
    return tuple(
        _keep(connection, it, topics[it.card], client, received_at, comment_key, keeps_comments=keeps_comments)
        for it in given
    )


def _keep(
    connection: sa.Connection,
    answer: CardFeedback,
    topic: str,
    client: str,
    received_at: datetime,
    comment_key: bytes,
    *,
    keeps_comments: bool,
) -> KeptFeedback:
    reason = answer.override_reason
    code = reason.code if reason is not None else None
    system = reason.system if reason is not None else None
    comment = (reason.comment if reason is not None else None) or ""
    row = {
        "card": answer.card,
        "client": client,
        "outcome": answer.outcome,
        "outcome_at": answer.outcome_at,
        "content_hash": sha256(repr((sorted(answer.accepted_suggestions), system, code)).encode()).hexdigest(),
        "reason_code": code,
        "reason_system": system,
        "user_comment": comment if keeps_comments and comment else None,
        "comment_hash": keyed_hash(comment_key, comment),
        "received_at": received_at,
    }
    added = insert(connection, feedback).values(**row).on_conflict_do_nothing(index_elements=_KEY)
    new_id = connection.execute(added.returning(feedback.c.id)).scalar()
    if new_id is None:
        same = sa.select(feedback.c.comment_hash).where(*(feedback.c[it] == row[it] for it in _KEY))
        if connection.execute(same).scalar() != row["comment_hash"]:
            raise FeedbackConflictError(answer.path)
    elif answer.accepted_suggestions:
        connection.execute(
            sa.insert(accepted_suggestions),
            [{"feedback": new_id, "suggestion": it} for it in answer.accepted_suggestions],
        )
    return KeptFeedback(topic=topic, outcome=answer.outcome, reason_code=code, is_new=new_id is not None)


def _issued(
    connection: sa.Connection, cards: Iterable[str], *, client: str, service: str
) -> tuple[dict[str, str], set[tuple[str, str]]]:
    """The topics of those cards that this service issued to this client, and pairs of card and suggestion."""
    topics: dict[str, str] = {}
    suggestions: set[tuple[str, str]] = set()
    wanted = sorted(cards)
    for start in range(0, len(wanted), _AT_ONCE):  # both databases bound the number of values in one statement
        some = wanted[start : start + _AT_ONCE]
        of_client = sa.select(issued_cards.c.card, issued_cards.c.topic).where(
            issued_cards.c.card.in_(some), issued_cards.c.client == client, issued_cards.c.service == service
        )
        topics.update((row.card, row.topic) for row in connection.execute(of_client))
        inner = sa.select(issued_suggestions.c.card, issued_suggestions.c.suggestion).where(
            issued_suggestions.c.card.in_(some)
        )
        suggestions.update((row.card, row.suggestion) for row in connection.execute(inner))
    return topics, suggestions
