"""Courses as they happen, drawn: what one line is, what opens the next, and what stays open. Source: lines-of-therapy."""

from __future__ import annotations

from datetime import date


def test_taxane_stopped_antibodies_continued(line_spec):
    line_spec(
        """
        agent                  | start      | end        | stopped for
        trastuzumab            | 2021-01-04 | 2021-11-01 | progression
        pertuzumab             | 2021-01-04 | 2021-11-01 | progression
        docetaxel              | 2021-01-04 | 2021-05-10 | completed
        trastuzumab deruxtecan | 2021-11-22 |            |
        """,
        """
        line | agents                             | start      | end        | reason      | maintenance
        1    | docetaxel, pertuzumab, trastuzumab | 2021-01-04 | 2021-11-01 | progression | pertuzumab, trastuzumab
        2    | trastuzumab deruxtecan             | 2021-11-22 |            | ongoing     |
        """,
        count=(2, 2, 2),
    )


def test_endocrine_maintenance_added_to_running_antibodies_is_the_same_line(line_spec):
    line_spec(
        """
        agent       | start      | end
        trastuzumab | 2021-01-04 |
        pertuzumab  | 2021-01-04 |
        docetaxel   | 2021-01-04 | 2021-05-10
        letrozole   | 2021-06-01 |
        """,
        """
        line | agents                                        | start      | end
        1    | docetaxel, letrozole, pertuzumab, trastuzumab | 2021-01-04 |
        """,
        count=(1, 1, 1),
    )


def test_trastuzumab_beyond_progression_with_a_new_partner_is_a_new_line(line_spec):
    line_spec(
        """
        agent        | start      | end        | stopped for
        trastuzumab  | 2021-01-04 |            |
        docetaxel    | 2021-01-04 | 2021-09-10 | progression
        capecitabine | 2021-10-01 |            |
        """,
        """
        line | agents                    | start      | reason
        1    | docetaxel, trastuzumab    | 2021-01-04 | progression
        2    | capecitabine, trastuzumab | 2021-10-01 | ongoing
        """,
        count=(2, 2, 2),
    )


def test_a_new_partner_without_known_progression_is_a_new_line_that_could_be_the_old_one(line_spec):
    line_spec(
        """
        agent        | start      | end
        trastuzumab  | 2021-01-04 |
        vinorelbine  | 2021-01-04 | 2021-09-10
        capecitabine | 2021-10-01 |
        """,
        """
        line | agents                    | reason
        1    | trastuzumab, vinorelbine  | unknown
        2    | capecitabine, trastuzumab | ongoing
        """,
        count=(1, 2, 2),
        codes={"NO_PD_NEW_PARTNER"},
    )


def test_a_change_of_conjugate_for_toxicity_is_a_new_line_and_no_progression(line_spec):
    line_spec(
        """
        agent                  | start      | end        | stopped for
        trastuzumab emtansine  | 2021-01-04 | 2021-09-10 | toxicity
        trastuzumab deruxtecan | 2021-10-01 |            |
        """,
        """
        line | agents                 | reason
        1    | trastuzumab emtansine  | toxicity
        2    | trastuzumab deruxtecan | ongoing
        """,
        count=(1, 2, 2),
        codes={"TOX_SWITCH"},
    )


def test_stopped_without_a_reason_is_not_progressed(line_spec):
    line_spec(
        """
        agent                  | start      | end
        trastuzumab emtansine  | 2021-01-04 | 2021-09-10
        trastuzumab deruxtecan | 2021-10-01 |
        """,
        """
        line | agents                 | reason
        1    | trastuzumab emtansine  | unknown
        2    | trastuzumab deruxtecan | ongoing
        """,
    )


def test_progression_in_the_brain_alone_with_the_same_drugs_is_no_new_line(line_spec):
    line_spec(
        """
        agent                  | start      | end
        trastuzumab deruxtecan | 2021-01-04 |
        """,
        """
        line | agents                 | end
        1    | trastuzumab deruxtecan |
        """,
        brain_progression=("2021-08-01",),
        count=(1, 1, 1),
    )


def test_a_line_that_progressed_after_its_last_dose_is_not_current(line_spec):
    history = line_spec(
        """
        agent                  | start      | end
        trastuzumab deruxtecan | 2026-01-05 | 2026-11-02
        """,
        """
        line | agents                 | end        | reason
        1    | trastuzumab deruxtecan | 2026-11-02 | progression
        """,
        progression=("2026-11-15",),
    )
    assert history.current is None
    assert history.next_line == 2


def test_adjuvant_treatment_is_no_line(line_spec):
    line_spec(
        """
        agent                 | start      | end        | stopped for
        docetaxel             | 2018-01-08 | 2018-05-07 | completed
        trastuzumab           | 2018-01-08 | 2018-12-31 | completed
        trastuzumab emtansine | 2021-03-01 |            |
        """,
        """
        line     | agents                 | start      | end
        adjuvant | docetaxel, trastuzumab | 2018-01-08 | 2018-12-31
        1        | trastuzumab emtansine  | 2021-03-01 |
        """,
        metastatic="2021-02-10",
        surgery=("2017-12-01",),
        count=(1, 1, 1),
    )


def test_relapse_soon_after_adjuvant_tdm1_counts_as_a_line_for_eligibility_only(line_spec):
    history = line_spec(
        """
        agent                  | start      | end        | for      | stopped for
        trastuzumab emtansine  | 2020-01-06 | 2020-10-05 | adjuvant | completed
        trastuzumab deruxtecan | 2021-03-01 |            |          |
        """,
        """
        line     | agents
        adjuvant | trastuzumab emtansine
        1        | trastuzumab deruxtecan
        """,
        metastatic="2021-02-10",
        codes={"EARLY_RELAPSE"},
    )
    assert (history.counts.metastatic_lines, history.counts.effective_lines) == (1, 2)
    assert history.early_relapse.agents == ("trastuzumab emtansine",)


def test_without_evidence_of_metastases_there_is_no_line(line_spec):
    line_spec(
        """
        agent       | start      | end
        trastuzumab | 2021-01-04 | 2021-12-20
        pertuzumab  | 2021-01-04 | 2021-12-20
        """,
        """
        line     | agents
        adjuvant | pertuzumab, trastuzumab
        """,
        metastatic=None,
        surgery=("2020-12-01",),
        count=(0, 0, 0),
    )


def test_a_metastatic_date_only_recorded_may_be_late(line_spec):
    history = line_spec(
        """
        agent                  | start      | end        | stopped for
        trastuzumab            | 2021-01-04 | 2021-11-01 | progression
        vinorelbine            | 2021-01-04 | 2021-11-01 | progression
        trastuzumab deruxtecan | 2021-11-22 |            |
        """,
        """
        line | agents
        1    | trastuzumab, vinorelbine
        2    | trastuzumab deruxtecan
        """,
        metastatic="2021-04-30",
        basis="condition-recorded",
        codes={"MET_LATE"},
    )
    assert history.confidence == "low"


def test_supportive_drugs_and_ovarian_suppression_open_nothing(line_spec):
    line_spec(
        """
        agent           | start      | end
        zoledronic acid | 2020-12-01 |
        letrozole       | 2021-01-04 |
        trastuzumab     | 2021-01-04 |
        goserelin       | 2021-06-01 |
        pegfilgrastim   | 2021-07-01 | 2021-07-01
        """,
        """
        line | agents                 | start
        1    | letrozole, trastuzumab | 2021-01-04
        """,
        metastatic="2020-12-01",
    )


def test_an_unnamed_trial_drug_is_a_line(line_spec):
    line_spec(
        """
        agent                  | start      | end        | stopped for
        trastuzumab deruxtecan | 2021-01-04 | 2021-09-10 | progression
        investigational        | 2021-10-01 |            |
        """,
        """
        line | agents                 | opened by
        1    | trastuzumab deruxtecan | R8-regimen
        2    | investigational        | R14-trial-drug
        """,
        count=(1, 2, 2),
        codes={"TRIAL"},
    )


def test_the_same_regimen_after_another_line_is_a_new_line(line_spec):
    line_spec(
        """
        agent                 | start      | end        | stopped for
        trastuzumab emtansine | 2020-01-06 | 2020-12-01 | progression
        capecitabine          | 2020-12-15 | 2021-06-01 | progression
        lapatinib             | 2020-12-15 | 2021-06-01 | progression
        trastuzumab emtansine | 2021-06-15 |            |
        """,
        """
        line | agents                  | start
        1    | trastuzumab emtansine   | 2020-01-06
        2    | capecitabine, lapatinib | 2020-12-15
        3    | trastuzumab emtansine   | 2021-06-15
        """,
    )


def test_a_taxane_put_back_without_progression_is_a_component_resumed(line_spec):
    line_spec(
        """
        agent       | start      | end
        trastuzumab | 2021-01-04 |
        pertuzumab  | 2021-01-04 |
        paclitaxel  | 2021-01-04 | 2021-05-10
        paclitaxel  | 2021-10-01 |
        """,
        """
        line | agents
        1    | paclitaxel, pertuzumab, trastuzumab
        """,
    )


def test_a_taxane_put_back_after_progression_is_a_new_line(line_spec):
    line_spec(
        """
        agent       | start      | end
        trastuzumab | 2021-01-04 |
        pertuzumab  | 2021-01-04 |
        paclitaxel  | 2021-01-04 | 2021-05-10
        paclitaxel  | 2021-10-01 |
        """,
        """
        line | agents                              | start      | reason
        1    | paclitaxel, pertuzumab, trastuzumab | 2021-01-04 | progression
        2    | paclitaxel, pertuzumab, trastuzumab | 2021-10-01 | ongoing
        """,
        progression=("2021-09-20",),
    )


def test_a_month_is_kept_as_a_month_and_lowers_confidence(line_spec):
    history = line_spec(
        """
        agent                  | start   | end     | stopped for
        trastuzumab emtansine  | 2021-01 | 2021-09 | progression
        trastuzumab deruxtecan | 2021-10 |         |
        """,
        """
        line | agents                 | start   | end
        1    | trastuzumab emtansine  | 2021-01 | 2021-09
        2    | trastuzumab deruxtecan | 2021-10 |
        """,
        count=(2, 2, 2),
    )
    assert history.confidence != "high"


def test_a_drug_without_any_date_makes_the_count_at_least(line_spec):
    history = line_spec(
        """
        agent                  | start      | end
        trastuzumab deruxtecan | 2021-10-04 |
        lapatinib              |            |
        """,
        """
        line | agents
        1    | trastuzumab deruxtecan
        """,
        codes={"OUTSIDE"},
    )
    assert history.counts.is_at_least
    assert history.confidence == "low"


def test_a_drug_dropped_while_its_partners_went_on_did_not_fail(line_spec):
    history = line_spec(
        """
        agent       | start      | end        | stopped for
        trastuzumab | 2021-01-04 | 2021-11-01 | progression
        docetaxel   | 2021-01-04 | 2021-05-10 |
        """,
        """
        line | agents                 | reason
        1    | docetaxel, trastuzumab | progression
        """,
    )
    assert {it.agent: it.outcome.value for it in history.uses} == {"trastuzumab": "progression", "docetaxel": "unknown"}


def test_what_happens_after_the_day_of_advice_is_not_known(line_spec):
    line_spec(
        """
        agent                  | start      | end
        trastuzumab emtansine  | 2021-01-04 | 2021-09-10
        trastuzumab deruxtecan | 2021-10-01 |
        """,
        """
        line | agents
        1    | trastuzumab emtansine
        """,
        as_of=date(2021, 6, 1),
    )


def test_every_line_says_which_rule_opened_it_and_on_which_records(line_spec):
    history = line_spec(
        """
        agent                  | start      | end        | stopped for
        trastuzumab emtansine  | 2021-01-04 | 2021-09-10 | progression
        trastuzumab deruxtecan | 2021-10-01 |            |
        """,
        """
        line | opened by    | closed by
        1    | R8-regimen   | R9-new-agent
        2    | R9-new-agent |
        """,
    )
    assert all(it.evidence for it in history.lines)
    assert {it.rule for it in history.firings} == {"R5-metastatic-date", "R8-regimen", "R9-new-agent", "R15-current"}


def test_one_dose_before_another_regimen_is_merged_and_stays_open(line_spec):
    line_spec(
        """
        agent                  | start      | end
        trastuzumab emtansine  | 2021-01-04 | 2021-01-04
        trastuzumab deruxtecan | 2021-01-25 |
        """,
        """
        line | start
        1    | 2021-01-04
        """,
        count=(1, 1, 2),
        codes={"SHORT_EXPOSURE"},
    )


def test_an_order_never_closed_does_not_swallow_the_same_drug_two_lines_later(line_spec):
    line_spec(
        """
        agent                  | start      | end        | stopped for
        trastuzumab            | 2021-01-04 |            |
        pertuzumab             | 2021-01-04 |            |
        trastuzumab deruxtecan | 2022-01-04 | 2023-01-04 | progression
        tucatinib              | 2023-02-01 |            |
        capecitabine           | 2023-02-01 |            |
        trastuzumab            | 2023-02-01 |            |
        """,
        """
        line | agents
        1    | pertuzumab, trastuzumab
        2    | trastuzumab deruxtecan
        3    | capecitabine, trastuzumab, tucatinib
        """,
    )


def test_years_alone_open_lines_but_leave_them_open_to_question(line_spec):
    history = line_spec(
        """
        agent                  | start | end  | stopped for
        trastuzumab            | 2019  | 2019 |
        pertuzumab             | 2019  | 2019 |
        trastuzumab emtansine  | 2020  | 2020 | progression
        trastuzumab deruxtecan | 2021  |      |
        """,
        """
        line | agents                  | start
        1    | pertuzumab, trastuzumab | 2019
        2    | trastuzumab emtansine   | 2020
        3    | trastuzumab deruxtecan  | 2021
        """,
        codes={"OUTSIDE"},
    )
    assert history.confidence == "low"


def test_a_year_that_is_not_over_stays_a_year_and_becomes_no_day(line_spec):
    line_spec(
        """
        agent         | start   | end     | stopped for
        trastuzumab   | 2022    | 2024    | progression
        trastuzumab deruxtecan | 2024    | 2026    | progression
        """,
        """
        line | start | end
        1    | 2022  | 2024
        2    | 2024  | 2026
        """,
        as_of=date(2026, 5, 24),
    )
    line_spec(
        """
        agent       | start   | end        | stopped for
        trastuzumab | 2024-02 | 2026-05    | progression
        """,
        """
        line | start   | end
        1    | 2024-02 | 2026-05
        """,
        as_of=date(2026, 5, 24),
    )
