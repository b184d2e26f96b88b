"""Which drugs of a trial were tried before: the disease progressed on one of them, or on another of its kind.

Told, never weighed: whether the trial takes such a patient stands in its criteria.
Source: the trial's drugs as the registry names them; the drug table's classes; the record's own word for progression.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.trial_terms import TrialTerm
from cdshooks.knowledge.trials import Trial
from cdshooks.lines.model import AgentUse, EndReason, LineHistory


class TriedBefore(msgspec.Struct, frozen=True, kw_only=True):
    """A drug of the trial, and the latest use of it, or of one of its kind, that ended for progression."""

    drug: AgentId
    kind: str
    """The kind in words, where it was another drug of it; empty for the drug itself."""
    use: AgentUse


def tried_before(trial: Trial, lines: LineHistory, knowledge: Knowledge) -> tuple[TriedBefore, ...]:
    """The trial's drugs on which, or on whose kind, progression is on record; for each drug the nearest and latest use."""
    progressed = [it for it in reversed(lines.uses) if it.outcome is EndReason.PROGRESSION]
    kinds = [it for it in knowledge.trials.terms.by_id.values() if it.again]
    found = [next(_of(AgentId(drug), progressed, kinds, knowledge), None) for drug in trial.drugs]
    return tuple(it for it in found if it is not None)


def _of(
    drug: AgentId, progressed: list[AgentUse], kinds: list[TrialTerm], knowledge: Knowledge
) -> Iterator[TriedBefore]:
    own = [it for it in kinds if _is_of(drug, it, knowledge)]
    yield from (TriedBefore(drug=drug, kind="", use=use) for use in progressed if own and use.agent == drug)
    for kind in own:
        alike = [use for use in progressed if _is_of(use.agent, kind, knowledge)]
        yield from (TriedBefore(drug=drug, kind=kind.label, use=use) for use in alike)


def _is_of(agent: AgentId, kind: TrialTerm, knowledge: Knowledge) -> bool:
    return agent in kind.agents or not knowledge.rules.classes.get(agent, frozenset()).isdisjoint(kind.classes)
