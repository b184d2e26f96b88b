"""Errors to HTTP answers, each a FHIR OperationOutcome, or a page for a reader; the only module that does so.

Source: C-12 to C-16, INP-07.
"""

from __future__ import annotations

import traceback
from pathlib import Path
from uuid import uuid4

import msgspec
from flask import Flask, Response, has_request_context, request
from werkzeug.exceptions import HTTPException

from cdshooks.errors import (
    BadHookRequestError,
    BodyTooLargeError,
    FeedbackConflictError,
    MissingPatientDataError,
    OtherPatientError,
    OverdueError,
    OverloadedError,
    UnauthorizedClientError,
    UnknownCardError,
    UnknownServiceError,
    UnsupportedMediaError,
    WithheldError,
)
from cdshooks.web import metrics
from cdshooks.web.events import log_event
from cdshooks.web.page_drawer import message, protect

_FHIR_JSON = "application/fhir+json"
_NOT_FOUND = 404
_PAGES = "/app/"
_NO_PAGE = "There is no page at this address. Open the page from the patient's chart in the EHR."
_FRAMES_LOGGED = 6


def install_problem_handlers(app: Flask) -> None:
    """Answer every error of a call in JSON, without patient data and without a stack trace."""
    app.register_error_handler(BadHookRequestError, _bad_request)
    app.register_error_handler(MissingPatientDataError, _missing_data)
    app.register_error_handler(UnauthorizedClientError, _unauthorized)
    app.register_error_handler(UnknownServiceError, lambda _: problem(404, "not-found", "There is no such service."))
    app.register_error_handler(UnknownCardError, _unknown_card)
    app.register_error_handler(FeedbackConflictError, _conflict)
    app.register_error_handler(BodyTooLargeError, _too_large)
    app.register_error_handler(
        UnsupportedMediaError,
        lambda _: problem(415, "not-supported", "The body must be sent as application/json, without content encoding."),
    )
    app.register_error_handler(OverdueError, _overdue)
    app.register_error_handler(OverloadedError, _overloaded)
    app.register_error_handler(WithheldError, _withheld)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def problem(
    status: int,
    code: str,
    diagnostics: str,
    *,
    expressions: tuple[str, ...] = (),
    severity: str = "error",
    error_id: str | None = None,
) -> Response:
    """One OperationOutcome with one issue, or a page for a reader; ``error_id`` is its id and stands in the log too."""
    if _is_for_a_reader():
        known = f"The log knows this as {error_id}." if error_id is not None and error_id not in diagnostics else ""
        heading = "No such page" if status == _NOT_FOUND else "This page cannot be shown"
        return protect(message(status, heading, diagnostics, known))
    issue: dict[str, object] = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expressions:
        issue["expression"] = expressions
    outcome: dict[str, object] = {"resourceType": "OperationOutcome"}
    if error_id is not None:
        outcome["id"] = error_id
    outcome["issue"] = [issue]
    return Response(msgspec.json.encode(outcome), status=status, content_type=_FHIR_JSON)


def _is_for_a_reader() -> bool:
    """Whether a browser asks for a page; whoever takes anything, as programs do, gets JSON."""
    if not has_request_context() or not request.path.startswith(_PAGES):
        return False
    taken = request.accept_mimetypes
    return taken["text/html"] > max(taken["application/json"], taken[_FHIR_JSON])


def _bad_request(error: BadHookRequestError) -> Response:
    error_id = str(uuid4())
    if isinstance(error, OtherPatientError):
        metrics.count(metrics.patient_mismatches)
    log_event("request-refused", error_id=error_id, path=error.path)
    return problem(400, "invalid", f"{error.path}: {error.reason}.", expressions=(error.path,), error_id=error_id)


def _missing_data(error: MissingPatientDataError) -> Response:
    error_id = str(uuid4())
    for key in error.keys:
        metrics.count(metrics.incomplete_data, key)
    log_event("data-missing", error_id=error_id, keys=",".join(error.keys))
    sentence = f"Required prefetch data is missing: {', '.join(error.keys)} ({error.reason})."
    paths = tuple(f"$.prefetch.{key}" for key in error.keys)
    return problem(412, "required", sentence, expressions=paths, error_id=error_id)


def _too_large(error: BodyTooLargeError) -> Response:
    what = f" ({error})" if str(error) else ""
    return problem(413, "too-long", f"The body is larger than this service accepts{what}.")


def _unknown_card(error: UnknownCardError) -> Response:
    sentence = f"{error.path}: this service has issued no such card to this client, or it is older than what is kept."
    return problem(404, "not-found", sentence, expressions=(error.path,))


def _conflict(error: FeedbackConflictError) -> Response:
    sentence = f"{error.path}: the same answer is kept already with another comment; nothing was changed."
    return problem(409, "conflict", sentence, expressions=(error.path,))


def _unauthorized(error: UnauthorizedClientError) -> Response:
    """Always the same answer, without a reason: it would help only an attacker. Source: S-11, C-16."""
    metrics.count(metrics.auth_failures, error.reason)
    log_event("client-refused", reason=error.reason)
    answer = problem(401, "login", "The CDS client is not authorised.")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _withheld(error: WithheldError) -> Response:
    error_id = str(uuid4())
    log_event("withheld", error_id=error_id, reason=str(error))
    answer = problem(503, "suppressed", str(error), severity="fatal", error_id=error_id)
    answer.headers["Retry-After"] = "60"
    return answer


def _overloaded(error: OverloadedError) -> Response:
    error_id = str(uuid4())
    log_event("overloaded", error_id=error_id)
    answer = problem(
        503, "throttled", "The service cannot answer now; try again shortly.", severity="fatal", error_id=error_id
    )
    answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


def _overdue(error: OverdueError) -> Response:
    """The call is refused whole: what has been read by then is a part of the record, and a part may mislead."""
    error_id = str(uuid4())
    log_event("overdue", error_id=error_id)
    sentence = "This record takes longer to read than a call may take; nothing was concluded from a part of it."
    answer = problem(503, "too-costly", sentence, severity="fatal", error_id=error_id)
    answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    codes = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported"}
    told = _NO_PAGE if status == _NOT_FOUND and _is_for_a_reader() else f"{error.name}."
    answer = problem(status, codes.get(status, "invalid"), told)
    allowed = getattr(error, "valid_methods", None)
    if allowed:
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _unforeseen(error: Exception) -> Response:
    """A defect of ours: an id that is in the log, and the kind of error; its text may hold anything and stays out of both."""
    error_id = str(uuid4())
    frames = traceback.extract_tb(error.__traceback__)[-_FRAMES_LOGGED:]
    at = " > ".join(f"{Path(it.filename).name}:{it.lineno}" for it in frames)
    log_event("defect", error_id=error_id, kind=type(error).__name__, at=at)
    return problem(
        500, "exception", f"An internal fault; the log knows it as {error_id}.", severity="fatal", error_id=error_id
    )
