"""Headers of every answer, and cross-origin calls from browsers. Source: C-18 to C-20, COR-01, T-4."""

from __future__ import annotations

from flask import Flask, Response, request

from cdshooks.settings import Settings

_METHODS, _HEADERS = "GET, POST, OPTIONS", "Authorization, Content-Type, Accept"


def install_headers(app: Flask, settings: Settings) -> None:
    """Forbid caching and sniffing everywhere; answer browsers of any origin in dev mode, of none otherwise.

    A preflight carries no authorization and asks for none. Errors carry the headers too, or a browser hides their reason.
    """

    @app.before_request
    def preflight() -> Response | None:
        is_preflight = request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers
        return Response(status=204) if is_preflight and request.path.startswith("/cds-services") else None

    @app.after_request
    def complete(answer: Response) -> Response:
        answer.headers["Cache-Control"] = "no-store"
        answer.headers["X-Content-Type-Options"] = "nosniff"
        origin = request.headers.get("Origin")
        if origin and origin != "null" and settings.is_dev and request.path.startswith("/cds-services"):
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"
            answer.headers["Access-Control-Allow-Methods"] = _METHODS
            answer.headers["Access-Control-Allow-Headers"] = _HEADERS
            answer.headers["Access-Control-Max-Age"] = "600"
            if "Access-Control-Request-Private-Network" in request.headers:
                answer.headers["Access-Control-Allow-Private-Network"] = "true"  # C-20: a public page, a local service
        return answer
