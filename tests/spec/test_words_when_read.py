"""A verdict needs no words; they are made once, when someone reads them, and say what the verdict rests on."""

from __future__ import annotations

from cdshooks.options.assess import judge_options
from cdshooks.options.later import Later
from cdshooks.options.model import Outcome
from tests.option_cases import THREE_LINES, case_of, history, patient, toxicity


def test_what_is_read_twice_is_made_once():
    made = []
    later = Later(lambda: made.append("made") or len(made))
    assert made == []
    assert (later(), later(), made) == (1, 1, ["made"])


def test_two_are_equal_when_their_values_are():
    assert Later(lambda: ("a",)) == Later(lambda: ("a",))
    assert Later(lambda: ("a",)) != Later(lambda: ("b",))
    assert hash(Later(lambda: ("a",))) == hash(("a",))


def test_what_follows_without_words_is_what_the_findings_say():
    harm = (toxicity("ild", 2, "trastuzumab deruxtecan"), toxicity("neuropathy", 3))
    for option in judge_options(case_of(patient(toxicities=harm), history(THREE_LINES))):
        said = [it for it in option.findings if it.effect is not None]
        assert list(option.against) == said
        assert {(it.criterion, it.effect) for it in said} == set(option.effects)
        unmet = {ref for it in option.findings if it.outcome is not Outcome.MET for ref in it.evidence}
        assert {ref for it in option.unmet() for ref in it.evidence} == unmet
