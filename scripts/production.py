"""A production configuration with one EHR client, its keys made on the spot: for checks of the service as a hospital runs it."""

from __future__ import annotations

import json
import time
import uuid
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec

SHIPPED = Path(__file__).resolve().parent.parent / "cdshooks" / "cli" / "demo_request.json"
ISSUER = "https://ehr.example.org"


class Production:
    """Files of a production configuration in ``directory``, and the tokens of its one client."""

    hook = "/cds-services/her2-later-line"

    def __init__(self, directory: Path, *, url: str, fhir_servers: tuple[str, ...] = (f"{ISSUER}/fhir/R4",)) -> None:
        self.directory, self.url = directory, url
        self._key = ec.generate_private_key(ec.SECP384R1())
        directory.mkdir(parents=True, exist_ok=True)
        public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key()))
        keys = {"keys": [{**public, "kid": "check", "use": "sig", "alg": "ES384"}]}
        (directory / "ehr.jwks.json").write_text(json.dumps(keys))
        (directory / "hash.key").write_text(uuid.uuid4().hex)
        self._fhir_servers = fhir_servers

    def files_as(self, seen: str) -> tuple[str, ...]:
        """The settings, for a service that sees the directory as ``seen``; clients.toml is written for it."""
        (self.directory / "clients.toml").write_text(
            f'[[clients]]\nname = "main-hospital"\nissuer = "{ISSUER}"\njwks_file = "{seen}/ehr.jwks.json"\n'
            f'algorithms = ["ES384"]\nfhir_servers = {json.dumps(self._fhir_servers)}\nprofile = "standard"\nreplay = "reject"\n'
        )
        for path in self.directory.iterdir():
            path.chmod(0o644)
        return (
            f"CDSHOOKS_BASE_URL={self.url}",
            f"CDSHOOKS_CLIENTS={seen}/clients.toml",
            f"CDSHOOKS_HASH_KEY_FILE={seen}/hash.key",
            "CDSHOOKS_EVALUATION=1",
        )

    def hook_request(self) -> bytes:
        """The shipped request, as this client would send it."""
        return SHIPPED.read_bytes()

    def authorisation(self, path: str = hook, **changed: object) -> dict[str, str]:
        """A token that is good for one call to ``path``."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self.url + path,
            "iat": now,
            "exp": now + 120,
            "jti": str(uuid.uuid4()),
            **changed,
        }
        return {"Authorization": f"Bearer {jwt.encode(claims, self._key, algorithm='ES384', headers={'kid': 'check'})}"}
