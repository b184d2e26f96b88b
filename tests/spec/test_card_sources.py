"""Every sentence and figure on every card of the stories is followed to the patient's record or to a source. Source: SAF-01, SAF-03."""

from __future__ import annotations

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import msgspec
import pytest

from cdshooks.cards import wording
from cdshooks.cards.model import Card
from cdshooks.cards.trials_text import phase_of
from cdshooks.ehr.gather import gather_resources
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import SERVICES
from cdshooks.lines.model import EndReason
from cdshooks.options.model import Advice, TrialMatch, Verdict
from cdshooks.options.trials import again
from cdshooks.order_select import conclude
from tests.golden.test_stories import STORIES, Story
from tests.option_cases import TODAY, shipped

NUMBER = re.compile(r"\d+(?:\.\d+)?")
BRACKETS = re.compile(r" \[([^\[\]]*(?:\[[^\]]*\][^\[\]]*)*)\]")
CITES = {it.cite: it for it in shipped().sources.values()}
OWN_RULE = wording.OWN_RULE.strip(" []")
OPINION = wording.OPINION.strip(" []")
COUNTS = re.compile(
    r"and \d+ more|And \d+ more|number \d+ of \d+|^\d+\. |\d+ options?|\d+ points? still open|\d+ so far"
)


def concluded(story: Story) -> tuple[Advice, tuple[Card, ...]]:
    service = next(it for it in SERVICES if it.hook == story.hook)
    request = read_hook_request(service, story.request)
    return conclude(
        request,
        gather_resources(request),
        shipped(),
        as_of=TODAY,
        jurisdiction=story.jurisdiction,
        new_uuid=lambda: "u",
    )


def topic(card: Card) -> str:
    return card.source.topic.code.rsplit("-", 1)[-1]


ANSWERS = {story.folder.name: concluded(story) for story in STORIES}
ALL = [(story, card) for story in STORIES for card in ANSWERS[story.folder.name][1]]
each_card = pytest.mark.parametrize(
    ("story", "card"), ALL, ids=[f"{story.folder.name}: {topic(card)}" for story, card in ALL]
)


def texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for it in value.values():
            yield from texts_of(it)
    elif isinstance(value, (list, tuple)):
        for it in value:
            yield from texts_of(it)


@cache
def sourced() -> tuple[str, ...]:
    """What the knowledge says with a source, or as a question; nothing that is unverified."""
    known = shipped()
    told: list[str] = []
    for criterion in known.criteria.values():
        parts = [criterion.ask, criterion.experts_disagree, criterion.because_unknown]
        if criterion.verified:
            parts += [it for step in criterion.steps for it in (step.because, step.dose_note)]
        told += [it for it in parts if it]
    for regimen in known.regimens.values():
        told += [regimen.label, *(view.text for view in regimen.experts_disagree if view.sources)]
        told += [
            f"{it.measure} {it.text}"
            for trial in regimen.evidence
            if trial.verified
            for it in trial.figures
            if it.verified
        ]
        told += [trial.trial for trial in regimen.evidence if trial.verified]
        told += [status.text for status in regimen.jurisdictions.values()]
    told += [rule.ask for rule in known.gap_rules] + [
        it for fact in known.facts.values() for it in (fact.ask, fact.decides) if it
    ]
    told += [it.label for it in known.tests] + [it.text for it in known.tests]
    told += list(texts_of(msgspec.to_builtins(known.wording)))
    anchor = known.ranking.anchor_after_tdxd
    told += [anchor.text] if anchor is not None else []
    return tuple(told)


def patients_own(story: Story, advice: Advice) -> set[str]:
    """Numbers of the record and of what was made of it: dates, lines, values."""
    told = story.request.decode() + str(msgspec.to_builtins(advice.facts)) + str(msgspec.to_builtins(advice.lines))
    told += str([it.because for it in advice.conflicts]) + str(msgspec.to_builtins(advice.record.doubts))
    return set(NUMBER.findall(told)) | {str(int(float(it))) for it in NUMBER.findall(told) if float(it).is_integer()}


def without_citations(line: str) -> str:
    return BRACKETS.sub("", line)


@each_card
def test_saf_01_a_card_has_its_five_parts_in_order(story: Story, card: Card) -> None:
    words = shipped().wording
    parts = {
        "review": ["**Found for this patient**", "this order", "**Missing or conflicting**", words.not_when],
        "options": [
            "**Found for this patient**",
            words.why_options,
            "**Missing or conflicting**",
            words.options,
            words.not_when,
        ],
        "trials": ["**Found for this patient**", wording.TRIALS, wording.TRIALS_SILENCE, words.not_when],
        "missing": [words.to_find_out, words.not_when],
        "view": ["**Found for this patient**", words.not_when],
    }[topic(card)]
    places = [card.detail.find(it) for it in parts]
    assert -1 not in places, parts[places.index(-1)]
    assert places == sorted(places)
    assert shipped().manifest.version in card.detail


@each_card
def test_saf_01_each_citation_is_a_source_that_somebody_read(story: Story, card: Card) -> None:
    if topic(card) in {"trials", "view", "missing"}:
        return
    for cited in BRACKETS.findall(card.detail):
        rest = cited
        for cite in sorted((it for it in CITES if it in cited), key=len, reverse=True):
            assert CITES[cite].read != "not_read", cite
            rest = rest.replace(cite, "")
        assert rest.replace(OWN_RULE, "").replace(OPINION, "").strip("; ") == "", cited


@each_card
def test_saf_01_each_reason_names_where_it_was_read_or_that_it_was_not(story: Story, card: Card) -> None:
    if topic(card) not in {"review", "options"}:
        return
    advice, _ = ANSWERS[story.folder.name]
    findings = [it for option in advice.options for it in option.findings] + [
        it for order in advice.orders for it in order.reasons
    ]
    for finding in {it.because: it for it in findings if it.effect is not None}.values():
        criterion = shipped().criteria.get(finding.criterion)
        if criterion is None or finding.because.rstrip(".") not in card.detail:
            continue  # about the licence or the hospital: it names its place; or not on this card
        cites = [shipped().sources[it.source].cite for it in criterion.sources]
        assert any(it in card.detail for it in cites) if criterion.verified else OWN_RULE in card.detail, (
            finding.because
        )


@each_card
def test_saf_01_each_figure_is_the_patients_or_a_sources(story: Story, card: Card) -> None:
    if topic(card) not in {"review", "options", "missing"}:
        return  # of trials every word is followed, below
    advice, _ = ANSWERS[story.folder.name]
    own = patients_own(story, advice) | {
        it for field in ("version", "reviewed") for it in NUMBER.findall(str(getattr(shipped().manifest, field)))
    }
    own |= set(NUMBER.findall(str(TODAY)))
    own |= {number for trial in shipped().trials.by_id for number in NUMBER.findall(trial)}
    for line in card.detail.splitlines():
        plain = COUNTS.sub("", without_citations(line))
        allowed = {
            number for text in sourced() if text in line or text.rstrip(".") in line for number in NUMBER.findall(text)
        }
        is_own_rule = OWN_RULE in line or OPINION in line
        unexplained = [it for it in NUMBER.findall(plain) if it not in own and it not in allowed]
        assert is_own_rule or unexplained == [], (line, unexplained)


# ---- trials: every word is the patient's, of the trial's file, or one of our few fixed sentences


FIXED = [
    part
    for name, text in [*vars(wording).items(), *vars(again).items()]
    if name.startswith(("TRIAL_", "SAME_")) and isinstance(text, str)
    for part in re.split(r"\{\w*\}", text)
    if re.search(r"[a-z]", part)
]
FIXED += [
    "Whether it still recruits",
    "Which of these is open",
    "Further criteria: the registry lists only some of them",
    "Central laboratory confirmation",
]
LEFT_OVER = re.compile(r"(?:NCT\d{8}|\d+ recruiting sites?|[\s\d.,;:*()-])*")


def paragraphs_of(card: Card) -> list[tuple[str, str]]:
    """What is told of each trial, with its number."""
    start, end = card.detail.index(wording.TRIALS), card.detail.index(wording.TRIALS_SILENCE)
    told = card.detail[start + len(wording.TRIALS) : end].strip().split("\n\n")
    return [(found[1], it) for it in told if (found := re.match(r"\d\. \*\*(NCT\d{8})\*\*", it))]


def followed(match: TrialMatch, advice: Advice) -> dict[str, str]:
    """Each text that may be told of a trial for a patient -> where it comes from."""
    trial = shipped().trials.by_id[match.nct_id]
    every = [*trial.criteria, *(it for cohort in trial.cohorts for it in cohort.criteria)]
    texts = {it.sentence: f"{trial.nct_id} {', '.join(it.at)}" for it in every if it.at}
    texts |= {it.label: f"{trial.nct_id} cohort" for it in trial.cohorts}
    texts |= {trial.tests: f"{trial.nct_id} tests", phase_of(trial): f"{trial.nct_id} phases"}
    status = match.findings[0].because.split(": ", 1)[1].rstrip(".")
    texts |= {status: "registry", f"(status as of {match.state.status_date})": "registry"}
    for finding in match.findings:
        texts |= dict.fromkeys(finding.observed, ", ".join(finding.evidence) or "nothing on record")
    if match.recovers_on is not None:
        texts[str(match.recovers_on)] = "washout"
    for use in advice.lines.uses:
        if use.outcome is EndReason.PROGRESSION:
            texts |= dict.fromkeys((use.agent, f"{use.agent} ({use.end})"), "a line that ended for progression")
    texts |= dict.fromkeys(trial.drugs, f"{trial.nct_id} drugs")
    texts |= {it.label: "trial terms" for it in shipped().trials.terms.by_id.values() if it.again}
    return texts | {f"{it[0].upper()}{it[1:]}": where for it, where in texts.items() if it}


@each_card
def test_saf_01_each_word_on_a_trial_is_followed_to_the_patient_or_the_trial(story: Story, card: Card) -> None:
    if topic(card) != "trials":
        return
    advice, _ = ANSWERS[story.folder.name]
    matches = {it.nct_id: it for it in advice.trials}
    told = paragraphs_of(card)
    assert told
    for number, paragraph in told:
        sources = followed(matches[number], advice)
        rest = paragraph
        for text in sorted([*filter(None, sources), *FIXED], key=len, reverse=True):
            rest = rest.replace(text, "")
        assert LEFT_OVER.fullmatch(rest), rest


@each_card
def test_saf_01_what_is_told_of_a_patient_beside_a_trial_names_resources_that_were_sent(
    story: Story, card: Card
) -> None:
    if topic(card) != "trials":
        return
    sent = story.request.decode()
    matches = {it.nct_id: it for it in ANSWERS[story.folder.name][0].trials}
    for number, paragraph in paragraphs_of(card):
        for finding in matches[number].findings:
            dated = [it for it in finding.observed if re.search(r"\d{4}-\d{2}", it) and it in paragraph]
            assert not dated or finding.evidence, finding.because
            missing = [it for it in finding.evidence if f'"{it.split("/")[1].partition("#")[0]}"' not in sent]
            assert not missing, (finding.because, missing)


def test_saf_01_no_trial_is_told_of_by_a_criterion_without_its_place_in_the_registry() -> None:
    trials = shipped().trials.by_id.values()
    every = [(it.nct_id, one) for it in trials for one in (*it.criteria, *(c for k in it.cohorts for c in k.criteria))]
    assert [(number, it.id) for number, it in every if not it.at] == []


@each_card
def test_saf_03_at_least_two_options_or_an_explicit_none(story: Story, card: Card) -> None:
    if topic(card) != "options":
        return
    offered = [
        it for it in ANSWERS[story.folder.name][0].options if it.verdict in {Verdict.OFFER, Verdict.OFFER_WITH_WARNING}
    ]
    assert len(offered) >= 2 or "no " in card.summary.lower() or "nothing" in card.summary.lower()


def test_saf_01_every_criterion_that_can_be_told_is_sourced_or_marked() -> None:
    known = shipped()
    for criterion in known.criteria.values():
        read = [it for it in criterion.sources if known.sources[it.source].read != "not_read"]
        assert bool(read) or not criterion.verified, criterion.id


def test_saf_01_an_unverified_figure_is_never_told() -> None:
    hidden = [
        it
        for regimen in shipped().regimens.values()
        for trial in regimen.evidence
        for it in trial.figures
        if not (it.verified and trial.verified)
    ]
    told = "\n".join(card.detail for _, card in ALL)
    names = {f"{it.measure} {it.text}" for it in hidden if NUMBER.search(it.text)} - set(sourced())
    assert [it for it in names if it in told] == []


def test_the_stories_show_all_kinds_of_cards() -> None:
    assert {topic(card) for _, card in ALL} == {"review", "options", "trials", "missing", "view"}
