"""Which drugs of a trial were tried before: the disease progressed on one of them, or on another of its kind.

Told, never weighed: whether the trial takes such a patient stands in its criteria.
Source: the trial's drugs as the registry names them; the drug table's classes; the record's own word for progression.
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from cdshooks.knowledge.ids import AgentId
from cdshooks.knowledge.load import Knowledge
from cdshooks.knowledge.trials import Trial
from cdshooks.lines.model import AgentUse, EndReason, LineHistory
from cdshooks.options.trials.drugs import drugs_meant, ready


class TriedBefore(msgspec.Struct, frozen=True, kw_only=True):
    """A drug of the trial, and the latest use of it, or of one of its kind, that ended for progression."""

    drug: AgentId
    kind: str
    """The kind in words, where it was another drug of it; empty for the drug itself."""
    use: AgentUse

    @property
    def told(self) -> str:
        """What a reader is told: "progression on lapatinib (2025-08-01), like tucatinib a HER2 tyrosine kinase inhibitor"."""
        had = f"{self.use.agent} ({self.use.end})" if self.use.end is not None else self.use.agent
        return (SAME_KIND if self.kind else SAME_DRUG).format(had=had, drug=self.drug, kind=self.kind)


SAME_DRUG = "progression on {had}, one of the trial's drugs"
SAME_KIND = "progression on {had}, like {drug} a {kind}"


def tried_before(trial: Trial, lines: LineHistory, knowledge: Knowledge) -> tuple[TriedBefore, ...]:
    """The trial's drugs on which, or on whose kind, progression is on record; for each drug the nearest and latest use."""
    progressed = [it for it in reversed(lines.uses) if it.outcome is EndReason.PROGRESSION]
    if not progressed:
        return ()
    found = [next(_of(AgentId(drug), progressed, knowledge), None) for drug in trial.drugs]
    return tuple(it for it in found if it is not None)


def _of(drug: AgentId, progressed: list[AgentUse], knowledge: Knowledge) -> Iterator[TriedBefore]:
    own = ready("kinds", drug, knowledge, lambda: _kinds_of(drug, knowledge))
    yield from (TriedBefore(drug=drug, kind="", use=use) for use in progressed if own and use.agent == drug)
    for kind in own:
        alike = [use for use in progressed if use.agent in kind.drugs]
        yield from (TriedBefore(drug=drug, kind=kind.label, use=use) for use in alike)


class _Kind(msgspec.Struct, frozen=True):
    label: str
    drugs: frozenset[AgentId]


def _kinds_of(drug: AgentId, knowledge: Knowledge) -> tuple[_Kind, ...]:
    """The kinds that a drug is of."""
    kinds = [it for it in knowledge.trials.terms.by_id.values() if it.again]
    drugs = {it.id: drugs_meant(it, knowledge) for it in kinds}
    return tuple(_Kind(it.label, drugs[it.id]) for it in kinds if drug in drugs[it.id])
