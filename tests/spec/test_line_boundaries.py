"""Each line rule on the last day that it holds and on the first day that it does not. Source: lines-of-therapy, R4 to R15."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from cdshooks.knowledge.ids import AgentId, ResourceRef
from cdshooks.lines.courses import build_runs
from cdshooks.lines.model import Confidence, EndReason
from cdshooks.lines.sentences import CONFIDENCE
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Suggested, Unmapped
from tests.histories.drawn import TODAY, history_of, record_of, shipped

START = date(2021, 1, 4)


def on(days):
    return (START + timedelta(days)).isoformat()


def lines_of(*drawn, **more):
    """The number of lines of courses drawn as (agent, first day, last day[, reason]); the last day None goes on."""
    table = "agent | start | end | stopped for\n" + "\n".join(
        f"{agent} | {on(start)} | {on(end) if end is not None else ''} | {rest[0] if rest else ''}"
        for agent, start, end, *rest in drawn
    )
    more.setdefault("metastatic", on(0))
    more["progression"] = tuple(on(it) for it in more.get("progression", ()))
    return history_of(record_of(table, **more))


def codes(history):
    return {it.code for it in history.alternatives}


T, P, D = "trastuzumab", "pertuzumab", "docetaxel"


@pytest.mark.parametrize(("joined", "lines"), [(28, 1), (29, 2)])
def test_r8_a_drug_within_28_days_belongs_to_the_regimen(joined, lines):
    assert len(lines_of((T, 0, 400), ("vinorelbine", joined, 400)).lines) == lines


@pytest.mark.parametrize(("gap", "lines", "doubts"), [(90, 1, False), (91, 1, True), (180, 1, True), (181, 2, True)])
def test_r10_a_break_of_the_same_regimen(gap, lines, doubts):
    history = lines_of((T, 0, 200), ("vinorelbine", 0, 200), (T, 200 + gap, None), ("vinorelbine", 200 + gap, None))
    assert len(history.lines) == lines
    assert bool(history.alternatives) == doubts


@pytest.mark.parametrize(("gap", "is_open_question"), [(365, True), (366, False)])
def test_r11_a_rechallenge_within_a_year_could_be_the_same_line(gap, is_open_question):
    history = lines_of((T, 0, 200), ("vinorelbine", 0, 200), (T, 200 + gap, 900), ("vinorelbine", 200 + gap, 900))
    assert len(history.lines) == 2
    assert ("RECHALLENGE" in codes(history)) == is_open_question


@pytest.mark.parametrize("gap", [91, 180, 181, 365, 1500])
def test_r9_a_line_that_ended_in_progression_is_over_however_long_ago_that_was(gap):
    ended = ((T, 0, 200, "progression"), ("vinorelbine", 0, 200, "progression"))
    again = lines_of(*ended, (T, 200 + gap, None), ("vinorelbine", 200 + gap, None))
    assert len(again.lines) == 2
    assert "RECHALLENGE" not in codes(again)
    assert [it.because for it in again.firings if it.rule == "R11-rechallenge"] == [
        "Given again after progression: trastuzumab, vinorelbine."
    ]


@pytest.mark.parametrize(("back", "has_progressed"), [(180, True), (181, False)])
def test_r9_a_drug_stopped_for_progression_while_others_went_on_counts_for_180_days(back, has_progressed):
    history = lines_of((T, 0, 400), (D, 0, 400 - back, "progression"), ("trastuzumab emtansine", 400, None))
    assert [("after progression" in it.because) for it in history.firings if it.rule == "R9-new-agent"] == [
        has_progressed
    ]


@pytest.mark.parametrize(("gap", "lines"), [(45, 1), (46, 2)])
def test_r10_a_taxane_may_replace_a_taxane_within_45_days(gap, lines):
    assert len(lines_of((T, 0, 400), (D, 0, 60), ("paclitaxel", 60 + gap, 300)).lines) == lines


@pytest.mark.parametrize(("joined", "lines"), [(60, 1), (61, 2)])
def test_r10_an_antibody_partner_may_join_within_60_days(joined, lines):
    history = lines_of((T, 0, 400), (D, 0, 120), (P, joined, 400))
    assert len(history.lines) == lines
    assert ("LATE_PARTNER" in codes(history)) == (lines == 1)


@pytest.mark.parametrize(("gap", "lines"), [(90, 1), (91, 2)])
def test_r12_endocrine_therapy_alone_after_the_antibody_stopped(gap, lines):
    assert len(lines_of((T, 0, 200), (D, 0, 120), ("letrozole", 200 + gap, 700)).lines) == lines


@pytest.mark.parametrize(("gap", "lines"), [(42, 1), (43, 2)])
def test_r10_the_planned_sequence_of_anthracycline_and_taxane(gap, lines):
    history = lines_of(
        ("doxorubicin", 0, 63), ("cyclophosphamide", 0, 63), (D, 63 + gap, 200), (T, 63 + gap, 500), (P, 63 + gap, 500)
    )
    assert len(history.lines) == lines
    assert ("SEQUENCE" in codes(history)) == (lines == 1)


@pytest.mark.parametrize(("gap", "lines"), [(90, 1), (91, 2)])
@pytest.mark.parametrize("added", ["palbociclib", "tucatinib"])
def test_r10_maintenance_may_be_intensified_within_90_days_of_the_taxane(added, gap, lines):
    history = lines_of((T, 0, 900), (P, 0, 900), (D, 0, 120), (added, 120 + gap, 900))
    assert len(history.lines) == lines
    assert ("INTENSIFY" in codes(history)) == (lines == 1)


@pytest.mark.parametrize(("lingers", "kept"), [(42, False), (43, True)])
def test_r13_an_old_drug_that_lingers_up_to_42_days_is_residue(lingers, kept):
    history = lines_of((T, 0, 200), ("capecitabine", 0, 200 + lingers), ("vinorelbine", 200, 500))
    assert ("capecitabine" in history.lines[-1].agents) == kept


@pytest.mark.parametrize(("runs_on", "kept"), [(30, False), (31, True)])
def test_r8_an_antibody_kept_more_than_30_days_is_part_of_the_new_regimen(runs_on, kept):
    history = lines_of((T, 0, 200 + runs_on), ("capecitabine", 0, 200), ("vinorelbine", 200, 500))
    assert (T in history.lines[-1].agents) == kept


@pytest.mark.parametrize(("before", "lines"), [(30, 1), (31, 0)])
def test_r6_treatment_up_to_30_days_before_the_metastatic_day_is_metastatic(before, lines):
    assert len(lines_of(("letrozole", -before, -before + 20), metastatic=on(0)).lines) == lines


@pytest.mark.parametrize(("back", "is_progression"), [(120, True), (121, False)])
def test_r9_a_progression_counts_for_a_change_up_to_120_days_later(back, is_progression):
    history = lines_of((T, 0, 400), (D, 0, 400), ("trastuzumab emtansine", 400, None), progression=(400 - back,))
    assert (history.lines[0].end_reason == "progression") == is_progression


@pytest.mark.parametrize(("late", "is_progression"), [(14, True), (15, False)])
def test_r9_a_progression_counts_for_a_change_up_to_14_days_before(late, is_progression):
    history = lines_of((T, 0, 400), (D, 0, 400), ("trastuzumab emtansine", 400, None), progression=(400 + late,))
    assert (history.lines[0].end_reason == "progression") == is_progression


@pytest.mark.parametrize(("after", "effective"), [(182, 1), (183, 0)])
def test_r7_relapse_within_six_months_of_adjuvant_therapy_is_equivalent_to_a_line(after, effective):
    history = lines_of(("trastuzumab emtansine", -after - 300, -after), metastatic=on(0))
    assert history.counts.metastatic_lines == 0
    assert history.counts.effective_lines == effective
    assert history.early_relapse.days.least == after


@pytest.mark.parametrize(("since", "current"), [(63, 1), (64, None)])
def test_r15_a_last_dose_within_a_cycle_and_42_days_is_current_treatment(since, current):
    history = history_of(
        record_of(f"agent | start | end\n{T} | {on(0)} | {on(200)}"), as_of=START + timedelta(200 + since)
    )
    assert history.current == current


@pytest.mark.parametrize(("gap", "courses"), [(60, 1), (61, 2)])
def test_r4_doses_up_to_60_days_apart_are_one_course(gap, courses):
    history = lines_of((T, 0, 0), (T, gap, gap))
    assert sum(len(it.courses) for it in history.lines) == courses


@pytest.mark.parametrize(("relapse", "may_count"), [(100, True), (2000, True)])
def test_r7_relapse_after_early_treatment_whose_end_nobody_recorded_is_told_as_a_range(relapse, may_count):
    early = (("trastuzumab", 0, None), ("docetaxel", 0, 105, "completed"))
    table = "agent | start | end | stopped for | for\n" + "\n".join(
        f"{agent} | {on(start)} | {on(end) if end else ''} | {''.join(rest)} | adjuvant"
        for agent, start, end, *rest in early
    )
    history = history_of(record_of(table, metastatic=on(relapse)))
    days = history.early_relapse.days
    assert (days.least, days.most) == (0, relapse)
    assert ("EARLY_RELAPSE" in codes(history)) == may_count
    assert history.counts.effective_lines == (relapse <= 182)
    assert [it.end for it in history.early[0].courses if it.agent == "trastuzumab"] == [None]


def test_r7_the_clock_of_a_relapse_starts_with_the_last_dose_and_not_with_what_it_covers():
    doses = "\n".join(f"trastuzumab | {on(it)} | {on(it)} |" for it in range(0, 358, 21))
    history = history_of(record_of(f"agent | start | end | stopped for\n{doses}", metastatic=on(357 + 182)))
    assert history.early_relapse.days.least == 182
    assert "EARLY_RELAPSE" in codes(history)
    later = history_of(record_of(f"agent | start | end | stopped for\n{doses}", metastatic=on(357 + 183)))
    assert "EARLY_RELAPSE" not in codes(later)


def test_r12_endocrine_therapy_after_a_line_without_anti_her2_therapy_is_a_new_agent():
    history = lines_of(("letrozole", 0, 300, "progression"), ("palbociclib", 0, 300), ("fulvestrant", 320, None))
    assert [it.opened_by for it in history.lines] == ["R8-regimen", "R9-new-agent"]


def test_days_in_words_of_several_drugs_are_one_question():
    record = record_of(
        f"agent | start | end\n{T} | {on(0)} | {on(300)}\n{P} | {on(0)} | {on(300)}\n{D} | {on(0)} | {on(99)}"
    )
    vague = tuple(msgspec.structs.replace(it, is_date_certain=False) for it in record.exposures)
    history = history_of(msgspec.structs.replace(record, exposures=vague), as_of=START + timedelta(310))
    assert [it.confidence for it in history.lines] == ["moderate"]


@pytest.mark.parametrize(("stopped", "reason"), [("", "unknown"), ("progression", "progression")])
def test_the_last_line_of_a_drug_whose_end_nobody_recorded_has_no_end(stopped, reason):
    record = record_of(f"agent | start | end | stopped for\nlapatinib | {on(0)} | | {stopped}")
    untold = tuple(msgspec.structs.replace(it, is_open=False) for it in record.exposures)
    history = history_of(msgspec.structs.replace(record, exposures=untold), as_of=START + timedelta(100))
    (line,) = history.lines
    assert (line.end, line.end_reason, history.current) == (None, reason, None)
    assert [(it.end, it.outcome) for it in history.uses] == [(None, reason)]


@pytest.mark.parametrize(("gap", "courses"), [(105, 1), (106, 2)])
def test_r4_supplies_of_a_tablet_up_to_105_days_apart_are_one_course(gap, courses):
    history = lines_of(("capecitabine", 0, 30), ("capecitabine", 30 + gap, 200 + gap))
    assert sum(len(it.courses) for it in history.lines) == courses


@pytest.mark.parametrize(("late", "runs"), [(7, 1), (8, 2)])
def test_r4_a_dose_up_to_7_days_after_its_cycle_goes_on_without_a_pause(late, runs):
    record = record_of(f"agent | start | end\n{T} | {on(0)} | {on(0)}\n{T} | {on(21 + late)} | {on(21 + late)}")
    found = build_runs(record.exposures, shipped(), TODAY)
    assert [it.continues for it in found] == [False, True][:runs]


@pytest.mark.parametrize(("after", "setting"), [(120, "neoadjuvant"), (121, "early")])
def test_r6_surgery_up_to_120_days_after_early_treatment_makes_it_neoadjuvant(after, setting):
    history = lines_of((D, 0, 100), metastatic=on(900), surgery=(on(100 + after),))
    assert [it.setting for it in history.early] == [setting]


@pytest.mark.parametrize(("after", "is_asked"), [(182, True), (183, False)])
def test_r6_breast_surgery_up_to_182_days_after_the_first_line_speaks_for_cure(after, is_asked):
    history = lines_of((T, 0, 300, "completed"), (D, 0, 100, "completed"), surgery=(on(300 + after),))
    assert ("CURATIVE_STAGE4" in codes(history)) == is_asked


@pytest.mark.parametrize(
    ("after", "told"),
    [(182, "within 6 months."), (183, "within 12 months."), (365, "within 12 months."), (366, "later than 12 months.")],
)
def test_r7_the_clock_of_a_relapse_is_told_in_words(after, told):
    history = lines_of(("trastuzumab emtansine", -after - 300, -after), metastatic=on(0))
    assert [it.because.endswith(told) for it in history.firings if it.rule == "R7-early-relapse"] == [True]


@pytest.mark.parametrize("basis", ["condition-onset", "condition-recorded"])
@pytest.mark.parametrize("no_date", ["0001-01-01", "0001"])
def test_a_null_date_as_metastatic_day_leaves_the_count_open_and_is_no_failure(no_date, basis):
    history = lines_of((T, 0, 400), metastatic=no_date, basis=basis)
    assert history.counts.is_at_least
    assert history.confidence is Confidence.LOW


def test_a_supply_for_more_days_than_the_calendar_has_covers_until_today():
    record = record_of("agent | start | end\ncapecitabine | 2026-01-05 | 2026-01-05")
    supplied = msgspec.structs.replace(record.exposures[0], supply_days=10**12)
    assert history_of(msgspec.structs.replace(record, exposures=(supplied,))).lines[0].end_reason is EndReason.ONGOING


@pytest.mark.parametrize(("later", "has_progressed"), [(0, True), (-1, False)])
def test_r9_a_drug_stopped_for_progression_on_the_day_of_the_next_or_before_explains_it(later, has_progressed):
    history = lines_of((T, 0, 400), (D, 0, 400, "progression"), ("vinorelbine", 400 + later, None))
    assert [("after progression" in it.because) for it in history.firings if it.rule == "R9-new-agent"] == [
        has_progressed
    ]


def test_r12_endocrine_therapy_that_starts_with_chemotherapy_belongs_to_the_line_that_this_opens():
    history = lines_of((T, 0, 200), (D, 0, 200), ("letrozole", 320, None), ("capecitabine", 320, None))
    assert [it.agents for it in history.lines] == [(D, T), ("capecitabine", "letrozole")]
    assert [it.opened_by for it in history.lines] == ["R8-regimen", "R9-new-agent"]


@pytest.mark.parametrize(("known", "confidence"), [(8, "moderate"), (7, "low")])
def test_unknown_names_above_a_fifth_of_the_drugs_make_the_count_unsure(known, confidence):
    """Two names of ten are a fifth; two of nine are more. A name that only cancer drugs have is a question in any case."""
    months = range(0, known * 30, 30)
    doses = "\n".join(f"{T} | {on(it)} | {on(it)}" for it in months)
    unknown = tuple(
        Unmapped(text=it, what="drug", may_be_cancer_drug=True, evidence=(ResourceRef(f"MedicationRequest/{it}"),))
        for it in ("XY-123", "XY-124")
    )
    record = msgspec.structs.replace(record_of(f"agent | start | end\n{doses}"), unmapped=unknown)
    assert history_of(record, as_of=START + timedelta(known * 30)).confidence == confidence


@pytest.mark.parametrize(
    ("stopped", "told"),
    [
        ("", "No drug of the line is covered or lately given."),
        ("toxicity", "The record says why its last drug was stopped."),
    ],
)
def test_r15_what_ended_the_last_line_is_told(stopped, told):
    history = lines_of((T, 0, 200, stopped), (D, 0, 150, stopped))
    assert [it.because for it in history.firings if it.rule == "R15-current"] == [told]


def test_a_line_whose_end_nobody_recorded_ends_at_the_latest_where_the_next_begins():
    record = record_of(f"agent | start | end\nlapatinib | {on(0)} |\nvinorelbine | {on(300)} | {on(500)}")
    untold = tuple(msgspec.structs.replace(it, is_open=False) for it in record.exposures)
    history = history_of(msgspec.structs.replace(record, exposures=untold))
    assert [str(it.end) for it in history.lines] == [on(300), on(500)]


def test_a_partner_whose_end_nobody_recorded_ended_as_its_line_did():
    table = f"agent | start | end | stopped for\n{T} | {on(0)} | |\n{D} | {on(0)} | {on(400)} | progression\nlapatinib | {on(401)} | |"
    record = record_of(table, metastatic=on(0))
    untold = tuple(msgspec.structs.replace(it, is_open=False) if it.agent == T else it for it in record.exposures)
    history = history_of(msgspec.structs.replace(record, exposures=untold))
    assert {it.agent: it.outcome for it in history.uses if it.line == 1} == {T: "progression", D: "progression"}


@pytest.mark.parametrize(("goes_on", "opened_by"), [(True, "R9-new-agent"), (False, "R12-endocrine-alone")])
def test_r12_endocrine_therapy_is_alone_only_where_the_antibody_has_stopped(goes_on, opened_by):
    history = lines_of(
        (T, 0, None if goes_on else 300),
        ("letrozole", 0, 300, "progression"),
        ("fulvestrant", 320, None),
        metastatic=on(0),
    )
    assert [it.opened_by for it in history.lines] == ["R8-regimen", opened_by]


@pytest.mark.parametrize(("last", "kept"), [(200, True), (199, False)])
def test_r8_in_the_first_weeks_an_antibody_given_with_the_new_drug_is_part_of_its_regimen(last, kept):
    table = f"agent | start | end | stopped for\n{T} | {on(0)} | {on(last)} |\n{D} | {on(0)} | {on(180)} | progression\nvinorelbine | {on(200)} | {on(207)} |"
    history = history_of(record_of(table), as_of=START + timedelta(210))
    assert (T in history.lines[-1].agents) == kept


@pytest.mark.parametrize(("named", "is_known"), [("2021-02-01", True), ("2021-01-31", False)])
def test_r8_a_protocol_name_is_known_from_a_drug_that_may_have_started_within_28_days_of_it(named, is_known):
    """The drug started in March 2021, so 28 days before its first possible day is 1 February."""
    record = record_of(f"agent | start | end\n{T} | 2021-03 | {on(300)}", metastatic="2021-01-04")
    protocol = Suggested(
        protocol="TH",
        agents=(AgentId(D), AgentId(T)),
        date=PartialDate.from_fhir(named),
        evidence=(ResourceRef("MedicationRequest/p"),),
    )
    reasons = history_of(msgspec.structs.replace(record, suggested=(protocol,))).confidence_because
    assert (CONFIDENCE["suggested"] not in reasons) == is_known
