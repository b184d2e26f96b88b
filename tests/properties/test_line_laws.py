"""What holds for the lines of every patient, however the record is told."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.lines.model import EndReason
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import (
    Certainty,
    DiseaseStatus,
    Exposure,
    Metastasis,
    PatientRecord,
    Person,
    Proof,
    StopReason,
)
from cdshooks.record.read import read_patient_record
from tests.fhir import condition, drug, resources_of
from tests.histories.drawn import history_of, shipped

FIRST = date(2016, 1, 4)
NOBODY = Person(id=None, birth=None, sex=None, is_deceased=False, is_replaced=False, postal_code=None, country=None)
AGENTS = (
    "trastuzumab",
    "pertuzumab",
    "docetaxel",
    "paclitaxel",
    "trastuzumab emtansine",
    "trastuzumab deruxtecan",
    "tucatinib",
    "capecitabine",
    "vinorelbine",
    "letrozole",
    "fulvestrant",
    "doxorubicin",
    "zoledronic acid",
    "investigational",
)
LAW = settings(max_examples=60, deadline=None)


def day(number):
    return PartialDate.from_day(FIRST + timedelta(number))


@st.composite
def exposures(draw):
    start = draw(st.integers(0, 2500))
    length = draw(st.integers(0, 500))
    is_open = draw(st.booleans()) and start > 2000
    index = draw(st.integers(0, 10**9))
    return Exposure(
        agent=AgentId(draw(st.sampled_from(AGENTS))),
        start=day(start),
        end=None if is_open else day(start + length),
        is_open=is_open,
        is_single_dose=not is_open and length == 0,
        proof=draw(st.sampled_from([Proof.GIVEN, Proof.ORDERED, Proof.STATED])),
        stopped_for=None if is_open else draw(st.sampled_from([None, None, *StopReason])),
        evidence=(ResourceRef(f"MedicationStatement/{index}"),),
    )


@st.composite
def records(draw, min_size=0):
    known = draw(st.lists(exposures(), min_size=min_size, max_size=9, unique_by=lambda it: it.evidence))
    since = draw(st.one_of(st.none(), st.integers(0, 1500)))
    progressions = draw(st.lists(st.integers(0, 2800), max_size=3, unique=True))
    return PatientRecord(
        person=NOBODY,
        exposures=tuple(known),
        metastases=()
        if since is None
        else (
            Metastasis(
                site="liver",
                date=day(since),
                basis=draw(st.sampled_from(["condition-onset", "condition-recorded"])),
                certainty=Certainty.CONFIRMED,
                evidence=(ResourceRef("Condition/met"),),
            ),
        ),
        statuses=tuple(
            DiseaseStatus(
                trend="progression", focus="overall", date=day(it), evidence=(ResourceRef(f"Observation/{it}"),)
            )
            for it in progressions
        ),
    )


def shape(history):
    return [
        (it.number, it.agents, it.start, it.end, it.end_reason, it.opened_by) for it in (*history.early, *history.lines)
    ]


@LAW
@given(records(), st.randoms(use_true_random=False))
def test_the_order_of_records_never_matters(record, chance):
    shuffled = list(record.exposures)
    chance.shuffle(shuffled)
    assert history_of(msgspec.structs.replace(record, exposures=tuple(shuffled))) == history_of(record)


@LAW
@given(records())
def test_a_record_sent_twice_changes_nothing(record):
    twice = msgspec.structs.replace(record, exposures=record.exposures + record.exposures)
    assert shape(history_of(twice)) == shape(history_of(record))


@LAW
@given(records())
def test_the_range_contains_the_count_and_the_alternatives_explain_it(record):
    history = history_of(record)
    counts = history.counts
    assert counts.min <= counts.metastatic_lines <= counts.max
    assert counts.metastatic_lines == len(history.lines)
    assert (counts.min < counts.metastatic_lines) == any(
        it.delta < 0 for it in history.alternatives if counts.metastatic_lines
    )
    assert (counts.max > counts.metastatic_lines) == any(it.delta > 0 for it in history.alternatives)
    assert all(it.because and it.delta for it in history.alternatives)


@LAW
@given(records())
def test_lines_are_numbered_in_order_and_each_names_its_rule_and_records(record):
    history = history_of(record)
    assert [it.number for it in history.lines] == list(range(1, len(history.lines) + 1))
    starts = [it.start.first for it in history.lines]
    assert starts == sorted(starts)
    assert all(it.agents and it.evidence and it.opened_by for it in history.lines)
    assert all((it.end is None) == (it.end_reason is EndReason.ONGOING) for it in history.lines)


@LAW
@given(records())
def test_no_line_and_no_early_regimen_without_a_drug_of_the_record(record):
    history = history_of(record)
    taken = {it.agent for it in record.exposures}
    assert {agent for line in (*history.early, *history.lines) for agent in line.agents} <= taken
    if not record.metastases:
        assert history.lines == ()


@LAW
@given(records())
def test_without_a_word_of_progression_no_drug_has_failed(record):
    silent = tuple(
        msgspec.structs.replace(it, stopped_for=None if it.stopped_for is StopReason.PROGRESSION else it.stopped_for)
        for it in record.exposures
    )
    history = history_of(msgspec.structs.replace(record, exposures=silent, statuses=()))
    assert all(it.outcome is not EndReason.PROGRESSION for it in history.uses)


@LAW
@given(records(min_size=1), st.data())
def test_no_day_is_invented(record, chance):
    """A start known to the month stays a month in the line that it opens."""
    chosen = chance.draw(st.integers(0, len(record.exposures) - 1))
    it = record.exposures[chosen]
    month = PartialDate.from_fhir(it.start.first.isoformat()[:7])
    vague = msgspec.structs.replace(it, start=month, end=None, is_open=False, is_single_dose=False)
    history = history_of(msgspec.structs.replace(record, exposures=(vague,)))
    assert all(line.start == month for line in (*history.early, *history.lines))


@LAW
@given(st.integers(2, 8), st.sampled_from(["trastuzumab emtansine", "trastuzumab deruxtecan", "docetaxel"]))
def test_a_course_told_dose_by_dose_is_the_same_line(cycles, agent):
    def dose(start, end, index):
        return Exposure(
            agent=AgentId(agent),
            start=day(start),
            end=day(end),
            is_open=False,
            is_single_dose=start == end,
            proof=Proof.GIVEN,
            evidence=(ResourceRef(f"MedicationAdministration/{index}"),),
        )

    met = Metastasis(
        site="liver",
        date=day(0),
        basis="condition-onset",
        certainty=Certainty.CONFIRMED,
        evidence=(ResourceRef("Condition/m"),),
    )
    last = 21 * (cycles - 1)
    whole = PatientRecord(person=NOBODY, exposures=(dose(0, last, 0),), metastases=(met,))
    split = PatientRecord(
        person=NOBODY, exposures=tuple(dose(21 * it, 21 * it, it) for it in range(cycles)), metastases=(met,)
    )
    one, other = history_of(whole), history_of(split)
    assert [(it.number, it.agents, it.start) for it in one.lines] == [
        (it.number, it.agents, it.start) for it in other.lines
    ]
    assert one.counts == other.counts


@LAW
@given(records(min_size=1), exposures())
def test_a_later_record_never_moves_the_start_of_an_earlier_line(record, later):
    history = history_of(record)
    last = max(it.end.last if it.end else it.start.last for it in record.exposures)
    shift = (last - FIRST).days + 200
    if FIRST + timedelta(shift) > date(2026, 6, 1):
        return
    added = msgspec.structs.replace(later, start=day(shift), end=day(shift + 100), is_open=False, is_single_dose=False)
    after = history_of(msgspec.structs.replace(record, exposures=(*record.exposures, added)))
    assert [it.start for it in after.lines][: len(history.lines)] == [it.start for it in history.lines]


REGIMENS = (
    ("trastuzumab", "pertuzumab", "docetaxel"),
    ("trastuzumab emtansine",),
    ("trastuzumab deruxtecan",),
    ("tucatinib", "capecitabine", "trastuzumab"),
    ("trastuzumab", "vinorelbine"),
    ("lapatinib", "capecitabine"),
    ("letrozole",),
)


@st.composite
def treated_in_turn(draw):
    """A metastatic patient who gets one regimen after the other, each stated as one course, longer than residue may last."""
    at, known = 0, []
    for number, agents in enumerate(draw(st.lists(st.sampled_from(REGIMENS), min_size=1, max_size=5))):
        length, pause = draw(st.integers(60, 400)), draw(st.integers(1, 60))
        known.extend(
            Exposure(
                agent=AgentId(agent),
                start=day(at),
                end=day(at + length),
                is_open=False,
                is_single_dose=False,
                proof=Proof.STATED,
                stopped_for=draw(st.sampled_from([None, StopReason.PROGRESSION, StopReason.TOXICITY])),
                evidence=(ResourceRef(f"MedicationStatement/{number}-{agent}"),),
            )
            for agent in agents
        )
        at += length + pause
    met = Metastasis(
        site="liver",
        date=day(0),
        basis="condition-onset",
        certainty=Certainty.CONFIRMED,
        evidence=(ResourceRef("Condition/m"),),
    )
    return PatientRecord(person=NOBODY, exposures=tuple(known), metastases=(met,))


@LAW
@given(treated_in_turn(), st.data())
def test_removing_a_stop_date_never_adds_a_line(record, chance):
    chosen = chance.draw(st.integers(0, len(record.exposures) - 1))
    is_open = chance.draw(st.booleans())
    endless = tuple(
        msgspec.structs.replace(it, end=None, is_open=is_open, stopped_for=None if is_open else it.stopped_for)
        if index == chosen
        else it
        for index, it in enumerate(record.exposures)
    )
    after = history_of(msgspec.structs.replace(record, exposures=endless))
    assert len(after.lines) <= len(history_of(record).lines)


@LAW
@given(treated_in_turn(), st.data())
def test_courses_told_by_orders_or_by_every_cycle_are_the_same_lines(record, chance):
    """A course known by its doses, one a cycle, makes the lines that the course itself makes; so does an order for it."""
    told = []
    for index, it in enumerate(record.exposures):
        how = chance.draw(st.sampled_from(["course", "order", "doses"]))
        last = (it.end.first - it.start.first).days
        if how == "doses" and it.agent not in {"capecitabine", "tucatinib", "lapatinib", "letrozole"}:
            days = [*range(0, last, 21), last]
            told += [
                msgspec.structs.replace(
                    it,
                    start=it.start.plus_days(after),
                    end=it.start.plus_days(after),
                    is_single_dose=True,
                    proof=Proof.GIVEN,
                    stopped_for=it.stopped_for if after == last else None,
                    evidence=(ResourceRef(f"MedicationAdministration/{index}-{after}"),),
                )
                for after in days
            ]
        else:
            told.append(msgspec.structs.replace(it, proof=Proof.ORDERED if how == "order" else it.proof))
    one, other = history_of(record), history_of(msgspec.structs.replace(record, exposures=tuple(told)))
    assert [(it.number, it.agents, it.start) for it in other.lines] == [
        (it.number, it.agents, it.start) for it in one.lines
    ]


NAMES = {
    "trastuzumab": ("trastuzumab", "Herceptin", "trastuzumab-dkst (OGIVRI)", "Herceptin Hylecta"),
    "pertuzumab": ("pertuzumab", "Perjeta 420 mg"),
    "docetaxel": ("docetaxel", "Taxotere"),
    "trastuzumab emtansine": ("ado-trastuzumab emtansine", "Kadcyla"),
    "trastuzumab deruxtecan": ("fam-trastuzumab deruxtecan-nxki", "Enhertu 100 mg vial"),
    "tucatinib": ("tucatinib", "Tukysa"),
    "capecitabine": ("capecitabine", "Xeloda 500 mg tablet"),
    "vinorelbine": ("vinorelbine", "Navelbine"),
    "lapatinib": ("lapatinib", "Tykerb"),
    "letrozole": ("letrozole", "Femara"),
}


def told_as(kind, name, it, index):
    period = {"start": it.start.as_fhir(), "end": it.end.as_fhir()}
    when = (
        {"dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": period}}}], "intent": "order"}
        if kind == "MedicationRequest"
        else {"effectivePeriod": period}
    )
    return drug(kind, name, id=f"{kind}-{index}", **when)


@LAW
@given(
    treated_in_turn(),
    st.sampled_from(["MedicationStatement", "MedicationRequest", "MedicationAdministration"]),
    st.randoms(use_true_random=False),
)
def test_brand_biosimilar_route_and_kind_of_record_never_change_the_lines(record, kind, chance):
    met = condition("C78.7", id="m", onsetDateTime=FIRST.isoformat())
    plain = [told_as("MedicationStatement", it.agent, it, index) for index, it in enumerate(record.exposures)]
    other = [told_as(kind, chance.choice(NAMES[it.agent]), it, index) for index, it in enumerate(record.exposures)]
    histories = [
        history_of(read_patient_record(resources_of(met, *resources), shipped())) for resources in (plain, other)
    ]
    one, two = ([(it.number, it.agents, it.start, it.end) for it in history.lines] for history in histories)
    assert one == two
