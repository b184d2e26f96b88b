"""What the environment decides; nothing clinical. Source: contracts/README, "Environment"; REL-09."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from pathlib import Path
from typing import TypeVar
from urllib.parse import urlsplit

import msgspec

from cdshooks.errors import CdsHooksError

_T = TypeVar("_T")
_JURISDICTIONS = ("US", "EU", "CN")
_SECRETS = ("DATABASE_URL",)
SETTINGS = frozenset(
    {
        "BASE_URL",
        "CLIENTS",
        "DATABASE_URL",
        "DEADLINE_MS",
        "DEV",
        "EVALUATION",
        "JURISDICTION",
        "KNOWLEDGE_OVERLAY",
        "MAX_BODY_MB",
        "TODAY",
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
    deadline_ms: int = 2000
    max_body_mb: int = 8
    today: date | None = None


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
        deadline_ms=get("DEADLINE_MS", _above_zero, 2000, "must be a whole number above zero"),
        max_body_mb=get("MAX_BODY_MB", _above_zero, 8, "must be a whole number above zero"),
        today=get("TODAY", date.fromisoformat, None, "must be a date such as 2026-11-24"),
    )
    if faults:
        raise SettingsError(tuple(faults))
    return settings


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


def _jurisdiction(text: str) -> str:
    if text not in _JURISDICTIONS:
        raise ValueError
    return text


def _web_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in {"http", "https"} or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    return text.rstrip("/")


def _database_url(text: str) -> str:
    if not text.startswith(("sqlite:///", "postgresql://")):
        raise ValueError
    return text


def _directory(text: str) -> Path:
    if not Path(text).is_dir():
        raise ValueError
    return Path(text)


def _file(text: str) -> Path:
    if not Path(text).is_file():
        raise ValueError
    return Path(text)
