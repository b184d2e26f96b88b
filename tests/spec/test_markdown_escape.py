"""Text of the record can never become a link, an image, HTML or Markdown on a card. Source: CARD-02."""

from __future__ import annotations

import html
import re

import pytest

from cdshooks.cards.escape import escape

ACTIVE = re.compile(r"[<>\\`*_{}\[\]()+\-.!|~:@\"'=/]")

PAYLOADS = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "[click](https://evil.example)",
    "![pixel](https://evil.example/p.png)",
    "https://evil.example/now",
    "www.evil.example",
    "someone@evil.example",
    "**order this**",
    "_quiet_ ~~gone~~ `code`",
    "# heading",
    "- list\n- of\n- orders",
    "1. first",
    "| a | b |\n|---|---|",
    "&lt;b&gt; &#60;b&#62;",
    "\\<b\\>",
    "javascript:alert(1)",
    "<https://evil.example>",
    "[ref]: https://evil.example",
    "```\nfence\n```",
    "a<!-- -->b",
)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_no_payload_stays_active(payload):
    shown = escape(payload)
    assert not ACTIVE.search(shown)
    assert re.fullmatch(r"(?:[^&#]|&#\d+;)*", shown)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_the_reader_sees_the_text_as_it_was_written(payload):
    assert html.unescape(escape(payload)) == " ".join(payload.split())


@pytest.mark.parametrize("hidden", ["\u202e", "\u200b", "\u0000", "\u009b", "\u2028", "\ufeff", "\n", "\r"])
def test_invisible_characters_and_new_lines_are_gone(hidden):
    assert escape(f"HER2{hidden}low") == "HER2 low"


@pytest.mark.parametrize(("length", "is_cut"), [(120, False), (121, True)])
def test_a_long_text_is_cut(length, is_cut):
    assert escape("a" * length).endswith("…") is is_cut
    assert len(escape("a" * length)) == 120 + is_cut
