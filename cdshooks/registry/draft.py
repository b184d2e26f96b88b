"""A first coding of a trial's eligibility: each sentence of the registry beside a proposed criterion, or TODO.

Nothing here decides: a person completes and corrects the proposals, and `knowledge check` refuses the file until nothing is TODO
and a coder's name is in it. A proposal is made only where one sentence says one thing in the words that trials commonly use.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from datetime import date

from cdshooks.knowledge.trial_text import Place, places_of
from cdshooks.registry.study import Study

TODO = "TODO"
_Found = re.Match[str]
_Members = dict[str, object]

_AT_LEAST = r"(?:>\s*=|≥|≧|at least|of at least|greater than or equal to|\bmin(?:imum)?\.?)"
_AT_MOST = r"(?:<\s*=|≤|≦|at most|up to|less than or equal to|not exceed\w*)"
_NUMBER = r"(\d+(?:[.,]\d+)?)"
_CONFIRM: _Members = {"when": "screening"}


def _number(text: str) -> int | float:
    value = float(text.replace(",", "."))
    return int(value) if value.is_integer() else value


def _lab(analyte: str, op: str, label: str) -> Callable[[_Found], _Members]:
    def made(found: _Found) -> _Members:
        value = _number(found.group(1))
        words = "at least" if op == ">=" else "at most"
        return {
            "kind": "lab",
            "recoverable": True,
            "analyte": analyte,
            "op": op,
            "value": value,
            "says": f"{label} of {words} {value}{' times the upper limit' if op == '<=' else ''}",
        }

    return made


_PATTERNS: tuple[tuple[str | None, str, Callable[[_Found], _Members]], ...] = (
    (
        "inclusion",
        rf"\A.{{0,80}}{_AT_LEAST}\s*(\d\d)\s*(?:years|yrs)",
        lambda it: {"kind": "age", "min": _number(it.group(1)), "says": f"Aged {it.group(1)} or over"},
    ),
    (
        "inclusion",
        r"\bECOG\b.{0,60}?(?:≤|<\s*=|0\s*(?:-|–|to|or|,)\s*(?:1\s*(?:,|or)\s*)?)\s*([12])\b",
        lambda it: {"kind": "ecog", "recoverable": True, "max": int(it.group(1)), "says": f"ECOG 0 to {it.group(1)}"},
    ),
    (
        "inclusion",
        rf"(?:LVEF|ejection fraction).{{0,60}}?{_AT_LEAST}\s*{_NUMBER}\s*%",
        lambda it: {
            "kind": "lvef",
            "recoverable": True,
            "min": _number(it.group(1)),
            "says": f"LVEF of {it.group(1)} % or more",
        },
    ),
    (
        "inclusion",
        rf"(?:neutrophil|\bANC\b).{{0,60}}?{_AT_LEAST}\s*(1(?:[.,]\d+)?)\s*(?:x|×|\*)",
        _lab("anc", ">=", "Neutrophils (10^9/L)"),
    ),
    ("inclusion", rf"\bplatelet.{{0,60}}?{_AT_LEAST}\s*(\d{{2,3}})\s*(?:x|×|\*)\s*10\s*\^?9", _lab("platelets", ">=", "Platelets (10^9/L)")),
    ("inclusion", rf"\bh(?:a?e)moglobin.{{0,40}}?{_AT_LEAST}\s*(\d+(?:[.,]\d)?)\s*g/dL", _lab("hemoglobin", ">=", "Haemoglobin (g/dL)")),
    ("inclusion", rf"creatinine clearance.{{0,60}}?{_AT_LEAST}\s*{_NUMBER}\s*mL", _lab("crcl", ">=", "Creatinine clearance (mL/min)")),
    ("inclusion", rf"\A[^.;]*\bbilirubin\b[^.;]{{0,40}}?{_AT_MOST}\s*{_NUMBER}\s*(?:x|×|\*|times)[^.;]*\Z", _lab("bilirubin", "<=", "Bilirubin")),
    (
        "inclusion",
        r"\A(?=.*\bHER-?2[\s-]*(?:positive|\+))(?!.*(?:HER-?2[\s-]*(?:low|negative)|progress|prior|previous|receiv)).*\Z",
        lambda _: {"kind": "her2_status", "accept": ["positive"], "says": "HER2-positive"},
    ),
    (
        "inclusion",
        r"\bmeasurable (?:disease|lesion)",
        lambda it: {
            "kind": "measurable_disease",
            "accept": ["measurable", "evaluable"] if re.search(r"evaluable|non-?measurable", it.string) else ["measurable"],
            "says": "Measurable disease",
        },
    ),
    (
        "exclusion",
        r"\bleptomeningeal|carcinomatous meningitis",
        lambda _: {"kind": "leptomeningeal", "accept": ["none"], "says": "No leptomeningeal disease"},
    ),
    (
        "exclusion",
        r"interstitial lung disease|\bILD\b|pneumonitis",
        lambda it: {
            "kind": "ild",
            "forbid": ["current", "steroid_treated_history"] if re.search(r"histor|steroid", it.string) else ["current"],
            "says": "No interstitial lung disease as the text says",
        },
    ),
    (
        "exclusion",
        r"\bpregnan\w+|breast-?\s?feeding|lactating",
        lambda _: {"kind": "reproductive", "forbid": ["pregnant", "breastfeeding"], "says": "Not pregnant, not breastfeeding"},
    ),
    (
        "exclusion",
        r"(?:other|second|another|prior|concurrent|additional)\s+(?:\w+\s+){0,2}malignanc\w+.{0,80}?(\d)\s*years",
        lambda it: {
            "kind": "second_malignancy",
            "within_years": int(it.group(1)),
            "says": f"No other cancer within {it.group(1)} years",
        },
    ),
    (
        "exclusion",
        r"major surgery.{0,60}?(\d+)\s*(days|weeks)",
        lambda it: {
            "kind": "washout",
            "recoverable": True,
            "surgery_days": int(it.group(1)) * (7 if it.group(2) == "weeks" else 1),
            "says": f"{it.group(1)} {it.group(2)} since major surgery",
        },
    ),
    (None, r"\A(?!.*\byears\b).*informed consent", lambda _: {"kind": "site_judgement", **_CONFIRM, "says": "Consent"}),
    (None, r"life expectancy", lambda _: {"kind": "site_judgement", **_CONFIRM, "says": "Life expectancy as the site judges"}),
    (None, r"contracepti|pregnancy test", lambda _: {"kind": "reproductive", **_CONFIRM, "says": "Contraception and pregnancy test"}),
    (None, r"opinion of the investigator|investigator'?s? (?:opinion|judg)", lambda _: {"kind": "site_judgement", **_CONFIRM, "says": "As the investigator judges"}),
)  # fmt: skip


def draft_trial(study: Study, today: date) -> str:
    """The YAML of a draft: facts of the record, and every place of its text with a proposal or TODO."""
    registry = {
        "status": study.status,
        "phases": list(study.phases),
        "last_update_posted": study.last_update,
        "as_of": study.status_date,
        "eligibility_hash": study.eligibility_hash,
    }
    lines = [
        f"# DRAFT of {study.nct_id}: complete every {TODO}, hold each proposal against the registry's words above it,",
        "# then put your name into coded.by. A draft without a coder's name is refused.",
        "schema: her2-trial-eligibility/0.1",
        f"nct_id: {study.nct_id}",
        f"title: {_written(study.title)}",
        f"drugs: {_written(list(dict.fromkeys(study.drugs)))}",
        *([f"sponsor: {_written(study.sponsor)}"] if study.sponsor else []),
        f"countries: {_written(list(study.countries))}",
        f"registry: {_written(registry)}",
        f'coded: {{by: "", date: {today.isoformat()}, reviewed_by: null}}',
        "criteria:",
        *_fields(study),
    ]
    for place in places_of(study.criteria_text):
        lines += _lines(place)
    return "\n".join(lines) + "\n"


def _fields(study: Study) -> Iterator[str]:
    ages = {"min": _years(study.minimum_age), "max": _years(study.maximum_age)}
    for member, field in (("min", "minimum age"), ("max", "maximum age")):
        if ages[member] is not None:
            words = "or over" if member == "min" else "or under"
            yield _row(
                f"R-{member}-age",
                "inclusion",
                field,
                {"kind": "age", member: ages[member], "says": f"Aged {ages[member]} {words}"},
            )
    if (study.sex or "").upper() in {"FEMALE", "MALE"}:
        sex = str(study.sex).lower()
        yield _row(
            "R-sex", "inclusion", "sex", {"kind": "sex", "in": [sex], "says": f"The registry's field says {sex}"}
        )


def _years(text: str | None) -> int | None:
    found = re.match(r"(\d+)\s+Years?\Z", text or "", re.IGNORECASE)
    return int(found.group(1)) if found else None


def _lines(place: Place) -> Iterator[str]:
    yield ""
    for number, line in enumerate(_wrapped(place.text)):
        yield f"# {place.name}: {line}" if number == 0 else f"#   {line}"
    part, count = place.name.split(" ")
    role = "exclusion" if part == "exclusion" else "inclusion"
    name = f"{part[0].upper()}{count}"
    yield _row(name, role, place.name, propose(place) or {"kind": "site_judgement", **_CONFIRM, "says": TODO})


def propose(place: Place) -> _Members | None:
    """A criterion for one sentence, where it says one thing in the common words; None where a person must write it."""
    part = place.name.split(" ")[0]
    found = [
        made(match)
        for section, pattern, made in _PATTERNS
        if section in {None, part} and (match := re.search(pattern, place.text, re.IGNORECASE | re.DOTALL)) is not None
    ]
    kinds = {str(it["kind"]) for it in found}
    return found[0] if len(found) == 1 or (found and len(kinds) == 1 and "lab" not in kinds) else None


def _row(name: str, role: str, at: str, members: _Members) -> str:
    content = {"id": name, "kind": members["kind"], "when": members.get("when", "prescreen"), "role": role, "at": [at]}
    content |= {key: it for key, it in members.items() if key not in {"kind", "when"}}
    return "- {" + ", ".join(f"{key}: {_written(it)}" for key, it in content.items()) + "}"


def _written(value: object) -> str:
    """JSON is YAML; a date as a string keeps its quotes."""
    return json.dumps(value, ensure_ascii=False)


def _wrapped(text: str, width: int = 120) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(line) + 1 + len(word) > width:
            yield line
            line = word
        else:
            line = f"{line} {word}".strip()
    yield line
