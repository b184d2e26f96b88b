"""Builds the service once: settings, knowledge, clock, routes."""

from __future__ import annotations

import secrets
import time
from datetime import UTC, date, datetime

from flask import Flask

from cdshooks import __version__
from cdshooks.cards.actions import prepare_drafts
from cdshooks.errors import StoreUnavailableError
from cdshooks.hooks.clients import Client, read_clients, unfit_for_patients
from cdshooks.knowledge.load import Knowledge, load_knowledge
from cdshooks.settings import Settings, SettingsError
from cdshooks.store.engine import open_engine
from cdshooks.store.patient_hash import read_or_make_key
from cdshooks.store.store import Store
from cdshooks.web.app_pages import app_blueprint
from cdshooks.web.callers import Callers
from cdshooks.web.events import log_event
from cdshooks.web.fetching import Fetching
from cdshooks.web.guard import Guard
from cdshooks.web.headers import install_headers
from cdshooks.web.health import health_blueprint
from cdshooks.web.knowledge_page import knowledge_blueprint
from cdshooks.web.memory import Memory
from cdshooks.web.metrics_address import install_metrics_address
from cdshooks.web.observe import install_observation
from cdshooks.web.openapi import install_openapi
from cdshooks.web.page_access import PageAccess, access_faults
from cdshooks.web.page_drawer import PageDrawer
from cdshooks.web.problems import install_problem_handlers
from cdshooks.web.services import services_blueprint
from cdshooks.web.tracing import tracing_faults
from cdshooks.web.trial_registry import TrialRegistry


def build_app(settings: Settings, knowledge: Knowledge | None = None) -> Flask:
    """The WSGI application.

    Raises:
        SettingsError: The knowledge is unsigned and the service was not told to run for evaluation, or no client may call.
        KnowledgeError: The knowledge has faults.
    """

    def today() -> date:
        return settings.today or date.today()  # noqa: DTZ011 - a calendar date where the service runs

    def now() -> datetime:
        return datetime.now(UTC)

    loaded = knowledge if knowledge is not None else load_knowledge(settings.knowledge_overlay)
    prepare_drafts(loaded)
    faults = list(tracing_faults())
    if not settings.is_evaluation and loaded.manifest.signature(today()) is None:
        faults.append(
            "CDSHOOKS_EVALUATION: no clinician has signed the knowledge in force; sign it (cdshooks knowledge sign), "
            "or set this to 1 for an evaluation without patients."
        )
    clients = _clients(settings, loaded, faults)
    if not settings.is_evaluation:
        faults.extend(unfit_for_patients(settings.base_url, clients))
    if settings.dev_profile not in loaded.profiles:
        faults.append(f"CDSHOOKS_DEV_PROFILE must be one of {', '.join(sorted(loaded.profiles))}.")
    faults.extend(access_faults(settings, clients))
    if faults:
        raise SettingsError(tuple(faults))
    app = Flask("cdshooks", static_folder=None)
    app.url_map.strict_slashes = (
        False  # a redirect would break a CORS preflight, so no URL is ever answered by one (D-16)
    )
    app.url_map.merge_slashes = False
    key = _hash_key(settings)
    memory = Memory(
        _open_store(settings),
        loaded,
        key=key,
        keeps_comments=settings.keeps_comments,
        now=now,
    )
    guard = Guard(loaded, settings, today)
    registry = TrialRegistry(memory.attempt, loaded.trials.by_id, time.monotonic)
    fetching = app.extensions["cdshooks.fetching"] = Fetching(settings)
    drawer = PageDrawer(guard, settings, registry)
    access = PageAccess(settings, clients, fetching, drawer, today, memory=memory, key=key, now=now)
    install_observation(app)
    install_metrics_address(app, settings.metrics_port)
    origins = frozenset(origin for it in clients for origin in it.cors_origins)
    install_headers(app, origins, is_any_origin_allowed=settings.is_dev)
    install_problem_handlers(app)
    app.register_blueprint(
        services_blueprint(
            guard, settings, memory, registry, _callers(clients, settings, memory), fetching, access.links, today
        )
    )
    app.register_blueprint(health_blueprint(loaded, guard, settings, memory, registry, today))
    app.register_blueprint(knowledge_blueprint(loaded, settings, today))
    app.register_blueprint(app_blueprint(drawer, settings, today, access.signed_in))
    access.register(app)
    install_openapi(app, is_dev=settings.is_dev)
    if settings.is_dev:
        from cdshooks.web.workbench import workbench_blueprint  # noqa: PLC0415 - no service with patients waits for it

        app.register_blueprint(workbench_blueprint(guard, settings, registry, today))
    if settings.is_dev:
        log_event("dev-mode")
    if settings.is_shadow:
        log_event("shadow-mode")
    log_event(
        "started",
        version=__version__,
        knowledge=loaded.manifest.version,
        jurisdiction=settings.jurisdiction,
        dev=settings.is_dev,
    )
    return app


def _clients(settings: Settings, knowledge: Knowledge, faults: list[str]) -> tuple[Client, ...]:
    if settings.clients is None:
        if settings.is_dev:
            return ()
        faults.append(
            "CDSHOOKS_CLIENTS: no EHR client is configured, so nobody could call; name a clients.toml, "
            "or start with --dev, on a loopback address only."
        )
        return ()
    try:
        return read_clients(settings.clients, knowledge.profiles)
    except SettingsError as error:
        faults.extend(error.faults)
        return ()


def _callers(clients: tuple[Client, ...], settings: Settings, memory: Memory) -> Callers | None:
    if settings.clients is None or settings.is_dev:
        return None
    return Callers(clients, settings.clients.parent, use_once=memory.use_token_once, now=lambda: datetime.now(UTC))


def _open_store(settings: Settings) -> Store:
    """The store, migrated if it can be reached; if not, it is tried again with each use, and /readyz says so. Source: REL-09."""
    store = Store(open_engine(settings.store_url))
    try:
        store.prepare()
    except StoreUnavailableError as error:
        log_event("store-unavailable", kind=error.kind, operation="start")
    store.engine.dispose()  # workers are forked from here on, and each opens connections of its own
    return store


def _hash_key(settings: Settings) -> bytes:
    if settings.hash_key is not None:
        return settings.hash_key.encode()
    if settings.store_url.startswith("postgresql"):
        log_event("hash-key-local")
    try:
        return read_or_make_key(settings.state_directory / "hash.key")
    except OSError as error:
        log_event("hash-key-lost", kind=type(error).__name__)
        return secrets.token_bytes(32)
