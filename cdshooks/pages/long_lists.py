"""The parts of the patient page that repeat a thousand times, written here: a template takes most of a page's time for them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from html import escape

from markupsafe import Markup

from cdshooks.pages.drawing import Drawing, Shape
from cdshooks.pages.view import Answered, Cited

_HYPHENED = re.compile(r"(?<![\w.&#-])[A-Za-z0-9.]{1,4}(?:-[A-Za-z0-9.]{1,4})+(?![\w-])")


def findings(answered: Iterable[Answered]) -> Markup:
    """Each criterion with its answer, as an item of a list."""
    return Markup("".join([_finding(it) for it in answered]))  # noqa: S704 - each is escaped


def sources(cited: Iterable[Cited]) -> Markup:
    """Each source, with a link where one is known."""
    return Markup(_sources(cited))  # noqa: S704 - each is escaped


def elements(drawing: Drawing) -> Markup:
    """The elements of a picture."""
    return Markup("".join([_element(it) for it in drawing.shapes]))  # noqa: S704 - each is escaped


def unbroken(text: str) -> Markup:
    """A text in which no line ends within a date, a range or a short name with a hyphen."""
    return Markup(_HYPHENED.sub(r'<span class="unbroken">\g<0></span>', escape(text)))  # noqa: S704 - escaped


def _finding(it: Answered) -> str:
    says = f'<li class="{it.outcome}"><span class="word">{it.word}</span> {escape(it.says)}'
    return f"{says}{_sources(it.sources) if it.sources else ''}</li>\n"


def _sources(cited: Iterable[Cited]) -> str:
    return ";".join([_source(it) for it in cited])


def _source(it: Cited) -> str:
    cite = escape(it.cite)
    told = f'<a href="{escape(it.url)}" rel="noreferrer">{cite}</a>' if it.url else cite
    return f" <cite>{told}</cite>"


def _element(it: Shape) -> str:
    attributes = "".join([f' {name}="{escape(value)}"' for name, value in it.attributes])
    return f"<{it.tag}{attributes}>{escape(it.text)}</{it.tag}>\n"
