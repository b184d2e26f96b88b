"""The workbench of dev mode: a patient chosen or pasted, a call fired at this very service, and all that came of it on one page.

The call takes the same way through this application as one from outside, errors included.
"""

from __future__ import annotations

import contextvars
import io
import json
import shlex
import time
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import msgspec
from flask import Blueprint, Response, current_app, request
from rich.console import Console
from werkzeug.datastructures import MultiDict
from werkzeug.test import Client as InProcess
from werkzeug.wrappers import Response as Received

from cdshooks.cards.quiet import CardSet
from cdshooks.ehr.resources import Resources
from cdshooks.errors import BadHookRequestError
from cdshooks.explain.as_text import print_explanation
from cdshooks.explain.patient import advise
from cdshooks.explain.unused import received
from cdshooks.fetching.addresses import read_base
from cdshooks.hooks.compose import compose_request, request_of_server
from cdshooks.hooks.json_place import NotJsonError, read_json_text
from cdshooks.hooks.services import BY_ID, SERVICES, Service
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.profiles import STANDARD
from cdshooks.pages.render import script, workbench_html
from cdshooks.pages.workbench import Answered, Asked, Choice, Fault, contract_faults, pretty, shown_cards
from cdshooks.settings import JURISDICTIONS, Settings
from cdshooks.web.guard import Guard
from cdshooks.web.page_drawer import html, message
from cdshooks.web.stories import Story, shipped_stories
from cdshooks.web.terms import Terms, with_terms
from cdshooks.web.trial_registry import TrialRegistry

_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' data:; form-action 'self'; "
    "base-uri 'none'; frame-ancestors 'none'"
)
_FIRST_STORY = "demo"
_WIDTH = 110


def workbench_blueprint(
    guard: Guard, settings: Settings, registry: TrialRegistry, today: Callable[[], date]
) -> Blueprint:
    """Routes of the workbench; only dev mode has them."""
    blueprint = Blueprint("workbench", __name__)
    stories = {it.name: it for it in shipped_stories()}
    source = script("workbench.js")

    @blueprint.after_request
    def protect(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["Referrer-Policy"] = "same-origin"  # without it, our own form would come from nowhere
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return answer

    @blueprint.get("/workbench.js")
    def javascript() -> Response:
        return Response(source, content_type="text/javascript; charset=utf-8")

    @blueprint.get("/")
    def choose() -> Response:
        story = stories.get(request.args.get("story", _FIRST_STORY))
        if story is None:
            return message(404, "No such story", "The workbench lists them all.")
        return page(_asked_of(story, settings, today()), None)

    @blueprint.post("/workbench")
    def fire() -> Response:
        if not _is_from_here():
            return _not_from_here()
        request.max_content_length = request.max_form_memory_size = settings.max_body_mb * 1024 * 1024
        service = BY_ID.get(request.form.get("service", ""), SERVICES[0])
        try:
            terms = _terms(request.form, guard.knowledge, today())
        except ValueError:
            return message(400, "Not a day", "The day must be written as 2026-11-24.")
        asked = Asked(
            text=request.form.get("patient", ""),
            story=request.form.get("story", ""),
            ordered=request.form.get("ordered", "").strip(),
            server=request.form.get("server", "").strip(),
            fhir_patient=request.form.get("fhir_patient", "").strip(),
            profile=terms.profile.id,
            as_of=terms.as_of.isoformat(),
            jurisdiction=terms.jurisdiction,
        )
        try:
            body, is_changed = _body(asked, service)
        except BadHookRequestError as fault:
            return page(asked, Fault(path=fault.path, reason=fault.reason), status=400)
        return page(asked, _answered(service, body, terms, is_changed=is_changed))

    @blueprint.post("/workbench/feedback")
    def feedback() -> Response:
        """Answer a card as an EHR does: the same route takes it, and what it says is shown."""
        if not _is_from_here():
            return _not_from_here()
        service = BY_ID.get(request.form.get("service", ""), SERVICES[0])
        terms = _terms(request.form, guard.knowledge, today())
        path = f"/cds-services/{service.id}/feedback"
        body = _feedback(request.form, terms, now=datetime.now(UTC))
        received = _call(path, pretty(body).encode(), terms)
        shown = {"sent to": path, "sent": body, "status": received.status_code, "answer": json.loads(received.data)}
        return Response(pretty(shown), status=received.status_code, content_type="application/json")

    def page(asked: Asked, told: Answered | Fault | None, *, status: int = 200) -> Response:
        made = workbench_html(
            asked,
            told,
            stories=[Choice(value=it.name, title=it.title) for it in stories.values()],
            profiles=[Choice(value=it.id, title=it.title) for it in guard.knowledge.profiles.values()],
            jurisdictions=JURISDICTIONS,
            services=SERVICES,
            root=request.root_path,
        )
        return html(made, status)

    def _answered(service: Service, body: bytes, terms: Terms, *, is_changed: bool) -> Answered:
        path = f"/cds-services/{service.id}"
        answers: list[CardSet] = []
        started = time.perf_counter()
        received = _call(path, body, msgspec.structs.replace(terms, on_answer=answers.append))
        milliseconds = round((time.perf_counter() - started) * 1000)
        content = json.loads(received.data)
        is_answer = received.status_code == 200  # noqa: PLR2004 - HTTP success
        return Answered(
            service=service.id,
            hook=service.hook,
            status=received.status_code,
            told="" if is_answer else str(content["issue"][0]["diagnostics"]),
            milliseconds=milliseconds,
            bytes_received=len(received.data),
            cards=shown_cards(content["cards"]) if is_answer else (),
            request_faults=contract_faults("hook-request", json.loads(body)),
            answer_faults=contract_faults("response" if is_answer else "operation-outcome", content),
            request=body.decode() if is_changed else "",
            answer=pretty(content),
            curl=f"curl -sS -H 'Content-Type: application/json' --data @request.json "
            f"{shlex.quote(request.host_url.rstrip('/') + request.root_path + path)}",
            explanation=_explanation(answers[0].resources, terms) if answers and answers[0].resources else "",
        )

    def _explanation(resources: Resources, terms: Terms) -> str:
        """Of the very resources that the cards rest on, fetched ones included."""
        written = io.StringIO()
        advice = advise(
            resources,
            guard.knowledge,
            as_of=terms.as_of,
            jurisdiction=terms.jurisdiction,
            registry=registry.now(),
            hospital=Position.of(settings.position),
        )
        page = Console(file=written, width=_WIDTH, color_system=None)
        print_explanation(advice, guard.knowledge, page, received(resources, advice.record, guard.knowledge))
        return written.getvalue()

    return blueprint


def _is_from_here() -> bool:
    return request.headers.get("Origin", request.host_url).rstrip("/") == request.host_url.rstrip("/")


def _not_from_here() -> Response:
    return message(403, "Not from here", "This form is sent from this page only.")


def _feedback(form: MultiDict[str, str], terms: Terms, *, now: datetime) -> dict[str, Any]:
    """One answer to one card: the suggestion that was taken, or why it was dismissed, spelt as this EHR spells it."""
    told: dict[str, Any] = {"card": form.get("card", ""), "outcomeTimestamp": now.isoformat(timespec="seconds")}
    if suggestion := form.get("suggestion"):
        told |= {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion}]}
    else:
        told["outcome"] = "overridden"
        if reason := form.get("reason"):
            told[terms.profile.reason_members[0]] = {"reason": json.loads(reason)}
    return {"feedback": [told]}


def _asked_of(story: Story, settings: Settings, day: date) -> Asked:
    return Asked(
        text=story.read().decode(),
        story=story.name,
        profile=settings.dev_profile,
        as_of=(story.as_of or day).isoformat(),
        jurisdiction=story.jurisdiction or settings.jurisdiction,
    )


def _terms(form: MultiDict[str, str], knowledge: Knowledge, day: date) -> Terms:
    """What the form chose; a ValueError is a day that is none."""
    profile, jurisdiction = form.get("profile", ""), form.get("jurisdiction", "")
    as_of = date.fromisoformat(form.get("as_of") or day.isoformat())
    return Terms(
        profile=knowledge.profiles.get(profile, knowledge.profiles[STANDARD]),
        as_of=as_of,
        jurisdiction=jurisdiction if jurisdiction in JURISDICTIONS else JURISDICTIONS[0],
        is_date_fixed=as_of != day,
    )


def _body(asked: Asked, service: Service) -> tuple[bytes, bool]:
    """The body to send, and whether it differs from the editor's text; a call of this service is sent letter by letter."""
    content = _content_of_server(asked) if asked.server else _content(asked.text)
    made = compose_request(content, service, ordered=asked.ordered, hook_instance=str(uuid4()))
    if made is content:
        return asked.text.encode(), False
    return pretty(made).encode(), True


def _content_of_server(asked: Asked) -> Mapping[str, Any]:
    base = read_base(asked.server)
    if base is None or not base.is_loopback:
        raise BadHookRequestError(
            "$.fhirServer", "in dev mode only a server on this machine is asked, such as http://127.0.0.1:8090/fhir"
        )
    if not asked.fhir_patient:
        raise BadHookRequestError("$.context.patientId", "name the id of the patient on that server")
    return request_of_server(asked.server, asked.fhir_patient, str(uuid4()))


def _content(text: str) -> Mapping[str, Any]:
    try:
        content = read_json_text(text)
    except NotJsonError as fault:
        if not fault.has_more:
            raise
        lines = [it for it in text.splitlines() if it.strip()]
        content = {
            "resourceType": "Bundle",
            "type": "collection",
            "entry": [{"resource": read_json_text(it)} for it in lines],
        }
    if not isinstance(content, dict):
        raise BadHookRequestError("$", "this must be an object")
    return content


def _call(path: str, body: bytes, terms: Terms) -> Received:
    """A call of this application by itself, in a context of its own, so that neither log nor trace mix the two requests."""
    caller = InProcess(current_app.wsgi_app)
    return contextvars.copy_context().run(
        caller.post, path, data=body, content_type="application/json", environ_overrides=with_terms(terms)
    )
