"""The queries for what was not prefetched, made of the published templates, so that fetching finds what prefetching sends.

Source: P-13, OUT-02, OUT-09.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from urllib.parse import quote

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.model import Incomplete
from cdshooks.ehr.resources import TYPES, Drug, DrugReference, Held, Resources
from cdshooks.ehr.source import Query
from cdshooks.hooks.services import PREFETCH

MEDICATIONS = "medications"
"""How reads of drugs that are only referred to are named, beside the prefetch keys."""
_PATIENT_ID = "{{context.patientId}}"
_PAGE_SIZE = 1000
"""A wish, not a limit: servers have their own, and all pages are read."""
_DRUGS = tuple(name for name, of_type in TYPES.items() if issubclass(of_type, Drug))
_MOST_MEDICATIONS = 50
_BY_IDENTIFIER = "Medication?identifier="
_NEVER_TAKEN = frozenset({"entered-in-error", "not-done", "not-taken", "cancelled", "draft"})


def query_for(key: str, patient_id: str, next_page: str | None = None) -> Query:
    """What the template of a prefetch key asks for this patient, in large pages and with the drugs that are referred to."""
    plain = PREFETCH[key].replace(_PATIENT_ID, quote(patient_id, safe=""))
    kind, is_search, _ = plain.partition("?")
    if not is_search:
        return Query(key=key, kind=kind.partition("/")[0], path=plain)
    include = f"&_include={kind}:medication" if kind in _DRUGS else ""
    path = f"{plain}&_count={_PAGE_SIZE}{include}"
    return Query(key=key, kind=kind, path=path, plain_path=plain, next_page=next_page)


def queries_for_medications(found: Iterable[Resources], base: str) -> tuple[Query, ...]:
    """Reads of the drugs that orders, doses and statements refer to and that nobody sent. ``base``: of the FHIR server."""
    together = tuple(found)
    names = {reference.name for it in together for _, _, reference in _references(it)}
    unsent = sorted(it for it in names if it and not any(resolve(resources, it) for resources in together))
    paths = dict.fromkeys(path for path in (_path_of(it, base) for it in unsent) if path is not None)
    return tuple(Query(key=MEDICATIONS, kind="Medication", path=it) for it in list(paths)[:_MOST_MEDICATIONS])


def unnamed_drugs(resources: Resources) -> tuple[Incomplete, ...]:
    """The queries whose answers say of a drug only where it can be looked up, where nothing is found there. Source: OUT-07.

    Any such drug may be a line of therapy; not so what was entered in error or never given.
    """
    because = "it says of a drug only where to look it up, and there is nothing"
    keys = {
        held.query: None
        for held, drug, reference in _references(resources)
        if not reference.display and drug.status not in _NEVER_TAKEN and not _is_found(resources, drug, reference.name)
    }
    return tuple(Incomplete(query=it, because=because) for it in keys)


def _references(resources: Resources) -> Iterator[tuple[Held, Drug, DrugReference]]:
    """What names its drug by a reference and not by a code or words."""
    for held in (it for kind in _DRUGS for it in resources.each(kind)):
        drug = held.resource
        if (
            isinstance(drug, Drug)
            and drug.medication_codeable_concept is None
            and drug.medication_reference is not None
        ):
            yield held, drug, drug.medication_reference


def _is_found(resources: Resources, drug: Drug, name: str) -> bool:
    return bool(drug.contained) if name.startswith("#") else resolve(resources, name) is not None


def _path_of(name: str, base: str) -> str | None:
    """The path of a Medication under this base; None for a contained one, one elsewhere, or what is no such reference."""
    relative = name.removeprefix(base.rstrip("/") + "/").partition("/_history/")[0]
    if relative.startswith(_BY_IDENTIFIER):
        return _BY_IDENTIFIER + quote(relative.removeprefix(_BY_IDENTIFIER), safe="")
    kind, _, logical_id = relative.partition("/")
    if kind != "Medication" or not logical_id or "/" in logical_id or set(logical_id) <= {"."}:
        return None
    return f"{kind}/{quote(logical_id, safe='')}"
