"""Facts about the disease: how far it has spread, the brain, receptors and markers."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta

from cdshooks.knowledge.ids import FactId
from cdshooks.knowledge.receptors import ReceptorRules
from cdshooks.options.deriving.reader import FactValue, Source, diagnoses_of, newest_first
from cdshooks.options.deriving.treatment import last_progression
from cdshooks.options.model import Fact
from cdshooks.record.model import Certainty, Metastasis, PatientRecord, ReceptorResult

_NOT_VISCERAL = frozenset({"bone", "lymph-node", "skin", "breast", "chest-wall", "unspecified", "soft-tissue"})
_CNS_SITES = frozenset({"brain", "meninges", "cns-other", "spinal-cord"})
_DEFINITE = frozenset({"positive", "negative", "low", "conflict", "equivocal"})


def derive_disease_facts(source: Source) -> Iterator[Fact]:
    """Extent, sites and the state of the brain."""
    since = source.lines.metastatic_since
    present = [
        it for it in source.record.metastases if it.certainty is not Certainty.REFUTED and source.is_past(it.date)
    ]
    refuted = [it for it in source.record.metastases if it.certainty is Certainty.REFUTED]
    is_metastatic = True if since is not None or present else None
    evidence = (*(since.evidence if since else ()), *(ref for it in present for ref in it.evidence))
    yield source.fact("metastatic", value=is_metastatic, when=since.date if since else None, evidence=evidence)
    yield source.fact(
        "metastatic_since",
        since.date.as_fhir() if since else None,
        when=since.date if since else None,
        evidence=since.evidence if since else (),
    )
    extent = "metastatic" if is_metastatic else _said(source, "disease_extent")
    yield source.fact("disease_extent", extent, evidence=evidence)
    yield from _site_facts(source, present, refuted)
    yield _de_novo(source) if is_metastatic else source.fact("de_novo", None)
    yield from _cns_facts(source)


def _said(source: Source, about: str) -> str | None:
    said = [it for it in source.record.statements if it.about == about and source.is_past(it.date)]
    allowed = source.definitions[FactId(about)].values
    for it in sorted(said, key=lambda it: (newest_first(it.date), it.value), reverse=True):
        if it.value in allowed:
            return it.value
    return None


def _site_facts(source: Source, present: list[Metastasis], refuted: list[Metastasis]) -> Iterator[Fact]:
    sites = {it.site for it in present if it.site != "unspecified"}
    evidence = [ref for it in present for ref in it.evidence]
    yield source.fact("sites", tuple(sorted(sites)) if sites else None, evidence=evidence)
    visceral = sites - _NOT_VISCERAL - _CNS_SITES
    yield source.fact("visceral", True if visceral else False if sites else None, evidence=evidence)
    liver: bool | None = True if "liver" in sites else None
    if liver is None and any(it.site == "liver" for it in refuted):
        liver = False
    yield source.fact(
        "liver_metastases",
        liver,
        evidence=[ref for it in (*present, *refuted) if it.site == "liver" for ref in it.evidence],
    )


def _de_novo(source: Source) -> Fact:
    """Metastatic within the same quarter as the first diagnosis, and nothing given for early disease."""
    since = source.lines.metastatic_since
    first = min(
        (it for it in diagnoses_of(source, ("breast-cancer",)) if it.start),
        key=lambda it: newest_first(it.start),
        default=None,
    )
    if source.lines.early:
        return source.fact("de_novo", value=False, evidence=[ref for it in source.lines.early for ref in it.evidence])
    if since is None or first is None or first.start is None:
        return source.fact("de_novo", None)
    within = source.definitions[FactId("de_novo")].settings["within_days"]
    return source.fact(
        "de_novo", first.start.least_days_until(since.date) <= within, evidence=(*first.evidence, *since.evidence)
    )


def _cns_facts(source: Source) -> Iterator[Fact]:
    cns = source.record.cns
    if cns is None:
        for fact_id in ("cns", "leptomeningeal", "brain_lesion_mm", "last_brain_mri"):
            yield source.fact(fact_id, None)
    else:
        value = None if cns.state == "unknown" else cns.state
        yield source.fact("cns", value, when=cns.date or cns.last_mri, evidence=cns.evidence)
        said = cns.leptomeningeal
        lepto: bool | None = None if said is None else said != "none"
        if cns.state == "leptomeningeal":
            lepto = True
        elif lepto is None and value is not None:
            lepto = False
        yield source.fact("leptomeningeal", lepto, when=cns.date or cns.last_mri, evidence=cns.evidence)
        yield source.fact(
            "brain_lesion_mm",
            cns.largest_lesion_mm,
            when=cns.largest_lesion_on or cns.last_mri or cns.date,
            evidence=cns.evidence,
        )
        mri = cns.last_mri
        yield source.fact("last_brain_mri", mri.as_fhir() if mri else None, when=mri, evidence=cns.evidence)
    yield _isolated_cns_progression(source)


def _isolated_cns_progression(source: Source) -> Fact:
    days = source.definitions[FactId("isolated_cns_progression")].settings["within_days"]
    since = source.as_of - timedelta(days=days)
    recent = [it for it in source.record.statuses if it.date and since <= it.date.last and source.is_past(it.date)]
    brain = [it for it in recent if it.focus in _CNS_SITES and it.trend == "progression"]
    elsewhere = [it for it in recent if it.focus not in _CNS_SITES and it.trend == "progression"]
    isolated = bool(brain) and not elsewhere
    return source.fact(
        "isolated_cns_progression",
        isolated,
        when=brain[-1].date if brain else None,
        evidence=[ref for it in brain for ref in it.evidence],
    )


# ---- receptors


def derive_receptor_facts(source: Source, rules: ReceptorRules) -> Iterator[Fact]:
    """HER2, ER and PR in force, as the notes of the fact ``her2`` state the rule; older results show what changed."""
    by_marker = _definite(source.record, source.as_of)
    days = rules.same_specimen_days
    her2 = in_force(by_marker["her2"], days)
    yield _status(source, "her2", her2)
    progression, told_by = last_progression(source)
    is_after: bool | None = None
    if her2 and her2[0].date and progression:
        is_after = bool(her2[0].date.last >= progression.first)
    elif progression and by_marker["her2"]:
        is_after = False
    first = her2[0] if her2 else None
    evidence = first.evidence if first else ()
    yield source.fact(
        "her2_after_last_progression",
        is_after,
        when=first.date if first else None,
        evidence=(*evidence, *told_by) if is_after is not None else (),
    )
    for fact_id, told in (("her2_ihc", [it for it in her2 if it.ihc]), ("her2_ish", [it for it in her2 if it.ish])):
        one = told[0] if told else None
        number = (one.ihc if fact_id == "her2_ihc" else one.ish) if one else None
        yield source.fact(fact_id, number, when=one.date if one else None, evidence=one.evidence if one else ())
    yield source.fact(
        "her2_date",
        first.date.as_fhir() if first and first.date else None,
        when=first.date if first else None,
        evidence=evidence,
    )
    positive = [it for it in by_marker["her2"] if it.status == "positive"]
    yield source.fact(
        "her2_ever_positive",
        True if positive else False if by_marker["her2"] else None,
        evidence=[ref for it in positive or by_marker["her2"] for ref in it.evidence],
    )
    yield _changed(source, "her2_changed", by_marker["her2"])
    er, pr = in_force(by_marker["er"], days), in_force(by_marker["pr"], days)
    yield _status(source, "er", er)
    yield _status(source, "pr", pr)
    counted = next((it for it in er if it.percent is not None), None)
    yield source.fact(
        "er_percent",
        counted.percent if counted else None,
        when=counted.date if counted else None,
        evidence=counted.evidence if counted else (),
    )
    yield _changed(source, "er_changed", by_marker["er"])
    yield _hormone_receptors(source, er, pr, in_force(by_marker["hr"], days))
    yield _brca(source)


def receptors_in_force(record: PatientRecord, rules: ReceptorRules, as_of: date) -> dict[str, list[ReceptorResult]]:
    """The results of each receptor that count now, newest first."""
    return {it: in_force(results, rules.same_specimen_days) for it, results in _definite(record, as_of).items()}


def _definite(record: PatientRecord, as_of: date) -> dict[str, list[ReceptorResult]]:
    """The results up to a day that say something, by marker."""
    past = [it for it in record.receptors if it.status in _DEFINITE and (it.date is None or it.date.first <= as_of)]
    return {marker: [it for it in past if it.marker == marker] for marker in ("her2", "er", "pr", "hr")}


def in_force(results: list[ReceptorResult], same_specimen_days: float) -> list[ReceptorResult]:
    """The results that count now, newest first: those not of the primary if there are any; final before preliminary.

    Tests of one place a few days apart belong together, for ISH is reported after IHC.
    """
    final = [it for it in results if not it.is_preliminary] or results
    pool = [it for it in final if it.is_metastasis is not False] or final
    if not pool:
        return []
    newest = max(pool, key=lambda it: newest_first(it.date))
    since = newest.date.plus_days(-int(same_specimen_days)).first if newest.date else None
    together = [
        it
        for it in pool
        if newest_first(it.date) == newest_first(newest.date)
        or (
            since is not None
            and it.date is not None
            and it.site is not None
            and it.site == newest.site
            and it.date.last >= since
        )
    ]
    return sorted(together, key=lambda it: newest_first(it.date), reverse=True)


def _status_of(results: list[ReceptorResult]) -> str | None:
    statuses = {it.status for it in results}
    if not statuses:
        return None
    if len(statuses) == 1:
        return statuses.pop()
    if statuses <= {"low", "negative"}:
        return "low"
    settled = statuses - {"equivocal"}
    return settled.pop() if len(settled) == 1 else "conflict"


def _status(source: Source, fact_id: str, results: list[ReceptorResult]) -> Fact:
    return source.fact(
        fact_id,
        _status_of(results),
        when=results[0].date if results else None,
        evidence=[ref for it in results for ref in it.evidence],
    )


def _changed(source: Source, fact_id: str, results: list[ReceptorResult]) -> Fact:
    kinds = {
        "positive" if it.status == "positive" else "other"
        for it in results
        if it.status not in {"equivocal", "conflict"}
    }
    return source.fact(
        fact_id, (len(kinds) > 1) if kinds else None, evidence=[ref for it in results for ref in it.evidence]
    )


def _hormone_receptors(
    source: Source, er: list[ReceptorResult], pr: list[ReceptorResult], together: list[ReceptorResult]
) -> Fact:
    """ER and PR as one; ``together``: results that call them positive without saying which.

    Such a result counts where neither is known better since; against two that are negative it leaves the status open.
    """
    statuses = (_status_of(er), _status_of(pr))
    newest = max((it.date for it in (*er, *pr) if it.date), key=newest_first, default=None)
    used = [*er, *pr]
    value: FactValue = None
    if "positive" in statuses or "low" in statuses:
        value = "positive"
    elif statuses == ("negative", "negative"):
        value = "negative"
    is_newer = bool(together) and (not used or newest_first(together[0].date) >= newest_first(newest))
    if is_newer and value != "positive":
        value = "positive" if value is None and "conflict" not in statuses else None
        newest, used = together[0].date, [*used, *together]
    return source.fact("hr", value, when=newest, evidence=[ref for it in used for ref in it.evidence])


def _brca(source: Source) -> Fact:
    germline = [
        it
        for it in source.record.biomarkers
        if it.marker in {"brca1", "brca2", "brca1-2", "brca"}
        and it.is_germline is not False
        and source.is_past(it.date)
    ]
    carrier = diagnoses_of(source, ("brca-carrier",))
    mutated = [it for it in germline if it.value == "mutated"]
    value: FactValue = "mutated" if mutated or carrier else "wild_type" if germline else None
    evidence = [ref for it in (mutated or germline) for ref in it.evidence] + [
        ref for it in carrier for ref in it.evidence
    ]
    return source.fact("brca", value, evidence=evidence)
