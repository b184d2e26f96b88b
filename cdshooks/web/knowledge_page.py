"""The knowledge, the source attributes and the hazard log as pages and as JSON. Source: SAF-02, SAF-10, DSI-01."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import msgspec
from flask import Blueprint, Response, request

from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.publish import knowledge_document
from cdshooks.pages.render import knowledge_html
from cdshooks.settings import Settings

_CSP = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def knowledge_blueprint(knowledge: Knowledge, settings: Settings, today: Callable[[], date]) -> Blueprint:
    """Routes for those who want to see what the service rests on."""
    blueprint = Blueprint("knowledge", __name__)
    made: dict[date, dict[str, Any]] = {}

    def document() -> dict[str, Any]:
        day = today()
        if day not in made:
            made.clear()
            made[day] = knowledge_document(knowledge, settings.knowledge_overlay, day)
        return made[day]

    def page(template: str) -> Response:
        cites = {key: it.cite for key, it in knowledge.sources.items()}
        text = knowledge_html(template, document(), cites, settings.jurisdiction, request.root_path)
        return Response(text, content_type="text/html; charset=utf-8", headers={"Content-Security-Policy": _CSP})

    def as_json(content: object) -> Response:
        return Response(msgspec.json.encode(content), content_type="application/json", headers={"Vary": "Accept"})

    @blueprint.get("/knowledge")
    def knowledge_page() -> Response:
        best = request.accept_mimetypes.best_match(["text/html", "application/json"], default="text/html")
        answer = as_json(document()) if best == "application/json" else page("knowledge.html")
        answer.headers["Vary"] = "Accept"
        return answer

    @blueprint.get("/knowledge.json")
    def knowledge_json() -> Response:
        return as_json(document())

    @blueprint.get("/dsi")
    def source_attributes() -> Response:
        parts = ("evidence", "predictive")
        listed = {part: [it for it in document()["attributes"] if it["part"] == part] for part in parts}
        told = {
            part: {it["id"]: {"title": it["title"], "value": it["value"], "asOf": it["as_of"]} for it in items}
            for part, items in listed.items()
        }
        return as_json(told)

    @blueprint.get("/hazards")
    def hazards() -> Response:
        return page("hazards.html")

    return blueprint
