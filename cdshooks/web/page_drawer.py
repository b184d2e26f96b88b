"""Draws the patient page from resources, under the same guard as hook calls: what is withheld there is withheld here."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import msgspec
from flask import Response, request

from cdshooks.ehr.resources import Resources
from cdshooks.errors import OverdueError
from cdshooks.explain.patient import advise
from cdshooks.knowledge.places import Position
from cdshooks.pages.render import message_html, patient_html
from cdshooks.pages.view import view_patient
from cdshooks.settings import Settings
from cdshooks.web.admission import Admission
from cdshooks.web.call_deadline import deadline_of
from cdshooks.web.guard import Guard
from cdshooks.web.trial_registry import TrialRegistry

SHOWN = 200
"""The HTTP status of a page on which a patient is seen."""
POLICY = "default-src 'none'; style-src 'self'; img-src 'self' data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"


class PageDrawer:
    """Patient pages of this process."""

    def __init__(self, guard: Guard, settings: Settings, registry: TrialRegistry) -> None:
        self._guard, self._settings, self._registry = guard, settings, registry
        self._hospital = Position.of(settings.position)
        self._admission = Admission(settings.most_in_flight)

    def draw(
        self,
        resources: Callable[[], Resources],
        day: date,
        *,
        jurisdiction: str | None = None,
        is_fixed: bool | None = None,
    ) -> Response:
        """The page of a patient on a day; 503 when no call can be answered."""
        with self._admission.place():
            knowledge, problems = self._guard.knowledge, self._guard.problems()
            if problems:
                return message(503, "Nothing can be shown now", " ".join(problems))
            found = resources()
            deadline = deadline_of(time.monotonic(), self._settings.deadline_ms / 1000)
            try:
                advice = advise(
                    msgspec.structs.replace(found, deadline=deadline),
                    knowledge,
                    as_of=day,
                    jurisdiction=jurisdiction or self._settings.jurisdiction,
                    registry=self._registry.now(),
                    hospital=self._hospital,
                )
            except OverdueError:
                return message(503, "This cannot be shown", "This record takes longer to read than a page may take.")
            is_date_fixed = self._settings.today is not None if is_fixed is None else is_fixed
            return html(patient_html(view_patient(advice, knowledge, is_date_fixed=is_date_fixed), request.root_path))


def html(text: str, status: int = 200) -> Response:
    """A page."""
    return Response(text, status=status, content_type="text/html; charset=utf-8")


def message(status: int, heading: str, *texts: str) -> Response:
    """A page that says why there is nothing to see."""
    return html(message_html(heading, filter(None, texts), request.root_path), status)


def protect(answer: Response) -> Response:
    """Let no browser load, run, frame or keep anything."""
    answer.headers["Content-Security-Policy"] = POLICY
    answer.headers["Referrer-Policy"] = "no-referrer"
    answer.headers["Cross-Origin-Opener-Policy"] = "same-origin"
    return answer
