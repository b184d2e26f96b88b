"""HER2, ER and PR: every result with date and specimen, tests of one specimen combined, and the status in force.

Source: terminology 10.4.
"""

from __future__ import annotations

import re
from datetime import date

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.resources import (
    CodeableConcept,
    Component,
    Condition,
    Held,
    Observation,
    Quantity,
    Resources,
    Specimen,
)
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import read_date, start_of
from cdshooks.record.model import Conflict, ReceptorResult
from cdshooks.record.numbers import number_in, number_of
from cdshooks.record.terms import RecordTerms, texts_of

_MARKERS = {
    "her2-ihc": "ihc",
    "her2-ish": "ish",
    "her2-ish-ratio": "ratio",
    "her2-copy-number": "copies",
    "her2-ihc-percent": "ihc-percent",
    "her2-summary": "summary",
    "her2-ish-panel": "panel",
    "er": "er",
    "pr": "pr",
    "er-percent": "er-percent",
    "pr-percent": "pr-percent",
}
_IHC = re.compile(r"(?<![\d.])([0-3])\s*\+|\b(?:score|ihc)[^0-9]{0,12}([0-3])(?![\d.%])|^\s*([0-3])\s*$", re.IGNORECASE)
_POSITIVE = re.compile(
    r"\b(?:positive|positiv|positivo|positif|pos|amplified|overexpress\w*|detected|present)\b", re.IGNORECASE
)
_NEGATIVE = re.compile(
    r"\b(?:negative|negativ|negativo|negatif|neg|absent)\b|\b(?:not|non|no|nicht)[\s-]+(?:amplified|amplification|overexpress\w*|detected|present|amplifiziert)",
    re.IGNORECASE,
)
_LOW = re.compile(r"\bher2[\s-]*(?:ultra)?low\b|^\s*low\s*$", re.IGNORECASE)
_EQUIVOCAL = re.compile(r"\bequivocal\b|\bindetermina\w+\b|\binconclusive\b", re.IGNORECASE)
_HER2_WORDS = re.compile(r"\bher[\s-]?2(?:[\s/-]?neu)?\b|\berbb2\b|\bc-?erbb-?2\b", re.IGNORECASE)
_USELESS = frozenset({"entered-in-error", "cancelled"})
_RATIO_AMPLIFIED, _COPIES_AMPLIFIED, _COPIES_LOW = 2.0, 6.0, 4.0


class _Test(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one specimen, before tests are combined."""

    marker: str
    kind: str
    value: str | None = None
    number: float | None = None
    is_conflict: bool = False
    date: PartialDate | None
    is_metastasis: bool | None
    site: str | None
    laterality: str | None
    specimen: str
    is_preliminary: bool
    is_amended: bool
    lab: str | None
    ref: ResourceRef


class InForce(msgspec.Struct, frozen=True, kw_only=True):
    """The receptor status that counts on a day, what it was before, and whether it changed."""

    result: ReceptorResult
    earlier: tuple[ReceptorResult, ...]
    is_changed: bool
    is_bilateral_conflict: bool


def read_receptors(resources: Resources, terms: RecordTerms) -> tuple[tuple[ReceptorResult, ...], tuple[Conflict, ...]]:
    """All receptor results of a patient, newest last, and contradictions inside them."""
    tests: list[_Test] = []
    for held in resources.of("Observation"):
        observation = held.resource
        if isinstance(observation, Observation) and observation.status not in _USELESS:
            tests.extend(_tests_of(held, observation, resources, terms))
    for held in resources.of("Condition"):
        if isinstance(held.resource, Condition):
            tests.extend(_tests_of_condition(held, held.resource, terms))
    groups: dict[tuple[object, ...], list[_Test]] = {}
    for test in tests:
        groups.setdefault((test.marker, test.specimen, test.laterality), []).append(test)
    results = tuple(sorted((_combine(group) for group in groups.values()), key=_order))
    return results, tuple(
        Conflict(
            about=it.marker,
            because=f"Results for {it.marker.upper()} on one specimen contradict each other, so no rule relies on them.",
            evidence=it.evidence,
        )
        for it in results
        if it.status == "conflict"
    )


def status_in_force(results: tuple[ReceptorResult, ...], marker: str, as_of: date) -> InForce | None:
    """The newest result of a metastasis, or the newest at all when none is newer; None without any dated before ``as_of``.

    Results of two breasts on the same newest date that differ are told as such.
    """
    usable = [
        it
        for it in results
        if it.marker == marker and (it.date is None or it.date.first <= as_of) and it.status != "indeterminate"
    ]
    if not usable:
        return None
    newest = max(usable, key=_strength)
    same_day = [it for it in usable if it.date == newest.date and it.laterality != newest.laterality]
    earlier = tuple(
        it
        for it in usable
        if it is not newest and (it.date is None or newest.date is None or it.date.first <= newest.date.first)
    )
    settled = [it.status for it in earlier if it.status not in {"equivocal", "conflict"}]
    return InForce(
        result=newest,
        earlier=earlier,
        is_changed=bool(settled) and newest.status not in {"equivocal", "conflict"} and settled[-1] != newest.status,
        is_bilateral_conflict=any(it.status != newest.status for it in same_day),
    )


def _strength(it: ReceptorResult) -> tuple[object, ...]:
    day = it.date.last.toordinal() if it.date is not None else 0
    return (not it.is_preliminary or None is it.date, day, it.is_metastasis is True, it.evidence)


def _order(it: ReceptorResult) -> tuple[object, ...]:
    return (it.date is not None, it.date.first.toordinal() if it.date else 0, it.marker, it.evidence)


def _tests_of(held: Held, observation: Observation, resources: Resources, terms: RecordTerms) -> list[_Test]:
    concept = terms.test(observation.code)
    parts: list[tuple[str | None, Observation | Component]] = [(concept, observation)]
    parts.extend((terms.test(component.code), component) for component in observation.component)
    if concept is None and not any(it in _MARKERS for it, _ in parts):
        worded = _worded_marker(observation.code)
        if worded is None:
            return []
        parts[0] = (worded, observation)
    found: list[_Test] = []
    for name, part in parts:
        kind = _MARKERS.get(name or "")
        if kind is None or kind == "panel":
            continue
        marker = kind[:2] if kind[:2] in {"er", "pr"} and kind != "ratio" else "her2"
        value, number, is_conflict = _value(part, kind, terms)
        if value is None and number is None and not is_conflict:
            continue
        found.append(
            _placed(
                held,
                observation,
                resources,
                terms,
                marker=marker,
                kind=kind,
                value=value,
                number=number,
                is_conflict=is_conflict,
            )
        )
    return found


def _placed(
    held: Held,
    observation: Observation,
    resources: Resources,
    terms: RecordTerms,
    *,
    marker: str,
    kind: str,
    value: str | None,
    number: float | None,
    is_conflict: bool,
) -> _Test:
    day = read_date(
        observation.effective_date_time,
        start_of(observation.effective_period),
        observation.effective_instant,
        observation.issued,
    )
    sample = resolve(resources, observation.specimen.reference) if observation.specimen is not None else None
    collection = sample.resource.collection if sample is not None and isinstance(sample.resource, Specimen) else None
    if collection is not None:
        day = read_date(collection.collected_date_time) or day
    words = (
        [it.text or "" for it in observation.note]
        + list(texts_of(observation.body_site))
        + [observation.value_string or ""]
    )
    words.extend(texts_of(collection.body_site) if collection else ())
    words.append((observation.specimen.display or "") if observation.specimen else "")
    focus = " ".join(it.display or "" for it in observation.focus)
    text = " ".join((*words, focus)).casefold()
    site = terms.site(observation.body_site, collection.body_site if collection else None, CodeableConcept(text=text))
    is_metastasis = (
        True
        if (site not in {None, "breast"}) or "metasta" in text
        else (False if site == "breast" or "primary" in text else None)
    )
    laterality = (
        "left" if re.search(r"\b(left|links)\b", text) else "right" if re.search(r"\b(right|rechts)\b", text) else None
    )
    specimen = (
        observation.specimen.reference
        if observation.specimen is not None and observation.specimen.reference
        else str(day)
    )
    return _Test(
        marker=marker,
        kind=kind,
        value=value,
        number=number,
        is_conflict=is_conflict,
        date=day,
        is_metastasis=is_metastasis,
        site=site,
        laterality=laterality,
        specimen=specimen,
        is_preliminary=observation.status in {"preliminary", "registered"},
        is_amended=observation.status in {"amended", "corrected"},
        lab="central" if "central" in text else None,
        ref=held.ref,
    )


def _worded_marker(concept: CodeableConcept | None) -> str | None:
    text = " ".join(texts_of(concept)).casefold()
    if _HER2_WORDS.search(text) and "serum" not in text and "mutation" not in text:
        return (
            "her2-ish"
            if re.search(r"\b(fish|ish|cish|amplif)", text)
            else "her2-ihc"
            if "ihc" in text
            else "her2-summary"
        )
    if re.search(r"\b(estrogen|oestrogen|östrogen)[\s-]?rec?ept|\ber\b(?! ?visit)", text):
        return "er-percent" if "percent" in text or "%" in text else "er"
    if re.search(r"\b(progesteron)e?[\s-]?rec?ept|\bpr\b|\bpgr\b", text):
        return "pr-percent" if "percent" in text or "%" in text else "pr"
    return None


def _value(part: Observation | Component, kind: str, terms: RecordTerms) -> tuple[str | None, float | None, bool]:
    """Status or score in our words, number, and whether code and words of this one value contradict each other."""
    quantity = part.value_quantity
    number = number_of(quantity.value) if quantity is not None else None
    if part.value_integer is not None:
        number = float(part.value_integer)
    if (
        part.value_ratio is not None
        and part.value_ratio.numerator is not None
        and part.value_ratio.denominator is not None
    ):
        top, bottom = number_of(part.value_ratio.numerator.value), number_of(part.value_ratio.denominator.value)
        number = top / bottom if top is not None and bottom else number
    if part.value_range is not None and part.value_range.low is not None:
        number = number_of(part.value_range.low.value)
    coded = _coded(part, terms, kind)
    texts = [part.value_string or ""]
    concept = part.value_codeable_concept
    texts += [concept.text or ""] if concept is not None else []
    if coded is None and concept is not None:
        texts += [it.display or "" for it in concept.coding]
    worded = _worded(" ; ".join(it for it in texts if it), kind)
    displayed = _worded(" ".join(it.display or "" for it in concept.coding), kind) if concept is not None else None
    for words in (worded, displayed):
        if coded is not None and words is not None and not _compatible(coded, words):
            return None, None, True
    if kind in {"ratio", "copies", "ihc-percent", "er-percent", "pr-percent"} or (kind == "ish" and number is not None):
        if number is None and any(texts):
            number = number_in(" ".join(texts))
        return _below(quantity), number, False
    if kind in {"ihc", "summary"} and number is not None:
        is_score = quantity is None or (quantity.unit or "").strip() in {"", "{score}", "score", "1"}
        return (f"{int(number)}+" if number else "0") if is_score and number in {0, 1, 2, 3} else None, None, False
    if kind in {"er", "pr"} and number is not None:
        return None, number, False
    interpreted = coded or worded
    if interpreted is None:
        listed = part.interpretation if isinstance(part.interpretation, tuple) else (part.interpretation,)
        interpreted = next((it for it in (terms.answer("receptor-status", one) for one in listed) if it), None)
        interpreted = interpreted or next(
            (it for it in (_worded(" ".join(texts_of(one)), kind) for one in listed) if it), None
        )
    return (
        interpreted,
        (
            number_in(part.value_string)
            if kind in {"er", "pr"} and part.value_string and "%" in part.value_string
            else None
        ),
        False,
    )


def _below(quantity: Quantity | None) -> str | None:
    return quantity.comparator if quantity is not None else None


def _coded(part: Observation | Component, terms: RecordTerms, kind: str) -> str | None:
    concept = part.value_codeable_concept
    if concept is None:
        return None
    score = terms.answer("ihc-score", concept) if kind in {"ihc", "summary"} else None
    if score is not None:
        head = score.partition(":")[0].partition(" ")[0]
        return head if head in {"0", "1+", "2+", "3+"} else "indeterminate"
    found = terms.answer("her2-status", concept) or terms.answer("receptor-status", concept)
    if found is None:
        return None
    return {
        "negative for HER2-positive rules (HER2-low)": "low",
        "presumptive-positive (show as uncertain)": "indeterminate",
        "unknown": "indeterminate",
        "not tested": "indeterminate",
    }.get(found, found)


def _worded(text: str, kind: str) -> str | None:
    if not text:
        return None
    if kind in {"ihc", "summary", "ish"}:
        ish = _ish_in(text)
        score = _IHC.search(text) if kind != "ish" else None
        if score:
            level = next(it for it in score.groups() if it is not None)
            ihc = "0" if level == "0" else f"{level}+"
            return f"{ihc}|{ish}" if ish and re.search(r"ish\b|amplif", text, re.IGNORECASE) else ihc
        if kind == "ish" or re.search(r"\bf?ish\b|amplif", text, re.IGNORECASE):
            return ish
    if _LOW.search(text):
        return "low"
    if _EQUIVOCAL.search(text):
        return "equivocal"
    if _NEGATIVE.search(text):
        return "negative"
    return "positive" if _POSITIVE.search(text) else None


def _ish_in(text: str) -> str | None:
    comparison = re.search(
        r"(greater than|more than|over|above|>=?|less than|below|under|<=?)\s*(\d+(?:[.,]\d+)?)", text, re.IGNORECASE
    )
    if comparison:
        number = number_in(comparison.group(2))
        is_more = comparison.group(1).casefold() in {"greater than", "more than", "over", "above", ">", ">="}
        if number is not None and is_more and number >= _RATIO_AMPLIFIED:
            return "amplified"
        if number is not None and not is_more and number <= _RATIO_AMPLIFIED:
            return "not-amplified"
    if re.search(r"pending|to follow|awaited|ausstehend", text, re.IGNORECASE):
        return None
    if _NEGATIVE.search(text):
        return "not-amplified"
    if _EQUIVOCAL.search(text):
        return "equivocal"
    return "amplified" if _POSITIVE.search(text) else None


def _compatible(coded: str, worded: str) -> bool:
    groups = {
        "positive": {"positive", "3+", "2+|amplified", "3+|amplified", "amplified"},
        "negative": {
            "negative",
            "0",
            "1+",
            "low",
            "2+|not-amplified",
            "1+|not-amplified",
            "0|not-amplified",
            "not-amplified",
        },
    }
    if coded in {"0", "1+", "2+", "3+"} and worded[:2].strip("|") in {"0", "1+", "2+", "3+"}:
        return worded.partition("|")[0] == coded
    for one, other in (("positive", "negative"), ("negative", "positive")):
        if coded in groups[one] and worded in groups[other]:
            return False
    return not (coded in {"positive", "negative"} and worded == "equivocal")


def _tests_of_condition(held: Held, condition: Condition, terms: RecordTerms) -> list[_Test]:
    status = {it.code for it in (condition.verification_status.coding if condition.verification_status else ())}
    if status & {"refuted", "entered-in-error"}:
        return []
    day = read_date(condition.onset_date_time, start_of(condition.onset_period), condition.recorded_date)
    side = " ".join(text for concept in condition.body_site for text in texts_of(concept)) + " ".join(
        texts_of(condition.code)
    )
    laterality = (
        "left"
        if re.search(r"\bleft\b", side, re.IGNORECASE)
        else "right"
        if re.search(r"\bright\b", side, re.IGNORECASE)
        else None
    )
    found: list[_Test] = []
    said: dict[str, str] = {}
    for coding in condition.code.coding if condition.code else ():
        said.update(_receptors_of_code(coding.code or ""))
    for term in terms.conditions(condition.code):
        for marker in ("her2", "er", "pr"):
            for value in ("positive", "negative"):
                if f"{marker}-{value}" in term.concept:
                    said.setdefault(marker, value)
        if "hr-positive" in term.concept:
            said.setdefault("er", "positive")
        elif "hr-negative" in term.concept:
            said.setdefault("er", "negative")
            said.setdefault("pr", "negative")
    text = condition.code.text if condition.code and condition.code.text else ""
    for marker, pattern in (
        ("her2", _HER2_WORDS),
        ("er", re.compile(r"\bER\b|\bestrogen receptor\b")),
        ("pr", re.compile(r"\bPR\b")),
    ):
        match = pattern.search(text)
        if match and marker not in said:
            stated = _worded(text[match.end() : match.end() + 30].split(",")[0], "summary")
            stated = stated or _sign_after(text, match.end())
            if stated:
                said[marker] = stated
    for marker, value in said.items():
        found.append(
            _Test(
                marker=marker,
                kind="summary",
                value=value,
                date=day,
                is_metastasis=None,
                site=None,
                laterality=laterality,
                specimen=f"condition {day}",
                is_preliminary=bool(status & {"provisional", "differential"}),
                is_amended=False,
                lab=None,
                ref=held.ref,
            )
        )
    return found


def _sign_after(text: str, at: int) -> str | None:
    rest = text[at : at + 2].strip()
    return (
        "positive"
        if rest.startswith("+")
        else "negative"
        if rest.startswith(("-", "\u2212")) and not rest[1:2].isalpha()
        else None
    )


def _receptors_of_code(code: str) -> tuple[tuple[str, str], ...]:
    return _RECEPTOR_CODES.get(code, ())


_RECEPTOR_CODES = {
    "427685000": (("her2", "positive"),),
    "431396003": (("her2", "negative"),),
    "459391000124109": (("her2", "positive"),),
    "706970001": (("her2", "negative"), ("er", "negative"), ("pr", "negative")),
    "767444009": (("her2", "negative"),),
    "417181009": (("er", "positive"),),
}


def _combine(tests: list[_Test]) -> ReceptorResult:
    amended = [it for it in tests if it.is_amended]
    used = [it for it in tests if not (amended and it.kind in {one.kind for one in amended} and not it.is_amended)]
    first = used[0]
    ihc, ish, words, percent = None, None, set[str](), None
    is_conflict = any(it.is_conflict for it in used)
    for test in used:
        value = test.value
        if test.kind in {"er-percent", "pr-percent", "ihc-percent", "er", "pr"} and test.number is not None:
            percent = test.number
        if value and "|" in value:
            ihc, ish = value.split("|")
        elif value in {"0", "1+", "2+", "3+"}:
            is_conflict = is_conflict or (ihc is not None and ihc != value)
            ihc = value
        elif test.kind in {"ratio", "copies", "ish"}:
            found = _ish(test)
            is_conflict = is_conflict or (ish not in {None, "equivocal"} and found not in {None, "equivocal", ish})
            ish = found if ish in {None, "equivocal"} or test.kind == "ratio" else ish
        elif value is not None:
            words.add(value)
    status, detail = _status(first.marker, ihc, ish, words, percent)
    if is_conflict:
        status = "conflict"
    return ReceptorResult(
        marker=first.marker,
        status=status,
        detail=detail,
        date=next((it.date for it in used if it.date is not None), None),
        is_metastasis=next((it.is_metastasis for it in used if it.is_metastasis is not None), None),
        site=next((it.site for it in used if it.site), None),
        laterality=first.laterality,
        percent=percent,
        ihc=ihc,
        ish=ish,
        is_preliminary=all(it.is_preliminary for it in used),
        lab=next((it.lab for it in used if it.lab), None),
        evidence=tuple(sorted({it.ref for it in tests})),
    )


def _ish(test: _Test) -> str | None:
    if test.value in {"amplified", "not-amplified", "equivocal"}:
        return test.value
    if test.value == "positive":
        return "amplified"
    if test.value == "negative":
        return "not-amplified"
    number = test.number
    if number is None:
        return None
    if test.kind == "copies":
        return "amplified" if number >= _COPIES_AMPLIFIED else "not-amplified" if number < _COPIES_LOW else "equivocal"
    if test.value in {"<", "<="} and number <= _RATIO_AMPLIFIED:
        return "not-amplified"
    return "amplified" if number >= _RATIO_AMPLIFIED else "not-amplified"


def _status(marker: str, ihc: str | None, ish: str | None, words: set[str], percent: float | None) -> tuple[str, str]:
    if marker != "her2":
        if percent is not None and not words:
            words = {"positive" if percent >= 1 else "negative"}
        detail = f"{percent:g} %" if percent is not None else "as reported"
        return (words.pop() if len(words) == 1 else "conflict" if words else "indeterminate"), detail
    parts = [f"IHC {ihc}"] if ihc else []
    parts += ["ISH " + ish.replace("-", " ")] if ish else []
    detail = ", ".join(parts) or "as reported"
    tested = None
    if ish == "amplified" or ihc == "3+":
        tested = "positive"
    elif ihc == "2+":
        tested = {"not-amplified": "low"}.get(ish or "", "equivocal")
    elif ihc == "1+":
        tested = "low"
    elif ihc == "0" or ish == "not-amplified":
        tested = "negative"
    elif ish == "equivocal":
        tested = "equivocal"
    said = words - {"indeterminate"}
    if tested is None:
        return (said.pop() if len(said) == 1 else "conflict" if said else "indeterminate"), detail
    if not said or tested in said or (tested in {"low", "negative"} and said <= {"negative", "low"}):
        return tested, detail
    if (
        tested == "equivocal"
    ):  # a bare word beside IHC 2+ without ISH: the positive word may rest on an ISH we do not see
        return ("positive" if said == {"positive"} else "equivocal"), detail
    return ("conflict" if said & {"positive", "negative", "low"} else tested), detail
