"""Taking something out of a record never makes us surer: what is gone is unknown and asked for, or silence that is called so. Source: SAF-09."""

from __future__ import annotations

import msgspec
import pytest

from cdshooks.knowledge.criteria import ComponentInFact, FactLeaf, leaves_of
from cdshooks.knowledge.ids import FactId, RegimenId
from cdshooks.options.model import Advice, Option, Outcome, Verdict
from cdshooks.record.model import Biomarker, Certainty, PatientRecord
from tests.option_cases import (
    FIT,
    NAIVE_TO_TDXD,
    THREE_LINES,
    advice_of,
    but,
    comed,
    history,
    illness,
    measured,
    patient,
    receptor,
    shipped,
    toxicity,
)

HISTORIES = ["", NAIVE_TO_TDXD, THREE_LINES]
INPUTS = ("measurements", "receptors", "biomarkers", "toxicities", "diagnoses", "comedications", "metastases", "cns")
WORSE = [Verdict.OFFER, Verdict.OFFER_WITH_WARNING, Verdict.HOLD, Verdict.NOT_APPLICABLE, Verdict.EXCLUDE]
RECORDS: list[PatientRecord] = [
    patient(),
    patient(
        biomarkers=(Biomarker(marker="dpyd", value="intermediate", evidence=()),),
        toxicities=(
            toxicity("ild", 1, "trastuzumab deruxtecan", is_resolved=True),
            toxicity("neuropathy", 2),
            toxicity("diarrhoea", certainty=Certainty.REFUTED),
        ),
    ),
    patient(
        measurements=but(measured("lvef_percent", 44.0), measured("crcl", 38.0), measured("anc", 0.8)),
        comedications=(comed("ppi"), comed("strong_cyp2c8_inhibitor")),
        diagnoses=(illness("copd"), illness("diabetes_type1")),
    ),
    patient(
        receptors=(receptor("her2", "low"), receptor("er", "positive"), receptor("pr", "negative")),
        measurements=but(measured("ecog", 3.0), measured("platelets", 40.0), measured("bilirubin", 3.0, times_upper_limit=2.5)),
        toxicities=(toxicity("ild", 3, "trastuzumab deruxtecan"), toxicity("nrh")),
    ),
]  # fmt: skip

NOT_ASKED = {
    "tempo": "a judgement of the clinician who reads the card",
    "child_pugh": "asked by bilirubin: a class is worked out only where the liver is ill",
    "qtc_ms": "labels ask for an ECG only where a drug or an illness gives reason",
    "leptomeningeal": "imaged only where symptoms suggest it",
    "lvef_drop_points": "needs an earlier echocardiogram; LVEF itself is asked for",
    "ild_history": "asked for by its grade where it closes a drug; of the other drugs it asks for care",
    "diarrhoea_grade": "the trials' own exclusion, read in no label",
}
"""Facts that a criterion looks at and no card asks for, each with its reason."""


def removable() -> list[tuple[int, str, int]]:
    """Each single entry of each record."""
    found = []
    for number, record in enumerate(RECORDS):
        for member in INPUTS:
            held = getattr(record, member)
            count = 1 if member == "cns" and held is not None else len(held or ())
            found += [(number, member, place) for place in range(count)]
    return found


of_each_history = pytest.mark.parametrize("lines", HISTORIES, ids=["untreated", "naive to T-DXd", "after T-DXd"])
each_removal = pytest.mark.parametrize("removed", removable(), ids=lambda it: "-".join(map(str, it)))


def without(record: PatientRecord, member: str, place: int) -> PatientRecord:
    if member == "cns":
        return msgspec.structs.replace(record, cns=None)
    held = getattr(record, member)
    return msgspec.structs.replace(record, **{member: (*held[:place], *held[place + 1 :])})


def facts_of(criterion: str) -> set[FactId]:
    known = shipped().criteria.get(criterion)  # type: ignore[call-overload]
    if known is None:
        return set()
    leaves = [leaf for step in known.steps for leaf in leaves_of(step.requires)]
    return {it.fact for it in leaves if isinstance(it, FactLeaf | ComponentInFact)}


def changed(before: Advice, after: Advice) -> dict[FactId, bool]:
    """The facts that are not what they were, and whether each is marked as silence now; of a list, what is no longer in it."""
    had = {it.id: it for it in before.facts}
    lists = {it for it, definition in shipped().facts.items() if definition.is_closed and definition.type == "set"}
    return {it.id: it.is_silence or it.id in lists for it in after.facts if it.value != had[it.id].value}


def with_and_without(
    lines: str, removed: tuple[int, str, int]
) -> tuple[Advice, dict[FactId, bool], dict[RegimenId, Option]]:
    """The advice when an entry of a record is taken away, the facts that changed by it, and the options as they were."""
    number, member, place = removed
    full = RECORDS[number]
    before = advice_of(full, history(lines))
    after = advice_of(without(full, member, place), history(lines))
    return after, changed(before, after), {it.id: it for it in before.options}


@of_each_history
@each_removal
def test_saf_09_what_is_taken_away_never_lets_a_criterion_hold_unless_silence_is_marked(
    lines: str, removed: tuple[int, str, int]
) -> None:
    after, moved, had = with_and_without(lines, removed)
    for option in after.options:
        if option.agents != had[option.id].agents:
            continue  # another partner is another treatment
        was = {(it.criterion, it.about): it.outcome for it in had[option.id].findings}
        for finding in option.findings:
            old = was.get((finding.criterion, finding.about))
            if finding.outcome is Outcome.MET and old in {Outcome.NOT_MET, Outcome.REVIEW, Outcome.UNKNOWN}:
                told = {it for it in facts_of(str(finding.criterion)) if it in moved}
                assert told, (option.id, finding)
                assert all(moved[it] for it in told), (option.id, finding, {it: moved[it] for it in told})


@of_each_history
@each_removal
def test_saf_09_a_verdict_grows_kinder_only_with_a_question_or_with_silence_that_is_marked(
    lines: str, removed: tuple[int, str, int]
) -> None:
    after, moved, had = with_and_without(lines, removed)
    for option in after.options:
        old = had[option.id]
        if option.agents != old.agents or WORSE.index(option.verdict) >= WORSE.index(old.verdict):
            continue
        asked = {ask.fact for ask in option.asks} | {it.missing for it in option.findings if it.missing}
        assert any(is_silence for is_silence in moved.values()) or asked & set(moved), (option.id, moved)
        if option.rank is None:
            continue
        gaps = {gap.fact for gap in after.gaps}
        assert {ask.fact for ask in option.asks} <= gaps
        held_against = {it.criterion for it in old.findings if it.effect is not None and it.outcome is Outcome.NOT_MET}
        for finding in option.findings:
            if finding.criterion in held_against and finding.outcome is Outcome.UNKNOWN and finding.missing:
                assert finding.missing in gaps | set(NOT_ASKED), (option.id, finding)


@of_each_history
@pytest.mark.parametrize("place", range(len(FIT["measurements"])), ids=lambda it: FIT["measurements"][it].fact)
def test_saf_09_a_measurement_that_is_gone_is_unknown_and_never_normal(lines: str, place: int) -> None:
    gone = FIT["measurements"][place].fact
    after = advice_of(without(patient(), "measurements", place), history(lines))
    left = {it.id: it for it in after.facts}
    for fact_id, definition in shipped().facts.items():
        if definition.reads is not None and definition.reads.measurement == gone and fact_id in left:
            assert left[fact_id].value is None, fact_id


def test_saf_09_the_law_can_fail() -> None:
    """A criterion that takes the unknown for well would be caught: the neuropathy of a patient is taken away, and nobody asks."""
    full = patient(toxicities=(toxicity("neuropathy", 3),))
    before, after = advice_of(full), advice_of(without(full, "toxicities", 0))
    moved = changed(before, after)
    assert FactId("neuropathy_grade") in moved
    assert not moved[FactId("neuropathy_grade")]  # unknown, no silence that means no
    asking = [
        it for it in after.options if it.rank is not None and any(ask.fact == "neuropathy_grade" for ask in it.asks)
    ]
    assert asking
