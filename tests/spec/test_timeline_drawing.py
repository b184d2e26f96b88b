"""The timeline says what the record says, and draws as unknown what the record does not know."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from cdshooks.explain.patient import explain_file
from cdshooks.knowledge.load import load_knowledge
from cdshooks.pages.drawing import place_labels, width_of
from cdshooks.pages.timeline import draw_timeline

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"


@pytest.fixture(scope="module")
def drawn():
    knowledge = load_knowledge()

    def draw(story, width=800):
        data = (FIXTURES / story / "request.json").read_bytes()
        advice = explain_file(data, knowledge, as_of=date(2026, 11, 24), jurisdiction="US")
        return advice, draw_timeline(advice, width)

    return draw


def of_class(drawing, kind):
    return [it for it in drawing.shapes if dict(it.attributes)["class"] == kind]


@pytest.mark.parametrize("width", [358, 800])
def test_one_row_for_each_agent_and_one_number_for_each_line(drawn, width):
    advice, drawing = drawn("after-thp-tdxd-tucatinib-active-brain-metastases", width)
    agents = dict.fromkeys(course.agent for it in advice.lines.lines for course in it.courses)
    assert [it.text for it in of_class(drawing, "name")][: len(agents)] == list(agents)
    assert [it.text for it in of_class(drawing, "badge-number")] == ["1", "2", "3"]
    assert len(of_class(drawing, "bar")) == sum(len(it.courses) for it in advice.lines.lines)
    assert {it.text for it in of_class(drawing, "end")} == {"C", "P"}


def test_below_the_drugs_stand_results_progressions_sites_local_treatment_and_two_curves(drawn):
    _, drawing = drawn("after-thp-tdxd-tucatinib-active-brain-metastases")
    below = "HER2 results", "ER results", "Progression", "Metastases", "Local therapy", "LVEF (%)", "Weight (kg)"
    assert [it.text for it in of_class(drawing, "name")][-len(below) :] == list(below)
    told = [it.text for it in of_class(drawing, "said")]
    assert told[:4] == ["+", "+", "\u2212", "\u2212"]
    assert "brain SRS" in told
    _, contradictory = drawn("her2-results-contradict-each-other")
    assert "contradictory" in [it.text for it in of_class(contradictory, "said")]


def test_a_curve_tells_its_first_and_its_newest_value_and_keeps_clear_of_the_next_row(drawn):
    _, drawing = drawn("ejection-fraction-44-percent")
    values = {it.text: float(dict(it.attributes)["y"]) for it in of_class(drawing, "value")}
    assert list(values) == ["62", "44", "66"]
    assert len(of_class(drawing, "curve")) == 1
    weight = float(dict(of_class(drawing, "point")[-1].attributes)["cy"])
    assert weight - values["44"] > 8


def test_a_day_that_is_not_known_is_pale_and_a_known_one_is_not(drawn):
    _, monthly = drawn("dates-known-only-to-the-month")
    _, daily = drawn("after-thp-tdxd-tucatinib-active-brain-metastases")
    assert of_class(monthly, "bar pale")
    assert not of_class(daily, "bar pale")


def test_nothing_leaves_the_picture(drawn):
    for width in (358, 800):
        for story in sorted(it.parent.name for it in FIXTURES.glob("*/story.md")):
            _, drawing = drawn(story, width)
            for it in drawing.shapes if drawing is not None else ():
                told = dict(it.attributes)
                x, y = float(told.get("x", 0)), float(told.get("y", 0))
                assert 0 <= x <= width, (story, it)
                assert 0 <= y <= drawing.height, (story, it)


def test_a_picture_without_a_drug_is_no_picture():
    advice = explain_file(b'{"resourceType": "Bundle"}', load_knowledge(), as_of=date(2026, 11, 24), jurisdiction="US")
    assert draw_timeline(advice, 800) is None


@pytest.mark.parametrize("days", [(0, 1, 2, 3), (0, 40, 80), (295, 298, 300)])
def test_labels_never_collide(days):
    placed = place_labels([(float(day), "bone, liver") for day in days], 0, 300)
    taken: dict[int, list[tuple[float, float]]] = {}
    for it in placed:
        room = width_of(it.text) + 8
        span = (it.x - room, it.x) if it.is_left else (it.x, it.x + room)
        for other in taken.setdefault(it.lane, []):
            assert span[1] <= other[0] or other[1] <= span[0]
        taken[it.lane].append(span)
