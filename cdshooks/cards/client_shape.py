"""Cards as one kind of EHR takes them: what its profile says of suggestions, actions, links and text. Source: R-15, R-28, V-7, V-8.

Nothing is left out in silence: an option of several drugs becomes a suggestion for each of them where only one fits into one, and
each says to what it belongs. The record in the store keeps the cards as they were split and the topics as we call them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import msgspec

from cdshooks.cards import wording
from cdshooks.cards.model import Action, Card, Suggestion
from cdshooks.cards.plain_text import plain_text
from cdshooks.cards.quiet import CardSet
from cdshooks.knowledge.profiles import Profile


def shaped(answer: CardSet, profile: Profile, new_uuid: Callable[[], str]) -> CardSet:
    """The cards with suggestions that the client can take; each new suggestion gets a uuid, so that feedback can name it."""
    cards = tuple(
        msgspec.structs.replace(
            card,
            suggestions=tuple(part for it in card.suggestions for part in _suggestions(it, profile, new_uuid)),
        )
        for card in answer.cards
    )
    return msgspec.structs.replace(answer, cards=cards)


def as_sent(card: Card, profile: Profile) -> dict[str, Any]:
    """The card as it is sent to the client; its suggestions have been shaped before."""
    sent = card.as_json(profile.selection_behavior)
    if card.suggestions and profile.also_coded_as:
        sent["suggestions"] = [_also_coded(it, profile) for it in sent["suggestions"]]
    if profile.detail == "plain":
        sent["detail"] = plain_text(card.detail)
    if profile.topic_code == "alphanumeric":
        topic = sent["source"]["topic"]
        sent["source"]["topic"] = {**topic, "code": "".join(it for it in topic["code"] if it.isalnum())}
    links = [_link(it, profile) for it in sent.pop("links", ()) if it["type"] in profile.links]
    return {**sent, "links": links} if links else sent


def _suggestions(whole: Suggestion, profile: Profile, new_uuid: Callable[[], str]) -> Iterator[Suggestion]:
    taken = tuple(it for it in whole.actions if it.resource["resourceType"] in profile.creates)
    if not taken:
        return
    if not profile.one_action_per_suggestion or len(taken) == 1:
        yield msgspec.structs.replace(whole, actions=taken)
        return
    names = [_name(it) for it in taken]
    for number, (action, name) in enumerate(zip(taken, names, strict=True), start=1):
        told = wording.PART_ACTION.format(
            description=action.description, number=number, count=len(taken), names=", ".join(names)
        )
        yield msgspec.structs.replace(
            whole,
            uuid=new_uuid(),
            label=wording.PART.format(label=whole.label, number=number, count=len(taken), name=name),
            actions=(msgspec.structs.replace(action, description=told),),
        )


def _name(action: Action) -> str:
    concept = action.resource.get("medicationCodeableConcept") or action.resource.get("code") or {}
    return str(concept.get("text") or action.description)


def _also_coded(suggestion: dict[str, Any], profile: Profile) -> dict[str, Any]:
    """The resources are shared templates, so what changes is copied."""
    actions = [{**it, "resource": _coded_resource(it["resource"], profile)} for it in suggestion["actions"]]
    return {**suggestion, "actions": actions}


def _coded_resource(resource: dict[str, Any], profile: Profile) -> dict[str, Any]:
    concept = resource.get("medicationCodeableConcept", {})
    more = [
        {**coding, "system": name.also}
        for coding in concept.get("coding", ())
        for name in profile.also_coded_as
        if coding["system"] == name.system
    ]
    if not more:
        return resource
    return {**resource, "medicationCodeableConcept": {**concept, "coding": [*concept["coding"], *more]}}


def _link(link: dict[str, Any], profile: Profile) -> dict[str, Any]:
    return link if profile.app_context else {name: value for name, value in link.items() if name != "appContext"}
