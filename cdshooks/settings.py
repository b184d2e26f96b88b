"""What the environment decides; nothing clinical. Source: contracts/README, "Environment"."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path

import msgspec

from cdshooks.errors import CdsHooksError

_JURISDICTIONS = frozenset({"US", "EU", "CN"})


class SettingsError(CdsHooksError):
    """Settings are wrong; ``faults`` names each variable with a plain sentence, all at once."""

    def __init__(self, faults: tuple[str, ...]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """The settings in force."""

    base_url: str = "http://127.0.0.1:8080"
    jurisdiction: str = "US"
    knowledge_overlay: Path | None = None
    is_evaluation: bool = False
    is_dev: bool = False
    deadline_ms: int = 2000
    max_body_mb: int = 8
    today: date | None = None


def read_settings(environment: Mapping[str, str]) -> Settings:
    """Read and check all settings.

    Raises:
        SettingsError: With one sentence for each variable that is wrong.
    """
    faults: list[str] = []

    def get(name: str, default: str) -> str:
        return environment.get(f"CDSHOOKS_{name}", "") or default

    jurisdiction = get("JURISDICTION", "US")
    if jurisdiction not in _JURISDICTIONS:
        faults.append("CDSHOOKS_JURISDICTION must be US, EU or CN.")
    numbers = {}
    for name, default in (("DEADLINE_MS", "2000"), ("MAX_BODY_MB", "8")):
        text = get(name, default)
        if not text.isdigit() or int(text) == 0:
            faults.append(f"CDSHOOKS_{name} must be a whole number above zero.")
        numbers[name] = int(text) if text.isdigit() else 1
    overlay = get("KNOWLEDGE_OVERLAY", "")
    if overlay and not Path(overlay).is_dir():
        faults.append("CDSHOOKS_KNOWLEDGE_OVERLAY must name a directory.")
    today: date | None = None
    try:
        today = date.fromisoformat(get("TODAY", "")) if get("TODAY", "") else None
    except ValueError:
        faults.append("CDSHOOKS_TODAY must be a date such as 2026-11-24.")
    base_url = get("BASE_URL", "http://127.0.0.1:8080").rstrip("/")
    if not base_url.startswith(("http://", "https://")):
        faults.append("CDSHOOKS_BASE_URL must begin with http:// or https://.")
    switches = ("EVALUATION", "DEV")
    faults.extend(f"CDSHOOKS_{name} must be 0 or 1." for name in switches if get(name, "0") not in {"0", "1"})
    if faults:
        raise SettingsError(tuple(faults))
    is_dev = get("DEV", "0") == "1"
    return Settings(
        base_url=base_url,
        jurisdiction=jurisdiction,
        knowledge_overlay=Path(overlay) if overlay else None,
        is_evaluation=is_dev or get("EVALUATION", "0") == "1",
        is_dev=is_dev,
        deadline_ms=numbers["DEADLINE_MS"],
        max_body_mb=numbers["MAX_BODY_MB"],
        today=today,
    )
