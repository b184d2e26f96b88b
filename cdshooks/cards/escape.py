"""Text of the record made harmless: it can never become a link, an image, HTML or Markdown. Source: CARD-02."""

from __future__ import annotations

import unicodedata

_ACTIVE = frozenset("&<>\\`*_{}[]()#+-.!|~:@\"'=/")
_LONGEST = 120
_INVISIBLE = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})


def escape(text: str) -> str:
    """A text of the record as Markdown that shows it and does nothing else; cut after 120 characters."""
    visible = "".join(" " if unicodedata.category(it) in _INVISIBLE else it for it in text)
    plain = " ".join(visible.split())
    shown = plain[:_LONGEST] + ("…" if len(plain) > _LONGEST else "")
    return "".join(f"&#{ord(it)};" if it in _ACTIVE else it for it in shown)
