"""Page views to HTML. Jinja escapes every value; no script and no style stands in the page."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined

from cdshooks.pages import wording
from cdshooks.pages.timeline import LEGEND
from cdshooks.pages.view import PatientPage

_templates = Environment(
    loader=PackageLoader("cdshooks.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    auto_reload=False,
)


class StoryLink(msgspec.Struct, frozen=True, kw_only=True):
    """A shipped patient that can be opened."""

    name: str
    title: str


def patient_html(page: PatientPage, root: str) -> str:
    """The patient page; ``root`` is the path under which the service is mounted."""
    return _templates.get_template("patient.html").render(
        page=page, root=root, legend=LEGEND, elsewhere=wording.ELSEWHERE
    )


def choose_html(stories: Iterable[StoryLink], root: str) -> str:
    """The list of shipped patients and a form for one's own."""
    return _templates.get_template("choose.html").render(stories=tuple(stories), root=root)


def message_html(heading: str, texts: Iterable[str], root: str) -> str:
    """A page that says why there is nothing to see."""
    return _templates.get_template("message.html").render(heading=heading, texts=tuple(texts), root=root)


def stylesheet() -> bytes:
    """The one stylesheet of all pages."""
    return resources.files("cdshooks.pages").joinpath("static", "page.css").read_bytes()
