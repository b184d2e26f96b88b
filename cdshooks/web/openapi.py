"""The OpenAPI 3.1 document of the routes that this service really has, served at ``/openapi.json``. Source: INP-04.

Paths come from the application, schemas from the files that requests and answers are held to; ``openapi.yaml`` adds the words.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec
import yaml
from flask import Flask, Response

from cdshooks import __version__
from cdshooks.hooks.services import SERVICES, Service

_SCHEMAS = Path(__file__).parents[1] / "hooks" / "schemas"
_NAMED = {
    "Discovery": "discovery.json",
    "Response": "response.json",
    "OperationOutcome": "operation-outcome.json",
    "Feedback": "feedback.json",
}
_PARAMETER = re.compile(r"<(?:\w+:)?(\w+)>")
_DIALECT = "https://json-schema.org/draft/2020-12/schema"
_SERVICE_PATH = "/cds-services/{service_id}"
_SAID = {
    200: "Answered",
    400: "Not a request of this kind; the path of the fault is named",
    401: "The client did not prove who it is",
    404: "No such service, or no such card of this client",
    409: "The same answer is kept already with another comment",
    412: "Required data is missing; the prefetch keys are named",
    413: "Larger than is accepted",
    415: "Not JSON, or encoded",
    503: "Not now; Retry-After says when",
}


def install_openapi(app: Flask, *, is_dev: bool) -> None:
    """Serve the document of all routes, those included that are registered after this."""
    made: list[bytes] = []

    def document() -> Response:
        if not made:
            made.append(msgspec.json.encode(openapi_document(app, is_dev=is_dev)))
        return Response(made[0], content_type="application/json")

    app.add_url_rule("/openapi.json", endpoint="openapi", view_func=document)


def openapi_document(app: Flask, *, is_dev: bool) -> dict[str, Any]:
    """The document; a hook service is a path of its own, with the schema of its own hook."""
    told = yaml.safe_load((Path(__file__).parent / "openapi.yaml").read_text(encoding="utf-8"))
    schemas = {name: _embedded(name, json.loads((_SCHEMAS / file).read_text("utf-8"))) for name, file in _NAMED.items()}
    schemas |= told["schemas"] | {_request_name(it): _request_schema(it) for it in SERVICES}
    paths: dict[str, dict[str, Any]] = {}
    for rule in app.url_map.iter_rules():
        path = _PARAMETER.sub(r"{\1}", rule.rule)
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        if "//" in path:
            continue  # another spelling of a route (B-1)
        for method in methods:
            for place, operation in _operations(path, told["routes"].get(path), is_dev=is_dev):
                paths.setdefault(place, {})[method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "cdshooks",
            "version": __version__,
            "description": "Decision support beside an order, over CDS Hooks 2.0: HER2-positive breast cancer beyond its lines.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "jsonSchemaDialect": _DIALECT,
        "paths": dict(sorted(paths.items())),
        "components": {
            "schemas": dict(sorted(schemas.items())),
            "securitySchemes": {"client": {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}},
        },
    }


def _operations(path: str, route: Mapping[str, Any] | None, *, is_dev: bool) -> list[tuple[str, dict[str, Any]]]:
    if route is None:
        names = re.findall(r"{(\w+)}", path)
        page: dict[str, Any] = {"summary": "A page for people", "responses": {"default": {"description": "A page."}}}
        if names:
            page["parameters"] = [_parameter(it) for it in names]
        return [(path, page)]
    operation = {
        "summary": route["summary"],
        "responses": {str(it): _answer(it, of) for it, of in route["answers"].items()},
    }
    if not route.get("calls"):
        return [(path, operation)]
    operation["security"] = [{}] if is_dev else [{"client": []}]
    suffix = path.removeprefix(_SERVICE_PATH)
    return [
        (
            path.replace("{service_id}", service.id),
            operation
            | {
                "operationId": service.id + suffix.replace("/", "-"),
                "description": service.description,
                "requestBody": _body("Feedback" if suffix else _request_name(service)),
            },
        )
        for service in SERVICES
    ]


def _parameter(name: str) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}


def _body(schema: str) -> dict[str, Any]:
    return {"required": True, "content": {"application/json": {"schema": _ref(schema)}}}


def _answer(status: int, content: Mapping[str, str]) -> dict[str, Any]:
    return {"description": _SAID[status], "content": {media: {"schema": _ref(it)} for media, it in content.items()}}


def _ref(schema: str) -> dict[str, str]:
    return {"$ref": f"#/components/schemas/{schema}"}


def _request_name(service: Service) -> str:
    return "".join(it.capitalize() for it in service.hook.split("-")) + "Request"


def _request_schema(service: Service) -> dict[str, Any]:
    """What the schema of all hooks asks of this one."""
    schema = json.loads((_SCHEMAS / "hook-request.json").read_text("utf-8"))
    of_hook = next(it["then"] for it in schema["allOf"] if it["if"]["properties"]["hook"]["const"] == service.hook)
    properties = schema["properties"] | {"hook": {"const": service.hook}} | of_hook["properties"]
    return {"type": "object", "required": schema["required"], "properties": properties} | {
        "dependentRequired": schema["dependentRequired"]
    }


def _embedded(name: str, schema: Any) -> Any:
    """A schema with its own references told from the root of the document."""
    text = json.dumps({it: value for it, value in schema.items() if it not in {"$schema", "$id"}})
    return json.loads(text.replace('"#/$defs/', f'"#/components/schemas/{name}/$defs/'))
