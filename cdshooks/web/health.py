"""Whether the process lives, whether it can answer, what it counts, and a short page for people. Source: REL-05, OBS-02."""

from __future__ import annotations

import platform
from collections.abc import Callable
from datetime import date

import msgspec
from flask import Blueprint, Response, request

from cdshooks import __version__
from cdshooks.draining import is_draining
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.manifest import Freshness
from cdshooks.pages.render import About, about_html
from cdshooks.settings import Settings
from cdshooks.web import metrics
from cdshooks.web.guard import Guard
from cdshooks.web.memory import Memory
from cdshooks.web.trial_registry import TrialRegistry

_POLICY = (
    "default-src 'none'; style-src 'self'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)


def health_blueprint(
    knowledge: Knowledge,
    guard: Guard,
    settings: Settings,
    memory: Memory,
    registry: TrialRegistry,
    today: Callable[[], date],
) -> Blueprint:
    """Routes for those who run the service."""
    blueprint = Blueprint("health", __name__)

    @blueprint.get("/healthz")
    def alive() -> Response:
        return Response(b'{"status":"alive"}', content_type="application/json")

    @blueprint.get("/readyz")
    def ready() -> Response:
        manifest, day = knowledge.manifest, today()
        is_in_date = manifest.freshness(day) is not Freshness.EXPIRED
        signature = manifest.signature(day)
        store_fault = memory.fault()
        registry.now()
        problems = list(guard.problems())
        if not is_in_date:
            problems.append("The knowledge has expired: no therapy is suggested until it is reviewed.")
        if store_fault is not None:
            problems.append(
                f"The store cannot be written ({store_fault}): hook calls are answered, but not remembered; feedback gets 503."
            )
        if is_draining():
            problems.append("The service was told to stop and will end in a moment.")
        state = {
            "ready": not problems,
            "problems": problems,
            "store": "ok" if store_fault is None else f"unavailable ({store_fault})",
            "trials": registry.told,
            "version": __version__,
            "knowledge": manifest.version,
            "knowledge_hash": manifest.content_hash,
            "knowledge_state": manifest.freshness(day).value,
            "knowledge_due": manifest.due.isoformat(),
            "knowledge_expires": manifest.expires.isoformat(),
            "knowledge_signed": signature is not None,
            "knowledge_signed_by": signature.reviewer if signature is not None else None,
            "knowledge_signed_until": signature.until.isoformat() if signature is not None else None,
            "overlay": [it.told for it in knowledge.overlay],
            "switched_off": list(guard.switched_off()),
            "shadow": settings.is_shadow,
            "canaries": len(knowledge.canaries),
            "jurisdiction": settings.jurisdiction,
            "dev": settings.is_dev,
            "evaluation": settings.is_evaluation,
            "today": day.isoformat(),
            "today_is_fixed": settings.today is not None,
        }
        return Response(msgspec.json.encode(state), status=503 if problems else 200, content_type="application/json")

    @blueprint.get("/version")
    def version() -> Response:
        told = {
            "version": __version__,
            "commit": settings.revision,
            "knowledge": knowledge.manifest.version,
            "knowledge_hash": knowledge.manifest.content_hash,
            "python": platform.python_version(),
        }
        return Response(msgspec.json.encode(told), content_type="application/json")

    @blueprint.get("/metrics")
    def counted() -> Response:
        manifest, day = knowledge.manifest, today()
        text = metrics.scrape(
            knowledge_age_seconds=(day - manifest.reviewed).total_seconds(),
            knowledge_state=manifest.freshness(day).value,
            off=guard.off(),
            is_shadow=settings.is_shadow,
        )
        return Response(text, content_type=metrics.CONTENT_TYPE)

    if settings.is_dev:
        return blueprint  # the workbench stands there

    @blueprint.get("/")
    def page() -> Response:
        manifest = knowledge.manifest
        about = About(
            version=__version__,
            base_url=settings.base_url,
            unsigned=manifest.version if manifest.signature(today()) is None else None,
        )
        return Response(
            about_html(about, request.root_path),
            content_type="text/html; charset=utf-8",
            headers={"Content-Security-Policy": _POLICY},
        )

    return blueprint
