"""The pages for people under /app; in dev mode they open for shipped stories and for a pasted patient.

A page is drawn anew from the data of its request and leaves nothing behind. It needs no script, loads nothing from elsewhere, and
its Content-Security-Policy lets no browser do otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, request

from cdshooks.errors import UnreadablePatientFileError
from cdshooks.explain.patient import explain_patient
from cdshooks.knowledge.places import Position
from cdshooks.pages.render import StoryLink, choose_html, message_html, patient_html, stylesheet
from cdshooks.pages.view import view_patient
from cdshooks.settings import Settings
from cdshooks.web.admission import Admission
from cdshooks.web.guard import Guard
from cdshooks.web.stories import Story, shipped_stories
from cdshooks.web.trial_registry import TrialRegistry

_POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


def app_blueprint(guard: Guard, settings: Settings, registry: TrialRegistry, today: Callable[[], date]) -> Blueprint:
    """Routes of the pages."""
    blueprint = Blueprint("app_pages", __name__)
    hospital = Position.of(settings.position)
    admission = Admission(settings.most_in_flight)
    styles = stylesheet()
    stories = {it.name: it for it in shipped_stories()} if settings.is_dev else dict[str, Story]()

    @blueprint.after_request
    def protect(answer: Response) -> Response:
        answer.headers["Content-Security-Policy"] = _POLICY
        answer.headers["Referrer-Policy"] = "no-referrer"
        answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
        return answer

    @blueprint.get("/app/page.css")
    def style() -> Response:
        return Response(styles, content_type="text/css; charset=utf-8")

    @blueprint.get("/app")
    def start() -> Response:
        if settings.is_dev:
            links = (StoryLink(name=it.name, title=it.title) for it in stories.values())
            return _html(choose_html(links, request.root_path))
        return _message(401, "No patient is open", "Open this page from the patient's chart in the EHR.")

    if not settings.is_dev:
        return blueprint

    @blueprint.get("/app/stories/<name>")
    def story(name: str) -> Response:
        told = stories.get(name)
        if told is None:
            return _message(404, "No such story", "The list of stories is at /app.")
        day = told.as_of or today()
        return show(told.read(), day, told.jurisdiction or settings.jurisdiction, is_fixed=told.as_of is not None)

    @blueprint.post("/app/patient")
    def pasted() -> Response:
        request.max_content_length = request.max_form_memory_size = settings.max_body_mb * 1024 * 1024
        text = request.form.get("patient", "")
        return show(text.encode(), today(), settings.jurisdiction, is_fixed=settings.today is not None)

    def show(data: bytes, day: date, jurisdiction: str, *, is_fixed: bool) -> Response:
        with admission.place():
            knowledge, problems = guard.knowledge, guard.problems()
            if problems:
                return _message(503, "Nothing can be shown now", " ".join(problems))
            try:
                advice, _ = explain_patient(
                    data,
                    knowledge,
                    as_of=day,
                    jurisdiction=jurisdiction,
                    registry=registry.now(),
                    hospital=hospital,
                )
            except UnreadablePatientFileError as error:
                return _message(400, "This cannot be read", f"As a patient, {error}.")
            return _html(patient_html(view_patient(advice, knowledge, is_date_fixed=is_fixed), request.root_path))

    return blueprint


def _html(text: str, status: int = 200) -> Response:
    return Response(text, status=status, content_type="text/html; charset=utf-8")


def _message(status: int, heading: str, text: str) -> Response:
    return _html(message_html(heading, (text,), request.root_path), status)
