"""Everything concluded about one patient as JSON. Source: contracts/explain.schema.json."""

from __future__ import annotations

from datetime import date
from typing import Any

import msgspec

from cdshooks.explain.unused import NOTHING, Received
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.manifest import Manifest
from cdshooks.lines.model import LineOfTherapy
from cdshooks.options.model import Advice, Fact, Finding, Option, TrialMatch
from cdshooks.options.trials.again import tried_before
from cdshooks.options.trials.place import nearest_sites, recruiting_sites
from cdshooks.partial_date import PartialDate

_PARTS = (
    "exposures",
    "other_cancer_drugs",
    "receptors",
    "biomarkers",
    "diagnoses",
    "metastases",
    "statuses",
    "local_therapies",
    "cns",
    "measurements",
    "toxicities",
    "comedications",
    "wishes",
    "statements",
    "stated_lines",
)
"""The parts of the record that the other members do not tell in full."""
TAKEN_AS_NO = "nothing on record, taken as no"


def explain_json(advice: Advice, knowledge: Knowledge, received: Received = NOTHING) -> dict[str, Any]:
    """One patient's conclusions with their reasons and evidence."""
    manifest, lines, record = knowledge.manifest, advice.lines, advice.record
    since, counts = lines.metastatic_since, lines.counts
    return {
        "as_of": advice.as_of.isoformat(),
        "jurisdiction": advice.jurisdiction,
        "knowledge": {
            "version": manifest.version,
            "reviewed": manifest.reviewed.isoformat(),
            "expires": manifest.expires.isoformat(),
            "content_hash": manifest.content_hash,
            "freshness": manifest.freshness(advice.as_of).value,
            "signed": _signed(manifest, advice.as_of),
            "overlay": [
                {
                    "kind": it.kind,
                    "id": it.id,
                    "did": it.did,
                    "members": list(it.members),
                    "reason": it.reason,
                    "at": f"{it.file}:{it.line}",
                }
                for it in knowledge.overlay
            ],
        },
        "patient": {
            "id": record.person.id,
            "is_deceased": record.person.is_deceased,
            "is_replaced": record.person.is_replaced,
        },
        "lines": {
            "metastatic_since": None
            if since is None
            else {
                "date": str(since.date),
                "basis": since.basis,
                "inferred": since.is_inferred,
                "evidence": list(since.evidence),
            },
            "counts": {
                "metastatic_lines": counts.metastatic_lines,
                "min": counts.min,
                "max": counts.max,
                "anti_her2_regimens_metastatic": counts.anti_her2_regimens_metastatic,
                "effective_lines": counts.effective_lines,
                "at_least": counts.is_at_least,
            },
            "alternatives": [
                {
                    "code": it.code,
                    "delta": it.delta,
                    "because": it.because,
                    "line": it.line,
                    "evidence": list(it.evidence),
                }
                for it in lines.alternatives
            ],
            "confidence": lines.confidence.value,
            "confidence_because": list(lines.confidence_because),
            "history": [_line(it) for it in lines.lines],
            "early": [_line(it) for it in lines.early],
            "next_line": lines.next_line,
            "current": lines.current,
            "early_relapse_days": None
            if lines.early_relapse is None
            else {"least": lines.early_relapse.days.least, "most": lines.early_relapse.days.most},
            "rules_fired": [
                {"rule": it.rule, "line": it.line, "because": it.because, "evidence": list(it.evidence)}
                for it in lines.firings
            ],
            "parameters": {it.id: it.value for it in knowledge.line_rules.parameters.values()},
            "rules": [
                {
                    "rule": it.id,
                    "says": it.says,
                    "parameters": {
                        number.id: {"value": number.value, "unit": number.unit, "meaning": number.meaning}
                        for number in knowledge.line_rules.parameters.values()
                        if number.rule == it.id
                    },
                    "sources": list(it.sources),
                    "defended_by": list(it.defended_by),
                    "overlaid": it.is_overlaid,
                }
                for it in knowledge.line_rules.rules.values()
            ],
        },
        "facts": {str(it.id): _fact(it) for it in advice.facts},
        "options": [
            _option(it) for it in sorted(advice.options, key=lambda it: (it.rank is None, it.rank or 0, it.id))
        ],
        "trials": [_trial(it, advice, knowledge) for it in advice.trials],
        "gaps": [{"fact": it.fact, "ask": it.ask} for it in advice.gaps],
        "conflicts": [
            {"about": it.about, "because": it.because, "evidence": list(it.evidence)} for it in advice.conflicts
        ],
        "unreadable": [{"resource": it.resource, "reason": it.reason} for it in record.unreadable],
        "unmapped": [
            {
                "text": it.text,
                "what": it.what,
                "start": str(it.start) if it.start is not None else None,
                "may_be_cancer_drug": it.may_be_cancer_drug,
                "evidence": list(it.evidence),
            }
            for it in record.unmapped
        ],
        "suggested": [
            {
                "protocol": it.protocol,
                "agents": list(it.agents),
                "one_of": list(it.one_of),
                "date": str(it.date) if it.date is not None else None,
                "evidence": list(it.evidence),
            }
            for it in record.suggested
        ],
        "doubts": [
            {"code": it.code, "about": it.about, "because": it.because, "evidence": list(it.evidence)}
            for it in record.doubts
        ],
        "incomplete": [{"query": it.query, "because": it.because} for it in record.incomplete],
        "planned": [
            {
                "agent": it.agent,
                "start": str(it.start) if it.start else None,
                "end": str(it.end) if it.end else None,
                "evidence": list(it.evidence),
            }
            for it in record.planned
        ],
        "record": {name: _plain(getattr(record, name)) for name in _PARTS},
        "unused": [
            {
                "resource": it.resource,
                "what": it.what,
                "says": it.says,
                "date": str(it.day) if it.day is not None else None,
                "withdrawn": it.withdrawn,
            }
            for it in received.unused
        ],
        "being_ordered": list(received.being_ordered),
        "unread": [{"type": kind, "count": count} for kind, count in received.unread],
    }


def _plain(value: Any) -> Any:
    """A value of the record as JSON: dates as written, members by their names."""
    if isinstance(value, tuple):
        return [_plain(it) for it in value]
    if isinstance(value, PartialDate):
        return str(value)
    if isinstance(value, msgspec.Struct):
        return {name: _plain(getattr(value, name)) for name in value.__struct_fields__}
    return value


def _signed(manifest: Manifest, as_of: date) -> dict[str, str] | None:
    signature = manifest.signature(as_of)
    if signature is None:
        return None
    return {"reviewer": signature.reviewer, "on": signature.signed.isoformat(), "until": signature.until.isoformat()}


def _line(line: LineOfTherapy) -> dict[str, Any]:
    return {
        "number": line.number,
        "setting": line.setting.value,
        "agents": list(line.agents),
        "maintenance_agents": list(line.maintenance_agents),
        "regimen_id": line.regimen_id,
        "start": str(line.start),
        "end": str(line.end) if line.end is not None else None,
        "end_reason": line.end_reason.value,
        "opened_by": line.opened_by,
        "closed_by": line.closed_by,
        "confidence": line.confidence.value,
        "evidence": list(line.evidence),
        "courses": [
            {
                "agent": it.agent,
                "start": str(it.start),
                "end": str(it.end) if it.end is not None else None,
                "end_reason": it.end_reason.value,
                "evidence": list(it.evidence),
            }
            for it in line.courses
        ],
    }


def _fact(fact: Fact) -> dict[str, Any]:
    """A fact; one that nothing on record tells is unknown, and what decisions take it for stands beside it."""
    value = list(fact.value) if isinstance(fact.value, tuple) else fact.value
    told = {
        "value": None if fact.is_silence else value,
        "unit": fact.unit,
        "date": str(fact.date) if fact.date is not None else None,
        "evidence": list(fact.evidence),
        **({"method": fact.method} if fact.method is not None else {}),
    }
    return {**told, "taken_as": value, "note": TAKEN_AS_NO} if fact.is_silence else told


def _finding(finding: Finding) -> dict[str, Any]:
    return {
        "criterion": finding.criterion,
        "outcome": finding.outcome.value,
        "because": finding.because,
        "missing": finding.missing,
        "evidence": list(finding.evidence),
        "sources": list(finding.sources),
        "recovers_on": str(finding.recovers_on) if finding.recovers_on is not None else None,
    }


def _option(option: Option) -> dict[str, Any]:
    return {
        "id": option.id,
        "label": option.label,
        "agents": list(option.agents),
        "verdict": option.verdict.value,
        "rank": option.rank,
        "why_this_rank": list(option.why_this_rank),
        "warnings": [{"criterion": it.criterion, "text": it.text} for it in option.warnings],
        "asks": [{"fact": it.fact, "text": it.text} for it in option.asks],
        "dose_notes": list(option.dose_notes),
        "findings": [_finding(it) for it in option.findings],
    }


def _trial(trial: TrialMatch, advice: Advice, knowledge: Knowledge) -> dict[str, Any]:
    sites = recruiting_sites(trial.state.sites)
    near = nearest_sites(sites, advice.home, most=1) if sites and trial.is_worth_a_way else ()
    return {
        "nct_id": trial.nct_id,
        "title": trial.title,
        "verdict": trial.verdict.value,
        "failing": list(trial.failing),
        "missing": list(trial.missing),
        "recoverable": trial.recoverable,
        "cohorts": list(trial.cohorts),
        "to_weigh": [it.told for it in tried_before(knowledge.trials.by_id[trial.nct_id], advice.lines, knowledge)],
        "confirm_with_site": list(trial.confirm_with_site),
        "nearest_site": msgspec.to_builtins(near[0]) if near else None,
        "recruiting_sites": len(sites) if sites is not None else None,
        "status": trial.state.status,
        "status_date": str(trial.state.status_date),
        "suspended_because": trial.state.suspended_because,
        "awaits_signature": trial.awaits_signature,
        "recovers_on": str(trial.recovers_on) if trial.recovers_on is not None else None,
        "findings": [_finding(it) for it in trial.findings],
    }
