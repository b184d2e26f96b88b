"""Facts about the person and the body: age, reproduction, heart, liver, kidney, other illness, other drugs, wishes."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from cdshooks.knowledge.ids import FactId, ResourceRef
from cdshooks.options.deriving.reader import (
    FactValue,
    Source,
    bounded,
    diagnoses_of,
    is_over,
    is_present,
    measurements_of,
    newest_first,
    newest_measurement,
    toxicities_of,
)
from cdshooks.options.model import Fact
from cdshooks.partial_date import PartialDate
from cdshooks.record.model import Biomarker, Certainty, Diagnosis, Toxicity


def derive_person_facts(source: Source) -> Iterator[Fact]:
    """Age, sex, pregnancy."""
    person = source.record.person
    birth, told_by = person.birth, [ResourceRef(f"Patient/{person.id}")] if person.id else []
    age = birth.days_until(PartialDate.from_day(source.as_of)) if birth else None
    years = {int(days / 365.2425) for days in (age.least, age.most)} if age else set()
    yield source.fact("age_years", max(years) if len(years) == 1 else None, evidence=told_by if years else ())
    yield source.fact("sex", person.sex, evidence=told_by if person.sex else ())
    pregnancy = _pregnancy(source)
    yield pregnancy
    definition = source.definitions[FactId("pregnancy")]
    limit = definition.valid_for_days
    days = pregnancy.date.least_days_until(PartialDate.from_day(source.as_of)) if pregnancy.date else 0
    is_recent = limit is None or days <= limit
    concern = pregnancy.value in {"pregnant", "possible"} and is_recent
    yield source.fact("pregnancy_concern", concern, when=pregnancy.date, evidence=pregnancy.evidence)


def _pregnancy(source: Source) -> Fact:
    """The newest word on pregnancy; a present pregnancy weighs more than a test of the same day."""
    present = [it for it in diagnoses_of(source, ("pregnancy",)) if is_present(it, source.as_of)]
    absent = [it for it in diagnoses_of(source, ("not-pregnant",)) if it.certainty is not Certainty.REFUTED]
    absent += [it for it in diagnoses_of(source, ("pregnancy",)) if it.certainty is Certainty.REFUTED]
    said = [
        (newest_first(it.date), it.value.replace("-", "_"), it.date, it.evidence)
        for it in source.record.statements
        if it.about in {"pregnancy", "pregnancy-status", "pregnancy_status"} and source.is_past(it.date)
    ]
    said += [(newest_first(it.start), _certainly(it), it.start, it.evidence) for it in present]
    said += [(newest_first(it.start), "not_pregnant", it.start, it.evidence) for it in absent]
    known = [it for it in said if it[1] in {"pregnant", "possible", "not_pregnant"}]
    if not known:
        return source.fact("pregnancy", None)
    _, value, when, evidence = max(known, key=lambda it: (it[0], {"pregnant": 2, "possible": 1}.get(it[1], 0)))
    return source.fact("pregnancy", value, when=when, evidence=evidence)


def _certainly(diagnosis: Diagnosis) -> str:
    return "pregnant" if diagnosis.certainty is Certainty.CONFIRMED else "possible"


def derive_organ_facts(source: Source) -> Iterator[Fact]:
    """Heart, liver and kidney beyond plain measurements."""
    yield from _heart(source)
    rises = {}
    for name in ("bilirubin", "ast", "alt", "alp"):
        rises[name] = _times_upper_limit(source, name)
        yield rises[name]
    higher = [fact for fact in (rises["ast"], rises["alt"]) if isinstance(fact.value, float)]
    top = max(higher, key=lambda it: float(it.value), default=None)  # type: ignore[arg-type]  # filtered above
    yield source.fact(
        "ast_alt_xuln",
        top.value if top else None,
        when=top.date if top else None,
        evidence=top.evidence if top else (),
        method=top.method if top else None,
    )
    yield _times_upper_limit(source, "creatinine")
    yield _creatinine_clearance(source)


def _heart(source: Source) -> Iterator[Fact]:
    numbers = [
        (it, value) for it in measurements_of(source, "lvef_percent") if (value := bounded(it, "low")) is not None
    ]
    # of several on the first day the highest, so that a fall is never told too small
    first = max((it for it in numbers if it[0].date == numbers[0][0].date), key=lambda pair: pair[1], default=None)
    lowest = min(numbers, key=lambda pair: pair[1], default=None)
    for fact_id, pair in (("lvef_baseline_percent", first), ("lvef_nadir_percent", lowest)):
        yield source.fact(
            fact_id,
            pair[1] if pair else None,
            when=pair[0].date if pair else None,
            evidence=pair[0].evidence if pair else (),
        )
    newest = newest_measurement(source, "lvef_percent", "low")
    drop: FactValue = None
    if first and newest and len(numbers) > 1:
        drop = max(0.0, round(first[1] - newest[1], 1))
    yield source.fact(
        "lvef_drop_points",
        drop,
        when=newest[0].date if newest else None,
        evidence=(*first[0].evidence, *newest[0].evidence) if first and newest else (),
    )
    harmed = toxicities_of(source, ("heart_failure",))
    failing = [
        it
        for it in harmed
        if it.certainty is not Certainty.REFUTED and it.is_symptomatic is not False and not is_over(it, source.as_of)
    ]
    all_ill = diagnoses_of(source, ("chf_nyha2", "heart-failure", "heart_failure"))
    ill = [it for it in all_ill if is_present(it, source.as_of)]
    evidence = [*_evidence(failing), *_evidence(ill)] or [*_evidence(harmed), *_evidence(all_ill)]
    yield source.fact("symptomatic_hf", bool(failing or ill), evidence=evidence)


def _times_upper_limit(source: Source, name: str) -> Fact:
    """A liver value in multiples of its own upper limit; of the usual one when the result names none."""
    fact_id = f"{name}_xuln"
    newest = newest_measurement(source, name, "high")
    if newest is None:
        direct = newest_measurement(source, fact_id, "high")
        if direct is None:
            return source.fact(fact_id, None)
        return source.fact(fact_id, direct[1], when=direct[0].date, evidence=direct[0].evidence)
    measurement, number = newest
    usual = source.definitions[FactId(fact_id)].settings.get("usual_upper_limit")
    times, method = measurement.times_upper_limit, None
    if times is None and usual is not None:
        times, method = number / usual, f"the usual upper limit of {usual:g} was taken, for the result names none"
    if times is None:
        return source.fact(fact_id, None)
    return source.fact(fact_id, round(times, 2), when=measurement.date, evidence=measurement.evidence, method=method)


def _creatinine_clearance(source: Source) -> Fact:
    """As measured or reported; else by Cockcroft and Gault from creatinine, age, weight and sex; else the estimated GFR."""
    told = newest_measurement(source, "crcl", "low")
    if told is not None:
        return source.fact(
            "crcl", told[1], when=told[0].date, evidence=told[0].evidence, method=told[0].method or "as reported"
        )
    creatinine, weight = newest_measurement(source, "creatinine", "high"), newest_measurement(source, "weight_kg", None)
    birth, sex = source.record.person.birth, source.record.person.sex
    if creatinine and weight and birth and sex in {"female", "male"} and creatinine[1] > 0:
        settings = source.definitions[FactId("crcl")].settings
        age = birth.days_until(PartialDate.from_day(source.as_of)).most / 365.2425
        clearance = (settings["cockcroft_age"] - age) * weight[1] / (settings["cockcroft_divisor"] * creatinine[1])
        clearance *= settings["cockcroft_female"] if sex == "female" else 1
        return source.fact(
            "crcl",
            round(clearance, 1),
            when=creatinine[0].date,
            evidence=(*creatinine[0].evidence, *weight[0].evidence),
            method="calculated by Cockcroft and Gault",
        )
    filtration = newest_measurement(source, "egfr", "low")
    if filtration is not None:
        return source.fact(
            "crcl",
            filtration[1],
            when=filtration[0].date,
            evidence=filtration[0].evidence,
            method="the estimated GFR was taken",
        )
    return source.fact("crcl", None)


def derive_harm_facts(source: Source) -> Iterator[Fact]:
    """What single toxicity records do not say by themselves: symptoms and resolution of ILD, allergy, DPD, diabetes."""
    yield from _ild(source)
    yield from _dpd(source)
    severe = source.definitions[FactId("hypersensitivity_agents")].settings["least_grade"]
    reacted = toxicities_of(source, ("hypersensitivity",))
    allergic = [
        it
        for it in reacted
        if it.agent and it.certainty is not Certainty.REFUTED and (it.grade is None or it.grade >= severe)
    ]
    yield source.fact(
        "hypersensitivity_agents",
        tuple(sorted({str(it.agent) for it in allergic})),
        evidence=_evidence(allergic or reacted),
    )
    yield from _diabetes(source)


def _ild(source: Source) -> Iterator[Fact]:
    least_grade = source.definitions[FactId("ild_symptomatic")].settings["least_grade"]
    all_said = toxicities_of(source, ("ild",))
    found = [it for it in all_said if it.certainty is not Certainty.REFUTED]
    evidence = [ref for it in found or all_said for ref in it.evidence]
    absent: FactValue = False if all_said and not found else None
    graded = [it.grade for it in found if it.grade is not None]
    yield source.fact("ild_ungraded", bool(found) and not graded, evidence=evidence)
    symptomatic: FactValue = absent
    if any(it.is_symptomatic or (it.grade or 0) >= least_grade for it in found):
        symptomatic = True
    elif found and all(it.is_symptomatic is False or it.grade is not None for it in found):
        symptomatic = False
    yield source.fact("ild_symptomatic", symptomatic, evidence=evidence)
    resolved: FactValue = None
    current: FactValue = absent
    if found:
        over = [is_over(it, source.as_of) for it in found]
        open_still = [it for it, is_done in zip(found, over, strict=True) if not is_done]
        resolved = True if not open_still else False if any(it.is_resolved is False for it in open_still) else None
        current = not resolved if resolved is not None else None
    yield source.fact("ild_resolved", resolved, evidence=evidence)
    yield source.fact("ild_current", current, evidence=evidence)
    yield source.fact("ild_unresolved", bool(found) and resolved is not True, evidence=evidence)


def _dpd(source: Source) -> Iterator[Fact]:
    """DPYD by gene or by illness; the least activity that any result tells."""
    tested = [it for it in source.record.biomarkers if it.marker == "dpyd" and source.is_past(it.date)]
    order = {"poor": 0, "intermediate": 1, "normal": 2}
    known = sorted((it for it in tested if it.value in order), key=lambda it: order[it.value])
    ill = diagnoses_of(source, ("dpd_deficiency", "dpd-deficiency"))
    present = [it for it in ill if it.certainty is not Certainty.REFUTED and it.is_active is not False]
    harmed = [it for it in toxicities_of(source, ("dpd_deficiency",)) if it.certainty is not Certainty.REFUTED]
    partly = [it for it in diagnoses_of(source, ("partial_dpd_deficiency",)) if is_present(it, source.as_of)]
    evidence = [*_evidence(known), *_evidence(present), *_evidence(harmed), *_evidence(partly)]
    value: FactValue = known[0].value if known else None
    when = known[0].date if known else None
    if value in {None, "normal"} and (present or harmed):
        value, when = "poor", (*(it.start for it in present), *(it.start for it in harmed))[0]
    elif value in {None, "normal"} and partly:
        value, when = "intermediate", partly[0].start
    yield source.fact("dpyd", value, when=when, evidence=evidence)
    yield source.fact("dpd_deficiency", None if value is None else value == "poor", when=when, evidence=evidence)


def _evidence(found: Iterable[Biomarker | Diagnosis | Toxicity]) -> Iterator[ResourceRef]:
    for it in found:
        yield from it.evidence


def _diabetes(source: Source) -> Iterator[Fact]:
    concepts = {
        "type1": ("diabetes_type1", "diabetes-type1", "type-1-diabetes"),
        "uncontrolled_type2": ("uncontrolled_diabetes", "uncontrolled-diabetes"),
        "controlled": ("diabetes", "hyperglycaemia-diabetes", "diabetes_type2", "diabetes-type2"),
    }
    for value, names in concepts.items():
        present = [it for it in diagnoses_of(source, names) if is_present(it, source.as_of)]
        if present:
            yield source.fact("diabetes", value, evidence=[ref for it in present for ref in it.evidence])
            return
    denied = [it for names in concepts.values() for it in diagnoses_of(source, names)]
    yield source.fact("diabetes", "none", evidence=_evidence(denied))


def derive_context_facts(source: Source, plain: Mapping[FactId, Fact]) -> Iterator[Fact]:
    """Other illnesses, other drugs and wishes."""
    ill = [
        it
        for it in source.record.diagnoses
        if it.category == "comorbidity" and source.is_past(it.start) and is_present(it, source.as_of)
    ]
    yield source.fact(
        "comorbidities", tuple(sorted({it.concept for it in ill})), evidence=[ref for it in ill for ref in it.evidence]
    )
    taken = [it for it in source.record.comedications if it.is_current and source.is_past(it.start)]
    classes = sorted({name for it in taken for name in it.classes})
    yield source.fact("comeds", tuple(classes), evidence=[ref for it in taken for ref in it.evidence])
    settings = source.definitions[FactId("qt_risk")].settings
    low = [
        fact
        for fact_id, floor in (("potassium", settings["potassium_below"]), ("magnesium", settings["magnesium_below"]))
        if isinstance((fact := plain[FactId(fact_id)]).value, float) and float(fact.value) < floor
    ]
    prolonging = [it for it in taken if "qt_prolonging" in it.classes]
    evidence = [ref for it in prolonging for ref in it.evidence] + [ref for fact in low for ref in fact.evidence]
    yield source.fact("qt_risk", bool(low or prolonging), evidence=evidence)
    wishes = [it for it in source.record.wishes if source.is_past(it.date)]
    yield source.fact(
        "wishes", tuple(sorted({it.wish for it in wishes})), evidence=[ref for it in wishes for ref in it.evidence]
    )
