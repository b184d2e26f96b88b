"""What the environment decides; nothing clinical. Source: contracts/README, "Environment"; REL-09."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from cdshooks.errors import CdsHooksError

_T = TypeVar("_T")
_WORKER_CLASSES = ("gthread", "gevent", "sync")
JURISDICTIONS = ("US", "EU", "CN")
_SECRETS = ("DATABASE_URL", "HASH_KEY")
_SHORTEST_KEY = 16
_ADDRESS = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9.-]+):([1-9]\d{0,4})\Z", re.ASCII)
_LAST_PORT = 65_535
_REVISION = re.compile(r"[A-Za-z0-9][A-Za-z0-9._+-]{0,63}\Z", re.ASCII)
SETTINGS = frozenset(
    {
        "AUDIT_RETENTION_DAYS",
        "BASE_URL",
        "BODY_SECONDS",
        "CLIENTS",
        "DATABASE_URL",
        "DEADLINE_MS",
        "DEV",
        "DEV_PROFILE",
        "DRAIN_SECONDS",
        "EVALUATION",
        "HASH_KEY",
        "HEADER_SECONDS",
        "JURISDICTION",
        "KEEP_COMMENTS",
        "KNOWLEDGE_OVERLAY",
        "MAX_BODY_MB",
        "MAX_IN_FLIGHT",
        "MAX_RESOURCES",
        "METRICS_BIND",
        "POSITION",
        "PUBLIC_URL",
        "RETENTION_DAYS",
        "REVISION",
        "SHADOW",
        "SWITCHES",
        "THREADS",
        "TODAY",
        "WORKER_CLASS",
    }
)
"""All settings without their prefix; a variable that is none of these is a slip of the pen and stops the start (CON-04)."""


class SettingsError(CdsHooksError):
    """Settings are wrong; ``faults`` names each variable with a plain sentence, all at once."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force."""

    base_url: str = "http://127.0.0.1:8080"
    clients: Path | None = None
    database_url: str | None = None
    """None: a SQLite file in the user's state directory."""
    jurisdiction: str = "US"
    knowledge_overlay: Path | None = None
    is_evaluation: bool = False
    is_dev: bool = False
    dev_profile: str = "standard"
    """In dev mode, where no client says who it is: the kind of EHR that cards are made for."""
    is_shadow: bool = False
    """Cards are evaluated and recorded, and none is shown."""
    switches: Path | None = None
    """None: ``switches.yaml`` of the overlay. The file may appear later, so it need not be there at start."""
    deadline_ms: int = 2000
    max_body_mb: int = 8
    today: date | None = None
    state_directory: Path = msgspec.field(default_factory=lambda: user_state_directory(os.environ))
    """Where the default store and the default key of patient hashes live."""
    hash_key: str | None = None
    """None: a key that is made once and kept in the state directory."""
    retention_days: int = 365
    """How long cards and the answers to them are kept; longer than any silence after an answer."""
    audit_retention_days: int = 2190
    """Six years, as 45 CFR 164.316(b)(2) asks for the documentation of safeguards."""
    keeps_comments: bool = False
    """A clinician's free text may speak of the patient: it is kept only where someone has decided so (LOG-05)."""
    most_in_flight: int = 16
    """Calls that one worker answers at once; a further one is told to come back."""
    most_resources: int = 20_000
    """Resources of one call; a record that is read in a moment has fewer."""
    metrics_port: int | None = None
    """Where alone ``/metrics`` is answered; None: beside everything else. Source: OBS-02."""
    revision: str = "unknown"
    """The commit that was built, for ``/version``; the image sets it. Source: OBS-02."""
    public_url: str | None = None
    """Where browsers of clinicians reach the patient page; None: cards do not link to it."""
    position: tuple[float, float] | None = None
    """Where the hospital is, latitude and longitude in degrees: distances to trial sites begin there."""

    @property
    def store_url(self) -> str:
        """Where the store is."""
        return self.database_url or f"sqlite:///{self.state_directory}/store.db"


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings; an empty variable counts as unset.

    Raises:
        SettingsError: With one sentence for each variable that is wrong. No value is repeated, for it may be a secret.
    """
    faults: list[str] = []
    written = {
        name.removeprefix("CDSHOOKS_"): value.strip()
        for name, value in environment.items()
        if name.startswith("CDSHOOKS_") and value.strip()
    }
    for name in _SECRETS:
        _read_secret(name, written, faults)
    faults.extend(f"CDSHOOKS_{name} is no setting of this service." for name in sorted(written.keys() - SETTINGS))

    def get(name: str, read: Callable[[str], _T], otherwise: _T, must: str) -> _T:
        if name not in written:
            return otherwise
        try:
            return read(written[name])
        except ValueError:
            faults.append(f"CDSHOOKS_{name} {must}.")
            return otherwise

    is_dev = get("DEV", _yes_or_no, otherwise=False, must="must be 0 or 1")
    is_evaluation = get("EVALUATION", _yes_or_no, otherwise=False, must="must be 0 or 1")
    settings = Settings(
        base_url=get("BASE_URL", _web_url, "http://127.0.0.1:8080", "must be a URL such as https://cds.example.org"),
        clients=get("CLIENTS", _file, None, "must name a file that can be read"),
        database_url=get("DATABASE_URL", _database_url, None, "must begin with sqlite:/// or postgresql://"),
        jurisdiction=get("JURISDICTION", _jurisdiction, "US", "must be US, EU or CN"),
        knowledge_overlay=get("KNOWLEDGE_OVERLAY", _directory, None, "must name a directory"),
        is_evaluation=is_dev or is_evaluation,
        is_dev=is_dev,
        dev_profile=get("DEV_PROFILE", str, "standard", "must name a client profile"),
        is_shadow=get("SHADOW", _yes_or_no, otherwise=False, must="must be 0 or 1"),
        switches=get("SWITCHES", Path, None, "must name a file"),
        deadline_ms=get("DEADLINE_MS", _above_zero, 2000, "must be a whole number above zero"),
        max_body_mb=get("MAX_BODY_MB", _above_zero, 8, "must be a whole number above zero"),
        state_directory=user_state_directory(environment),
        hash_key=get("HASH_KEY", _key, None, f"must have at least {_SHORTEST_KEY} characters"),
        retention_days=get("RETENTION_DAYS", _above_zero, 365, "must be a whole number above zero"),
        audit_retention_days=get("AUDIT_RETENTION_DAYS", _above_zero, 2190, "must be a whole number above zero"),
        keeps_comments=get("KEEP_COMMENTS", _yes_or_no, otherwise=False, must="must be 0 or 1"),
        most_in_flight=get("MAX_IN_FLIGHT", _above_zero, 16, "must be a whole number above zero"),
        most_resources=get("MAX_RESOURCES", _above_zero, 20_000, "must be a whole number above zero"),
        metrics_port=get("METRICS_BIND", port_of_address, None, "must be an address such as 127.0.0.1:9464"),
        public_url=get("PUBLIC_URL", _public_url, None, "must be an https URL such as https://cds.example.org"),
        position=get("POSITION", _position, None, "must be latitude,longitude in degrees such as 42.36,-71.06"),
        revision=get("REVISION", _revision, "unknown", "must name a commit"),
        today=get("TODAY", date.fromisoformat, None, "must be a date such as 2026-11-24"),
    )
    read_server_settings(environment, faults)
    if not is_dev and environment.get("FLASK_DEBUG", "").strip() not in {"", "0"}:
        faults.append("FLASK_DEBUG is set: a debugger shows what is in memory, and has no place beside patients.")
    if faults:
        raise SettingsError(tuple(dict.fromkeys(faults)))
    return settings


def user_state_directory(environment: Mapping[str, str]) -> Path:
    """Where a user's programs keep what outlives them, by the XDG Base Directory Specification."""
    named = environment.get("XDG_STATE_HOME", "").strip()
    home = Path(environment.get("HOME", "").strip() or "/nonexistent")
    return (Path(named) if named else home / ".local" / "state") / "cdshooks"


class ServerSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How the application server runs: ``drain_seconds`` is how long it still answers after it was told to stop."""

    worker_class: str
    threads: int
    drain_seconds: int
    header_seconds: int
    """How long a client may take to send the head of a request."""
    body_seconds: int
    """How long it may then take to send the body."""
    most_body_bytes: int
    most_in_flight: int


def read_server_settings(environment: Mapping[str, str], faults: list[str]) -> ServerSettings:
    """Read what concerns the application server alone; a sentence for each fault is added to ``faults``."""

    def number(name: str, otherwise: int) -> int:
        text = environment.get(f"CDSHOOKS_{name}", "").strip() or str(otherwise)
        try:
            return 0 if text == "0" and name == "DRAIN_SECONDS" else _above_zero(text)
        except ValueError:
            faults.append(f"CDSHOOKS_{name} must be a whole number above zero.")
            return otherwise

    worker_class = environment.get("CDSHOOKS_WORKER_CLASS", "").strip() or "gthread"
    if worker_class not in _WORKER_CLASSES:
        faults.append(f"CDSHOOKS_WORKER_CLASS must be one of {', '.join(_WORKER_CLASSES)}.")
        worker_class = "gthread"
    is_dev = environment.get("CDSHOOKS_DEV", "").strip() == "1"
    return ServerSettings(
        worker_class=worker_class,
        threads=number("THREADS", 32),
        drain_seconds=number("DRAIN_SECONDS", 0 if is_dev else 5),
        header_seconds=number("HEADER_SECONDS", 5),
        body_seconds=number("BODY_SECONDS", 20),
        most_body_bytes=number("MAX_BODY_MB", 8) * 1024 * 1024,
        most_in_flight=number("MAX_IN_FLIGHT", 16),
    )


def _read_secret(name: str, written: dict[str, str], faults: list[str]) -> None:
    """A secret may be named by the file that holds it, so that it stands in no process list."""
    path = written.pop(f"{name}_FILE", None)
    if path is None:
        return
    if name in written:
        faults.append(f"CDSHOOKS_{name} and CDSHOOKS_{name}_FILE are both set; keep one.")
        return
    try:
        written[name] = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError):
        faults.append(f"CDSHOOKS_{name}_FILE must name a file that can be read.")


def _yes_or_no(text: str) -> bool:
    if text not in {"0", "1"}:
        raise ValueError
    return text == "1"


def _above_zero(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9 and int(text) > 0):  # noqa: PLR2004 - a number a person would write
        raise ValueError
    return int(text)


def port_of_address(text: str) -> int:
    """The port of ``HOST:PORT``, the host a name or an address, IPv6 in brackets.

    Raises:
        ValueError: It is no such address.
    """
    match = _ADDRESS.match(text)
    if match is None or int(match[1]) > _LAST_PORT:
        raise ValueError
    return int(match[1])


def _key(text: str) -> str:
    if len(text) < _SHORTEST_KEY:
        raise ValueError
    return text


def _jurisdiction(text: str) -> str:
    if text not in JURISDICTIONS:
        raise ValueError
    return text


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return text.rstrip("/")


def _public_url(text: str) -> str:
    """A link on a card leads to a patient, so it is https; plain http is for this machine alone."""
    parts = urlsplit(_web_url(text))
    if "@" in parts.netloc or (parts.scheme == "http" and parts.hostname not in {"127.0.0.1", "::1", "localhost"}):
        raise ValueError
    return text.rstrip("/")


def _database_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://")):
        raise ValueError
    return text


def _revision(text: str) -> str:
    if not _REVISION.match(text):
        raise ValueError
    return text


def _position(text: str) -> tuple[float, float]:
    latitude, longitude = (float(it) for it in text.split(","))
    if not (abs(latitude) <= 90 and abs(longitude) <= 180):  # noqa: PLR2004 - the degrees of the globe
        raise ValueError
    return latitude, longitude


def _directory(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError
    return Path(text)


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError
    return Path(text)
