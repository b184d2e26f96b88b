"""How every page is judged: in which looks, by which rules of accessibility, and beside which reviewed pictures.

Pictures under `pictures/` were looked at before they were kept. After a change that is meant to be seen:
take them again as CONTRIBUTING.md says, then look at each one as an oncologist would.
"""

from __future__ import annotations

import io
import os
from pathlib import Path

from axe_playwright_python.sync_playwright import Axe
from PIL import Image, ImageChops

LOOKS = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
JUDGED = [(390, "dark"), (1440, "light")]
"""The looks that axe judges for every story: each colour and each width once, for a judgement takes seconds."""
_PICTURES = Path(__file__).parent / "pictures"
_CHANNEL, _SHARE = 48, 0.02
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


def violations(page):
    found = Axe().run(page, options=_RULES).response["violations"]
    return [(it["id"], it["nodes"][0]["target"], it["nodes"][0]["failureSummary"]) for it in found]


def looks_as_reviewed(page, name):
    """What the window shows, against the reviewed picture, within tolerance."""
    got = page.screenshot()
    kept = _PICTURES / f"{name}.png"
    if os.environ.get("UPDATE_PICTURES") == "1":
        Image.open(io.BytesIO(got)).convert("P", palette=Image.Palette.ADAPTIVE, colors=64).save(kept, optimize=True)
    reviewed = Image.open(kept).convert("RGB")
    shown = Image.open(io.BytesIO(got)).convert("RGB")
    if shown.size != reviewed.size:
        return False
    differs = ImageChops.difference(shown, reviewed).convert("L").point(lambda it: 255 if it > _CHANNEL else 0)
    return differs.histogram()[255] <= _SHARE * shown.width * shown.height
