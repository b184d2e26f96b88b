"""What a measured service needs around it: a client with keys and tokens, settings as in production, a store of its own."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from patients import BASE, TODAY

ISSUER = "https://ehr.bench.example"
SERVICE = "her2-later-line"
PATH = f"/cds-services/{SERVICE}"


class Caller:
    """An EHR client that signs a fresh token for each call; signing is no part of what is measured."""

    def __init__(self, folder: Path, base_url: str, algorithm: str = "ES384") -> None:
        self._audience, self._algorithm, self._number = f"{base_url}{PATH}", algorithm, count()
        self._run = time.time_ns()
        if algorithm.startswith("ES"):
            self._key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey = ec.generate_private_key(ec.SECP384R1())
            public = jwt.algorithms.ECAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        else:
            self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
            public = jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key(), as_dict=True)
        keys = {"keys": [{**public, "kid": "bench", "alg": algorithm, "use": "sig"}]}
        (folder / "keys.json").write_text(json.dumps(keys), encoding="utf-8")
        (folder / "clients.toml").write_text(
            f'[[clients]]\nname = "bench"\nissuer = "{ISSUER}"\njwks_file = "keys.json"\n'
            f'algorithms = ["{algorithm}"]\nfhir_servers = ["{BASE}"]\n',
            encoding="utf-8",
        )

    def token(self) -> str:
        """The value of an Authorization header, good once."""
        now = int(time.time())
        claims = {
            "iss": ISSUER,
            "aud": self._audience,
            "iat": now,
            "exp": now + 600,
            "jti": f"{self._run}-{next(self._number)}",
        }
        return "Bearer " + jwt.encode(claims, self._key, algorithm=self._algorithm, headers={"kid": "bench"})


def environment(folder: Path, base_url: str) -> Mapping[str, str]:
    """Settings as in production: tokens, metrics, audit and the store are on."""
    return {
        "CDSHOOKS_BASE_URL": base_url,
        "CDSHOOKS_CLIENTS": str(folder / "clients.toml"),
        "CDSHOOKS_DATABASE_URL": f"sqlite:///{folder}/store.sqlite",
        "CDSHOOKS_HASH_KEY": "a key for the bench alone",
        "CDSHOOKS_EVALUATION": "1",
        "CDSHOOKS_TODAY": TODAY.isoformat(),
        "CDSHOOKS_MAX_IN_FLIGHT": "64",
        "CDSHOOKS_DRAIN_SECONDS": "0",
        "XDG_STATE_HOME": str(folder),
    }
