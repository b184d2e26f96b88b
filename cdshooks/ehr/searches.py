"""The queries for what was not prefetched, made of the published templates, so that fetching finds what prefetching sends.

Source: P-13, OUT-02, OUT-09.
"""

from __future__ import annotations

from collections.abc import Iterable
from urllib.parse import quote

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.resources import TYPES, Drug, Resources
from cdshooks.ehr.source import Query
from cdshooks.hooks.services import PREFETCH

MEDICATIONS = "medications"
"""How reads of drugs that are only referred to are named, beside the prefetch keys."""
_PATIENT_ID = "{{context.patientId}}"
_PAGE_SIZE = 1000
"""A wish, not a limit: servers have their own, and all pages are read."""
_DRUGS = tuple(name for name, of_type in TYPES.items() if issubclass(of_type, Drug))
_MOST_MEDICATIONS = 50


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
    paths: set[str] = set()
    for resources in together:
        for held in (it for kind in _DRUGS for it in resources.of(kind)):
            drug = held.resource
            reference = drug.medication_reference if isinstance(drug, Drug) else None
            if reference is None or not reference.reference or any(resolve(it, reference.reference) for it in together):
                continue
            path = _path_of(reference.reference, base)
            if path is not None:
                paths.add(path)
    return tuple(Query(key=MEDICATIONS, kind="Medication", path=path) for path in sorted(paths)[:_MOST_MEDICATIONS])


def _path_of(reference: str, base: str) -> str | None:
    """The path of a Medication under this base; None for a contained one, one elsewhere, or what is no such reference."""
    relative = reference.removeprefix(base.rstrip("/") + "/").partition("/_history/")[0]
    kind, _, logical_id = relative.partition("/")
    if kind != "Medication" or not logical_id or "/" in logical_id or set(logical_id) <= {"."}:
        return None
    return f"{kind}/{quote(logical_id, safe='')}"
