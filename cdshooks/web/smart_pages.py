"""The launch of the patient page from an EHR: /launch, /callback, and the page with the user's token. Nothing of it is stored."""

from __future__ import annotations

import time
from collections.abc import Callable
from datetime import date

import msgspec
from flask import Blueprint, Response, request

from cdshooks.ehr.gather import gather_for
from cdshooks.ehr.patient_identity import ContextPatient
from cdshooks.ehr.resources import Resources
from cdshooks.errors import BadHookRequestError, MissingPatientDataError, StoreUnavailableError
from cdshooks.hooks.access_token import AccessToken
from cdshooks.hooks.clients import Client
from cdshooks.trace import current_trace_id
from cdshooks.web.audit import Asked
from cdshooks.web.events import log_event
from cdshooks.web.fetching import Fetching
from cdshooks.web.memory import Memory
from cdshooks.web.page_drawer import SHOWN, PageDrawer, message, protect
from cdshooks.web.smart_authorization import RefusedError
from cdshooks.web.smart_sessions import SESSION_LASTS, SIGN_IN_LASTS, Session, SmartSessions

_SIGN_IN_COOKIE, _SESSION_COOKIE = "__Host-cdshooks-sign-in", "__Host-cdshooks-session"
_WAY = "patient-page-by-launch"
_ANCHORS = {"her2-later-line-options": "options", "her2-later-line-missing": "find-out"}


class _AppContext(msgspec.Struct):
    topic: str


class SmartPages:
    """The pages of SMART clients."""

    def __init__(
        self,
        public_url: str,
        sessions: SmartSessions,
        fetching: Fetching,
        drawer: PageDrawer,
        today: Callable[[], date],
        memory: Memory,
    ) -> None:
        self._public_url, self._sessions = public_url, sessions
        self._fetching, self._drawer, self._today = fetching, drawer, today
        self._memory = memory

    def blueprint(self) -> Blueprint:
        """The routes of the launch; the page itself is /app."""
        blueprint = Blueprint("smart_pages", __name__)
        blueprint.after_request(protect)
        blueprint.get("/launch")(self.launch)
        blueprint.get("/callback")(self.callback)
        return blueprint

    def launch(self) -> Response:
        """Send the browser to the EHR's sign-in."""
        try:
            url, cookie = self._sessions.begin(_only("iss"), _only("launch"), _browser())
        except RefusedError as error:
            return _refused(error.reason)
        except StoreUnavailableError:
            return _unavailable()
        answer = Response(status=302, headers={"Location": url})
        _set(answer, _SIGN_IN_COOKIE, cookie, SIGN_IN_LASTS.total_seconds())
        return answer

    def callback(self) -> Response:
        """Take the answer of the sign-in, once."""
        if "error" in request.args:
            return _refused("the EHR refused the sign-in")
        try:
            session, cookie = self._sessions.finish(
                request.cookies.get(_SIGN_IN_COOKIE, ""),
                state=_only("state"),
                code=_only("code"),
                issuer=_only("iss") if "iss" in request.args else None,
                browser=_browser(),
            )
        except RefusedError as error:
            return _refused(error.reason)
        except StoreUnavailableError:
            return _unavailable()
        log_event("smart-signed-in", client=session.client)
        answer = Response(status=303, headers={"Location": f"{self._public_url}/app{_anchor(session.app_context)}"})
        _set(answer, _SIGN_IN_COOKIE, "", 0)
        _set(answer, _SESSION_COOKIE, cookie, SESSION_LASTS.total_seconds())
        return answer

    def page(self) -> Response | None:
        """The page of this browser's session; None when it has none."""
        cookie = request.cookies.get(_SESSION_COOKIE, "")
        if not cookie:
            return None
        try:
            found = self._sessions.find(cookie, _browser())
        except StoreUnavailableError:
            return _unavailable()
        if found is None:
            return None
        session, client = found
        try:
            page = self._drawer.draw(lambda: self._gathered(session, client), self._today())
        except MissingPatientDataError as error:
            keys = ", ".join(error.keys)
            return message(502, "This patient cannot be shown", f"The FHIR server of the EHR did not give: {keys}.")
        except BadHookRequestError:
            return message(
                502, "This patient cannot be shown", "The FHIR server of the EHR gave data of another patient."
            )
        if page.status_code == SHOWN:
            self._memory.remember_page(self._asked(session, client))
        return page

    def _gathered(self, session: Session, client: Client) -> Resources:
        token = AccessToken(session.access_token)
        source = self._fetching.source_of(client, session.base, token, began=time.monotonic())
        try:
            return gather_for(ContextPatient(id=session.patient, fhir_server=session.base), source)
        finally:
            if source is not None:
                self._memory.remember_queries(self._asked(session, client), source.asked(), base=session.base)

    def _asked(self, session: Session, client: Client) -> Asked:
        patient = self._memory.patient_hash(client.name, session.base, session.patient)
        return Asked(client=client.name, service=_WAY, trace_id=current_trace_id(), patient_hash=patient)


def _only(name: str) -> str:
    """A parameter that is there once; twice would let two readers read two values."""
    values = request.args.getlist(name)
    return values[0] if len(values) == 1 else ""


def _anchor(app_context: str | None) -> str:
    """Where on the page the card that was followed is spoken of; a context that is none of ours leads to its top."""
    try:
        topic = msgspec.json.decode(app_context or "", type=_AppContext).topic
    except (msgspec.MsgspecError, RecursionError):
        return ""
    return f"#{_ANCHORS[topic]}" if topic in _ANCHORS else ""


def _browser() -> str:
    return request.headers.get("User-Agent", "")


def _set(answer: Response, name: str, value: str, seconds: float) -> None:
    """For this host alone, out of reach of scripts, and not sent along by other sites' forms and frames."""
    answer.set_cookie(name, value, max_age=int(seconds), path="/", secure=True, httponly=True, samesite="Lax")


def _refused(reason: str) -> Response:
    """One answer, whatever is wrong: who tries things out learns nothing from it."""
    log_event("smart-refused", reason=reason)
    return message(400, "The sign-in did not succeed", "Open the page again from the patient's chart in the EHR.")


def _unavailable() -> Response:
    return message(503, "This cannot be shown now", "The service cannot reach its store. Try again in a moment.")
