"""What each member of a profile does to a card. Source: R-15, R-28, R-31, V-7, V-8, B-16."""

from __future__ import annotations

import json

import msgspec
import pytest

from cdshooks.cards.client_shape import as_sent, shaped
from cdshooks.cards.model import Action, Card, Coding, Indicator, Link, Source, Suggestion
from cdshooks.cards.plain_text import plain_text
from cdshooks.cards.quiet import CardSet
from tests.option_cases import shipped

RXNORM = "http://www.nlm.nih.gov/research/umls/rxnorm"
STANDARD = shipped().profiles["standard"]


def order(drug, code="1"):
    concept = {"text": drug, "coding": [{"system": RXNORM, "code": code, "display": drug}]}
    return Action(
        description=f"Draft order: {drug}.",
        resource={"resourceType": "MedicationRequest", "medicationCodeableConcept": concept},
    )


GROUP = Action(description="Draft group", resource={"resourceType": "RequestGroup"})
REFERRAL = Action(
    description="Draft referral", resource={"resourceType": "ServiceRequest", "code": {"text": "Referral"}}
)
LINKS = (
    Link(label="Registry", url="https://example.org"),
    Link(label="App", url="https://example.org/launch", type="smart", app_context="{}"),
)


def card(*suggestions, links=(), detail="**Found**"):
    return Card(
        uuid="1",
        summary="Options",
        indicator=Indicator.INFO,
        detail=detail,
        source=Source(label="cdshooks", topic=Coding(code="her2-later-line-options", system="urn:test", display="T")),
        fingerprint="f",
        suggestions=tuple(
            Suggestion(label=f"Draft {number}", uuid=f"s{number}", option="o", actions=actions)
            for number, actions in enumerate(suggestions)
        ),
        links=links,
    )


def sent(what, **members):
    profile = msgspec.structs.replace(STANDARD, **members)
    uuids = iter(f"new-{number}" for number in range(99))
    (card_of_client,) = shaped(CardSet(cards=(what,)), profile, lambda: next(uuids)).cards
    return as_sent(card_of_client, profile)


def drawn(what):
    return [
        (it["label"], [action["resource"]["resourceType"] for action in it["actions"]])
        for it in what.get("suggestions", [])
    ]


TRIPLET = (order("tucatinib"), order("trastuzumab"), order("capecitabine"), GROUP)


def test_the_standard_takes_an_option_as_it_is():
    got = sent(card(TRIPLET))
    assert drawn(got) == [("Draft 0", [*["MedicationRequest"] * 3, "RequestGroup"])]
    assert got["suggestions"][0]["uuid"] == "s0"


def test_r_28_where_a_suggestion_takes_one_action_each_drug_is_one_and_says_of_what_it_is_a_part():
    got = sent(
        card(TRIPLET, (REFERRAL,)),
        one_action_per_suggestion=True,
        creates=frozenset({"MedicationRequest", "ServiceRequest"}),
    )
    assert drawn(got) == [
        ("Draft 0 (1 of 3: tucatinib)", ["MedicationRequest"]),
        ("Draft 0 (2 of 3: trastuzumab)", ["MedicationRequest"]),
        ("Draft 0 (3 of 3: capecitabine)", ["MedicationRequest"]),
        ("Draft 1", ["ServiceRequest"]),
    ]
    assert got["suggestions"][1]["actions"][0]["description"] == (
        "Draft order: trastuzumab. Order 2 of 3 of this option, which are meant together: tucatinib, trastuzumab, capecitabine."
    )
    assert [it["uuid"] for it in got["suggestions"]] == ["new-0", "new-1", "new-2", "s1"]


@pytest.mark.parametrize(
    ("creates", "drawn_types"),
    [
        ({"MedicationRequest", "ServiceRequest"}, [["MedicationRequest", "MedicationRequest"], ["ServiceRequest"]]),
        ({"ServiceRequest"}, [["ServiceRequest"]]),
    ],
)
def test_what_a_client_does_not_create_is_not_suggested(creates, drawn_types):
    got = sent(card((order("a"), order("b"), GROUP), (REFERRAL,)), creates=frozenset(creates))
    assert [types for _, types in drawn(got)] == drawn_types


def test_r_9_without_a_suggestion_there_is_no_selection_behavior():
    got = sent(card((GROUP,)), creates=frozenset({"MedicationRequest"}))
    assert not got.keys() & {"suggestions", "selectionBehavior"}


@pytest.mark.parametrize("behavior", ["at-most-one", "any"])
def test_r_15_how_many_may_be_chosen(behavior):
    assert sent(card((REFERRAL,)), selection_behavior=behavior)["selectionBehavior"] == behavior


@pytest.mark.parametrize(
    ("links", "app_context", "expected"),
    [
        ({"absolute", "smart"}, True, [("absolute", None), ("smart", "{}")]),
        ({"absolute", "smart"}, False, [("absolute", None), ("smart", None)]),
        ({"absolute"}, False, [("absolute", None)]),
        (set(), False, []),
    ],
)
def test_r_30_r_31_which_links_are_sent(links, app_context, expected):
    got = sent(card(links=LINKS), links=frozenset(links), app_context=app_context)
    assert [(it["type"], it.get("appContext")) for it in got.get("links", [])] == expected
    assert bool(expected) == ("links" in got)


@pytest.mark.parametrize("profile", shipped().profiles.values(), ids=lambda it: it.id)
def test_b_16_no_shipped_profile_leaves_a_client_without_the_link_that_is_made_for_it(profile):
    sent_links = as_sent(card(links=LINKS), profile)["links"]
    assert [it["type"] for it in sent_links] == ["absolute", "smart"]


@pytest.mark.parametrize(
    ("shape", "code"), [("any", "her2-later-line-options"), ("alphanumeric", "her2laterlineoptions")]
)
def test_v_7_the_code_of_a_topic(shape, code):
    assert sent(card(), topic_code=shape)["source"]["topic"]["code"] == code


def test_v_8_a_second_name_of_a_code_system_stands_behind_the_first_and_leaves_the_shared_draft_alone():
    action = order("capecitabine", "194000")
    before = json.dumps(action.resource)
    epic = shipped().profiles["epic"]
    (got,) = as_sent(card((action,)), epic)["suggestions"]
    codings = got["actions"][0]["resource"]["medicationCodeableConcept"]["coding"]
    assert [(it["system"], it["code"]) for it in codings] == [
        (RXNORM, "194000"),
        ("urn:oid:2.16.840.1.113883.6.88", "194000"),
    ]
    assert json.dumps(action.resource) == before


@pytest.mark.parametrize(
    ("markdown", "text"),
    [
        ("**Found** for _her_", "Found for her"),
        ("One\ntwo\n\nthree", "One two\n\nthree"),
        ("- a\n- **b**", "- a\n- b"),
        ("1. one\n   - Warning: x\n2. two", "1. one\n   - Warning: x\n2. two"),
        ("| line | drugs | to |\n|---|---|---|\n| 1 | a, b | 2021 |\n| 2 | c |  |", "- line 1, drugs a, b, to 2021\n- line 2, drugs c"),
        ("x&#45;&#60;b&#62;", "x-<b>"),
        ("", ""),
    ],
)  # fmt: skip
def test_markdown_in_plain_words(markdown, text):
    assert plain_text(markdown) == text


def test_v_14_the_detail_in_plain_words():
    assert sent(card(), detail="plain")["detail"] == "Found"
    assert sent(card(), detail="markdown")["detail"] == "**Found**"


def test_the_shipped_profiles():
    """As the sources say; `test_profiles` shows whole answers."""
    told = {
        it.id: (it.selection_behavior, it.one_action_per_suggestion, it.detail, it.reason_members[0])
        for it in shipped().profiles.values()
    }
    assert told == {
        "standard": ("at-most-one", False, "markdown", "overrideReason"),
        "epic": ("any", True, "markdown", "overrideReasons"),
        "oracle-health": ("at-most-one", False, "plain", "overrideReason"),
        "sandbox": ("any", True, "markdown", "overrideReason"),
    }
