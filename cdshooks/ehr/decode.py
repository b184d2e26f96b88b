"""JSON bytes to typed resources, one at a time: one that cannot be read costs itself only. Source: terminology 13."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cdshooks.ehr.explain_unreadable import explain_unreadable
from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.resources import TYPES, Base, Held, Resources, Unsupported
from cdshooks.errors import UnreadablePatientFileError
from cdshooks.knowledge.ids import ResourceRef

RETRIEVAL_FAILED = "the EHR could not retrieve all of it"
"""Why a query is incomplete that holds an OperationOutcome of severity error or fatal. Source: P-6, P-7."""
_DEEPEST_NESTING = 8
"""Bundles inside Bundles or Parameters beyond this depth are not medical records."""


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str
    id: str | None = None


class _Search(msgspec.Struct):
    mode: str | None = None


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    search: _Search | None = None


class _Link(msgspec.Struct):
    relation: str | None = None
    url: str | None = None


class _Bundle(msgspec.Struct):
    type: str | None = None
    total: int | None = None
    link: tuple[_Link, ...] = ()
    entry: tuple[_Entry | None, ...] | None = None


class _Parameter(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()
    part: tuple[_Parameter, ...] = ()


class _Parameters(msgspec.Struct):
    parameter: tuple[_Parameter, ...] = ()


class _Issue(msgspec.Struct):
    severity: str | None = None


class _OperationOutcome(msgspec.Struct):
    issue: tuple[_Issue, ...] = ()


_head = msgspec.json.Decoder(_Head)
_bundle = msgspec.json.Decoder(_Bundle)
_parameters = msgspec.json.Decoder(_Parameters)
_outcome = msgspec.json.Decoder(_OperationOutcome)
_decoders = {name: msgspec.json.Decoder(of_type) for name, of_type in TYPES.items()}
_UNSUPPORTED = {
    "MedicationOrder": "a DSTU2 order: this service reads FHIR R4, so the drug on it was not taken into account",
    "ProcedureRequest": "a DSTU2 or STU3 order: this service reads FHIR R4",
}


class ResourceCollector:
    """Collects the resources of one call from any number of JSON texts."""

    def __init__(self) -> None:
        self._by_type: dict[str, list[Held]] = {}
        self._by_name: dict[str, Held] = {}
        self._unreadable: list[Unreadable] = []
        self._unsupported: list[Unsupported] = []
        self._incomplete: list[Incomplete] = []
        self._unnamed = 0

    def add_json(self, raw: bytes | msgspec.Raw, *, query: str) -> None:
        """Take in a resource, a Bundle (nested ones too), Parameters, or ``null``; ``query`` names where it came from."""
        self._add(raw, query, full_url=None, depth=0)

    def mark_incomplete(self, query: str, because: str) -> None:
        """Note that what a query returned is partial or missing."""
        self._incomplete.append(Incomplete(query=query, because=because))

    def finish(self) -> Resources:
        """Everything collected."""
        return Resources(
            by_type={name: tuple(held) for name, held in self._by_type.items()},
            by_name=self._by_name,
            unreadable=tuple(self._unreadable),
            unsupported=tuple(self._unsupported),
            incomplete=tuple(self._incomplete),
        )

    def _add(self, raw: bytes | msgspec.Raw, query: str, *, full_url: str | None, depth: int) -> None:
        if bytes(raw).strip() in {b"null", b"{}", b""}:
            return
        try:
            head = _head.decode(raw)
        except (msgspec.MsgspecError, RecursionError):
            self._unreadable.append(Unreadable(resource=self._nameless(query), reason="it is not a FHIR resource"))
            return
        try:
            if head.resource_type == "Bundle":
                self._add_bundle(raw, query, depth)
            elif head.resource_type == "Parameters":
                self._add_parameters(_parameters.decode(raw).parameter, query, depth)
            elif head.resource_type == "OperationOutcome":
                self._add_outcome(raw, query)
            else:
                self._add_resource(raw, head, query, full_url)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
            ref = self._ref(head, query)
            self._unreadable.append(
                Unreadable(resource=ref, reason=explain_unreadable(head.resource_type, bytes(raw), str(error)))
            )

    def _add_bundle(self, raw: bytes | msgspec.Raw, query: str, depth: int) -> None:
        if depth >= _DEEPEST_NESTING:
            self.mark_incomplete(query, "Bundles are nested too deeply to be read")
            return
        bundle = _bundle.decode(raw)
        matches = 0
        for entry in bundle.entry or ():
            if entry is None or not bytes(entry.resource):
                continue
            matches += entry.search is None or entry.search.mode in {None, "match"}
            self._add(entry.resource, query, full_url=entry.full_url, depth=depth + 1)
        if any(link.relation == "next" for link in bundle.link):
            self.mark_incomplete(query, "there are further pages that were not sent")
        elif bundle.type == "searchset" and bundle.total is not None and bundle.total > matches:
            self.mark_incomplete(query, "the answer holds fewer entries than it says there are")

    def _add_parameters(self, parameters: Iterable[_Parameter], query: str, depth: int) -> None:
        if depth >= _DEEPEST_NESTING:
            self.mark_incomplete(query, "Parameters are nested too deeply to be read")
            return
        for parameter in parameters:
            if bytes(parameter.resource):
                self._add(parameter.resource, query, full_url=None, depth=depth + 1)
            self._add_parameters(parameter.part, query, depth + 1)

    def _add_outcome(self, raw: bytes | msgspec.Raw, query: str) -> None:
        if any(issue.severity in {"error", "fatal"} for issue in _outcome.decode(raw).issue):
            self.mark_incomplete(query, RETRIEVAL_FAILED)

    def _add_resource(self, raw: bytes | msgspec.Raw, head: _Head, query: str, full_url: str | None) -> None:
        ref = self._ref(head, query)
        if head.resource_type in _UNSUPPORTED:
            self._unsupported.append(Unsupported(resource=ref, reason=_UNSUPPORTED[head.resource_type]))
            return
        decoder = _decoders.get(head.resource_type)
        if decoder is None:
            return
        resource: Base = decoder.decode(raw)
        held = Held(ref=ref, query=query, resource=resource)
        self._by_type.setdefault(head.resource_type, []).append(held)
        self._by_name[ref] = held
        if full_url:
            self._by_name[full_url] = held

    def _ref(self, head: _Head, query: str) -> ResourceRef:
        if head.id:
            return ResourceRef(f"{head.resource_type}/{head.id}")
        return self._nameless(f"{head.resource_type}?{query}")

    def _nameless(self, what: str) -> ResourceRef:
        self._unnamed += 1
        return ResourceRef(f"{what}#{self._unnamed}")


def resolve(resources: Resources, reference: str | None) -> Held | None:
    """The resource that a relative, absolute, versioned or ``urn:`` reference leads to, if it was sent."""
    if not reference:
        return None
    found = resources.by_name.get(reference)
    if found is not None:
        return found
    unversioned = reference.partition("/_history/")[0]
    tail = "/".join(unversioned.rsplit("/", 2)[-2:])
    return resources.by_name.get(unversioned) or resources.by_name.get(tail)


def decode_ndjson(data: bytes, collector: ResourceCollector) -> None:
    """Take in an NDJSON text, one resource a line.

    Raises:
        UnreadablePatientFileError: The first line that is not empty is no FHIR resource.
    """
    is_first = True
    for line in data.splitlines():
        if not line.strip():
            continue
        if is_first:
            try:
                _head.decode(line)
            except (msgspec.MsgspecError, RecursionError) as error:
                raise UnreadablePatientFileError(
                    "it is neither a Bundle, nor NDJSON of resources, nor a hook request"
                ) from error
        is_first = False
        collector.add_json(line, query="file")
    if is_first:
        raise UnreadablePatientFileError("it is empty")
