"""The whole path of a call: request, resources, record, lines, advice, cards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import msgspec

from cdshooks.cards.model import Card
from cdshooks.cards.quiet import CardSet, EarlierResponse, keep_quiet
from cdshooks.cards.render import Occasion, render_cards
from cdshooks.deadline import NO_DEADLINE, Deadline
from cdshooks.ehr.draft_bundle import read_draft_bundle
from cdshooks.ehr.gather import gather_resources
from cdshooks.ehr.resources import Resources
from cdshooks.ehr.source import FhirSource
from cdshooks.hooks.request import HookRequest
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.places import Position
from cdshooks.knowledge.trial_registry import Registry
from cdshooks.lines.history import build_line_history
from cdshooks.options.assess import assess_options
from cdshooks.options.model import Advice
from cdshooks.record.drafts import DraftOrder, may_order_cancer_treatment, read_draft_orders
from cdshooks.record.drug_names import unmapped_system
from cdshooks.record.read import read_patient_record


def answer_hook(
    request: HookRequest,
    knowledge: Knowledge,
    *,
    as_of: date,
    jurisdiction: str,
    new_uuid: Callable[[], str],
    is_date_fixed: bool = False,
    earlier: tuple[EarlierResponse, ...] = (),
    registry: Registry | None = None,
    hospital: Position | None = None,
    source: FhirSource | None = None,
    deadline: Deadline = NO_DEADLINE,
) -> CardSet:
    """Answer one hook call.

    Args:
        request: The validated hook request.
        knowledge: Drugs, regimens, line rules and options, frozen at start-up.
        as_of: The calendar date the advice is given for.
        jurisdiction: Whose licences count: US, EU or CN.
        new_uuid: Names cards and suggestions.
        is_date_fixed: The service's date is not today's; every card says so.
        registry: What imported registry records say of trials; the others speak from their own files.
        hospital: Where distances to trial sites begin when the patient's address does not tell.
        source: Where resources come from that were not prefetched; the only thing on this path that waits.
        earlier: What clinicians answered to earlier cards for this patient; such a card stays silent for a while.
        deadline: How long the record may be read for.

    Raises:
        MissingPatientDataError: Required data was neither sent nor can be fetched.
        OtherPatientError: A resource or draft order belongs to another patient.
        BadHookRequestError: A selected order cannot be read.
        OverdueError: There is more than can be read within the deadline.
    """

    def needs_record(prefetched: Resources) -> bool:
        if request.service.hook == "patient-view":
            return True
        return may_order_cancer_treatment(read_draft_bundle(request, prefetched), prefetched, knowledge)

    resources = gather_resources(request, source, needs_record=needs_record, deadline=deadline)
    advice, cards = conclude(
        request,
        resources,
        knowledge,
        as_of=as_of,
        jurisdiction=jurisdiction,
        new_uuid=new_uuid,
        is_date_fixed=is_date_fixed,
        registry=registry,
        hospital=hospital,
    )
    answer = keep_quiet(cards, earlier, knowledge.quiet, as_of=as_of)
    verdicts = tuple(it.verdict.value for it in advice.options) if cards else ()
    unmapped = tuple(unmapped_system(it.text) for it in advice.record.unmapped)
    return msgspec.structs.replace(answer, verdicts=verdicts, unmapped=unmapped, resources=resources)


def conclude(
    request: HookRequest,
    resources: Resources,
    knowledge: Knowledge,
    *,
    as_of: date,
    jurisdiction: str,
    new_uuid: Callable[[], str],
    is_date_fixed: bool = False,
    registry: Registry | None = None,
    hospital: Position | None = None,
) -> tuple[Advice, tuple[Card, ...]]:
    """What is found for the patient of a call and the cards that say it, before any is held back; errors as of ``answer_hook``."""
    drafts = read_draft_orders(read_draft_bundle(request, resources), resources, knowledge)
    selected = tuple(it for it in drafts if it.is_selected)
    record = read_patient_record(resources, knowledge, as_of=as_of)
    resources.deadline.check()
    lines = build_line_history(record, knowledge, as_of=as_of)
    resources.deadline.check()
    beside = frozenset(agent for it in drafts if not it.is_selected for agent in it.agents)
    advice = assess_options(
        record,
        lines,
        knowledge,
        as_of=as_of,
        jurisdiction=jurisdiction,
        orders=selected,
        beside=beside,
        registry=registry,
        hospital=hospital,
        in_full=False,
    )
    cards = render_cards(
        advice, knowledge, _occasion(request, selected, knowledge, as_of, is_date_fixed=is_date_fixed), new_uuid
    )
    return advice, cards


def _occasion(
    request: HookRequest, selected: tuple[DraftOrder, ...], knowledge: Knowledge, as_of: date, *, is_date_fixed: bool
) -> Occasion:
    return Occasion(
        hook=request.service.hook,
        patient_id=request.patient_id,
        encounter_id=request.encounter_id,
        orders_cancer_treatment=any(it.is_cancer_treatment for it in selected),
        ordered=tuple(sorted({agent for it in selected for agent in it.agents})),
        is_date_fixed=is_date_fixed,
        is_signed=knowledge.manifest.signature(as_of) is not None,
    )
