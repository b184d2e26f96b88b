"""Which of a patient's drugs a word of a trial means."""

from __future__ import annotations

from collections.abc import Callable, Hashable
from typing import TypeVar

from cdshooks.knowledge.ids import AgentId
from cdshooks.lines.model import AgentUse
from cdshooks.options.case import Case
from cdshooks.options.predicates import classes_of

T = TypeVar("T")


def once(name: str, about: Hashable, case: Case, work: Callable[[], T]) -> T:
    """What is worked out once for a patient, however many criteria ask for it."""
    key = (name, about)
    if key not in case.shared:
        case.shared[key] = work()
    found: T = case.shared[key]
    return found


def is_drug(agent: AgentId, word: str, case: Case) -> bool:
    """Whether a drug that the patient had is what a word means: an agent, or one of a class."""
    return agent in once("agents", word, case, lambda: _agents_of(word, case))


def _agents_of(word: str, case: Case) -> frozenset[AgentId]:
    term = case.knowledge.trials.terms.drugs(word)
    had = {use.agent for use in case.lines.uses}
    had |= {agent for line in (*case.lines.lines, *case.lines.early) for agent in line.agents}
    classes = frozenset(term.classes)
    return frozenset(it for it in had if it in term.agents or classes & classes_of(it, case))


def uses_of(word: str, case: Case) -> list[AgentUse]:
    """Every use of the drugs that a word means, in the order of the history."""
    return once("uses", word, case, lambda: [use for use in case.lines.uses if is_drug(use.agent, word, case)])


def label_of(word: str, case: Case) -> str:
    """The word for a reader."""
    return case.knowledge.trials.terms.drugs(word).label or word.replace("_", " ")
