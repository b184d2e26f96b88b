"""The CDS Hooks endpoints: discovery and the three services. Source: D-1, D-16, C-1, C-12, T-4."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date
from uuid import uuid4

import msgspec
from flask import Blueprint, Request, Response, request

from cdshooks.errors import BodyTooLargeError, UnknownServiceError, UnsupportedMediaError
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID, discovery
from cdshooks.knowledge.load import Knowledge
from cdshooks.order_select import answer_hook
from cdshooks.settings import Settings
from cdshooks.web.events import log_event

_JSON = "application/json"


def services_blueprint(knowledge: Knowledge, settings: Settings, today: Callable[[], date]) -> Blueprint:
    """Routes of the CDS Hooks protocol."""
    blueprint = Blueprint("services", __name__)
    discovered = msgspec.json.encode(discovery())

    @blueprint.get("/cds-services")
    def discover() -> Response:
        return Response(discovered, content_type=_JSON)

    @blueprint.post("/cds-services/<service_id>")
    @blueprint.post("/cds-services//<service_id>")  # B-1: what the sandbox makes of a discovery URL with a final slash
    def call(service_id: str) -> Response:
        started = time.perf_counter()
        service = BY_ID.get(service_id)
        if service is None:
            raise UnknownServiceError
        hook_request = read_hook_request(service, _body(request, settings.max_body_mb * 1024 * 1024))
        answer = answer_hook(
            hook_request,
            knowledge,
            as_of=today(),
            jurisdiction=settings.jurisdiction,
            new_uuid=lambda: str(uuid4()),
            is_date_fixed=settings.today is not None,
        )
        log_event(
            "answered",
            service=service_id,
            hook_instance=hook_request.hook_instance,
            cards=len(answer.cards),
            silenced=len(answer.silenced),
            milliseconds=round((time.perf_counter() - started) * 1000),
        )
        return Response(msgspec.json.encode({"cards": [card.as_json() for card in answer.cards]}), content_type=_JSON)

    return blueprint


def _body(incoming: Request, most_bytes: int) -> bytes:
    """The body, counted while it is read: a chunked one is not cut but refused. Source: INP-01, INP-05."""
    media = incoming.mimetype or ""
    if (
        not (media == _JSON or media.endswith("+json"))
        or incoming.headers.get("Content-Encoding", "identity") != "identity"
    ):
        raise UnsupportedMediaError
    if incoming.content_length is not None and incoming.content_length > most_bytes:
        raise BodyTooLargeError
    body = incoming.stream.read(most_bytes + 1)
    if len(body) > most_bytes:
        raise BodyTooLargeError
    return body
