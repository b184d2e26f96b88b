"""The patient page behind a card's link. Every link that is not good gets the same answer, whatever is wrong with it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

from flask import Blueprint, Response, request

from cdshooks.errors import StoreUnavailableError
from cdshooks.trace import current_trace_id
from cdshooks.web.audit import Asked
from cdshooks.web.card_links import CardLinks
from cdshooks.web.memory import Memory
from cdshooks.web.page_drawer import SHOWN, PageDrawer, message, protect

_WAY = "patient-page-by-link"


def opened_blueprint(links: CardLinks, drawer: PageDrawer, today: Callable[[], date], memory: Memory) -> Blueprint:
    """The one route of card links; ``memory`` keeps that a page was shown."""
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
            found = links.opened(reference)
        except StoreUnavailableError:
            return message(
                503, "This cannot be shown now", "The service cannot reach its store. Try the link again in a moment."
            )
        if found is None:
            return message(
                404,
                "This link is not good any more",
                "A card's link opens once, within ten minutes. Open the card again in the chart.",
            )
        page = drawer.draw(lambda: found.resources, today())
        if page.status_code == SHOWN:
            memory.remember_page(
                Asked(client=found.client, service=_WAY, trace_id=current_trace_id(), patient_hash=found.patient_hash)
            )
        return page

    return blueprint
