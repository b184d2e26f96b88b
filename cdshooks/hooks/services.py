"""The three services: their ids, hooks and prefetch templates, few and simple enough to be copied into an EHR by hand.

Source: D-1 to D-7, P-14 to P-23.
"""

from __future__ import annotations

from typing import Any

import msgspec

_PATIENT = "patient={{context.patientId}}"
PREFETCH = {
    "patient": "Patient/{{context.patientId}}",
    "conditions": f"Condition?{_PATIENT}",
    "observations": f"Observation?{_PATIENT}",
    "medicationRequests": f"MedicationRequest?{_PATIENT}",
    "medicationAdministrations": f"MedicationAdministration?{_PATIENT}",
    "medicationStatements": f"MedicationStatement?{_PATIENT}",
    "procedures": f"Procedure?{_PATIENT}",
    "reports": f"DiagnosticReport?{_PATIENT}",
    "allergies": f"AllergyIntolerance?{_PATIENT}",
    "adverseEvents": "AdverseEvent?subject=Patient/{{context.patientId}}",
}
"""Prefetch key -> FHIR query. All statuses are asked for and filtered here, because an order never closed is history too."""

REQUIRED = ("patient", "conditions", "observations")
"""Keys without which nothing can be concluded."""
REQUIRED_ONE_OF = ("medicationRequests", "medicationAdministrations", "medicationStatements")
"""At least one record of treatment must be there: a source may have only one of them. Source: terminology 1 (2)."""

MAY_BE_LACKING = frozenset(PREFETCH) - {*REQUIRED, "medicationRequests"}
"""Keys for which a FHIR server may know no search at all: not every one has doses or statements, but US Core asks all for orders.

Where they were not sent, cards name them as not seen. Without the orders what doses and statements tell is a least; where these
tell nothing either, no line is counted (P-5).

Source: terminology 1 (2) and 3: a conformant US source has MedicationRequest alone, and answers a search for a patient's.
"""


class Service(msgspec.Struct, frozen=True, kw_only=True):
    """One CDS service."""

    id: str
    hook: str
    title: str
    description: str


SERVICES = (
    Service(
        id="her2-later-line",
        hook="order-select",
        title="HER2-positive metastatic breast cancer: later lines, at order selection",
        description="Rebuilds the lines of therapy and shows options to consider after the third line, "
        "a review of the selected order, and what the record lacks.",
    ),
    Service(
        id="her2-later-line-sign",
        hook="order-sign",
        title="HER2-positive metastatic breast cancer: later lines, at signing",
        description="The same review as at order selection, for all orders about to be signed.",
    ),
    Service(
        id="her2-later-line-view",
        hook="patient-view",
        title="HER2-positive metastatic breast cancer: later lines, on opening the record",
        description="One short card when three lines of metastatic therapy are finished, and the trials that the patient may fit.",
    ),
)
BY_ID = {service.id: service for service in SERVICES}


def discovery() -> dict[str, Any]:
    """The discovery answer. Source: D-1 to D-7, D-11."""
    return {
        "services": [
            {
                "hook": service.hook,
                "title": service.title,
                "description": service.description,
                "id": service.id,
                "prefetch": PREFETCH,
                "usageRequirements": "Needs FHIR R4 and read access to the resources that the prefetch templates name.",
            }
            for service in SERVICES
        ]
    }
