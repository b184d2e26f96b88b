"""Which of a patient's drugs a word of a trial means."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.trial_terms import TrialTerm
from cdshooks.lines.model import AgentUse
from cdshooks.options.case import Case

T = TypeVar("T")


def once(name: str, about: Hashable, case: Case, work: Callable[[], T]) -> T:
    """What is worked out once for a patient, however many criteria ask for it."""
    return _kept(case.shared, (name, about), work)


def ready(name: str, about: Hashable, knowledge: Knowledge, work: Callable[[], T]) -> T:
    """What is worked out once for all patients, for it rests on the knowledge alone."""
    return _kept(knowledge.rules.questions, (name, about), work)


def _kept(shelf: dict[Any, Any], key: tuple[str, Hashable], work: Callable[[], T]) -> T:
    known = shelf.get(key, _NOTHING)
    if known is _NOTHING:
        known = shelf[key] = work()
    found: T = known
    return found


_NOTHING = object()


def is_drug(agent: AgentId, word: str, case: Case) -> bool:
    """Whether a drug that the patient had is what a word means: an agent, or one of a class."""
    return agent in drugs_of(word, case)


def drugs_of(word: str, case: Case) -> frozenset[AgentId]:
    """Every drug that a word means."""
    return ready(
        "drugs", word, case.knowledge, lambda: drugs_meant(case.knowledge.trials.terms.drugs(word), case.knowledge)
    )


def drugs_meant(term: TrialTerm, knowledge: Knowledge) -> frozenset[AgentId]:
    """Every drug of a term: those that it names, and those of its classes."""
    kinds = frozenset(term.classes)
    of_kind = (agent for agent, classes in knowledge.rules.classes.items() if not kinds.isdisjoint(classes))
    return frozenset(term.agents).union(of_kind)


def uses_of(word: str, case: Case) -> list[AgentUse]:
    """Every use of the drugs that a word means, in the order of the history."""
    return once("uses", word, case, lambda: _uses_of(drugs_of(word, case), case))


def _uses_of(drugs: frozenset[AgentId], case: Case) -> list[AgentUse]:
    return [use for use in case.lines.uses if use.agent in drugs]


def label_of(word: str, case: Case) -> str:
    """The word for a reader."""
    return case.knowledge.trials.terms.drugs(word).label or word.replace("_", " ")
