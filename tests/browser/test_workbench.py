"""The workbench as a developer uses it: choose, edit, drop, fire, read, copy; and without a script, choose and fire."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from playwright.sync_api import expect

from scripts.fhir_server import serving_story
from tests.browser.judging import JUDGED, LOOKS, looks_as_reviewed, violations

pytestmark = pytest.mark.browser

FIXTURES = Path(__file__).parents[2] / "fhir_fixtures"
STORY = "dpd-deficiency-and-capecitabine-ordered"
HOOKS = ("order-select", "order-sign", "patient-view")
BROKEN = '{"hook": "order-select", "context": {"draftOrders": {"entry": [{}, {"resource": {"id": }}]}}}'


def fire(page, hook):
    with page.expect_navigation():
        page.get_by_role("button", name=f"Fire {hook}").click()


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_each_service_is_fired_on_a_chosen_story(watched, width, scheme):
    page = watched.page
    assert watched.open("/", width, scheme).status == 200
    assert violations(page) == []
    with page.expect_navigation():
        page.get_by_label("A shipped story").select_option(STORY)
    for hook in HOOKS:
        fire(page, hook)
        assert f"{hook}: HTTP 200" in page.inner_text(".outcome")
        assert page.locator(".card").count() >= 1
        assert page.evaluate("document.documentElement.scrollWidth") <= width
    fire(page, "order-select")
    assert "complete DPD deficiency" in page.locator(".card.warning h3").inner_text()
    page.evaluate("document.querySelectorAll('details').forEach(it => it.open = true)")
    assert violations(page) == []
    assert watched.faults == []


@pytest.mark.parametrize(("width", "scheme"), LOOKS)
def test_the_workbench_looks_as_reviewed(watched, width, scheme):
    watched.open(f"/?story={STORY}", width, scheme)
    assert looks_as_reviewed(watched.page, f"workbench-{width}-{scheme}")
    fire(watched.page, "order-select")
    # What a card says is reviewed as text; here it is what the workbench makes of it.
    watched.page.evaluate("document.querySelectorAll('.detail').forEach(it => it.remove())")
    watched.page.locator(".card").first.scroll_into_view_if_needed()
    assert looks_as_reviewed(watched.page, f"workbench-answered-{width}-{scheme}")


def test_cards_are_answered_as_in_an_ehr(watched):
    page = watched.page
    watched.open(f"/?story={STORY}", 390, "dark")
    fire(page, "order-select")
    card = page.locator(".card.warning")
    card.get_by_role("button", name="Accept").first.click()
    told = card.get_by_label("Feedback as JSON")
    told.wait_for()
    assert '"outcome": "accepted"' in told.text_content()
    card.get_by_role("combobox").select_option(index=1)
    card.get_by_role("button", name="Dismiss").click()
    expect(told).to_contain_text("overridden")
    assert '"status": 200' in told.text_content()
    assert violations(page) == []
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watched.faults == []


@pytest.mark.parametrize(("width", "scheme"), JUDGED)
def test_broken_json_is_named_by_its_path(watched, width, scheme):
    page = watched.page
    watched.open("/", width, scheme)
    page.locator("#patient").fill(BROKEN)
    fire(page, "order-select")
    assert (
        "$.context.draftOrders.entry[1].resource.id: a value is expected here" in page.get_by_role("alert").inner_text()
    )
    assert page.locator("#patient").input_value() == BROKEN
    assert violations(page) == []
    assert [it for it in watched.faults if "400" not in it] == []


def test_a_file_is_dropped_edited_and_fired(watched):
    page = watched.page
    watched.open("/", 1440, "light")
    text = (FIXTURES / STORY / "request.json").read_text(encoding="utf-8")
    page.evaluate(
        """text => {
            const held = new DataTransfer();
            held.items.add(new File([text], "request.json", {type: "application/json"}));
            document.getElementById("patient").dispatchEvent(new DragEvent("drop", {dataTransfer: held, cancelable: true}));
        }""",
        json.dumps(json.loads(text)),
    )
    page.get_by_text("request.json is in the editor").wait_for()
    page.get_by_role("button", name="Tidy the JSON").click()
    assert page.locator("#patient").input_value().startswith('{\n  "hook"')
    page.get_by_label("Drug ordered instead").fill("eribulin")
    page.get_by_label("EHR").select_option("epic")
    fire(page, "order-select")
    assert "any number" in page.locator(".choose").first.inner_text()
    assert '"text": "eribulin"' in page.locator("#sent").text_content()
    assert watched.faults == []


def test_the_line_for_a_terminal_is_copied(browser, origin):
    context = browser.new_context(permissions=["clipboard-read", "clipboard-write"])
    page = context.new_page()
    page.goto(origin + "/")
    fire(page, "order-sign")
    page.get_by_role("button", name="Copy the line").click()
    page.get_by_role("button", name="Copied").wait_for()
    copied = page.evaluate("navigator.clipboard.readText()")
    assert copied.startswith("curl ")
    assert copied.endswith(f"{origin}/cds-services/her2-later-line-sign")
    context.close()


def test_choosing_and_firing_need_no_script(browser, origin):
    page = browser.new_page(java_script_enabled=False)
    page.goto(origin + "/")
    page.get_by_label("A shipped story").select_option(STORY)
    page.get_by_role("button", name="Load").click()
    page.get_by_role("button", name="Fire order-select").click()
    assert "order-select: HTTP 200" in page.inner_text(".outcome")
    assert not page.get_by_role("button", name="Copy the line").is_visible()
    page.close()


@pytest.mark.parametrize("path", ["/knowledge", "/hazards"])
@pytest.mark.parametrize(("width", "scheme"), JUDGED)
def test_what_the_service_rests_on_is_readable(watched, path, width, scheme):
    assert watched.open(path, width, scheme).status == 200
    assert violations(watched.page) == []
    assert watched.page.evaluate("document.documentElement.scrollWidth") <= width
    assert watched.faults == []


def test_a_patient_is_fetched_from_a_fhir_server(watched):
    page = watched.page
    with serving_story(STORY) as (base, patient):
        watched.open("/", 390, "dark")
        page.get_by_text("or a patient on a FHIR server").click()
        assert violations(page) == []
        page.get_by_label("FHIR base URL").fill(base)
        page.get_by_label("Patient id").fill(patient)
        fire(page, "patient-view")
        assert "patient-view: HTTP 200" in page.inner_text(".outcome")
        assert page.locator(".card").count() == 2  # where she stands, and trials to look at
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
    assert watched.faults == []
