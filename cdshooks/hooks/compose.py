"""A patient or a request that a developer has at hand, made into a call of one service. Only the workbench of dev mode does this.

What comes is changed as little as possible: a request of the service's own hook stays as it is.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from cdshooks.errors import BadHookRequestError
from cdshooks.hooks.services import PREFETCH, Service

_ORDERS = frozenset({"MedicationRequest", "ServiceRequest", "RequestGroup"})
_KEY_OF = {query.partition("?")[0].partition("/")[0]: key for key, query in PREFETCH.items()}
_OTHERS = "others"
_USER = "Practitioner/workbench"
_ORDER_ID = "ordered-here"


def compose_request(
    content: Mapping[str, Any], service: Service, *, ordered: str, hook_instance: str
) -> Mapping[str, Any]:
    """The call of a service that the content stands for; the content itself where it is that call.

    Args:
        content: A hook request, a Bundle, or one resource.
        service: The service to be called.
        ordered: The drug being ordered, as a clinician would write it; it takes the place of all draft orders. May be empty.
        hook_instance: Names the call where the content does not.

    Raises:
        BadHookRequestError: With the path of what is missing.
    """
    request: Mapping[str, Any]
    if "hook" in content or "context" in content:
        request = content
    elif "resourceType" in content:
        request = _of_bundle(content, hook_instance)
    else:
        raise BadHookRequestError("$", "this is neither a hook request nor a FHIR Bundle")
    context = request.get("context")
    if not isinstance(context, dict):
        raise BadHookRequestError("$.context", "this must be an object")
    if request.get("hook") == service.hook and not ordered:
        return request
    return {**request, "hook": service.hook, "context": _context(context, service, ordered)}


def request_of_server(fhir_server: str, patient_id: str, hook_instance: str) -> dict[str, Any]:
    """A call that sends no data, so that the service fetches all of it; its hook is open yet."""
    return {
        "hook": "",
        "hookInstance": hook_instance,
        "fhirServer": fhir_server,
        "context": {"userId": _USER, "patientId": patient_id},
    }


def _of_bundle(content: Mapping[str, Any], hook_instance: str) -> dict[str, Any]:
    found = list(_resources(content))
    patients = [(path, it) for path, it in found if it.get("resourceType") == "Patient"]
    if not patients:
        raise BadHookRequestError("$.entry", "there is no Patient among the resources")
    if len(patients) > 1:
        raise BadHookRequestError(f"{patients[1][0]}.resourceType", "this is a second Patient")
    path, patient = patients[0]
    if not isinstance(patient.get("id"), str):
        raise BadHookRequestError(f"{path}.id", "this member is required")
    by_key: dict[str, list[Any]] = {key: [] for key in PREFETCH if key != "patient"} | {_OTHERS: []}
    drafts = []
    for _, it in found:
        if it.get("resourceType") in _ORDERS and it.get("status") == "draft":
            drafts.append(it)
        elif it is not patient:
            by_key[_KEY_OF.get(str(it.get("resourceType")), _OTHERS)].append(it)
    if not by_key[_OTHERS]:
        del by_key[_OTHERS]
    return {
        "hook": "",
        "hookInstance": hook_instance,
        "context": {"userId": _USER, "patientId": patient["id"], "draftOrders": _collection(drafts)},
        "prefetch": {"patient": patient, **{key: _searchset(found) for key, found in by_key.items()}},
    }


def _resources(content: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    if content.get("resourceType") != "Bundle":
        yield "$", dict(content)
        return
    entries = content.get("entry", [])
    if not isinstance(entries, list):
        raise BadHookRequestError("$.entry", "this must be an array")
    for index, entry in enumerate(entries):
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if not isinstance(resource, dict):
            raise BadHookRequestError(f"$.entry[{index}].resource", "this must be a resource")
        yield f"$.entry[{index}].resource", resource


def _context(context: Mapping[str, Any], service: Service, ordered: str) -> dict[str, Any]:
    kept = {name: value for name, value in context.items() if name not in {"draftOrders", "selections"}}
    if service.hook == "patient-view":
        return kept
    drafts = context.get("draftOrders", _collection([]))
    if ordered:
        drafts = _collection([_order(ordered, str(context.get("patientId", "")))])
    selections = list(_references(drafts))
    if not selections:
        raise BadHookRequestError("$.context.draftOrders", "no order is drafted; name the drug that is being ordered")
    return {**kept, **({"selections": selections} if service.hook == "order-select" else {}), "draftOrders": drafts}


def _order(drug: str, patient: str) -> dict[str, Any]:
    return {
        "resourceType": "MedicationRequest",
        "id": _ORDER_ID,
        "status": "draft",
        "intent": "order",
        "subject": {"reference": f"Patient/{patient}"},
        "medicationCodeableConcept": {"text": drug},
    }


def _references(bundle: object) -> Iterator[str]:
    entries = bundle.get("entry") if isinstance(bundle, dict) else None
    for entry in entries if isinstance(entries, list) else ():
        resource = entry.get("resource") if isinstance(entry, dict) else None
        if isinstance(resource, dict) and resource.get("resourceType") in _ORDERS and resource.get("id"):
            yield f"{resource['resourceType']}/{resource['id']}"


def _collection(resources: list[Any]) -> dict[str, Any]:
    return {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in resources]}


def _searchset(resources: list[Any]) -> dict[str, Any]:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": len(resources),
        "entry": [{"resource": it} for it in resources],
    }
