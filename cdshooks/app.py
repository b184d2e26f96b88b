"""Builds the service once: settings, knowledge, clock, routes."""

from __future__ import annotations

from datetime import date

from flask import Flask

from cdshooks import __version__
from cdshooks.cards.actions import prepare_drafts
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.settings import Settings, SettingsError
from cdshooks.web.events import log_event
from cdshooks.web.headers import install_headers
from cdshooks.web.health import health_blueprint
from cdshooks.web.problems import install_problem_handlers
from cdshooks.web.services import services_blueprint


def build_app(settings: Settings, knowledge: Knowledge | None = None) -> Flask:
    """The WSGI application.

    Raises:
        SettingsError: The knowledge is unsigned and the service was not told to run for evaluation, or no client may call.
        KnowledgeError: The knowledge has faults.
    """

    def today() -> date:
        return settings.today or date.today()  # noqa: DTZ011 - a calendar date where the service runs

    loaded = knowledge if knowledge is not None else load_knowledge(settings.knowledge_overlay)
    prepare_drafts(loaded)
    faults = []
    if not settings.is_evaluation and loaded.manifest.signature(today()) is None:
        faults.append(
            "CDSHOOKS_EVALUATION: no clinician has signed the knowledge in force; sign it (cdshooks knowledge sign), "
            "or set this to 1 for an evaluation without patients."
        )
    if not settings.is_dev:
        faults.append(
            "CDSHOOKS_CLIENTS: this version cannot tell clients apart yet; start with --dev, on a loopback address only."
        )
    if faults:
        raise SettingsError(tuple(faults))
    app = Flask("cdshooks", static_folder=None)
    app.url_map.strict_slashes = (
        False  # a redirect would break a CORS preflight, so no URL is ever answered by one (D-16)
    )
    app.url_map.merge_slashes = False
    install_headers(app, settings)
    install_problem_handlers(app)
    app.register_blueprint(services_blueprint(loaded, settings, today))
    app.register_blueprint(health_blueprint(loaded, settings, today))
    if settings.is_dev:
        log_event("dev-mode")
    log_event(
        "started",
        version=__version__,
        knowledge=loaded.manifest.version,
        jurisdiction=settings.jurisdiction,
        dev=settings.is_dev,
    )
    return app
