"""Runs the canaries through the whole path of a call and tells which of them came out wrong. Source: SAF-07."""

from __future__ import annotations

from cdshooks.cards.model import TOPIC_PREFIX
from cdshooks.ehr.gather import gather_resources
from cdshooks.errors import CdsHooksError
from cdshooks.hooks.request import HookRequest, read_hook_request
from cdshooks.hooks.services import SERVICES
from cdshooks.knowledge.canaries import Canary
from cdshooks.knowledge.load import Knowledge
from cdshooks.options.model import Verdict
from cdshooks.order_select import conclude

_OFFERED = frozenset({Verdict.OFFER, Verdict.OFFER_WITH_WARNING})


def check_canaries(knowledge: Knowledge) -> tuple[str, ...]:
    """One sentence for each essential that came out wrong; none: every canary is right."""
    return tuple(fault for it in knowledge.canaries for fault in canary_faults(it, knowledge))


def canary_faults(canary: Canary, knowledge: Knowledge) -> tuple[str, ...]:
    """What came out wrong of one canary, a sentence each."""
    try:
        service = next(it for it in SERVICES if it.hook == canary.hook)
        faults = _differences(canary, read_hook_request(service, canary.request), knowledge)
    except (CdsHooksError, LookupError, ValueError, TypeError, AttributeError, ArithmeticError) as error:
        faults = [f"it could not be evaluated ({type(error).__name__})"]
    return tuple(f"canary {canary.id}: {fault}" for fault in faults)


def _differences(canary: Canary, request: HookRequest, knowledge: Knowledge) -> list[str]:
    advice, cards = conclude(
        request,
        gather_resources(request),
        knowledge,
        as_of=canary.as_of,
        jurisdiction=canary.jurisdiction,
        new_uuid=lambda: "canary",
    )
    faults = []
    counted = advice.lines.counts.metastatic_lines
    if counted != canary.metastatic_lines:
        faults.append(f"{counted} metastatic lines were counted instead of {canary.metastatic_lines}")
    offered = {it.id for it in advice.options if it.verdict in _OFFERED}
    faults += [f"{it} is offered, though {canary.proves}" for it in canary.excluded if it in offered]
    wanted = [it for it in canary.offered if knowledge.regimens[it].switched_off is None]
    faults += [f"{it} is not offered, though {canary.proves}" for it in wanted if it not in offered]
    topics = {it.source.topic.code.removeprefix(TOPIC_PREFIX) for it in cards}
    faults += [f"the card {it!r} is missing" for it in canary.cards if it not in topics]
    if not canary.cards and topics:
        faults.append(f"there is a card ({', '.join(sorted(topics))}), though {canary.proves}")
    return faults
