"""Errors to HTTP answers, each a FHIR OperationOutcome; the only module that does so. Source: C-12 to C-16, INP-07."""

from __future__ import annotations

from uuid import uuid4

import msgspec
from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from cdshooks.errors import (
    BadHookRequestError,
    BodyTooLargeError,
    MissingPatientDataError,
    OverloadedError,
    UnauthorizedClientError,
    UnknownServiceError,
    UnsupportedMediaError,
)
from cdshooks.web.events import log_event

_FHIR_JSON = "application/fhir+json"


def install_problem_handlers(app: Flask) -> None:
    """Answer every error of a call in JSON, without patient data and without a stack trace."""
    app.register_error_handler(BadHookRequestError, _bad_request)
    app.register_error_handler(MissingPatientDataError, _missing_data)
    app.register_error_handler(UnauthorizedClientError, _unauthorized)
    app.register_error_handler(UnknownServiceError, lambda _: problem(404, "not-found", "There is no such service."))
    app.register_error_handler(
        BodyTooLargeError, lambda _: problem(413, "too-long", "The body is larger than this service accepts.")
    )
    app.register_error_handler(
        UnsupportedMediaError,
        lambda _: problem(415, "not-supported", "The body must be sent as application/json, without content encoding."),
    )
    app.register_error_handler(OverloadedError, _overloaded)
    app.register_error_handler(HTTPException, _http)
    app.register_error_handler(Exception, _unforeseen)


def problem(
    status: int, code: str, diagnostics: str, *, expression: str | None = None, severity: str = "error"
) -> Response:
    """One OperationOutcome with one issue."""
    issue: dict[str, object] = {"severity": severity, "code": code, "diagnostics": diagnostics}
    if expression is not None:
        issue["expression"] = [expression]
    body = msgspec.json.encode({"resourceType": "OperationOutcome", "issue": [issue]})
    return Response(body, status=status, content_type=_FHIR_JSON)


def _bad_request(error: BadHookRequestError) -> Response:
    log_event("request-refused", path=error.path)
    return problem(400, "invalid", f"{error.path}: {error.reason}.", expression=error.path)


def _missing_data(error: MissingPatientDataError) -> Response:
    log_event("data-missing", keys=",".join(error.keys))
    return problem(412, "required", f"Required prefetch data is missing: {', '.join(error.keys)} ({error.reason}).")


def _unauthorized(error: UnauthorizedClientError) -> Response:
    log_event("client-refused", reason=error.reason)
    answer = problem(401, "login", "The CDS client is not authorised.")
    answer.headers["WWW-Authenticate"] = "Bearer"
    return answer


def _overloaded(error: OverloadedError) -> Response:
    answer = problem(503, "throttled", "The service cannot answer now; try again shortly.", severity="fatal")
    answer.headers["Retry-After"] = str(error.retry_after_seconds)
    return answer


def _http(error: HTTPException) -> Response:
    status = error.code or 500
    codes = {404: "not-found", 405: "not-supported", 413: "too-long", 415: "not-supported"}
    answer = problem(status, codes.get(status, "invalid"), f"{error.name}.")
    allowed = getattr(error, "valid_methods", None)
    if status == 405 and allowed:  # noqa: PLR2004 - the HTTP status that needs this header
        answer.headers["Allow"] = ", ".join(sorted(allowed))
    return answer


def _unforeseen(error: Exception) -> Response:
    """A defect of ours: an id that is in the log, and the kind of error; its text may hold anything and stays out of both."""
    error_id = str(uuid4())
    frames = []
    trace = error.__traceback__
    while trace is not None:
        frames.append(f"{trace.tb_frame.f_code.co_filename.rsplit('/', 1)[-1]}:{trace.tb_lineno}")
        trace = trace.tb_next
    log_event("defect", error_id=error_id, kind=type(error).__name__, at=" > ".join(frames[-6:]))
    return problem(500, "exception", f"An internal fault; the log knows it as {error_id}.", severity="fatal")
