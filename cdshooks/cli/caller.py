"""``cdshooks caller``: a caller with a key of its own, to try a service that asks for tokens before the EHR is there."""

from __future__ import annotations

import json
import os
import sys
import time
import uuid
from pathlib import Path

import click
import jwt
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_ISSUER = "https://trial-caller.invalid"
"""A name that nobody can own (RFC 2606)."""
KEY_FILE = "caller.pem"
_KEY_SET, _KEY_ID = "keys/caller.jwks.json", "trial-caller"
_ENTRY = f"""[[clients]]
name = "trial-caller"
issuer = "{_ISSUER}"
jwks_file = "{_KEY_SET}"
algorithms = ["ES384"]
profile = "standard"
replay = "reject"
"""
_LIVES_SECONDS = 120


@click.command()
@click.argument("directory", metavar="DIRECTORY", type=click.Path(file_okay=False, path_type=Path))
def caller(directory: Path) -> None:
    """Write a key pair into DIRECTORY and print the lines of clients.toml that trust it; 'fire --caller DIRECTORY' signs with it.

    For a service without patients' data behind it; take the lines out again before the EHR's first patient.

    Example: cdshooks caller trial && cdshooks fire request.json --url https://cds.example.org --caller trial
    """
    directory.mkdir(parents=True, exist_ok=True)
    if (directory / KEY_FILE).exists():
        click.echo(f"{directory / KEY_FILE} is there already; nothing was changed.", err=True)
        sys.exit(1)
    key = ec.generate_private_key(ec.SECP384R1())
    public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(key.public_key()))
    keys = {"keys": [{**public, "kid": _KEY_ID, "use": "sig", "alg": "ES384"}]}
    (directory / _KEY_SET).parent.mkdir(exist_ok=True)
    (directory / _KEY_SET).write_text(json.dumps(keys, indent=1), encoding="utf-8")
    with os.fdopen(os.open(directory / KEY_FILE, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    click.echo(_ENTRY, nl=False)
    click.echo(
        f"Add these lines to clients.toml, put the folder {(directory / _KEY_SET).parent} beside it, restart the service.",
        err=True,
    )


def token(directory: Path, audience: str) -> str:
    """A token that is good for one call to ``audience``.

    Raises:
        OSError: There is no such caller.
    """
    now = int(time.time())
    claims = {"iss": _ISSUER, "aud": audience, "iat": now, "exp": now + _LIVES_SECONDS, "jti": str(uuid.uuid4())}
    return jwt.encode(claims, (directory / KEY_FILE).read_bytes(), algorithm="ES384", headers={"kid": _KEY_ID})
