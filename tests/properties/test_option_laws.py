"""Laws of judging: dangers never help, knowing more never takes back, wishes never decide what is safe."""

from __future__ import annotations

from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.knowledge.load import Knowledge
from cdshooks.options.judgement import Judgement
from cdshooks.options.model import Option, Verdict
from cdshooks.record.model import Biomarker, Certainty, PatientRecord
from tests.option_cases import (
    FIT,
    NAIVE_TO_TDXD,
    THREE_LINES,
    advice_of,
    brain,
    but,
    comed,
    history,
    illness,
    measured,
    options_of,
    patient,
    receptor,
    shipped,
    toxicity,
    wish,
)
from tests.option_samples import sample_knowledge

BOUNDED = settings(max_examples=40, deadline=None)
WORSE = [
    Verdict.OFFER,
    Verdict.OFFER_WITH_WARNING,
    Verdict.HOLD,
    Verdict.NOT_APPLICABLE,
    Verdict.EXCLUDE,
]
OFFERED = {Verdict.OFFER, Verdict.OFFER_WITH_WARNING}
HISTORIES = ["", NAIVE_TO_TDXD, THREE_LINES]
MEASUREMENTS = FIT["measurements"]
WISHES = ["avoid-hair-loss", "avoid-fatigue", "avoid-neuropathy", "prefer-oral", "prefer-home", "chemo-free"]
DANGERS: list[dict[str, Any]] = [
    {"toxicities": (toxicity("ild", 3, "trastuzumab deruxtecan"),)},
    {"toxicities": (toxicity("ild", 1, "trastuzumab emtansine"),)},
    {"toxicities": (toxicity("ild", None),)},
    {"toxicities": (toxicity("nrh"),)},
    {"toxicities": (toxicity("neuropathy", 3),)},
    {"toxicities": (toxicity("diarrhoea", 3),)},
    {"toxicities": (toxicity("heart_failure", 3),)},
    {"toxicities": (toxicity("hypersensitivity", 4, "docetaxel"),)},
    {"toxicities": (toxicity("keratitis", 2),)},
    {"comedications": (comed("ppi"),)},
    {"comedications": (comed("strong_cyp2c8_inhibitor"), comed("strong_cyp3a4_inducer"))},
    {"comedications": (comed("coumarin"),)},
    {"diagnoses": (illness("pregnancy", "reproductive", "2026-09-01"),)},
    {"diagnoses": (illness("diabetes_type1"),)},
    {"measurements": but(measured("anc", 0.4))},
    {"measurements": but(measured("platelets", 30.0))},
    {"measurements": but(measured("crcl", 20.0))},
    {"measurements": but(measured("lvef_percent", 30.0))},
    {"measurements": but(measured("ecog", 4.0))},
]


def knowledge() -> Knowledge:
    return shipped() if shipped().regimens else sample_knowledge()


def judged(record: PatientRecord, lines: str) -> dict[str, Option]:
    return options_of(advice_of(record, history(lines), knowledge=knowledge()))


@BOUNDED
@given(st.sampled_from(HISTORIES), st.sampled_from(DANGERS), st.sampled_from(["positive", "negative"]))
def test_adding_a_danger_never_improves_a_verdict(lines: str, danger: dict[str, Any], er: str) -> None:
    receptors = (receptor("her2", "positive"), receptor("er", er), receptor("pr", er))
    # heart and nerves are known to be well, so that a danger is learnt and not merely something unknown
    known = {
        "toxicities": tuple(toxicity(kind, certainty=Certainty.REFUTED) for kind in ("ild", "neuropathy", "diarrhoea"))
    }
    before = judged(patient(receptors=receptors, **known), lines)
    added = {name: (*known.get(name, ()), *told) if name != "measurements" else told for name, told in danger.items()}
    after = judged(patient(receptors=receptors, **(known | added)), lines)
    for name, option in after.items():
        if option.agents == before[name].agents:  # another partner is another treatment
            assert WORSE.index(option.verdict) >= WORSE.index(before[name].verdict), name


@BOUNDED
@given(st.sampled_from(HISTORIES), st.sets(st.integers(0, len(MEASUREMENTS) - 1)), st.booleans(), st.booleans())
def test_learning_what_was_unknown_never_overturns_a_settled_finding(
    lines: str, hidden: set[int], hides_brain: object, hides_markers: object
) -> None:
    markers = (Biomarker(marker="dpyd", value="intermediate", evidence=()),)
    full = patient(biomarkers=markers)
    sparse = msgspec.structs.replace(
        full,
        measurements=tuple(it for number, it in enumerate(MEASUREMENTS) if number not in hidden),
        cns=None if hides_brain else full.cns,
        biomarkers=() if hides_markers else markers,
    )
    before, after = judged(sparse, lines), judged(full, lines)
    for name, option in before.items():
        if option.agents != after[name].agents:
            continue
        now = {(it.criterion): it.outcome for it in after[name].findings}
        for finding in option.findings:
            if (
                finding.outcome.value in {"met", "not_met"}
                and sum(it.criterion == finding.criterion for it in option.findings) == 1
            ):
                assert now[finding.criterion] is finding.outcome, (name, finding)


@BOUNDED
@given(st.sampled_from(HISTORIES), st.sets(st.sampled_from(WISHES)), st.sampled_from([{}, *DANGERS]))
def test_a_wish_changes_no_verdict(lines: str, wishes: set[str], danger: dict[str, Any]) -> None:
    plain = judged(patient(**danger), lines)
    wished = judged(patient(**danger, wishes=tuple(wish(it) for it in sorted(wishes))), lines)
    assert {name: it.verdict for name, it in plain.items()} == {name: it.verdict for name, it in wished.items()}


@BOUNDED
@given(
    st.sampled_from(HISTORIES),
    st.sampled_from(["none", "active_not_urgent", "leptomeningeal"]),
    st.sampled_from(["US", "EU", "CN"]),
)
def test_no_drug_is_offered_in_pregnancy(lines: str, state: str, where: str) -> None:
    record = patient(cns=brain(state), diagnoses=(illness("pregnancy", "reproductive", "2026-09-01"),))
    advice = advice_of(record, history(lines), knowledge=knowledge(), jurisdiction=where)
    for option in advice.options:
        if option.agents and knowledge().regimens[option.id].role != "local":
            assert option.verdict not in OFFERED, option.id
    assert any("obstetric" in gap.ask for gap in advice.gaps)


@BOUNDED
@given(
    st.sampled_from(HISTORIES),
    st.sampled_from([{}, *DANGERS]),
    st.lists(st.tuples(st.sampled_from(HISTORIES), st.sampled_from([{}, *DANGERS])), max_size=3),
    st.sampled_from(["US", "EU", "CN"]),
)
def test_who_was_judged_before_changes_nothing(
    lines: str, danger: dict[str, Any], before: list[tuple[str, dict[str, Any]]], where: str
) -> None:
    """Answers that rest on the silence of the record are shared between patients; nothing of a patient may go with them."""
    rules = shipped().rules
    alone, after_others = (
        msgspec.structs.replace(shipped(), rules=msgspec.structs.replace(rules, of_silence={})) for _ in range(2)
    )
    for had, ill in before:
        advice_of(patient(**ill), history(had), knowledge=after_others, jurisdiction=where)
    asked = {"knowledge": alone, "jurisdiction": where}
    told = advice_of(patient(**danger), history(lines), **asked)
    assert advice_of(patient(**danger), history(lines), **(asked | {"knowledge": after_others})).options == told.options


def test_an_answer_that_is_shared_names_no_resource_and_no_day() -> None:
    for danger in ({}, *DANGERS):
        advice_of(patient(**danger), history(THREE_LINES))
    shared = list(shipped().rules.of_silence.values())
    findings = [it.finding for it in shared if isinstance(it, Judgement)]
    assert len(findings) > 50
    assert [it.criterion for it in findings if it.evidence or "2026" in it.because] == []


@BOUNDED
@given(st.permutations(range(len(MEASUREMENTS))), st.permutations(range(3)), st.permutations(range(4)))
def test_the_order_of_the_record_is_irrelevant(
    measurements: list[int], receptors: list[int], toxicities: list[int]
) -> None:
    ills = (toxicity("ild", 1), toxicity("ild", 2), toxicity("neuropathy", 1), toxicity("nrh"))
    tests = FIT["receptors"]
    known = judged(patient(toxicities=ills), THREE_LINES)
    mixed = patient(
        measurements=tuple(MEASUREMENTS[it] for it in measurements),
        receptors=tuple(tests[it] for it in receptors),
        toxicities=tuple(ills[it] for it in toxicities),
    )
    again = judged(mixed, THREE_LINES)
    assert {name: (it.verdict, it.rank) for name, it in known.items()} == {
        name: (it.verdict, it.rank) for name, it in again.items()
    }


@BOUNDED
@given(st.sampled_from(HISTORIES), st.sampled_from([{}, *DANGERS]), st.sampled_from(["US", "EU", "CN"]))
def test_every_regimen_is_judged_and_every_criterion_answered(lines: str, danger: dict[str, Any], where: str) -> None:
    advice = advice_of(patient(**danger), history(lines), knowledge=knowledge(), jurisdiction=where)
    assert {it.id for it in advice.options} == set(knowledge().regimens)
    for rules in knowledge().rules.regimens:
        option = next(it for it in advice.options if it.id == rules.regimen.id)
        answered = {it.criterion for it in option.findings}
        assert {it.criterion.id for it in rules.whole} <= answered
    ranks = sorted(it.rank for it in advice.options if it.rank is not None)
    assert ranks == list(range(1, len(ranks) + 1))
