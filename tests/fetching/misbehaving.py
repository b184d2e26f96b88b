"""A FHIR server with the stories that misbehaves on purpose, in a process of its own.

The base names the fault and the type that it befalls: ``http://127.0.0.1:PORT/drip~Condition/fhir``; everything else is answered
as it should be. ``/seen`` tells what was asked: the path, and whether a token came; ``/elsewhere`` is where nobody may be sent.
"""

from __future__ import annotations

import gzip
import json
import sys
import time
from urllib.parse import urlsplit

from scripts.fhir_server import BASE_PATH, STORIES, Answer, FhirServer, Handler, Store, outcome, read_files

STATUSES = {"status-401": 401, "status-403": 403, "status-404": 404, "status-410": 410, "status-429": 429, "status-500": 500,
            "status-502": 502, "status-503": 503}  # fmt: skip
BOMB = gzip.compress(b'{"resourceType":"Bundle","x":[' + b"0," * 20_000_000 + b"0]}")
BODIES = {
    "not-json": b'{"resourceType":"Bundle",',
    "html": b"<html><h1>Sign in</h1></html>",
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "nan": b'{"resourceType":"Bundle","total":NaN}',
    "twice": b'{"resourceType":"Bundle","entry":[],"entry":[]}',
    "not-utf-8": b'{"resourceType":"Bundle","id":"\xff"}',
    "parameters": b'{"resourceType":"Parameters"}',
    "empty-body": b"",
    "null": b"null",
    "outcome": json.dumps(outcome("exception", "<script>alert(1)</script>")).encode(),
}
FAULTS_THAT_LEAVE_NOTHING = (
    *STATUSES, *BODIES, "never", "slow", "drip", "drip-head", "reset", "short", "bomb", "huge", "redirect-elsewhere", "redirect-here",
    "redirect-metadata", "outcome-inside", "null-entries", "other-type",
)  # fmt: skip
FAULTS_THAT_LEAVE_A_PART = (
    "loop",
    "endless",
    "next-elsewhere",
    "next-file",
    "next-above",
    "fewer-than-total",
    "second-page-fails",
)
FAULTS_THAT_MEND = ("flaps", "flaps-429", "no-parameters")
NO_OWNER = "no-owner"
FAULTS_OF_OWNERS = ("other-patient", "mixed-patients")


class MisbehavingServer(FhirServer):
    def __init__(self):
        super().__init__(Store(read_files(sorted(STORIES.glob("*/request.json"))), page_size=1000))
        self.RequestHandlerClass = MisbehavingHandler
        self.seen = []


class MisbehavingHandler(Handler):
    def do_GET(self):  # noqa: N802 - the name that http.server calls
        path = urlsplit(self.path).path
        if path == "/seen":
            return self.send(200, json.dumps(self.server.seen).encode())
        fault, _, rest = path.removeprefix("/").partition("/")
        self.series = f"/{fault}/"
        name, _, kind = fault.partition("~")
        kind = kind.partition(".")[0]  # what follows a dot only tells one test's series of requests from another's
        self.server.seen.append({"path": self.path, "authorization": self.headers.get("Authorization") is not None,
                "bearer": self.headers.get("Authorization", "")[:14],
                                 "traceparent": self.headers.get("traceparent"), "at": time.time()})  # fmt: skip
        if path.startswith("/elsewhere"):
            return self.send(200, {"resourceType": "Bundle", "type": "searchset", "total": 0})
        self.here = f"http://127.0.0.1:{self.server.server_port}/{fault}{BASE_PATH}"
        query = self.path.partition("?")[2]
        self.path = "/" + rest + ("?" + query if query else "")
        asked = rest.removeprefix(BASE_PATH.strip("/") + "/").partition("/")[0]
        try:
            return self.misbehave(name, asked) if kind in {asked, "*"} else super().do_GET()
        except (BrokenPipeError, ConnectionResetError):
            return None

    def good(self):
        try:
            return self._found()
        except Answer as answer:
            return answer.body

    def misbehave(self, name, kind):
        good = self.good()
        times = sum(it["path"].startswith(self.series) and f"/{kind}" in it["path"] for it in self.server.seen)
        if name in STATUSES:
            return self.send(STATUSES[name], outcome("exception", "no"))
        if name in BODIES:
            return self.send(200, BODIES[name])
        if name == "bomb":
            return self.send(200, BOMB, Content_Encoding="gzip")
        if name in {"never", "slow"}:
            time.sleep(60 if name == "never" else 10)
            return self.send(200, good)
        if name == "flaps" and times % 2:
            return self.send(503, outcome("transient", "again"))
        if name == "flaps-429" and times % 2:
            return self.send(429, outcome("throttled", "again"), Retry_After="0")
        if name == "no-parameters" and "_count" in self.path:
            return self.send(400, outcome("not-supported", "no _count"))
        if name in {"drip", "drip-head", "reset", "short", "huge"}:
            return self.break_off(name, good)
        to = {"redirect-elsewhere": f"http://127.0.0.1:{self.server.server_port}/elsewhere", "redirect-here": f"{self.here}/{kind}",
              "redirect-metadata": "http://169.254.169.254/latest/meta-data/"}.get(name)  # fmt: skip
        if to:
            return self.send(302, b"", Location=to)
        if name == "second-page-fails" and "_offset" in self.path:
            return self.send(500, outcome("exception", "no"))
        return self.send(200, self.altered(name, kind, good, times))

    def break_off(self, name, good):
        document = json.dumps(good).encode()
        self.send_response(200)
        if name == "drip-head":
            self.flush_headers()
            for _ in range(60):
                self.wfile.write(b"X-Drip: 1\r\n")
                time.sleep(0.3)
            return None
        if name == "huge":
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for _ in range(4000):
                self.wfile.write(b"10000\r\n" + b" " * 65536 + b"\r\n")
            return None
        self.close_connection = True
        if name == "reset":
            return self.connection.close()
        self.send_header("Content-Length", str(len(document) + 500))
        self.end_headers()
        for byte in document if name == "drip" else ():
            self.wfile.write(bytes([byte]))
            self.wfile.flush()
            time.sleep(0.3)
        self.wfile.write(document)
        return None

    def altered(self, name, kind, good, times):
        entries = good.get("entry", [])
        stray = {"resource": {"resourceType": kind, "id": "stray", "subject": {"reference": "Patient/somebody-else"},
                              "code": {"text": "MARKER-OTHER"}}}  # fmt: skip
        link = {
            "loop": f"{self.here}/{kind}?patient=round",
            "endless": f"{self.here}/{kind}?patient=on&_offset={times}",
            "next-elsewhere": f"http://localhost:{self.server.server_port}/elsewhere/{kind}",
            "next-file": "file:///etc/passwd",
            "next-above": f"{self.here}/../../elsewhere/{kind}",
            "second-page-fails": f"{self.here}/{kind}?_offset=1",
        }.get(name)
        if link:
            return {**good, "link": [{"relation": "next", "url": link}]}
        if name == "other-patient" and good.get("resourceType") != "Bundle":
            return {**good, "id": "somebody-else"}
        return {
            "other-patient": {**good, "entry": [stray]},
            "mixed-patients": {**good, "entry": [*entries, stray]},
            "no-owner": {**good, "entry": [{"resource": {k: v for k, v in it["resource"].items() if k not in {"subject", "patient"}}}
                                           for it in entries]},
            "null-entries": {"resourceType": "Bundle", "type": "searchset", "entry": [None, {}, {"resource": None}]},
            "other-type": {**good, "entry": [{"resource": {"resourceType": "Basic", "id": "b"}}]},
            "outcome-inside": {**good, "entry": [*entries, {"resource": outcome("exception", "no"), "search": {"mode": "outcome"}}]},
            "fewer-than-total": {**good, "total": len(entries) + 100},
        }.get(name, good)  # fmt: skip


if __name__ == "__main__":
    server = MisbehavingServer()
    sys.stdout.write(f"{server.server_port}\n")
    sys.stdout.flush()
    sys.exit(server.serve_forever())
