"""Kill switches: what a hospital has turned off while the service runs, in a file that may change at any time. Source: SAF-08."""

from __future__ import annotations

from collections.abc import Collection
from pathlib import Path

import msgspec

from cdshooks.errors import KnowledgeError
from cdshooks.knowledge.entries import read_file
from cdshooks.knowledge.ids import RegimenId

_ALL = "all"


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """What is off, each with its reason: services ("all" for every one), topics of cards, regimens."""

    services: dict[str, str] = {}
    topics: dict[str, str] = {}
    regimens: dict[RegimenId, str] = {}

    def service_off(self, service: str) -> str | None:
        """Why a service is off; None: it is on."""
        return self.services.get(service) or self.services.get(_ALL)

    @property
    def off(self) -> tuple[tuple[str, str], ...]:
        """Kind and name of everything that is off."""
        return tuple((kind, name) for kind, off in self._kinds for name in off)

    @property
    def told(self) -> tuple[str, ...]:
        """Everything that is off, in a line each."""
        return tuple(f"{kind} {name} is switched off: {why}" for kind, off in self._kinds for name, why in off.items())

    @property
    def _kinds(self) -> tuple[tuple[str, dict[str, str]], ...]:
        return (
            ("service", self.services),
            ("topic", self.topics),
            ("regimen", {str(key): why for key, why in self.regimens.items()}),
        )


def read_switches(path: Path, regimens: Collection[RegimenId]) -> Switches:
    """Read the file; one that is not there switches nothing off.

    Raises:
        KnowledgeError: One sentence for each fault, with file and line.
    """
    if not path.is_file():
        return Switches()
    off: dict[str, dict[str, str]] = {"service": {}, "topic": {}, "regimen": {}}
    faults: list[str] = []
    for entry in read_file(path, "switches").values():
        kind, name = next((key, entry.content[key]) for key in off if key in entry.content)
        if kind == "regimen" and name not in regimens:
            faults.append(f"{entry.file}:{entry.line}: there is no regimen {name!r} to switch off")
        off[kind][name] = entry.content["reason"]
    if faults:
        raise KnowledgeError(tuple(faults))
    return Switches(
        services=off["service"],
        topics=off["topic"],
        regimens={RegimenId(key): reason for key, reason in off["regimen"].items()},
    )
