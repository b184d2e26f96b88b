"""How every page is judged: in which looks, and by which rules of accessibility."""

from __future__ import annotations

from axe_playwright_python.sync_playwright import Axe

LOOKS = [(width, scheme) for width in (390, 1440) for scheme in ("light", "dark")]
JUDGED = [(390, "dark"), (1440, "light")]
"""The looks that axe judges for every story: each colour and each width once, for a judgement takes seconds."""
_RULES = {
    "runOnly": {"type": "tag", "values": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]}
}


def violations(page):
    found = Axe().run(page, options=_RULES).response["violations"]
    return [(it["id"], it["nodes"][0]["target"], it["nodes"][0]["failureSummary"]) for it in found]
