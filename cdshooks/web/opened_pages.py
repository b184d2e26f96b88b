"""The patient page behind a card's link. Every link that is not good gets the same answer, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, request

from cdshooks.errors import StoreUnavailableError
from cdshooks.web.card_links import CardLinks
from cdshooks.web.page_drawer import PageDrawer, message, protect


def opened_blueprint(links: CardLinks, drawer: PageDrawer, today: Callable[[], date]) -> Blueprint:
    """The one route of card links."""
    blueprint = Blueprint("opened_pages", __name__)
    blueprint.after_request(protect)

    @blueprint.get("/app/opened/<reference>")
    def opened(reference: str) -> Response:
        # A HEAD, or a browser that looks ahead, must not use up what a person will open.
        if request.method == "HEAD" or "prefetch" in request.headers.get(
            "Sec-Purpose", request.headers.get("Purpose", "")
        ):
            return message(403, "Open this link by hand", "It shows a patient, and it is good once.")
        try:
            resources = links.opened(reference)
        except StoreUnavailableError:
            return message(
                503, "This cannot be shown now", "The service cannot reach its store. Try the link again in a moment."
            )
        if resources is None:
            return message(
                404,
                "This link is not good any more",
                "A card's link opens once, within ten minutes. Open the card again in the chart.",
            )
        return drawer.draw(lambda: resources, today())

    return blueprint
