"""What calls leave behind and find again: cards shown, answers to them, audit events. Source: ALT-03, ALT-05, OBS-01.

A hook call never fails because of the store: it is answered without its memory, which the log and /readyz tell. What a hook call
writes is committed without waiting for the disk: a killed process loses nothing, and a machine that loses power only the last
moments' cards and audit events. Feedback waits for the disk, and its commit brings everything before it there too.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from typing import TypeVar

import msgspec

from cdshooks.cards.model import Card
from cdshooks.cards.quiet import CardSet, EarlierResponse
from cdshooks.errors import StoreUnavailableError
from cdshooks.fetching.asked import AskedQuery
from cdshooks.hooks.feedback import CardFeedback
from cdshooks.hooks.request import HookRequest
from cdshooks.knowledge.load import Knowledge
from cdshooks.store.audit_events import add_audit_event
from cdshooks.store.bounded import BoundedStore, Lane
from cdshooks.store.earlier_responses import responses_for_patient
from cdshooks.store.feedback import KeptFeedback, keep_feedback
from cdshooks.store.issued_cards import IssuedCard, IssuedSuggestion, remember_cards
from cdshooks.store.patient_hash import hash_patient, keyed_hash
from cdshooks.store.seen_tokens import use_once
from cdshooks.store.store import Store
from cdshooks.web import metrics
from cdshooks.web.audit import Asked, feedback_event, hook_event, page_event, query_event
from cdshooks.web.events import log_event

_T = TypeVar("_T")
_SECONDS_FOR_A_TOKEN = 1.5
"""Without an answer the call is refused, so one slow moment of the store must not refuse all callers of the next two seconds."""
_SECONDS_FOR_READINESS = 1.0
_CARE_USERS = ("Practitioner/", "PractitionerRole/")


class HookCall(msgspec.Struct, frozen=True, kw_only=True):
    """One hook call of an authenticated client."""

    client: str
    request: HookRequest
    trace_id: str


class Memory:
    """The store, as calls use it; ``key`` keys the hashes of patients and comments."""

    def __init__(
        self, store: Store, knowledge: Knowledge, *, key: bytes, keeps_comments: bool, now: Callable[[], datetime]
    ) -> None:
        self._store, self._knowledge, self._key, self._now = store, knowledge, key, now
        self._keeps_comments = keeps_comments
        self._bounded = BoundedStore(store, _tell_change)
        rules = knowledge.quiet.values()
        self._silent_days = max(
            (max(it.accepted_days, it.overridden_days, *it.overridden_days_by_reason.values(), 0) for it in rules),
            default=0,
        )

    def earlier_responses(self, call: HookCall, *, as_of: date) -> tuple[EarlierResponse, ...]:
        """What was answered to cards for this patient as long as it may matter; nothing when the store does not say."""
        since = datetime.combine(as_of - timedelta(days=self._silent_days + 2), time(), tzinfo=UTC)
        patient = self.patient_of(call)

        def find(store: Store) -> tuple[EarlierResponse, ...]:
            with store.reading() as connection:
                found = responses_for_patient(connection, client=call.client, patient_hash=patient, since=since)
            return tuple(
                EarlierResponse(
                    topic=it.topic,
                    outcome=it.outcome,
                    on=it.outcome_at.date(),
                    fingerprint=it.fingerprint,
                    reason=it.reason_code,
                )
                for it in found
            )

        try:
            return self._bounded.attempt(find)
        except StoreUnavailableError:
            metrics.count(metrics.store_failures, "earlier")
            return ()

    def remember_answer(self, call: HookCall, answer: CardSet, queries: tuple[AskedQuery, ...] = ()) -> None:
        """Keep which cards were shown, and the audit events of the call and of what it asked of the FHIR server."""
        self._remember(call, 200, answer.cards, queries)

    def remember_refusal(self, call: HookCall, status: int, queries: tuple[AskedQuery, ...] = ()) -> None:
        """Keep the audit events of a call that was understood and yet not answered with cards."""
        self._remember(call, status, (), queries)

    def keep_feedback(
        self, answers: tuple[CardFeedback, ...], *, client: str, service: str, trace_id: str
    ) -> tuple[KeptFeedback, ...]:
        """Keep the answers and their audit event; on return they are on the disk.

        Raises:
            UnknownCardError: A card was not issued by this service to this client.
            BadHookRequestError: An accepted suggestion is none of the card's.
            FeedbackConflictError: The same answer was given before with another comment.
            StoreUnavailableError: Nothing was kept.
        """
        now = self._now()
        asked = Asked(client=client, service=service, trace_id=trace_id)
        event = feedback_event(asked, at=now, answers=[(it.card, it.outcome) for it in answers])
        with self._store.writing() as connection:
            kept = keep_feedback(
                connection,
                answers,
                client=client,
                service=service,
                received_at=now,
                comment_key=self._key,
                keeps_comments=self._keeps_comments,
            )
            add_audit_event(connection, kind="feedback", resource=event, recorded_at=now)
        return kept

    def use_token_once(self, issuer: str, jti: str, kept_until: datetime) -> bool:
        """Whether this token id is new.

        Raises:
            StoreUnavailableError: It cannot be known; accepting the token would let a stolen one in.
        """
        return self._bounded.probe(
            lambda store: use_once(store, issuer=issuer, jti=jti, expires_at=kept_until),
            _SECONDS_FOR_A_TOKEN,
            Lane.TOKENS,
        )

    def remember_page(self, asked: Asked) -> None:
        """Keep the audit event of a patient page that was shown; its service is the way by which it was reached."""
        now, manifest = self._now(), self._knowledge.manifest
        event = page_event(asked, at=now, knowledge_version=manifest.version, knowledge_hash=manifest.content_hash)
        self._keep([("page", event)], now)

    def remember_queries(self, asked: Asked, queries: tuple[AskedQuery, ...], *, base: str) -> None:
        """Keep the audit events of what was asked of a FHIR server for a page, whether it was shown or not."""
        now = self._now()
        self._keep(_query_events(asked, queries, base, now), now)

    def patient_of(self, call: HookCall) -> str:
        """The hash of a call's patient."""
        return self.patient_hash(call.client, call.request.fhir_server, call.request.patient_id)

    def patient_hash(self, client: str, fhir_server: str | None, patient_id: str) -> str:
        """The hash of a patient of a client's FHIR server."""
        server = fhir_server.rstrip("/") if fhir_server is not None else None
        return hash_patient(self._key, client=client, fhir_server=server, patient_id=patient_id)

    def attempt(self, work: Callable[[Store], _T]) -> _T:
        """The outcome of other work on the store, within the time that a hook call may wait.

        Raises:
            StoreUnavailableError: The store fails, takes too long, or has just done so.
        """
        return self._bounded.attempt(work)

    def fault(self) -> str | None:
        """What is wrong with the store, by kind; None when it can be written now."""
        try:
            self._bounded.probe(lambda store: store.beat(self._now()), _SECONDS_FOR_READINESS, Lane.READINESS)
        except StoreUnavailableError as error:
            return error.kind
        return None

    def _remember(self, call: HookCall, status: int, cards: tuple[Card, ...], queries: tuple[AskedQuery, ...]) -> None:
        now, patient = self._now(), self.patient_of(call)
        issued = tuple(self._issued(call, it, patient, now) for it in cards)
        asked = self._asked(call, patient)
        events = _query_events(asked, queries, call.request.fhir_server or "", now)
        self._keep([*events, ("hook", self._hook_event(asked, status, issued, now))], now, issued)

    def _keep(self, events: list[tuple[str, bytes]], now: datetime, issued: tuple[IssuedCard, ...] = ()) -> None:
        """All of it or nothing, without waiting for the disk."""

        def keep(store: Store) -> None:
            with store.writing(is_relaxed=True) as connection:
                remember_cards(connection, issued)
                for kind, event in events:
                    add_audit_event(connection, kind=kind, resource=event, recorded_at=now)

        try:
            self._bounded.attempt(keep)
        except StoreUnavailableError:
            metrics.count(metrics.store_failures, "remember")

    def _issued(self, call: HookCall, card: Card, patient: str, now: datetime) -> IssuedCard:
        manifest = self._knowledge.manifest
        return IssuedCard(
            card=card.uuid,
            client=call.client,
            service=call.request.service.id,
            topic=card.source.topic.code,
            fingerprint=card.fingerprint,
            patient_hash=patient,
            knowledge_version=manifest.version,
            knowledge_hash=manifest.content_hash,
            issued_at=now,
            suggestions=tuple(IssuedSuggestion(suggestion=it.uuid, option=it.option) for it in card.suggestions),
        )

    def _asked(self, call: HookCall, patient: str) -> Asked:
        user = call.request.user_id
        if user is not None and not user.startswith(_CARE_USERS):
            user = keyed_hash(self._key, call.client, user)  # a patient or a relative at the portal
        return Asked(
            client=call.client,
            service=call.request.service.id,
            trace_id=call.trace_id,
            user=user,
            user_system=call.request.fhir_server,
            patient_hash=patient,
        )

    def _hook_event(self, asked: Asked, status: int, issued: tuple[IssuedCard, ...], now: datetime) -> bytes:
        return hook_event(
            asked,
            at=now,
            status=status,
            cards=[(it.card, it.topic) for it in issued],
            knowledge_version=self._knowledge.manifest.version,
            knowledge_hash=self._knowledge.manifest.content_hash,
        )


def _query_events(asked: Asked, queries: tuple[AskedQuery, ...], base: str, now: datetime) -> list[tuple[str, bytes]]:
    return [("query", query_event(asked, it, at=now, base=base)) for it in queries]


def _tell_change(kind: str | None) -> None:
    if kind is None:
        log_event("store-back")
    else:
        log_event("store-unavailable", kind=kind, operation="any")
