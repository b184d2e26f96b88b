"""Every story's page in every look beside its reviewed sheet, and proof that the comparison sees what a reader would see."""

from __future__ import annotations

import pytest
from PIL import Image, ImageChops, ImageFilter

from tests.browser.judging import JUDGED
from tests.browser.sheets import SHEETS, changed_squares, in_few_colours, kept_sheet, sheet_of
from tests.browser.test_patient_page import STORIES

pytestmark = pytest.mark.browser

CHANGED = "brain-lesion-that-needs-surgery-first"
CHANGES = {
    "a line has another number in the picture": "document.querySelectorAll('.badge-number').forEach(it => { if (it.textContent === '3') it.textContent = '4' })",
    "a line has another number in the table": "document.querySelector('tbody tr:last-child th').textContent = '4'",
    "another count of lines": "document.querySelector('.big').textContent = '4 metastatic lines'",
    "a band has the colour of the next": "document.querySelectorAll('.band.odd').forEach(it => it.setAttribute('class', 'band even'))",
    "a drug is missing in the picture": "document.querySelectorAll('.timeline').forEach(it => it.querySelectorAll('.bar')[1].remove())",
    "an option is missing": "document.querySelector('.option:last-child').remove()",
    "two options have changed places": "document.querySelector('.options').prepend(document.querySelector('.option:nth-child(2)'))",
    "a section stands elsewhere": "document.querySelector('.now').append(document.querySelector('.find-out'))",
    "a warning has no colour": "document.querySelectorAll('.notes .warning').forEach(it => it.classList.remove('warning'))",
    "the first option has no colour": "document.querySelector('.option.first').classList.remove('first')",
}


def grainy(picture):
    grain = Image.effect_noise(picture.size, 6)
    return Image.merge("RGB", [ImageChops.add(part, grain, 1, -128) for part in picture.split()])


def soft(picture):
    return picture.filter(ImageFilter.GaussianBlur(0.3))


@pytest.fixture(scope="module")
def unchanged(watched):
    return in_few_colours(sheet_of(watched, CHANGED, JUDGED))


@pytest.mark.parametrize("story", STORIES)
def test_the_whole_page_looks_as_reviewed(watched, story):
    shown = sheet_of(watched, story)
    assert changed_squares(shown, kept_sheet(story, shown)) == []


def test_no_sheet_is_left_of_a_story_that_is_gone():
    assert sorted(it.stem for it in SHEETS.glob("*")) == STORIES


@pytest.mark.parametrize("change", CHANGES)
def test_what_a_reader_would_see_is_seen(watched, unchanged, change):
    assert changed_squares(sheet_of(watched, CHANGED, JUDGED, change=CHANGES[change]), unchanged) != []


@pytest.mark.parametrize("seen", [grainy, soft])
def test_what_no_reader_would_see_is_not_seen(watched, unchanged, seen):
    assert changed_squares(sheet_of(watched, CHANGED, JUDGED, seen=seen), unchanged) == []
