"""The floor: a service that only decodes the members that we read, and answers one fixed card. gunicorn runs ``floor:app``."""

from __future__ import annotations

import gc

import msgspec
from flask import Flask, Response, request

from cdshooks.ehr.decode import ResourceCollector

app = Flask("floor", static_folder=None)
_CARD = {"summary": "A fixed card", "indicator": "info", "source": {"label": "floor"}, "detail": "x" * 2000}
_ANSWER = msgspec.json.encode({"cards": [_CARD] * 4})


class _Request(msgspec.Struct, rename="camel"):
    hook: str
    hook_instance: str
    context: dict[str, msgspec.Raw]
    prefetch: dict[str, msgspec.Raw]


_decoder = msgspec.json.Decoder(_Request)


gc.collect()
gc.freeze()
gc.enable()  # the settings of gunicorn turn it off for the start, and our own application does the same
gc.set_threshold(50_000, 50, 100)


@app.get("/healthz")
def healthz() -> Response:
    return Response(b"ok")


@app.post("/cds-services/<service_id>")
def call(service_id: str) -> Response:
    del service_id
    collector = ResourceCollector()
    for key, raw in _decoder.decode(request.get_data()).prefetch.items():
        collector.add_json(raw, query=key)
    return Response(_ANSWER, content_type="application/json")
