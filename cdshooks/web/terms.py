"""On which terms a call is answered: for which kind of EHR, which day and which place."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from typing import Any

import msgspec

from cdshooks.cards.quiet import CardSet
from cdshooks.hooks.clients import Client
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.profiles import Profile
from cdshooks.settings import Settings

_KEY = "cdshooks.terms"
"""A name in the WSGI environment, which no header of a caller can set."""


def _nobody_asks(_: CardSet) -> None:
    """Outside the workbench an answer goes to its caller alone."""


class Terms(msgspec.Struct, frozen=True, kw_only=True):
    """The profile, the day and the jurisdiction; ``is_date_fixed``: the day is not today's, and every card says so."""

    profile: Profile
    as_of: date
    jurisdiction: str
    is_date_fixed: bool
    on_answer: Callable[[CardSet], None] = _nobody_asks
    """Gets the cards with what they rest on, for an explanation beside them."""


def terms_of(
    environ: Mapping[str, Any], caller: Client | None, settings: Settings, knowledge: Knowledge, today: date
) -> Terms:
    """The terms of a call: the client's, or in dev mode those that the workbench has chosen."""
    chosen = environ.get(_KEY)
    if settings.is_dev and isinstance(chosen, Terms):
        return chosen
    return Terms(
        profile=knowledge.profiles[caller.profile if caller is not None else settings.dev_profile],
        as_of=today,
        jurisdiction=settings.jurisdiction,
        is_date_fixed=settings.today is not None,
    )


def with_terms(terms: Terms) -> dict[str, Any]:
    """What the workbench adds to the WSGI environment of a call of its own."""
    return {_KEY: terms}
