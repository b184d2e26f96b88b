"""Page views to HTML. Jinja escapes every value; no script and no style stands in the page."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any

import msgspec
from jinja2 import Environment, PackageLoader, StrictUndefined, Undefined

from cdshooks.hooks.services import Service
from cdshooks.knowledge.publish import in_words
from cdshooks.pages import wording
from cdshooks.pages.long_lists import elements, findings, sources, unbroken
from cdshooks.pages.paper import is_dense
from cdshooks.pages.timeline import LEGEND
from cdshooks.pages.view import PatientPage
from cdshooks.pages.workbench import Answered, Asked, Choice, Fault

_templates = Environment(
    loader=PackageLoader("cdshooks.pages"),
    autoescape=True,
    undefined=StrictUndefined,
    trim_blocks=True,
    auto_reload=False,
)


def counted(number: int, noun: str) -> str:
    """So many of something: "1 regimen", "2 regimens"."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


_templates.filters |= {
    "counted": counted,
    "elements": elements,
    "findings": findings,
    "sources": sources,
    "unbroken": unbroken,
}


_reading = _templates.overlay(undefined=Undefined)
"""For pages of knowledge, whose entries leave out what does not apply to them."""


class About(msgspec.Struct, frozen=True, kw_only=True):
    """What a service says of itself; ``unsigned`` is the version of knowledge that no clinician has signed."""

    version: str
    base_url: str
    unsigned: str | None


class StoryLink(msgspec.Struct, frozen=True, kw_only=True):
    """A shipped patient that can be opened."""

    name: str
    title: str


def patient_html(page: PatientPage, root: str) -> str:
    """The patient page; ``root`` is the path under which the service is mounted."""
    return _templates.get_template("patient.html").render(
        page=page, root=root, legend=LEGEND, elsewhere=wording.ELSEWHERE, dense=is_dense(page)
    )


def choose_html(stories: Iterable[StoryLink], root: str) -> str:
    """The list of shipped patients and a form for one's own."""
    return _templates.get_template("choose.html").render(stories=tuple(stories), root=root)


def message_html(heading: str, texts: Iterable[str], root: str) -> str:
    """A page that says why there is nothing to see."""
    return _templates.get_template("message.html").render(heading=heading, texts=tuple(texts), root=root)


def workbench_html(
    asked: Asked,
    told: Answered | Fault | None,
    *,
    stories: Iterable[Choice],
    profiles: Iterable[Choice],
    jurisdictions: Iterable[str],
    services: Iterable[Service],
    root: str,
) -> str:
    """The workbench."""
    return _templates.get_template("workbench.html").render(
        asked=asked,
        answered=told if isinstance(told, Answered) else None,
        fault=told if isinstance(told, Fault) else None,
        stories=tuple(stories),
        profiles=tuple(profiles),
        jurisdictions=tuple(jurisdictions),
        services=tuple(services),
        root=root,
    )


def about_html(about: About, root: str) -> str:
    """What stands at the root of a service in production."""
    return _templates.get_template("about.html").render(about=about, root=root)


def knowledge_html(
    template: str, document: Mapping[str, Any], cites: Mapping[Any, str], jurisdiction: str, root: str
) -> str:
    """What the service rests on ("knowledge.html"), or the hazard log ("hazards.html")."""
    return _reading.get_template(template).render(
        it=document, cites=cites, in_words=in_words, jurisdiction=jurisdiction, root=root
    )


def stylesheet() -> bytes:
    """The one stylesheet of all pages."""
    return resources.files("cdshooks.pages").joinpath("static", "page.css").read_bytes()


def script(name: str) -> bytes:
    """A script of a page."""
    return resources.files("cdshooks.pages").joinpath("static", name).read_bytes()
