"""What a sentence of a registry text may ask, in the words that trials commonly use: proposals for a coder, never answers."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator

Members = dict[str, object]
_Found = re.Match[str]
_Made = Members | None

_LOW = r"(≥|≧|>\s*=|>|at least|of at least|greater than or equal to|\bmin(?:imum)?\.?)"
_HIGH = r"(?:<\s*=|=\s*<|≤|≦|at most|up to|less than or equal to|not exceed\w*)"
_NUMBER = r"(\d{1,3}(?:,\d{3})+|\d+(?:[.,]\d+)?)"
_TIMES_LIMIT = rf"{_NUMBER}\s*-?\s*(?:x|×|\*|times)\s*(?:the\s+)?(?:institutional\s+)?(?:I?ULN|upper limit)"
_WITHIN = r"within\s+(?:the\s+(?:last|past)\s+)?(\d+)\s*(days?|weeks?)"
_MANY_CELLS = 100
"""A count above it is per microliter; below it in 10*9/L."""
_PER_THOUSAND = 1000


def _number(text: str) -> int | float:
    plain = text.replace(",", "") if re.fullmatch(r"\d{1,3}(?:,\d{3})+", text) else text.replace(",", ".")
    return int(float(plain)) if float(plain).is_integer() else float(plain)


def _op(words: str) -> str:
    return ">" if words == ">" else ">="


def _days(count: str, unit: str) -> int:
    return int(count) * (7 if unit.casefold().startswith("week") else 1)


def _cells(analyte: str, label: str) -> Callable[[_Found], _Made]:
    def made(found: _Found) -> _Made:
        value = _number(found.group(2))
        many = _MANY_CELLS * (_PER_THOUSAND if analyte == "platelets" else 1)
        value = round(value / _PER_THOUSAND, 2) if value >= many or "," in found.group(2) else value
        value = int(value) if float(value).is_integer() else value
        limit = {"analyte": analyte, "op": _op(found.group(1)), "value": value, "unit": "10*9/L"}
        return {"kind": "lab", "recoverable": True, **limit, "says": f"{label} {_low_words(found.group(1), value)}"}

    return made


def _amount(analyte: str, label: str, unit: str) -> Callable[[_Found], _Made]:
    def made(found: _Found) -> _Made:
        if re.search(r"\bOR\b|\b[Uu]nless\b|\bor\b.{0,40}creatinine|[Cc]reatinine.{0,60}\bor\b", found.string):
            return None  # another limit is enough as well: a person has to read it
        value = _number(found.group(2))
        limit = {"analyte": analyte, "op": _op(found.group(1)), "value": value, "unit": unit}
        told = f"{label} {_low_words(found.group(1), f'{value} {unit}')}"
        return {"kind": "lab", "recoverable": True, **limit, "says": told}

    return made


def _low_words(op: str, amount: object) -> str:
    return f"above {amount}" if op == ">" else f"of {amount} or more"


def _times_limit(analyte: str, label: str) -> Callable[[_Found], _Made]:
    def made(found: _Found) -> _Made:
        limits = [_number(it) for it in re.findall(_TIMES_LIMIT, found.string, re.IGNORECASE)]
        has_liver = re.search(r"liver|hepatic", found.string, re.IGNORECASE) is not None
        has_gilbert = re.search(r"gilbert", found.string, re.IGNORECASE) is not None
        is_eased = has_liver or has_gilbert
        if len(limits) != 1 + is_eased or re.search(r"direct|conjugated", found.string, re.IGNORECASE):
            return None
        members: Members = {"kind": "lab", "recoverable": True, "analyte": analyte, "op": "<=", "value": limits[0]}
        told = f"{label} up to {limits[0]} times the upper limit"
        if is_eased:
            eased: Members = {"if": "liver_mets" if has_liver else "gilbert", "value": limits[1]}
            members["alt"] = eased | ({"also": "gilbert"} if has_liver and has_gilbert else {})
            whom = [*(["liver metastases"] if has_liver else []), *(["Gilbert's syndrome"] if has_gilbert else [])]
            told += f", {limits[1]} times with {' or '.join(whom)}"
        return {**members, "says": told}

    return made


def _qtc(found: _Found) -> _Made:
    limits = [int(it) for it in re.findall(r"\b(4[4-9]\d|5[0-2]\d)\b", found.string)]
    if len(limits) != 1:
        return None
    return {"kind": "qtc", "recoverable": True, "max_ms": limits[0], "says": f"QTc up to {limits[0]} ms"}


def _measurable(found: _Found) -> _Made:
    if re.search(r"radiat|radiother|biops", found.string, re.IGNORECASE):
        return None
    is_evaluable = re.search(r"evaluable|non-?measurable", found.string, re.IGNORECASE) is not None
    accept = ["measurable", "evaluable"] if is_evaluable else ["measurable"]
    says = "Disease that can be measured or assessed" if is_evaluable else "A lesion that can be measured"
    return {"kind": "measurable_disease", "accept": accept, "says": says}


def _leptomeningeal(found: _Found) -> _Made:
    if re.search(r"allowed|eligible|immediate|permitted", found.string, re.IGNORECASE):
        return None
    return {"kind": "leptomeningeal", "accept": ["none"], "says": "No leptomeningeal disease"}


def _ild(found: _Found) -> _Made:
    forbid = ["current"]
    forbid += ["steroid_treated_history"] if re.search(r"histor|steroid", found.string, re.IGNORECASE) else []
    forbid += ["suspected_unresolved"] if re.search(r"suspect|ruled out", found.string, re.IGNORECASE) else []
    said = {"steroid_treated_history": "treated with steroids in the past", "suspected_unresolved": "suspected"}
    more = [said[it] for it in forbid if it in said]
    return {"kind": "ild", "forbid": forbid, "says": ", or ".join(["No ILD or pneumonitis now", *more])}


def _settled(found: _Found) -> _Made:
    if re.search(r"neuropath|grade\s*(?:≤|<\s*=|=\s*<)?\s*2|endocrin|fatigue", found.string, re.IGNORECASE):
        return None
    excepted = {"except": {"alopecia": "any"}} if re.search(r"alopecia", found.string, re.IGNORECASE) else {}
    says = "Side effects of earlier treatment have settled to grade 1"
    return {"kind": "residual_toxicity", "recoverable": True, "max_grade": 1, **excepted, "says": says}


def _hiv(found: _Found) -> _Made:
    may_join = re.search(r"controlled|CD4|undetectable|unless|eligible|allowed", found.string, re.IGNORECASE)
    if may_join:
        return {"kind": "infection", "forbid": ["hiv_uncontrolled"], "says": "HIV only if it is well controlled"}
    return {"kind": "infection", "forbid": ["hiv"], "says": "No HIV"}


def _hepatitis(found: _Found) -> _Made:
    names = [it for it in ("B", "C") if re.search(rf"hepatitis\s+(?:B\b.{{0,40}}\b)?{it}\b|\bH{it}V\b", found.string)]
    forbid = [f"h{it.lower()}v_active" for it in names]
    says = f"No active hepatitis {' or '.join(names)}"
    return {"kind": "infection", "recoverable": True, "forbid": forbid, "says": says} if names else None


def _pause(member: str, since: str) -> Callable[[_Found], _Made]:
    def made(found: _Found) -> _Made:
        if re.search(r"half-li|palliative|\bexcept", found.string, re.IGNORECASE):
            return None
        days = _days(found.group(1), found.group(2))
        return {"kind": "washout", "recoverable": True, member: days, "says": f"{days} days since {since}"}

    return made


def _surgery(found: _Found) -> _Made:
    count, unit = (it for it in found.groups() if it is not None)
    days = _days(count, unit)
    return {"kind": "washout", "recoverable": True, "surgery_days": days, "says": f"{days} days since major surgery"}


def _site(kind: str, says: str) -> Callable[[_Found], _Made]:
    return lambda _: {"kind": kind, "when": "screening", "says": says}


def _illness(word: str, says: str) -> Callable[[_Found], _Made]:
    return lambda _: {"kind": "comorbidity", "forbid": [word], "says": says}


_PATTERNS: tuple[tuple[str | None, str, Callable[[_Found], _Made]], ...] = (
    (
        "inclusion",
        r"\A(?!.*(?:menopaus|childbearing|diagnosis of|between)).{0,80}?(?:≥|>\s*=|at least|aged?)?\s*(\d\d)\s*(?:years|yrs)(?:\s+(?:of age|old))?\s*(?:or older|and older|of age|\Z|[.;,]|at the time)",
        lambda it: {"kind": "age", "min": _number(it.group(1)), "says": f"Aged {it.group(1)} or older"},
    ),
    (
        "inclusion",
        r"\bECOG\b.{0,60}?(?:≤|<\s*=|=\s*<|0\s*(?:-|–|to|or|,)\s*(?:1\s*(?:,|or)\s*)?)\s*([12])\b",
        lambda it: {"kind": "ecog", "recoverable": True, "max": int(it.group(1)), "says": f"ECOG 0 to {it.group(1)}"},
    ),
    (
        "inclusion",
        rf"(?:LVEF|ejection fraction).{{0,60}}?{_LOW}\s*{_NUMBER}\s*%",
        lambda it: {"kind": "lvef", "recoverable": True, "min": _number(it.group(2)), "says": f"LVEF of {it.group(2)} % or more"},
    ),
    ("inclusion", rf"(?:neutrophil|\bANC\b).{{0,60}}?{_LOW}\s*{_NUMBER}\s*(?:x|×|\*|/|cells|K\b)", _cells("anc", "Neutrophils")),
    ("inclusion", rf"\bplatelet.{{0,60}}?{_LOW}\s*{_NUMBER}\s*(?:x|×|\*|/|cells|K\b)", _cells("platelets", "Platelets")),
    ("inclusion", rf"\b(?:h(?:a?e)moglobin|hgb)\b.{{0,40}}?{_LOW}\s*(\d+(?:[.,]\d)?)\s*g/dL", _amount("hemoglobin", "Hemoglobin", "g/dL")),
    ("inclusion", rf"creatinine clearance.{{0,60}}?{_LOW}\s*{_NUMBER}\s*mL", _amount("crcl", "Creatinine clearance", "mL/min")),
    ("inclusion", rf"(?:eGFR|glomerular filtration).{{0,60}}?{_LOW}\s*{_NUMBER}\s*mL", _amount("egfr", "Estimated GFR", "mL/min/1.73m2")),
    ("inclusion", rf"\bbilirubin\b[^\d;]{{0,60}}?{_HIGH}\s*{_TIMES_LIMIT}", _times_limit("bilirubin_xuln", "Bilirubin")),
    ("inclusion", rf"\b(?:AST|ALT|aspartate|alanine)\b[^\d;]{{0,160}}?{_HIGH}\s*{_TIMES_LIMIT}", _times_limit("ast_alt_xuln", "AST and ALT")),
    (
        "inclusion",
        r"\A(?=.*\bHER-?2[\s-]*(?:positive|\+))(?!.*(?:HER-?2[\s-]*(?:low|negative)|progress|prior|previous|receiv)).*\Z",
        lambda _: {"kind": "her2_status", "accept": ["positive"], "says": "HER2-positive"},
    ),
    ("inclusion", r"\bmeasurable (?:disease|lesion)", _measurable),
    (None, r"\A(?!.*eligible).*\b(?:residual )?(?:toxicit|adverse events|\bAEs\b).{0,120}?(?:>|≤|<\s*=|=\s*<|greater than)?\s*grade\s*(?:>|≤|<\s*=|=\s*<)?\s*1\b", _settled),
    ("exclusion", r"\bleptomeningeal|carcinomatous meningitis", _leptomeningeal),
    ("exclusion", r"interstitial lung disease|\bILD\b|pneumonitis", _ild),
    ("exclusion", r"\bQTc?F?\b", _qtc),
    ("exclusion", r"\bHIV\b|immunodeficiency virus", _hiv),
    ("exclusion", r"\A(?!.*eligible).*\bhepatitis\s+[BC]\b", _hepatitis),
    ("exclusion", r"\bsolid organ transplant", _illness("transplant", "No organ transplant")),
    ("exclusion", r"\bautoimmune (?:disease|disorder)", _illness("autoimmune", "No active autoimmune disease")),
    (
        "exclusion",
        r"\bpregnan\w+|breast-?\s?feeding|lactating",
        lambda _: {"kind": "reproductive", "forbid": ["pregnant", "breastfeeding"], "says": "Not pregnant and not breastfeeding"},
    ),
    (
        "exclusion",
        r"(?:other|second|another|prior|concurrent|additional)\s+(?:\w+\s+){0,2}malignanc\w+.{0,80}?(\d)\s*years",
        lambda it: {"kind": "second_malignancy", "within_years": int(it.group(1)), "says": f"No other cancer within {it.group(1)} years"},
    ),
    ("exclusion", rf"major surgery.{{0,60}}?(?:{_WITHIN}|(\d+)\s*(days|weeks))", _surgery),
    ("exclusion", rf"(?:anti-?\s?cancer|antitumou?r|chemotherapy|systemic) (?:therapy|treatment)(?:(?!investigational).){{0,200}}?{_WITHIN}", _pause("any_systemic_days", "any cancer drug")),
    ("exclusion", rf"investigational (?:drug|agent|product|therap\w+).{{0,80}}?{_WITHIN}", _pause("investigational_days", "an investigational drug")),
    (None, r"\A(?!.*(?:\byears\b|contracep|HER-?2|inhibitor)).*informed consent", _site("site_judgement", "Consent")),
    (None, r"life expectancy", _site("site_judgement", "Life expectancy as the site judges")),
    (None, r"contracepti|pregnancy test", _site("reproductive", "Contraception and pregnancy test")),
    (None, r"\A(?!.*(?:metasta|mening|malignan|progress)).*(?:opinion of the investigator|investigator'?s? (?:opinion|judg))", _site("site_judgement", "As the investigator judges")),
)  # fmt: skip


def proposals(section: str, text: str) -> Iterator[Members]:
    """Every criterion that the words of a place suggest, in the order of the kinds above."""
    for part, pattern, made in _PATTERNS:
        found = re.search(pattern, text, re.IGNORECASE | re.DOTALL) if part in {None, section} else None
        members = made(found) if found is not None else None
        if members is not None:
            yield members
