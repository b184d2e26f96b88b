"""How people reach the patient page outside dev mode: by a card's link and by a launch from the EHR. Off without a public URL."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import date, datetime, timedelta
from pathlib import Path

from flask import Flask, Response

from cdshooks.hooks.clients import Client
from cdshooks.settings import Settings
from cdshooks.web.card_links import CardLinks
from cdshooks.web.fetching import Fetching
from cdshooks.web.memory import Memory
from cdshooks.web.opened_pages import opened_blueprint
from cdshooks.web.page_drawer import PageDrawer, message
from cdshooks.web.sealed_contents import SealedContents
from cdshooks.web.smart_authorization import Authorization
from cdshooks.web.smart_pages import SmartPages
from cdshooks.web.smart_sessions import SESSION_LASTS, SIGN_IN_LASTS, SmartSessions

_LINK_LASTS = timedelta(minutes=10)


class PageAccess:
    """The ways to the page; ``key`` is the service's own."""

    def __init__(
        self,
        settings: Settings,
        clients: Iterable[Client],
        fetching: Fetching,
        drawer: PageDrawer,
        today: Callable[[], date],
        *,
        memory: Memory,
        key: bytes,
        now: Callable[[], datetime],
    ) -> None:
        """Open what the settings and the clients ask for."""

        def contents(purpose: str, lasts: timedelta) -> SealedContents:
            return SealedContents(purpose, lasts, key=key, attempt=memory.attempt, now=now)

        self._drawer, self._today, self._memory, self._is_dev = drawer, today, memory, settings.is_dev
        self.links: CardLinks | None = None
        self._smart: SmartPages | None = None
        if settings.public_url is None:
            return
        self.links = CardLinks(settings.public_url, contents("card link", _LINK_LASTS))
        launching = [it for it in clients if it.smart_client_id is not None]
        if not launching or settings.clients is None:
            return
        authorization = Authorization(
            f"{settings.public_url}/callback", _secrets(launching, settings.clients.parent).get
        )
        sessions = SmartSessions(
            launching,
            authorization,
            sign_ins=contents("smart sign-in", SIGN_IN_LASTS),
            sessions=contents("smart session", SESSION_LASTS),
            now=now,
        )
        self._smart = SmartPages(settings.public_url, sessions, fetching, drawer, today, memory)

    def register(self, app: Flask) -> None:
        """Add the routes."""
        if self.links is not None:
            app.register_blueprint(opened_blueprint(self.links, self._drawer, self._today, self._memory))
        if self._smart is not None:
            app.register_blueprint(self._smart.blueprint())
        elif self._is_dev:
            app.add_url_rule("/launch", view_func=_how_to_launch)

    def signed_in(self) -> Response | None:
        """The page of the browser that asks, if an EHR has launched it."""
        return None if self._smart is None else self._smart.page()


def _how_to_launch() -> Response:
    return message(
        404,
        "No client launches this page",
        "CDSHOOKS_CLIENTS must name a clients.toml with a client that has smart_client_id and, as one of its "
        "fhir_servers, the iss of the launch; CDSHOOKS_PUBLIC_URL the address in this browser. With --dev nothing else "
        "of that file is used.",
    )


def access_faults(settings: Settings, clients: Iterable[Client]) -> tuple[str, ...]:
    """What cannot work: a launch whose browsers would not know where to come back to."""
    if settings.public_url is None and any(it.smart_client_id is not None for it in clients):
        return ("CDSHOOKS_PUBLIC_URL: a client launches the patient page (smart_client_id), so it must be set.",)
    return ()


def _secrets(clients: Iterable[Client], folder: Path) -> dict[str, str | None]:
    return {it.name: it.smart_secret(folder) for it in clients}
