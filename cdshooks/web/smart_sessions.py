"""The sign-in of a SMART launch and the session that follows it. Source: SMART App Launch 2, "EHR launch".

Both are sealed: the browser's cookie holds the only key, the store what it cannot read. A stolen copy of the store opens none, and
a session ends with the token, after a quarter of an hour at most, or when another kind of browser shows its cookie.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from hashlib import sha256

import msgspec

from cdshooks.hooks.clients import Client
from cdshooks.web.sealed_contents import SealedContents
from cdshooks.web.smart_authorization import Authorization, RefusedError

SIGN_IN_LASTS, SESSION_LASTS = timedelta(minutes=5), timedelta(minutes=15)
_LONGEST_PARAMETER = 4096
_SECONDS_AT_LEAST = 1


class _SignIn(msgspec.Struct, frozen=True, kw_only=True):
    client: str
    base: str
    state: str
    verifier: str
    browser: str


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """One user's view of one patient. ``browser`` is a hash of the User-Agent that signed in."""

    client: str
    base: str
    patient: str
    access_token: str
    until: datetime
    browser: str
    app_context: str | None = None
    """What the card that was followed gave to its link."""

    def __repr__(self) -> str:
        return "Session(...)"


class SmartSessions:
    """Begins, finishes and finds sessions of the clients that launch the page."""

    def __init__(
        self,
        clients: Iterable[Client],
        authorization: Authorization,
        sign_ins: SealedContents,
        sessions: SealedContents,
        now: Callable[[], datetime],
    ) -> None:
        self._clients = {it.name: it for it in clients if it.smart_client_id is not None}
        self._authorization, self._sign_ins, self._sessions, self._now = authorization, sign_ins, sessions, now

    def begin(self, iss: str, launch: str, browser: str) -> tuple[str, str]:
        """Where the browser goes to sign in, and its cookie meanwhile.

        Raises:
            RefusedError: No client is configured with this FHIR server, or it offers no sign-in.
            StoreUnavailableError: The sign-in cannot be remembered.
        """
        client, base = self._configured(iss)
        if not (0 < len(launch) <= _LONGEST_PARAMETER and launch.isprintable()):
            raise RefusedError("launch is missing or too long")
        state, verifier = secrets.token_urlsafe(32), secrets.token_urlsafe(48)
        url = self._authorization.url(client, base, launch=launch, state=state, verifier=verifier)
        sign_in = _SignIn(client=client.name, base=base, state=state, verifier=verifier, browser=_hashed(browser))
        return url, self._sign_ins.keep(self._sign_ins.sealed(msgspec.json.encode(sign_in)))

    def finish(self, cookie: str, *, state: str, code: str, issuer: str | None, browser: str) -> tuple[Session, str]:
        """The session, and its cookie. A sign-in is good for one try, whatever comes of it.

        Raises:
            RefusedError: The answer is not the one to a sign-in that this browser began, or the server gives no token.
            StoreUnavailableError: It cannot be known or kept.
        """
        content = self._sign_ins.take(cookie)
        if content is None:
            raise RefusedError("this browser began no sign-in")
        begun = msgspec.json.decode(content, type=_SignIn)
        if not hmac.compare_digest(begun.state.encode(), state.encode()):
            raise RefusedError("state is another one")
        if begun.browser != _hashed(browser):
            raise RefusedError("another browser began the sign-in")
        client, base = self._configured(begun.base)
        # RFC 9207: where the server names itself in its answer, it must be the one that was asked.
        if issuer is not None and issuer != self._authorization.endpoints(base).issuer:
            raise RefusedError("another server answers")
        token = self._authorization.token(client, base, code=code, verifier=begun.verifier)
        seconds = SESSION_LASTS.total_seconds() if token.expires_in is None else float(token.expires_in)
        session = Session(
            client=client.name,
            base=base,
            patient=token.patient,
            access_token=token.access_token,
            until=self._now() + min(SESSION_LASTS, timedelta(seconds=max(seconds, _SECONDS_AT_LEAST))),
            browser=begun.browser,
            app_context=token.appContext if isinstance(token.appContext, str) else None,
        )
        return session, self._sessions.keep(self._sessions.sealed(msgspec.json.encode(session)))

    def find(self, cookie: str, browser: str) -> tuple[Session, Client] | None:
        """The session of a cookie and its client; a cookie shown by another kind of browser ends it.

        Raises:
            StoreUnavailableError: It cannot be known.
        """
        content = self._sessions.look(cookie)
        if content is None:
            return None
        session = msgspec.json.decode(content, type=Session)
        client = self._clients.get(session.client)
        if session.browser != _hashed(browser) or self._now() >= session.until or client is None:
            self._sessions.forget(cookie)
            return None
        return session, client

    def end(self, cookie: str) -> None:
        """End a session.

        Raises:
            StoreUnavailableError: It may go on until its time is over.
        """
        self._sessions.forget(cookie)

    def _configured(self, iss: str) -> tuple[Client, str]:
        """The client of a FHIR server, and the server as ``clients.toml`` writes it; a request only chooses among them."""
        for client in self._clients.values():
            for base in client.fhir_servers:
                if base.rstrip("/") == iss.rstrip("/"):
                    return client, base.rstrip("/")
        raise RefusedError("iss is no FHIR server of a configured client")


def _hashed(browser: str) -> str:
    return sha256(browser.encode("utf-8", "replace")).hexdigest()
