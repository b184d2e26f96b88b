"""JSON bytes to typed resources; one that cannot be read costs itself only. Source: terminology 13.

A whole Bundle is decoded in one pass. Only when something in it is no resource that we read, it is decoded resource by resource.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import msgspec

from cdshooks.deadline import NO_DEADLINE, Deadline
from cdshooks.ehr.at_once import Bundle, Entry, Link, OperationOutcome, Search, Sendable, put_together, read_at_once
from cdshooks.ehr.explain_unreadable import explain_unreadable
from cdshooks.ehr.model import Incomplete, Unreadable
from cdshooks.ehr.repair import decode_repaired
from cdshooks.ehr.resources import TYPES, Held, Medication, Resources, Unsupported
from cdshooks.errors import UnreadablePatientFileError
from cdshooks.knowledge.ids import ResourceRef

RETRIEVAL_FAILED = "the EHR could not retrieve all of it"
"""Why a query is incomplete that holds an OperationOutcome of severity error or fatal. Source: P-6, P-7."""
_MATCHES = frozenset({None, "match"})
_LARGEST = 256 * 1024
"""In bytes, of what is read of one resource: four texts as long as a text may be. Narratives and attachments are not read."""
TOO_LARGE = "it holds more than a record of one thing can"
_DEEPEST_NESTING = 8
"""Bundles inside Bundles or Parameters beyond this depth are not medical records."""


class _Head(msgspec.Struct, rename="camel"):
    resource_type: str
    id: str | int | float | None = None


class _Entry(msgspec.Struct, rename="camel"):
    full_url: str | None = None
    resource: msgspec.Raw = msgspec.Raw()
    search: Search | None = None


class _Bundle(msgspec.Struct):
    type: str | None = None
    total: int | None = None
    link: tuple[Link, ...] = ()
    entry: tuple[_Entry | None, ...] | None = None


class _Parameter(msgspec.Struct):
    resource: msgspec.Raw = msgspec.Raw()
    part: tuple[_Parameter, ...] = ()


class _Parameters(msgspec.Struct):
    parameter: tuple[_Parameter, ...] = ()


_head = msgspec.json.Decoder(_Head)
_bundle = msgspec.json.Decoder(_Bundle)
_parameters = msgspec.json.Decoder(_Parameters)
_decoders: dict[str, msgspec.json.Decoder[Sendable]] = {
    **{name: msgspec.json.Decoder(of_type) for name, of_type in TYPES.items()},
    "OperationOutcome": msgspec.json.Decoder(OperationOutcome),
}
_OUTCOME = OperationOutcome.__name__
_NAMES: dict[type, str] = {of_type: name for name, of_type in TYPES.items()} | {OperationOutcome: _OUTCOME}
_UNSUPPORTED = {
    "MedicationOrder": "a DSTU2 order: this service reads FHIR R4, so the drug on it was not taken into account",
    "ProcedureRequest": "a DSTU2 or STU3 order: this service reads FHIR R4",
}


class ResourceCollector:
    """Collects the resources of one call from any number of JSON texts, within a time: all of it raises ``OverdueError``."""

    def __init__(self, deadline: Deadline = NO_DEADLINE) -> None:
        self._deadline = deadline
        self._by_type: defaultdict[str, list[Held]] = defaultdict(list)
        self._by_name: dict[str, Held] = {}
        self._unreadable: list[Unreadable] = []
        self._unsupported: list[Unsupported] = []
        self._incomplete: list[Incomplete] = []
        self._unread: Counter[str] = Counter()
        self._unnamed = 0

    def add_json(self, raw: bytes | msgspec.Raw, *, query: str) -> frozenset[str] | None:
        """Take in a resource, a Bundle (nested ones too), Parameters, or ``null``; ``query`` names where it came from.

        The types directly inside are handed back, or None where it took more than one look to read them.
        """
        try:
            sent = read_at_once(raw, _LARGEST, self._deadline)
        except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError):
            self._add(raw, query, full_url=None, depth=0)
            return None
        if not isinstance(sent, list):
            self._hold_measured(sent, query, None)
            return frozenset({type(sent).__name__})
        for piece, is_large in sent:
            self._deadline.check()
            self._hold_all(piece.entry or (), query, are_measured=is_large)
        bundle = sent[0][0] if len(sent) == 1 else put_together([piece for piece, _ in sent])
        filled = [it for it in bundle.entry or () if it.resource is not msgspec.UNSET]
        self._check_complete(bundle, filled, query)
        return frozenset([_NAMES[it] for it in {type(entry.resource) for entry in filled}])

    @property
    def types(self) -> frozenset[str]:
        """The types of which there is a resource."""
        return frozenset(self._by_type)

    @property
    def incomplete(self) -> tuple[Incomplete, ...]:
        """The queries whose answers are partial or missing."""
        return tuple(self._incomplete)

    def mark_incomplete(self, query: str, because: str) -> None:
        """Note that what a query returned is partial or missing."""
        self._incomplete.append(Incomplete(query=query, because=because))

    def settle(self, query: str, because: str | None) -> None:
        """Replace what was noted of a query, once its pages were followed to an end; None: nothing is missing."""
        self._incomplete = [it for it in self._incomplete if it.query != query]
        if because is not None:
            self.mark_incomplete(query, because)

    def finish(self) -> Resources:
        """Everything collected."""
        for held in self._by_type.get("Medication", ()):
            for identifier in held.resource.identifier if isinstance(held.resource, Medication) else ():
                self._by_name.setdefault(identifier.name, held)
        return Resources(
            by_type={name: tuple(held) for name, held in self._by_type.items()},
            by_name=self._by_name,
            unreadable=tuple(self._unreadable),
            unsupported=tuple(self._unsupported),
            incomplete=tuple(self._incomplete),
            unread=tuple(sorted(self._unread.items())),
            deadline=self._deadline,
        )

    def _hold_all(self, entries: Iterable[Entry], query: str, *, are_measured: bool) -> None:
        by_name, by_type = self._by_name, self._by_type
        for entry in entries:
            resource, full_url = entry.resource, entry.full_url
            kind = _NAMES.get(type(resource))
            if kind is None:  # nothing is in the entry
                continue
            if are_measured or kind == _OUTCOME or not resource.id:  # type: ignore[union-attr]  # only an outcome has none
                self._hold_measured(resource, query, full_url)  # type: ignore[arg-type]
                continue
            ref: ResourceRef = f"{kind}/{resource.id}"  # type: ignore[assignment,union-attr]  # NewType would be a call for each
            by_name[ref] = held = Held(ref, query, resource)  # type: ignore[arg-type]
            by_type[kind].append(held)
            if full_url:
                by_name[full_url] = held

    def _hold_measured(self, resource: Sendable, query: str, full_url: str | None) -> None:
        """Hold it unless it is so large that reading it alone could take longer than a call may."""
        kind = type(resource).__name__
        if isinstance(resource, OperationOutcome):
            if resource.is_failure:
                self.mark_incomplete(query, RETRIEVAL_FAILED)
            return
        ref = self._ref(_Head(kind, resource.id), query)
        if len(msgspec.json.encode(resource)) > _LARGEST:
            self._unreadable.append(Unreadable(resource=ref, reason=TOO_LARGE))
            return
        held = self._by_name[ref] = Held(ref, query, resource)
        self._by_type[kind].append(held)
        if full_url:
            self._by_name[full_url] = held

    def _check_complete(self, bundle: Bundle | _Bundle, filled: Sequence[Entry | _Entry], query: str) -> None:
        if any(link.relation == "next" for link in bundle.link):
            self.mark_incomplete(query, "there are further pages that were not sent")
        elif bundle.type == "searchset" and bundle.total:
            others = [it for it in filled if it.search is not None and it.search.mode not in _MATCHES]
            if bundle.total > len(filled) - len(others):
                self.mark_incomplete(query, "the answer holds fewer entries than it says there are")

    def _add(self, raw: bytes | msgspec.Raw, query: str, *, full_url: str | None, depth: int) -> None:
        if bytes(memoryview(raw)[:8]).strip() in {b"null", b"{}", b""}:
            return
        self._deadline.check()
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
        filled = [it for it in bundle.entry or () if it is not None and bytes(it.resource)]
        for entry in filled:
            self._add(entry.resource, query, full_url=entry.full_url, depth=depth + 1)
        self._check_complete(bundle, filled, query)

    def _add_parameters(self, parameters: Iterable[_Parameter], query: str, depth: int) -> None:
        if depth >= _DEEPEST_NESTING:
            self.mark_incomplete(query, "Parameters are nested too deeply to be read")
            return
        for parameter in parameters:
            if bytes(parameter.resource):
                self._add(parameter.resource, query, full_url=None, depth=depth + 1)
            self._add_parameters(parameter.part, query, depth + 1)

    def _add_resource(self, raw: bytes | msgspec.Raw, head: _Head, query: str, full_url: str | None) -> None:
        if head.resource_type in _UNSUPPORTED:
            ref = self._ref(head, query)
            self._unsupported.append(Unsupported(resource=ref, reason=_UNSUPPORTED[head.resource_type]))
        elif head.resource_type in _decoders:
            self._hold_measured(_decode(raw, head.resource_type), query, full_url)
        else:
            self._unread[head.resource_type] += 1

    def _ref(self, head: _Head, query: str) -> ResourceRef:
        if head.id:
            return ResourceRef(f"{head.resource_type}/{head.id}")
        return self._nameless(f"{head.resource_type}?{query}")

    def _nameless(self, what: str) -> ResourceRef:
        self._unnamed += 1
        return ResourceRef(f"{what}#{self._unnamed}")


def has_failed(raw: bytes | msgspec.Raw, deadline: Deadline) -> bool:
    """Whether a part of what was asked for could not be retrieved, as the EHR says inside its answer. Source: P-6, P-7.

    Raises:
        OverdueError: There is no time left to read it.
    """
    if b'"OperationOutcome"' not in bytes(raw):
        return False
    collector = ResourceCollector(deadline)
    collector.add_json(raw, query="any")
    return any(it.because == RETRIEVAL_FAILED for it in collector.incomplete)


def _decode(raw: bytes | msgspec.Raw, resource_type: str) -> Sendable:
    decoder = _decoders[resource_type]
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError:
        if resource_type not in TYPES:
            raise
        return decode_repaired(raw, TYPES[resource_type])


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


def without_repeats(resources: Resources) -> Resources:
    """Each resource once, as it was read last: the pages of a search overlap when something is written meanwhile."""
    by_type = {kind: tuple({it.ref: it for it in held}.values()) for kind, held in resources.by_type.items()}
    return msgspec.structs.replace(resources, by_type=by_type)


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
