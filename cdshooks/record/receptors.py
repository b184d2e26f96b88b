"""HER2, ER and PR: every result with date and specimen, tests of one specimen combined. Source: terminology 10.4."""

from __future__ import annotations

from collections.abc import Iterable

import msgspec

from cdshooks.ehr.resources import Resources
from cdshooks.knowledge.receptors import ReceptorRules
from cdshooks.partial_date import latest
from cdshooks.record.model import Conflict, Doubt, ReceptorResult
from cdshooks.record.receptor_reports import ReceptorReports
from cdshooks.record.receptor_tests import ReceptorTest, ReceptorTestReader, ToldInText, in_words
from cdshooks.record.receptor_words import SCORES
from cdshooks.record.terms import RecordTerms

_ISH_KINDS = frozenset({"ratio", "copies", "ish"})
_ISH_WORDS = {"positive": "amplified", "negative": "not-amplified"}
_READ_WITH_ISH = frozenset({"0", "1+", "2+"})
_ULTRALOW = "ultralow"
_STAINED = frozenset({"er-percent", "pr-percent", "ihc-percent", "er", "pr"})


def read_receptors(
    resources: Resources, terms: RecordTerms, reports: ReceptorReports
) -> tuple[tuple[ReceptorResult, ...], tuple[Conflict, ...], tuple[Doubt, ...]]:
    """All receptor results of a patient, newest last, contradictions inside them, and what texts tell that is no result."""
    rules = reports.words.rules
    reader = ReceptorTestReader(resources, terms, reports)
    groups: dict[tuple[object, ...], list[ReceptorTest]] = {}
    for test in reader.read():
        groups.setdefault((test.marker, test.specimen, test.laterality), []).append(test)
    joined = _join_ish(list(groups.values()), rules)
    results = tuple(sorted((_combine(group, rules) for group in joined), key=_order))
    conflicts = [
        Conflict(
            about=it.marker,
            because=f"Results for {it.marker.upper()} on one specimen contradict each other ({it.detail}), "
            "so no rule relies on them.",
            evidence=it.evidence,
        )
        for it in results
        if it.status == "conflict"
    ]
    conflicts += [
        Conflict(
            about="her2",
            because="The code of this observation is a HER2 test, its words are of another test; it was not used.",
            evidence=(ref,),
        )
        for ref in sorted(set(reader.misnamed))
    ]
    return results, (*conflicts, *_two_sides(results)), tuple(_told_in_text(reader.told, results))


def _told_in_text(told: list[ToldInText], results: tuple[ReceptorResult, ...]) -> Iterable[Doubt]:
    """What a text tells without being a result, where no result of the same day or later has settled it."""
    for it in dict.fromkeys(told):
        own = (one.date for one in results if one.marker == it.marker and one.status != "conflict")
        if it.date is None or not any(day is not None and day.is_before(it.date) is False for day in own):
            yield Doubt(
                code="found-in-text",
                about=it.marker,
                because=f"The {it.marker.upper()} result{f' of {it.date}' if it.date else ''} is told in a form that is not "
                "read here, so an older status may stand for it; it has to be read."
                if it.is_unread_result
                else f"A text{f' of {it.date}' if it.date else ''} tells a {it.marker.upper()} status of an earlier time, as a "
                "plan or as a question; it was not used as a result and has to be read.",
                evidence=(it.ref,),
            )


def _join_ish(groups: list[list[ReceptorTest]], rules: ReceptorRules) -> list[list[ReceptorTest]]:
    """Read an ISH that was reported by itself together with the one IHC of the same place shortly before it.

    That is IHC 2+, whatever the ISH says, and IHC 0 or 1+ where the ISH agrees; of the rest both stand. The IHC stays a
    result of its own, for until the ISH came that was the status. Source: terminology 12.
    """
    stained = [it for it in groups if it[0].marker == "her2" and any(one.value in _READ_WITH_ISH for one in it)]
    rest: list[list[ReceptorTest]] = []
    for group in groups:
        is_alone = group[0].marker == "her2" and all(it.kind in _ISH_KINDS for it in group)
        agreeing = _READ_WITH_ISH if is_alone and _combine(group, rules).ish == "not-amplified" else {"2+"}
        fitting = (
            [
                it
                for it in stained
                if it is not group
                and any(one.value in agreeing for one in it)
                and _is_one_work_up(it[0], group[0], rules)
            ]
            if is_alone
            else []
        )
        rest.append([*group, *fitting[0]] if len(fitting) == 1 else group)
    return rest


def _is_one_work_up(ihc: ReceptorTest, ish: ReceptorTest, rules: ReceptorRules) -> bool:
    if ihc.date is None or ish.date is None:
        return False
    days = ihc.date.days_until(ish.date)
    is_one_place = all(
        None in {one, other} or one == other for one, other in ((ihc.site, ish.site), (ihc.laterality, ish.laterality))
    )
    return is_one_place and days.least >= 0 and days.most <= rules.same_specimen_days


def _two_sides(results: tuple[ReceptorResult, ...]) -> Iterable[Conflict]:
    """Tumours of both breasts with different status, and no metastasis tested that would tell which one has spread."""
    for marker in ("her2", "er"):
        own = [it for it in results if it.marker == marker and it.status in {"positive", "negative", "low"}]
        if any(it.is_metastasis for it in own):
            continue
        newest = {it.laterality: it for it in own if it.laterality is not None}
        left, right = newest.get("left"), newest.get("right")
        if (
            left is not None
            and right is not None
            and ("positive" in {left.status, right.status})
            and left.status != right.status
        ):
            yield Conflict(
                about=marker,
                because=f"The tumours of the left and the right breast differ in {marker.upper()}, and no metastasis "
                "was tested that would tell which one has spread.",
                evidence=tuple(sorted({*left.evidence, *right.evidence})),
            )


def _order(it: ReceptorResult) -> tuple[object, ...]:
    return (it.date is not None, it.date.first.toordinal() if it.date else 0, it.marker, it.evidence)


class _Sum(msgspec.Struct):
    """What the tests of one specimen say together, while they are taken in."""

    ihc: str | None = None
    ish: str | None = None
    ratio: float | None = None
    copies: float | None = None
    percent: float | None = None
    is_below: bool = False
    words: set[str] = msgspec.field(default_factory=set)
    contradictions: list[str] = msgspec.field(default_factory=list)

    def take(self, test: ReceptorTest, rules: ReceptorRules) -> None:
        value = test.value
        if test.contradiction is not None:
            self.contradictions.append(test.contradiction)
        if test.kind in _STAINED and test.number is not None:
            self.percent, self.is_below = _below(test, test.number), test.comparator == "<"
        if value and "|" in value:
            ihc, ish = value.split("|")
            self._score(ihc)
            self._ish(ish)
        elif value in SCORES:
            self._score(value)
        elif test.kind in _ISH_KINDS:
            self._number(test, rules)
        elif value in {"amplified", "not-amplified"}:
            self._ish(value)
        elif value is not None:
            self.words.add(value)

    def _score(self, ihc: str) -> None:
        if self.ihc is not None and self.ihc != ihc:
            self.contradictions.append(f"IHC {self.ihc} and {ihc}")
        self.ihc = ihc

    def _ish(self, ish: str | None) -> None:
        settled = {it for it in (self.ish, ish) if it not in {None, "equivocal"}}
        if len(settled) > 1:
            self.contradictions.append("ISH " + " and ".join(in_words(it) for it in sorted(settled)))
        self.ish = ish if self.ish in {None, "equivocal"} else self.ish

    def _number(self, test: ReceptorTest, rules: ReceptorRules) -> None:
        if test.number is None:
            self._ish(_ISH_WORDS.get(test.value or "", test.value) if test.value != "indeterminate" else None)
        elif test.kind == "copies":
            self.copies = _below(test, test.number)
        else:
            ratio = _below(test, test.number)
            if self.ratio is not None and rules.ish_of(self.ratio, None, None) != rules.ish_of(ratio, None, None):
                self.contradictions.append(f"ISH ratios {self.ratio:g} and {ratio:g}")
            self.ratio = ratio

    def close(self, rules: ReceptorRules) -> None:
        """Take the ISH numbers together with the IHC score of the same tissue."""
        found = rules.ish_of(self.ratio, self.copies, self.ihc)
        if found is not None and not (found == "equivocal" and self.ish is not None):
            self._ish(found)


def _below(test: ReceptorTest, number: float) -> float:
    """A number that is only known to lie below a value counts as just below it."""
    return number - 1e-6 if test.comparator == "<" else number


def _combine(tests: list[ReceptorTest], rules: ReceptorRules) -> ReceptorResult:
    """One result from the tests of a specimen; an amended test replaces the earlier one of its kind."""
    tests = sorted(tests, key=lambda it: (it.ref, it.kind, it.value or "", it.number or 0))
    amended = {it.kind for it in tests if it.is_amended}
    used = [it for it in tests if it.kind not in amended or it.is_amended]
    final = [it for it in used if not it.is_preliminary]
    used = [it for it in used if not it.is_preliminary or it.kind not in {one.kind for one in final}]
    first = used[0]
    total = _Sum()
    for test in used:
        total.take(test, rules)
    total.close(rules)
    status, detail = _her2(total) if first.marker == "her2" else _hormone_receptor(first.marker, total, rules)
    return ReceptorResult(
        marker=first.marker,
        status="conflict" if total.contradictions else status,
        detail="; ".join(dict.fromkeys(total.contradictions)) or detail,
        date=latest(tuple(it.date for it in used if it.date is not None)),
        is_metastasis=next((it.is_metastasis for it in used if it.is_metastasis is not None), None),
        site=next((it.site for it in used if it.site), None),
        laterality=next((it.laterality for it in used if it.laterality), None),
        percent=round(total.percent, 3) if total.percent is not None else None,
        ihc=total.ihc,
        ish=total.ish,
        is_preliminary=all(it.is_preliminary for it in used),
        lab=next((it.lab for it in used if it.lab), None),
        evidence=tuple(sorted({it.ref for it in tests})),
    )


def _hormone_receptor(marker: str, total: _Sum, rules: ReceptorRules) -> tuple[str, str]:
    said, percent = total.words - {"indeterminate"}, total.percent
    if percent is None:
        return _reported(said, "as reported")
    counted = "positive" if percent >= rules.hormone_receptor_positive else "negative"
    detail = f"{'<' if total.is_below else ''}{round(percent, 3):g} %"
    if marker == "er" and counted == "positive" and percent <= rules.hormone_receptor_low:
        detail += ", low positive"
    if {"positive", "negative"} - {counted} <= said:
        return "conflict", f"{detail}, reported as {_listed(said)}"
    return counted, detail


def _reported(said: set[str], detail: str) -> tuple[str, str]:
    """Where only words tell: what they agree on, or that they do not."""
    if len(said) > 1:
        return "conflict", f"reported as {_listed(said)}"
    return (next(iter(said)) if said else "indeterminate"), detail


def _listed(said: set[str]) -> str:
    return " and as ".join(in_words(it) for it in sorted(said))


def _her2(total: _Sum) -> tuple[str, str]:
    ihc, ish = total.ihc, total.ish
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
    said = total.words - {"indeterminate"}
    if _ULTRALOW in said:  # IHC 0 with a faint stain: not low, and a reader asks for the difference
        said, tested = said - {_ULTRALOW} | {"negative"}, tested or "negative"
        detail = f"{detail}, ultralow"
    if tested is None:
        if said == {"negative", "low"}:  # a low HER2 is also called negative
            return "low", detail
        return _reported(said, detail)
    if not said or tested in said or (tested in {"low", "negative"} and said <= {"negative", "low"}):
        return tested, detail
    if tested == "equivocal":
        # A positive word beside IHC 2+ may rest on an ISH that we do not see.
        return ("positive" if said == {"positive"} else "equivocal"), detail
    if said & {"positive", "negative", "low"}:
        return "conflict", f"{detail}, reported as {_listed(said)}"
    return tested, detail
