"""What is said of the patient in words: wishes, measurable disease, tempo, frailty; and stated line numbers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import msgspec

from cdshooks.ehr.resources import CodeableConcept, Condition, Observation, Resources
from cdshooks.knowledge.clauses import wish_end
from cdshooks.record.dates import onset_of, read_date, recorded_on, start_of
from cdshooks.record.model import StatedLine, Statement, Wish
from cdshooks.record.numbers import number_of
from cdshooks.record.terms import RecordTerms, texts_of

_STATED = frozenset({"line-of-therapy", "menopausal-status"})
_CLASSES = frozenset({"a", "b", "c"})
_NOT_SO = frozenset({"entered-in-error", "refuted", "provisional", "differential", "unconfirmed"})
_KNOWN = frozenset({"avoid-hair-loss", "avoid-fatigue", "avoid-neuropathy", "prefer-oral", "prefer-home", "chemo-free"})


class SayingsReading(msgspec.Struct, frozen=True, kw_only=True):
    """Wishes, statements and stated lines."""

    wishes: tuple[Wish, ...]
    statements: tuple[Statement, ...]
    stated_lines: tuple[StatedLine, ...]


def says_something(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    """Whether an observation of this code is a preference, a stated line or a statement."""
    return _is_preference(code, terms) or terms.test(code) in _STATED or _about(code, terms) is not None


def read_sayings(resources: Resources, terms: RecordTerms) -> SayingsReading:
    """Everything said in words or as preference."""
    wishes: list[Wish] = []
    statements: list[Statement] = []
    lines: list[StatedLine] = []
    for held in resources.each("Observation"):
        observation = held.resource
        if not isinstance(observation, Observation) or observation.status in {"entered-in-error", "cancelled"}:
            continue
        if not says_something(observation.code, terms):
            continue
        day = read_date(observation.effective_date_time, start_of(observation.effective_period), observation.issued)
        if _is_preference(observation.code, terms):
            wishes.extend(Wish(wish=wish, date=day, evidence=(held.ref,)) for wish in _wishes(observation, terms))
            continue
        if terms.test(observation.code) == "line-of-therapy":
            stated = terms.answer("line-of-therapy", observation.value_codeable_concept)
            if stated is not None and stated.isdigit():
                lines.append(StatedLine(number=int(stated), start=day, evidence=(held.ref,)))
            continue
        about = _about(observation.code, terms)
        if about == "menopause" or terms.test(observation.code) == "menopausal-status":
            state = _menopause(observation, terms)
            if state is not None:
                statements.append(Statement(about="menopause", value=state, date=day, evidence=(held.ref,)))
        elif about == "child_pugh":
            liver = child_pugh_in(_written(observation), terms)
            if liver is not None:
                statements.append(Statement(about=about, value=liver, date=day, evidence=(held.ref,)))
        elif about is not None:
            statements.append(Statement(about=about, value=_said(observation, terms), date=day, evidence=(held.ref,)))
    statements.extend(_of_diagnoses(resources, terms))
    return SayingsReading(
        wishes=tuple(sorted(dict.fromkeys(wishes), key=lambda it: (it.wish, str(it.date), it.evidence))),
        statements=tuple(sorted(dict.fromkeys(statements), key=lambda it: (str(it.date), it.about, it.evidence))),
        stated_lines=tuple(sorted(dict.fromkeys(lines), key=lambda it: (str(it.start), it.number))),
    )


def _of_diagnoses(resources: Resources, terms: RecordTerms) -> Iterator[Statement]:
    """The Child-Pugh class where a diagnosis tells it ("cirrhosis, Child-Pugh B")."""
    for held in resources.of("Condition"):
        condition = held.resource
        if not isinstance(condition, Condition):
            continue
        texts = (*texts_of(condition.code), *(it for stage in condition.stage for it in texts_of(stage.summary)))
        named = " ".join(it for it in texts if terms.meanings("about").first(it) == "child_pugh")
        is_sure = terms.verification(condition).isdisjoint(_NOT_SO)
        liver = child_pugh_in(named, terms) if named and is_sure else None
        if liver is not None:
            day = recorded_on(condition) or onset_of(condition)
            yield Statement(about="child_pugh", value=liver, date=day, evidence=(held.ref,))


def child_pugh_in(text: str, terms: RecordTerms) -> str | None:
    """The class that words or points tell; none where they tell two. Source: PMC3017746 table 1."""
    said = text.strip().casefold()
    found = {said} if said in _CLASSES else set(terms.meanings("child-pugh").of(text))
    return found.pop() if len(found) == 1 else None


def _written(observation: Observation) -> str:
    quantity = observation.value_quantity
    number = number_of(quantity.value) if quantity is not None else observation.value_integer
    points = (f"{number:g}",) if number is not None else ()
    return " ".join((observation.value_string or "", *texts_of(observation.value_codeable_concept), *points))


def _is_preference(code: CodeableConcept | None, terms: RecordTerms) -> bool:
    if terms.test(code) == "treatment-preference":
        return True
    return terms.meanings("preference").first(" ".join(texts_of(code))) is not None


def _about(code: CodeableConcept | None, terms: RecordTerms) -> str | None:
    return terms.meanings("about").first(" ".join(texts_of(code)))


def _menopause(observation: Observation, terms: RecordTerms) -> str | None:
    """The menopausal state by its code or in words; none where words leave it open."""
    if observation.value_boolean:
        return "postmenopausal"
    value = observation.value_codeable_concept
    words = " ".join((observation.value_string or "", *texts_of(value)))
    found = terms.answer("menopause", value) or terms.meanings("menopause").first(words)
    return found if found != "unclear" else None


def _wishes(observation: Observation, terms: RecordTerms) -> tuple[str, ...]:
    concept = observation.value_codeable_concept
    coded = [it.code for it in (concept.coding if concept else ()) if it.code in _KNOWN]
    text = observation.value_string or ""
    if coded or text in _KNOWN:
        return tuple(it for it in (*coded, text) if it in _KNOWN)
    found: dict[str, None] = {}
    for saying in (text, *texts_of(concept), *(note.text or "" for note in observation.note)):
        for clause in wish_end(terms.meanings("wish-joining").whole("between").pattern).split(saying):
            if terms.meanings("acceptance").first(clause) is None:
                found.update(dict.fromkeys(terms.wishes(clause)))
    return tuple(found)


def _said(observation: Observation, terms: RecordTerms) -> str:
    if observation.value_boolean is not None:
        return "present" if observation.value_boolean else "absent"
    text = " ".join((observation.value_string or "", *texts_of(observation.value_codeable_concept))).strip().casefold()
    return re.sub(r"[^a-z0-9]+", "-", text).strip("-")[:40] or (
        "absent" if terms.meanings("denial").first(text) is not None else "present"
    )
