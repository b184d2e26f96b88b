"""A small EHR in a process of its own: a FHIR server that asks for a token, and the authorization server that gives one.

Prints its base URL. It signs everybody in at once, holds PKCE, redirect URI, audience and client to the letter, and does what a launch
is named after: ``refuse``, ``wrong-state``, ``wrong-issuer``, ``short``, ``no-patient``, ``odd-token``,
``other-patient``; any other is a good one.
"""

from __future__ import annotations

import base64
import hashlib
import json
import secrets
import sys
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

from scripts.fhir_server import Answer, FhirServer, Handler, Store, read_files

STORY = (
    Path(__file__).parents[1] / "fhir_fixtures" / "after-thp-tdxd-tucatinib-active-brain-metastases" / "request.json"
)
CLIENT, SECRET, PATIENT = "cdshooks-app", "s3cret of the app", "p-brain"


class Ehr(Handler):
    def do_GET(self):  # noqa: N802 - the library's name
        url = urlsplit(self.path)
        query = {name: values[0] for name, values in parse_qs(url.query).items()}
        if url.path == "/fhir/.well-known/smart-configuration":
            origin = self.server.base.removesuffix("/fhir")
            self.send(
                200,
                {
                    "issuer": origin,
                    "authorization_endpoint": f"{origin}/authorize",
                    "token_endpoint": f"{origin}/token",
                    "code_challenge_methods_supported": ["S256"],
                    "capabilities": ["launch-ehr", "context-ehr-patient"],
                },
            )
        elif url.path == "/authorize":
            self.authorize(query)
        elif url.path == "/seen":
            self.send(200, {"requests": self.server.seen})
        else:
            super().do_GET()

    def authorize(self, query):
        self.server.seen.append({"authorize": sorted(query)})
        redirect = self.server.redirect_uri
        is_right = (
            query.get("client_id") == CLIENT
            and query.get("redirect_uri") == redirect
            and query.get("response_type") == "code"
            and query.get("aud") == self.server.base
            and query.get("code_challenge_method") == "S256"
            and len(query.get("code_challenge", "")) == 43
            and {"launch", "patient/Patient.rs", "patient/Observation.rs"} <= set(query.get("scope", "").split())
        )
        if not is_right:
            self.send(400, {"error": "invalid_request"})
            return
        launch, code = query["launch"], secrets.token_urlsafe(16)
        self.server.codes[code] = (query["code_challenge"], launch)
        answer = {"code": code, "state": query["state"], "iss": self.server.base.removesuffix("/fhir")}
        if launch == "refuse":
            answer = {"error": "access_denied", "state": query["state"]}
        elif launch == "wrong-state":
            answer["state"] = "another"
        elif launch == "wrong-issuer":
            answer["iss"] = "https://evil.example"
        self.send(302, b"", Location=f"{redirect}?{urlencode(answer)}")

    def do_POST(self):  # noqa: N802 - the library's name
        body = self.rfile.read(int(self.headers["Content-Length"])).decode()
        sent = {name: values[0] for name, values in parse_qs(body).items()}
        challenge, launch = self.server.codes.pop(sent.get("code"), (None, None))  # a code is good once
        proof = base64.urlsafe_b64encode(hashlib.sha256(sent.get("code_verifier", "").encode()).digest())
        basic = base64.b64encode(f"{CLIENT}:{SECRET}".encode()).decode()
        is_right = (
            challenge is not None
            and proof.decode().rstrip("=") == challenge
            and sent.get("redirect_uri") == self.server.redirect_uri
            and sent.get("grant_type") == "authorization_code"
            and self.headers.get("Authorization") == f"Basic {basic}"
        )
        if not is_right:
            self.send(400, {"error": "invalid_grant"})
            return
        token = f"TOKEN-{secrets.token_urlsafe(16)}"
        self.server.tokens[token] = launch
        answer = {
            "access_token": token,
            "token_type": "Bearer",
            "expires_in": 3600,
            "patient": PATIENT,
            "scope": "launch",
        }
        answer["appContext"] = json.dumps({"topic": "her2-later-line-options"})
        if launch == "short":
            answer["expires_in"] = 1
        elif launch == "odd-token":
            answer["access_token"] = "two words"
        elif launch == "no-patient":
            del answer["patient"]
        elif launch == "other-patient":
            answer["patient"] = "../Practitioner/1"
        self.send(200, answer)

    def _found(self):
        token = (self.headers.get("Authorization") or "").removeprefix("Bearer ")
        self.server.seen.append({"fhir": urlsplit(self.path).path, "authorized": token in self.server.tokens})
        if token not in self.server.tokens:
            raise Answer(401, {"resourceType": "OperationOutcome", "issue": []})
        return super()._found()


if __name__ == "__main__":
    server = FhirServer(Store(read_files([STORY]), page_size=50))
    server.RequestHandlerClass = Ehr
    server.redirect_uri = sys.argv[1]
    server.codes, server.tokens, server.seen = {}, {}, []
    print(server.base, flush=True)  # noqa: T201 - how the test learns the port
    server.serve_forever()
