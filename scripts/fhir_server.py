"""A small FHIR R4 server in memory, for tests and a developer's desk: reads, searches by patient, pages, ``_include`` of drugs.

    python scripts/fhir_server.py [--port 8090] [--token SECRET] [--page-size 20] [--delay-ms 100] [FILE ...]

Each FILE is a Bundle, a hook request (its prefetch is loaded) or one resource; without one, all stories are loaded. It listens
on this machine alone and checks nothing of what it holds.
"""

from __future__ import annotations

import argparse
import json
import threading
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, unquote, urlencode, urlsplit

STORIES = Path(__file__).parents[1] / "fhir_fixtures"
BASE_PATH = "/fhir"
_OWNERS = ("subject", "patient")
_OURS = frozenset({"_count", "_offset", "_include"})
_KNOWN = frozenset({*_OWNERS, "_id", "identifier", *_OURS})
Resource = dict[str, Any]


class Answer(Exception):  # noqa: N818 - an answer that ends a request
    """What is answered instead of resources."""

    def __init__(self, status: int, body: Resource) -> None:
        super().__init__(status)
        self.status, self.body = status, body


def resources_of(document: Resource) -> Iterator[Resource]:
    """The resources of a Bundle, a hook request or a resource."""
    if "hook" in document:
        for value in document.get("prefetch", {}).values():
            yield from resources_of(value or {})
    elif document.get("resourceType") == "Bundle":
        for entry in document.get("entry", []):
            yield from resources_of(entry.get("resource", {}))
    elif document:
        yield document


def read_files(paths: Iterable[Path]) -> Iterator[Resource]:
    """The resources of several files."""
    for path in paths:
        yield from resources_of(json.loads(path.read_text(encoding="utf-8")))


class Store:
    """Resources by type and id. ``lacking``: types that this server has never heard of."""

    def __init__(self, resources: Iterable[Resource], *, page_size: int = 20, lacking: Iterable[str] = ()) -> None:
        self._page_size, self._lacking = page_size, frozenset(lacking)
        self._by_type: dict[str, dict[str, Resource]] = {}
        self._names: dict[str, tuple[str, str]] = {}
        for it in resources:
            kind = it["resourceType"]
            of_type = self._by_type.setdefault(kind, {})
            of_type[it.get("id") or f"unnamed-{kind.lower()}-{len(of_type)}"] = it

    def read(self, kind: str, name: str) -> Resource:
        """One resource."""
        found = self._by_type.get(kind, {}).get(name)
        if found is None:
            raise Answer(404, outcome("not-found", "no such resource"))
        return found

    def search(self, base: str, kind: str, parameters: list[tuple[str, str]]) -> Resource:
        """One page of the matches, with the drugs they refer to when asked for."""
        if kind in self._lacking or not kind.isalpha():
            raise Answer(404, outcome("not-supported", "no such type"))
        unknown = {name for name, _ in parameters} - _KNOWN
        if unknown:
            raise Answer(400, outcome("not-supported", "no such parameter"))
        asked = dict(parameters)
        found = [
            (name, it)
            for name, it in self._by_type.get(kind, {}).items()
            if _is_of(it, [value for key, value in parameters if key in _OWNERS])
            and (asked.get("_id") is None or name in asked["_id"].split(","))
            and (asked.get("identifier") is None or _has_identifier(it, asked["identifier"]))
        ]
        count = min(int(asked.get("_count", self._page_size)), self._page_size)
        begin = int(asked.get("_offset", 0))
        page = found[begin : begin + count]
        entries = [_entry(base, kind, name, it, "match") for name, it in page]
        if "_include" in asked:
            entries.extend(self._included(base, page))
        links = [{"relation": "self", "url": f"{base}/{kind}?{urlencode(parameters)}"}]
        if begin + count < len(found):
            more = urlencode([*((k, v) for k, v in parameters if k != "_offset"), ("_offset", str(begin + count))])
            links.append({"relation": "next", "url": f"{base}/{kind}?{more}"})
        made = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "link": links}
        return {**made, "entry": entries} if entries else made

    def _included(self, base: str, page: list[tuple[str, Resource]]) -> Iterator[Resource]:
        seen = set()
        for _, it in page:
            kind, _, name = (
                it.get("medicationReference", {}).get("reference", "").removeprefix(base + "/").partition("/")
            )
            found = self._by_type.get(kind, {}).get(name)
            if kind == "Medication" and found is not None and name not in seen:
                seen.add(name)
                yield _entry(base, kind, name, found, "include")


def outcome(code: str, words: str) -> Resource:
    """An OperationOutcome that tells of a failure."""
    return {"resourceType": "OperationOutcome", "issue": [{"severity": "error", "code": code, "diagnostics": words}]}


def _entry(base: str, kind: str, name: str, resource: Resource, mode: str) -> Resource:
    return {"fullUrl": f"{base}/{kind}/{name}", "resource": resource, "search": {"mode": mode}}


def _is_of(resource: Resource, patients: list[str]) -> bool:
    named = next((resource[it].get("reference", "") for it in _OWNERS if it in resource), "")
    return all(named.rpartition("/")[2] == it.rpartition("/")[2] for it in patients)


def _has_identifier(resource: Resource, token: str) -> bool:
    system, _, value = token.rpartition("|")
    return any(it.get("value") == value and it.get("system", "") == system for it in resource.get("identifier", []))


class FhirServer(ThreadingHTTPServer):
    """Listens on this machine alone."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, store: Store, *, port: int = 0, token: str | None = None, delay_seconds: float = 0.0) -> None:
        super().__init__(("127.0.0.1", port), Handler)
        self.store, self.token, self.delay_seconds = store, token, delay_seconds

    @property
    def base(self) -> str:
        """Its base URL."""
        return f"http://127.0.0.1:{self.server_port}{BASE_PATH}"


class Handler(BaseHTTPRequestHandler):
    """Answers GET."""

    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # an answer of two writes would wait for the other side's acknowledgement
    server: FhirServer

    def log_message(self, *_: object) -> None:
        """Says nothing."""

    def do_GET(self) -> None:
        """One request."""
        try:
            status, body = 200, self._found()
        except Answer as answer:
            status, body = answer.status, answer.body
        self.send(status, body)

    def _found(self) -> Resource:
        url = urlsplit(self.path)
        time.sleep(self.server.delay_seconds)
        if url.path == f"{BASE_PATH}/metadata":
            return {
                "resourceType": "CapabilityStatement",
                "status": "active",
                "kind": "instance",
                "fhirVersion": "4.0.1",
            }
        if self.server.token is not None and self.headers.get("Authorization") != f"Bearer {self.server.token}":
            raise Answer(401, outcome("login", "no or another token"))
        if not url.path.startswith(BASE_PATH + "/"):
            raise Answer(404, outcome("not-found", "nothing is here"))
        kind, _, name = url.path.removeprefix(BASE_PATH + "/").partition("/")
        if name:
            return self.server.store.read(kind, unquote(name))
        return self.server.store.search(self.server.base, kind, parse_qsl(url.query, keep_blank_values=True))

    def send(self, status: int, body: Resource | bytes, **headers: str) -> None:
        """One answer."""
        document = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/fhir+json", **headers}.items():
            self.send_header(name.replace("_", "-"), value)
        self.send_header("Content-Length", str(len(document)))
        self.end_headers()
        self.wfile.write(document)


@contextmanager
def serving(server: FhirServer) -> Iterator[FhirServer]:
    """A server that answers in a thread beside us, and is closed at the end."""
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def serving_story(name: str) -> Iterator[tuple[str, str]]:
    """The base URL of a server that holds one story and pages nothing, and the id of its patient."""
    resources = list(read_files([STORIES / name / "request.json"]))
    patient = next(it["id"] for it in resources if it["resourceType"] == "Patient")
    with serving(FhirServer(Store(resources, page_size=1000))) as server:
        yield server.base, patient


def main() -> None:
    """Serve until interrupted."""
    parser = argparse.ArgumentParser(description="A small FHIR R4 server in memory.")
    parser.add_argument("files", nargs="*", type=Path)
    parser.add_argument("--port", type=int, default=8090)
    parser.add_argument("--token")
    parser.add_argument("--page-size", type=int, default=20)
    parser.add_argument("--delay-ms", type=int, default=0)
    given = parser.parse_args()
    paths = given.files or sorted(STORIES.glob("*/request.json"))
    store = Store(read_files(paths), page_size=given.page_size)
    server = FhirServer(store, port=given.port, token=given.token, delay_seconds=given.delay_ms / 1000)
    print(server.base, flush=True)
    try:
        server.serve_forever()
    except KeyboardInterrupt:
        server.server_close()


if __name__ == "__main__":
    main()
