"""The synthetic patients that are there to be looked at: those of a checkout, and the one that every installation ships."""

from __future__ import annotations

from datetime import date
from importlib import resources
from pathlib import Path

import msgspec
import yaml

import cdshooks


class Story(msgspec.Struct, frozen=True, kw_only=True):
    """A shipped patient with the day and place that the story is told for."""

    name: str
    title: str
    path: Path | None
    as_of: date | None
    jurisdiction: str | None

    def read(self) -> bytes:
        """The hook request that holds the patient."""
        if self.path is not None:
            return self.path.read_bytes()
        return resources.files("cdshooks.cli").joinpath("demo_request.json").read_bytes()


def shipped_stories() -> tuple[Story, ...]:
    """All stories by name; of an installation without the checkout, the demonstration alone."""
    folder = Path(cdshooks.__file__).parents[1] / "fhir_fixtures"
    told = [_read(it.parent) for it in sorted(folder.glob("*/story.md")) if (it.parent / "request.json").is_file()]
    demo = Story(
        name="demo", title="The patient of cdshooks demo", path=None, as_of=date(2026, 11, 24), jurisdiction="US"
    )
    return (*told, demo)


def _read(folder: Path) -> Story:
    head, _, body = (folder / "story.md").read_text(encoding="utf-8").removeprefix("---\n").partition("\n---\n")
    front = yaml.safe_load(head)
    title = next((it.removeprefix("# ") for it in body.splitlines() if it.startswith("# ")), folder.name)
    return Story(
        name=folder.name,
        title=title,
        path=folder / "request.json",
        as_of=date.fromisoformat(front["as_of"]),
        jurisdiction=front["jurisdiction"],
    )
