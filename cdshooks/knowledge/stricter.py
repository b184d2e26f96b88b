"""Whether a hospital's hard stop holds at least where the shipped one does: thresholds, drugs and steps may only grow stricter."""

from __future__ import annotations

from collections.abc import Iterator

from cdshooks.knowledge.criteria import (
    AllOf,
    AnyOf,
    Criterion,
    Effect,
    FactLeaf,
    IfUnknown,
    Not,
    Predicate,
    Scope,
)

_EFFECTS, _UNKNOWNS = list(Effect), list(IfUnknown)
_MORE = frozenset({"ge", "gt"})
_LESS = frozenset({"le", "lt"})
_FEWER_WORDS = frozenset({"in", "has_any", "eq"})
_MORE_WORDS = frozenset({"not_in", "has_none", "has_all", "ne"})


def weakened(shipped: Criterion, own: Criterion) -> Iterator[str]:
    """What an overlay's criterion lets through that the shipped one stops; nothing when it is as strict or stricter."""
    if not _covers(shipped.applies_to, own.applies_to):
        yield "it must reach every drug and regimen that the shipped one reaches"
    for place, step in enumerate(shipped.steps, 1):
        if place > len(own.steps):
            yield f"step {place} is missing"
            continue
        mine = own.steps[place - 1]
        if _EFFECTS.index(mine.if_not_met) > _EFFECTS.index(step.if_not_met):
            yield f"step {place}: what follows when it fails must not become milder"
        unknown, before = mine.if_unknown or own.if_unknown, step.if_unknown or shipped.if_unknown
        if _UNKNOWNS.index(unknown) < _UNKNOWNS.index(before):
            yield f"step {place}: what follows when nobody knows must not become milder"
        if not implies(mine.requires, step.requires):
            yield f"step {place}: a limit may be made stricter, never looser, and no part may be left out"


def implies(own: Predicate, shipped: Predicate) -> bool:
    """Whether, as far as can be told from their form, all who meet the first meet the second."""
    if own == shipped:
        return True
    if isinstance(own, AnyOf):
        return all(implies(part, shipped) for part in own.of)
    if isinstance(shipped, AllOf):
        return all(implies(own, part) for part in shipped.of)
    if isinstance(own, AllOf) and any(implies(part, shipped) for part in own.of):
        return True
    if isinstance(shipped, AnyOf):
        return any(implies(own, part) for part in shipped.of)
    if isinstance(own, Not) and isinstance(shipped, Not):
        return implies(shipped.of, own.of)
    return isinstance(own, FactLeaf) and isinstance(shipped, FactLeaf) and _leaf_implies(own, shipped)


def _leaf_implies(own: FactLeaf, shipped: FactLeaf) -> bool:
    if own.fact != shipped.fact or _age(own) > _age(shipped):
        return False
    if isinstance(own.value, int | float) and isinstance(shipped.value, int | float):
        if {own.op, shipped.op} <= _MORE:
            return (own.value, own.op == "gt") >= (shipped.value, shipped.op == "gt")
        if {own.op, shipped.op} <= _LESS:
            return (own.value, own.op == "le") <= (shipped.value, shipped.op == "le")
    mine, theirs = _words(own), _words(shipped)
    if own.op in {"in", "eq"} and shipped.op in {"in", "eq"}:
        return mine <= theirs
    if own.op == shipped.op and own.op in _FEWER_WORDS:
        return mine <= theirs
    if own.op in {"not_in", "ne"} and shipped.op in {"not_in", "ne"}:
        return mine >= theirs
    return own.op == shipped.op and own.op in _MORE_WORDS and mine >= theirs


def _age(leaf: FactLeaf) -> float:
    return float("inf") if leaf.within_days is None else leaf.within_days


def _words(leaf: FactLeaf) -> frozenset[object]:
    return frozenset(leaf.value) if isinstance(leaf.value, tuple) else frozenset((leaf.value,))


def _covers(shipped: Scope | None, own: Scope | None) -> bool:
    if shipped is None or own is None:
        return shipped is own
    grows = ("agents", "classes", "regimens", "her2", "hormone", "roles")
    shrinks = ("except_agents", "except_regimens")
    return (
        all(getattr(own, it) >= getattr(shipped, it) for it in grows)
        and all(getattr(own, it) <= getattr(shipped, it) for it in shrinks)
        and own.every_drug_regimen >= shipped.every_drug_regimen
        and own.has_chemotherapy == shipped.has_chemotherapy
    )
