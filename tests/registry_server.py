"""A registry of our own on loopback, in a process of its own: replays made-up records and misbehaves as told.

Each word of the plan is the answer to one request: ok, 429, 500, truncated, types, drip, huge, repeat, cut.
"""

import json
import sys
import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.parse import parse_qs, urlsplit

from tests.registry_samples import study

PLAN = sys.argv[1].split(",")
COUNT = int(sys.argv[2])


def tell(line):
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


class Registry(BaseHTTPRequestHandler):
    def do_GET(self):
        asked = {key: it[0] for key, it in parse_qs(urlsplit(self.path).query).items()}
        tell(json.dumps(asked))
        first, size = int(asked.get("pageToken", "0")), int(asked["pageSize"])
        page = {
            "studies": [study(f"NCT{99900000 + it}") for it in range(first, min(first + size, COUNT))],
            "totalCount": COUNT,
        }
        if first + size < COUNT:
            page["nextPageToken"] = str(first + size)
        way = PLAN.pop(0) if PLAN else "ok"
        if way in {"429", "500"}:
            self.send_response(int(way))
            self.send_header("Retry-After", "0")
            self.end_headers()
            return
        if way == "repeat":
            page["nextPageToken"] = str(size)
        if way == "types":
            page["studies"] = [{"protocolSection": {"identificationModule": 7}}, *page["studies"][1:]]
        body = json.dumps(page).encode()
        if way == "truncated":
            body = body[: len(body) // 2]
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body) if way != "huge" else 10**10))
        self.end_headers()
        if way == "huge":
            while True:
                self.wfile.write(b" " * 1_048_576)
        if way == "drip":
            for it in body[:40]:
                self.wfile.write(bytes([it]))
                self.wfile.flush()
                time.sleep(0.05)
            return
        self.wfile.write(body if way != "cut" else body[: len(body) // 2])

    def log_message(self, *_):
        pass


server = HTTPServer(("127.0.0.1", 0), Registry)
tell(str(server.server_port))
server.serve_forever()
