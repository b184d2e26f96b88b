"""One sheet for each story: the whole page in its four looks, a quarter as large, kept after somebody has looked at it.

A page is compared square by square, so that a small change counts as much on a long page as on a short one.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from PIL import Image, ImageChops

from tests.browser.judging import LOOKS

SHEETS = Path(__file__).parent / "sheets"
_SMALLER, _GAP, _BETWEEN = 4, 4, (127, 127, 127)
_SQUARE, _MOST_CHANGE = 2, 22
"""A square of a sheet is eight pixels of a page, about a letter. Fewer colours change it by up to 14 of 255, grain and softer
letters by up to 18, another digit by 30 or more."""


def sheet_of(watched, story, looks=LOOKS, change=None, seen=lambda it: it):
    """The looks side by side; ``change`` is a script that alters the page first, ``seen`` is what becomes of its picture."""
    shown = []
    for width, scheme in looks:
        watched.open(f"/app/stories/{story}", width, scheme)
        if change is not None:
            watched.page.evaluate(change)
        picture = Image.open(io.BytesIO(watched.page.screenshot(full_page=True))).convert("RGB")
        shown.append(seen(picture).reduce(_SMALLER))
    size = sum(it.width + _GAP for it in shown) - _GAP, max(it.height for it in shown)
    sheet, left = Image.new("RGB", size, _BETWEEN), 0
    for it in shown:
        sheet.paste(it, (left, 0))
        left += it.width + _GAP
    return sheet


def in_few_colours(sheet):
    """A sheet as it is kept: each colour near its own, whatever else is on the sheet."""
    return sheet.quantize(256, method=Image.Quantize.FASTOCTREE, dither=Image.Dither.NONE).convert("RGB")


def kept_sheet(story, shown):
    """The reviewed sheet of a story; with ``UPDATE_PICTURES=1`` it becomes what is shown now."""
    path = SHEETS / f"{story}.webp"
    if os.environ.get("UPDATE_PICTURES") == "1":
        SHEETS.mkdir(exist_ok=True)
        in_few_colours(shown).save(path, lossless=True, method=6)
    return Image.open(path).convert("RGB")


def changed_squares(shown, kept):
    """Where a page is no longer as reviewed: places on the sheet, or its size."""
    if shown.size != kept.size:
        return [f"{shown.size} instead of {kept.size}"]
    red, green, blue = ImageChops.difference(shown, kept).split()
    squares = ImageChops.lighter(ImageChops.lighter(red, green), blue).reduce(_SQUARE)
    return [
        (place % squares.width * _SQUARE, place // squares.width * _SQUARE)
        for place, change in enumerate(squares.tobytes())
        if change > _MOST_CHANGE
    ]
