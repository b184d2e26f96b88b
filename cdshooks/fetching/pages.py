"""What a page of an answer is, before anything in it is used. Source: OUT-06, OUT-07, INP-02, INP-03."""

from __future__ import annotations

from typing import Any

import msgspec

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.strict_json import check_json

_OUTCOME, _BUNDLE = "OperationOutcome", "Bundle"
_MATCHES = frozenset({None, "match"})
_INCLUDED = frozenset({"Medication", _OUTCOME})
"""What may stand in an answer beside what was asked for."""


class UnusablePageError(Exception):
    """A page is not what was asked for; ``str()`` says why, without a word of the page."""


class _Issue(msgspec.Struct):
    severity: Any = None


class _Resource(msgspec.Struct, rename="camel"):
    resource_type: str
    issue: tuple[_Issue, ...] = ()


class _Search(msgspec.Struct):
    mode: Any = None


class _Entry(msgspec.Struct):
    resource: _Resource | None = None
    search: _Search | None = None


class _Link(msgspec.Struct):
    relation: Any = None
    url: Any = None


class _Answer(msgspec.Struct, rename="camel"):
    resource_type: str
    total: Any = None
    link: tuple[_Link, ...] = ()
    entry: tuple[_Entry | None, ...] | None = None


_decoder = msgspec.json.Decoder(_Answer)


class Page(msgspec.Struct, frozen=True, kw_only=True):
    """A page that can be used: how many entries and matches it holds, how many there are in all, and where the next begins."""

    entries: int
    matches: int
    total: int | None
    next_link: str | None


def read_page(document: bytes, kind: str, *, is_search: bool) -> Page:
    """Look through an answer of a search or read for resources of one type.

    Raises:
        UnusablePageError: It is not JSON of one meaning, or another thing than was asked for, or tells of a failure.
    """
    try:
        check_json(document)
        answer = _decoder.decode(document)
    except (BadHookRequestError, msgspec.MsgspecError, RecursionError):
        raise UnusablePageError("the FHIR server's answer cannot be read") from None
    if answer.resource_type == _OUTCOME:
        raise UnusablePageError("the FHIR server could not retrieve it")
    if not is_search:
        if answer.resource_type != kind:
            raise UnusablePageError("the FHIR server answered with something else")
        return Page(entries=1, matches=1, total=None, next_link=None)
    if answer.resource_type != _BUNDLE:
        raise UnusablePageError("the FHIR server answered with something else")
    return _read_searchset(answer, kind)


def _read_searchset(answer: _Answer, kind: str) -> Page:
    matches = 0
    for entry in answer.entry or ():
        if entry is None or entry.resource is None:
            raise UnusablePageError("the FHIR server's answer has entries without a resource")
        resource = entry.resource
        if resource.resource_type == _OUTCOME and any(it.severity in {"error", "fatal"} for it in resource.issue):
            raise UnusablePageError("the FHIR server could not retrieve all of it")
        if resource.resource_type not in _INCLUDED and resource.resource_type != kind:
            raise UnusablePageError("the FHIR server answered with something else")
        matches += resource.resource_type == kind and (entry.search is None or entry.search.mode in _MATCHES)
    link = next((it.url for it in answer.link if it.relation == "next"), None)
    return Page(
        entries=len(answer.entry or ()),
        matches=matches,
        total=answer.total if isinstance(answer.total, int) else None,
        next_link=link if isinstance(link, str) else None,
    )
