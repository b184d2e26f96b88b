"""Each open question of the count: when it is asked, and by how much it moves the number. Source: lines-of-therapy, 5."""

from __future__ import annotations

from datetime import date, timedelta

import msgspec
import pytest

from cdshooks.ehr.model import Incomplete
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.lines.sentences import CONFIDENCE
from cdshooks.record.model import Certainty, Diagnosis, GivenFor, ReceptorResult, StatedLine, Unmapped
from tests.histories.drawn import TODAY, day, history_of, record_of

START = date(2021, 1, 4)
T, P, D = "trastuzumab", "pertuzumab", "docetaxel"
TDM1, TDXD = "trastuzumab emtansine", "trastuzumab deruxtecan"


def on(days):
    return (START + timedelta(days)).isoformat()


def table(*drawn):
    """Courses drawn as (agent, first day, last day[, stopped for[, given for[, proven as]]]); the last day None goes on."""
    return "agent | start | end | stopped for | for | as\n" + "\n".join(
        " | ".join(
            (
                agent,
                on(start),
                on(end) if end is not None else "",
                *(rest[it] if len(rest) > it else "" for it in range(3)),
            )
        )
        for agent, start, end, *rest in drawn
    )


def patient(*drawn, **more):
    more.setdefault("metastatic", on(0))
    more["progression"] = tuple(on(it) for it in more.get("progression", ()))
    return record_of(table(*drawn), **more)


def asked(history):
    """Each open question as (code, line, difference)."""
    return {(it.code, it.line, it.delta) for it in history.alternatives}


def counts(history):
    return history.counts.min, history.counts.metastatic_lines, history.counts.max


def check(record, questions, count, *, as_of=TODAY):
    history = history_of(record, as_of=as_of)
    assert asked(history) == questions
    assert counts(history) == count
    assert all(it.because.endswith(".") for it in history.alternatives)
    return history


def test_late_partner_sequence_and_intensified_maintenance_could_be_lines_of_their_own():
    check(patient((T, 0, None), (D, 0, 120), (P, 40, None)), {("LATE_PARTNER", 1, 1)}, (1, 1, 2))
    check(
        patient(("doxorubicin", 0, 63), ("cyclophosphamide", 0, 63), (T, 84, None), (P, 84, None), (D, 84, 200)),
        {("SEQUENCE", 1, 1)},
        (1, 1, 2),
    )
    check(
        patient((T, 0, None), (P, 0, None), (D, 0, 120), ("palbociclib", 150, None), ("letrozole", 150, None)),
        {("INTENSIFY", 1, 1)},
        (1, 1, 2),
    )


def test_endocrine_therapy_alone_soon_after_the_antibody_could_be_a_line():
    check(patient((T, 0, 200), (D, 0, 120), ("letrozole", 230, None)), {("ET_AFTER", 1, 1)}, (1, 1, 2))


@pytest.mark.parametrize(("since_taxane", "lines"), [(90, 1), (91, 2)])
def test_endocrine_therapy_added_around_a_progression_is_maintenance_only_soon_after_the_taxane(since_taxane, lines):
    start = 120 + since_taxane
    history = history_of(patient((T, 0, None), (D, 0, 120), ("letrozole", start, None), progression=(start - 5,)))
    assert len(history.lines) == lines
    assert asked(history) == ({("ET_AFTER", 1, 1)} if lines == 1 else set())


def test_endocrine_therapy_after_progression_is_a_new_line_when_no_dose_of_the_antibody_followed():
    doses = [(T, it, it) for it in range(0, 64, 21)]
    history = history_of(patient(*doses, (D, 0, 63, "progression"), ("letrozole", 66, None)))
    assert [it.agents for it in history.lines] == [("docetaxel", "trastuzumab"), ("letrozole",)]


@pytest.mark.parametrize("progression", [(), (490,)])
def test_a_changed_endocrine_partner_beside_constant_antibodies_is_a_line_that_could_be_none(progression):
    check(
        patient((T, 0, None), (P, 0, None), ("letrozole", 0, 500), ("fulvestrant", 501, None), progression=progression),
        {("ET_SWAP", 2, -1)},
        (1, 2, 2),
    )


def test_a_new_partner_beside_a_running_antibody_without_progression_could_be_the_same_line():
    check(
        patient((T, 0, None), ("vinorelbine", 0, 200), ("capecitabine", 210, None)),
        {("NO_PD_NEW_PARTNER", 2, -1)},
        (1, 2, 2),
    )


def test_a_change_for_toxicity_could_be_the_same_line_also_when_only_an_adverse_event_tells_of_it():
    told = patient((TDM1, 0, 200, "toxicity"), (TDXD, 215, None))
    check(told, {("TOX_SWITCH", 2, -1)}, (1, 2, 2))
    event = patient((TDM1, 0, 200), (TDXD, 215, None), toxicity=((TDM1, on(190), 3),))
    history = check(event, {("TOX_SWITCH", 2, -1)}, (1, 2, 2))
    assert history.lines[0].end_reason == "toxicity"


def test_after_progression_a_toxicity_does_not_make_the_change_doubtful():
    record = patient((TDM1, 0, 200), (TDXD, 215, None), toxicity=((TDM1, on(190), 3),), progression=(205,))
    history = check(record, set(), (2, 2, 2))
    assert history.lines[0].end_reason == "progression"


def test_a_reason_on_record_outweighs_a_progression_that_was_treated_through():
    record = patient((TDM1, 0, 200, "toxicity"), (TDXD, 215, None), progression=(140,))
    assert history_of(record).lines[0].end_reason == "toxicity"
    silent = patient((TDM1, 0, 200), (TDXD, 215, None), progression=(140,))
    assert history_of(silent).lines[0].end_reason == "progression"


@pytest.mark.parametrize(
    ("gap", "questions", "count"),
    [(120, {("GAP", 1, 1)}, (1, 1, 2)), (250, {("RECHALLENGE", 2, -1)}, (1, 2, 2)), (400, set(), (2, 2, 2))],
)
def test_a_break_is_a_question_of_its_length(gap, questions, count):
    check(patient((TDM1, 0, 200, "completed"), (TDM1, 200 + gap, None)), questions, count)


def test_a_year_of_which_nothing_is_recorded_leaves_everything_open():
    record = patient((TDM1, 0, 200), (TDM1, 600, None))
    check(record, {("OUTSIDE", 2, -1), ("OUTSIDE", 1, 1)}, (1, 2, 3))
    other = patient((TDM1, 0, 200), (TDXD, 600, None))
    check(other, {("OUTSIDE", 1, 1)}, (2, 2, 3))


def test_a_progression_long_after_a_completed_treatment_is_no_progression_on_it():
    history = history_of(patient((TDM1, 0, 200, "completed"), (TDXD, 600, None), progression=(585,)))
    assert history.lines[0].end_reason == "completed"
    silent = history_of(patient((TDM1, 0, 200), (TDXD, 600, None), progression=(585,)))
    assert silent.lines[0].end_reason == "unknown"


def test_an_antibody_that_failed_in_the_next_line_did_not_fail_in_this_one():
    record = patient((T, 0, 500, "progression"), ("vinorelbine", 0, 200), ("capecitabine", 210, 500, "progression"))
    history = history_of(record)
    assert [it.end_reason for it in history.lines] == ["unknown", "progression"]
    assert [it.outcome for it in history.uses if it.agent == T] == ["unknown", "progression"]


def test_an_antibody_or_cdk_inhibitor_that_joins_late_without_progression_could_be_the_same_line():
    check(patient((T, 0, None), (D, 0, 120), (P, 70, None)), {("NO_PD_NEW_PARTNER", 2, -1)}, (1, 2, 2))
    late = patient((T, 0, None), (D, 0, 120), ("letrozole", 150, None), ("palbociclib", 300, None))
    check(late, {("NO_PD_NEW_PARTNER", 2, -1)}, (1, 2, 2))


def test_a_progression_in_the_break_makes_the_return_a_new_line():
    check(patient((TDM1, 0, 200), (TDM1, 330, None), progression=(250,)), {("OUTSIDE", 1, 1)}, (2, 2, 3))


def test_one_dose_before_another_regimen_is_merged_and_could_be_a_line():
    check(patient((TDM1, 0, 0), (TDXD, 21, None)), {("SHORT_EXPOSURE", 1, 1)}, (1, 1, 2))


@pytest.mark.parametrize(("joined", "lines"), [(120, 1), (121, 2)])
def test_anti_her2_therapy_added_when_her2_became_known(joined, lines):
    history = history_of(patient(("letrozole", 0, None), ("palbociclib", 0, None), (T, joined, None)))
    assert len(history.lines) == lines
    assert (("HER2_LATE", 1, 1) in asked(history)) == (lines == 1)


def test_an_unnamed_trial_drug_could_belong_to_the_line_before():
    check(patient((TDXD, 0, 200), ("investigational", 230, None)), {("TRIAL", 2, -1)}, (1, 2, 2))


def test_curative_stage4_treatment_could_be_no_line_or_two():
    history = check(
        patient(
            (T, 0, 360, "completed"),
            (P, 0, 360),
            (D, 0, 120),
            (TDXD, 1400, None),
            surgery=(on(160),),
            progression=(1390,),
        ),
        {("CURATIVE_STAGE4", 1, -1), ("CURATIVE_STAGE4", 1, 1)},
        (1, 2, 3),
    )
    assert history.lines[0].number == 1


def test_a_stated_curative_intent_asks_the_same_and_palliative_surgery_after_progression_does_not():
    intended = patient((T, 0, 360, "", "curative"), (D, 0, 120, "", "curative"))
    assert ("CURATIVE_STAGE4", 1, -1) in asked(history_of(intended))
    salvage = patient((T, 0, 360, "progression"), (D, 0, 120), (TDXD, 380, None), surgery=(on(370),))
    assert asked(history_of(salvage)) == set()


@pytest.mark.parametrize(("gap", "is_recurrence"), [(365, False), (366, True)])
def test_locoregional_recurrence_is_no_line_but_could_be_counted_as_one(gap, is_recurrence):
    record = patient(
        (T, 0, 360), (D, 0, 120), ("vinorelbine", 360 + gap, 500 + gap), (T, 360 + gap, 700 + gap), metastatic=None
    )
    history = history_of(record)
    assert history.lines == ()
    assert (("LOCOREGIONAL", None, 1) in asked(history)) == is_recurrence


@pytest.mark.parametrize(("age", "lines"), [(20, 1), (21, 2)])
def test_r1_a_regimen_known_only_from_an_order_younger_than_21_days_is_planned(age, lines):
    record = patient((TDM1, 0, 300, "progression"), (TDXD, 330, None, "", "", "ordered"))
    history = history_of(record, as_of=START + timedelta(330 + age))
    assert len(history.lines) == lines
    assert (("ORDER_ONLY", None, 1) in asked(history)) == (lines == 1)
    assert history.next_line == lines + 1


def test_a_fresh_order_beside_doses_of_the_same_days_is_part_of_them():
    record = patient((TDM1, 0, 300), (T, 330, 351), ("capecitabine", 330, None, "", "", "ordered"))
    history = history_of(record, as_of=START + timedelta(345))
    assert history.lines[-1].agents == ("capecitabine", "trastuzumab")
    assert "ORDER_ONLY" not in {it.code for it in history.alternatives}


@pytest.mark.parametrize(("goes_on", "lines"), [(28, 3), (29, 2)])
def test_r1_an_infusion_ordered_but_never_given_is_no_line_where_the_treatment_before_went_on(goes_on, lines):
    record = patient(
        (TDXD, 0, 200, "progression"),
        ("lapatinib", 220, 400 + goes_on, "", "", "ordered"),
        ("capecitabine", 220, 400 + goes_on, "", "", "ordered"),
        ("eribulin", 400, None, "", "", "ordered"),
    )
    history = history_of(record, as_of=START + timedelta(500))
    assert len(history.lines) == lines
    open_question = ("ORDER_ONLY", None, 1) if lines == 2 else ("ORDER_ONLY", 3, -1)
    assert asked(history) == {open_question}
    assert history.confidence != "high"
    assert ("R1-evidence" in {it.rule for it in history.firings}) == (lines == 2)


@pytest.mark.parametrize(
    ("before", "order", "is_doubted"),
    [
        ((TDXD, 0, 200), ("eribulin", 230, None, "", "", "ordered"), True),
        (
            (TDXD, 0, 200, "", "", "ordered"),
            ("eribulin", 230, None, "", "", "ordered"),
            False,
        ),  # orders are all there is
        (("lapatinib", 0, 200), ("eribulin", 230, None, "", "", "ordered"), False),  # no infusion was recorded before
        ((TDXD, 0, 200), ("eribulin", 230, 300, "", "", "ordered"), False),  # the order was closed, so it was followed
        ((TDXD, 0, 200), ("lapatinib", 230, None, "", "", "ordered"), False),  # no infusion: nobody records a dose
    ],
)
def test_r1_a_line_known_only_from_an_open_order_is_doubted_where_other_doses_are_recorded(before, order, is_doubted):
    history = history_of(patient(before, order))
    assert (("ORDER_ONLY", 2, -1) in asked(history)) == is_doubted
    assert len(history.lines) == 2


@pytest.mark.parametrize(("waited", "is_at_least"), [(180, False), (181, True)])
def test_r5_a_history_that_starts_long_after_the_metastatic_day_counts_at_least(waited, is_at_least):
    history = history_of(patient((TDXD, waited, None)))
    assert history.counts.is_at_least == is_at_least
    assert (("OUTSIDE", None, 1) in asked(history)) == is_at_least
    assert (history.confidence == "low") == is_at_least


def test_a_drug_that_nobody_knows_begun_between_lines_could_be_a_line():
    record = patient((TDM1, 0, 200, "progression"), (TDXD, 290, None))
    unknown = Unmapped(text="XY-123", what="drug", evidence=(ResourceRef("MedicationRequest/1"),), start=day(on(230)))
    beside = msgspec.structs.replace(unknown, start=day(on(310)))
    check(msgspec.structs.replace(record, unmapped=(unknown,)), {("OUTSIDE", 1, 1)}, (2, 2, 3))
    check(msgspec.structs.replace(record, unmapped=(beside,)), set(), (2, 2, 2))


def test_a_taxane_put_back_with_its_antibodies_after_progression_and_a_short_pause_is_a_new_line():
    record = patient(
        (T, 0, 700),
        (P, 0, 700),
        ("paclitaxel", 0, 120),
        (T, 740, None),
        (P, 740, None),
        ("paclitaxel", 740, None),
        progression=(715,),
    )
    check(record, set(), (2, 2, 2))


def test_tablets_bought_again_late_in_the_next_line_are_part_of_it_and_open_none():
    cape = "capecitabine"
    drugs = [("tucatinib", 0, 300), (T, 0, 300), (cape, 0, 310), ("lapatinib", 301, None), (cape, 335, None)]
    check(patient(*drugs, progression=(295,)), set(), (2, 2, 2))
    assert history_of(patient(*drugs, progression=(295,))).lines[-1].agents == (cape, "lapatinib")


def test_an_antibody_still_given_in_the_first_weeks_of_a_line_is_part_of_it():
    doses = [(T, it, it) for it in range(0, 211, 21)]
    record = patient(*doses, (D, 0, 189, "progression"), ("vinorelbine", 210, 210))
    history = history_of(record, as_of=START + timedelta(220))
    assert history.lines[-1].agents == (T, "vinorelbine")


def test_an_infusion_given_again_two_lines_later_is_a_line_also_when_its_last_dose_still_covered_the_next():
    doses = [(TDM1, it, it) for it in (0, 21, 30)]
    history = history_of(patient(*doses, (TDXD, 31, 61), (TDM1, 62, 92)))
    assert [it.agents for it in history.lines] == [(TDM1,), (TDXD,), (TDM1,)]


def test_early_tablets_bought_with_pauses_are_one_regimen():
    record = patient(*(("letrozole", it, it + 30) for it in range(-900, -100, 42)), (TDXD, 0, None))
    assert len(history_of(record).early) == 1


def test_drugs_of_one_year_that_are_never_given_together_could_be_two_lines():
    record = record_of("agent | start | end\ntrastuzumab | 2024 | 2024\ntrastuzumab emtansine | 2024 |")
    check(record, {("OUTSIDE", 1, 1)}, (1, 1, 2))


@pytest.mark.parametrize(
    ("drugs", "most"),
    [
        ("docetaxel, pertuzumab, trastuzumab", 1),
        ("cyclophosphamide, docetaxel, doxorubicin, trastuzumab", 1),  # a planned sequence
        ("capecitabine, trastuzumab, tucatinib", 1),
        ("trastuzumab deruxtecan", 1),
        ("docetaxel, capecitabine, trastuzumab, tucatinib", 2),  # the taxane is no partner of a kinase inhibitor
        ("lapatinib, trastuzumab, vinorelbine", 2),
        ("margetuximab, trastuzumab", 2),  # one antibody takes the place of the other
        ("docetaxel, trastuzumab, trastuzumab deruxtecan, trastuzumab emtansine", 3),
    ],
)
def test_a_year_holds_as_many_lines_as_it_has_drugs_that_make_no_one_regimen(drugs, most):
    record = record_of("agent | start | end\n" + "\n".join(f"{it} | 2024 |" for it in drugs.split(", ")))
    assert counts(history_of(record)) == (1, 1, most)


def test_a_drug_of_a_year_that_failed_while_the_others_went_on_for_years_could_have_been_another_line():
    told = "agent | start | end | stopped for\ncapecitabine | 2024 | 2024 | {}\ntrastuzumab | 2024 | 2026 |"
    check(record_of(told.format("progression")), {("OUTSIDE", 1, 1)}, (1, 1, 2))
    check(record_of(told.format("completed")), set(), (1, 1, 1))


def test_progression_under_treatment_without_a_word_of_metastases_asks_for_the_stage():
    record = patient((T, 0, 300), (D, 0, 120), (TDXD, 330, None), metastatic=None, progression=(310,))
    assert ("MET_UNKNOWN", None, 2) in asked(history_of(record))


def test_missing_pages_and_a_higher_number_stated_by_the_record_count_at_least():
    record = patient((TDXD, 0, None))
    pages = Incomplete(query="MedicationRequest", because="a page could not be read", concerns_treatment=True)
    history = check(msgspec.structs.replace(record, incomplete=(pages,)), {("OUTSIDE", None, 1)}, (1, 1, 2))
    assert history.counts.is_at_least
    stated = StatedLine(number=3, start=day(on(10)), evidence=(ResourceRef("EpisodeOfCare/1"),))
    history = check(msgspec.structs.replace(record, stated_lines=(stated,)), {("OUTSIDE", None, 2)}, (1, 1, 3))
    assert history.counts.is_at_least


@pytest.mark.parametrize(
    ("concept", "told_on", "certainty", "is_outside"),
    [
        ("personal-history-of-chemotherapy", 300, "confirmed", True),
        ("personal-history-of-chemotherapy", -30, "confirmed", True),  # the first day that counts as metastatic
        ("personal-history-of-chemotherapy", -31, "confirmed", False),  # early treatment is no line
        ("personal-history-of-chemotherapy", None, "confirmed", True),  # nobody can say when it was
        ("personal-history-of-chemotherapy", 300, "refuted", False),
        ("long-term-endocrine", 300, "confirmed", True),
        ("personal-history-of-antibody", 300, "confirmed", False),  # the antibody is on record
    ],
)
def test_treatment_that_only_a_diagnosis_tells_may_be_a_line_outside_the_record(
    concept, told_on, certainty, is_outside
):
    told = Diagnosis(
        concept=concept,
        category="treatment",
        start=day(on(told_on)) if told_on is not None else None,
        is_onset=False,
        end=None,
        is_active=None,
        certainty=Certainty(certainty),
        evidence=(ResourceRef("Condition/told"),),
    )
    history = history_of(msgspec.structs.replace(patient((T, 0, None)), diagnoses=(told,)))
    assert counts(history) == (1, 1, 2 if is_outside else 1)
    assert history.counts.is_at_least is is_outside
    assert history.confidence == ("low" if is_outside else "high")
    assert [it.evidence for it in history.alternatives] == ([told.evidence] if is_outside else [])


def test_a_metastatic_day_recorded_late_makes_only_the_lines_before_it_doubtful():
    late = patient((TDM1, -100, 200), (TDXD, 230, None), basis="condition-recorded")
    assert history_of(late).confidence == "low"
    check(late, {("MET_LATE", 1, -1)}, (1, 2, 2))
    settled = patient((TDM1, 5, 200), (TDXD, 230, None), basis="condition-recorded")
    assert history_of(settled).confidence == "moderate"
    check(settled, set(), (2, 2, 2))


def test_without_a_word_of_metastases_drugs_hardly_used_before_them_ask_for_the_stage():
    record = patient((T, 0, 300), (D, 0, 120), ("tucatinib", 330, None), ("capecitabine", 330, None), metastatic=None)
    history = check(record, {("MET_UNKNOWN", None, 2)}, (0, 0, 2))
    assert history.confidence == "low"
    operated = patient(
        (T, 0, 300),
        (D, 0, 120),
        ("tucatinib", 330, None),
        ("capecitabine", 330, None),
        metastatic=None,
        surgery=(on(-30),),
    )
    check(
        operated, {("MET_UNKNOWN", None, 1)}, (0, 0, 1)
    )  # surgery says that the first treatment was for early disease


@pytest.mark.parametrize(("days", "questions"), [(456, set()), (457, {("MET_UNKNOWN", None, 1)})])
def test_an_antibody_for_longer_than_early_treatment_lasts_asks_for_the_stage(days, questions):
    record = patient((T, 0, days), (P, 0, days), (D, 0, 120), metastatic=None, surgery=(on(-30),))
    assert asked(history_of(record)) == questions


def test_treatment_without_intent_surgery_or_stage_is_not_called_early_for_sure():
    unsure = history_of(patient((T, 0, 300), (D, 0, 120), metastatic=None))
    assert (counts(unsure), unsure.confidence) == ((0, 0, 1), "low")
    for early in (
        patient((T, 0, 300), (D, 0, 120), metastatic=None, surgery=(on(-30),)),
        patient((T, 0, 300, "", "adjuvant"), (D, 0, 120, "", "adjuvant"), metastatic=None),
    ):
        told = history_of(early)
        assert (counts(told), told.confidence) == ((0, 0, 0), "high")


@pytest.mark.parametrize(
    ("ended", "pause", "is_open_question"),
    [("progression", 120, False), ("progression", 121, True), ("", 121, True), ("completed", 180, False)],
)
def test_a_long_pause_between_lines_asks_whether_one_is_missing(ended, pause, is_open_question):
    history = history_of(patient((TDM1, 0, 200, ended), (TDXD, 200 + pause, None)))
    assert (("OUTSIDE", 1, 1) in asked(history)) is is_open_question
    assert (history.confidence == "high") is not is_open_question


def test_a_year_without_doses_is_certain_only_where_the_record_says_that_the_course_went_on():
    doses = [(TDXD, day, day) for day in (*range(0, 100, 21), *range(462, 560, 21))]
    silent = history_of(patient(*doses), as_of=START + timedelta(560))
    assert silent.confidence != "high"
    told = history_of(patient(*doses, (TDXD, 0, 550, "", "", "stated")), as_of=START + timedelta(560))
    assert (len(told.lines), told.confidence) == (1, "high")


@pytest.mark.parametrize(
    ("ended", "as_of", "is_open_question"),
    [
        ("progression", 380, False),
        ("progression", 381, True),
        ("", 381, True),
        ("completed", 381, False),
        ("toxicity", 381, False),
    ],
)
def test_half_a_year_of_silence_after_the_last_line_asks_whether_one_is_missing(ended, as_of, is_open_question):
    record = patient((TDXD, 0, 200, ended))
    history = history_of(record, as_of=date.fromisoformat(on(as_of)))
    assert any("may be missing" in it.because for it in history.alternatives) is is_open_question


def test_an_order_still_called_current_is_no_silence():
    record = patient((TDXD, 0, None), progression=(100,))
    assert not [it for it in history_of(record).alternatives if "may be missing" in it.because]


def unknown(text, start, number=1, **more):
    return Unmapped(
        text=text,
        what="drug",
        evidence=(ResourceRef(f"MedicationRequest/{number}"),),
        start=day(on(start)) if start is not None else None,
        **more,
    )


@pytest.mark.parametrize(
    ("drugs", "lines_missing"),
    [
        ([unknown("XY", 230)], 1),  # after the line, nothing known is running
        ([unknown("XY", 230), unknown("YZ", 240, 2)], 1),  # begun together: one regimen
        ([unknown("XY", 230), unknown("YZ", 300, 2)], 2),
        ([unknown("XY", 230, may_be_cancer_drug=False)], 0),  # by its code no cancer drug
        ([unknown("XY", 100)], 0),  # a partner of what is running
        ([unknown("XY", 20)], 0),
        ([unknown("XY", 210 + 60 * it, it) for it in range(3)], 1),  # doses of one course
        ([unknown("XY", 210, 1), unknown("XY", 271, 2)], 2),  # too far apart for one
    ],
)
def test_each_unknown_drug_begun_after_a_line_could_be_one(drugs, lines_missing):
    record = msgspec.structs.replace(patient((TDXD, 0, 200, "progression")), unmapped=tuple(drugs))
    history = history_of(record, as_of=date.fromisoformat(on(330)))
    assert counts(history) == (1, 1, 1 + lines_missing)


def test_an_unknown_drug_begun_after_progression_beside_a_running_antibody_could_be_a_line():
    record = patient((T, 0, None), ("eribulin", 0, 200, "progression"), progression=(205,))
    history = history_of(msgspec.structs.replace(record, unmapped=(unknown("XY", 230),)))
    assert any(it.code == "OUTSIDE" and it.delta == 1 for it in history.alternatives)


@pytest.mark.parametrize(("may_be", "confidence"), [(True, "moderate"), (None, "high"), (False, "high")])
def test_a_cancer_drug_that_is_not_recognised_lowers_the_confidence(may_be, confidence):
    doses = [(TDXD, it, it) for it in range(0, 200, 21)]
    record = msgspec.structs.replace(patient(*doses), unmapped=(unknown("XY", 100, may_be_cancer_drug=may_be),))
    history = history_of(record, as_of=date.fromisoformat(on(200)))
    assert history.confidence == confidence
    assert bool(history.confidence_because) == (confidence != "high")


@pytest.mark.parametrize(("doses", "unknown_drugs", "is_low"), [(20, 5, False), (19, 5, True)])  # 20 and 20.8 percent
def test_more_than_a_fifth_of_drug_records_not_recognised_makes_the_confidence_low(doses, unknown_drugs, is_low):
    known = [(TDXD, 21 * it, 21 * it) for it in range(doses)]
    others = tuple(unknown(f"XY {it}", 5, it) for it in range(unknown_drugs))
    record = msgspec.structs.replace(patient(*known), unmapped=others)
    history = history_of(record, as_of=START + timedelta(21 * doses))
    assert (history.confidence == "low") is is_low


def test_one_drug_record_that_is_not_recognised_and_no_other_makes_the_confidence_low():
    history = history_of(msgspec.structs.replace(patient(), unmapped=(unknown("XY", 5),)))
    assert history.confidence == "low"
    assert CONFIDENCE["unknown_drugs"] in history.confidence_because


@pytest.mark.parametrize(("vague", "is_told"), [((), False), ((0,), True), ((1,), True), ((0, 1), True)])
def test_one_drug_whose_days_are_vague_is_enough_to_lower_the_confidence(vague, is_told):
    record = patient((TDXD, 0, 200), ("eribulin", 230, 330))
    exposures = tuple(
        msgspec.structs.replace(it, is_date_certain=at not in vague) for at, it in enumerate(record.exposures)
    )
    history = history_of(msgspec.structs.replace(record, exposures=exposures))
    assert (CONFIDENCE["vague"] in history.confidence_because) is is_told


def other_cancer():
    return Diagnosis(
        concept="colorectal-cancer",
        category="other-cancer",
        start=day(on(100)),
        is_onset=True,
        end=None,
        is_active=True,
        certainty=Certainty.CONFIRMED,
        evidence=(ResourceRef("Condition/colon"),),
    )


def test_second_cancer_and_a_shared_drug_without_a_reason_could_be_no_breast_line():
    record = patient((TDM1, 0, 200, "progression"), ("capecitabine", 230, 400), (TDXD, 430, None))
    record = msgspec.structs.replace(record, diagnoses=(other_cancer(),))
    check(record, {("SECOND_CANCER", 2, -1)}, (2, 3, 3))
    named = tuple(msgspec.structs.replace(it, given_for=GivenFor.BREAST_CANCER) for it in record.exposures)
    check(msgspec.structs.replace(record, exposures=named), set(), (3, 3, 3))


def test_a_drug_given_for_another_cancer_is_left_out_and_named():
    record = patient((TDM1, 0, None))
    other = patient(("capecitabine", 100, 300)).exposures
    history = history_of(msgspec.structs.replace(record, other_cancer_drugs=other))
    assert counts(history) == (1, 1, 1)
    assert any(it.rule == "R3-eligible" and "capecitabine" in it.because for it in history.firings)


@pytest.mark.parametrize(
    ("after", "clock"), [(182, "6 months"), (183, "12 months"), (365, "12 months"), (366, "later")]
)
def test_r7_six_and_twelve_months_are_different_clocks(after, clock):
    history = history_of(patient((TDM1, -after - 300, -after)))
    told = [it.because for it in history.firings if it.rule == "R7-early-relapse"]
    assert len(told) == 1
    assert clock in told[0]
    assert history.early_relapse.relapse.as_fhir() == on(0)
    assert history.early_relapse.last_dose.as_fhir() == on(-after)


@pytest.mark.parametrize(("before", "lines"), [(120, 1), (121, 0)])
def test_r5_treatment_up_to_120_days_before_a_day_of_recording_may_be_metastatic(before, lines):
    history = history_of(patient((TDM1, -before, -before + 60), basis="condition-recorded"))
    assert len(history.lines) == lines


@pytest.mark.parametrize(("before", "lines"), [(240, 1), (241, 0)])
def test_r5_receptors_tested_again_up_to_240_days_before_a_day_of_recording_mark_the_metastasis(before, lines):
    retest = ReceptorResult(
        marker="her2",
        status="positive",
        detail="IHC 3+",
        date=day(on(-before)),
        is_metastasis=True,
        site="liver",
        laterality=None,
        percent=None,
        ihc="3+",
        ish=None,
        is_preliminary=False,
        lab=None,
        evidence=(ResourceRef("Observation/her2"),),
    )
    record = patient((TDM1, -before + 10, 100), basis="condition-recorded")
    history = history_of(msgspec.structs.replace(record, receptors=(retest,)))
    assert len(history.lines) == lines
    assert (history.metastatic_since.date.as_fhir() == on(-before)) == (lines == 1)


def test_early_therapy_that_runs_on_is_carried_into_the_first_line():
    history = history_of(patient(("letrozole", -400, 300), (T, 20, None), (D, 20, 140)))
    assert counts(history) == (1, 1, 1)
    assert history.lines[0].agents == ("docetaxel", "letrozole", "trastuzumab")
    assert history.lines[0].start.as_fhir() == on(20)
    assert history.early[0].agents == ("letrozole",)


def test_an_order_still_called_current_after_progression_ends_the_line_and_leaves_that_open():
    record = patient((TDXD, 0, None, "", "", "ordered"), progression=(400,))
    history = history_of(record)
    line = history.lines[0]
    assert (line.end.as_fhir(), line.end_reason, history.current) == (on(400), "progression", None)
    assert line.confidence == "moderate"
    assert not line.courses[0].is_end_certain
    assert any(it.rule == "R15-current" and "beyond progression" in it.because for it in history.firings)


def test_doses_well_after_the_progression_are_treatment_beyond_it_and_the_line_runs():
    record = patient((TDXD, 0, 400), (TDXD, 430, 430), progression=(400,))
    history = history_of(record, as_of=START + timedelta(440))
    assert history.current == 1


def test_a_drug_stopped_for_toxicity_and_given_again_was_only_held():
    record = patient((TDXD, 0, 200, "toxicity"), (TDXD, 245, None))
    history = history_of(record)
    assert [it.end_reason for it in history.lines] == ["ongoing"]


def test_what_came_back_days_before_a_new_partner_came_back_with_it():
    history = history_of(patient((T, 0, 200), (D, 0, 200), (T, 300, None), ("vinorelbine", 303, None)))
    assert [(it.agents, it.start.as_fhir()) for it in history.lines] == [
        (("docetaxel", "trastuzumab"), on(0)),
        (("trastuzumab", "vinorelbine"), on(300)),
    ]
    assert history.lines[0].end.as_fhir() == on(200)


def test_confidence_falls_with_each_open_question_and_with_what_is_unknown():
    clean = patient((TDM1, 0, 200, "progression"), (TDXD, 230, None))
    one = patient((TDM1, 0, 200, "toxicity"), (TDXD, 230, None))
    two = patient((TDM1, 0, 200, "toxicity"), (TDXD, 230, 400), ("investigational", 430, None))
    unknown = msgspec.structs.replace(
        clean, unmapped=(Unmapped(text="XY-123", what="drug", evidence=(ResourceRef("MedicationRequest/1"),)),)
    )
    ordered = patient((TDM1, 0, 200, "progression", "", "ordered"), (TDXD, 230, None, "", "", "ordered"))
    found = [history_of(it).confidence for it in (clean, one, two, unknown, ordered)]
    assert found == ["high", "moderate", "low", "low", "moderate"]
