"""Laws of matching: no false hope, whatever the record lacks."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from cdshooks.cards.trials_text import trials_to_show
from cdshooks.knowledge.trial_criteria import Ecog, Her2Status, Lvef, Qtc
from cdshooks.options.model import Outcome, TrialVerdict
from cdshooks.options.trials.match import match_trials
from tests.option_cases import advice_of, brain, case_of, illness, measured, patient, receptor, shipped
from tests.spec.test_trial_matrix import PATIENTS

MEMBERS = ("measurements", "receptors", "diagnoses", "cns", "toxicities", "statements", "biomarkers", "metastases")
EMPTY = {name: None if name == "cns" else () for name in MEMBERS}


@st.composite
def cases(draw):
    told, had = PATIENTS[draw(st.sampled_from(sorted(PATIENTS)))]()
    kept = {name: getattr(told, name) for name in MEMBERS}
    for name in draw(st.sets(st.sampled_from(MEMBERS))):
        kept[name] = EMPTY[name]
    if kept["measurements"]:
        gone = draw(st.sets(st.sampled_from(sorted({it.fact for it in kept["measurements"]}))))
        kept["measurements"] = tuple(it for it in kept["measurements"] if it.fact not in gone)
    return patient(**kept), had


@st.composite
def drawn_values(draw):
    """A patient of the matrix whose HER2, ECOG, LVEF and QTc are drawn: each known, unknown, good or bad."""
    told, had = PATIENTS[draw(st.sampled_from(sorted(PATIENTS)))]()
    her2 = draw(st.sampled_from([None, "positive", "low", "negative", "equivocal"]))
    values = {
        "ecog": draw(st.sampled_from([None, 0.0, 1.0, 2.0, 3.0])),
        "lvef_percent": draw(st.none() | st.integers(30, 70)),
        "qtc_ms": draw(st.none() | st.integers(400, 520)),
    }
    kept = {name: getattr(told, name) for name in MEMBERS}
    kept["receptors"] = tuple(it for it in told.receptors if it.marker != "her2")
    if her2 is not None:
        kept["receptors"] += (receptor("her2", her2, ihc="3+" if her2 == "positive" else None),)
    kept["measurements"] = tuple(it for it in told.measurements if it.fact not in values)
    kept["measurements"] += tuple(measured(name, value) for name, value in values.items() if value is not None)
    return patient(**kept), had, her2, values


@settings(max_examples=80, deadline=None)
@given(drawn_values())
def test_nobody_is_eligible_against_a_plain_reading_of_the_criteria(drawn):
    """Reads the criteria anew, so that an engine that answers wrongly cannot vouch for itself."""
    told, had, her2, values = drawn
    case = case_of(told, had)
    for match in match_trials(case, in_full=False):
        if match.verdict is not TrialVerdict.ELIGIBLE:
            continue
        trial = case.knowledge.trials.by_id[match.nct_id]
        assert trial.state.status == "RECRUITING"
        for asked in trial.asked:
            match asked.criterion:
                case Ecog(max=int() as most):
                    assert values["ecog"] is not None
                    assert values["ecog"] <= most
                case Lvef(min=int() | float() as least):
                    assert values["lvef_percent"] is not None
                    assert values["lvef_percent"] >= least
                case Qtc():
                    assert values["qtc_ms"] is not None
                    assert values["qtc_ms"] <= 480
                case Her2Status(accept=("positive",)):
                    assert her2 == "positive"


@settings(max_examples=60, deadline=None)
@given(cases())
def test_nobody_is_eligible_while_a_deciding_criterion_is_open_or_fails(drawn):
    case = case_of(*drawn)
    for match in match_trials(case):
        if match.verdict is not TrialVerdict.ELIGIBLE:
            continue
        assert not match.failing
        assert not match.missing
        trial = case.knowledge.trials.by_id[match.nct_id]
        outcomes = {it.criterion: it.outcome for it in match.findings}
        assert outcomes["S0:status"] is Outcome.MET
        assert all(outcomes[it.id] is Outcome.MET for it in trial.asked)
        if trial.cohorts:
            fitting = [it for it in trial.cohorts if all(outcomes[a.id] is Outcome.MET for a in it.asked)]
            assert set(match.cohorts) <= {it.id for it in fitting}
            assert match.cohorts


@settings(max_examples=60, deadline=None)
@given(cases())
def test_the_short_way_gives_the_same_verdicts(drawn):
    case = case_of(*drawn)
    full, short = match_trials(case), match_trials(case, in_full=False)
    assert [(it.nct_id, it.verdict, it.recoverable) for it in short] == [
        (it.nct_id, it.verdict, it.recoverable) for it in full
    ]
    assert [it for it in short if it.is_worth_a_way] == [it for it in full if it.is_worth_a_way]
    for one, other in zip(short, full, strict=True):
        assert set(one.failing) <= set(other.failing)
        assert one.failing or not other.failing


@settings(max_examples=40, deadline=None)
@given(cases(), st.sampled_from(MEMBERS))
def test_taking_data_away_never_makes_a_patient_eligible_in_the_open_world(drawn, name):
    told, had = drawn
    if name in {"diagnoses", "toxicities"}:  # the problem list is a closed world: what it does not name is absent
        return
    had_before = {it.nct_id: it.verdict for it in match_trials(case_of(told, had))}
    less = patient(**({member: getattr(told, member) for member in MEMBERS} | {name: EMPTY[name]}))
    after = {it.nct_id: it.verdict for it in match_trials(case_of(less, had))}
    fresh = [it for it, verdict in after.items() if verdict == "eligible" and had_before[it] == "unknown"]
    assert not fresh


@settings(max_examples=40, deadline=None)
@given(cases())
def test_what_does_not_recruit_or_fails_for_good_is_never_shown(drawn):
    advice = advice_of(*drawn)
    for match in trials_to_show(advice, shipped()):
        assert "S0:status" not in match.failing
        assert match.verdict is not TrialVerdict.INELIGIBLE or match.recoverable


def test_a_pregnant_patient_is_shown_no_trial():
    told = patient(diagnoses=(illness("pregnancy", "reproductive", "2026-10-01"),), cns=brain("none"))
    assert trials_to_show(advice_of(told), shipped()) == []
