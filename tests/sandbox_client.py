"""The public CDS Hooks Sandbox as a client, in the ways that it was seen to have (B-1 to B-22): a browser, its token, its queries.

Everything is a call from another origin: a preflight without a token comes first, and an answer without the right headers is lost
on its page, which is a failure here as it is there.
"""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import httpx
import jwt
from cryptography.hazmat.primitives.asymmetric import ec

ORIGIN = ISSUER = "https://sandbox.cds-hooks.org"
KID = "44823f3d-0b01-4a6c-a80e-b9d3e8a7226f"
JKU = f"{ISSUER}/.well-known/jwks.json"
USER = "Practitioner/COREPRACTITIONER1"
RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
ORDER = "request-123"


class Sandbox:
    """One browser window; ``key`` signs its tokens."""

    def __init__(self, key: ec.EllipticCurvePrivateKey, *, discovery: str, fhir: str, patient: str) -> None:
        self._key, self._discovery, self._fhir, self.patient = key, discovery, fhir, patient
        self._http = httpx.Client(timeout=20)
        self.services: dict[str, dict[str, Any]] = {}
        self.order: dict[str, Any] = self.new_order()
        self.cards: list[dict[str, Any]] = []
        self.asked: list[str] = []
        """FHIR queries, as they were sent."""

    def close(self) -> None:
        self._http.close()

    # ---- what it sends

    def discover(self) -> None:
        """B-1: the URL exactly as typed; a final slash stays."""
        found = self._call("GET", self._discovery).json()["services"]
        assert found, "an empty list is treated as a failure"
        self.services = {f"{self._discovery}/{it['id']}": it for it in found}

    def new_order(self) -> dict[str, Any]:
        """B-7: what the prescription screen opens with: no drug, no intent, and an object as category."""
        return {
            "resourceType": "MedicationRequest",
            "id": ORDER,
            "status": "draft",
            "authoredOn": "2026-11-24",
            "category": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/medicationrequest-category", "code": "outpatient"}]},
            "subject": {"reference": f"Patient/{self.patient}"},
        }  # fmt: skip

    def choose(self, name: str, code: str) -> None:
        """A drug from its list of RxNorm oral prescribables, with its default dose."""
        self.order["medicationCodeableConcept"] = {
            "text": name,
            "coding": [{"display": name, "system": RXNORM, "code": code}],
        }
        self.order["dosageInstruction"] = [
            {
                "timing": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
                "doseAndRate": [
                    {"doseQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "{pill}"}}
                ],
            }
        ]

    def fire(self, hook: str) -> httpx.Response:
        """B-4, B-5: no encounter, no type of Bundle, no full URL; prefetch only where something was found."""
        url, service = next((url, it) for url, it in self.services.items() if it["hook"] == hook)
        context: dict[str, Any] = {"patientId": self.patient, "userId": USER}
        if hook != "patient-view":
            context["draftOrders"] = {"resourceType": "Bundle", "entry": [{"resource": self.order}]}
        if hook == "order-select":
            context["selections"] = [f"{self.order['resourceType']}/{ORDER}"]
        body = {"hookInstance": str(uuid4()), "hook": hook, "fhirServer": self._fhir, "context": context}
        prefetch = self._prefetch(service.get("prefetch", {}))
        if prefetch:
            body["prefetch"] = prefetch
        answer = self._call("POST", url, body)
        self.cards = answer.json().get("cards", []) if answer.status_code == 200 else []
        for card in self.cards:
            card["serviceUrl"] = url
        return answer

    def take(self, card: Mapping[str, Any], label: str) -> httpx.Response:
        """B-18, B-20, B-22: the first drug order that it can use reaches the form, or a deletion clears it; then feedback."""
        suggestion = next(it for it in card["suggestions"] if it["label"] == label)
        for action in suggestion["actions"]:
            concept = action.get("resource", {}).get("medicationCodeableConcept")
            if action["type"] == "delete":
                self.order = self.new_order()
                break
            if concept and concept.get("text") and concept.get("coding", [{}])[0].get("code"):
                self.choose(concept["text"], concept["coding"][0]["code"])
                break
        return self._feedback(card, {"outcome": "accepted", "acceptedSuggestions": [{"id": suggestion["uuid"]}]})

    def dismiss(self, card: Mapping[str, Any], reason: Mapping[str, str]) -> httpx.Response:
        """B-22: the reason without display."""
        told = {"reason": {"code": reason["code"], "system": reason["system"]}}
        return self._feedback(card, {"outcome": "overridden", "overrideReason": told})

    def _feedback(self, card: Mapping[str, Any], item: Mapping[str, Any]) -> httpx.Response:
        moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
        body = {"feedback": [{"card": card["uuid"], **item, "outcomeTimestamp": moment}]}
        return self._call("POST", f"{card['serviceUrl']}/feedback", body)

    # ---- how it sends

    def _call(self, method: str, url: str, body: object = None) -> httpx.Response:
        """B-2: because of the token every call, the GET too, is preceded by a preflight without it."""
        asked = {
            "Access-Control-Request-Method": method,
            "Access-Control-Request-Headers": "authorization,content-type",
        }
        allowed = self._http.options(url, headers={"Origin": ORIGIN, **asked})
        assert allowed.is_success
        assert allowed.headers["Access-Control-Allow-Origin"] in {ORIGIN, "*"}
        assert method in allowed.headers["Access-Control-Allow-Methods"]
        named = {it.strip().lower() for it in allowed.headers["Access-Control-Allow-Headers"].split(",")}
        assert {"authorization", "content-type"} <= named
        headers = {"Origin": ORIGIN, "Accept": "application/json", "Authorization": f"Bearer {self.token(url)}"}
        answer = self._http.request(method, url, headers=headers, json=body)
        assert answer.headers.get("Access-Control-Allow-Origin") in {ORIGIN, "*"}, "the browser would hide this answer"
        return answer

    def token(self, audience: str) -> str:
        """B-3: the address called as audience; no subject, no tenant; five minutes."""
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": audience, "iat": now, "exp": now + 300, "jti": str(uuid4())}
        return jwt.encode(claims, self._key, algorithm="ES384", headers={"kid": KID, "jku": JKU})

    def _prefetch(self, templates: Mapping[str, str]) -> dict[str, Any]:
        """B-10 to B-13: a search by POST first, GET where that fails; what fails is left out, whatever the reason."""
        found = {}
        for key, template in templates.items():
            query = re.sub(r"{{\s*context\.patientId\s*}}", self.patient, template)
            kind, _, terms = query.partition("?")
            headers = {"Accept": "application/json+fhir"}
            answer = None
            if terms:
                form = dict(it.split("=", 1) for it in terms.split("&"))
                answer = self._http.post(f"{self._fhir}/{kind}/_search", data=form, headers=headers)
            if answer is None or not answer.is_success:
                self.asked.append(query)
                answer = self._http.get(f"{self._fhir}/{query}", headers=headers)
            if answer.is_success and answer.content and json.loads(answer.content):
                found[key] = answer.json()
        return found
