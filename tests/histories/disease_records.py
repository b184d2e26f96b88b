"""The patient, the disease and what was found, as resources."""

from __future__ import annotations

from typing import Any

from tests.histories.writing import ICD, LOINC, SNOMED, SUBJECT, Writer, coding

_STAGE_UNSAID = {"metastatic date recorded late", "no metastatic diagnosis"}
_SITES = {"liver": "C78.7", "bone": "C79.51", "lung": "C78.00", "brain": "C79.31"}
_TRENDS = {"progression": "271299001", "stable": "359746009", "not detected": "260415000"}


class DiseaseWriter(Writer):
    """Writes diagnoses, receptors, scans, local treatment and toxicities."""

    def write_disease(self) -> None:
        plan = self.plan
        self.made.append({"resourceType": "Patient", "id": "p", "gender": "female", "birthDate": "1966-05-04"})
        self._condition(
            "breast",
            [coding(ICD, "C50.912", "Malignant neoplasm of left female breast")],
            "Invasive ductal carcinoma, left breast",
            onset=plan.diagnosed,
            stage="Stage IV" if plan.de_novo and not self.faults & _STAGE_UNSAID else None,
        )
        if "no metastatic diagnosis" not in self.faults:
            for site in plan.sites:
                self._metastasis(site)
        if plan.locoregional is not None:
            self._condition("chest-wall", [], "Local recurrence of breast cancer, chest wall", onset=plan.locoregional)
        if plan.second_cancer is not None and any(it.reason == "colon" for it in plan.given):
            self._condition(
                "colon",
                [coding(ICD, "C18.7", "Malignant neoplasm of sigmoid colon")],
                "Sigmoid colon cancer, stage III",
                onset=plan.second_cancer,
            )
        self._receptors(plan.diagnosed + 3, "Core biopsy, breast primary")
        if not plan.de_novo or "metastatic date recorded late" in self.faults:
            self._receptors(plan.metastatic, f"Biopsy of {plan.sites[0]} metastasis")
        for found in plan.findings:
            self._finding(found.day, found.trend, found.where)
        for local in plan.local:
            self.add(
                "Procedure",
                status="completed",
                code={"text": local.text},
                performedDateTime=self.day(local.day),
                bodySite=[{"text": local.site}],
            )
        for day, agent, what in plan.toxic:
            self.add(
                "AdverseEvent",
                actuality="actual",
                event={"text": what},
                date=self.day(day),
                suspectEntity=[{"instance": {"display": agent}}],
                **({"severity": {"text": "severe"}} if self.rng.random() < 0.5 else {}),
            )

    def _metastasis(self, site: str) -> None:
        day = self.plan.metastatic
        if "metastatic date recorded late" in self.faults:
            day = self.plan.lines[0].start + self.rng.randint(35, 100)
        self._condition(
            f"met-{site}",
            [coding(ICD, _SITES[site], f"Secondary malignant neoplasm of {site}")],
            f"Metastasis to {site}",
            onset=day,
            onset_known=not self.faults & {"metastatic date recorded late", "metastatic condition without onset"},
        )
        if site == "brain" or not any(it.where == "brain" for it in self.plan.findings):
            return
        if "brain" not in self.plan.sites and not any(it.get("id") == "met-brain" for it in self.made):
            first = min(it.day for it in self.plan.findings if it.where == "brain")
            self._condition("met-brain", [coding(ICD, "C79.31", "")], "Brain metastasis", onset=first)

    def _condition(self, name, codings, text, *, onset, stage=None, onset_known=True) -> None:
        status = "http://terminology.hl7.org/CodeSystem/condition-"
        made = {
            "resourceType": "Condition",
            "id": name,
            "clinicalStatus": {"coding": [{"system": f"{status}clinical", "code": "active"}]},
            "verificationStatus": {"coding": [{"system": f"{status}ver-status", "code": "confirmed"}]},
            "code": {"coding": codings, "text": text} if codings else {"text": text},
            "subject": SUBJECT,
            "recordedDate": self.day(onset),
        }
        if onset_known:
            made["onsetDateTime"] = self.day(onset)
        if stage:
            made["stage"] = [{"summary": {"text": stage}}]
        self.made.append(made)

    def _receptors(self, day: int, specimen: str) -> None:
        positive, negative = ("LA6576-8", "Positive"), ("LA6577-6", "Negative")
        for code, (answer, shown) in (
            ("85319-2", ("LA11843-2", "3+")),
            ("85337-4", positive if self.plan.er_positive else negative),
        ):
            self._observation(day, code, coding(LOINC, answer, shown), specimen={"display": specimen})

    def _finding(self, day: int, trend: str, where: str) -> None:
        focus = {"overall": "breast", "brain": "met-brain", "breast": "chest-wall"}[where]
        self._observation(
            day,
            "97509-4",
            coding(SNOMED, _TRENDS[trend], trend),
            focus=[{"reference": f"Condition/{focus}"}],
        )

    def _observation(self, day: int, code: str, value: dict[str, str], **more: Any) -> None:
        self.add(
            "Observation",
            status="final",
            code={"coding": [coding(LOINC, code, "")]},
            effectiveDateTime=self.day(day),
            valueCodeableConcept={"coding": [value]},
            **more,
        )
