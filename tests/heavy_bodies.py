"""Hook requests that are valid and within every limit, and made of what costs most to read. Source: INP-09."""

from __future__ import annotations

import json
import random
import string
from collections.abc import Callable, Iterator
from typing import Any

Content = dict[str, Any]
BYTES = 7_000_000
"""A little below what a body may hold."""
_MOST_RESOURCES = 19_000
_LONG = 60_000


class Drawn:
    """Words and days that no two resources share, drawn anew from the same seed."""

    def __init__(self) -> None:
        self._random = random.Random(7)

    def word(self, letters: int = 8) -> str:
        return "".join(self._random.choices(string.ascii_lowercase, k=letters))

    def text(self, length: int, *, every: str = "") -> str:
        """Words nobody has seen before; ``every``: what stands before each sentence of eight of them."""
        sentences = []
        while sum(map(len, sentences)) < length:
            sentences.append(f"{every} {' '.join(self.word() for _ in range(8))}. ")
        return "".join(sentences)[:length]

    def day(self) -> str:
        return f"{self._random.randint(2012, 2025)}-{self._random.randint(1, 12):02}-{self._random.randint(1, 28):02}"

    def one_of(self, values: list[str]) -> str:
        return self._random.choice(values)


DRUGS = ["trastuzumab", "pertuzumab", "docetaxel", "capecitabine", "lapatinib", "tucatinib", "eribulin", "vinorelbine"]
DRUGS += ["trastuzumab emtansine", "trastuzumab deruxtecan", "gemcitabine", "paclitaxel", "letrozole", "palbociclib"]
PLACES = ["brain", "liver", "lung", "bone", "lymph node", "skin", "pleura", "adrenal gland"]


def _given(drawn: Drawn) -> Content:
    return {"status": "completed", "effectiveDateTime": drawn.day()}


def _misspelt(drawn: Drawn) -> Content:
    return {"resourceType": "MedicationStatement", "status": "completed"} | {
        "medicationCodeableConcept": {"text": " ".join(drawn.word(12) for _ in range(15))},
        "effectiveDateTime": drawn.day(),
    }


KINDS: dict[str, Callable[[Drawn], Content]] = {
    "reports": lambda it: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Pathology"},
        "effectiveDateTime": it.day(),
        "conclusion": it.text(_LONG, every="HER2"),
    },
    "reports without an end": lambda it: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Pathology"},
        "conclusion": "HER2 " + " ".join(it.word() for _ in range(_LONG // 9)),
    },
    "one name again and again": lambda it: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "Pathology"},
        "effectiveDateTime": it.day(),
        "conclusion": "HER2 and " * (_LONG // 9),
    },
    "reports of lungs": lambda it: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "CT chest"},
        "effectiveDateTime": it.day(),
        "conclusion": it.text(_LONG, every="No pneumonitis, no metastases in"),
    },
    "short reports": lambda it: {
        "resourceType": "DiagnosticReport",
        "status": "final",
        "code": {"text": "CT brain"},
        "effectiveDateTime": it.day(),
        "conclusion": f"New metastasis {it.word()} in the {it.one_of(PLACES)}.",
    },
    "unknown drugs": _misspelt,
    "long drug names": lambda it: {
        "resourceType": "MedicationStatement",
        "status": "completed",
        "medicationCodeableConcept": {"text": it.text(_LONG, every="trastuzumab")},
        "effectiveDateTime": it.day(),
    },
    "doses of many drugs": lambda it: (
        {
            "resourceType": "MedicationAdministration",
            "medicationCodeableConcept": {"text": it.one_of(DRUGS)},
        }
        | _given(it)
    ),
    "doses of one drug": lambda it: (
        {
            "resourceType": "MedicationAdministration",
            "medicationCodeableConcept": {"text": "trastuzumab"},
            "effectiveDateTime": f"{it.day()}T08:{it.one_of(['01', '02', '03'])}:00Z",
        }
        | {"status": "completed"}
    ),
    "orders": lambda it: {
        "resourceType": "MedicationRequest",
        "status": "completed",
        "intent": "order",
        "medicationCodeableConcept": {"text": it.one_of(DRUGS)},
        "authoredOn": it.day(),
    },
    "notes of drugs": lambda it: {
        "resourceType": "MedicationStatement",
        "status": "stopped",
        "medicationCodeableConcept": {"text": it.one_of(DRUGS)},
        "effectivePeriod": {"start": it.day(), "end": it.day()},
        "note": [{"text": it.text(_LONG, every="stopped for toxicity, grade 3 since")}],
    },
    "receptors": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "HER2 by IHC"},
        "effectiveDateTime": it.day(),
        "valueString": f"2+ {it.word()}",
    },
    "long values": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "HER2 by IHC"},
        "effectiveDateTime": it.day(),
        "valueString": it.text(_LONG),
    },
    "long names of tests": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": it.text(_LONG)},
        "effectiveDateTime": it.day(),
        "valueString": it.word(),
    },
    "names of tests": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": " ".join(it.word() for _ in range(20))},
        "effectiveDateTime": it.day(),
        "valueString": it.word(),
    },
    "hearts": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "10230-1"}]},
        "effectiveDateTime": it.day(),
        "valueQuantity": {"value": 55, "unit": "%"},
    },
    "units": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"coding": [{"system": "http://loinc.org", "code": "10230-1"}]},
        "effectiveDateTime": it.day(),
        "valueQuantity": {"value": 55, "unit": it.word()},
    },
    "components": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "Genomic panel"},
        "effectiveDateTime": it.day(),
        "component": [{"code": {"text": f"{it.word()} gene"}, "valueString": it.word()} for _ in range(1000)],
    },
    "codings": lambda it: {
        "resourceType": "Condition",
        "code": {
            "coding": [{"system": f"http://{it.word()}", "code": it.word(), "display": it.word()} for _ in range(1000)]
        },
        "onsetDateTime": it.day(),
    },
    "codings of drugs": lambda it: {
        "resourceType": "MedicationStatement",
        "status": "completed",
        "medicationCodeableConcept": {
            "coding": [{"system": f"http://{it.word()}", "code": it.word(), "display": it.word()} for _ in range(1000)]
        },
        "effectiveDateTime": it.day(),
    },
    "extensions": lambda it: {
        "resourceType": "Condition",
        "code": {"text": "breast cancer"},
        "extension": [
            {"url": f"http://{it.word()}/condition-dueTo", "valueCodeableConcept": {"text": f"{it.word()} {it.word()}"}}
            for _ in range(1000)
        ],
        "onsetDateTime": it.day(),
    },
    "nested extensions": lambda it: {
        "resourceType": "Condition",
        "code": {"text": "breast cancer"},
        "extension": [json.loads('{"extension": [' * 25 + f'{{"url": "{it.word()}"}}' + "]}" * 25) for _ in range(10)],
    },
    "metastases": lambda it: {
        "resourceType": "Condition",
        "clinicalStatus": {"coding": [{"code": "active"}]},
        "code": {"text": f"{it.one_of(PLACES)} metastasis {it.word()}"},
        "onsetDateTime": it.day(),
    },
    "cancers": lambda it: {
        "resourceType": "Condition",
        "code": {"text": f"breast cancer {it.word()} left"},
        "onsetDateTime": it.day(),
        "stage": [{"summary": {"text": "stage IV"}}],
    },
    "unknown conditions": lambda it: {
        "resourceType": "Condition",
        "code": {"text": " ".join(it.word() for _ in range(20))},
        "onsetDateTime": it.day(),
    },
    "notes of conditions": lambda it: {
        "resourceType": "Condition",
        "code": {"text": "pneumonitis"},
        "note": [{"text": it.text(_LONG, every="grade 2 due to trastuzumab")}],
        "onsetDateTime": it.day(),
    },
    "adverse events": lambda it: {
        "resourceType": "AdverseEvent",
        "actuality": "actual",
        "event": {"text": f"diarrhea grade 3 {it.word()}"},
        "date": it.day(),
        "suspectEntity": [{"instance": {"display": it.one_of(DRUGS)}}],
    },
    "allergies": lambda it: {
        "resourceType": "AllergyIntolerance",
        "code": {"text": it.one_of(DRUGS)},
        "reaction": [{"manifestation": [{"text": f"rash {it.word()}"}], "description": it.word()}],
    },
    "operations": lambda it: {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": f"radiotherapy of {it.one_of(PLACES)} {it.word()}"},
        "performedDateTime": it.day(),
    },
    "therapies": lambda it: {
        "resourceType": "Procedure",
        "status": "completed",
        "code": {"text": f"chemotherapy {it.word()}"},
        "performedDateTime": it.day(),
        "usedCode": [{"text": it.one_of(DRUGS)}],
    },
    "unreadable": lambda it: {
        "resourceType": "Observation",
        "status": {"is": it.word()},
        "valueQuantity": [1, it.word()],
    },
    "one of each unreadable": lambda it: {
        "resourceType": it.one_of(["Condition", "Procedure", "MedicationRequest", "AdverseEvent", "DiagnosticReport"]),
        "code": [it.word(), {}],
    },
    "wrong forms": lambda it: {
        "resourceType": "Condition",
        "id": 17,
        "note": [{"text": 1} for _ in range(39)],
        "code": {"text": it.word()},
        "onsetDateTime": it.day(),
    },
    "large and wrong": lambda it: {
        "resourceType": "Condition",
        "note": [{"text": 1} for _ in range(39)] + [{"text": it.word()} for _ in range(3000)],
        "code": {"text": it.word()},
    },
    "references": lambda it: {
        "resourceType": "MedicationRequest",
        "status": "completed",
        "intent": "order",
        "medicationReference": {"reference": f"Medication/{it.word()}", "display": it.word()},
        "authoredOn": it.day(),
    },
    "wishes": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "treatment preference"},
        "effectiveDateTime": it.day(),
        "valueString": it.text(_LONG, every="would like no hair loss, but"),
    },
    "words of status": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "disease status"},
        "effectiveDateTime": it.day(),
        "valueString": f"progression {it.word()}",
    },
    "dispensed": lambda it: {
        "resourceType": "MedicationDispense",
        "status": "completed",
        "medicationCodeableConcept": {"text": it.one_of(["capecitabine", "lapatinib", "tucatinib", "letrozole"])},
        "whenHandedOver": it.day(),
        "daysSupply": {"value": 21},
    },
    "words of regimens": lambda it: {
        "resourceType": "MedicationStatement",
        "status": "completed",
        "medicationCodeableConcept": {"text": " and ".join(f"{it.one_of(DRUGS)} {it.word()}" for _ in range(8))},
        "effectivePeriod": {"start": it.day(), "end": it.day()},
    },
    "genes": lambda it: {
        "resourceType": "Observation",
        "status": "final",
        "code": {"text": "PIK3CA mutation"},
        "effectiveDateTime": it.day(),
        "valueString": f"detected {it.word()}",
    },
}


def heavy(story: Content, kind: str, most_bytes: int = BYTES, most_resources: int = _MOST_RESOURCES) -> bytes:
    """A story with as many resources of a kind as a body may hold."""
    body = json.loads(json.dumps(story))
    subject = {"reference": f"Patient/{body['context']['patientId']}"}
    body["prefetch"]["more"] = {"resourceType": "Bundle", "type": "collection", "entry": []}
    entries, held, values = body["prefetch"]["more"]["entry"], len(json.dumps(body)), 20_000
    for number, resource in enumerate(_drawn(kind)):
        whose = {"patient" if resource["resourceType"] == "AllergyIntolerance" else "subject": subject}
        text = json.dumps({"resource": {"id": f"x{number}", **whose, **resource}})
        held += len(text) + 2
        values += sum(map(text.count, ",{["))
        if held > most_bytes or values > 990_000 or number >= most_resources:
            break
        entries.append(json.loads(text))
    return json.dumps(body).encode()


def _drawn(kind: str) -> Iterator[Content]:
    drawn = Drawn()
    while True:
        yield KINDS[kind](drawn)
