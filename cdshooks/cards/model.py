"""Cards as values: an invalid card cannot be built. Source: R-1 to R-36, CARD-01."""

from __future__ import annotations

from enum import StrEnum
from typing import Any

import msgspec

_LONGEST_SUMMARY = 139


TOPIC_PREFIX = "her2-later-line-"
"""What the code of every topic of cards begins with."""


class Indicator(StrEnum):
    """How urgent a card is; ``critical`` only where a hospital's overlay asks for it."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class Coding(msgspec.Struct, frozen=True, kw_only=True):
    """A code of a system with its display."""

    code: str
    system: str
    display: str


class Action(msgspec.Struct, frozen=True, kw_only=True):
    """One draft resource to create."""

    description: str
    resource: dict[str, Any]

    def as_json(self) -> dict[str, Any]:
        """The action as it is sent."""
        return {"type": "create", "description": self.description, "resource": self.resource}


class Suggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A choice that a clinician may take; its actions are taken together. ``option`` is the id of what it drafts, not sent."""

    label: str
    uuid: str
    option: str
    actions: tuple[Action, ...]
    is_recommended: bool = False
    """A hospital's overlay recommends it; the service by itself recommends nothing."""

    def __post_init__(self) -> None:
        """Refuse a suggestion without an action."""
        if not self.label or not self.uuid or not self.actions:
            raise ValueError("a suggestion needs a label, a uuid and an action")

    def as_json(self) -> dict[str, Any]:
        """The suggestion as it is sent."""
        recommended = {"isRecommended": True} if self.is_recommended else {}
        return {
            "label": self.label,
            "uuid": self.uuid,
            **recommended,
            "actions": [it.as_json() for it in self.actions],
        }


class Link(msgspec.Struct, frozen=True, kw_only=True):
    """A link out of our own knowledge, never out of the record."""

    label: str
    url: str
    type: str = "absolute"
    app_context: str | None = None
    """What a SMART app finds in its launch; with links of the type smart alone."""

    def as_json(self) -> dict[str, Any]:
        """The link as it is sent."""
        link = {"label": self.label, "url": self.url, "type": self.type}
        return link if self.app_context is None else {**link, "appContext": self.app_context}


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """Who says this, and a stable topic to which overrides are tied."""

    label: str
    topic: Coding


class Card(msgspec.Struct, frozen=True, kw_only=True):
    """One card."""

    uuid: str
    summary: str
    indicator: Indicator
    detail: str
    source: Source
    fingerprint: str
    """What the card rests on, as one word; kept with the answer of a clinician and never sent. See ``cards.quiet``."""
    suggestions: tuple[Suggestion, ...] = ()
    override_reasons: tuple[Coding, ...] = ()
    links: tuple[Link, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a summary that is empty, too long for a client that counts UTF-16 units, or of several lines."""
        length = len(self.summary.encode("utf-16-le")) // 2
        if not 0 < length <= _LONGEST_SUMMARY or "\n" in self.summary:
            raise ValueError("a summary is one line of 1 to 139 characters")
        if not self.uuid or not self.detail:
            raise ValueError("a card needs a uuid and a detail")
        if not self.fingerprint:
            raise ValueError("a card needs a fingerprint, or an answer to it would silence every other")

    def as_json(self, selection_behavior: str = "at-most-one") -> dict[str, Any]:
        """The card in full, as a client would get it that takes everything; members without a value are absent."""
        card: dict[str, Any] = {
            "uuid": self.uuid,
            "summary": self.summary,
            "indicator": self.indicator.value,
            "detail": self.detail,
            "source": {"label": self.source.label, "topic": msgspec.to_builtins(self.source.topic)},
        }
        if self.suggestions:
            card["suggestions"] = [it.as_json() for it in self.suggestions]
            card["selectionBehavior"] = selection_behavior
        if self.override_reasons:
            card["overrideReasons"] = [msgspec.to_builtins(it) for it in self.override_reasons]
        if self.links:
            card["links"] = [it.as_json() for it in self.links]
        return card
