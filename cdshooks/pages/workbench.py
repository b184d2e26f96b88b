"""The workbench as a view: what was asked, what was answered, and whether both keep the contract."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import cache
from importlib import resources
from typing import TYPE_CHECKING, Any

import msgspec
from markdown_it import MarkdownIt
from markupsafe import Markup

if TYPE_CHECKING:
    from jsonschema import Draft202012Validator

_MOST_FAULTS = 20
_markdown = MarkdownIt("commonmark", {"html": False}).enable("table").disable("image")
"""HTML of a card is shown as text, and no picture is fetched for it."""


class Choice(msgspec.Struct, frozen=True, kw_only=True):
    """One entry of a list to choose from."""

    value: str
    title: str


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """What stands in the form."""

    text: str = ""
    story: str = ""
    ordered: str = ""
    server: str = ""
    """The base URL of a FHIR server; where it stands, the text is not sent."""
    fhir_patient: str = ""
    profile: str
    as_of: str
    jurisdiction: str


class DraftOrder(msgspec.Struct, frozen=True, kw_only=True):
    """An action of a suggestion with its resource as JSON."""

    told: str
    resource: str


class ShownSuggestion(msgspec.Struct, frozen=True, kw_only=True):
    """A suggestion as a button and what it would draft."""

    uuid: str
    label: str
    is_recommended: bool
    drafts: tuple[DraftOrder, ...]


class ShownCard(msgspec.Struct, frozen=True, kw_only=True):
    """A card as an EHR shows it; ``html`` is its detail, made from Markdown without any HTML of its own."""

    uuid: str
    indicator: str
    summary: str
    html: Markup
    source: str
    topic: str
    choose: str
    suggestions: tuple[ShownSuggestion, ...]
    links: tuple[Mapping[str, str], ...]
    reasons: tuple[Choice, ...]
    """Why it may be dismissed; the value of each is its coding, as it goes back in feedback."""


class Answered(msgspec.Struct, frozen=True, kw_only=True):
    """One call and what came of it."""

    service: str
    hook: str
    status: int
    told: str
    milliseconds: int
    bytes_received: int
    cards: tuple[ShownCard, ...]
    request_faults: tuple[str, ...]
    answer_faults: tuple[str, ...]
    request: str
    """As it was sent; empty where it is what stands in the editor, letter by letter."""
    answer: str
    curl: str
    explanation: str


class Fault(msgspec.Struct, frozen=True, kw_only=True):
    """Why nothing was sent, with the path in the JSON."""

    path: str
    reason: str


def shown_cards(cards: Iterable[Mapping[str, Any]]) -> tuple[ShownCard, ...]:
    """The cards of an answer, as they were sent."""
    return tuple(_card(it) for it in cards)


def contract_faults(kind: str, content: object) -> tuple[str, ...]:
    """What breaks the contract, each with its JSON path; ``kind`` is "hook-request" or "response"."""
    found = sorted(_validator(kind).iter_errors(content), key=lambda it: it.json_path)
    return tuple(f"{it.json_path}: {it.message[:200]}" for it in found[:_MOST_FAULTS])


def pretty(content: object) -> str:
    """JSON for people."""
    return json.dumps(content, indent=2, ensure_ascii=False)


def _card(card: Mapping[str, Any]) -> ShownCard:
    suggestions = tuple(
        ShownSuggestion(
            uuid=it["uuid"],
            label=it["label"],
            is_recommended=it.get("isRecommended", False),
            drafts=tuple(
                DraftOrder(told=action["description"], resource=pretty(action["resource"])) for action in it["actions"]
            ),
        )
        for it in card.get("suggestions", ())
    )
    return ShownCard(
        uuid=card["uuid"],
        indicator=card["indicator"],
        summary=card["summary"],
        html=Markup(_markdown.render(card["detail"])),  # noqa: S704 - HTML in it is escaped by the renderer
        source=card["source"]["label"],
        topic=card["source"]["topic"]["code"],
        choose={"any": "any number", "at-most-one": "at most one"}.get(card.get("selectionBehavior", ""), ""),
        suggestions=suggestions,
        links=tuple(card.get("links", ())),
        reasons=tuple(
            Choice(value=json.dumps({"code": it["code"], "system": it["system"]}), title=it["display"])
            for it in card.get("overrideReasons", ())
        ),
    )


@cache
def _validator(kind: str) -> Draft202012Validator:
    from jsonschema import Draft202012Validator  # noqa: PLC0415 - the types of these pages are loaded by every start

    text = resources.files("cdshooks.hooks").joinpath("schemas", f"{kind}.json").read_text(encoding="utf-8")
    return Draft202012Validator(json.loads(text))
