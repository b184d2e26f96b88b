"""HER2, ER and PR tests one by one, in the twelve shapes that records send. Source: terminology 10.4."""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cdshooks.ehr.decode import resolve
from cdshooks.ehr.resources import (
    CodeableConcept,
    Component,
    Condition,
    DiagnosticReport,
    Held,
    Observation,
    Quantity,
    Reference,
    Resources,
    Specimen,
)
from cdshooks.knowledge.ids import ResourceRef
from cdshooks.partial_date import PartialDate
from cdshooks.record.dates import observed_on, onset_of, read_date, recorded_on, reported_on
from cdshooks.record.numbers import number_in, number_of
from cdshooks.record.receptor_reports import ReceptorReports, of_hormone_receptors
from cdshooks.record.receptor_words import SCORES, ReceptorWords, compatible
from cdshooks.record.running_text import texts_of_report
from cdshooks.record.terms import RecordTerms, texts_of

_KINDS = {
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
    "hr": "hr",
}
_STAINED = frozenset({"er", "pr", "er-percent", "pr-percent"})
_WITHDRAWN = frozenset({"entered-in-error", "cancelled"})
_SAYS_NOTHING = frozenset({"unknown", "not tested"})
"""Answers that tell nothing of a receptor, so that an earlier result stays in force. Source: terminology 10.4, shape 10."""
_BREAST = "breast"
_TISSUE = "report-on-tissue"


def is_receptor_test(code: CodeableConcept | None, terms: RecordTerms, words: ReceptorWords) -> bool:
    """Whether an observation or component of this code is a receptor test or a report on tissue, by code or by words."""
    test = terms.test(code)
    if test in _KINDS or terms.is_report_on("tissue", code):
        return True
    return test is None and words.named_test(" ".join(texts_of(code))) is not None


class ToldInText(msgspec.Struct, frozen=True):
    """A status that a text tells of an earlier time, as a plan or as a question; or a result in a form that we do not read."""

    marker: str
    date: PartialDate | None
    ref: ResourceRef
    is_unread_result: bool = False


class ReceptorTest(msgspec.Struct, frozen=True, kw_only=True):
    """One test of one specimen, before tests are combined. ``comparator`` belongs to ``number``; ``contradiction`` tells
    in words what one value says against itself.
    """

    marker: str
    kind: str
    value: str | None = None
    number: float | None = None
    comparator: str | None = None
    contradiction: str | None = None
    date: PartialDate | None
    is_metastasis: bool | None = None
    site: str | None = None
    laterality: str | None = None
    specimen: str
    is_preliminary: bool = False
    is_amended: bool = False
    lab: str | None = None
    ref: ResourceRef


class _Said(msgspec.Struct, frozen=True, kw_only=True):
    value: str | None = None
    number: float | None = None
    comparator: str | None = None
    contradiction: str | None = None
    score: str | None = None
    """The score that the words beside a coded status give: positive, "HER2 positive (IHC 3+)"."""

    @property
    def is_empty(self) -> bool:
        return self.value is None and self.number is None and self.contradiction is None


class ReceptorTestReader:
    """Reads the receptor tests of one patient."""

    def __init__(self, resources: Resources, terms: RecordTerms, reports: ReceptorReports) -> None:
        self._resources, self._terms, self._reports, self._words = resources, terms, reports, reports.words
        self._specimen = terms.meanings("specimen")
        self.misnamed: list[ResourceRef] = []
        """Observations whose code is a HER2 test and whose words are of another test."""
        self.told: list[ToldInText] = []
        """Statuses that texts tell and that are no result of the tissue and the time."""

    def read(self) -> list[ReceptorTest]:
        """All tests, in the order of the resources."""
        tests: list[ReceptorTest] = []
        panels = self._panels()
        for held in self._resources.each("Observation"):
            observation = held.resource
            if isinstance(observation, Observation) and observation.status not in _WITHDRAWN:
                tests.extend(self._of_observation(held, observation, panels.get(held.ref)))
        for held in self._resources.each("Condition"):
            if isinstance(held.resource, Condition):
                tests.extend(self._of_condition(held, held.resource))
        for held in self._resources.each("DiagnosticReport"):
            report = held.resource
            if isinstance(report, DiagnosticReport) and report.status not in _WITHDRAWN:
                tests.extend(self._of_report(held, report, report.specimen[0] if report.specimen else None))
        return tests

    def _panels(self) -> dict[ResourceRef, Observation]:
        """Member observation -> the panel that names it, which may hold its date and specimen."""
        found: dict[ResourceRef, Observation] = {}
        for held in self._resources.each("Observation"):
            observation = held.resource
            if isinstance(observation, Observation) and observation.status not in _WITHDRAWN:
                for member in observation.has_member:
                    target = resolve(self._resources, member.reference)
                    if target is not None:
                        found[target.ref] = observation
        return found

    def _of_observation(
        self, held: Held, observation: Observation, panel: Observation | None
    ) -> Iterator[ReceptorTest]:
        concept = self._terms.test(observation.code)
        parts: list[tuple[str | None, Observation | Component]] = [(concept, observation)]
        parts.extend(
            (self._terms.test(it.code) or self._words.named_test(" ".join(texts_of(it.code))), it)
            for it in observation.component
        )
        if concept == _TISSUE:
            yield from self._of_report(held, observation, observation.specimen)
        if concept is None and not any(it in _KINDS for it, _ in parts):
            worded = self._words.named_test(" ".join(texts_of(observation.code)))
            if worded is None:
                yield from self._of_report(held, observation, observation.specimen)
                return
            parts[0] = (worded, observation)
        for name, part in parts:
            kind = _KINDS.get(name or "")
            if kind is None or kind == "panel":
                continue
            marker = kind[:2] if kind[:2] in {"er", "pr", "hr"} else "her2"
            if marker == "her2" and self._words.is_of_another_test(" ".join(texts_of(part.code))):
                self.misnamed.append(held.ref)
                continue
            said = self._value(part, kind)
            texts = [part.value_string or ""]
            if said.is_empty and part is observation:
                texts += [it.text or "" for it in observation.note]
                said = _Said(value=self._words.status(self._reports.of_value(" ".join(texts[1:])), kind))
            if kind == "hr":
                for it in of_hormone_receptors(said.value):
                    told = _Said(value=it.status, contradiction=said.contradiction)
                    yield self._placed(held, observation, panel, it.marker, it.kind, told)
            elif not said.is_empty:
                yield self._placed(held, observation, panel, marker, kind, said)
                if said.score is not None:
                    yield self._placed(held, observation, panel, marker, kind, _Said(value=said.score))
            elif self._words.status(" ".join(texts), kind) is not None:
                self.told.append(ToldInText(marker, observed_on(observation), held.ref))
            elif self._holds_result(part):
                self.told.append(ToldInText(marker, observed_on(observation), held.ref, is_unread_result=True))

    def _holds_result(self, part: Observation | Component) -> bool:
        """Whether a number stands there, by itself or in words ("Allred 8/8", "IRS 12"), that is not still to come."""
        text = " ".join(_texts(part, is_coded=False))
        if _number(part)[0] is not None:
            return True
        return number_in(text) is not None and not self._words.is_pending(text)

    def _placed(
        self, held: Held, observation: Observation, panel: Observation | None, marker: str, kind: str, said: _Said
    ) -> ReceptorTest:
        sample = observation.specimen or (panel.specimen if panel is not None else None)
        day = observed_on(observation) or (observed_on(panel) if panel is not None else None)
        collected = self._collected(sample)
        day = read_date(collected.collection.collected_date_time) or day if collected and collected.collection else day
        place = observation.body_site or (panel.body_site if panel is not None else None)
        taken_from = collected.collection.body_site if collected and collected.collection else None
        words = [it.text or "" for it in observation.note]
        words += [*texts_of(place), *texts_of(taken_from), observation.value_string or "", *texts_of(observation.code)]
        words += [sample.display or "" if sample else "", *(it.display or "" for it in observation.focus)]
        text = " ".join(words).casefold()
        focused = self._focused_site(observation)
        site = self._terms.site(place, taken_from) or focused or self._terms.site(CodeableConcept(text=text))
        is_metastasis: bool | None = None
        told = self._specimen.of(text)
        if site not in {None, _BREAST} or "metastasis" in told:
            is_metastasis = True
        elif site == _BREAST or "primary" in told:
            is_metastasis = False
        return ReceptorTest(
            marker=marker,
            kind=kind,
            value=said.value,
            number=said.number,
            comparator=said.comparator,
            contradiction=said.contradiction,
            date=day,
            is_metastasis=is_metastasis,
            site=site,
            laterality=self._terms.side(place, taken_from) or self._words.side(text),
            specimen=sample.reference if sample is not None and sample.reference else str(day),
            is_preliminary=observation.status in {"preliminary", "registered"},
            is_amended=observation.status in {"amended", "corrected"},
            lab="central" if "central-lab" in told else None,
            ref=held.ref,
        )

    def _collected(self, sample: Reference | None) -> Specimen | None:
        held = resolve(self._resources, sample.reference) if sample is not None else None
        return held.resource if held is not None and isinstance(held.resource, Specimen) else None

    def _focused_site(self, observation: Observation) -> str | None:
        """The site of the Condition that the test is about."""
        for reference in observation.focus:
            held = resolve(self._resources, reference.reference)
            if held is not None and isinstance(held.resource, Condition):
                terms = self._terms.conditions(held.resource.code)
                found = next((it.concept.removeprefix("met-") for it in terms if it.category == "metastasis"), None)
                if found is not None:
                    return found
        return None

    def _value(self, part: Observation | Component, kind: str) -> _Said:
        """Status or score in our words, number, and whether what one value says twice contradicts itself."""
        coded = self._coded(part, kind)
        texts = _texts(part, is_coded=coded is not None)
        texts[0] = self._reports.of_value(texts[0])
        worded = self._words.status(" ; ".join(it for it in texts if it), kind)
        concept = part.value_codeable_concept
        displayed = self._words.status(" ".join(it.display or "" for it in concept.coding), kind) if concept else None
        for words in (worded, displayed):
            if coded is not None and words is not None and not compatible(coded, words):
                return _contradiction(coded, words)
        if texts[0] and concept is not None:  # two values in one resource: both are read
            said, shown = (self._words.status(it or "", kind) for it in (texts[0], concept.text))
            for it in (coded, shown):
                if it and said and not compatible(it, said):
                    return _contradiction(it, said)
        number, comparator = _number(part)
        if kind in {"ratio", "copies", "ihc-percent"} or (kind == "ish" and number is not None):
            if number is None and any(texts):
                number = number_in(" ".join(texts))
            return _Said(number=number, comparator=comparator)
        if kind in {"ihc", "summary"} and number is not None:
            return _scored(part.value_quantity, number, coded or worded)
        value = coded or worded or self._interpreted(part, kind)
        if kind in _STAINED:
            return self._stained(part, kind, texts, value)
        score = worded if coded not in {None, *SCORES} and worded and worded.partition("|")[0] in SCORES else None
        return _Said(value=value, score=score)

    def _stained(self, part: Observation | Component, kind: str, texts: list[str], value: str | None) -> _Said:
        """ER or PR: the share of stained cells where it is told in percent, and what words say. A score is no share."""
        is_percent = kind.endswith("-percent")
        number, comparator = _number(part)
        if number is None:
            number, comparator = self._words.percent(" ".join(texts) if is_percent else texts[0], is_percent=is_percent)
        elif not self._counts_in_percent(part.value_quantity, is_percent=is_percent):
            return _Said(value=value)
        return _Said(value=None if is_percent and number is not None else value, number=number, comparator=comparator)

    def _counts_in_percent(self, quantity: Quantity | None, *, is_percent: bool) -> bool:
        units = [it for it in (quantity.unit, quantity.code) if it] if quantity is not None else []
        return any(map(self._words.is_percent, units)) if units else is_percent

    def _interpreted(self, part: Observation | Component, kind: str) -> str | None:
        listed = part.interpretation if isinstance(part.interpretation, tuple) else (part.interpretation,)
        coded = next((it for it in (self._terms.answer("receptor-status", one) for one in listed) if it), None)
        worded = (self._words.status(" ".join(texts_of(one)), kind) for one in listed)
        return coded or next((it for it in worded if it), None)

    def _coded(self, part: Observation | Component, kind: str) -> str | None:
        concept = part.value_codeable_concept
        if concept is None:
            return None
        score = self._terms.answer("ihc-score", concept) if kind in {"ihc", "summary"} else None
        if score is not None:
            head = score.partition(":")[0].partition(" ")[0]
            return head if head in SCORES else "indeterminate"
        found = self._terms.answer("her2-status", concept) or self._terms.answer("receptor-status", concept)
        if found is None:
            return None
        if "HER2-low" in found:
            return "low"
        head = found.partition(" (")[0]
        if head in _SAYS_NOTHING:
            return None
        return "indeterminate" if head == "presumptive-positive" else head

    def _of_condition(self, held: Held, condition: Condition) -> Iterator[ReceptorTest]:
        status = self._terms.verification(condition)
        if status & {"refuted", "entered-in-error"}:
            return
        side = self._terms.side(*condition.body_site) or self._words.side(
            " ".join((*(it for site in condition.body_site for it in texts_of(site)), *texts_of(condition.code)))
        )
        said = self._terms.receptors(condition.code)
        for text in dict.fromkeys(texts_of(condition.code)):
            for it in self._reports.of_diagnosis(text):
                if it.status is not None:
                    said.setdefault(it.marker, it.status)
        day = onset_of(condition) or recorded_on(condition)
        for marker, value in said.items():
            yield ReceptorTest(
                marker=marker,
                kind="summary",
                value=value,
                date=day,
                laterality=side,
                specimen=f"condition {day}",
                is_preliminary=bool(status & {"provisional", "differential", "unconfirmed"}),
                ref=held.ref,
            )

    def _of_report(
        self, held: Held, report: DiagnosticReport | Observation, sample: Reference | None
    ) -> Iterator[ReceptorTest]:
        """Only a report on tissue: the conclusion of an imaging report repeats what was known before."""
        texts = texts_of_report(report)
        if not texts or not self._terms.is_report_on("tissue", report.code):
            return
        collected = self._collected(sample)
        day = reported_on(report)
        taken = collected.collection if collected is not None else None
        day = read_date(taken.collected_date_time) or day if taken is not None else day
        place, shown = texts_of(taken.body_site if taken else None), sample.display or "" if sample else ""
        words = " ".join((*place, shown, *texts))
        site = self._terms.site(taken.body_site if taken else None, CodeableConcept(text=words))
        is_metastasis = (
            True if site not in {None, _BREAST} or self._specimen.has("metastasis", words) else False if site else None
        )
        read = [self._reports.read(text) for text in texts]
        told = {it.marker for one in read for it in one.said}
        self.told += [
            ToldInText(it, day, held.ref) for it in sorted({*(m for one in read for m in one.is_open)} - told)
        ]
        for said in dict.fromkeys(it for one in read for it in one.said):
            yield ReceptorTest(
                marker=said.marker,
                kind=said.kind,
                value=said.status,
                number=said.number,
                comparator=said.comparator,
                date=day,
                is_metastasis=is_metastasis,
                site=site,
                laterality=said.laterality
                or self._terms.side(taken.body_site if taken else None)
                or self._words.side(words),
                specimen=sample.reference if sample is not None and sample.reference else str(day),
                is_preliminary=report.status in {"preliminary", "registered", "partial"},
                is_amended=report.status in {"amended", "corrected"},
                ref=held.ref,
            )


def _contradiction(first: str, second: str) -> _Said:
    return _Said(contradiction=f"one result says both {in_words(first)} and {in_words(second)}")


def in_words(value: str) -> str:
    """A status or score as a clinician writes it: ``2+|not-amplified`` is "2+, not amplified"."""
    return value.replace("|", ", ").replace("-", " ")


def _number(part: Observation | Component) -> tuple[float | None, str | None]:
    quantity, ratio = part.value_quantity, part.value_ratio
    if part.value_integer is not None:
        return float(part.value_integer), None
    if ratio is not None and ratio.numerator is not None and ratio.denominator is not None:
        top, bottom = number_of(ratio.numerator.value), number_of(ratio.denominator.value)
        if top is not None and bottom:
            return top / bottom, ratio.numerator.comparator
    if quantity is not None:
        return number_of(quantity.value), quantity.comparator
    if part.value_range is not None and part.value_range.low is not None:
        return number_of(part.value_range.low.value), None
    return None, None


def _scored(quantity: Quantity | None, number: float, said: str | None) -> _Said:
    """An IHC score sent as a number; a number with another unit is none."""
    is_score = quantity is None or (quantity.unit or quantity.code or "").strip().casefold() in {
        "",
        "{score}",
        "score",
        "1",
        "+",
    }
    if not is_score or number not in {0, 1, 2, 3}:
        return _Said(value=said)
    score = f"{int(number)}+" if number else "0"
    if said is not None and not compatible(score, said):
        return _contradiction(score, said)
    return _Said(value=said if said is not None and said.startswith(f"{score}|") else score)


def _texts(part: Observation | Component, *, is_coded: bool) -> list[str]:
    concept = part.value_codeable_concept
    texts = [part.value_string or ""]
    texts += [concept.text or ""] if concept is not None else []
    if not is_coded and concept is not None:
        texts += [it.display or "" for it in concept.coding]
    return texts
