"""FHIR AuditEvents of what was asked and answered, after IHE BALP. Source: OBS-01; https://profiles.ihe.net/ITI/BALP/.

The resource is built as plain JSON, for it lies on the path of every call; the tests and ``cdshooks audit export`` hold it to the
FHIR R4 model. The patient appears as a keyed hash: whoever holds the key can ask for one patient, nobody can list them.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

import msgspec

from cdshooks import __version__
from cdshooks.fetching.asked import AskedQuery

_DCM = "http://dicom.nema.org/resources/ontology/DCM"
_ENTITY = "http://terminology.hl7.org/CodeSystem/audit-entity-type"
_ROLE = "http://terminology.hl7.org/CodeSystem/object-role"
_TYPE = {
    "system": "http://terminology.hl7.org/CodeSystem/audit-event-type",
    "code": "rest",
    "display": "RESTful Operation",
}
_INTERACTION = "http://hl7.org/fhir/restful-interaction"
_REQUEST_ID = {
    "system": "https://profiles.ihe.net/ITI/BALP/CodeSystem/BasicAuditEntityType",
    "code": "XrequestId",
}
_SOURCE = {"system": _DCM, "code": "110153", "display": "Source Role ID"}
_DESTINATION = {"system": _DCM, "code": "110152", "display": "Destination Role ID"}
_ON_BEHALF = {"system": _DCM, "code": "110150", "display": "Application"}
_OURSELVES = {"who": {"display": f"cdshooks {__version__}"}, "requestor": False}
_URI = "urn:ietf:rfc:3986"
_READ = frozenset({"Patient", "Medication"})
"""What is asked for by its id; everything else is searched for."""
_NO_ANSWER = 504
_encoder = msgspec.json.Encoder()


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """Who asked what: the client by its name, the user as the EHR names one, the patient by hash."""

    client: str
    service: str
    trace_id: str
    user: str | None = None
    user_system: str | None = None
    patient_hash: str | None = None


def hook_event(
    asked: Asked,
    *,
    at: datetime,
    status: int,
    cards: Iterable[tuple[str, str]],
    knowledge_version: str,
    knowledge_hash: str,
) -> bytes:
    """The AuditEvent of a hook call; ``cards`` are pairs of uuid and topic."""
    entities = [
        _thing("urn:cdshooks:knowledge", knowledge_hash, knowledge_version),
        *(_thing(_URI, f"urn:uuid:{uuid}", topic) for uuid, topic in cards),
    ]
    return _event(asked, at=at, status=status, action="E", interaction="operation", entities=entities)


def feedback_event(asked: Asked, *, at: datetime, answers: Iterable[tuple[str, str]]) -> bytes:
    """The AuditEvent of a feedback call; ``answers`` are pairs of card uuid and outcome."""
    entities = [_thing(_URI, f"urn:uuid:{uuid}", outcome) for uuid, outcome in answers]
    return _event(asked, at=at, status=200, action="C", interaction="create", entities=entities)


def page_event(asked: Asked, *, at: datetime, knowledge_version: str, knowledge_hash: str) -> bytes:
    """The AuditEvent of a patient page that was shown."""
    entities = [_thing("urn:cdshooks:knowledge", knowledge_hash, knowledge_version)]
    return _event(asked, at=at, status=200, action="R", interaction="read", entities=entities)


def query_event(asked: Asked, query: AskedQuery, *, at: datetime, base: str) -> bytes:
    """The AuditEvent of one query of ours to the FHIR server at ``base``, by the type asked for and never by what was found."""
    interaction = "read" if query.kind in _READ else "search-type"
    entities = [_thing("http://hl7.org/fhir/resource-types", query.kind, f"{query.key}, requests: {query.requests}")]
    server = {"type": {"coding": [_DESTINATION]}, "who": {"identifier": {"system": _URI, "value": base}}}
    return _event(
        asked,
        at=at,
        status=query.status or _NO_ANSWER,
        action="R" if interaction == "read" else "E",
        interaction=interaction,
        entities=entities,
        agents=[{**_OURSELVES, "type": {"coding": [_SOURCE]}}, {**server, "requestor": False}],
    )


def _event(
    asked: Asked,
    *,
    at: datetime,
    status: int,
    action: str,
    interaction: str,
    entities: list[dict[str, Any]],
    agents: list[dict[str, Any]] | None = None,
) -> bytes:
    """``agents``: who sent and who received, if not the client and we."""
    client = {
        "type": {"coding": [_SOURCE]},
        "who": {"identifier": {"system": "urn:cdshooks:client", "value": asked.client}},
        "requestor": asked.user is None,
    }
    if agents is None:
        agents = [client, {**_OURSELVES, "type": {"coding": [_DESTINATION]}}]
    else:
        agents = [*agents, {**client, "type": {"coding": [_ON_BEHALF]}}]
    if asked.user is not None:
        agents.append(
            {
                "type": {
                    "coding": [
                        {
                            "system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType",
                            "code": "IRCP",
                            "display": "information recipient",
                        }
                    ]
                },
                "who": {"identifier": {"system": asked.user_system or "urn:cdshooks:client", "value": asked.user}},
                "requestor": True,
            }
        )
    about = [_thing("urn:cdshooks:service", asked.service, asked.service)]
    if asked.patient_hash is not None:
        about.append(
            {
                "what": {"identifier": {"system": "urn:cdshooks:patient-hash", "value": asked.patient_hash}},
                "type": {"system": _ENTITY, "code": "1", "display": "Person"},
                "role": {"system": _ROLE, "code": "1", "display": "Patient"},
            }
        )
    about.append({"what": {"identifier": {"value": asked.trace_id}}, "type": _REQUEST_ID})
    return _encoder.encode(
        {
            "resourceType": "AuditEvent",
            "type": _TYPE,
            "subtype": [{"system": _INTERACTION, "code": interaction}],
            "action": action,
            "recorded": at.isoformat(timespec="milliseconds"),
            "outcome": "0" if status < 400 else "4" if status < 500 else "8",  # noqa: PLR2004 - HTTP
            "outcomeDesc": f"HTTP {status}",
            "agent": agents,
            "source": {"observer": {"display": f"cdshooks {__version__}"}},
            "entity": about + entities,
        }
    )


def _thing(system: str, value: str, name: str) -> dict[str, Any]:
    return {
        "what": {"identifier": {"system": system, "value": value}},
        "type": {"system": _ENTITY, "code": "2", "display": "System Object"},
        "name": name,
    }
