"""The EHR clients that may call, read from ``clients.toml``. Source: contracts/README, "clients.toml"; AUT-03, AUT-04, AUT-09."""

from __future__ import annotations

import ipaddress
import re
import tomllib
from collections.abc import Collection
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import msgspec

from cdshooks.hooks.services import BY_ID
from cdshooks.settings import SettingsError

_LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})
_SIGNED_BY_ANYONE = frozenset({"https://sandbox.cds-hooks.org"})
"""Issuers whose private key stands in a public repository. Source: S-12, B-3."""
_LONGEST_LIFETIME = 3600
_LONGEST_ISSUER = 500
_USER = re.compile(r"(Practitioner|PractitionerRole)(/[A-Za-z0-9.-]{1,64})?\Z")

Algorithm = Literal["ES256", "ES384", "ES512", "RS256", "RS384", "RS512", "PS256", "PS384", "PS512"]
"""Asymmetric signatures only: a symmetric one would make every holder of the public key a signer. Source: S-7, AUT-02."""


PRESCRIBERS = ("Practitioner", "PractitionerRole")
"""A patient or a relative at the portal is none."""


class Client(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One EHR client: by which tokens we know it, and where we may call back."""

    name: str
    issuer: str
    jwks_url: str | None = None
    jwks_file: str | None = None
    jku: str | None = None
    """Beside ``jwks_file``: the address of keys that its tokens may name. Nothing is fetched from it."""
    algorithms: tuple[Algorithm, ...] = ("ES384", "RS384")
    fhir_servers: tuple[str, ...] = ()
    """None: this client's FHIR server is never asked; what it prefetches is all there is."""
    fhir_networks: tuple[str, ...] = ()
    """Networks beside the public ones in which its FHIR servers may have their addresses, such as 10.20.0.0/16. Source: OUT-01."""
    profile: str = "standard"
    """What this kind of EHR takes of a card, by its name in the knowledge."""
    replay: Literal["reject", "allow"] = "reject"
    cors_origins: tuple[str, ...] = ()
    audiences: tuple[str, ...] = ()
    """Further audiences that its tokens may name, for EHRs in which a person types the audience by hand."""
    tenants: tuple[str, ...] = ()
    """None: any tenant, or none."""
    services: tuple[str, ...] = ()
    """None: all services."""
    users: tuple[str, ...] = PRESCRIBERS
    """Whom cards are for: kinds of users, or single ones such as PractitionerRole/oncology. Source: SAF-13."""
    longest_lifetime_seconds: int = 900
    certificate: str | None = None
    """The subject of the certificate that it shows beside its token, in its proxy's words; None: none is asked for.

    Source: AUT-10.
    """
    proxies: tuple[str, ...] = ()
    """Networks of the proxies that are believed on a certificate; whoever else names one is not heard."""
    smart_client_id: str | None = None
    """How its authorization server knows us; None: it does not launch the patient page."""
    smart_client_secret_file: str | None = None
    """None: a public client, which proves itself by PKCE alone."""
    smart_scopes: str | None = None
    """None: to read what the prefetch templates name."""

    def smart_secret(self, folder: Path) -> str | None:
        """The secret by which its authorization server knows us; its file lies in the folder of ``clients.toml``, or anywhere."""
        if self.smart_client_secret_file is None:
            return None
        return (folder / self.smart_client_secret_file).read_text(encoding="utf-8").strip()


class _Table(msgspec.Struct, forbid_unknown_fields=True):
    clients: tuple[dict[str, object], ...]


def read_clients(path: Path, profiles: Collection[str]) -> tuple[Client, ...]:
    """The clients of the file; ``profiles`` are the names that their profile may be.

    Raises:
        SettingsError: With a sentence for each fault of the file; none repeats a value.
    """
    try:
        table = msgspec.convert(tomllib.loads(path.read_text(encoding="utf-8")), _Table)
    except (OSError, UnicodeDecodeError):
        raise SettingsError(("CDSHOOKS_CLIENTS must name a file that can be read.",)) from None
    except tomllib.TOMLDecodeError as error:
        raise SettingsError((f"CDSHOOKS_CLIENTS: the file is not TOML: {error}.",)) from None
    except msgspec.ValidationError:
        raise SettingsError(("CDSHOOKS_CLIENTS: the file must consist of [[clients]] tables.",)) from None
    faults: list[str] = []
    clients: list[Client] = []
    for number, written in enumerate(table.clients, start=1):
        where = f"CDSHOOKS_CLIENTS: client {number}"
        try:
            client = msgspec.convert(written, Client)
        except msgspec.ValidationError as error:
            faults.append(f"{where}: {error}.")
            continue
        faults.extend(f"{where}: {fault}." for fault in _faults(client, path.parent, profiles))
        clients.append(client)
    for member in ("name", "issuer"):
        values = [getattr(client, member) for client in clients]
        if len(set(values)) < len(values):
            faults.append(f"CDSHOOKS_CLIENTS: two clients have the same {member}.")
    if not table.clients:
        faults.append("CDSHOOKS_CLIENTS: the file names no client.")
    if faults:
        raise SettingsError(tuple(faults))
    return tuple(clients)


def _faults(client: Client, folder: Path, profiles: Collection[str]) -> list[str]:
    faults = []
    if client.profile not in profiles:
        faults.append(f"profile must be one of {', '.join(sorted(profiles))}")
    if not client.name.strip() or not client.issuer.strip() or len(client.issuer) > _LONGEST_ISSUER:
        faults.append(f"name and issuer must not be empty, and an issuer has at most {_LONGEST_ISSUER} characters")
    if (client.jwks_url is None) == (client.jwks_file is None):
        faults.append("either jwks_url or jwks_file must be given, and only one of them")
    if client.jwks_url is not None and not _is_safe_url(client.jwks_url):
        faults.append("jwks_url must be an https URL without user name and fragment")
    if client.jku is not None and (client.jwks_file is None or not _is_safe_url(client.jku)):
        faults.append("jku goes with jwks_file, and must be an https URL without user name and fragment")
    if client.jwks_file is not None and not (folder / client.jwks_file).is_file():
        faults.append("jwks_file must name a file that can be read")
    if not client.algorithms:
        faults.append("algorithms must not be empty")
    if not all(_is_safe_url(it) and not urlsplit(it).query for it in client.fhir_servers):
        faults.append("each of fhir_servers must be an https URL without user name, query and fragment")
    if not all(_is_network(it) for it in client.fhir_networks):
        faults.append("each of fhir_networks must be a network such as 10.20.0.0/16")
    if not all(_is_origin(it) for it in client.cors_origins):
        faults.append("each of cors_origins must be an origin such as https://ehr.example.org")
    if client.smart_client_id is not None and (not client.smart_client_id.strip() or not client.fhir_servers):
        faults.append("smart_client_id must not be empty and needs fhir_servers, from which the page is launched")
    if client.smart_client_secret_file is not None and not (folder / client.smart_client_secret_file).is_file():
        faults.append("smart_client_secret_file must name a file that can be read")
    if client.smart_scopes is not None and "launch" not in client.smart_scopes.split():
        faults.append("smart_scopes must hold launch")
    if not set(client.services) <= BY_ID.keys():
        faults.append("services names a service that does not exist")
    if not client.users or not all(_USER.match(it) for it in client.users):
        faults.append("users must name Practitioner, PractitionerRole or one of them such as PractitionerRole/oncology")
    if not all(_is_network(it) for it in client.proxies):
        faults.append("each of proxies must be a network such as 10.20.0.5/32")
    if (client.certificate is None) != (not client.proxies) or client.certificate == "":
        faults.append(
            "certificate and proxies go together: nobody but a proxy that is named is believed on a certificate"
        )
    if not 0 < client.longest_lifetime_seconds <= _LONGEST_LIFETIME:
        faults.append(f"longest_lifetime_seconds must lie between 1 and {_LONGEST_LIFETIME}")
    return faults


def unfit_for_patients(base_url: str, clients: Collection[Client]) -> tuple[str, ...]:
    """What an evaluation may do and a service beside patients may not, a sentence each. Source: S-1, S-12."""
    parts = urlsplit(base_url)
    faults = []
    if parts.scheme != "https" and parts.hostname not in _LOOPBACK:
        faults.append(
            "CDSHOOKS_BASE_URL: it is http, so tokens and records would travel in the open; it must be https beyond this machine."
        )
    faults.extend(
        f"CDSHOOKS_CLIENTS: client {number}: anybody can sign for this issuer, for its private key is public."
        for number, client in enumerate(clients, start=1)
        if client.issuer.rstrip("/") in _SIGNED_BY_ANYONE
    )
    return tuple(faults)


def is_for(users: Collection[str], user_id: str | None) -> bool:
    """Whether cards are for this user of the EHR, told as ``Type/id`` or as a URL that ends so. Source: SAF-13."""
    kind, _, name = "/".join((user_id or "").split("/")[-2:]).partition("/")
    return bool(name) and (kind in users or f"{kind}/{name}" in users)


def _is_safe_url(text: str) -> bool:
    """Plain http is for this machine alone: what is fetched decides whom we trust."""
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        return False
    is_private = parts.scheme == "https" or (parts.scheme == "http" and parts.hostname in _LOOPBACK)
    return is_private and bool(parts.hostname) and "@" not in parts.netloc and "#" not in text and text.isprintable()


def _is_network(text: str) -> bool:
    try:
        ipaddress.ip_network(text)
    except ValueError:
        return False
    return True


def _is_origin(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return bool(parts.hostname) and text == f"{parts.scheme}://{parts.netloc}" and parts.scheme in {"http", "https"}
