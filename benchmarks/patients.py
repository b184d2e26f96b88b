"""Synthetic patients of any size, as an EHR would send them: what the benchmarks measure with.

One woman with HER2-positive breast cancer and four lines of metastatic therapy, told by as many resources as asked for. Every visit
brings doses, orders, laboratory results and vital signs; what one visit every three weeks cannot fill, visits without cancer
drugs do. The bodies carry what real ones do and we do not read: ``meta``, some narrative, extensions, identifiers, encounters,
performers, categories.
About 1.5 MB at 1,000 resources. Everything follows from the seed; nothing is taken from a real person.
"""

from __future__ import annotations

import random
import string
from collections import Counter
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import msgspec

Json = dict[str, Any]
SIZES = (10, 100, 1_000, 5_000)
TODAY = date(2026, 11, 24)
BASE = "https://fhir.hospital.example/api/FHIR/R4"
PATIENT_ID = "eQ7pLm2Vt9XkR4bNw0ZsA3g"

_LOINC, _SNOMED, _RXNORM, _UCUM = (
    "http://loinc.org",
    "http://snomed.info/sct",
    "http://www.nlm.nih.gov/research/umls/rxnorm",
    "http://unitsofmeasure.org",
)
_TERM = "http://terminology.hl7.org/CodeSystem"
_KEYS = {
    "Patient": "patient",
    "Condition": "conditions",
    "Observation": "observations",
    "MedicationRequest": "medicationRequests",
    "MedicationAdministration": "medicationAdministrations",
    "MedicationStatement": "medicationStatements",
    "Procedure": "procedures",
    "DiagnosticReport": "reports",
    "AllergyIntolerance": "allergies",
    "AdverseEvent": "adverseEvents",
    "DocumentReference": "documents",
}

_DRUGS = {  # RxNorm, name as the EHR writes it, dose, route, infusion
    "trastuzumab": ("224905", "trastuzumab-dkst (OGIVRI) 6 mg/kg in sodium chloride 0.9 % IVPB", "420", "iv"),
    "pertuzumab": ("1298944", "pertuzumab (PERJETA) 420 mg in sodium chloride 0.9 % 250 mL IVPB", "420", "iv"),
    "docetaxel": ("72962", "DOCEtaxel (TAXOTERE) 75 mg/m2 in dextrose 5 % 250 mL IVPB", "129", "iv"),
    "tdxd": ("2267582", "fam-trastuzumab deruxtecan-nxki (ENHERTU) 5.4 mg/kg in dextrose 5 % IVPB", "380", "iv"),
    "tucatinib": ("2361285", "tucatinib (TUKYSA) 150 MG tablet", "300", "po"),
    "capecitabine": ("194000", "capecitabine (XELODA) 500 MG tablet", "1500", "po"),
    "tdm1": ("1371041", "ado-trastuzumab emtansine (KADCYLA) 3.6 mg/kg in sodium chloride 0.9 % IVPB", "250", "iv"),
    "ondansetron": ("26225", "ondansetron (ZOFRAN) injection 8 mg", "8", "iv"),
    "dexamethasone": ("3264", "dexamethasone (DECADRON) 4 mg/mL injection", "8", "iv"),
    "zoledronic acid": ("77655", "zoledronic acid (ZOMETA) 4 mg/100 mL IVPB", "4", "iv"),
    "pegfilgrastim": ("338036", "pegfilgrastim-cbqv (UDENYCA) syringe 6 mg/0.6 mL", "6", "sc"),
    "omeprazole": ("7646", "omeprazole (PriLOSEC) 20 MG capsule", "20", "po"),
    "metoprolol": ("6918", "metoprolol succinate (TOPROL-XL) 50 MG 24 hr tablet", "50", "po"),
    "levothyroxine": ("10582", "levothyroxine (SYNTHROID) 75 MCG tablet", "75", "po"),
    "loperamide": ("6468", "loperamide (IMODIUM) 2 mg capsule", "2", "po"),
    "vitamin D": ("2418", "cholecalciferol (VITAMIN D3) 1,000 units tablet", "1000", "po"),
    "heparin": ("5224", "heparin lock flush 100 unit/mL injection 500 Units", "500", "iv"),
}
_DISPLAYS = {"tdxd": "fam-trastuzumab deruxtecan", "tdm1": "ado-trastuzumab emtansine"}
_ROUTES = {
    "iv": ("47625008", "Intravenous route"),
    "po": ("26643006", "Oral route"),
    "sc": ("34206005", "Subcutaneous route"),
}
_LINES = (  # from, to, cancer drugs, why it stopped
    (date(2021, 7, 5), date(2023, 2, 20), ("trastuzumab", "pertuzumab", "docetaxel"), "progression"),
    (date(2023, 3, 13), date(2024, 9, 2), ("tdxd",), "progression"),
    (date(2024, 9, 30), date(2025, 10, 6), ("tucatinib", "capecitabine", "trastuzumab"), "progression"),
    (date(2025, 10, 27), date(2026, 11, 9), ("tdm1",), "progression"),
)
_ORAL = frozenset({"tucatinib", "capecitabine", "omeprazole", "metoprolol", "levothyroxine", "loperamide", "vitamin D"})
_SUPPORT = ("ondansetron", "dexamethasone", "heparin", "zoledronic acid", "pegfilgrastim")
_HOME = ("omeprazole", "metoprolol", "levothyroxine", "loperamide", "vitamin D")

_LABS = (  # LOINC, display, EHR's own name, unit, low, high, mean
    ("6690-2", "Leukocytes [#/volume] in Blood by Automated count", "WBC", "10*3/uL", 3.5, 10.5, 5.4),
    ("789-8", "Erythrocytes [#/volume] in Blood by Automated count", "RBC", "10*6/uL", 3.9, 5.0, 4.1),
    ("718-7", "Hemoglobin [Mass/volume] in Blood", "Hemoglobin", "g/dL", 11.6, 15.0, 11.8),
    ("4544-3", "Hematocrit [Volume Fraction] of Blood by Automated count", "Hematocrit", "%", 35.5, 44.9, 36.2),
    ("787-2", "MCV [Entitic volume] by Automated count", "MCV", "fL", 78.2, 97.9, 91.0),
    ("777-3", "Platelets [#/volume] in Blood by Automated count", "Platelets", "10*3/uL", 157, 371, 210),
    ("751-8", "Neutrophils [#/volume] in Blood by Automated count", "Neutrophils Absolute", "10*3/uL", 1.7, 7.0, 3.1),
    ("731-0", "Lymphocytes [#/volume] in Blood by Automated count", "Lymphocytes Absolute", "10*3/uL", 0.9, 2.9, 1.3),
    ("2951-2", "Sodium [Moles/volume] in Serum or Plasma", "Sodium", "mmol/L", 135, 145, 139),
    ("2823-3", "Potassium [Moles/volume] in Serum or Plasma", "Potassium", "mmol/L", 3.6, 5.2, 4.1),
    ("2075-0", "Chloride [Moles/volume] in Serum or Plasma", "Chloride", "mmol/L", 98, 107, 103),
    ("2028-9", "Carbon dioxide, total [Moles/volume] in Serum or Plasma", "CO2", "mmol/L", 22, 29, 25),
    ("3094-0", "Urea nitrogen [Mass/volume] in Serum or Plasma", "BUN", "mg/dL", 6, 21, 14),
    ("2160-0", "Creatinine [Mass/volume] in Serum or Plasma", "Creatinine", "mg/dL", 0.59, 1.04, 0.8),
    ("2345-7", "Glucose [Mass/volume] in Serum or Plasma", "Glucose", "mg/dL", 70, 140, 101),
    ("17861-6", "Calcium [Mass/volume] in Serum or Plasma", "Calcium", "mg/dL", 8.6, 10.0, 9.2),
    ("2885-2", "Protein [Mass/volume] in Serum or Plasma", "Protein, Total", "g/dL", 6.3, 7.9, 6.9),
    ("1751-7", "Albumin [Mass/volume] in Serum or Plasma", "Albumin", "g/dL", 3.5, 5.0, 4.0),
    ("1975-2", "Bilirubin.total [Mass/volume] in Serum or Plasma", "Bilirubin, Total", "mg/dL", 0.0, 1.2, 0.6),
    ("6768-6", "Alkaline phosphatase [Enzymatic activity/volume] in Serum or Plasma", "ALP", "U/L", 35, 104, 88),
    (
        "1742-6",
        "Alanine aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
        "ALT (SGPT)",
        "U/L",
        7,
        45,
        28,
    ),
    (
        "1920-8",
        "Aspartate aminotransferase [Enzymatic activity/volume] in Serum or Plasma",
        "AST (SGOT)",
        "U/L",
        8,
        43,
        30,
    ),
    ("6875-9", "Cancer Ag 15-3 [Units/volume] in Serum or Plasma", "CA 15-3", "U/mL", 0, 30, 64),
    ("19123-9", "Magnesium [Mass/volume] in Serum or Plasma", "Magnesium", "mg/dL", 1.7, 2.3, 1.9),
)
_VITALS = (
    ("29463-7", "Body weight", "Weight", "kg", 68.4),
    ("8867-4", "Heart rate", "Pulse", "/min", 78.0),
    ("8310-5", "Body temperature", "Temp", "Cel", 36.7),
    ("59408-5", "Oxygen saturation in Arterial blood by Pulse oximetry", "SpO2", "%", 97.0),
    ("9279-1", "Respiratory rate", "Resp", "/min", 16.0),
)


class SyntheticPatient:
    """The prefetch of one patient with the given number of resources."""

    def __init__(self, resources: int, seed: int = 1) -> None:
        self._random = random.Random(seed)
        self._made = 0
        self._size = resources
        self.resources = self._resources()
        assert len(self.resources) == resources

    def prefetch(self) -> bytes:
        """The ``prefetch`` member of a hook request: a searchset Bundle for each of our keys."""
        by_key: dict[str, list[Json]] = {key: [] for key in _KEYS.values() if key != "documents"}
        for it in self.resources:
            key = _KEYS.get(it["resourceType"], "medicationRequests")  # Medications come along with the orders
            by_key.setdefault(key, []).append(it)
        return msgspec.json.encode(
            {key: found[0] if key == "patient" else _searchset(key, found) for key, found in by_key.items()}
        )

    def request(self) -> bytes:
        """An ``order-select`` request in which capecitabine has just been selected."""
        draft = self._request("capecitabine", TODAY, self._concept("capecitabine")) | {
            "id": "draft-1",
            "status": "draft",
        }
        envelope = {
            "hook": "order-select",
            "hookInstance": "7f0c3c52-9f0e-4d6e-8d0b-0d7a53a1c9e4",
            "fhirServer": BASE,
            "context": {
                "userId": "Practitioner/eM5cUkTn",
                "patientId": PATIENT_ID,
                "selections": ["MedicationRequest/draft-1"],
                "draftOrders": {"resourceType": "Bundle", "entry": [{"resource": draft}]},
            },
            "prefetch": msgspec.Raw(self.prefetch()),
        }
        return msgspec.json.encode(envelope)

    def _resources(self) -> list[Json]:
        told = self._told()
        visits = self._visits()
        while len(told) < self._size:
            told.extend(next(visits))
        return told[: self._size]

    def _told(self) -> list[Json]:
        """What is there once, most important first, so that ten resources are enough for four lines."""
        few = [
            self._patient(),
            self._condition("254837009", "C50.912", "Malignant neoplasm of breast (disorder)", date(2021, 6, 7)),
            self._condition("94381002", "C78.7", "Secondary malignant neoplasm of liver", date(2021, 6, 15)),
            self._pathology("18474-7", "HER2 Ag [Presence] in Tissue by Immune stain", "3+", date(2021, 6, 9)),
        ]
        for start, end, drugs, why in _LINES:
            first_line = drugs if start == _LINES[0][0] else drugs[:1]
            few.extend(self._statement(it, start, end, why) for it in first_line)
        if self._size <= len(few):
            return few
        more = [self._medication(drug) for drug in _DRUGS]
        more += [
            self._pathology(code, name, value, date(2021, 6, 9))
            for code, name, value in (
                ("85337-4", "Estrogen receptor Ag [Presence] in Breast cancer specimen by Immune stain", "Negative"),
                (
                    "85339-0",
                    "Progesterone receptor Ag [Presence] in Breast cancer specimen by Immune stain",
                    "Negative",
                ),
                ("60033-8", "PIK3CA gene mutations found [Identifier] in Blood or Tissue", "No mutation detected"),
            )
        ]
        more += [
            self._condition(*it)
            for it in (
                ("94222008", "C79.51", "Secondary malignant neoplasm of bone", date(2023, 2, 27)),
                ("94225005", "C79.31", "Secondary malignant neoplasm of brain", date(2024, 9, 9)),
                ("38341003", "I10", "Hypertensive disorder", date(2016, 3, 1)),
                ("40930008", "E03.9", "Hypothyroidism", date(2014, 9, 1)),
                ("386033004", "G62.0", "Neuropathy due to chemotherapy", date(2021, 11, 2)),
                ("235595009", "K21.9", "Gastroesophageal reflux disease", date(2018, 5, 1)),
                ("64859006", "M81.0", "Osteoporosis", date(2022, 2, 1)),
            )
        ]
        more += [self._allergy("7980", "Penicillin G", "Hives"), self._allergy("2670", "Codeine", "Nausea")]
        more += [self._adverse_event("62315008", "Diarrhea", 2, date(2024, 12, 1))]
        more += [
            self._procedure(*it)
            for it in (
                ("392021009", "Lumpectomy of breast", date(2021, 6, 20)),
                ("229322000", "Stereotactic radiosurgery to brain metastasis", date(2024, 9, 20)),
                ("434158009", "Insertion of implantable venous access port", date(2021, 7, 1)),
            )
        ]
        return few + more

    def _visits(self) -> Iterator[list[Json]]:
        """The clinic's visits, newest first as EHRs sort them; what is still missing are visits without cancer treatment."""
        for denser in range(100):
            for start, end, drugs, _ in reversed(_LINES):
                day, number = end - timedelta(denser), 0
                while day >= start:
                    yield self._visit(day, drugs if not denser else (), number)
                    day, number = day - timedelta(21), number + 1

    def _visit(self, day: date, drugs: tuple[str, ...], number: int) -> list[Json]:
        made = [self._dose(it, day) for it in drugs if it not in _ORAL]
        made += [self._dose(it, day) for it in (_SUPPORT if number % 2 else _SUPPORT[:3])]
        made += [self._request(it, day, self._reference(it)) for it in drugs if it not in _ORAL or number % 4 == 0]
        made += [self._request(it, day, self._reference(it)) for it in _SUPPORT[:3]]
        labs = _LABS if number % 2 else _LABS[:8]
        made += [self._lab(*it, day) for it in labs]
        made += [self._vital(*it, day) for it in _VITALS[: 5 if number % 2 else 2]] + [self._blood_pressure(day)]
        if number % 2 == 0:
            made.append(self._score("89247-1", "ECOG Performance Status score", 1, "{score}", day))
            made.append(self._home_drug(_HOME[number // 2 % len(_HOME)], day))
        if number % 4 == 0:
            made.append(self._score("10230-1", "Left ventricular Ejection fraction", 58 + number % 5, "%", day))
            made.append(self._report("24627-2", "CT chest abdomen pelvis with IV contrast", "Stable disease.", day))
            made.append(self._procedure("265764009", "Administration of antineoplastic agent", day))
            made.append(self._document(day))
        return made

    # What every resource of an EHR has beside what it says.

    def _base(self, kind: str, day: date, title: str, **members: Any) -> Json:
        """A resource with identity, provenance and narrative as EHRs write them."""
        self._made += 1
        name = "".join(self._random.choices(string.ascii_letters + string.digits, k=22))
        base: Json = {
            "resourceType": kind,
            "id": f"e{name}{self._made}",
            "meta": {
                "versionId": str(self._random.randrange(1, 9)),
                "lastUpdated": f"{day.isoformat()}T{self._random.randrange(7, 19):02d}:{self._random.randrange(60):02d}:07.000Z",
            },
        }
        if self._made % 6 == 0:  # some vendors write a narrative, others do not
            div = f'<div xmlns="http://www.w3.org/1999/xhtml"><p><b>{title}</b></p><p>Date: {day.isoformat()}</p></div>'
            base["text"] = {"status": "generated", "div": div}
        return base | members

    def _subject(self) -> Json:
        return {"reference": f"Patient/{PATIENT_ID}", "display": "Testfrau, S."}

    def _encounter(self, day: date) -> Json:
        number = day.toordinal()
        return {"reference": f"Encounter/eENC{number}"}

    def _staff(self, role: str) -> Json:
        return {"reference": f"Practitioner/e{role}M5cUkTnB{self._random.randrange(9)}", "display": f"Staff {role}, RN"}

    def _identifier(self) -> list[Json]:
        value = str(self._random.randrange(10**9))
        return [{"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.798268", "value": value}]

    def _concept(self, drug: str) -> Json:
        rxnorm, text, _, _ = _DRUGS[drug]
        local = str(40000 + list(_DRUGS).index(drug))
        return {
            "coding": [
                {"system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.698288", "code": local, "display": text},
                {"system": _RXNORM, "code": rxnorm, "display": _DISPLAYS.get(drug, drug)},
                {"system": "urn:oid:2.16.840.1.113883.6.68", "code": f"2135{local}"},
            ],
            "text": text,
        }

    def _reference(self, drug: str) -> Json:
        return {"reference": f"Medication/{_medication_id(drug)}", "display": _DRUGS[drug][1]}

    def _category(self, table: str, code: str) -> Json:
        return {"coding": [{"system": f"{_TERM}/{table}", "code": code}], "text": code.replace("-", " ").title()}

    def _sig(self, drug: str, words: str, **timing: Any) -> Json:
        """A dosage instruction as an order or statement has it."""
        ordered = {"coding": [{"system": f"{_TERM}/dose-rate-type", "code": "ordered"}]}
        return {
            "text": f"{_DRUGS[drug][2]} mg, {words}",
            "timing": timing,
            "route": self._route(drug),
            "doseAndRate": [{"type": ordered, "doseQuantity": self._dose_of(drug)}],
        }

    def _route(self, drug: str) -> Json:
        code, display = _ROUTES[_DRUGS[drug][3]]
        return {"coding": [{"system": _SNOMED, "code": code, "display": display}], "text": display.partition(" ")[0]}

    def _dose_of(self, drug: str) -> Json:
        return {"value": float(_DRUGS[drug][2]), "unit": "mg", "system": _UCUM, "code": "mg"}

    def _reason(self, drug: str) -> list[Json]:
        if drug in _SUPPORT or drug in _HOME:
            return []
        return [
            {
                "coding": [
                    {"system": _SNOMED, "code": "254837009", "display": "Malignant neoplasm of breast (disorder)"},
                    {
                        "system": "http://hl7.org/fhir/sid/icd-10-cm",
                        "code": "C50.912",
                        "display": "Malignant neoplasm of breast",
                    },
                ],
                "text": "Breast cancer metastasized to liver (HCC)",
            }
        ]

    # The resource types.

    def _patient(self) -> Json:
        return self._base(
            "Patient",
            TODAY,
            "Testfrau, Synthea",
            extension=[
                {"url": "http://hl7.org/fhir/us/core/StructureDefinition/us-core-birthsex", "valueCode": "F"},
                {
                    "url": "http://open.epic.com/FHIR/StructureDefinition/extension/legal-sex",
                    "valueCodeableConcept": {"text": "female"},
                },
            ],
            identifier=[{"use": "usual", "type": {"text": "MRN"}, "system": "urn:oid:1.2.36.146", "value": "E0001"}],
            active=True,
            name=[{"use": "official", "text": "Synthea Testfrau", "family": "Testfrau", "given": ["Synthea"]}],
            telecom=[{"system": "phone", "value": "555-0100", "use": "home"}],
            gender="female",
            birthDate="1968-04-12",
            deceasedBoolean=False,
            address=[
                {
                    "use": "home",
                    "line": ["1 Example St"],
                    "city": "Madison",
                    "state": "WI",
                    "postalCode": "53703",
                    "country": "US",
                }
            ],
            communication=[{"language": {"text": "English"}, "preferred": True}],
        ) | {"id": PATIENT_ID}

    def _condition(self, snomed: str, icd10: str, display: str, day: date) -> Json:
        return self._base(
            "Condition",
            day,
            display,
            clinicalStatus=self._category("condition-clinical", "active"),
            verificationStatus=self._category("condition-ver-status", "confirmed"),
            category=[self._category("condition-category", "problem-list-item")],
            code={
                "coding": [
                    {"system": _SNOMED, "code": snomed, "display": display},
                    {"system": "http://hl7.org/fhir/sid/icd-10-cm", "code": icd10, "display": display},
                ],
                "text": display,
            },
            subject=self._subject(),
            encounter=self._encounter(day),
            onsetDateTime=day.isoformat(),
            recordedDate=(day + timedelta(1)).isoformat(),
            recorder=self._staff("MD"),
        )

    def _medication(self, drug: str) -> Json:
        made = self._base(
            "Medication",
            TODAY,
            _DRUGS[drug][1],
            code=self._concept(drug),
            status="active",
            identifier=self._identifier(),
        )
        return made | {"id": _medication_id(drug)}

    def _dose(self, drug: str, day: date) -> Json:
        made = self._base(
            "MedicationAdministration",
            day,
            f"{_DRUGS[drug][1]} given",
            extension=[
                {"url": "http://open.epic.com/FHIR/StructureDefinition/extension/mar-action", "valueCode": "Given"}
            ],
            identifier=self._identifier(),
            status="completed",
            category=self._category("medication-admin-category", "outpatient"),
            medicationCodeableConcept=self._concept(drug),
            subject=self._subject(),
            context=self._encounter(day),
            effectivePeriod={"start": f"{day.isoformat()}T10:15:00-06:00", "end": f"{day.isoformat()}T11:20:00-06:00"},
            performer=[{"actor": self._staff("RN")}],
            request={"reference": f"MedicationRequest/eORD{day.toordinal()}{_medication_id(drug)}"},
            dosage={"text": f"{_DRUGS[drug][2]} mg once", "route": self._route(drug), "dose": self._dose_of(drug)},
        )
        if reason := self._reason(drug):
            made["reasonCode"] = reason
        return made

    def _request(self, drug: str, day: date, medication: Json) -> Json:
        until = day + timedelta(21)
        is_coded = "coding" in medication
        made = self._base(
            "MedicationRequest",
            day,
            f"{_DRUGS[drug][1]} ordered",
            identifier=self._identifier(),
            status="completed" if day < TODAY else "active",
            intent="order",
            category=[self._category("medicationrequest-category", "outpatient")],
            subject=self._subject(),
            encounter=self._encounter(day),
            authoredOn=f"{day.isoformat()}T08:12:00Z",
            requester=self._staff("MD"),
            recorder=self._staff("PharmD"),
            dosageInstruction=[
                self._sig(
                    drug,
                    f"every 3 weeks, Starting {_american(day)}, Until {_american(until)}",
                    repeat={"boundsPeriod": {"start": day.isoformat()}, "count": 1},
                    code={"text": "Once"},
                )
            ],
            dispenseRequest={
                "validityPeriod": {"start": day.isoformat(), "end": until.isoformat()},
                "numberOfRepeatsAllowed": 0,
            },
        )
        made["medicationCodeableConcept" if is_coded else "medicationReference"] = medication
        if reason := self._reason(drug):
            made["reasonCode"] = reason
        return made

    def _statement(self, drug: str, start: date, end: date, why: str) -> Json:
        return self._base(
            "MedicationStatement",
            end,
            _DRUGS[drug][1],
            status="stopped",
            statusReason=[{"text": f"Stopped for {why}"}],
            medicationCodeableConcept=self._concept(drug),
            subject=self._subject(),
            effectivePeriod={"start": start.isoformat(), "end": end.isoformat()},
            dateAsserted=end.isoformat(),
            informationSource=self._staff("MD"),
            reasonCode=self._reason(drug),
            dosage=[self._sig(drug, "every 3 weeks")],
        )

    def _home_drug(self, drug: str, day: date) -> Json:
        return self._base(
            "MedicationStatement",
            day,
            _DRUGS[drug][1],
            identifier=self._identifier(),
            status="active",
            category=self._category("medication-statement-category", "outpatient"),
            medicationCodeableConcept=self._concept(drug),
            subject=self._subject(),
            context=self._encounter(day),
            effectivePeriod={"start": (day - timedelta(90)).isoformat()},
            dateAsserted=day.isoformat(),
            informationSource=self._subject(),
            dosage=[self._sig(drug, "by mouth daily", code={"text": "Daily"})],
        )

    def _observation(self, code: str, display: str, name: str, day: date, category: str, **value: Any) -> Json:
        return self._base(
            "Observation",
            day,
            name,
            basedOn=[{"reference": f"ServiceRequest/eSR{day.toordinal()}"}],
            status="final",
            category=[self._category("observation-category", category)],
            code={
                "coding": [
                    {"system": _LOINC, "code": code, "display": display},
                    {
                        "system": "urn:oid:1.2.840.114350.1.13.0.1.7.2.768282",
                        "code": f"1{code.replace('-', '')}",
                        "display": name,
                    },
                ],
                "text": name,
            },
            subject=self._subject(),
            encounter=self._encounter(day),
            effectiveDateTime=f"{day.isoformat()}T14:03:00Z",
            issued=f"{day.isoformat()}T15:20:00.000Z",
            performer=[{"reference": "Organization/eLAB1"}],
            **value,
        )

    def _lab(
        self, code: str, display: str, name: str, unit: str, low: float, high: float, mean: float, day: date
    ) -> Json:
        value = round(mean * self._random.uniform(0.85, 1.15), 2)
        flag = "L" if value < low else "H" if value > high else "N"
        bounds = ({"value": it, "unit": unit, "system": _UCUM, "code": unit} for it in (low, high))
        return self._observation(
            code,
            display,
            name,
            day,
            "laboratory",
            valueQuantity={"value": value, "unit": unit, "system": _UCUM, "code": unit},
            interpretation=[{"coding": [{"system": f"{_TERM}/v3-ObservationInterpretation", "code": flag}]}],
            referenceRange=[dict(zip(("low", "high", "text"), (*bounds, f"{low} - {high} {unit}"), strict=True))],
            specimen={"reference": f"Specimen/eSP{day.toordinal()}", "display": "Blood, Venous"},
        )

    def _vital(self, code: str, display: str, name: str, unit: str, mean: float, day: date) -> Json:
        value = round(mean * self._random.uniform(0.97, 1.03), 1)
        return self._score(code, display, value, unit, day, name)

    def _score(self, code: str, display: str, value: float, unit: str, day: date, name: str | None = None) -> Json:
        quantity = {"value": value, "unit": unit, "system": _UCUM, "code": unit}
        return self._observation(code, display, name or display, day, "vital-signs", valueQuantity=quantity)

    def _blood_pressure(self, day: date) -> Json:
        parts = (("8480-6", "Systolic blood pressure", 126), ("8462-4", "Diastolic blood pressure", 78))
        component = [
            {
                "code": {"coding": [{"system": _LOINC, "code": code, "display": name}], "text": name},
                "valueQuantity": {
                    "value": value + self._random.randrange(-9, 9),
                    "unit": "mmHg",
                    "system": _UCUM,
                    "code": "mm[Hg]",
                },
            }
            for code, name, value in parts
        ]
        return self._observation("85354-9", "Blood pressure panel", "BP", day, "vital-signs", component=component)

    def _pathology(self, code: str, display: str, text: str, day: date) -> Json:
        return self._observation(
            code,
            display,
            display.partition(" [")[0],
            day,
            "laboratory",
            valueCodeableConcept={"text": text},
            specimen={"display": "Core biopsy, liver metastasis"},
            note=[{"text": "Fixation time within guideline limits."}],
        )

    def _report(self, code: str, display: str, conclusion: str, day: date) -> Json:
        return self._base(
            "DiagnosticReport",
            day,
            display,
            identifier=self._identifier(),
            status="final",
            category=[
                {"coding": [{"system": f"{_TERM}/v2-0074", "code": "RAD", "display": "Radiology"}], "text": "Imaging"}
            ],
            code={"coding": [{"system": _LOINC, "code": code, "display": display}], "text": display},
            subject=self._subject(),
            encounter=self._encounter(day),
            effectiveDateTime=day.isoformat(),
            issued=f"{day.isoformat()}T16:00:00Z",
            performer=[self._staff("Radiologist")],
            conclusion=conclusion,
            presentedForm=[{"contentType": "text/html", "url": f"Binary/e{day.toordinal()}", "title": display}],
        )

    def _procedure(self, code: str, display: str, day: date) -> Json:
        return self._base(
            "Procedure",
            day,
            display,
            identifier=self._identifier(),
            status="completed",
            category={
                "coding": [{"system": _SNOMED, "code": "387713003", "display": "Surgical procedure"}],
                "text": "Procedure",
            },
            code={"coding": [{"system": _SNOMED, "code": code, "display": display}], "text": display},
            subject=self._subject(),
            encounter=self._encounter(day),
            performedDateTime=day.isoformat(),
            performer=[{"actor": self._staff("MD")}],
            reasonCode=self._reason("tdxd"),
        )

    def _allergy(self, rxnorm: str, display: str, reaction: str) -> Json:
        return self._base(
            "AllergyIntolerance",
            date(2015, 1, 12),
            display,
            clinicalStatus=self._category("allergyintolerance-clinical", "active"),
            verificationStatus=self._category("allergyintolerance-verification", "confirmed"),
            category=["medication"],
            code={"coding": [{"system": _RXNORM, "code": rxnorm, "display": display}], "text": display},
            patient=self._subject(),
            recordedDate="2015-01-12",
            reaction=[{"manifestation": [{"text": reaction}], "severity": "mild"}],
        )

    def _adverse_event(self, snomed: str, display: str, grade: int, day: date) -> Json:
        return self._base(
            "AdverseEvent",
            day,
            display,
            extension=[
                {
                    "url": "http://hl7.org/fhir/us/ctcae/StructureDefinition/ctcae-grade",
                    "valueCodeableConcept": {"coding": [{"code": str(grade)}]},
                }
            ],
            actuality="actual",
            event={
                "coding": [{"system": _SNOMED, "code": snomed, "display": display}],
                "text": f"{display}, grade {grade}",
            },
            subject=self._subject(),
            date=day.isoformat(),
            outcome={
                "coding": [{"system": f"{_TERM}/adverse-event-outcome", "code": "resolved", "display": "Resolved"}]
            },
        )

    def _document(self, day: date) -> Json:
        return self._base(
            "DocumentReference",
            day,
            "Progress Notes",
            identifier=self._identifier(),
            status="current",
            docStatus="final",
            type={
                "coding": [{"system": _LOINC, "code": "11506-3", "display": "Progress note"}],
                "text": "Progress Notes",
            },
            subject=self._subject(),
            date=f"{day.isoformat()}T17:40:00Z",
            author=[self._staff("MD")],
            custodian={"reference": "Organization/eORG1", "display": "Hospital"},
            content=[
                {
                    "attachment": {"contentType": "text/html", "url": f"Binary/eNOTE{day.toordinal()}"},
                    "format": {"code": "urn:ihe:iti:xds:2017:mimeTypeSufficient"},
                }
            ],
            context={"encounter": [self._encounter(day)], "period": {"start": day.isoformat(), "end": day.isoformat()}},
        )


def _american(day: date) -> str:
    return f"{day.month}/{day.day}/{day.year}"


def _medication_id(drug: str) -> str:
    return f"eMED{drug.replace(' ', '')}"


def _searchset(key: str, resources: list[Json]) -> Json:
    return {
        "resourceType": "Bundle",
        "type": "searchset",
        "total": sum(it["resourceType"] != "Medication" for it in resources),
        "link": [{"relation": "self", "url": f"{BASE}/{key}?patient={PATIENT_ID}"}],
        "entry": [
            {
                "fullUrl": f"{BASE}/{it['resourceType']}/{it['id']}",
                "resource": it,
                "search": {"mode": "include" if it["resourceType"] == "Medication" else "match"},
            }
            for it in resources
        ],
    }


if __name__ == "__main__":
    for size in SIZES:
        patient = SyntheticPatient(size)
        mix = ", ".join(
            f"{count} {kind}" for kind, count in Counter(it["resourceType"] for it in patient.resources).most_common()
        )
        print(f"{size:>5,} resources, {len(patient.prefetch()) / 1000:,.0f} KB: {mix}")
