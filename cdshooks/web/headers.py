"""Headers of every answer, and cross-origin calls from browsers. Source: C-18 to C-20, COR-01, T-4."""

from __future__ import annotations

from flask import Flask, Response, request

_METHODS, _HEADERS = "GET, POST, OPTIONS", "Authorization, Content-Type, Accept"


def install_headers(app: Flask, origins: frozenset[str], *, is_any_origin_allowed: bool) -> None:
    """Forbid caching and sniffing everywhere; answer browsers of the listed origins, or in dev mode of any.

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
        is_allowed = origin in origins or (is_any_origin_allowed and origin != "null")
        if origin and is_allowed and request.path.startswith("/cds-services"):
            answer.headers["Access-Control-Allow-Origin"] = origin
            answer.headers["Vary"] = "Origin"
            answer.headers["Access-Control-Allow-Methods"] = _METHODS
            answer.headers["Access-Control-Allow-Headers"] = _HEADERS
            answer.headers["Access-Control-Max-Age"] = "600"
            if "Access-Control-Request-Private-Network" in request.headers:
                answer.headers["Access-Control-Allow-Private-Network"] = "true"  # C-20: a public page, a local service
        return answer
