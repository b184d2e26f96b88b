"""Advice to cards: at most three, quiet unless there is something to say. Source: SAF-01, ALT-01 to ALT-04."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import msgspec

from cdshooks.cards import wording
from cdshooks.cards.actions import draft_actions, refer_action, request_action, trial_action
from cdshooks.cards.detail import (
    found_for_patient,
    found_in_short,
    gap_names,
    limits,
    missing_or_conflicting,
    not_seen,
    relevant_gaps,
)
from cdshooks.cards.model import TOPIC_PREFIX, Action, Card, Coding, Indicator, Link, Source, Suggestion
from cdshooks.cards.options_text import had_tdxd, has_evidence, is_unproven, option_lines, ranked_options
from cdshooks.cards.quiet import fingerprint
from cdshooks.cards.review_text import alternatives, headline, review_lines, worst_of
from cdshooks.cards.scope import CANCER, FINISHED_LINES, concerns, treatment_not_seen, was_her2_positive
from cdshooks.cards.trials_text import (
    trial_lines,
    trial_links,
    trials_doubts,
    trials_summary,
    trials_to_show,
)
from cdshooks.knowledge.criteria import Effect
from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.manifest import Freshness
from cdshooks.knowledge.orderable import OrderableTest
from cdshooks.lines.model import EndReason
from cdshooks.options.model import Advice, Gap, Option, OrderReview, Outcome, Verdict

_MOST_SUGGESTIONS = 3
_MOST_OPTIONS = 4
_MOST_SWAPS = 2
_MOST_CARDS = 3
_LONGEST_SUMMARY = 139
_TRIAL_SEARCH = "clinical-trial"
"""What a suggestion stands for that drafts a referral to trials, not to one of them."""
_REASON_SYSTEM = "http://terminology.hl7.org/CodeSystem/non-adherence-reason-codes"
_TOPICS = "urn:cdshooks:topic"
_GRAVE = frozenset({"repeated_after_progression", "contraindicated", "warning"})
_UNSAFE = frozenset({Effect.EXCLUDE, Effect.HOLD})


class Occasion(msgspec.Struct, frozen=True, kw_only=True):
    """At which moment the cards are shown and to what kind of client."""

    hook: str
    patient_id: str
    encounter_id: str | None
    orders_cancer_treatment: bool
    ordered: tuple[AgentId, ...]
    is_date_fixed: bool
    is_signed: bool


def render_cards(
    advice: Advice, knowledge: Knowledge, occasion: Occasion, new_uuid: Callable[[], str]
) -> tuple[Card, ...]:
    """The cards for one call; none when there is nothing to say."""
    if not concerns(advice) or advice.record.person.is_deceased or advice.record.person.is_replaced:
        return ()
    if occasion.hook != "patient-view" and not occasion.orders_cancer_treatment:
        return ()
    make = _Maker(advice, knowledge, occasion, new_uuid)
    reviews = [it for it in advice.orders if it.judgement in _GRAVE and not _is_only_about_licence(it)]
    finished = len(advice.lines.finished)
    missing = treatment_not_seen(advice)
    if missing:
        return (make.incomplete(missing),)
    cards: list[Card] = []
    if reviews and _is_worth_saying(reviews, finished):
        cards.append(make.review(reviews))
    if finished >= FINISHED_LINES and not _is_renewal(advice, occasion):
        if occasion.hook == "patient-view":
            cards += make.on_opening(finished)
        else:
            cards += make.choices(finished, _MOST_CARDS - len(cards))
    return tuple(cards)


def _is_only_about_licence(review: OrderReview) -> bool:
    """Off-label use of a fitting regimen is everyday practice in later lines: it is said with the option, not as a warning.

    That a hospital has switched a regimen off is no danger either.
    """
    failed = {str(it.criterion) for it in review.reasons if it.outcome in {Outcome.NOT_MET, Outcome.REVIEW}}
    return review.judgement == "warning" and failed <= {"LICENCE", "SWITCHED_OFF"}


def _is_renewal(advice: Advice, occasion: Occasion) -> bool:
    """Whether only what is being taken is ordered again: nobody looks for another option at that moment."""
    running = {it.agent for it in advice.lines.uses if it.outcome is EndReason.ONGOING}
    return bool(occasion.ordered) and frozenset(occasion.ordered) <= running


def _is_worth_saying(reviews: list[OrderReview], finished: int) -> bool:
    """Below three finished lines only an order that is unsafe now is worth an interruption."""
    return finished >= FINISHED_LINES or any(
        it.judgement != "warning" or any(why.effect in _UNSAFE for why in it.reasons) for it in reviews
    )


class _Maker:
    def __init__(self, advice: Advice, knowledge: Knowledge, occasion: Occasion, new_uuid: Callable[[], str]) -> None:
        self._advice, self._knowledge, self._occasion, self._new_uuid = advice, knowledge, occasion, new_uuid
        self._is_expired = knowledge.manifest.freshness(advice.as_of) is Freshness.EXPIRED
        self._ranked = ranked_options(advice)
        ordered = frozenset(occasion.ordered)
        others = [it for it in self._ranked if not it.agents or frozenset(it.agents) != ordered]
        self._ordered = next((it for it in self._ranked if it not in others), None)
        self._shown, self._rest = others[:_MOST_OPTIONS], others[_MOST_OPTIONS:]
        if self._ordered is not None:
            self._shown, self._rest = others[: _MOST_OPTIONS - 1], others[_MOST_OPTIONS - 1 :]
        self._gaps = self._relevant_gaps()
        asked = {gap.fact for gap in self._gaps}
        self._orderable: list[OrderableTest] = [it for it in knowledge.tests if asked & set(it.fills)]
        self._trials = [] if self._is_expired else trials_to_show(advice, knowledge)
        self._doubts = "\n\n".join(trials_doubts(advice, knowledge))

    def choices(self, finished: int, room: int) -> list[Card]:
        """Options, trials and what to find out; trials first where no option rests on evidence.

        What to find out has a card of its own when there is room, else it stands on the card of the options.
        """
        trials = [self.trials()] if self._trials else []
        has_room = bool(self._orderable) and len(trials) + 2 <= room
        options = [self.options(finished, has_gaps_card=has_room)]
        cards = trials + options if trials and not self._has_evidence() else options + trials
        return [*cards, self.gaps()] if has_room else cards

    def _has_evidence(self) -> bool:
        after_tdxd = had_tdxd(self._advice)
        return any(has_evidence(it, self._knowledge, after_tdxd=after_tdxd) for it in self._ranked)

    def trials(self) -> Card:
        """The trials that a patient may fit, each with a referral ready to be completed."""
        shown, knowledge = self._trials, self._knowledge
        reason = next(
            (ref for it in self._advice.record.diagnoses for ref in it.evidence if it.concept in CANCER), None
        )
        made = [
            self._suggestion(
                wording.TRIAL_REFER.format(nct_id=it.nct_id),
                it.nct_id,
                (
                    refer_action(
                        it,
                        it.state,
                        reason,
                        self._occasion.patient_id,
                        self._occasion.encounter_id,
                    ),
                ),
            )
            for it in shown
        ]
        return self._card(
            "trials",
            Indicator.INFO,
            trials_summary(shown, knowledge),
            (found_in_short(self._advice), self._doubts, trial_lines(shown, self._advice, knowledge)),
            [(it.nct_id, it.verdict, it.failing, it.missing) for it in shown],
            tuple(made),
            trial_links(shown, knowledge),
        )

    def _relevant_gaps(self) -> list[Gap]:
        """Gaps that would change what stands on the card: those looked for in every patient, and what the first options ask."""
        reviewed = {name for it in self._advice.orders for name in it.regimens[:1]}
        judged = [*self._shown, *(it for it in self._ranked if it.id in reviewed)]
        return relevant_gaps(self._advice, self._knowledge, judged)

    def options(self, finished: int, *, has_gaps_card: bool) -> Card:
        advice, knowledge, manifest = self._advice, self._knowledge, self._knowledge.manifest
        missing = missing_or_conflicting(advice, knowledge, self._gaps, in_short=has_gaps_card)
        if self._is_expired:
            return self._card(
                "options",
                Indicator.INFO,
                wording.EXPIRED_SUMMARY.format(expires=manifest.expires),
                (found_for_patient(advice), missing),
                [manifest.expires.isoformat()],
            )
        words = self._knowledge.wording
        parts = (
            found_for_patient(advice),
            words.why_options if was_her2_positive(advice) else words.why_options_unknown_receptor,
            missing,
            option_lines(self._ordered, self._shown, self._rest, advice, knowledge, is_reviewed=self._is_reviewed()),
            "" if self._trials else self._doubts,
        )
        concluded = [(it.id, it.verdict, [warned.criterion for warned in it.warnings]) for it in advice.options]
        return self._card(
            "options",
            Indicator.INFO,
            self._options_summary(finished),
            parts,
            [*concluded, *((it.nct_id, it.verdict) for it in advice.trials)],
            self._suggestions(),
        )

    def _is_reviewed(self) -> bool:
        """Whether a card of its own argues with the order, so that its points are not said twice."""
        return any(it.judgement in _GRAVE and not _is_only_about_licence(it) for it in self._advice.orders)

    def _options_summary(self, finished: int) -> str:
        words, roles = self._knowledge.wording, {self._knowledge.regimens[it.id].role for it in self._ranked}
        summary = words.options_summary
        if not self._ranked:
            summary = words.options_summary_none
        elif self._ordered is not None and self._ordered.rank == 1:
            summary = words.options_summary_selected
        elif roles <= {"supportive"}:
            summary = words.options_summary_no_drug
        elif is_unproven(self._ranked, self._advice, self._knowledge):
            summary = words.options_summary_unproven
        count = f"{len(self._shown)} option{'s' if len(self._shown) != 1 else ''}"
        return summary.format(lines=_lines(finished), count=count)

    def review(self, reviews: list[OrderReview]) -> Card:
        advice, knowledge = self._advice, self._knowledge
        fitting = [] if self._is_expired else alternatives(reviews, advice, knowledge)
        swaps = self._drafts(fitting, wording.SWAP, _MOST_SWAPS)
        parts = (
            found_in_short(advice),
            review_lines(reviews, knowledge),
            missing_or_conflicting(advice, knowledge, self._gaps, in_short=True),
            self._knowledge.wording.alternatives.format(names="; ".join(it.label for it in fitting[:3]))
            if fitting
            else "",
        )
        room = _LONGEST_SUMMARY - len(self._headed(""))
        concluded = [(it.agents, it.judgement, [(why.criterion, why.outcome) for why in it.reasons]) for it in reviews]
        is_critical = worst_of(reviews).judgement in knowledge.presentation.critical_for
        indicator = Indicator.CRITICAL if is_critical else Indicator.WARNING
        return self._card("review", indicator, headline(reviews, knowledge, room), parts, concluded, tuple(swaps))

    def gaps(self) -> Card:
        """What to find out first, with the tests ready to be requested."""
        asks = "\n".join(f"- {gap.ask}" for gap in self._gaps)
        names = gap_names(self._gaps, self._knowledge)
        summary = self._knowledge.wording.gaps_summary.format(names="; ".join(names))
        while len(self._headed(summary)) > _LONGEST_SUMMARY and len(names) > 1:
            names = names[:-1]
            summary = self._knowledge.wording.gaps_summary.format(names="; ".join(names) + " and more")
        subject, encounter = self._occasion.patient_id, self._occasion.encounter_id
        return self._card(
            "missing",
            Indicator.INFO,
            summary,
            (f"{self._knowledge.wording.to_find_out}\n\n{asks}",),
            [gap.fact for gap in self._gaps],
            ()
            if self._is_expired
            else tuple(
                self._suggestion(
                    wording.SUGGEST.format(label=it.label), it.id, (request_action(it, subject, encounter),)
                )
                for it in self._orderable[:_MOST_SUGGESTIONS]
            ),
        )

    def on_opening(self, finished: int) -> list[Card]:
        """When the chart is opened: where the patient stands, and the trials where there are any."""
        return [self.view(finished), *([self.trials()] if self._trials else [])]

    def view(self, finished: int) -> Card:
        summary = wording.VIEW_SUMMARY_EXPIRED if self._is_expired else self._knowledge.wording.view_summary
        return self._card(
            "view",
            Indicator.INFO,
            summary.format(lines=_lines(finished)),
            (found_for_patient(self._advice), "" if self._trials else self._doubts),
            [(it.nct_id, it.verdict) for it in self._trials],
        )

    def incomplete(self, queries: tuple[str, ...]) -> Card:
        text = wording.INCOMPLETE.format(queries=", ".join(queries))
        return self._card("incomplete", Indicator.WARNING, wording.INCOMPLETE_SUMMARY, (text,), queries)

    def _suggestions(self) -> tuple[Suggestion, ...]:
        regimens = self._knowledge.regimens
        wants_trial = any(not it.agents and regimens[it.id].role == "trial" for it in self._ranked)
        made = self._drafts(self._shown, wording.SUGGEST, _MOST_SUGGESTIONS - wants_trial)
        if wants_trial:
            action = trial_action(self._occasion.patient_id, self._occasion.encounter_id)
            made.append(self._suggestion(wording.SUGGEST.format(label=wording.TRIAL_LABEL), _TRIAL_SEARCH, (action,)))
        return tuple(made)

    def _drafts(self, options: Sequence[Option], label: str, most: int) -> list[Suggestion]:
        """The drug orders of the first options, ready to be completed and signed."""
        occasion, made = self._occasion, list[Suggestion]()
        for option in options:
            if len(made) == most:
                break
            if option.agents and self._knowledge.regimens[option.id].may_be_drafted:
                actions = draft_actions(option, self._knowledge, occasion.patient_id, occasion.encounter_id)
                is_recommended = self._is_recommended(option) and not any(it.is_recommended for it in made)
                drugs = " + ".join(option.agents)
                made.append(
                    self._suggestion(label.format(label=drugs), str(option.id), actions, is_recommended=is_recommended)
                )
        return made

    def _is_recommended(self, option: Option) -> bool:
        """Whether a hospital recommends the regimen and nothing speaks against it for this patient."""
        regimen = self._knowledge.regimens[option.id]
        return regimen.is_overlay and regimen.recommend and option.verdict is Verdict.OFFER

    def _suggestion(
        self, label: str, option: str, actions: tuple[Action, ...], *, is_recommended: bool = False
    ) -> Suggestion:
        return Suggestion(
            label=label, uuid=self._new_uuid(), option=option, actions=actions, is_recommended=is_recommended
        )

    def _headed(self, summary: str) -> str:
        return summary if self._occasion.is_signed else f"{wording.UNSIGNED}: {summary}"

    def _card(
        self,
        topic: str,
        indicator: Indicator,
        summary: str,
        parts: tuple[str, ...],
        concluded: Iterable[object],
        suggestions: tuple[Suggestion, ...] = (),
        links: tuple[Link, ...] = (),
    ) -> Card:
        manifest, occasion = self._knowledge.manifest, self._occasion
        code = f"{TOPIC_PREFIX}{topic}"
        opening = [] if occasion.is_signed else [wording.UNSIGNED_LONG]
        match manifest.freshness(self._advice.as_of):
            case Freshness.EXPIRED:
                opening.append(wording.EXPIRED.format(expires=manifest.expires))
            case Freshness.DUE:
                opening.append(wording.DUE.format(reviewed=manifest.reviewed, due=manifest.due))
        if occasion.is_date_fixed:
            opening.append(wording.FIXED_DATE.format(today=self._advice.as_of))
        opening.extend(not_seen(self._advice))
        detail = "\n\n".join(part for part in (*opening, *parts, limits(self._knowledge)) if part)
        full = self._headed(summary)
        return Card(
            uuid=self._new_uuid(),
            summary=full if len(full) <= _LONGEST_SUMMARY else full[: _LONGEST_SUMMARY - 1] + "…",
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
            fingerprint=fingerprint(code, concluded, self._advice, self._knowledge),
            suggestions=suggestions,
            links=links,
            override_reasons=tuple(
                Coding(code=code, system=_REASON_SYSTEM, display=display) for code, display in wording.OVERRIDES
            ),
        )


def _lines(count: int) -> str:
    return f"{count} finished line{'s' if count != 1 else ''}"
