"""Criteria judged on drawn facts, and every small change of a criterion that a spec has to notice.

``python -m tests.criteria_mutants`` prints rows for what no row of the table notices yet; read each as a clinician before you
add it to ``tests/spec/criteria_at_boundaries.txt``.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from datetime import timedelta
from functools import cache
from pathlib import Path
from typing import Any

import msgspec

from cdshooks.knowledge.criteria import (
    AllOf,
    AnyOf,
    ComponentInFact,
    Criterion,
    FactLeaf,
    IfUnknown,
    Not,
    Predicate,
    PriorTherapy,
    Review,
    leaves_of,
)
from cdshooks.knowledge.ids import AgentId, CriterionId, FactId
from cdshooks.knowledge.rules import Binding
from cdshooks.lines.model import AgentUse, EndReason, LineHistory, Setting
from cdshooks.options.case import Case
from cdshooks.options.judgement import Judge
from cdshooks.options.model import Fact
from cdshooks.options.predicates import DAYS_PER_MONTH
from cdshooks.partial_date import PartialDate
from tests.option_cases import TODAY, case_of, history, ref, shipped

TABLE = Path(__file__).parent / "spec" / "criteria_at_boundaries.txt"
LONG_AGO = PartialDate.from_fhir("2020-01-01")
OPPOSITE = {"ge": "gt", "gt": "ge", "le": "lt", "lt": "le"}


class Row(msgspec.Struct, frozen=True):
    """One case of a criterion: the regimen that carries it, the facts given, the answer and what follows."""

    criterion: str
    regimen: str
    drug: str
    given: str
    outcome: str
    effect: str

    def __str__(self) -> str:
        return " | ".join(msgspec.structs.astuple(self))


def read_table() -> list[Row]:
    """The rows of the table; lines with # are for the reader."""
    lines = [it for it in TABLE.read_text(encoding="utf-8").splitlines() if it.strip() and not it.startswith("#")]
    return [Row(*(cell.strip() for cell in line.split("|"))) for line in lines[1:]]


# ---- a case from what is given


@cache
def base_case() -> Case:
    return case_of(lines=history())


def case_with(given: str) -> Case:
    """The fit patient with these facts and uses: ``fact=value@days ago; use=drug:outcome:setting:months since its end``."""
    base = base_case()
    facts, uses = dict(base.facts), []
    for part in (it.strip() for it in given.split(";") if it.strip()):
        name, _, value = part.partition("=")
        if name == "use":
            uses.append(_use(*value.split(":")))
        else:
            facts[FactId(name)] = _fact(name, value)
    lines: LineHistory = msgspec.structs.replace(base.lines, uses=tuple(uses))
    return msgspec.structs.replace(base, facts=facts, lines=lines)


def _fact(name: str, value: str) -> Fact:
    definition = shipped().facts[FactId(name)]
    value, _, days_ago = value.partition("@")
    read: Any = value
    if value == "?":
        read = None
    elif definition.type in {"number", "integer"}:
        read = float(value)
    elif definition.type == "boolean":
        read = value == "yes"
    elif definition.type == "set":
        read = tuple(it for it in value.split(",") if it)
    when = PartialDate.from_day(TODAY - timedelta(days=int(days_ago or 0)))
    return Fact(id=FactId(name), value=read, unit=definition.unit, date=when, evidence=ref(name))


def _use(agent: str, outcome: str, setting: str, months: str) -> AgentUse:
    end = None
    if outcome != "ongoing":
        end = PartialDate.from_day(TODAY.fromordinal(TODAY.toordinal() - round(float(months) * DAYS_PER_MONTH)))
    return AgentUse(
        agent=AgentId(agent),
        setting=Setting(setting),
        line=1 if setting == "metastatic" else None,
        start=LONG_AGO,
        end=end,
        outcome=EndReason(outcome),
        evidence=ref("use"),
    )


def bindings_of(criterion: str, regimen: str) -> list[Binding]:
    """How a regimen carries a criterion; none when it does not reach it."""
    rules = next(it for it in shipped().rules.regimens if it.regimen.id == regimen)
    of_drugs = [binding for slot in rules.slots for choice in slot.choices for binding in choice.bindings]
    return [it for it in (*rules.whole, *of_drugs) if it.criterion.id == criterion]


def binding_of(row: Row) -> Binding | None:
    found = bindings_of(row.criterion, row.regimen)
    return next((it for it in found if row.drug in it.bound or (row.drug == "-" and not it.bound)), None)


def judged(criterion: Criterion, bound: frozenset[AgentId], given: str) -> tuple[str, str]:
    judgement = Judge(criterion, bound, shipped())(case_with(given))
    effect = judgement.effect.value if judgement.effect is not None else "-"
    notes = len(judgement.dose_notes)
    told = "" if not notes else "+dose" if notes == 1 else f"+{notes} doses"
    if effect == "dose_note" and notes == 1:
        told = ""
    return judgement.finding.outcome.value, f"{effect}{'+ask' if judgement.asks else ''}{told}"


# ---- small changes that have to be noticed


def mutants(criterion: Criterion) -> Iterator[tuple[str, Criterion]]:
    """Each step left out, each threshold or age moved, each comparison made strict or lax, each word left out, silence made safe."""
    for number, step in enumerate(criterion.steps, start=1):
        if len(criterion.steps) > 1:
            rest = tuple(it for it in criterion.steps if it is not step)
            yield f"step {number} left out", msgspec.structs.replace(criterion, steps=rest)
        for what, changed in _changed(step.requires):
            yield (
                f"step {number}: {what}",
                _with_step(criterion, number, msgspec.structs.replace(step, requires=changed)),
            )
        if step.if_unknown not in {None, IfUnknown.PASS}:
            silent = msgspec.structs.replace(step, if_unknown=IfUnknown.PASS)
            yield f"step {number}: unknown passes", _with_step(criterion, number, silent)
    if criterion.if_unknown is not IfUnknown.PASS:
        yield "unknown passes", msgspec.structs.replace(criterion, if_unknown=IfUnknown.PASS)


def _with_step(criterion: Criterion, number: int, step: Any) -> Criterion:
    steps = list(criterion.steps)
    steps[number - 1] = step
    return msgspec.structs.replace(criterion, steps=tuple(steps))


def _changed(predicate: Predicate) -> Iterator[tuple[str, Predicate]]:
    if isinstance(predicate, FactLeaf) and predicate.within_days is not None:
        for days in (predicate.within_days - 1, predicate.within_days + 1, None):
            yield f"{predicate.fact} within {days} days", msgspec.structs.replace(predicate, within_days=days)
    match predicate:
        case AllOf() | AnyOf():
            for place, part in enumerate(predicate.of):
                for what, changed in _changed(part):
                    of = (*predicate.of[:place], changed, *predicate.of[place + 1 :])
                    yield what, msgspec.structs.replace(predicate, of=of)
                rest = (*predicate.of[:place], *predicate.of[place + 1 :])
                yield f"part {place + 1} left out", msgspec.structs.replace(predicate, of=rest)
        case Not():
            yield from ((what, Not(of=changed)) for what, changed in _changed(predicate.of))
        case FactLeaf(value=tuple() as words) if len(words) > 1:
            for word in words:
                kept = tuple(it for it in words if it != word)
                yield f"{predicate.fact} without {word}", msgspec.structs.replace(predicate, value=kept)
        case FactLeaf(op=op, value=float() | int() as value) if op in OPPOSITE:
            step = _step(predicate.fact, value)
            for moved in (value - step, value + step):
                yield f"{predicate.fact} {op} {moved:g}", msgspec.structs.replace(predicate, value=moved)
            yield f"{predicate.fact} {OPPOSITE[op]} {value:g}", msgspec.structs.replace(predicate, op=OPPOSITE[op])
        case PriorTherapy():
            for name in ("min_months_since", "max_months_since"):
                if (months := getattr(predicate, name)) is not None:
                    for moved in (months - 1, months + 1):
                        yield f"{name} {moved:g}", msgspec.structs.replace(predicate, **{name: moved})
            for agent in predicate.agents if len(predicate.agents) > 1 else ():
                kept = tuple(it for it in predicate.agents if it != agent)
                yield f"use without {agent}", msgspec.structs.replace(predicate, agents=kept)


def _step(fact: FactId, value: float) -> float:
    if shipped().facts[fact].type == "integer":
        return 1.0
    return 1.0 if value >= 10 else 0.1 if value != int(value) or value < 1 else 0.5


# ---- rows for what is not noticed yet


def noticed(criterion: Criterion, changed: Criterion, rows: list[Row]) -> bool:
    """Whether a row tells the changed criterion from what it should say."""
    for row in rows:
        binding = binding_of(row)
        if binding is not None and judged(changed, binding.bound, row.given) != (row.outcome, row.effect):
            return True
    return False


def drawn(criterion: Criterion, changed: Criterion, binding: Binding) -> str | None:
    """Facts on which a criterion and its changed form differ; None when there are none."""
    for given in _givens(criterion, binding):
        if judged(criterion, binding.bound, given) != judged(changed, binding.bound, given):
            return given
    return None


def _givens(criterion: Criterion, binding: Binding) -> Iterator[str]:
    facts: dict[FactId, list[str]] = {}
    uses = [""]
    for step in criterion.steps:
        for leaf in leaves_of(step.requires):
            if isinstance(leaf, FactLeaf):
                facts.setdefault(leaf.fact, []).extend(_values(leaf))
            elif isinstance(leaf, ComponentInFact):
                facts.setdefault(leaf.fact, []).extend(["", *sorted(binding.bound)])
            elif isinstance(leaf, PriorTherapy):
                uses += _uses(leaf, binding)
            else:
                assert isinstance(leaf, Review)
    names = list(facts)
    for use in dict.fromkeys(uses):
        for values in itertools.product(*(dict.fromkeys([*facts[it], "?"]) for it in names)):
            told = [f"{name}={value}" for name, value in zip(names, values, strict=True)]
            yield "; ".join([*([f"use={use}"] if use else []), *told])


def _values(leaf: FactLeaf) -> list[str]:
    values = _plain_values(leaf)
    if leaf.within_days is None:
        return values
    ages = (leaf.within_days - 1, leaf.within_days, leaf.within_days + 1, 10 * leaf.within_days)
    return [*values, *(f"{value}@{days}" for value in values for days in ages)]


def _plain_values(leaf: FactLeaf) -> list[str]:
    definition = shipped().facts[leaf.fact]
    if definition.type == "boolean":
        return ["no", "yes"]
    if definition.type in {"number", "integer"}:
        if not isinstance(leaf.value, int | float):
            return ["1"]
        step = _step(leaf.fact, leaf.value)
        return [f"{it:g}" for it in (leaf.value, leaf.value - step, leaf.value + step)]
    words = leaf.value if isinstance(leaf.value, tuple) else (leaf.value,)
    if definition.type == "set":
        return ["", *(str(it) for it in words)]
    return list(dict.fromkeys([*(str(it) for it in words if it is not None), *definition.values]))


def _uses(leaf: PriorTherapy, binding: Binding) -> list[str]:
    agents = sorted(binding.bound) if leaf.is_component else list(leaf.agents)
    if leaf.classes:
        classes = shipped().rules.classes
        agents += [it for it in sorted(classes) if classes[it] & frozenset(leaf.classes)][:1]
    months = [12.0]
    for limit in (leaf.min_months_since, leaf.max_months_since):
        if limit is not None:
            months += [limit - 0.5, limit + 0.5, 1]
    return [
        f"{agent}:{outcome}:{setting}:{since:g}"
        for agent in agents
        for setting in ("metastatic", "adjuvant")
        for outcome in ("progression", "toxicity", "completed", "unknown", "ongoing")
        for since in months
    ]


def missing_rows() -> Iterator[Row]:
    """Rows that would let the table notice what it does not notice yet, and one for each criterion without a row."""
    rows = read_table() if TABLE.exists() else []
    for criterion in shipped().criteria.values():
        mine = [it for it in rows if it.criterion == criterion.id]
        carried = _first_carrier(criterion.id)
        if carried is None:
            continue
        regimen, binding = carried
        removed = msgspec.structs.replace(criterion, steps=())
        for changed in (removed, *(it for _, it in mutants(criterion))):
            if changed is removed:
                if mine:
                    continue
                given: str | None = next(
                    (it for it in _givens(criterion, binding) if judged(criterion, binding.bound, it)[1] != "-"), None
                )
            else:
                if noticed(criterion, changed, mine):
                    continue
                given = drawn(criterion, changed, binding)
            if given is not None:
                outcome, effect = judged(criterion, binding.bound, given)
                drug = ",".join(sorted(binding.bound)) or "-"
                row = Row(str(criterion.id), regimen, drug, given, outcome, effect)
                mine.append(row)
                yield row


def _first_carrier(criterion: CriterionId) -> tuple[str, Binding] | None:
    for rules in shipped().rules.regimens:
        found = [it for it in bindings_of(criterion, rules.regimen.id) if len(it.bound) <= 1]
        if found:
            return str(rules.regimen.id), found[0]
    return None


if __name__ == "__main__":
    for found in missing_rows():
        print(found)  # noqa: T201 - the list is what this is run for
