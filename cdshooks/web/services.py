"""The CDS Hooks endpoints: discovery, the three services and the answers to their cards. Source: D-1, D-16, C-1, C-12, T-4, F-1."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import date
from uuid import uuid4

import msgspec
from flask import Blueprint, Response, request

from cdshooks.cards.client_shape import as_sent, shaped
from cdshooks.cards.quiet import CardSet
from cdshooks.cards.wording import OVERRIDES
from cdshooks.deadline import Deadline
from cdshooks.ehr.decode import has_failed
from cdshooks.errors import (
    BadHookRequestError,
    CdsHooksError,
    MissingPatientDataError,
    OverdueError,
    UnknownServiceError,
)
from cdshooks.fetching.asked import AskedQuery
from cdshooks.fetching.server import FhirSession
from cdshooks.hooks.clients import PRESCRIBERS, Client, is_for
from cdshooks.hooks.feedback import read_feedback
from cdshooks.hooks.request import HookRequest, read_hook_request
from cdshooks.hooks.services import BY_ID, PREFETCH, Service, discovery
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.profiles import Profile
from cdshooks.order_select import answer_hook
from cdshooks.settings import Settings
from cdshooks.trace import current_trace_id
from cdshooks.web import metrics
from cdshooks.web.admission import Admission
from cdshooks.web.body import Bounds, read_body
from cdshooks.web.call_deadline import deadline_of
from cdshooks.web.callers import CERTIFICATE_HEADER, Callers
from cdshooks.web.card_links import CardLinks
from cdshooks.web.events import log_event
from cdshooks.web.fetching import Fetching
from cdshooks.web.guard import Guard
from cdshooks.web.memory import HookCall, Memory
from cdshooks.web.observe import observe_hook, observe_outcome
from cdshooks.web.terms import terms_of
from cdshooks.web.trial_registry import TrialRegistry
from cdshooks.web.turns import Turns

_JSON = "application/json"
_DEV = "dev"
_OK, _DEFECT = 200, 500
_REASONS = frozenset(code for code, _ in OVERRIDES)


def new_uuid() -> str:
    """A name for a card or a suggestion."""
    return str(uuid4())


def services_blueprint(
    guard: Guard,
    settings: Settings,
    memory: Memory,
    registry: TrialRegistry,
    callers: Callers | None,
    fetching: Fetching,
    links: CardLinks | None,
    today: Callable[[], date],
) -> Blueprint:
    """Routes of the CDS Hooks protocol; without ``callers`` (in dev mode) nobody has to prove who they are."""
    blueprint = Blueprint("services", __name__)
    discovered = msgspec.json.encode(discovery())
    admission = Admission(settings.most_in_flight)
    # Places of its own: feedback waits for the disk, and when that hangs, hook calls must still find a place.
    feedback_admission = Admission(max(1, settings.most_in_flight // 2))
    turns = Turns()
    bounds = Bounds(most_bytes=settings.max_body_mb * 1024 * 1024, most_resources=settings.most_resources)
    hospital = Position.of(settings.position)

    @blueprint.get("/cds-services")
    def discover() -> Response:
        return Response(discovered, content_type=_JSON)

    @blueprint.post("/cds-services/<service_id>")
    @blueprint.post("/cds-services//<service_id>")  # B-1: what the sandbox makes of a discovery URL with a final slash
    def call(service_id: str) -> Response:
        began = time.monotonic()
        service = _service(service_id)
        observe_hook(service_id)
        with admission.place(), turns.turn():
            deadline = deadline_of(began, settings.deadline_ms / 1000)
            caller = _identify(callers, settings.base_url, service_id)
            client = caller.name if caller is not None else _DEV
            guard.check(service_id)
            knowledge = guard.knowledge
            hook_request = read_hook_request(service, read_body(request, bounds))
            source = fetching.source_for(caller, hook_request, began=began)
            observe_hook(service_id, hook_request.hook_instance)
            made = HookCall(client=client, request=hook_request, trace_id=current_trace_id())
            terms = terms_of(request.environ, caller, settings, knowledge, today())
            with _refusals_kept(memory, made, source):
                _check_user(hook_request, caller)
                _count_prefetch(hook_request, deadline)
                answer = answer_hook(
                    hook_request,
                    knowledge,
                    as_of=terms.as_of,
                    jurisdiction=terms.jurisdiction,
                    new_uuid=new_uuid,
                    is_date_fixed=terms.is_date_fixed,
                    registry=registry.now(),
                    hospital=hospital,
                    earlier=() if hook_request.asks_for_answered else memory.earlier_responses(made, as_of=terms.as_of),
                    source=turns.set_aside_while(source),
                    deadline=deadline,
                )
            answer = shaped(guard.passed(answer, new_uuid), terms.profile, new_uuid)
            terms.on_answer(answer)
            evaluated = len(answer.cards)
            answer, headers = guard.shadowed(answer)
            memory.remember_answer(made, answer, _asked(source))
        _count(answer, knowledge.manifest.version)
        _log(answer, service_id, client, time.monotonic() - began, shadowed=evaluated if headers else None)
        return _sent(_linked(answer, links, caller, made, memory), terms.profile, headers)

    @blueprint.post("/cds-services/<service_id>/feedback")
    @blueprint.post("/cds-services//<service_id>/feedback")
    def feedback(service_id: str) -> Response:
        service = _service(service_id)
        with feedback_admission.place():
            caller = _identify(callers, settings.base_url, service_id, "/feedback")
            client = caller.name if caller is not None else _DEV
            profile = terms_of(request.environ, caller, settings, guard.knowledge, today()).profile
            answers = read_feedback(read_body(request, bounds), profile.reason_members)
            kept = memory.keep_feedback(answers, client=client, service=service.id, trace_id=current_trace_id())
        for it in kept:
            if it.is_new:
                reason = it.reason_code if it.reason_code in _REASONS else "other" if it.reason_code else "none"
                metrics.count(metrics.feedback, it.topic, it.outcome, reason)
        repeated = sum(not it.is_new for it in kept)
        log_event("feedback-kept", service=service_id, client=client, answers=len(kept), repeated=repeated)
        return Response(b"{}", content_type=_JSON)

    return blueprint


@contextmanager
def _refusals_kept(memory: Memory, made: HookCall, source: FhirSession | None) -> Iterator[None]:
    """Whatever ends a call that was understood, its audit event is kept, and what was asked for it. Source: OBS-01."""
    status = _DEFECT
    try:
        yield
        status = _OK
    except CdsHooksError as error:
        status = 412 if isinstance(error, MissingPatientDataError) else 503 if isinstance(error, OverdueError) else 400
        raise
    finally:
        if status != _OK:
            memory.remember_refusal(made, status, _asked(source))


def _asked(source: FhirSession | None) -> tuple[AskedQuery, ...]:
    return source.asked() if source is not None else ()


def _log(answer: CardSet, service_id: str, client: str, seconds: float, *, shadowed: int | None) -> None:
    """``shadowed``: how many cards were evaluated and not shown; None outside shadow mode."""
    if shadowed is not None:
        log_event("shadowed", service=service_id, cards=shadowed)
    log_event(
        "answered",
        service=service_id,
        client=client,
        cards=len(answer.cards),
        silenced=len(answer.silenced),
        milliseconds=round(seconds * 1000),
    )


def _identify(callers: Callers | None, base_url: str, service_id: str, suffix: str = "") -> Client | None:
    """The audience is made from the configured URL: Host and X-Forwarded-* are the caller's to choose. Source: AUT-04."""
    if callers is None:
        return None
    # Two slashes: what the sandbox makes of a discovery URL with a final one, and then names in its token (B-1, B-3).
    urls = [f"{base_url}/cds-services{slashes}{service_id}" for slashes in ("/", "//")]
    audiences = frozenset(url + ending for url in urls for ending in ("", suffix))
    return callers.identify(
        request.headers.get("Authorization"),
        service=service_id,
        audiences=audiences,
        certificate=request.headers.get(CERTIFICATE_HEADER),
        peer=request.remote_addr,
    )


def _check_user(hook_request: HookRequest, caller: Client | None) -> None:
    """The right person: no card for a patient or a relative, nor for a role that the hospital left out. Source: SAF-13."""
    if not is_for(caller.users if caller is not None else PRESCRIBERS, hook_request.user_id):
        raise BadHookRequestError("$.context.userId", "cards of this service are for prescribers, as configured")


def _sent(answer: CardSet, profile: Profile, headers: Mapping[str, str]) -> Response:
    body = msgspec.json.encode({"cards": [as_sent(card, profile) for card in answer.cards]})
    return Response(body, content_type=_JSON, headers=dict(headers))


def _linked(answer: CardSet, links: CardLinks | None, caller: Client | None, made: HookCall, memory: Memory) -> CardSet:
    if links is None:
        return answer
    return links.added(answer, caller, client=made.client, patient_hash=memory.patient_of(made))


def _service(service_id: str) -> Service:
    service = BY_ID.get(service_id)
    if service is None:
        raise UnknownServiceError
    return service


def _count_prefetch(hook_request: HookRequest, deadline: Deadline) -> None:
    for key in PREFETCH:
        metrics.count(metrics.prefetch, key, _state_of(hook_request.prefetch.get(key), deadline))


def _state_of(raw: msgspec.Raw | None, deadline: Deadline) -> str:
    if raw is None:
        return "absent"
    if bytes(raw) == b"null":
        return "null"
    return "failed" if has_failed(raw, deadline) else "sent"


def _count(answer: CardSet, version: str) -> None:
    for card in answer.cards:
        metrics.count(metrics.cards, card.source.topic.code, card.indicator.value, version)
    for verdict, times in Counter(answer.verdicts).items():
        metrics.count(metrics.verdicts, verdict, times=times)
    for system, times in Counter(answer.unmapped).items():
        metrics.count(metrics.unmapped_codes, system, times=times)
    for card in answer.silenced:
        metrics.count(metrics.silenced, card.source.topic.code)
    observe_outcome("cards" if answer.cards else "suppressed" if answer.silenced else "none")
