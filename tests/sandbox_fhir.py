"""A small FHIR R4 server on a loopback port that holds the patient of one shipped story."""

from __future__ import annotations

import contextlib
import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

STORIES = Path(__file__).parents[1] / "fhir_fixtures"


def resources_of(story):
    """All resources of a story's prefetch."""
    request = json.loads((STORIES / story / "request.json").read_text("utf-8"))
    found = []
    for value in request["prefetch"].values():
        if value and value["resourceType"] == "Bundle":
            found.extend(it["resource"] for it in value.get("entry", ()))
        elif value:
            found.append(value)
    return found


def answer(resources, path, token=None):
    """Status and body for a read or a search below the base URL."""
    parts = urlsplit(path)
    kind, _, key = parts.path.strip("/").partition("/")
    of_kind = [it for it in resources if it["resourceType"] == kind]
    if key:
        found = [it for it in of_kind if it["id"] == key]
        return (200, found[0]) if found else (404, {"resourceType": "OperationOutcome", "issue": []})
    query = parse_qs(parts.query)
    patient = (query.get("patient") or query.get("subject") or [""])[0].removeprefix("Patient/")
    known = any(it["resourceType"] == "Patient" and it["id"] == patient for it in resources)
    entries = [{"resource": it} for it in of_kind] if known else []
    return 200, {"resourceType": "Bundle", "type": "searchset", "total": len(entries), "entry": entries}


@contextlib.contextmanager
def fhir_server(story):
    """Base URL of a running server, and the id of its patient."""
    resources = resources_of(story)

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            status, body = answer(resources, self.path.removeprefix("/fhir"))
            data = json.dumps(body).encode()
            self.send_response(status)
            self.send_header("Content-Type", "application/fhir+json")
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        def log_message(self, *_):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        patient = next(it["id"] for it in resources if it["resourceType"] == "Patient")
        try:
            yield f"http://127.0.0.1:{server.server_port}/fhir", patient
        finally:
            server.shutdown()
            thread.join()
