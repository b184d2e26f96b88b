"""The kinds of criterion that a trial may have: what each states must hold, typed. Source: shared trials/criterion-vocabulary."""

from __future__ import annotations

import msgspec


class Criterion(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="kind", omit_defaults=True
):
    """What all kinds share: where it was read, how it is weighed, and our own sentence for it.

    The parameters state what must hold, so inclusion or exclusion (``role``) is only where it was read.
    """

    id: str
    when: str
    """``prescreen`` decides here; ``screening`` is for the site to find out."""
    role: str
    recoverable: bool = False
    """Whether time or treatment may turn a failure."""
    protocol_defined: bool = False
    """The registry leaves the detail to the protocol: never decided here."""
    says: str = ""
    text: str = ""
    """The registry's wording, in a hospital's own files; shipped files never have it."""
    at: tuple[str, ...] = ()
    """Places in the registry's text: "inclusion 3", "exclusion 4-6", "sex"."""
    review_if_not_met: str | None = None
    """Why a failure is for a person to judge: a quota, an exception at discretion, a text that can be read in two ways."""
    note: str | None = None
    applies_to: str | None = None
    """The cohort it belongs to, where it is written among the common ones."""

    @property
    def sentence(self) -> str:
        """Our own words where there are any, else the wording that a hospital copied."""
        return (self.says or self.text or self.id).rstrip(".")

    @property
    def decides(self) -> bool:
        """Whether it is answered here rather than by the site."""
        return self.when == "prescreen" and not self.protocol_defined


class Param(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Base of parameters that have parts."""


class Age(Criterion, frozen=True, kw_only=True, tag="age"):
    """Age in years."""

    min: float | None = None
    max: float | None = None


class Sex(Criterion, frozen=True, kw_only=True, tag="sex", rename={"within": "in"}):
    """The sexes that are taken, by the registry's own field."""

    within: tuple[str, ...] = ()


class Ecog(Criterion, frozen=True, kw_only=True, tag="ecog"):
    """ECOG at most; or Karnofsky at least. ``within_days`` is a window that counts at screening."""

    max: int | None = None
    min_karnofsky: float | None = None
    within_days: int | None = None


class DiseaseSetting(Criterion, frozen=True, kw_only=True, tag="disease_setting"):
    """The primary tumor and how far it has spread; ``primary`` "any" is any cancer, another word a tumor that is not breast."""

    primary: str | None = None
    extent: tuple[str, ...] = ()
    de_novo: bool | None = None
    min_dfi_months: float | None = None


class Her2Status(Criterion, frozen=True, kw_only=True, tag="her2_status"):
    """One of these HER2 states in force; a central confirmation is for the site."""

    accept: tuple[str, ...] = ()
    lab: str | None = None


class HormoneReceptor(Criterion, frozen=True, kw_only=True, tag="hormone_receptor"):
    """ER and PR: known, positive or negative; or ER alone."""

    require: str = "known"
    receptor: str = "any"


class Biomarker(Criterion, frozen=True, kw_only=True, tag="biomarker"):
    """A gene or marker with this result."""

    gene: str | None = None
    result: str | None = None
    lab: str | None = None


class MeasurableDisease(Criterion, frozen=True, kw_only=True, tag="measurable_disease"):
    """How the disease can be measured."""

    accept: tuple[str, ...] = ()


class Progression(Criterion, frozen=True, kw_only=True, tag="progression"):
    """Progression on the last treatment or on a class of drugs; or none on a class within a time."""

    of_therapy: str | None = None
    drug_class: str | None = msgspec.field(default=None, name="class")
    setting: str = "any"
    intolerance_counts: bool = False
    none_on: str | None = None
    within_months: float | None = None


class PriorLines(Criterion, frozen=True, kw_only=True, tag="prior_lines"):
    """Number of earlier lines of a kind in a setting."""

    of: str
    setting: str = "advanced"
    min: int | None = None
    max: int | None = None
    early_relapse_counts_months: float | None = None
    excluding_current_induction: bool = False
    induction_within_days: int | None = None
    """Only a running line that began so many days ago, or later, is that induction."""


class Distinct(Param, frozen=True, kw_only=True):
    """At least so many different drugs of a kind."""

    of: str
    min: int


class MostLines(Param, frozen=True, kw_only=True):
    """At most so many lines with a kind of drug."""

    of: str
    max: int


class EarlyGap(Param, frozen=True, kw_only=True):
    """A kind of drug for early disease ended at least so many months before the advanced disease."""

    of: str
    months: float


class Cumulative(Param, frozen=True, kw_only=True):
    """The highest dose so far."""

    doxorubicin_equivalent_mg_m2: float


class PriorTherapy(Criterion, frozen=True, kw_only=True, tag="prior_therapy"):
    """Drugs or kinds of drugs that must, or must not, have been given; how they ended; how long ago."""

    require_all: tuple[str, ...] = ()
    require_any: tuple[str, ...] = ()
    require_distinct: Distinct | None = None
    forbid: tuple[str, ...] = ()
    setting: str = "any"
    outcome: tuple[str, ...] = ()
    most_recent: bool = False
    goes_on_for_days: int | None = None
    """A required drug is given now, and has been for so many days without progression."""
    max_lines_of: MostLines | None = None
    ignore_if_days_less_than: int | None = None
    early_setting_gap: EarlyGap | None = None
    min_months_since: float | None = None
    waived_if_contraindicated: bool = False
    max_cumulative: Cumulative | None = None


class Washout(Criterion, frozen=True, kw_only=True, tag="washout"):
    """Days that must have passed since treatment of a kind; day ``n`` after the last one is the first that is allowed."""

    of: str | None = None
    """Only drugs of this kind count for ``any_systemic_days``."""
    any_systemic_days: int | None = None
    cytotoxic_days: int | None = None
    investigational_days: int | None = None
    surgery_days: int | None = None
    rt_days: int | None = None
    wbrt_days: int | None = None
    srs_days: int | None = None
    endocrine_counts: bool = False
    conjugates_count: bool = False


class CnsDisease(Criterion, frozen=True, kw_only=True, tag="cns_disease"):
    """States of brain metastases that are taken; ``ask``: states that a person has to judge."""

    accept: tuple[str, ...] = ()
    ask: tuple[str, ...] = ()
    new_or_progressing: bool = False
    min_lesion_mm: float | None = None
    max_untreated_mm: float | None = None
    max_dexamethasone_mg: float | None = None
    dexamethasone_by_monitor: bool = False
    """Up to that dose it is for the monitor to approve."""
    no_urgent_local_therapy: bool = False
    seizures_controlled: bool = False
    stable_min_months: float | None = None
    stable_min_days: int | None = None
    resection_planned: bool = False


class Leptomeningeal(Criterion, frozen=True, kw_only=True, tag="leptomeningeal"):
    """Which leptomeningeal disease is taken."""

    accept: tuple[str, ...] = ()
    history_counts: bool = False


class Lvef(Criterion, frozen=True, kw_only=True, tag="lvef"):
    """LVEF in per cent, no older than ``within_days``."""

    min: float | None = None
    within_days: int | None = None


class Cardiac(Criterion, frozen=True, kw_only=True, tag="cardiac"):
    """Heart disease that must be absent."""

    forbid: tuple[str, ...] = ()
    lvef_below_50_needs_review: bool = False


class Qtc(Criterion, frozen=True, kw_only=True, tag="qtc"):
    """The longest QTc in ms, for all or by sex."""

    max_ms: float | None = None
    max_ms_female: float | None = None
    max_ms_male: float | None = None


class Ild(Criterion, frozen=True, kw_only=True, tag="ild"):
    """ILD or pneumonitis that must be absent: now, suspected, or treated with steroids in the past."""

    forbid: tuple[str, ...] = ()


class OtherLimit(Param, frozen=True, kw_only=True):
    """Another limit that is enough as well."""

    analyte: str
    op: str
    value: float
    unit: str | None = None


class EasedLimit(Param, frozen=True, kw_only=True, rename={"condition": "if"}):
    """The limit that holds with liver metastases or Gilbert's syndrome; ``review``: then a person looks."""

    condition: str
    value: float | None = None
    op: str | None = None
    also: str | None = None
    review: bool = False


class Lab(Criterion, frozen=True, kw_only=True, tag="lab", rename={"otherwise": "or"}):
    """A laboratory value against a limit."""

    analyte: str | None = None
    op: str | None = None
    value: float | None = None
    unit: str | None = None
    alt: EasedLimit | None = None
    otherwise: OtherLimit | None = None
    within_days: int | None = None


class Infection(Criterion, frozen=True, kw_only=True, tag="infection"):
    """Infections that must be absent."""

    forbid: tuple[str, ...] = ()


class Comorbidity(Criterion, frozen=True, kw_only=True, tag="comorbidity"):
    """Other illnesses, and allergies to drugs, that must be absent."""

    forbid: tuple[str, ...] = ()
    allergy_to: tuple[str, ...] = ()


class ResidualToxicity(Criterion, frozen=True, kw_only=True, tag="residual_toxicity", rename={"excepted": "except"}):
    """The highest grade of side effects that still last, in general and for single ones."""

    max_grade: int = 1
    excepted: dict[str, str | int] = {}
    per: dict[str, int] = {}
    protocol_exceptions: bool = False
    asymptomatic_grade2_by_monitor: bool = False


class ConMed(Criterion, frozen=True, kw_only=True, tag="con_med"):
    """Classes of other drugs that must not be in use."""

    forbid: tuple[str, ...] = ()
    washout_days: int | None = None


class Reproductive(Criterion, frozen=True, kw_only=True, tag="reproductive"):
    """Pregnancy and breastfeeding."""

    forbid: tuple[str, ...] = ()


class SecondMalignancy(Criterion, frozen=True, kw_only=True, tag="second_malignancy", rename={"excepted": "except"}):
    """No other cancer within so many years."""

    within_years: float | None = None
    excepted: tuple[str, ...] = ()


class Capability(Criterion, frozen=True, kw_only=True, tag="capability"):
    """What must be possible: MRI of the brain, tissue, swallowing."""

    require: tuple[str, ...] = ()


class SiteJudgement(Criterion, frozen=True, kw_only=True, tag="site_judgement"):
    """For the site alone: consent, life expectancy, the investigator's opinion."""


AnyCriterion = (
    Age
    | Sex
    | Ecog
    | DiseaseSetting
    | Her2Status
    | HormoneReceptor
    | Biomarker
    | MeasurableDisease
    | Progression
    | PriorLines
    | PriorTherapy
    | Washout
    | CnsDisease
    | Leptomeningeal
    | Lvef
    | Cardiac
    | Qtc
    | Ild
    | Lab
    | Infection
    | Comorbidity
    | ResidualToxicity
    | ConMed
    | Reproductive
    | SecondMalignancy
    | Capability
    | SiteJudgement
)
