"""Small FHIR resources for the specs: only what a rule is about."""

from __future__ import annotations

import json

from cdshooks.ehr.patient_file import read_patient_file

RXNORM, LOINC, SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://loinc.org", "http://snomed.info/sct"
SUBJECT = {"subject": {"reference": "Patient/p"}}


def concept(code=None, system=RXNORM, text=None):
    made = {"coding": [{"system": system, "code": code}]} if code else {}
    return {**made, "text": text} if text else made


def drug(kind, text, *, status="completed", **more):
    return {
        "resourceType": kind,
        "id": more.pop("id", "d1"),
        "status": status,
        "medicationCodeableConcept": {"text": text},
        **SUBJECT,
        **more,
    }


def observation(code, *, system=LOINC, day="2024-01-10", status="final", **more):
    made = {
        "resourceType": "Observation",
        "id": more.pop("id", "o1"),
        "status": status,
        "code": concept(code, system),
        **SUBJECT,
    }
    return {**made, "effectiveDateTime": day, **more}


def condition(code=None, *, system="http://hl7.org/fhir/sid/icd-10-cm", text=None, **more):
    return {
        "resourceType": "Condition",
        "id": more.pop("id", "c1"),
        "code": concept(code, system, text),
        **SUBJECT,
        **more,
    }


def resources_of(*resources):
    return read_patient_file(
        json.dumps(
            {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": it} for it in resources]}
        ).encode()
    )
