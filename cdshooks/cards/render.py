"""Advice to cards: at most three, quiet unless there is something to say. Source: SAF-01, ALT-01 to ALT-04."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import msgspec

from cdshooks.cards import wording
from cdshooks.cards.actions import draft_actions, trial_action
from cdshooks.cards.detail import found_for_patient, limits, missing_or_conflicting, option_lines, review_lines
from cdshooks.cards.model import Card, Coding, Indicator, Source, Suggestion
from cdshooks.cards.quiet import fingerprint
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.manifest import Freshness
from cdshooks.lines.model import EndReason
from cdshooks.options.model import Advice, Option, OrderReview, Outcome

_FINISHED_LINES = 3
_MOST_SUGGESTIONS = 3
_MOST_OPTIONS = 4
_REASON_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
_TOPICS = "urn:cdshooks:topic"
_GRAVE = frozenset({"repeated_after_progression", "contraindicated", "warning"})


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """At which moment the cards are shown and to what kind of client."""

    hook: str
    patient_id: str
    encounter_id: str | None
    orders_cancer_treatment: bool
    ordered: tuple[AgentId, ...]
    takes_one_action: bool
    selection_behavior: str
    is_date_fixed: bool
    is_signed: bool


def render_cards(
    advice: Advice, knowledge: Knowledge, occasion: Occasion, new_uuid: Callable[[], str]
) -> tuple[Card, ...]:
    """The cards for one call; none when there is nothing to say."""
    if not _concerns(advice) or advice.record.person.is_deceased or advice.record.person.is_replaced:
        return ()
    if occasion.hook != "patient-view" and not occasion.orders_cancer_treatment:
        return ()
    make = _Maker(advice, knowledge, occasion, new_uuid)
    reviews = [it for it in advice.orders if it.judgement in _GRAVE and not _is_only_about_licence(it)]
    missing = tuple(it.query for it in advice.record.incomplete if it.concerns_treatment)
    if missing:
        return (make.incomplete(missing),)
    finished = sum(line.end_reason is not EndReason.ONGOING for line in advice.lines.lines)
    cards: list[Card] = []
    if reviews and _is_worth_saying(reviews, finished):
        cards.append(make.review(reviews))
    if finished >= _FINISHED_LINES:
        cards.append(make.view(finished) if occasion.hook == "patient-view" else make.options(finished))
        if occasion.hook != "patient-view" and advice.gaps:
            cards.append(make.gaps())
    return tuple(cards)


def _concerns(advice: Advice) -> bool:
    """Whether this is metastatic breast cancer that is or was HER2-positive."""
    facts = {it.id: it.value for it in advice.facts}
    is_her2 = facts.get("her2_ever_positive") is True or facts.get("her2") in {"positive", "conflict"}  # type: ignore[call-overload]
    return is_her2 and advice.lines.metastatic_since is not None


def _is_only_about_licence(review: OrderReview) -> bool:
    """Off-label use of a fitting regimen is everyday practice in later lines: it is said with the option, not as a warning."""
    failed = {str(it.criterion) for it in review.reasons if it.outcome in {Outcome.NOT_MET, Outcome.REVIEW}}
    return review.judgement == "warning" and failed <= {"LICENCE"}


def _is_worth_saying(reviews: list[OrderReview], finished: int) -> bool:
    """Below three finished lines only a real danger is worth an interruption."""
    return finished >= _FINISHED_LINES or any(it.judgement != "warning" for it in reviews)


class _Maker:
    def __init__(self, advice: Advice, knowledge: Knowledge, occasion: Occasion, new_uuid: Callable[[], str]) -> None:
        self._advice, self._knowledge, self._occasion, self._new_uuid = advice, knowledge, occasion, new_uuid

    def options(self, finished: int) -> Card:
        advice, manifest = self._advice, self._knowledge.manifest
        if manifest.freshness(advice.as_of) is Freshness.EXPIRED:
            return self._card(
                "options",
                Indicator.INFO,
                wording.EXPIRED_SUMMARY.format(expires=manifest.expires),
                (found_for_patient(advice), missing_or_conflicting(advice, self._knowledge)),
                [manifest.expires.isoformat()],
            )
        ranked = sorted((it for it in advice.options if it.rank is not None), key=lambda it: it.rank or 0)
        ordered = frozenset(self._occasion.ordered)
        shown = [it for it in ranked if not it.agents or frozenset(it.agents) != ordered][:_MOST_OPTIONS]
        suggestions = self._suggestions(shown, ranked)
        summary = wording.OPTIONS_SUMMARY if shown else wording.OPTIONS_SUMMARY_NONE
        parts = (
            found_for_patient(advice),
            wording.WHY_OPTIONS,
            missing_or_conflicting(advice, self._knowledge),
            option_lines(shown, ranked, advice, self._knowledge),
        )
        count = f"{len(shown)} option{'s' if len(shown) != 1 else ''}"
        return self._card(
            "options",
            Indicator.INFO,
            summary.format(lines=_lines(finished), count=count),
            parts,
            [(it.id, it.verdict, [warned.criterion for warned in it.warnings]) for it in advice.options]
            + [(it.nct_id, it.verdict) for it in advice.trials],
            suggestions,
        )

    def review(self, reviews: list[OrderReview]) -> Card:
        worst = min(
            reviews, key=lambda it: ("repeated_after_progression", "contraindicated", "warning").index(it.judgement)
        )
        summary = {
            "repeated_after_progression": wording.REVIEW_REPEATED,
            "contraindicated": wording.REVIEW_CONTRAINDICATED,
            "warning": wording.REVIEW_WARNING,
        }[worst.judgement]
        parts = (
            review_lines(reviews, self._advice, self._knowledge),
            found_for_patient(self._advice),
            missing_or_conflicting(self._advice, self._knowledge),
        )
        names = " + ".join(worst.agents)
        concluded = [(it.agents, it.judgement, [(why.criterion, why.outcome) for why in it.reasons]) for it in reviews]
        return self._card("review", Indicator.WARNING, summary.format(agents=names), parts, concluded)

    def gaps(self) -> Card:
        asks = "\n".join(f"- {gap.ask}" for gap in self._advice.gaps)
        count = f"{len(self._advice.gaps)} thing{'s' if len(self._advice.gaps) != 1 else ''}"
        return self._card(
            "missing",
            Indicator.INFO,
            wording.GAPS_SUMMARY.format(count=count),
            (f"{wording.MISSING}\n\n{asks}",),
            [gap.fact for gap in self._advice.gaps],
        )

    def view(self, finished: int) -> Card:
        is_expired = self._knowledge.manifest.freshness(self._advice.as_of) is Freshness.EXPIRED
        return self._card(
            "view",
            Indicator.INFO,
            (wording.VIEW_SUMMARY_EXPIRED if is_expired else wording.VIEW_SUMMARY).format(lines=_lines(finished)),
            (found_for_patient(self._advice),),
            [],
        )

    def incomplete(self, queries: tuple[str, ...]) -> Card:
        text = wording.INCOMPLETE.format(queries=", ".join(dict.fromkeys(queries)))
        return self._card("incomplete", Indicator.WARNING, wording.INCOMPLETE_SUMMARY, (text,), queries)

    def _suggestions(self, shown: list[Option], ranked: list[Option]) -> tuple[Suggestion, ...]:
        occasion, made = self._occasion, list[Suggestion]()
        codes = {agent: drug.rxnorm for agent, drug in self._knowledge.drugs.by_agent.items()}
        wants_trial = any(not it.agents and self._knowledge.regimens[it.id].role == "trial" for it in ranked)
        room = _MOST_SUGGESTIONS - (1 if wants_trial else 0)
        drafted = [it for it in shown if it.agents and self._knowledge.regimens[it.id].may_be_drafted]
        for option in drafted[:room]:
            actions = draft_actions(
                self._knowledge.regimens[option.id],
                option.agents,
                codes,
                occasion.patient_id,
                occasion.encounter_id,
                is_single=occasion.takes_one_action,
            )
            if actions:
                made.append(
                    Suggestion(
                        label=wording.SUGGEST.format(label=" + ".join(option.agents)),
                        uuid=self._new_uuid(),
                        actions=actions,
                    )
                )
        if wants_trial:
            action = trial_action(occasion.patient_id, occasion.encounter_id)
            made.append(
                Suggestion(
                    label=wording.SUGGEST.format(label=wording.TRIAL_LABEL), uuid=self._new_uuid(), actions=(action,)
                )
            )
        return tuple(made)

    def _card(
        self,
        topic: str,
        indicator: Indicator,
        summary: str,
        parts: tuple[str, ...],
        concluded: Iterable[object],
        suggestions: tuple[Suggestion, ...] = (),
    ) -> Card:
        manifest, occasion = self._knowledge.manifest, self._occasion
        code = f"her2-later-line-{topic}"
        opening = [] if occasion.is_signed else [wording.UNSIGNED_LONG]
        match manifest.freshness(self._advice.as_of):
            case Freshness.EXPIRED:
                opening.append(wording.EXPIRED.format(expires=manifest.expires))
            case Freshness.DUE:
                opening.append(wording.DUE.format(reviewed=manifest.reviewed, due=manifest.due))
        if occasion.is_date_fixed:
            opening.append(wording.FIXED_DATE.format(today=self._advice.as_of))
        detail = "\n\n".join(part for part in (*opening, *parts, limits(self._knowledge)) if part)
        full = summary if occasion.is_signed else f"{wording.UNSIGNED}: {summary}"
        return Card(
            uuid=self._new_uuid(),
            summary=full if len(full) <= 139 else full[:138] + "…",  # noqa: PLR2004 - the longest summary a card may have
            indicator=indicator,
            detail=detail,
            source=Source(
                label="cdshooks: HER2-positive metastatic breast cancer",
                topic=Coding(
                    code=code,
                    system=_TOPICS,
                    display=f"HER2-positive metastatic breast cancer: {topic}",
                ),
            ),
            selection_behavior=occasion.selection_behavior,
            fingerprint=fingerprint(code, concluded, self._advice, self._knowledge),
            suggestions=suggestions,
            override_reasons=tuple(
                Coding(code=code, system=_REASON_SYSTEM, display=display) for code, display in wording.OVERRIDES
            ),
        )


def _lines(count: int) -> str:
    return f"{count} finished line{'s' if count != 1 else ''}"
