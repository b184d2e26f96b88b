"""What codes and words say of adverse effects: kind, grade, whether they are felt, the drug that is named."""

from __future__ import annotations

import re
from collections.abc import Iterable

import msgspec

from cdshooks.ehr.remembered import remembered
from cdshooks.ehr.resources import CodeableConcept
from cdshooks.knowledge.ids import AgentId
from cdshooks.record.drug_names import DrugNames
from cdshooks.record.terms import RecordTerms

_NUMBER = r"([1-5]|IV|V|I{1,3})"
_ROMAN = {"I": 1, "II": 2, "III": 3, "IV": 4, "V": 5}


class Told(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a concept and texts say of an adverse effect."""

    kinds: tuple[str, ...]
    felt: str | None
    agents: tuple[AgentId, ...]


class ToxicityWords:
    """What codes and words say of adverse effects; it is remembered, for a note comes back with every dose.

    ``told``: the kinds of adverse effect, how they are felt and the cancer drugs named. ``grade``: the grade that a text writes.
    ``severity``: the highest grade that a word for severity stands for.
    """

    def __init__(self, terms: RecordTerms, names: DrugNames) -> None:
        self._terms, self._names = terms, names
        self._remembered = remembered(self._tell)
        word, to = terms.meanings("grade-word").pattern("grade"), terms.meanings("number-range").pattern("to")
        self._grade = re.compile(
            rf"(?:{word}\.?|\bctcae(?: v?\d(?:\.\d)?)?(?: {word})?)[\s:=-]*{_NUMBER}"
            rf"(?:\s*(?:-|\u2013|/|{to})\s*{_NUMBER})?\b",
            re.IGNORECASE,
        )
        self.grade = remembered(self._grade_in)
        self.severity = remembered(self._severity)

    def told(self, concept: CodeableConcept | None, texts: Iterable[str]) -> Told:
        """What a concept and texts say together."""
        return self._remembered((concept, tuple(texts)))

    def _tell(self, said: tuple[CodeableConcept | None, tuple[str, ...]]) -> Told:
        concept, texts = said
        terms = (*self._terms.conditions(concept), *self._terms.worded_conditions(texts))
        kinds = (self._terms.toxicity_kind(term.concept) for term in terms if term.category == "toxicity")
        agents = (it for text in texts for it in self._names.agents_in_text(text) if self._names.is_anticancer(it))
        return Told(
            kinds=tuple(dict.fromkeys(it for it in kinds if it is not None)),
            felt=self._terms.meanings("symptoms").first(" ".join(texts)),
            agents=tuple(dict.fromkeys(agents)),
        )

    def _severity(self, word: str) -> int | None:
        return max((int(it) for it in self._terms.meanings("severity").of(word)), default=None)

    def _grade_in(self, text: str) -> int | None:
        """The grade that a text writes; of "grade 2-3" the higher one counts."""
        match = self._grade.search(text)
        return max(_ROMAN.get(it.upper()) or int(it) for it in match.groups() if it) if match else None
