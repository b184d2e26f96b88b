"""The patient page as people see it: every story, dark and light, on a phone and on a desk, on paper and without a script."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.browser.judging import JUDGED, LOOKS, looks_as_reviewed, violations

pytestmark = pytest.mark.browser

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
STORIES = sorted(it.parent.name for it in FIXTURES.glob("*/story.md"))
PICTURED = [
    ("after-thp-tdxd-tucatinib-active-brain-metastases", 1440, "light"),
    ("dates-known-only-to-the-month", 390, "dark"),
    ("her2-results-contradict-each-other", 1440, "dark"),
    ("relapse-four-months-after-adjuvant-tdm1", 390, "light"),
]
_PAGE_OF_PDF = re.compile(rb"/Type\s*/Page[^s]")


@pytest.mark.parametrize("story", STORIES)
def test_each_story_is_readable_in_every_look(watched, story):
    for width, scheme in LOOKS:
        assert watched.open(f"/app/stories/{story}", width, scheme).status == 200
        if (width, scheme) in JUDGED:
            assert violations(watched.page) == [], (width, scheme)
        assert watched.page.evaluate("document.documentElement.scrollWidth") <= width, (width, scheme)
        assert watched.faults == [], (width, scheme)


@pytest.mark.parametrize("story", STORIES)
def test_each_story_is_printed_on_one_page_that_leaves_out_no_option_no_refusal_and_no_possible_trial(watched, story):
    page = watched.page
    watched.open(f"/app/stories/{story}", 1440, "light")
    page.emulate_media(media="print")
    assert len(_PAGE_OF_PDF.findall(page.pdf(prefer_css_page_size=True))) == 1
    pixels = float(page.evaluate("parseFloat(getComputedStyle(document.querySelector('main')).fontSize)"))
    assert pixels * 72 / 96 >= (7.5 if page.locator("html.dense").count() else 8)
    printed = (
        ".option h3, .not-offered > .refused > li, .below > .trials > li > strong, .conflicts li, .find-out li, .legend"
    )
    hidden = "all => all.filter(it => !it.closest('details') && !it.checkVisibility()).map(it => it.textContent)"
    assert page.locator(printed).evaluate_all(hidden) == []
    named = page.inner_text("main")
    summaries = page.locator(".more-options summary, .more-trials summary")
    folded = summaries.evaluate_all("all => all.map(it => it.firstChild.textContent)")
    phases = page.locator(".below > .trials .phase").all_inner_texts()
    assert [it for it in phases if not it.startswith(("(phase ", "(no phase"))] == []
    assert [it for it in folded if (it[:11] if it.startswith("NCT") else it) not in named] == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_what_opens_on_a_click_is_readable_too(watched, width, scheme):
    watched.open("/app/stories/after-thp-tdxd-tucatinib-active-brain-metastases", width, scheme)
    watched.page.evaluate(
        "document.querySelectorAll('.option.first details, .trials li:first-child details').forEach(it => it.open = true)"
    )
    assert violations(watched.page) == []
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width


def test_findings_open_with_the_keyboard_alone_and_without_a_script(browser, origin):
    page = browser.new_page(java_script_enabled=False)
    page.goto(f"{origin}/app/stories/after-thp-tdxd-tucatinib-active-brain-metastases")
    page.keyboard.press("Tab")
    assert page.locator(":focus").inner_text() == "To the options"
    first = page.locator(".option details").first
    assert not first.locator(".findings").is_visible()
    first.locator("summary").focus()
    page.keyboard.press("Enter")
    assert first.locator(".findings").is_visible()
    page.close()


def test_a_pasted_patient_is_shown(watched):
    request = FIXTURES / "two-lines-only-and-a-fitting-third" / "request.json"
    watched.open("/app", 390, "dark")
    assert violations(watched.page) == []
    text = request.read_text(encoding="utf-8")
    watched.page.get_by_label("A FHIR R4 Bundle").evaluate(
        "(it, text) => { it.value = text }", text
    )  # typing takes minutes
    with watched.page.expect_navigation():
        watched.page.get_by_role("button").click()
    assert "2 metastatic lines" in watched.page.inner_text("body")
    assert watched.faults == []


@pytest.mark.parametrize(("story", "width", "scheme"), PICTURED)
def test_the_page_looks_as_reviewed(watched, story, width, scheme):
    watched.open(f"/app/stories/{story}", width, scheme)
    assert looks_as_reviewed(watched.page, f"{story}-{width}-{scheme}")
