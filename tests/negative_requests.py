"""Order-select requests that deserve no card, generated from a seed: other cancers, other drugs, HER2-negative disease, early disease,
and HER2-positive metastatic disease before its fourth line with an order that fits. Source: ALT-01.

``python -m tests.negative_requests`` prints how many of them got a card, by kind.
"""

from __future__ import annotations

import json
import random
import sys
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

from cdshooks.cards.model import Card
from cdshooks.hooks.request import read_hook_request
from cdshooks.hooks.services import BY_ID
from cdshooks.order_select import answer_hook
from tests.option_cases import shipped

TODAY = date(2026, 11, 24)
SEED = 20261124
MANY = 2400
RXNORM, LOINC, SNOMED = "http://www.nlm.nih.gov/research/umls/rxnorm", "http://loinc.org", "http://snomed.info/sct"
ICD10 = "http://hl7.org/fhir/sid/icd-10-cm"
BREAST = ("C50.911", "Malignant neoplasm of right breast")
SITES = (("C78.7", "liver"), ("C79.51", "bone"), ("C78.00", "lung"), ("C79.2", "skin"))
OTHER_CANCERS: dict[tuple[str, str], tuple[tuple[str, ...], ...]] = {
    ("C18.9", "Malignant neoplasm of colon"): (("capecitabine", "oxaliplatin"), ("irinotecan", "bevacizumab"), ("panitumumab",), ("trifluridine",)),
    ("C34.90", "Malignant neoplasm of lung"): (("carboplatin", "pemetrexed", "pembrolizumab"), ("docetaxel",), ("gemcitabine",), ("vinorelbine",)),
    ("C16.9", "Malignant neoplasm of stomach"): (("capecitabine", "cisplatin", "trastuzumab"), ("paclitaxel", "ramucirumab"), ("irinotecan",), ("trastuzumab deruxtecan",)),
    ("C56.9", "Malignant neoplasm of ovary"): (("carboplatin", "paclitaxel"), ("pegylated liposomal doxorubicin",), ("gemcitabine",), ("paclitaxel",)),
    ("C61", "Malignant neoplasm of prostate"): (("abiraterone",), ("docetaxel",), ("cabazitaxel",), ("olaparib",)),
    ("C83.30", "Diffuse large B-cell lymphoma"): (("doxorubicin", "cyclophosphamide", "vincristine", "rituximab"), ("gemcitabine", "cisplatin"), ("polatuzumab vedotin",), ("rituximab",)),
    ("C25.9", "Malignant neoplasm of pancreas"): (("gemcitabine", "nab-paclitaxel"), ("fluorouracil", "oxaliplatin"), ("capecitabine",), ("gemcitabine",)),
}  # fmt: skip
HER2_POSITIVE = (
    (("docetaxel", "pertuzumab", "trastuzumab"), ("trastuzumab deruxtecan",), ("tucatinib", "trastuzumab", "capecitabine")),
    (("paclitaxel", "pertuzumab", "trastuzumab"), ("trastuzumab emtansine",), ("trastuzumab deruxtecan",)),
    (("docetaxel", "pertuzumab", "trastuzumab"), ("trastuzumab deruxtecan",), ("trastuzumab emtansine",)),
    (("vinorelbine", "trastuzumab"), ("trastuzumab deruxtecan",), ("trastuzumab emtansine",)),
)  # fmt: skip
HER2_NEGATIVE = (
    (("letrozole", "palbociclib"), ("fulvestrant", "alpelisib"), ("capecitabine",), ("eribulin",), ("sacituzumab govitecan",)),
    (("paclitaxel",), ("capecitabine",), ("sacituzumab govitecan",), ("gemcitabine", "carboplatin"), ("vinorelbine",)),
    (("anastrozole", "ribociclib"), ("capecitabine",), ("trastuzumab deruxtecan",), ("eribulin",), ("paclitaxel",)),
)  # fmt: skip
EARLY = (
    ("docetaxel", "carboplatin", "trastuzumab", "pertuzumab"),
    ("paclitaxel", "trastuzumab"),
    ("trastuzumab",),
    ("trastuzumab emtansine",),
    ("letrozole",),
    ("neratinib",),
)
OTHER_DRUGS = (
    "metformin", "omeprazole", "ondansetron", "amoxicillin", "lisinopril", "zoledronic acid", "denosumab", "filgrastim", "dexamethasone",
    "levothyroxine", "apixaban", "pantoprazole", "morphine", "ibuprofen", "paracetamol", "furosemide", "sertraline", "loperamide",
)  # fmt: skip
HARMLESS_ILLNESSES = (
    ("I10", "Hypertension"),
    ("E03.9", "Hypothyroidism"),
    ("M81.0", "Osteoporosis"),
    ("E78.5", "Hyperlipidaemia"),
)


def negative_requests(first: int = 0, many: int = MANY, seed: int = SEED) -> Iterator[tuple[str, dict[str, Any]]]:
    """This many requests, each from its own seed, with the kind of reason for which it deserves no card."""
    kinds = (_other_cancer, _other_drug, _her2_negative, _early, _before_the_fourth_line)
    for number in range(first, first + many):
        make = kinds[number % len(kinds)]
        yield make.__name__.strip("_"), make(_Patient(f"neg-{number}", random.Random(f"{seed}-{number}")))


class _Patient:
    """Resources of one patient as they are drawn, each in one of the ways in which records tell it."""

    def __init__(self, name: str, chance: random.Random) -> None:
        self.name, self.chance = name, chance
        self.resources: list[dict[str, Any]] = []
        self._count = 0

    def add(self, kind: str, **members: Any) -> None:
        self._count += 1
        identity = {
            "resourceType": kind,
            "id": f"{self.name}-{self._count}",
            "subject": {"reference": f"Patient/{self.name}"},
        }
        self.resources.append({**identity, **members})

    def condition(self, code: str, text: str, onset: date, **more: Any) -> None:
        coding = [{"system": ICD10, "code": code, "display": text}]
        self.add("Condition", code={"coding": coding, "text": text}, onsetDateTime=onset.isoformat(), **more)

    def metastasis(self, onset: date) -> None:
        code, site = self.chance.choice(SITES)
        self.condition(code, f"Secondary malignant neoplasm of {site}", onset)

    def receptor(self, loinc: str, positive: bool, when: date) -> None:  # noqa: FBT001 - the value of the test
        text = "Positive" if positive else "Negative"
        value: dict[str, Any] = {
            "valueCodeableConcept": {
                "coding": [{"system": LOINC, "code": "LA6576-8" if positive else "LA6577-6"}],
                "text": text,
            }
        }
        if self.chance.random() < 0.3:
            value = {"valueString": text}
        self.add(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": loinc}]},
            effectiveDateTime=when.isoformat(),
            **value,
        )

    def number(self, loinc: str, value: float, unit: str, when: date) -> None:
        quantity = {"value": value, "unit": unit}
        self.add(
            "Observation",
            status="final",
            code={"coding": [{"system": LOINC, "code": loinc}]},
            effectiveDateTime=when.isoformat(),
            valueQuantity=quantity,
        )

    def line(self, agents: tuple[str, ...], start: date, end: date | None, why: str) -> None:
        way = self.chance.choice(("MedicationStatement", "MedicationRequest"))
        for agent in agents:
            period: dict[str, Any] = {"start": start.isoformat()} | ({"end": end.isoformat()} if end else {})
            status = "active" if end is None else "stopped" if why else "completed"
            members: dict[str, Any] = {"status": status, "medicationCodeableConcept": _drug(agent, self.chance)}
            if why and end is not None:
                members["statusReason"] = [{"text": why}] if way == "MedicationStatement" else {"text": why}
            if way == "MedicationStatement":
                members["effectivePeriod"] = period
            else:
                members |= {
                    "intent": "order",
                    "authoredOn": start.isoformat(),
                    "dosageInstruction": [{"timing": {"repeat": {"boundsPeriod": period}}}],
                }
            self.add(way, **members)

    def lines(self, regimens: tuple[tuple[str, ...], ...], until: date) -> None:
        """One regimen after the other, the last one ended for progression shortly before this day."""
        end = until - timedelta(days=self.chance.randint(5, 20))
        for agents in reversed(regimens):
            start = end - timedelta(days=self.chance.randint(150, 500))
            self.line(agents, start, end, "Disease progression")
            end = start - timedelta(days=self.chance.randint(10, 25))

    def ordinary(self) -> None:
        for code, text in self.chance.sample(HARMLESS_ILLNESSES, self.chance.randint(0, 2)):
            self.condition(code, text, TODAY - timedelta(days=2000))
        if self.chance.random() < 0.7:
            self.number("10230-1", self.chance.randint(55, 68), "%", TODAY - timedelta(days=20))
        if self.chance.random() < 0.7:
            self.number("26499-4", round(self.chance.uniform(2.0, 6.0), 1), "10*9/L", TODAY - timedelta(days=5))
            self.number("777-3", self.chance.randint(150, 350), "10*9/L", TODAY - timedelta(days=5))

    def request(self, ordered: tuple[str, ...]) -> dict[str, Any]:
        patient = {
            "resourceType": "Patient",
            "id": self.name,
            "gender": "female",
            "birthDate": f"{self.chance.randint(1945, 1985)}-05-17",
        }
        drafts = [
            {
                "resourceType": "MedicationRequest",
                "id": f"draft-{place}",
                "status": "draft",
                "intent": "order",
                "medicationCodeableConcept": _drug(agent, self.chance),
                "subject": {"reference": f"Patient/{self.name}"},
            }
            for place, agent in enumerate(ordered)
        ]
        keys = {
            "conditions": "Condition",
            "observations": "Observation",
            "medicationRequests": "MedicationRequest",
            "medicationStatements": "MedicationStatement",
        }
        prefetch: dict[str, Any] = {"patient": patient}
        for key, kind in keys.items():
            found = [{"resource": it} for it in self.resources if it["resourceType"] == kind]
            prefetch[key] = {"resourceType": "Bundle", "type": "searchset", "total": len(found), "entry": found}
        return {
            "hook": "order-select",
            "hookInstance": f"00000000-0000-4000-8000-{int(self.name.removeprefix('neg-')):012d}",
            "context": {
                "userId": "Practitioner/onc-1",
                "patientId": self.name,
                "selections": [f"MedicationRequest/{it['id']}" for it in drafts],
                "draftOrders": {
                    "resourceType": "Bundle",
                    "type": "collection",
                    "entry": [{"resource": it} for it in drafts],
                },
            },
            "prefetch": prefetch,
        }


def _drug(agent: str, chance: random.Random) -> dict[str, Any]:
    known = shipped().drugs.by_agent.get(agent)  # type: ignore[call-overload]
    concept: dict[str, Any] = {"text": agent}
    if known is not None and known.rxnorm and chance.random() < 0.6:
        concept["coding"] = [{"system": RXNORM, "code": known.rxnorm, "display": agent}]
    return concept


def _other_cancer(patient: _Patient) -> dict[str, Any]:
    cancer = patient.chance.choice(list(OTHER_CANCERS))
    regimens = OTHER_CANCERS[cancer]
    patient.condition(*cancer, TODAY - timedelta(days=2600))
    patient.metastasis(TODAY - timedelta(days=2550))
    patient.lines(regimens[: patient.chance.randint(1, 3)], TODAY)
    patient.ordinary()
    return patient.request(regimens[3])


def _her2_positive_metastatic(patient: _Patient) -> None:
    since = TODAY - timedelta(days=patient.chance.randint(2200, 2600))
    patient.condition(*BREAST, since)
    patient.metastasis(since)
    patient.receptor("48676-1", True, since)  # noqa: FBT003 - the value of the test
    positive = patient.chance.random() < 0.5
    patient.receptor("85337-4", positive, since)
    patient.receptor("85339-0", positive, since)


def _other_drug(patient: _Patient) -> dict[str, Any]:
    _her2_positive_metastatic(patient)
    patient.lines((*patient.chance.choice(HER2_POSITIVE), ("trastuzumab", "eribulin")), TODAY)
    patient.ordinary()
    return patient.request((patient.chance.choice(OTHER_DRUGS),))


def _her2_negative(patient: _Patient) -> dict[str, Any]:
    since = TODAY - timedelta(days=2700)
    patient.condition(*BREAST, since)
    patient.metastasis(since)
    patient.receptor("48676-1", False, since)  # noqa: FBT003 - the value of the test
    patient.receptor("85337-4", patient.chance.random() < 0.7, since)
    regimens = patient.chance.choice(HER2_NEGATIVE)
    patient.lines(regimens[: patient.chance.randint(2, 4)], TODAY)
    patient.ordinary()
    return patient.request(regimens[4])


def _early(patient: _Patient) -> dict[str, Any]:
    since = TODAY - timedelta(days=patient.chance.randint(60, 500))
    patient.condition(*BREAST, since)
    patient.receptor("48676-1", True, since)  # noqa: FBT003 - the value of the test
    patient.receptor("85337-4", patient.chance.random() < 0.5, since)
    given = patient.chance.choice(EARLY[:2])
    patient.line(given, since + timedelta(days=20), since + timedelta(days=50), "")
    patient.ordinary()
    return patient.request(patient.chance.choice(EARLY))


def _before_the_fourth_line(patient: _Patient, had: int | None = None) -> dict[str, Any]:
    _her2_positive_metastatic(patient)
    regimens = (*patient.chance.choice(HER2_POSITIVE), ("trastuzumab", "eribulin"))
    finished = patient.chance.randint(0, 2) if had is None else had
    patient.lines(regimens[:finished], TODAY)
    patient.ordinary()
    return patient.request(regimens[finished])


def at_the_fourth_line(many: int, seed: int = SEED) -> Iterator[dict[str, Any]]:
    """The same patients one line later, who do deserve a card: a corpus that nobody could speak to would prove nothing."""
    for number in range(many):
        yield _before_the_fourth_line(_Patient(f"neg-{number}", random.Random(f"{seed}-{number}")), 3)


def cards_of(request: dict[str, Any]) -> tuple[Card, ...]:
    count = iter(range(1000))
    body = json.dumps(request).encode()
    return answer_hook(
        read_hook_request(BY_ID["her2-later-line"], body),
        shipped(),
        as_of=TODAY,
        jurisdiction="US",
        new_uuid=lambda: f"uuid-{next(count)}",
    ).cards


def main() -> int:
    """Print the rate of cards over the negative corpus."""
    asked: Counter[str] = Counter()
    answered: Counter[str] = Counter()
    for kind, request in negative_requests():
        asked[kind] += 1
        cards = cards_of(request)
        answered[kind] += bool(cards)
        if cards and "-v" in sys.argv:
            print(kind, request["context"]["patientId"], [it.summary for it in cards])  # noqa: T201 - asked for
    for kind in asked:
        print(f"{kind.replace('_', ' ')}: {answered[kind]} of {asked[kind]} with a card")  # noqa: T201 - the figure is asked for
    print(f"all: {answered.total()} of {asked.total()}")  # noqa: T201 - as above
    return int(answered.total() > 0)


if __name__ == "__main__":
    sys.exit(main())
