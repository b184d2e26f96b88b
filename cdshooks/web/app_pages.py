"""The pages for people under /app; in dev mode they open for shipped stories and for a pasted patient.

A page is drawn anew from the data of its request and leaves nothing behind. It needs no script, loads nothing from elsewhere, and
its Content-Security-Policy lets no browser do otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, request

from cdshooks.ehr.patient_file import read_patient_file
from cdshooks.errors import UnreadablePatientFileError
from cdshooks.pages.render import StoryLink, choose_html, stylesheet
from cdshooks.settings import Settings
from cdshooks.web.page_drawer import PageDrawer, html, message, protect
from cdshooks.web.stories import Story, shipped_stories


def app_blueprint(
    drawer: PageDrawer, settings: Settings, today: Callable[[], date], signed_in: Callable[[], Response | None]
) -> Blueprint:
    """Routes of the pages; ``signed_in`` draws the page of a browser that an EHR has launched."""
    blueprint = Blueprint("app_pages", __name__)
    blueprint.after_request(protect)
    styles = stylesheet()
    stories = {it.name: it for it in shipped_stories()} if settings.is_dev else dict[str, Story]()

    @blueprint.get("/app/page.css")
    def style() -> Response:
        return Response(styles, content_type="text/css; charset=utf-8")

    @blueprint.get("/app")
    def start() -> Response:
        page = signed_in()
        if page is not None:
            return page
        if settings.is_dev:
            return choose()
        return message(401, "No patient is open", "Open this page from the patient's chart in the EHR.")

    if not settings.is_dev:
        return blueprint

    @blueprint.get("/app/stories")
    def choose() -> Response:
        links = (StoryLink(name=it.name, title=it.title) for it in stories.values())
        return html(choose_html(links, request.root_path))

    @blueprint.get("/app/stories/<name>")
    def story(name: str) -> Response:
        told = stories.get(name)
        if told is None:
            return message(404, "No such story", "The list of stories is at /app/stories.")
        day = told.as_of or today()
        return show(told.read(), day, told.jurisdiction or settings.jurisdiction, is_fixed=told.as_of is not None)

    @blueprint.post("/app/patient")
    def pasted() -> Response:
        request.max_content_length = request.max_form_memory_size = settings.max_body_mb * 1024 * 1024
        text = request.form.get("patient", "")
        return show(text.encode(), today(), settings.jurisdiction, is_fixed=settings.today is not None)

    def show(data: bytes, day: date, jurisdiction: str, *, is_fixed: bool) -> Response:
        try:
            return drawer.draw(lambda: read_patient_file(data), day, jurisdiction=jurisdiction, is_fixed=is_fixed)
        except UnreadablePatientFileError as error:
            return message(400, "This cannot be read", f"As a patient, {error}.")

    return blueprint
